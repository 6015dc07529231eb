package ranks

import (
	"sync"
	"sync/atomic"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/index"
)

// Season is the index of one season of a board. It is safe for concurrent use.
type Season struct {
	def *board.Board // what is fixed at creation: columns, ties, segments, inline

	mu       sync.RWMutex
	index    *index.Index // nil once it is closed
	ordinals []map[string]uint32
	names    [][]string    // by segment: the value of ordinal i+1
	changes  atomic.Uint64 // how often something changed

	late     map[string]time.Time // by player: when the store took the scores that came last; of a season that is over
	lateGone time.Time            // the last of those that are not kept any more
}

// maxValues is how many values of a segment are ranked on their own. Entries with others are ranked globally alone.
const maxValues = 1000

func newSeason(def *board.Board) *Season {
	s := &Season{
		def:      def,
		index:    index.New(index.Shape{KeyBytes: board.KeyBytes(len(def.Columns)), Segments: len(def.Segments), Inline: def.InlineBytes}),
		ordinals: make([]map[string]uint32, len(def.Segments)), names: make([][]string, len(def.Segments)),
	}
	for i := range s.ordinals {
		s.ordinals[i] = map[string]uint32{}
	}
	return s
}

func (s *Season) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index != nil {
		s.index.Close()
		s.index = nil
	}
}

// apply takes an entry when it is newer.
func (s *Season) apply(e *board.Entry) bool {
	player, ok := playerOf(e.PlayerID)
	if !ok {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index != nil && s.take(player, e)
}

// force puts a player's entry back to what the store has, "not there" too, if the view still has the version that the store does not know.
func (s *Season) force(playerID string, version int64, stored *board.Entry) {
	player, ok := playerOf(playerID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !ok || s.index == nil || s.index.Version(player) != version {
		return
	}
	s.index.Forget(player)
	s.changes.Add(1)
	if stored.Version != 0 {
		s.take(player, stored)
	}
}

// take is apply, under the lock.
func (s *Season) take(player index.Player, e *board.Entry) bool {
	item := index.Entry{Player: player, Version: e.Version, Inline: e.Inline[:min(len(e.Inline), s.def.InlineBytes)]}
	if e.Ranked() {
		item.Key = []byte(e.Key)
	}
	for i := range s.def.Segments {
		item.Segments = append(item.Segments, s.ordinal(i, e.Segments[s.def.Segments[i].Name]))
	}
	changed := s.index.Apply(item)
	if changed {
		s.changes.Add(1)
	}
	return changed
}

// ordinal numbers the values of a segment as they come; 0 = none.
func (s *Season) ordinal(segment int, value string) uint32 {
	if value == "" {
		return 0
	}
	n, known := s.ordinals[segment][value]
	if !known && len(s.names[segment]) < maxValues {
		s.names[segment] = append(s.names[segment], value)
		n = uint32(len(s.names[segment])) //nolint:gosec // at most maxValues
		s.ordinals[segment][value] = n
	}
	return n
}

// List is which list of a season is asked for: everybody, or one value of a segment.
type List struct {
	Segment string // "" = everybody
	Value   string
}

// tree finds a list. False when the board has no such segment.
func (s *Season) tree(l List) (index.Tree, bool) {
	if l.Segment == "" {
		return s.index.In(index.Everybody, 0), true
	}
	for i := range s.def.Segments {
		if s.def.Segments[i].Name == l.Segment {
			return s.index.In(i, s.ordinals[i][l.Value]), true
		}
	}
	return index.Tree{}, false
}

// Row is one ranked entry.
type Row struct {
	PlayerID   string
	Rank       int64 // from 1, in the list asked for
	GlobalRank int64 // from 1, where it was asked for
	Columns    []int64
	Time       time.Time // when he reached it, by the service's clock
	Version    int64
	Inline     []byte
	Key        board.Key
}

func (s *Season) row(e index.Entry, rank int64) Row {
	key := board.Key(e.Key)
	return Row{
		PlayerID: idOf(e.Player), Rank: rank, Columns: key.Columns(s.def.Columns), Time: key.Received(), Version: e.Version,
		Inline: append([]byte(nil), e.Inline...), Key: key,
	}
}

// ranker gives the ranks of entries that come one after the other.
type ranker struct {
	season *Season
	tree   index.Tree
	place  int64 // of the entry before, from 1; 0 = none was
	rank   int64
	score  string // of the entry before: the part of the key that the columns make
}

func (s *Season) scoreOf(key []byte) string { return string(key[:len(key)-board.TailBytes]) }

// next is the rank of the entry at a place, from 1.
func (r *ranker) next(key []byte, place int64) int64 {
	if !r.season.def.SharedTies {
		return place
	}
	score := r.season.scoreOf(key)
	if r.place == 0 || r.place+1 != place || score != r.score {
		r.rank = place
		if r.place == 0 || r.place+1 != place { // who shares it may stand before what was asked for
			r.rank = int64(r.tree.Before(lowest(score))) + 1
		}
	}
	r.place, r.score = place, score
	return r.rank
}

// lowest is the least key of a score.
func lowest(score string) []byte { return append([]byte(score), make([]byte, board.TailBytes)...) }
