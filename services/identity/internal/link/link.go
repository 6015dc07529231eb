// Package link keeps the credentials of a player: more of them lead to him, some no more, and one may change its player when a
// person says so.
//
// A link stands in two documents, the player's list and the identity that names him, and both must agree. Each change is a few
// writes, and each write can be the last one before a crash:
//
//	link:    claim in the list, identity {names the player}, claim off
//	unlink:  off the list, identity deleted
//	move:    claim in the new player's list, leaving in the old one's, identity {names the new player}, claim off, off the old list
//
// What a crash leaves behind does no harm: a claim or a leaving link counts for nothing (player.Link.Counts), the identity leads to the one player
// whom it names if his list has it, and to nobody otherwise. The same call, repeated, goes on; the next change of the same player's links cleans up
// ([Links.settle]), and a sign-in takes away an identity that nobody lists. Two who change the same link at once meet at the identity: it is written
// as the version that was read, so one of them begins again.
package link

import (
	"context"
	"time"

	"supergame/services/identity/internal/credential"
	"supergame/services/identity/internal/player"
	"supergame/services/platform/fault"
)

// Profiles is what a person is shown who must decide between two players.
type Profiles interface {
	// Public gives the public parts of those of the players who have a profile.
	Public(ctx context.Context, playerIDs ...string) (map[string]Profile, error)
}

// Profile is the public part of a player's profile.
type Profile struct {
	PlayerID    string
	DisplayName string
	Avatar      string
	Country     string
	JoinTime    time.Time
}

// SignIns makes players whose first sign-in stopped half-way.
type SignIns interface {
	// Ensure returns nil when the identity's player is there. A player who must not be touched is an error.
	Ensure(ctx context.Context, i player.Identity) error
}

// Standings says who must not get at another's credential. It answers from memory and may be some seconds late.
type Standings interface {
	// Suspended gives an error for a suspended player, else nil.
	Suspended(playerID string) error
}

// Links changes links.
type Links struct {
	Players    player.Store
	Identities player.Identities
	SignIns    SignIns
	Profiles   Profiles
	Standings  Standings
	Tokens     Tokens
	Now        func() time.Time
}

// Taken is the error of a credential that leads to another player. Nothing was changed.
type Taken struct {
	Caller, Owner Profile
	Token         string // for Resolve
	ExpireTime    time.Time
}

// Error says so.
func (*Taken) Error() string { return "the credential leads to another player" }

// attempts is how often a change begins again because others change the same link.
const attempts = 5

// Link makes the subject's identity lead to the player. [*Taken] when it leads to another one.
func (l *Links) Link(ctx context.Context, playerID string, subject credential.Subject, r player.Request) (player.Link, error) {
	for range attempts {
		link, done, err := l.link(ctx, playerID, subject, r)
		if err != nil || done {
			return link, err
		}
		r = player.Request{} // what it asked for has come to nothing so far
	}
	return player.Link{}, player.Changing(nil)
}

func (l *Links) link(ctx context.Context, playerID string, subject credential.Subject, r player.Request) (link player.Link, done bool, err error) {
	identity, found, err := l.find(ctx, subject.ID())
	if err != nil {
		return player.Link{}, false, err
	}
	if found && identity.PlayerID != playerID {
		leads, err := player.Leads(ctx, l.Players, identity)
		if fault.Is(err, fault.NotFound) { // his erasure will delete the identity
			err = player.Changing(err)
		}
		if err != nil {
			return player.Link{}, false, err
		}
		if leads {
			listed, err := l.unlist(ctx, playerID, identity.ID)
			if err != nil || listed { // look again: that wrote the identity, and it may be his after all
				return player.Link{}, false, err
			}
			return player.Link{}, false, l.taken(ctx, playerID, identity)
		}
	}
	if err := l.settle(ctx, playerID, subject.ID()); err != nil {
		return player.Link{}, false, err
	}
	link, again, err := l.claim(ctx, playerID, player.Link{IdentityID: subject.ID(), Provider: subject.Provider, Time: l.Now()}, r)
	switch {
	case err != nil:
		return player.Link{}, false, err
	case again && link.IdentityID == "": // linked by this request and unlinked since
		return player.Link{}, false, fault.New(fault.Aborted, "UNLINKED_SINCE", "this request linked the identity, and it was unlinked since")
	case link.Counts() && found && identity.PlayerID == playerID:
		return link, true, nil
	}
	mine, err := l.lead(ctx, identity, found, playerID, subject)
	if err != nil {
		return player.Link{}, false, err
	}
	if !mine {
		return player.Link{}, false, l.settleOne(ctx, playerID, subject.ID())
	}
	return l.confirm(ctx, playerID, subject.ID())
}

// lead makes an identity that leads to nobody else name the player. It reports false when a rival came first.
func (l *Links) lead(ctx context.Context, identity player.Identity, found bool, playerID string, subject credential.Subject) (mine bool, err error) {
	if found {
		_, err := l.Identities.Lead(ctx, identity, playerID)
		if fault.Is(err, fault.Aborted) {
			return false, nil
		}
		return err == nil, err
	}
	fresh := player.Identity{ID: subject.ID(), Provider: subject.Provider, Issuer: subject.Issuer, PlayerID: playerID, CreateTime: l.Now()}
	there, err := l.Identities.Create(ctx, fresh)
	// One that was there does not do, even if it names him: who is about to delete it has read it before the claim.
	return err == nil && there.PlayerID == playerID && there.CreateTime.Equal(fresh.CreateTime), err
}

// find reads an identity; a player who is not there yet is made first.
func (l *Links) find(ctx context.Context, id string) (identity player.Identity, found bool, err error) {
	identity, err = l.Identities.Get(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return player.Identity{}, false, nil
	}
	if err == nil && identity.Pending {
		err = l.SignIns.Ensure(ctx, identity)
		if fault.Is(err, fault.NotFound) {
			err = player.Changing(err)
		}
	}
	return identity, err == nil, err
}

// claim gives the link as it stands in the list then; none when the request claimed it before and it is gone.
func (l *Links) claim(ctx context.Context, playerID string, link player.Link, r player.Request) (now player.Link, again bool, err error) {
	var refused error
	again, err = l.Players.Apply(ctx, playerID, r, func(p *player.Player) (changed bool) {
		if changed, refused = p.Claim(link); refused == nil {
			now = *p.Link(link.IdentityID)
		}
		return changed
	})
	if err == nil {
		err = refused
	}
	if err != nil || !again {
		return now, false, err
	}
	p, err := player.Read(ctx, l.Players, playerID)
	if err != nil {
		return player.Link{}, true, err
	}
	if there := p.Link(link.IdentityID); there != nil {
		now = *there
	}
	return now, true, nil
}

// unlist takes an identity out of the list of a player whom it does not name, and says whether it was there.
func (l *Links) unlist(ctx context.Context, playerID, identityID string) (listed bool, err error) {
	p, err := player.Read(ctx, l.Players, playerID)
	if err != nil || !p.LinkedTo(identityID) {
		return false, err
	}
	mine, err := l.names(ctx, playerID, identityID)
	if err != nil || mine {
		return true, err
	}
	return true, l.Players.Update(ctx, playerID, func(p *player.Player) bool { return p.Drop(identityID) })
}

// confirm ends a change whose identity names the player by now. It is not done when somebody took the claim away meanwhile.
func (l *Links) confirm(ctx context.Context, playerID, identityID string) (link player.Link, done bool, err error) {
	err = l.Players.Update(ctx, playerID, func(p *player.Player) (changed bool) {
		changed, done = p.Settle(identityID), p.LinkedTo(identityID)
		if done {
			link = *p.Link(identityID)
		}
		return changed
	})
	return link, done, err
}

// taken makes the error of a credential that leads to another player.
func (l *Links) taken(ctx context.Context, playerID string, identity player.Identity) error {
	profiles, err := l.Profiles.Public(ctx, playerID, identity.PlayerID)
	if err != nil {
		return err
	}
	of := func(id string) Profile {
		p := profiles[id]
		p.PlayerID = id
		return p
	}
	expire := l.Now().Add(TokenLife)
	token := l.Tokens.Format(Decision{
		Caller: playerID, Owner: identity.PlayerID, IdentityID: identity.ID, Version: identity.Version, ExpireTime: expire,
	})
	return &Taken{Caller: of(playerID), Owner: of(identity.PlayerID), Token: token, ExpireTime: expire}
}
