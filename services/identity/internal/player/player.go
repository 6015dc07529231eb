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
	Version    string // of the stored identity; empty before it is stored
}

// Store keeps players.
type Store interface {
	// Create stores a player who was not there, and gives AlreadyExists for one who was.
	Create(ctx context.Context, p Player) error
	// Update applies a rule to the stored player and writes him when it returns true; it may apply it several times. NotFound when
	// he is not there.
	Update(ctx context.Context, id string, rule func(*Player) bool) error
	// Apply is Update in the name of a request. One that was applied before is not applied again, and AlreadyExists
	// (REQUEST_ID_REUSED) when it was with another content. The store remembers the last 8 writes.
	Apply(ctx context.Context, id string, r Request, rule func(*Player) bool) (again bool, err error)
}

// Request names a change, so that it is known when it comes again.
type Request struct {
	Caller string
	ID     string // empty = it does not come again
	Asks   string // what for; the same caller and id with another one are refused
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
	// Lead makes the identity that was read lead to a player, also to the one it leads to already, so that nobody else can write over
	// what he has read. Aborted when it is not the version that was read any more.
	Lead(ctx context.Context, i Identity, playerID string) (Identity, error)
	// Delete deletes the version that was read; one that is gone already is fine. Aborted when there is another version. With NoVersion
	// it deletes nothing and is sure whether there is any.
	Delete(ctx context.Context, i Identity) error
}

// NoVersion is the version of no identity.
const NoVersion = `"none"`

// Read gives the stored player. NotFound when he is not there.
func Read(ctx context.Context, players Store, id string) (read Player, err error) {
	err = players.Update(ctx, id, func(p *Player) bool {
		read = *p
		return false
	})
	return read, err
}

// Changing is the answer when others change the same credential at the same time.
func Changing(cause error) error {
	return fault.New(fault.Unavailable, "IDENTITY_CHANGING", "the identity is being changed, try again").After(time.Second).Because(cause)
}

// NotFound is the answer for a player who is not there (any more).
func NotFound(id string) error {
	return fault.New(fault.NotFound, "PLAYER_NOT_FOUND", "there is no such player").With("player_id", id)
}
