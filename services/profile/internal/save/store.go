package save

import "context"

// Store keeps saves. Its errors are faults; a player who is not there is [profile.NotFound].
type Store interface {
	// Directory returns what is known of a player's saves; none is no error.
	Directory(ctx context.Context, playerID string) (Directory, error)

	// Read returns a save and its content, both of one version. An empty slot is [NotFound].
	Read(ctx context.Context, playerID, slot string) (Save, []byte, error)

	// Change reads the directory, lets decide change it, and stores it together with what the change makes of the slot's
	// content, both or neither, once for each request; when somebody else wrote in between it reads and decides again. It
	// returns the answer of the decision that was stored, for a request that was carried out before the first one. An error
	// of decide is returned unchanged, unless the request was carried out before.
	Change(ctx context.Context, c Change, decide func(*Directory) (answer Save, err error)) (Save, error)

	// Edit reads the directory, lets decide change what is said about saves, and stores it, unless decide returns false; when
	// somebody else wrote in between it reads and decides again. Contents and versions stay as they are.
	Edit(ctx context.Context, playerID string, decide func(*Directory) bool) error
}

// Change identifies one change of one slot.
type Change struct {
	PlayerID  string
	Slot      string
	Caller    string // whose request id it is
	RequestID string
	Request   []byte // what is asked for; the same request id with something else is refused (REQUEST_ID_REUSED)
	Content   []byte // what the slot holds afterwards; nil = nothing
}
