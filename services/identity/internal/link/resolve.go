package link

import (
	"context"

	"supergame/services/identity/internal/player"
	"supergame/services/platform/fault"
)

// Resolve carries out a person's decision who keeps a credential, and gives the link as it is then. Acknowledge says that the
// other player may be left with none. The token is used up by a write of the identity: it bears the version from before.
func (l *Links) Resolve(ctx context.Context, caller, token, keep string, acknowledge bool) (player.Link, error) {
	d, err := l.Tokens.Parse(caller, token)
	switch {
	case err != nil:
		return player.Link{}, err
	case keep != d.Caller && keep != d.Owner:
		return player.Link{}, fault.Invalid("keep_player_id", "is neither of the two players")
	case !l.Now().Before(d.ExpireTime):
		return player.Link{}, fault.New(fault.FailedPrecondition, "RESOLVE_TOKEN_EXPIRED", "the token has ended: link again")
	}
	for range attempts {
		link, done, err := l.resolve(ctx, d, keep, acknowledge)
		if err != nil || done {
			return link, err
		}
	}
	return player.Link{}, player.Changing(nil)
}

func (l *Links) resolve(ctx context.Context, d Decision, keep string, acknowledge bool) (link player.Link, done bool, err error) {
	identity, err := l.Identities.Get(ctx, d.IdentityID)
	switch {
	case fault.Is(err, fault.NotFound):
		return player.Link{}, false, changed()
	case err != nil:
		return player.Link{}, false, err
	case identity.PlayerID == keep && (keep == d.Caller || identity.Version != d.Version): // decided before
		return l.repeat(ctx, d, keep)
	case identity.PlayerID != d.Owner || identity.Version != d.Version:
		return player.Link{}, false, changed()
	}
	if keep == d.Caller {
		if ready, err := l.prepare(ctx, d, identity, acknowledge); err != nil || !ready {
			return player.Link{}, false, err
		}
	}
	if _, err = l.Identities.Lead(ctx, identity, keep); err != nil {
		if fault.Is(err, fault.Aborted) { // the next look says what has become of it
			return player.Link{}, false, l.settleOne(ctx, d.Caller, d.IdentityID)
		}
		return player.Link{}, false, err
	}
	link, done, err = l.confirm(ctx, keep, d.IdentityID)
	if err == nil && !done { // unlinked since
		err = changed()
	}
	if err == nil && keep == d.Caller {
		err = l.left(ctx, d)
	}
	return link, err == nil, err
}

// left takes the link out of the owner's list when the identity does not name him any more.
func (l *Links) left(ctx context.Context, d Decision) error {
	err := l.Players.Update(ctx, d.Owner, func(p *player.Player) bool {
		if old := p.Link(d.IdentityID); old == nil || !old.Leaving {
			return false
		}
		return p.Drop(d.IdentityID)
	})
	if fault.Is(err, fault.NotFound) { // erased since
		return nil
	}
	return err
}

// repeat gives the answer of a decision that was carried out, and goes on with what was left half done. It may come long after, so it looks anew
// at what each mark is worth.
func (l *Links) repeat(ctx context.Context, d Decision, keep string) (link player.Link, done bool, err error) {
	kept, err := player.Read(ctx, l.Players, keep)
	if err != nil {
		return player.Link{}, false, err
	}
	there := kept.Link(d.IdentityID)
	switch {
	case there == nil: // unlinked since
		return player.Link{}, false, changed()
	case keep == d.Owner:
		return *there, true, nil
	case !there.Counts():
		return player.Link{}, false, l.settleOne(ctx, keep, d.IdentityID)
	}
	old, err := player.Read(ctx, l.Players, d.Owner)
	if fault.Is(err, fault.NotFound) { // erased since
		return *there, true, nil
	}
	if left := old.Link(d.IdentityID); err == nil && left != nil && !left.Counts() {
		err = l.settleOne(ctx, d.Owner, d.IdentityID)
	}
	return *there, err == nil, err
}

// prepare marks a move in both lists. It is not ready when the owner's links changed under its eyes.
func (l *Links) prepare(ctx context.Context, d Decision, identity player.Identity, acknowledge bool) (ready bool, err error) {
	if err := l.Standings.Suspended(d.Owner); err != nil {
		return false, fault.New(fault.FailedPrecondition, "OWNER_SUSPENDED", "the credential is that of a suspended player").Because(err)
	}
	if err := l.settle(ctx, d.Caller, d.IdentityID); err != nil {
		return false, err
	}
	claim := player.Link{IdentityID: identity.ID, Provider: identity.Provider, Time: l.Now()}
	p, err := player.Read(ctx, l.Players, d.Caller)
	if err == nil { // refused here, it leaves no mark at the owner
		_, err = p.Claim(claim)
	}
	if err != nil {
		return false, err
	}
	if ready, err = l.leave(ctx, d, acknowledge); err != nil || !ready {
		return false, err
	}
	_, _, err = l.claim(ctx, d.Caller, claim, player.Request{})
	return err == nil, err
}

// leave marks the link in the owner's list, so that it counts for nothing from now on and he cannot give up the one that he keeps.
func (l *Links) leave(ctx context.Context, d Decision, acknowledge bool) (ready bool, err error) {
	keeper, err := l.keeper(ctx, d.Owner, d.IdentityID)
	if err != nil {
		return false, err
	}
	var refused error
	err = l.Players.Update(ctx, d.Owner, func(p *player.Player) bool {
		refused, ready = nil, false
		link := p.Link(d.IdentityID)
		switch {
		case p.Revoked:
			refused = player.Changing(player.NotFound(d.Owner))
		case link == nil:
			refused = changed()
		case keeper == "" && !acknowledge:
			refused = last(d.Owner)
		case keeper != "" && !acknowledge && !counts(p, keeper):
		case link.Leaving:
			ready = true
		default:
			link.Leaving, ready = true, true
			return true
		}
		return false
	})
	if err == nil {
		err = refused
	}
	return ready, err
}

func changed() error {
	return fault.New(fault.FailedPrecondition, "LINK_CHANGED", "the token was used, or the credential has changed since: link again")
}
