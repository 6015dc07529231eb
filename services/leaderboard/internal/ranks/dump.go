package ranks

import (
	"maps"
	"slices"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/index"
)

// Names are the values of each segment: that of ordinal n stands at n-1.
type Names [][]string

// Dump hands the entries of one part of a season to do, those without a place too, with what their ordinals mean. All parts together, see
// [index.Parts], hold everything that was there before the first was asked for. The slices are valid during the call, which holds up writers.
func (s *Season) Dump(part int, do func(index.Entry)) Names {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.index == nil {
		return nil
	}
	s.index.EachOf(part, func(e index.Entry) bool {
		do(e)
		return true
	})
	names := make(Names, len(s.names))
	for i := range names {
		names[i] = slices.Clone(s.names[i])
	}
	return names
}

// LateScores are the scores that came last when the season was over, as far as they are kept.
func (s *Season) LateScores() []LateScore {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.lateList()
}

// Loaded is a season that was loaded and that no view has yet.
type Loaded struct {
	season *Season
	number int64
}

// Load builds a season at once, which is several times as fast as taking entries one by one. Next gives entries with their names, each player once,
// and false at the end; their slices are copied.
func Load(def *board.Board, number int64, next func() (index.Entry, Names, bool)) *Loaded {
	own := *def
	s := newSeason(&own)
	ordinals := make([]uint32, len(own.Segments))
	s.index.Build(func() (index.Entry, bool) {
		e, names, ok := next()
		if !ok {
			return e, false
		}
		for i := range ordinals {
			ordinals[i] = 0
			if i < len(e.Segments) && i < len(names) && e.Segments[i] > 0 && int(e.Segments[i]) <= len(names[i]) {
				ordinals[i] = s.ordinal(i, names[i][e.Segments[i]-1])
			}
		}
		e.Segments = ordinals
		return e, true
	})
	return &Loaded{season: s, number: number}
}

// AddLate adds scores that came when the season was over.
func (l *Loaded) AddLate(late []LateScore) {
	for _, score := range late {
		if l.season.late == nil {
			l.season.late = map[string]time.Time{}
		}
		l.season.late[score.PlayerID] = score.Time
	}
}

// Close gives the memory back, of a season that no view took.
func (l *Loaded) Close() { l.season.close() }

// Install puts a loaded season in. What the view has of it already it keeps, where that is newer.
func (v *View) Install(def *board.Board, l *Loaded) {
	v.Define(def)
	v.mu.Lock()
	known := v.boards[def.UID]
	var before *Season
	if known != nil && l.number > known.retired {
		before, known.seasons[l.number] = known.seasons[l.number], l.season
	}
	v.mu.Unlock()
	if known == nil || v.Season(def.UID, l.number) != l.season {
		l.season.close()
	}
	if before == nil {
		return
	}
	for part := range index.Parts {
		before.mergeInto(l.season, part)
	}
	before.close()
}

// mergeInto hands the entries of one part to another season.
func (s *Season) mergeInto(to *Season, part int) {
	var list []index.Entry
	names := s.Dump(part, func(e index.Entry) {
		e.Key, e.Inline, e.Segments = slices.Clone(e.Key), slices.Clone(e.Inline), slices.Clone(e.Segments)
		list = append(list, e)
	})
	to.mu.Lock()
	defer to.mu.Unlock()
	if to.index == nil {
		return
	}
	for _, e := range list {
		for i := range e.Segments {
			if n := e.Segments[i]; n > 0 {
				e.Segments[i] = to.ordinal(i, names[i][n-1])
			}
		}
		to.index.Apply(e)
	}
	if to.late == nil {
		to.late = map[string]time.Time{}
	}
	maps.Copy(to.late, s.late)
}
