package rpc

import (
	"context"
	"errors"

	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/identity/internal/link"
	"supergame/services/identity/internal/player"
	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
)

// LinkIdentity makes one more credential lead to the caller.
func (s *Identity) LinkIdentity(ctx context.Context, r *identityv1.LinkIdentityRequest) (*identityv1.LinkIdentityResponse, error) {
	subject, err := s.subject(ctx, r)
	if err != nil {
		return nil, err
	}
	caller := auth.CallerFrom(ctx)
	linked, err := s.nouns.Links.Link(ctx, caller.PlayerID(), subject, request(caller, r.GetRequestId(), "link", subject.ID()))
	if err != nil {
		return nil, encodeTaken(err)
	}
	return &identityv1.LinkIdentityResponse{Identity: encodeLink(linked)}, nil
}

// UnlinkIdentity takes a credential off its player.
func (s *Identity) UnlinkIdentity(ctx context.Context, r *identityv1.UnlinkIdentityRequest) (*identityv1.UnlinkIdentityResponse, error) {
	caller := auth.CallerFrom(ctx)
	playerID, err := whose(caller, r.GetPlayerId())
	if err != nil {
		return nil, err
	}
	err = s.nouns.Links.Unlink(ctx, playerID, r.GetIdentityId(), request(caller, r.GetRequestId(), "unlink", r.GetIdentityId()))
	if err != nil {
		return nil, err
	}
	return &identityv1.UnlinkIdentityResponse{}, nil
}

// ListIdentities lists a player's credentials.
func (s *Identity) ListIdentities(ctx context.Context, r *identityv1.ListIdentitiesRequest) (*identityv1.ListIdentitiesResponse, error) {
	playerID, err := whose(auth.CallerFrom(ctx), r.GetPlayerId())
	if err != nil {
		return nil, err
	}
	links, err := s.nouns.Links.List(ctx, playerID)
	if err != nil {
		return nil, err
	}
	response := &identityv1.ListIdentitiesResponse{}
	for _, l := range links {
		response.Identities = append(response.Identities, encodeLink(l))
	}
	return response, nil
}

// ResolveLink decides who keeps a credential.
func (s *Identity) ResolveLink(ctx context.Context, r *identityv1.ResolveLinkRequest) (*identityv1.ResolveLinkResponse, error) {
	caller := auth.CallerFrom(ctx).PlayerID()
	kept, err := s.nouns.Links.Resolve(ctx, caller, r.GetResolveToken(), r.GetKeepPlayerId(), r.GetAcknowledgeLast())
	if err != nil {
		return nil, err
	}
	return &identityv1.ResolveLinkResponse{PlayerId: r.GetKeepPlayerId(), Identity: encodeLink(kept)}, nil
}

// whose gives the player that a request is about: the caller himself where it names none, anybody for operators.
func whose(caller auth.Caller, named string) (string, error) {
	switch {
	case named == "" && caller.PlayerID() == "":
		return "", fault.Invalid("player_id", "is empty, and the caller is not a player")
	case named == "" || named == caller.PlayerID():
		return caller.PlayerID(), nil
	case caller.Role != auth.RoleOperator:
		return "", fault.New(fault.PermissionDenied, "NOT_YOUR_PLAYER", "the credentials of another player are not yours to see or to change")
	}
	return named, nil
}

func request(caller auth.Caller, id, verb, content string) player.Request {
	return player.Request{Caller: string(caller.Role) + ":" + caller.Subject, ID: id, Asks: verb + "\x00" + content}
}

// encodeTaken gives the error its message for the caller.
func encodeTaken(err error) error {
	var taken *link.Taken
	if !errors.As(err, &taken) {
		return err
	}
	return fault.New(fault.AlreadyExists, "IDENTITY_TAKEN", "%s", taken.Error()).WithDetail(&identityv1.IdentityTaken{
		Caller: encodeProfile(taken.Caller), Owner: encodeProfile(taken.Owner), ResolveToken: taken.Token, ExpireTime: timestamppb.New(taken.ExpireTime),
	})
}

func encodeProfile(p link.Profile) *profilev1.Profile {
	encoded := &profilev1.Profile{PlayerId: p.PlayerID, DisplayName: p.DisplayName, Avatar: p.Avatar, Country: p.Country}
	if !p.JoinTime.IsZero() {
		encoded.JoinTime = timestamppb.New(p.JoinTime)
	}
	return encoded
}

func encodeLink(l player.Link) *identityv1.LinkedIdentity {
	return &identityv1.LinkedIdentity{IdentityId: l.IdentityID, Provider: l.Provider, LinkTime: timestamppb.New(l.Time)}
}
