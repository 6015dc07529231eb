package scores

import (
	"context"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/fault"
)

// Mark writes into an entry how its player stands: it is hidden while he is suspended, in its place otherwise, and in the segment of his country.
// An entry that is gone, or of a board that is no more, is left as it is.
func (s *Scores) Mark(ctx context.Context, playerID string, ref Ref, standing Standing) error {
	now := s.Now()
	b, err := s.Catalog.Board(ctx, ref.BoardID, now)
	if fault.Is(err, fault.NotFound) || fault.ReasonOf(err) == "BOARD_ELSEWHERE" || err == nil && b.UID != ref.BoardUID {
		return nil
	}
	if err != nil {
		return err
	}
	defer s.queue.enter(ctx, playerID)()
	e, err := s.Store.Update(ctx, playerID, ref, func(e *board.Entry) (bool, error) {
		if !b.Mark(e, standing.Country, standing.Suspended) {
			return false, nil
		}
		e.Version = board.NextVersion(e.Version, now)
		return true, nil
	})
	switch {
	case fault.Is(err, fault.NotFound): // it expired
		return nil
	case err != nil:
		return err
	}
	s.Ranks.Took(&b, &e)
	return nil
}
