package rpc

import (
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/profile/internal/export"
)

// Exports serves the export of players in supergame.profile.v1.ProfileService.
type Exports struct {
	exports *export.Exports
}

// NewExports returns the server of a noun.
func NewExports(exports *export.Exports) *Exports { return &Exports{exports: exports} }

// ExportPlayer streams everything of a player.
func (s *Exports) ExportPlayer(
	r *profilev1.ProfileServiceExportPlayerRequest, stream grpc.ServerStreamingServer[profilev1.ProfileServiceExportPlayerResponse],
) error {
	c := auth.CallerFrom(stream.Context())
	caller := export.Caller{Subject: c.Subject, Player: c.Role == auth.RolePlayer}
	return s.exports.Export(stream.Context(), caller, r.GetPlayerId(), r.GetResumeToken(), func(piece export.Piece) error {
		response, err := encodePiece(piece)
		if err != nil {
			return err
		}
		return stream.Send(response)
	})
}

func encodePiece(p export.Piece) (*profilev1.ProfileServiceExportPlayerResponse, error) {
	response := &profilev1.ProfileServiceExportPlayerResponse{ResumeToken: p.ResumeToken}
	switch {
	case p.Document != nil:
		content, err := structpb.NewStruct(p.Document.Content)
		if err != nil {
			return nil, err
		}
		response.Part = &profilev1.ProfileServiceExportPlayerResponse_Document{Document: &profilev1.ProfileServiceExportPlayerResponse_PlayerDocument{
			Service: p.Service, Container: p.Document.Container, Id: p.Document.ID, Content: content,
		}}
	case p.Summary != nil:
		response.Part = &profilev1.ProfileServiceExportPlayerResponse_ServiceSummary_{ServiceSummary: encodeSummary(*p.Summary)}
	default:
		all := &profilev1.ProfileServiceExportPlayerResponse_PlayerSummary{}
		for _, summary := range p.All {
			all.Services = append(all.Services, encodeSummary(summary))
			for _, n := range summary.Documents {
				all.Documents += n
			}
		}
		response.Part = &profilev1.ProfileServiceExportPlayerResponse_Summary{Summary: all}
	}
	return response, nil
}

func encodeSummary(s export.Summary) *profilev1.ProfileServiceExportPlayerResponse_ServiceSummary {
	return &profilev1.ProfileServiceExportPlayerResponse_ServiceSummary{
		Service: s.Service, AsOfTime: timestamppb.New(s.AsOf), Documents: s.Documents,
	}
}
