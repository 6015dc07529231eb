package ranks

import (
	"cmp"
	"slices"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/fault"
)

// keptLate is how many of the last scores of a season that is over are kept: what the store dates past the freeze must be among them. There is none
// but where a clock is wrong.
const keptLate = 1000

// LateScore is a score that the store took when its season was over.
type LateScore struct {
	PlayerID string
	Time     time.Time // by the store's clock
}

// noteLate keeps the scores that came last, when the season is over.
func (s *Season) noteLate(e *board.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.late == nil {
		s.late = map[string]time.Time{}
	}
	s.late[e.PlayerID] = e.ScoredTime
	if len(s.late) < 2*keptLate {
		return
	}
	for _, score := range s.lateList()[keptLate:] {
		delete(s.late, score.PlayerID)
		s.lateGone = later(s.lateGone, score.Time)
	}
}

// lateList is what is kept, the last first.
func (s *Season) lateList() []LateScore {
	list := make([]LateScore, 0, len(s.late))
	for id, at := range s.late {
		list = append(list, LateScore{id, at})
	}
	slices.SortFunc(list, func(a, b LateScore) int {
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.PlayerID, b.PlayerID))
	})
	return list
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// Late are the players whose score the store took after an instant.
func (s *Season) Late(after time.Time) (map[string]bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.lateGone.After(after) {
		return nil, fault.New(fault.Internal, "TOO_MANY_LATE_WRITES", "more than %d scores came after the season's freeze: a clock is wrong", keptLate)
	}
	list := map[string]bool{}
	for id, at := range s.late {
		if at.After(after) {
			list[id] = true
		}
	}
	return list, nil
}
