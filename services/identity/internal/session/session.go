// Package session keeps players signed in: it exchanges refresh tokens and ends sessions.
package session

import (
	"context"
	"log/slog"
	"time"

	"supergame/services/identity/internal/player"
	"supergame/services/platform/fault"
)

// Session is what a client keeps while it is signed in.
type Session struct {
	PlayerID      string
	AccessToken   string
	AccessExpire  time.Time
	RefreshToken  string
	RefreshExpire time.Time
}

// AccessTokens issues access tokens of players.
type AccessTokens interface {
	// IssuePlayer gives a token of role player and when it ends. Unavailable while no signing key is known.
	IssuePlayer(playerID, sid string) (token string, expire time.Time, err error)
}

// Standings says who must not sign in. It answers from memory and may be some seconds late.
type Standings interface {
	// Suspended gives PermissionDenied (PLAYER_SUSPENDED) for a suspended player, else nil.
	Suspended(playerID string) error
	Erased(playerID string) bool
}

// Revocations ends access tokens before their time. Both calls are safe to repeat.
type Revocations interface {
	EndSession(ctx context.Context, sid string) error
	Erase(ctx context.Context, playerID string) error
}

// Sessions refreshes and ends sessions.
type Sessions struct {
	Players     player.Store
	Standings   Standings
	Revocations Revocations
	Access      AccessTokens
	Tokens      player.Tokens
	Life        time.Duration // of a refresh token that is not used
	Now         func() time.Time
	Log         *slog.Logger
}

// Check refuses players who must not have a session: PermissionDenied (PLAYER_SUSPENDED), NotFound once erased.
func (s *Sessions) Check(playerID string) error {
	if s.Standings.Erased(playerID) {
		return player.NotFound(playerID)
	}
	return s.Standings.Suspended(playerID)
}

// Grant gives the tokens of a family as it is now.
func (s *Sessions) Grant(playerID string, f player.Family) (Session, error) {
	access, expire, err := s.Access.IssuePlayer(playerID, f.ID)
	if err != nil {
		return Session{}, err
	}
	return Session{
		PlayerID:    playerID,
		AccessToken: access, AccessExpire: expire,
		RefreshToken:  s.Tokens.Format(player.RefreshToken{PlayerID: playerID, Family: f.ID, N: f.N}),
		RefreshExpire: f.ExpireTime,
	}, nil
}

// Refresh exchanges a refresh token for its successor. A token that was used before, but for the last one within
// player.RepeatWindow, ends the session: somebody has a copy of it.
func (s *Sessions) Refresh(ctx context.Context, refreshToken string) (Session, error) {
	token, err := s.Tokens.Parse(refreshToken)
	if err != nil {
		return Session{}, err
	}
	if err := s.Check(token.PlayerID); err != nil {
		return Session{}, err
	}
	var outcome player.Outcome
	var family player.Family
	revoked := false
	err = s.Players.Update(ctx, token.PlayerID, func(p *player.Player) (changed bool) {
		var f *player.Family
		outcome, f, changed = p.Refresh(token.Family, token.N, s.Now(), s.Life)
		if f != nil {
			family = *f
		}
		revoked = p.Revoked
		return changed
	})
	if err != nil {
		return Session{}, err
	}
	if revoked {
		return Session{}, player.NotFound(token.PlayerID)
	}
	return s.answer(ctx, token, outcome, family)
}

func (s *Sessions) answer(ctx context.Context, token player.RefreshToken, outcome player.Outcome, f player.Family) (Session, error) {
	switch outcome {
	case player.Rotated, player.Repeated:
		return s.Grant(token.PlayerID, f)
	case player.Stolen, player.Ended, player.Unknown:
		if outcome == player.Stolen {
			s.Log.WarnContext(ctx, "refresh token reused: the session ends", "player_id", token.PlayerID, "sid", f.ID, "token", token.N, "current", f.N)
		}
		// Also for a session that ended before, as the call that ended it may not have come this far.
		if err := s.endAccess(ctx, f); err != nil {
			return Session{}, err
		}
		return Session{}, player.RefreshRefused("the session is over")
	default:
		return Session{}, player.RefreshRefused("expired")
	}
}

func (s *Sessions) endAccess(ctx context.Context, f player.Family) error {
	if s.Now().Sub(f.EndTime) >= player.EndedWindow {
		return nil // no access token of it is left
	}
	return s.Revocations.EndSession(ctx, f.ID)
}

// SignOut ends the session of a refresh token, and then its access tokens: the revocation of a session lasts as long as a token that was
// given out before it, so no other may follow.
func (s *Sessions) SignOut(ctx context.Context, refreshToken string) error {
	token, err := s.Tokens.Parse(refreshToken)
	if err != nil {
		return err
	}
	err = s.Players.Update(ctx, token.PlayerID, func(p *player.Player) bool { return p.End(token.Family, s.Now()) })
	if fault.Is(err, fault.NotFound) {
		return nil // an erased player is signed out everywhere
	}
	if err != nil {
		return err
	}
	return s.Revocations.EndSession(ctx, token.Family)
}

// RevokePlayer ends every session of a player for good and lets none open again, as the first step of his erasure. Safe to repeat,
// also when nothing of him is left.
func (s *Sessions) RevokePlayer(ctx context.Context, playerID string) error {
	if err := s.Revocations.Erase(ctx, playerID); err != nil {
		return err
	}
	err := s.Players.Update(ctx, playerID, (*player.Player).Revoke)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
