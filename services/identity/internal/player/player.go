// Package player is what identity knows about a player: the credentials that lead to him and the sessions that are open.
//
// It is pure: every rule takes the time as an argument, and a store applies it to the stored player under his ETag. Every rule may be
// applied again to its own outcome (an answer that was lost, a write whose fate is unknown) and then gives the same answer.
package player

import (
	"context"
	"time"

	"supergame/services/platform/fault"
)

// Player is one player. Links and families stand in one document, so that each rule is one guarded write.
type Player struct {
	ID         string // ULID
	CreateTime time.Time
	Links      []Link   // the credentials that lead to him; an identity that is not among them leads nowhere
	Families   []Family // sessions: open ones, and those that ended a short time ago
	Revoked    bool     // no session opens any more: the player is being erased
}

// Link is a credential of the player.
type Link struct {
	IdentityID string // as credential.Subject.ID
	Provider   string
	Time       time.Time
}

// LinkedTo says whether the identity leads to the player.
func (p *Player) LinkedTo(identityID string) bool {
	for _, l := range p.Links {
		if l.IdentityID == identityID {
			return true
		}
	}
	return false
}

// Revoke ends every session for good and says whether that changed anything.
func (p *Player) Revoke() bool {
	if p.Revoked {
		return false
	}
	p.Revoked, p.Families = true, nil
	return true
}

// Identity is a credential as it is stored: the player it leads to.
type Identity struct {
	ID         string // as credential.Subject.ID
	Provider   string // how he signed in first
	Issuer     string
	PlayerID   string // minted by the call that created the identity
	CreateTime time.Time
	Pending    bool   // the player or his profile may not be there yet: sign-in goes on where it stopped
	CreatedBy  string // the family whose sign-in completed the player
}

// Store keeps players.
type Store interface {
	// Create stores a player who was not there, and gives AlreadyExists for one who was.
	Create(ctx context.Context, p Player) error
	// Update applies a rule to the stored player and writes him when it returns true; it may apply it several times. NotFound when
	// he is not there.
	Update(ctx context.Context, id string, rule func(*Player) bool) error
}

// Identities keeps identities.
type Identities interface {
	// Get gives NotFound for one that is not there.
	Get(ctx context.Context, id string) (Identity, error)
	// Create stores the identity, or gives the one that was there before.
	Create(ctx context.Context, i Identity) (Identity, error)
	// Complete ends `Pending` in the name of the family and gives the identity as it then is; one that another family completed
	// stays as it is. NotFound when it is not there any more.
	Complete(ctx context.Context, id, family string) (Identity, error)
}

// NotFound is the answer for a player who is not there (any more).
func NotFound(id string) error {
	return fault.New(fault.NotFound, "PLAYER_NOT_FOUND", "there is no such player").With("player_id", id)
}
