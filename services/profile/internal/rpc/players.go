package rpc

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/announce"
	"supergame/services/profile/internal/profile"
)

// ProfileService serves supergame.profile.v1.ProfileService: one part for each noun.
type ProfileService struct {
	*Profiles
	*Players
	*Deletions
	*Exports
}

// Players serves what operators list and identity suspends.
type Players struct {
	lists       *profile.Lists
	suspensions *announce.Announcer
}

// NewPlayers returns the server of two nouns.
func NewPlayers(lists *profile.Lists, suspensions *announce.Announcer) *Players {
	return &Players{lists: lists, suspensions: suspensions}
}

// SetSuspension stores and passes on whether a player is suspended.
func (s *Players) SetSuspension(ctx context.Context, r *profilev1.SetSuspensionRequest) (*profilev1.SetSuspensionResponse, error) {
	done, err := s.suspensions.SetSuspension(ctx, r.GetPlayerId(), r.GetSuspended(), r.GetVersion())
	if err != nil {
		return nil, err
	}
	return &profilev1.SetSuspensionResponse{Done: done}, nil
}

// ListPlayers returns a page of players.
func (s *Players) ListPlayers(ctx context.Context, r *profilev1.ListPlayersRequest) (*profilev1.ListPlayersResponse, error) {
	from, err := optionalTime("joined_from", r.GetJoinedFrom())
	if err != nil {
		return nil, err
	}
	before, err := optionalTime("joined_before", r.GetJoinedBefore())
	if err != nil {
		return nil, err
	}
	filter := profile.Filter{
		Active: r.GetState() == profilev1.ListPlayersRequest_STATE_ACTIVE, Suspended: r.GetState() == profilev1.ListPlayersRequest_STATE_SUSPENDED,
		JoinedFrom: from, JoinedBefore: before, Country: r.GetCountry(),
	}
	list, next, err := s.lists.List(ctx, filter, int(r.GetPageSize()), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	response := &profilev1.ListPlayersResponse{NextPageToken: next}
	for _, p := range list {
		response.Players = append(response.Players, &profilev1.ListPlayersResponse_ListedPlayer{
			PlayerId: p.PlayerID, DisplayName: p.DisplayName, Country: p.Country, Suspended: p.Suspended, JoinTime: timestamppb.New(p.JoinTime),
		})
	}
	return response, nil
}

// optionalTime reads a time that may be unset. One that no calendar has is the caller's mistake.
func optionalTime(field string, t *timestamppb.Timestamp) (time.Time, error) {
	if t == nil {
		return time.Time{}, nil
	}
	if err := t.CheckValid(); err != nil {
		return time.Time{}, fault.Invalid(field, "is not a time").Because(err)
	}
	return t.AsTime(), nil
}
