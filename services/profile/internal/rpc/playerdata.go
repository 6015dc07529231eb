package rpc

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/playerdata"
)

// PlayerData serves supergame.profile.v1.PlayerDataService.
type PlayerData struct {
	profilev1.UnimplementedPlayerDataServiceServer
	data *playerdata.Service
}

// NewPlayerData returns the server of a noun.
func NewPlayerData(data *playerdata.Service) *PlayerData { return &PlayerData{data: data} }

// ErasePlayer deletes everything of a player.
func (s *PlayerData) ErasePlayer(ctx context.Context, r *profilev1.ErasePlayerRequest) (*profilev1.ErasePlayerResponse, error) {
	erasure, err := s.data.Erase(ctx, r.GetPlayerId())
	if err != nil {
		return nil, err
	}
	return &profilev1.ErasePlayerResponse{Done: erasure.Done, Deleted: erasure.Deleted, Containers: erasure.Containers}, nil
}

// PlayerChanged has nothing to do: it is this service that tells the others.
func (s *PlayerData) PlayerChanged(context.Context, *profilev1.PlayerChangedRequest) (*profilev1.PlayerChangedResponse, error) {
	return &profilev1.PlayerChangedResponse{}, nil
}

// ExportPlayer streams everything of a player.
func (s *PlayerData) ExportPlayer(r *profilev1.ExportPlayerRequest, stream grpc.ServerStreamingServer[profilev1.ExportPlayerResponse]) error {
	return s.data.Export(stream.Context(), r.GetPlayerId(), r.GetResumeToken(), func(part playerdata.Part) error {
		response, err := encodePart(part)
		if err != nil {
			return err
		}
		return stream.Send(response)
	})
}

func encodePart(part playerdata.Part) (*profilev1.ExportPlayerResponse, error) {
	response := &profilev1.ExportPlayerResponse{ResumeToken: part.ResumeToken}
	if summary := part.Summary; summary != nil {
		response.Part = &profilev1.ExportPlayerResponse_Summary{Summary: &profilev1.ExportSummary{
			AsOfTime: timestamppb.New(summary.AsOf), Documents: summary.Documents,
		}}
		return response, nil
	}
	content, err := structpb.NewStruct(part.Document.Content)
	if err != nil {
		return nil, err
	}
	response.Part = &profilev1.ExportPlayerResponse_Document{Document: &profilev1.ExportedDocument{
		Container: part.Container, Id: part.Document.ID, Content: content,
	}}
	return response, nil
}
