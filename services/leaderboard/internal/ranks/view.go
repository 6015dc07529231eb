// Package ranks is this process's view of who stands where: the index of every season that is not archived yet, fed by the change feed and by
// what this process writes itself, and the questions that it answers without a request to the store.
//
// A view can be thrown away: Cosmos DB is the truth, the change feed is the log. It takes entries in any order and any number of times, by
// their versions.
package ranks

import (
	"sync"

	"github.com/oklog/ulid/v2"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/index"
)

// View holds the indexes of all boards.
type View struct {
	mu     sync.RWMutex
	boards map[string]*boardView // by uid
}

// boardView is one making of a board.
type boardView struct {
	def     *board.Board      // never changed: a new definition is another one
	seasons map[int64]*Season // those that were met and are not retired
	retired int64             // seasons up to this one are archived: their entries are no longer taken
}

// NewView returns an empty view.
func NewView() *View { return &View{boards: map[string]*boardView{}} }

// Define tells the view of a definition. Its entries are taken from now on.
func (v *View) Define(b *board.Board) {
	v.mu.Lock()
	defer v.mu.Unlock()
	def := *b
	if known := v.boards[b.UID]; known != nil {
		known.def = &def
		return
	}
	v.boards[b.UID] = &boardView{def: &def, seasons: map[int64]*Season{}}
}

// Drop forgets a board that was deleted.
func (v *View) Drop(uid string) {
	v.mu.Lock()
	known := v.boards[uid]
	delete(v.boards, uid)
	v.mu.Unlock()
	if known == nil {
		return
	}
	for _, season := range known.seasons {
		season.close()
	}
}

// Retire forgets the seasons up to a number: they are archived.
func (v *View) Retire(uid string, number int64) {
	v.mu.Lock()
	var gone []*Season
	if known := v.boards[uid]; known != nil {
		known.retired = max(known.retired, number)
		for n, season := range known.seasons {
			if n <= number {
				gone = append(gone, season)
				delete(known.seasons, n)
			}
		}
	}
	v.mu.Unlock()
	for _, season := range gone {
		season.close()
	}
}

// Knows reports whether the view has the definition of a making of a board.
func (v *View) Knows(uid string) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.boards[uid] != nil
}

// Season is the index of a season; an empty one where nobody has an entry yet, nil where the board is not known or the season is retired.
func (v *View) Season(uid string, number int64) *Season {
	v.mu.RLock()
	known := v.boards[uid]
	var season *Season
	if known != nil {
		season = known.seasons[number]
	}
	v.mu.RUnlock()
	if season != nil || known == nil {
		return season
	}
	return v.openSeason(uid, number)
}

func (v *View) openSeason(uid string, number int64) *Season {
	v.mu.Lock()
	defer v.mu.Unlock()
	known := v.boards[uid]
	if known == nil || number <= known.retired {
		return nil
	}
	season := known.seasons[number]
	if season == nil {
		season = newSeason(known.def)
		known.seasons[number] = season
	}
	return season
}

// Apply takes an entry when it is newer than what is known of it, and reports whether it did. An entry of a board that is not known, or of a
// season that is retired, is not taken.
func (v *View) Apply(e *board.Entry) bool {
	season := v.Season(e.BoardUID, e.Season)
	if season == nil {
		return false
	}
	if v.over(e) {
		season.noteLate(e)
	}
	return season.apply(e)
}

// over reports whether the store took the entry's score when its season was over.
func (v *View) over(e *board.Entry) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	known := v.boards[e.BoardUID]
	if known == nil || e.ScoredTime.IsZero() || e.Season >= known.def.Season {
		return false
	}
	return e.Season < known.def.Season-1 || e.ScoredTime.After(known.def.Start)
}

// Boards are the definitions that the view knows, in no order.
func (v *View) Boards() []board.Board {
	v.mu.RLock()
	defer v.mu.RUnlock()
	list := make([]board.Board, 0, len(v.boards))
	for _, known := range v.boards {
		list = append(list, *known.def)
	}
	return list
}

// Oldest is the lowest number of a season of a board that is kept in memory; 0 = none is.
func (v *View) Oldest(uid string) (lowest int64) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if known := v.boards[uid]; known != nil {
		for number := range known.seasons {
			if lowest == 0 || number < lowest {
				lowest = number
			}
		}
	}
	return lowest
}

// Each hands every season to do.
func (v *View) Each(do func(uid string, number int64, s *Season)) {
	type item struct {
		uid    string
		number int64
		season *Season
	}
	var list []item
	v.mu.RLock()
	for uid, known := range v.boards {
		for number, season := range known.seasons {
			list = append(list, item{uid, number, season})
		}
	}
	v.mu.RUnlock()
	for _, i := range list {
		do(i.uid, i.number, i.season)
	}
}

// playerOf is the index's form of a player id; false for what is no ULID.
func playerOf(id string) (index.Player, bool) {
	parsed, err := ulid.ParseStrict(id)
	return index.Player(parsed), err == nil
}

func idOf(p index.Player) string { return ulid.ULID(p).String() }

// Size is how many entries the view knows, and the memory that they take.
func (v *View) Size() (entries, bytes int64) {
	v.Each(func(_ string, _ int64, s *Season) {
		s.mu.RLock()
		defer s.mu.RUnlock()
		if s.index != nil {
			entries += int64(s.index.Known())
			bytes += int64(s.index.Bytes())
		}
	})
	return entries, bytes
}

// Close gives all memory back. The view is empty then.
func (v *View) Close() {
	v.mu.Lock()
	all := v.boards
	v.boards = map[string]*boardView{}
	v.mu.Unlock()
	for _, known := range all {
		for _, season := range known.seasons {
			season.close()
		}
	}
}
