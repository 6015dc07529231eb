// Package clients is the world outside identity, behind the interfaces that its users declare: the profile service and OpenID Connect
// providers.
package clients

import (
	"context"

	"google.golang.org/grpc"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/identity/internal/link"
	"supergame/services/platform/fault"
)

// Profiles is the profile service as identity needs it.
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

// Public calls BatchGetProfiles.
func (p *Profiles) Public(ctx context.Context, playerIDs ...string) (map[string]link.Profile, error) {
	response, err := p.client.BatchGetProfiles(ctx, &profilev1.BatchGetProfilesRequest{PlayerIds: playerIDs})
	if err != nil {
		return nil, err
	}
	profiles := map[string]link.Profile{}
	for _, found := range response.GetProfiles() {
		profile := link.Profile{
			PlayerID: found.GetPlayerId(), DisplayName: found.GetDisplayName(), Avatar: found.GetAvatar(), Country: found.GetCountry(),
		}
		if joined := found.GetJoinTime(); joined != nil {
			profile.JoinTime = joined.AsTime()
		}
		profiles[profile.PlayerID] = profile
	}
	return profiles, nil
}

// SetSuspension calls SetSuspension once. Nobody there is no error: known is false.
func (p *Profiles) SetSuspension(ctx context.Context, playerID string, suspended bool, version int64) (done, known bool, err error) {
	response, err := p.client.SetSuspension(ctx, &profilev1.SetSuspensionRequest{PlayerId: playerID, Suspended: suspended, Version: version})
	if fault.Is(err, fault.NotFound) {
		return false, false, nil
	}
	return response.GetDone(), err == nil, err
}
