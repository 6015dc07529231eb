package handle

import (
	"context"
	"time"

	"supergame/services/profile/internal/profile"
)

// Owner is a player as far as handles are concerned.
type Owner struct {
	profile.Profile        // Handle in it is the name that counts as his
	Claim           *Claim // the one that is open; nil = none
	Claims          int64  // how many he has made: the number of the last
}

// State is what is left to do about a claim.
type State string

// The states.
const (
	Take State = "take" // reserve the name, then make it the player's
	Undo State = "undo" // somebody else has the name: give back what the claim reserved
	Drop State = "drop" // the player has left the name: release it
)

// Claim is a change of a player's handle that is not finished.
type Claim struct {
	Number int64
	State  State
	Name   string    // what the state is about
	Due    time.Time // when it is looked after, if its call has not come that far
}

// Edit identifies a change of one player that begins a claim.
type Edit struct {
	PlayerID  string
	Caller    string // whose request id it is
	RequestID string // "" = the caller will not repeat it
	Content   []byte // what the request asks for; the same request id with another content is refused (REQUEST_ID_REUSED)
}

// Profiles keeps players. Its errors are faults; a player who is not there is [profile.NotFound].
type Profiles interface {
	// Newest returns a player as he is now: whatever anybody wrote before the call is in it.
	Newest(ctx context.Context, playerID string) (Owner, error)
	// Update reads a player, lets decide change his handle, claim and update time, and stores him if nobody else wrote in between; else it reads and decides
	// again. It stores him also when decide changes nothing but reports true: what others decided on the version before fails then. An
	// edit that was stored before is not decided again, until its claim has become [Undo]. The answer is the player as he is now. An error
	// of decide is returned unchanged.
	Update(ctx context.Context, e Edit, decide func(*Owner) (bool, error)) (Owner, error)
	// GetMany returns those of the players who exist, in no order.
	GetMany(ctx context.Context, playerIDs []string) ([]profile.Profile, error)
	// Due hands each player to each whose claim is due.
	Due(ctx context.Context, now time.Time, each func(playerID string) error) error
}

// Reservation says that one look belongs to one player, or did until a short time ago.
type Reservation struct {
	Key    string
	Owner  string    // the player's id; "" = released
	Number int64     // of the owner's claim that wrote it last
	Handle string    // the name that it is a look of; "" when released
	Search string    // the folded name on the reservation that the name is found by, else ""
	Former string    // who may take it back, see Handles.former; "" = nobody
	Until  time.Time // until when the former owner may: also kept while his claim is open, for when it is undone; zero = there was none
	ETag   string    // of the version read; "" = not stored yet
}

// Page is one page of a search.
type Page struct {
	Found []Reservation
	Next  string // "" = that was the last
}

// Reservations keeps reservations. Its errors are faults.
type Reservations interface {
	// Newest returns a reservation as it is now, whoever wrote it last; nil when there is none.
	Newest(ctx context.Context, key string) (*Reservation, error)
	// Put creates a reservation without an ETag, and replaces one that was read. It reports false, and changes nothing, when there is one
	// already, or it is no longer the version read. A released one is gone after keep.
	Put(ctx context.Context, r Reservation, keep time.Duration) (bool, error)
	// Delete deletes the version read. It reports false when that is gone or another one is there.
	Delete(ctx context.Context, r Reservation) (bool, error)
	// Search returns a page of the reservations whose folded names begin with a prefix, in no order. An empty page may have a next one.
	Search(ctx context.Context, prefix string, size int, after string) (Page, error)
}
