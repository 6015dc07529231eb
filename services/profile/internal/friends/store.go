package friends

import "context"

// Store keeps halves, and beside those of a player the counts of their states, always in step. Its errors are faults; a player
// who is not there is NOT_FOUND, PLAYER_NOT_FOUND.
type Store interface {
	// Counts returns a player's counts, surely as of now: an erase that has begun shows.
	Counts(ctx context.Context, playerID string) (Counts, error)

	// Get returns a half, with nothing said in it when there is none.
	Get(ctx context.Context, playerID, otherID string) (Half, error)

	// Update reads a half, lets decide change it, and stores it with the counts; when somebody else wrote in between it reads and decides
	// again. Decide gets the counts of before, and returns false to leave everything as it is. An edit that was stored before is
	// not decided again. The answer is the half as it is now. An error of decide is returned unchanged.
	Update(ctx context.Context, e Edit, decide func(*Half, Counts) (bool, error)) (Half, error)

	// Drop deletes a half and takes it out of the counts. It reports whether there was one.
	Drop(ctx context.Context, playerID, otherID string) (bool, error)

	// List returns a player's halves that match, whose others' ids come after one, in the order of those ids, at most limit. Fewer
	// than limit are the last.
	List(ctx context.Context, playerID string, which Filter, after string, limit int) ([]Half, error)
}

// Edit identifies one change of one half.
type Edit struct {
	PlayerID, OtherID string
	Caller            string // whose request id it is
	RequestID         string // "" = the caller will not repeat it
	Content           []byte // what the request asks for; the same request id with another content is refused (REQUEST_ID_REUSED)
}

// Filter chooses halves: those in one of the states, and those of which the other says block.
type Filter struct {
	States         []State
	BlockedByOther bool
}
