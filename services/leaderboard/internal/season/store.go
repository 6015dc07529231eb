// Package season moves seasons on: from open to closing, frozen, archived, in review, rewarding and rewarded. Each step is one write under the season's
// version, so it happens once whoever does it; what comes before it can be done again, or by two at once.
package season

import (
	"context"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/ranks"
)

// Store finds seasons with which there is something to do.
type Store interface {
	// Due hands over those that are due at an instant.
	Due(ctx context.Context, now time.Time, each func(boardID, uid string, number int64) error) error
	// Forget removes a season of a board that was deleted.
	Forget(ctx context.Context, boardID, uid string, number int64) error
}

// View is this process's view of the ranks.
type View interface {
	// Define makes sure that the view has a board.
	Define(b *board.Board)
	// Season is the index of a season; nil where this process does not have it.
	Season(uid string, number int64) *ranks.Season
	// SeenAll reports whether the view holds everything that the store took until an instant of the store's clock, that second included.
	SeenAll(until time.Time) bool
}

// Rewarder grants what the places of a season earn.
type Rewarder interface {
	// Settle grants the rewards of one chunk of the archive, or finds them granted. More is false when no place behind it earns anything.
	Settle(ctx context.Context, b *board.Board, s *board.Season) (outcome Outcome, err error)
}

// Outcome is what became of the rewards of a chunk.
type Outcome struct {
	Grants   int64
	Forfeits int64
	More     bool // there are rewards behind it
}
