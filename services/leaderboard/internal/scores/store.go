package scores

import (
	"context"
	"time"

	"supergame/services/leaderboard/internal/board"
)

// Ref names an entry of a player.
type Ref struct {
	BoardID  string
	BoardUID string
	Season   int64
}

// Target is one entry that a request may change.
type Target struct {
	Ref
	// Before is the season before, where a repeat of the request may have counted: 0 = not to be looked at.
	Before int64
	// Marked targets leave a marker, by which a repeat is known for MarkerLife.
	Marked bool
	// ExpireTime is when the entry may be forgotten; zero = never.
	ExpireTime time.Time
	// Attempt is what the marker holds of the submission.
	Attempt Attempt
}

// Attempt is one submission as it is kept.
type Attempt struct {
	Season    int64
	Columns   []int64 // as submitted
	Time      time.Time
	Improved  bool
	Metadata  []byte
	RequestID string
}

// Request is a change of several entries of one player, all or none.
type Request struct {
	PlayerID  string
	Caller    string // whose request id it is
	RequestID string
	Content   []byte // what is asked for; the same request id with another content is refused (REQUEST_ID_REUSED)
	Targets   []Target
}

// Outcome is what became of a target.
type Outcome struct {
	Season   int64       // in which it counted
	Improved bool        // by this request, or by the one that it repeats
	Entry    board.Entry // as it is now; without an ETag when there is none
}

// AttemptPage is a page of attempts, newest first.
type AttemptPage struct {
	Attempts []Attempt
	Next     string // "" = that was the last
}

// MarkerLife is how long a repeat of a request is known by its marker.
const MarkerLife = 30 * 24 * time.Hour

// Store keeps entries. Its errors are faults.
type Store interface {
	// Submit reads the entries of the targets (empty ones where there are none), lets decide change them, and stores those for which decide
	// says true, with the markers of the marked targets, in one batch; when somebody else wrote in between it reads and decides again. A
	// request that was carried out before is not decided again. An error of decide is returned unchanged.
	Submit(ctx context.Context, r Request, decide func(entries []*board.Entry) ([]bool, error)) ([]Outcome, error)

	// Get returns one entry; an empty one, without an ETag, where there is none.
	Get(ctx context.Context, playerID string, ref Ref) (board.Entry, error)

	// Update lets change alter one entry that exists, and stores it when change says true. NotFound when it is not there. It returns the entry
	// as it then is.
	Update(ctx context.Context, playerID string, ref Ref, change func(*board.Entry) (bool, error)) (board.Entry, error)

	// Attempts lists what the markers of a board hold of a player, newest first.
	Attempts(ctx context.Context, playerID, boardUID string, size int, position string) (AttemptPage, error)
}
