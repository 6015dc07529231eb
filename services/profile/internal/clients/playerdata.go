// Package clients is the other services, behind the interfaces that their users declare.
package clients

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/profile/internal/announce"
	"supergame/services/profile/internal/erasure"
	"supergame/services/profile/internal/export"
)

// PlayerData is the PlayerDataService of any service: all of them have the same shape on the wire, which a test compares, so the messages of profile's own do
// for all.
type PlayerData struct {
	service string
	conn    grpc.ClientConnInterface
}

// NewPlayerData calls supergame.<service>.v1.PlayerDataService over conn, which signs in as the service profile and returns faults.
func NewPlayerData(service string, conn grpc.ClientConnInterface) *PlayerData {
	return &PlayerData{service: service, conn: conn}
}

// Name is the name of the service.
func (p *PlayerData) Name() string { return p.service }

func (p *PlayerData) method(name string) string {
	return "/supergame." + p.service + ".v1.PlayerDataService/" + name
}

// eraseWithin is how long one call of ErasePlayer may take; what is left then is for the next.
const eraseWithin = 20 * time.Second

// Erase calls ErasePlayer once.
func (p *PlayerData) Erase(ctx context.Context, playerID string) (erasure.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, eraseWithin)
	defer cancel()
	response := &profilev1.ErasePlayerResponse{}
	if err := p.conn.Invoke(ctx, p.method("ErasePlayer"), &profilev1.ErasePlayerRequest{PlayerId: playerID}, response); err != nil {
		return erasure.Result{}, err
	}
	result := erasure.Result{Done: response.GetDone(), Deleted: response.GetDeleted(), Containers: response.GetContainers()}
	for container, until := range response.GetTombstones() {
		if result.Tombstones == nil {
			result.Tombstones = map[string]time.Time{}
		}
		result.Tombstones[container] = until.AsTime()
	}
	return result, nil
}

// Changed calls PlayerChanged once.
func (p *PlayerData) Changed(ctx context.Context, state announce.Outbox) error {
	return p.conn.Invoke(ctx, p.method("PlayerChanged"), &profilev1.PlayerChangedRequest{
		PlayerId: state.PlayerID, Version: state.Version, Country: state.Country, Suspended: state.Suspended,
	}, &profilev1.PlayerChangedResponse{})
}

// Export receives the stream of ExportPlayer.
func (p *PlayerData) Export(ctx context.Context, playerID, resumeToken string, send func(export.Part) error) error {
	ctx, cancel := context.WithCancel(ctx) // ends the stream when send fails
	defer cancel()
	raw, err := p.conn.NewStream(ctx, &grpc.StreamDesc{StreamName: "ExportPlayer", ServerStreams: true}, p.method("ExportPlayer"))
	if err != nil {
		return err
	}
	stream := &grpc.GenericClientStream[profilev1.ExportPlayerRequest, profilev1.ExportPlayerResponse]{ClientStream: raw}
	// A refusal of the request comes with the first answer.
	if err := stream.SendMsg(&profilev1.ExportPlayerRequest{PlayerId: playerID, ResumeToken: resumeToken}); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := send(decodePart(response)); err != nil {
			return err
		}
	}
}

func decodePart(r *profilev1.ExportPlayerResponse) export.Part {
	part := export.Part{ResumeToken: r.GetResumeToken()}
	if summary := r.GetSummary(); summary != nil {
		part.Summary = &export.Summary{AsOf: summary.GetAsOfTime().AsTime(), Documents: summary.GetDocuments()}
		return part
	}
	document := r.GetDocument()
	part.Container, part.ID, part.Content = document.GetContainer(), document.GetId(), document.GetContent().AsMap()
	return part
}

// Identity is the identity service as an erasure needs it.
type Identity struct {
	client identityv1.IdentityServiceClient
}

// NewIdentity calls over conn, which signs in as the service profile and returns faults.
func NewIdentity(conn grpc.ClientConnInterface) *Identity {
	return &Identity{client: identityv1.NewIdentityServiceClient(conn)}
}

// Revoke calls RevokePlayer.
func (i *Identity) Revoke(ctx context.Context, playerID string) error {
	_, err := i.client.RevokePlayer(ctx, &identityv1.RevokePlayerRequest{PlayerId: playerID})
	return err
}
