package statistics

import "context"

// Store keeps statistics. Its errors are faults; a player who is not there is [profile.NotFound].
type Store interface {
	// Get returns all statistics of a player; none is no error.
	Get(ctx context.Context, playerID string) (Statistics, error)

	// GetMany returns the statistics of those of the players who ever had some, in no order.
	GetMany(ctx context.Context, playerIDs []string) ([]Statistics, error)

	// Change reads a player's statistics, lets decide change them, and stores them, once for each request; when somebody else
	// wrote in between it reads and decides again. It returns the answer of the decision that was stored, for a request that
	// was carried out before the first one. An error of decide is returned unchanged, unless the request was carried out
	// before.
	Change(ctx context.Context, c Change, decide func(*Statistics) (answer Statistics, err error)) (Statistics, error)
}

// Change identifies one change of the statistics of one player.
type Change struct {
	PlayerID  string
	Caller    string // whose request id it is
	RequestID string
	Content   []byte // what the request asks for; the same request id with another content is refused (REQUEST_ID_REUSED)
}
