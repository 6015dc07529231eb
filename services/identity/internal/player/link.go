package player

import (
	"context"
	"time"

	"supergame/services/platform/fault"
)

// MaxLinks is how many credentials may lead to one player. It keeps the document small, and with it the cost of every refresh.
const MaxLinks = 10

// Link is a credential of the player: an identity that leads to him, because he lists it and it names him.
//
// The two documents are written one after the other, so a link has marks for what is under way. Whoever finds a mark may go on with the
// work or undo it, but writes the identity first ([Identities.Lead]): that stops the one who made the mark, should he only be slow.
type Link struct {
	IdentityID string // as credential.Subject.ID
	Provider   string
	Time       time.Time
	Claimed    bool // the identity is about to be made his
	Leaving    bool // the identity is about to be made another's
}

// Counts says whether the link is one that the player can rely on.
func (l Link) Counts() bool { return !l.Claimed && !l.Leaving }

// LinkedTo says whether the player lists the identity, with whatever marks: if it names him too, it leads to him.
func (p *Player) LinkedTo(identityID string) bool { return p.Link(identityID) != nil }

// Link finds a link, or gives nil.
func (p *Player) Link(identityID string) *Link {
	for i := range p.Links {
		if p.Links[i].IdentityID == identityID {
			return &p.Links[i]
		}
	}
	return nil
}

// Claim notes that an identity is about to be made the player's, and says whether that changed anything. FailedPrecondition
// (TOO_MANY_IDENTITIES) when he has as many as he may.
func (p *Player) Claim(l Link) (changed bool, err error) {
	switch {
	case p.Revoked:
		return false, NotFound(p.ID)
	case p.LinkedTo(l.IdentityID):
		return false, nil
	case len(p.Links) >= MaxLinks:
		return false, fault.New(fault.FailedPrecondition, "TOO_MANY_IDENTITIES", "at most %d identities lead to one player", MaxLinks)
	}
	l.Claimed, l.Leaving = true, false
	p.Links = append(p.Links, l)
	return true, nil
}

// Settle takes the marks off a link, and says whether that changed anything. The identity names the player, and has been written since the marks were
// seen.
func (p *Player) Settle(identityID string) (changed bool) {
	l := p.Link(identityID)
	if l == nil || l.Counts() {
		return false
	}
	l.Claimed, l.Leaving = false, false
	return true
}

// Drop takes a link out of the list, and says whether that changed anything.
func (p *Player) Drop(identityID string) (changed bool) {
	for i := range p.Links {
		if p.Links[i].IdentityID == identityID {
			p.Links = append(p.Links[:i], p.Links[i+1:]...)
			return true
		}
	}
	return false
}

// Leads says whether an identity leads to the player whom it names. That it does not is certain: the player is written as he was read, so
// no list was overlooked that is only not seen yet. NotFound when he is not there, or is being erased.
func Leads(ctx context.Context, players Store, i Identity) (leads bool, err error) {
	revoked := false
	err = players.Update(ctx, i.PlayerID, func(p *Player) bool {
		leads, revoked = p.LinkedTo(i.ID), p.Revoked
		return !leads && !revoked
	})
	if err == nil && revoked {
		err = NotFound(i.PlayerID)
	}
	return leads, err
}
