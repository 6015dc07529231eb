// Package rpc is the wire side of the service: it decodes requests, calls the nouns and encodes their answers.
package rpc

import (
	"context"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/profile/internal/profile"
)

// Profiles serves supergame.profile.v1.ProfileService.
type Profiles struct {
	*Handles
	profiles *profile.Profiles
}

// NewProfiles returns the server of two nouns.
func NewProfiles(profiles *profile.Profiles, handles *Handles) *Profiles {
	return &Profiles{profiles: profiles, Handles: handles}
}

// GetProfile returns one profile.
func (s *Profiles) GetProfile(ctx context.Context, r *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
	player, err := s.profiles.Get(ctx, caller(ctx), r.GetPlayerId(), view(r.GetView()))
	if err != nil {
		return nil, err
	}
	return &profilev1.GetProfileResponse{Profile: encodePlayer(player)}, nil
}

// BatchGetProfiles returns several.
func (s *Profiles) BatchGetProfiles(ctx context.Context, r *profilev1.BatchGetProfilesRequest) (*profilev1.BatchGetProfilesResponse, error) {
	found, missing, err := s.profiles.GetMany(ctx, r.GetPlayerIds())
	if err != nil {
		return nil, err
	}
	return &profilev1.BatchGetProfilesResponse{Profiles: encodeProfiles(found), MissingPlayerIds: missing}, nil
}

// UpdateProfile changes one.
func (s *Profiles) UpdateProfile(ctx context.Context, r *profilev1.UpdateProfileRequest) (*profilev1.UpdateProfileResponse, error) {
	update := profile.Update{Player: decodePlayer(r.GetProfile()), Mask: r.GetUpdateMask().GetPaths(), RequestID: r.GetRequestId()}
	player, err := s.profiles.Update(ctx, caller(ctx), update)
	if err != nil {
		return nil, err
	}
	return &profilev1.UpdateProfileResponse{Profile: encodePlayer(player)}, nil
}

// EnsureProfile creates one.
func (s *Profiles) EnsureProfile(ctx context.Context, r *profilev1.EnsureProfileRequest) (*profilev1.EnsureProfileResponse, error) {
	created, err := s.profiles.Ensure(ctx, r.GetPlayerId())
	if err != nil {
		return nil, err
	}
	return &profilev1.EnsureProfileResponse{Created: created}, nil
}

func caller(ctx context.Context) profile.Caller {
	c := auth.CallerFrom(ctx)
	return profile.Caller{Subject: c.Subject, Player: c.Role == auth.RolePlayer, Operator: c.Role == auth.RoleOperator}
}
