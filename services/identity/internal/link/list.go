package link

import (
	"context"

	"supergame/services/identity/internal/player"
	"supergame/services/platform/fault"
)

// List gives the links that count, the oldest first. What changes left behind is cleaned up before.
func (l *Links) List(ctx context.Context, playerID string) ([]player.Link, error) {
	if err := l.settle(ctx, playerID, ""); err != nil {
		return nil, err
	}
	p, err := player.Read(ctx, l.Players, playerID)
	if err != nil {
		return nil, err
	}
	if p.Revoked {
		return nil, player.NotFound(playerID)
	}
	var links []player.Link
	for _, link := range p.Links {
		if link.Counts() {
			links = append(links, link)
		}
	}
	return links, nil
}

// settle cleans up what changes of a player's links left behind, but for one identity, which the caller is about to change.
func (l *Links) settle(ctx context.Context, playerID, except string) error {
	p, err := player.Read(ctx, l.Players, playerID)
	if err != nil {
		return err
	}
	for _, link := range p.Links {
		if link.Counts() || link.IdentityID == except {
			continue
		}
		if err := l.settleOne(ctx, playerID, link.IdentityID); err != nil {
			return err
		}
	}
	return nil
}

func (l *Links) settleOne(ctx context.Context, playerID, identityID string) error {
	mine, err := l.names(ctx, playerID, identityID)
	if err != nil {
		return err
	}
	return l.Players.Update(ctx, playerID, func(p *player.Player) bool {
		if link := p.Link(identityID); link == nil || link.Counts() {
			return false
		}
		if mine {
			return p.Settle(identityID)
		}
		return p.Drop(identityID)
	})
}

// names says whether an identity names the player. It is written as it was read, so that the answer is certain, and nobody who read it
// before can still give it away. That there is none is as certain.
func (l *Links) names(ctx context.Context, playerID, identityID string) (bool, error) {
	for range attempts {
		identity, err := l.Identities.Get(ctx, identityID)
		switch {
		case fault.Is(err, fault.NotFound):
			err = l.Identities.Delete(ctx, player.Identity{ID: identityID, Version: player.NoVersion})
		case err == nil:
			_, err = l.Identities.Lead(ctx, identity, identity.PlayerID)
		}
		if !fault.Is(err, fault.Aborted) {
			return err == nil && identity.PlayerID == playerID, err
		}
	}
	return false, player.Changing(nil)
}
