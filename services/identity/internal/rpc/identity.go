// Package rpc is the wire side of the service: it decodes requests, calls the nouns and encodes their answers.
package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/credential"
	"supergame/services/identity/internal/link"
	"supergame/services/identity/internal/program"
	"supergame/services/identity/internal/revocation"
	"supergame/services/identity/internal/session"
	"supergame/services/identity/internal/signin"
	"supergame/services/identity/internal/signing"
	"supergame/services/identity/internal/suspension"
	"supergame/services/platform/auth"
)

// Keys are the signing keys.
type Keys interface {
	Published(ctx context.Context) ([]signing.Key, error)
}

// Nouns are what the RPCs call.
type Nouns struct {
	Providers   *credential.Providers
	SignIn      *signin.SignIn
	Sessions    *session.Sessions
	Links       *link.Links
	Suspensions *suspension.Suspensions
	Programs    *program.Programs
	Revocations *revocation.Revocations
	Keys        Keys
}

// Identity serves supergame.identity.v1.IdentityService.
type Identity struct {
	identityv1.UnimplementedIdentityServiceServer
	nouns Nouns
}

// NewIdentity returns the server of the nouns.
func NewIdentity(nouns Nouns) *Identity { return &Identity{nouns: nouns} }

// SignIn exchanges a credential for a session.
func (s *Identity) SignIn(ctx context.Context, r *identityv1.SignInRequest) (*identityv1.SignInResponse, error) {
	subject, err := s.subject(ctx, r)
	if err != nil {
		return nil, err
	}
	result, err := s.nouns.SignIn.Do(ctx, subject, r.GetRequestId())
	if err != nil {
		return nil, err
	}
	return &identityv1.SignInResponse{PlayerId: result.Session.PlayerID, Created: result.Created, Session: encodeSession(result.Session)}, nil
}

// credentials is what the requests that carry a player's credential have in common.
type credentials interface {
	GetDevice() *identityv1.DeviceCredential
	GetOidc() *identityv1.OidcCredential
	GetPlayfab() *identityv1.PlayFabCredential
	GetSteam() *identityv1.SteamCredential
	GetPlayGames() *identityv1.PlayGamesCredential
	GetXbox() *identityv1.XboxCredential
}

func (s *Identity) subject(ctx context.Context, r credentials) (credential.Subject, error) {
	providers := s.nouns.Providers
	switch {
	case r.GetOidc() != nil:
		return providers.VerifyOIDC(ctx, r.GetOidc().GetProvider(), r.GetOidc().GetIdToken(), r.GetOidc().GetNonce())
	case r.GetPlayfab() != nil:
		return providers.VerifyTicket(ctx, credential.PlayFab, r.GetPlayfab().GetEntityToken())
	case r.GetSteam() != nil:
		return providers.VerifyTicket(ctx, credential.Steam, r.GetSteam().GetTicket())
	case r.GetPlayGames() != nil:
		return providers.VerifyTicket(ctx, credential.PlayGames, r.GetPlayGames().GetServerAuthCode())
	case r.GetXbox() != nil:
		return providers.VerifyTicket(ctx, credential.Xbox, r.GetXbox().GetToken())
	}
	return providers.VerifyDevice(r.GetDevice().GetDeviceId())
}

// SignInClient exchanges the credential of a program for an access token.
func (s *Identity) SignInClient(ctx context.Context, r *identityv1.SignInClientRequest) (*identityv1.SignInClientResponse, error) {
	granted, err := s.program(ctx, r)
	if err != nil {
		return nil, err
	}
	return &identityv1.SignInClientResponse{
		ClientId: granted.Program.Name, Role: auth.Role(granted.Program.Role).Proto(), AccessToken: granted.Token,
		AccessTokenExpireTime: timestamppb.New(granted.Expire),
	}, nil
}

func (s *Identity) program(ctx context.Context, r *identityv1.SignInClientRequest) (program.Granted, error) {
	if workload := r.GetWorkload(); workload != nil {
		return s.nouns.Programs.SignInWorkload(ctx, workload.GetToken())
	}
	return s.nouns.Programs.SignInKey(r.GetClientKey().GetClientId(), r.GetClientKey().GetClientKey())
}

// RefreshSession exchanges a refresh token.
func (s *Identity) RefreshSession(ctx context.Context, r *identityv1.RefreshSessionRequest) (*identityv1.RefreshSessionResponse, error) {
	next, err := s.nouns.Sessions.Refresh(ctx, r.GetRefreshToken())
	if err != nil {
		return nil, err
	}
	return &identityv1.RefreshSessionResponse{PlayerId: next.PlayerID, Session: encodeSession(next)}, nil
}

// SignOut ends a session.
func (s *Identity) SignOut(ctx context.Context, r *identityv1.SignOutRequest) (*identityv1.SignOutResponse, error) {
	if err := s.nouns.Sessions.SignOut(ctx, r.GetRefreshToken()); err != nil {
		return nil, err
	}
	return &identityv1.SignOutResponse{}, nil
}

// RevokePlayer ends every session of a player.
func (s *Identity) RevokePlayer(ctx context.Context, r *identityv1.RevokePlayerRequest) (*identityv1.RevokePlayerResponse, error) {
	if err := s.nouns.Sessions.RevokePlayer(ctx, r.GetPlayerId()); err != nil {
		return nil, err
	}
	return &identityv1.RevokePlayerResponse{}, nil
}

// ListRevocations lists what ended before its time.
func (s *Identity) ListRevocations(ctx context.Context, r *identityv1.ListRevocationsRequest) (*identityv1.ListRevocationsResponse, error) {
	page, err := s.nouns.Revocations.List(ctx, r.GetCursor())
	if err != nil {
		return nil, err
	}
	response := &identityv1.ListRevocationsResponse{NextCursor: page.Cursor, More: page.More}
	for _, row := range page.Rows {
		response.Revocations = append(response.Revocations, encodeRevocation(row))
	}
	return response, nil
}

var kinds = map[revocation.Kind]identityv1.Revocation_Kind{
	revocation.Session:    identityv1.Revocation_KIND_SESSION,
	revocation.Suspension: identityv1.Revocation_KIND_SUSPENSION,
	revocation.Erasure:    identityv1.Revocation_KIND_ERASURE,
}

func encodeRevocation(r revocation.Row) *identityv1.Revocation {
	encoded := &identityv1.Revocation{Kind: kinds[r.Kind], Id: r.Target, Lifted: r.Lifted}
	if !r.ExpireTime.IsZero() {
		encoded.ExpireTime = timestamppb.New(r.ExpireTime)
	}
	return encoded
}

func encodeSession(s session.Session) *identityv1.Session {
	return &identityv1.Session{
		AccessToken: s.AccessToken, AccessTokenExpireTime: timestamppb.New(s.AccessExpire),
		RefreshToken: s.RefreshToken, RefreshTokenExpireTime: timestamppb.New(s.RefreshExpire),
	}
}
