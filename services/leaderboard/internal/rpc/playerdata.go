package rpc

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	"supergame/services/leaderboard/internal/erasure"
	"supergame/services/platform/playerdata"
)

// PlayerData serves supergame.leaderboard.v1.PlayerDataService.
type PlayerData struct {
	leaderboardv1.UnimplementedPlayerDataServiceServer
	*PlayerChanges
	Eraser *erasure.Eraser
	Data   *playerdata.Service // for exports

	Entries, Archives, Snapshots string // the names of the containers
	TombstoneLife                time.Duration
}

// PlayerChanged takes in a change of a player.
func (s *PlayerData) PlayerChanged(ctx context.Context, r *leaderboardv1.PlayerChangedRequest) (*leaderboardv1.PlayerChangedResponse, error) {
	return s.PlayerChanges.PlayerChanged(ctx, r)
}

// ErasePlayer takes the next step of an erasure.
func (s *PlayerData) ErasePlayer(ctx context.Context, r *leaderboardv1.ErasePlayerRequest) (*leaderboardv1.ErasePlayerResponse, error) {
	result, err := s.Eraser.Erase(ctx, r.GetPlayerId())
	if err != nil {
		return nil, err
	}
	response := &leaderboardv1.ErasePlayerResponse{
		Done: result.Done, Deleted: map[string]int64{}, Containers: []string{s.Entries, s.Archives, s.Snapshots},
		Tombstones: map[string]*timestamppb.Timestamp{s.Entries: timestamppb.New(result.Last.Add(s.TombstoneLife))},
	}
	for container, n := range map[string]int64{s.Entries: result.Entries, s.Archives: result.Rows} {
		if n > 0 {
			response.Deleted[container] = n
		}
	}
	return response, nil
}

// ExportPlayer streams everything of a player.
func (s *PlayerData) ExportPlayer(r *leaderboardv1.ExportPlayerRequest, stream grpc.ServerStreamingServer[leaderboardv1.ExportPlayerResponse]) error {
	return s.Data.Export(stream.Context(), r.GetPlayerId(), r.GetResumeToken(), func(part playerdata.Part) error {
		response, err := encodePart(part)
		if err != nil {
			return err
		}
		return stream.Send(response)
	})
}

func encodePart(part playerdata.Part) (*leaderboardv1.ExportPlayerResponse, error) {
	response := &leaderboardv1.ExportPlayerResponse{ResumeToken: part.ResumeToken}
	if summary := part.Summary; summary != nil {
		response.Part = &leaderboardv1.ExportPlayerResponse_Summary{Summary: &leaderboardv1.ExportSummary{
			AsOfTime: timestamppb.New(summary.AsOf), Documents: summary.Documents,
		}}
		return response, nil
	}
	content, err := structpb.NewStruct(part.Document.Content)
	if err != nil {
		return nil, err
	}
	response.Part = &leaderboardv1.ExportPlayerResponse_Document{Document: &leaderboardv1.ExportedDocument{
		Container: part.Container, Id: part.Document.ID, Content: content,
	}}
	return response, nil
}
