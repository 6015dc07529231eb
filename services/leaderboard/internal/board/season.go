package board

import (
	"strconv"
	"time"

	"supergame/services/platform/fault"
)

// SettleTime is how long after a season's end and grace its writes may still be on their way: far more than the 5 s that a write may take and
// the 5 s by which a replica's clock may be off.
const SettleTime = time.Minute

// Due is when there is something to do with a season; zero = nothing any more.
func (s *Season) Due() time.Time {
	switch s.State {
	case Open:
		return s.End
	case Rewarded:
		return time.Time{}
	}
	return s.NextTime
}

// SeasonNotFound is the answer about a season that there is not, or no longer.
func SeasonNotFound(id string, number int64) *fault.Error {
	return fault.New(fault.NotFound, "SEASON_NOT_FOUND", "board %s has no season %d", id, number).
		With("board_id", id).With("season", strconv.FormatInt(number, 10))
}
