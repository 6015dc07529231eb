// Package clients is the world outside identity, behind the interfaces that its users declare: the profile service and OpenID Connect
// providers.
package clients

import (
	"context"

	"google.golang.org/grpc"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
)

// Profiles is the profile service as sign-in needs it.
type Profiles struct {
	client profilev1.ProfileServiceClient
}

// NewProfiles calls over conn, which signs in as the service identity and returns faults.
func NewProfiles(conn grpc.ClientConnInterface) *Profiles {
	return &Profiles{client: profilev1.NewProfileServiceClient(conn)}
}

// Ensure calls EnsureProfile.
func (p *Profiles) Ensure(ctx context.Context, playerID string) error {
	_, err := p.client.EnsureProfile(ctx, &profilev1.EnsureProfileRequest{PlayerId: playerID})
	return err
}
