package profile

import "context"

// Store keeps players. Its errors are faults; a player who is not there is [NotFound].
type Store interface {
	// Create stores a new player, all of him or nothing. It reports false, and changes nothing, when he is there already.
	Create(ctx context.Context, p Player) (created bool, err error)

	// Get returns the public part.
	Get(ctx context.Context, playerID string) (Profile, error)

	// GetFull returns both parts.
	GetFull(ctx context.Context, playerID string) (Player, error)

	// GetMany returns the public parts of those of the players who exist, in no order.
	GetMany(ctx context.Context, playerIDs []string) ([]Profile, error)

	// Update reads the parts of a player that the edit names, lets decide change them, and stores the changed ones, both or
	// none; when somebody else wrote in between it reads and decides again. An edit that was stored before is not decided
	// again. The answer is the player as he is now, with the parts that the edit names. An error of decide is returned
	// unchanged.
	Update(ctx context.Context, e Edit, decide func(*Player) (Parts, error)) (Player, error)
}

// Parts is a set of parts of a player.
type Parts struct{ Public, Private bool }

// Edit identifies one change of one player.
type Edit struct {
	PlayerID  string
	Caller    string // whose request id it is
	RequestID string // "" = the caller will not repeat it
	Content   []byte // what the request asks for; the same request id with another content is refused (REQUEST_ID_REUSED)
	Touches   Parts  // what decide may change
}
