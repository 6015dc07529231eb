// Package players knows how players stand: what their profiles say, and what the profile service has told since. A suspended player's entries are
// hidden and come back in their places; entries move with the country of the profile.
package players

import (
	"context"

	"supergame/services/leaderboard/internal/scores"
)

// Known is what the profile service has told of a player.
type Known struct {
	Version  int64 // counts his changes; 0 = nothing was told
	Standing scores.Standing
	Marked   bool // his entries say so
}

// Store keeps what was told, and knows which entries a player has.
type Store interface {
	// Player returns what was told of a player.
	Player(ctx context.Context, playerID string) (Known, error)
	// SetPlayer stores what is told unless as much is known, and returns what is known then.
	SetPlayer(ctx context.Context, playerID string, told Known) (Known, error)
	// Entries lists a player's entries.
	Entries(ctx context.Context, playerID string) ([]scores.Ref, error)
}

// Profiles is the profile service.
type Profiles interface {
	scores.Players
	// Changed takes in what the profile service tells of a player.
	Changed(playerID string, s scores.Standing)
}

// Entries changes entries.
type Entries interface {
	// Mark writes into an entry how its player stands.
	Mark(ctx context.Context, playerID string, ref scores.Ref, s scores.Standing) error
}

// Players knows how players stand.
type Players struct {
	Profiles Profiles
	Store    Store
	Entries  Entries
}

// Standing says whether a player exists, and how he stands. What was told of him counts, also where an answer that is remembered is older.
func (p *Players) Standing(ctx context.Context, playerID string) (scores.Standing, error) {
	s, err := p.Profiles.Standing(ctx, playerID)
	if err != nil {
		return scores.Standing{}, err
	}
	known, err := p.Store.Player(ctx, playerID)
	if err != nil {
		return scores.Standing{}, err
	}
	if known.Version > 0 {
		s = known.Standing
	}
	return s, nil
}

// Changed takes in a change of a player. It is stored first, so that an entry which comes to be meanwhile carries it; after an error the change
// is to be told again. One that is older than what is known does nothing.
func (p *Players) Changed(ctx context.Context, playerID string, told Known) error {
	known, err := p.Store.SetPlayer(ctx, playerID, told)
	if err != nil {
		return err
	}
	p.Profiles.Changed(playerID, known.Standing)
	if known.Version != told.Version || known.Marked {
		return nil
	}
	refs, err := p.Store.Entries(ctx, playerID)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if err := p.Entries.Mark(ctx, playerID, ref, known.Standing); err != nil {
			return err
		}
	}
	known.Marked = true
	_, err = p.Store.SetPlayer(ctx, playerID, known)
	return err
}
