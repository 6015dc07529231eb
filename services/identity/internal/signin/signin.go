// Package signin turns a verified credential into a session and creates the player when the credential is new.
//
// A first sign-in writes in three places, and each step can be the last one before a crash:
//
//  1. identity {player id minted here, pending}   who comes second finds it and uses its player
//  2. player {link to the identity, first session}
//  3. profile, then identity {no longer pending}
//
// The next sign-in with the credential goes on behind the last step that was done. A player is made only for an id minted in the
// same call or still pending, so nothing brings an erased player back.
//
// An identity that its player does not list is what an unlinking left behind that did not come to its end: it leads nowhere, the sign-in deletes
// it and goes on as the first one with this credential.
package signin

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/oklog/ulid/v2"

	"supergame/services/identity/internal/credential"
	"supergame/services/identity/internal/player"
	"supergame/services/identity/internal/session"
	"supergame/services/platform/fault"
)

// Profiles is what sign-in needs of the profile service.
type Profiles interface {
	// Ensure creates the profile of a new player, or does nothing when it is there.
	Ensure(ctx context.Context, playerID string) error
}

// SignIn signs players in.
type SignIn struct {
	Identities player.Identities
	Players    player.Store
	Profiles   Profiles
	Sessions   *session.Sessions
	// Key of the HMAC-SHA256 that names sessions after requests, 32 bytes.
	Key []byte
	Now func() time.Time
}

// Result is a session, and whether this sign-in created the player.
type Result struct {
	Session session.Session
	Created bool
}

// attempts is how often a sign-in begins again because others change the same identity.
const attempts = 4

// Do opens a session of the subject's player. With a request id that was used for the same subject within player.SignInWindow it is
// the same session again.
func (s *SignIn) Do(ctx context.Context, subject credential.Subject, requestID string) (Result, error) {
	for range attempts {
		identity, err := s.identity(ctx, subject, s.Now())
		if err != nil {
			return Result{}, err
		}
		result, elsewhere, err := s.by(ctx, identity, requestID)
		if err != nil || !elsewhere {
			return result, err
		}
		if err := s.release(ctx, identity); err != nil {
			return Result{}, err
		}
	}
	return Result{}, player.Changing(nil)
}

// by opens a session by an identity, or says that it does not lead to the player whom it named when it was read.
func (s *SignIn) by(ctx context.Context, identity player.Identity, requestID string) (result Result, elsewhere bool, err error) {
	now := s.Now()
	if err := s.Sessions.Check(identity.PlayerID); err != nil {
		return Result{}, false, err
	}
	family, elsewhere, err := s.open(ctx, identity, s.familyNames(identity.ID, requestID, now), now)
	if err != nil || elsewhere {
		return Result{}, elsewhere, err
	}
	playerID := identity.PlayerID
	if identity.Pending {
		if identity, err = s.complete(ctx, identity, family.ID); err != nil {
			return Result{}, false, err
		}
		if identity.PlayerID != playerID { // moved since
			return Result{}, true, nil
		}
	}
	granted, err := s.Sessions.Grant(playerID, family)
	return Result{Session: granted, Created: identity.CreatedBy == family.ID}, false, err
}

// release deletes an identity that its player does not list, unless he does by now, or another has taken it.
func (s *SignIn) release(ctx context.Context, identity player.Identity) error {
	leads, err := player.Leads(ctx, s.Players, identity)
	if err != nil || leads {
		return err
	}
	if err := s.Identities.Delete(ctx, identity); err != nil && !fault.Is(err, fault.Aborted) {
		return err
	}
	return nil
}

// Ensure makes the player of an identity whose first sign-in stopped half-way, with his profile. The mark stays: it is for a sign-in to say that it
// created him.
func (s *SignIn) Ensure(ctx context.Context, identity player.Identity) error {
	if !identity.Pending {
		return nil
	}
	if err := s.Sessions.Check(identity.PlayerID); err != nil {
		return err
	}
	err := s.Players.Create(ctx, newPlayer(identity))
	if err != nil && !fault.Is(err, fault.AlreadyExists) {
		return err
	}
	return s.Profiles.Ensure(ctx, identity.PlayerID)
}

func newPlayer(identity player.Identity) player.Player {
	return player.Player{
		ID: identity.PlayerID, CreateTime: identity.CreateTime,
		Links: []player.Link{{IdentityID: identity.ID, Provider: identity.Provider, Time: identity.CreateTime}},
	}
}

// identity reads the subject's identity, or creates it with a new player id.
func (s *SignIn) identity(ctx context.Context, subject credential.Subject, now time.Time) (player.Identity, error) {
	identity, err := s.Identities.Get(ctx, subject.ID())
	if !fault.Is(err, fault.NotFound) {
		return identity, err
	}
	id, err := ulid.New(ulid.Timestamp(now), rand.Reader)
	if err != nil {
		return player.Identity{}, err
	}
	return s.Identities.Create(ctx, player.Identity{
		ID: subject.ID(), Provider: subject.Provider, Issuer: subject.Issuer, PlayerID: id.String(), CreateTime: now, Pending: true,
	})
}

// open opens the session, in the new player's document or in the one that is there, or says that the identity is not listed in it.
func (s *SignIn) open(
	ctx context.Context, identity player.Identity, names []string, now time.Time,
) (family player.Family, unlisted bool, err error) {
	if identity.Pending {
		p := newPlayer(identity)
		family, _ := p.Open(names, now, s.Sessions.Life)
		first := *family
		err := s.Players.Create(ctx, p)
		if !fault.Is(err, fault.AlreadyExists) {
			return first, false, err
		}
	}
	revoked := false
	err = s.Players.Update(ctx, identity.PlayerID, func(p *player.Player) bool {
		revoked, unlisted = p.Revoked, !p.LinkedTo(identity.ID)
		if revoked || unlisted {
			return false
		}
		f, opened := p.Open(names, now, s.Sessions.Life)
		family = *f
		return opened
	})
	if err == nil && revoked {
		err = player.NotFound(identity.PlayerID)
	}
	return family, unlisted, err
}

// complete makes the profile and takes the mark off the identity.
func (s *SignIn) complete(ctx context.Context, identity player.Identity, family string) (player.Identity, error) {
	if err := s.Profiles.Ensure(ctx, identity.PlayerID); err != nil {
		return player.Identity{}, err
	}
	return s.Identities.Complete(ctx, identity.ID, family)
}

// familyNames gives the names that player.Player.Open tries: after the request in this and the last window (so that a repeat within one
// window finds it), in the next one (where the clock of another replica may be), and a random one that is always free.
func (s *SignIn) familyNames(identityID, requestID string, now time.Time) []string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails, see its documentation
	free := base64.RawURLEncoding.EncodeToString(random[:])
	if requestID == "" {
		return []string{free}
	}
	window := now.Unix() / int64(player.SignInWindow/time.Second)
	names := make([]string, 0, 4)
	for _, near := range []int64{0, -1, 1} {
		names = append(names, s.familyName(identityID, requestID, window+near))
	}
	return append(names, free)
}

func (s *SignIn) familyName(identityID, requestID string, window int64) string {
	h := hmac.New(sha256.New, s.Key)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(window)))
	h.Write([]byte(identityID))
	h.Write([]byte{0})
	h.Write([]byte(requestID))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}
