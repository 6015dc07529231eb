package board

import (
	"context"

	"supergame/services/platform/fault"
)

// Store keeps definitions and seasons. Its errors are faults; a board or season that is not there is [NotFound] or [SeasonNotFound].
type Store interface {
	// Create stores a new board and its first season. When a board of its name is there it gives that one, and false.
	Create(ctx context.Context, b Board) (stored Board, created bool, err error)

	// Get returns a definition.
	Get(ctx context.Context, id string) (Board, error)

	// List returns all definitions, in no order.
	List(ctx context.Context) ([]Board, error)

	// Update lets change alter a definition, and stores it when change says true. It returns the definition as it then is.
	Update(ctx context.Context, id string, change func(*Board) (bool, error)) (Board, error)

	// Delete removes a definition if check does not refuse it.
	Delete(ctx context.Context, id string, check func(*Board) error) error
}

// Seasons keeps the seasons of boards.
type Seasons interface {
	// Roll closes the open season of a board and opens the next, in one batch, if the open one is still this number.
	Roll(ctx context.Context, id string, number int64) (Board, error)

	// Season returns one season.
	Season(ctx context.Context, b *Board, number int64) (Season, error)

	// Seasons returns those before a number, newest first; 0 = from the newest on.
	Seasons(ctx context.Context, b *Board, before int64, size int) ([]Season, error)

	// UpdateSeason lets change alter a season, and stores it when change says true.
	UpdateSeason(ctx context.Context, b *Board, number int64, change func(*Season) (bool, error)) (Season, error)
}

// NotFound is the answer about a board that does not exist.
func NotFound(id string) *fault.Error {
	return fault.New(fault.NotFound, "BOARD_NOT_FOUND", "there is no board %s", id).With("board_id", id)
}
