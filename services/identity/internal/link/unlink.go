package link

import (
	"context"

	"supergame/services/identity/internal/player"
	"supergame/services/platform/fault"
)

// Unlink takes an identity off its player. FailedPrecondition (LAST_IDENTITY) when no other leads to him, NotFound (IDENTITY_NOT_FOUND) when
// it is not his.
func (l *Links) Unlink(ctx context.Context, playerID, identityID string, r player.Request) error {
	for range attempts {
		done, err := l.unlink(ctx, playerID, identityID, r)
		if err != nil || done {
			return err
		}
	}
	return player.Changing(nil)
}

func (l *Links) unlink(ctx context.Context, playerID, identityID string, r player.Request) (done bool, err error) {
	// The identity is read before the list is written: whoever links it again afterwards writes it, and then it is not deleted below.
	identity, err := l.Identities.Get(ctx, identityID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return false, err
	}
	if err := l.settle(ctx, playerID, identityID); err != nil {
		return false, err
	}
	keeper, err := l.keeper(ctx, playerID, identityID)
	if err != nil {
		return false, err
	}
	var refused error
	var absent, raced bool
	again, err := l.Players.Apply(ctx, playerID, r, func(p *player.Player) bool {
		refused, absent, raced = nil, !p.LinkedTo(identityID), false
		switch {
		case p.Revoked:
			refused = player.NotFound(playerID)
		case absent:
		case keeper == "":
			refused = last(playerID)
		case !counts(p, keeper):
			raced = true
		default:
			return p.Drop(identityID)
		}
		return false
	})
	switch {
	case err != nil:
		return false, err
	case refused != nil:
		return false, refused
	case raced:
		return false, nil
	case identity.PlayerID != playerID && absent && !again:
		return false, notLinked()
	case identity.PlayerID != playerID:
		return true, nil
	case absent || again: // the rest of a call that was cut
		return true, l.forget(ctx, identity)
	}
	err = l.Identities.Delete(ctx, identity)
	if fault.Is(err, fault.Aborted) { // somebody is linking it again, or has
		return true, nil
	}
	return true, err
}

// forget deletes an identity that its player does not list.
func (l *Links) forget(ctx context.Context, identity player.Identity) error {
	leads, err := player.Leads(ctx, l.Players, identity)
	if err != nil || leads {
		return err
	}
	if err := l.Identities.Delete(ctx, identity); err != nil && !fault.Is(err, fault.Aborted) {
		return err
	}
	return nil
}

// keeper finds another identity by which the player can sign in, or gives "". For as long as his list counts it, nobody takes it away.
func (l *Links) keeper(ctx context.Context, playerID, except string) (string, error) {
	p, err := player.Read(ctx, l.Players, playerID)
	if err != nil {
		return "", err
	}
	for _, link := range p.Links {
		if link.IdentityID == except || !link.Counts() {
			continue
		}
		identity, err := l.Identities.Get(ctx, link.IdentityID)
		if err == nil && identity.PlayerID == playerID {
			return link.IdentityID, nil
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return "", err
		}
	}
	return "", nil
}

func counts(p *player.Player, identityID string) bool {
	link := p.Link(identityID)
	return link != nil && link.Counts()
}

func last(playerID string) error {
	return fault.New(fault.FailedPrecondition, "LAST_IDENTITY", "no other identity leads to the player: he could never sign in again").With("player_id", playerID)
}

func notLinked() error {
	return fault.New(fault.NotFound, "IDENTITY_NOT_FOUND", "the identity is not one of the player's")
}
