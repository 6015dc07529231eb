package rpc

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/platform/playerdata"
)

// PlayerData serves supergame.identity.v1.PlayerDataService.
type PlayerData struct {
	identityv1.UnimplementedPlayerDataServiceServer
	data *playerdata.Service
}

// NewPlayerData returns the server of a noun.
func NewPlayerData(data *playerdata.Service) *PlayerData { return &PlayerData{data: data} }

// ErasePlayer deletes everything of a player.
func (s *PlayerData) ErasePlayer(ctx context.Context, r *identityv1.ErasePlayerRequest) (*identityv1.ErasePlayerResponse, error) {
	erasure, err := s.data.Erase(ctx, r.GetPlayerId())
	if err != nil {
		return nil, err
	}
	return &identityv1.ErasePlayerResponse{Done: erasure.Done, Deleted: erasure.Deleted, Containers: erasure.Containers}, nil
}

// PlayerChanged has nothing to do: copies of what others decide are not kept here.
func (s *PlayerData) PlayerChanged(context.Context, *identityv1.PlayerChangedRequest) (*identityv1.PlayerChangedResponse, error) {
	return &identityv1.PlayerChangedResponse{}, nil
}

// ExportPlayer streams everything of a player.
func (s *PlayerData) ExportPlayer(r *identityv1.ExportPlayerRequest, stream grpc.ServerStreamingServer[identityv1.ExportPlayerResponse]) error {
	return s.data.Export(stream.Context(), r.GetPlayerId(), r.GetResumeToken(), func(part playerdata.Part) error {
		response, err := encodePart(part)
		if err != nil {
			return err
		}
		return stream.Send(response)
	})
}

func encodePart(part playerdata.Part) (*identityv1.ExportPlayerResponse, error) {
	response := &identityv1.ExportPlayerResponse{ResumeToken: part.ResumeToken}
	if summary := part.Summary; summary != nil {
		response.Part = &identityv1.ExportPlayerResponse_Summary{Summary: &identityv1.ExportSummary{
			AsOfTime: timestamppb.New(summary.AsOf), Documents: summary.Documents,
		}}
		return response, nil
	}
	content, err := structpb.NewStruct(part.Document.Content)
	if err != nil {
		return nil, err
	}
	response.Part = &identityv1.ExportPlayerResponse_Document{Document: &identityv1.ExportedDocument{
		Container: part.Container, Id: part.Document.ID, Content: content,
	}}
	return response, nil
}
