// Package query answers who stands where: in an open season from this process's view of the ranks, for 0 request units, and in a closed one from
// its archive. Every answer says how old it is.
package query

import (
	"context"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
)

// Ranking is one list of a season: open or closed.
type Ranking interface {
	// Rank is a player's place; false when he has none. Total is how many have one.
	Rank(ctx context.Context, l ranks.List, playerID string) (row ranks.Row, found bool, total int64, err error)
	// Range returns the rows from a place on (0 = the best), at most n.
	Range(ctx context.Context, l ranks.List, from, n int64) (rows []ranks.Row, total int64, err error)
	// After returns the rows behind a key ("" = from the top), at most n.
	After(ctx context.Context, l ranks.List, key board.Key, n int64) (rows []ranks.Row, total int64, err error)
	// Around returns a player's row with up to radius rows on either side; nothing when he has no place.
	Around(ctx context.Context, l ranks.List, playerID string, radius int64) (rows []ranks.Row, total int64, err error)
	// Among ranks players among themselves, best first, with their global ranks.
	Among(ctx context.Context, playerIDs []string) (rows []ranks.Row, total int64, err error)
	// Count is how many stand from the best score on down to the worst, both inclusive; nil = to that end.
	Count(ctx context.Context, l ranks.List, best, worst []int64) (int64, error)
}

// Freshness says how old an answer is.
type Freshness struct {
	AsOf      time.Time // the answer holds everything that was stored until then
	Estimated bool      // heartbeats are off
}

// Catalog knows the boards.
type Catalog interface {
	Board(ctx context.Context, id string, at time.Time) (board.Board, error)
}

// Archives are the closed seasons.
type Archives interface {
	// Archived reports whether the archive of a season stands.
	Archived(ctx context.Context, b *board.Board, season int64) (bool, error)
	// Open gives the ranking of a closed season: NotFound (SEASON_NOT_FOUND) when it is not kept any more, Unavailable (SEASON_CHANGING) when
	// it is not archived yet.
	Open(ctx context.Context, b *board.Board, season int64) (Ranking, error)
}

// Entries are the stored entries.
type Entries interface {
	Get(ctx context.Context, playerID string, ref scores.Ref) (board.Entry, error)
	// GetMany returns those of the players' entries that exist, by player.
	GetMany(ctx context.Context, playerIDs []string, ref scores.Ref) (map[string]board.Entry, error)
}

// Queries answers.
type Queries struct {
	Catalog   Catalog
	View      *ranks.View
	Archives  Archives
	Entries   Entries
	Profiles  Profiles
	Erased    func(playerID string) bool // whether a player is being erased; nil = nobody is
	Freshness func() Freshness           // of the view
	Tokens    pagetoken.Codec
	Now       func() time.Time
}

// Where says which list is asked for.
type Where struct {
	BoardID string
	Season  int64 // 0 = the open one
	List    ranks.List
	// PlayerID's entry is to be of MinVersion at least: 0 = any.
	PlayerID   string
	MinVersion int64
	Detail     Detail
}

// Answer is what every answer says beside its rows.
type Answer struct {
	Board     board.Board
	Season    int64
	Total     int64
	Freshness Freshness
}

// open finds the list that is asked for.
func (q *Queries) open(ctx context.Context, w Where) (Ranking, Answer, error) {
	season, a, err := q.Peek(ctx, w)
	if err != nil {
		return nil, Answer{}, err
	}
	if season == nil {
		archive, err := q.Archives.Open(ctx, &a.Board, a.Season)
		return archive, a, err
	}
	if err := q.catchUp(ctx, season, &a.Board, a.Season, w); err != nil {
		return nil, Answer{}, err
	}
	return live{season}, a, nil
}

// Peek finds the index of the season that is asked for, nil when it is archived, and says all of an answer but how many are ranked.
func (q *Queries) Peek(ctx context.Context, w Where) (*ranks.Season, Answer, error) {
	now := q.Now()
	b, err := q.Catalog.Board(ctx, w.BoardID, now)
	if err != nil {
		return nil, Answer{}, err
	}
	running, _, ok := b.SeasonAt(now)
	if !ok {
		running = b.Season
	}
	a := Answer{Board: b, Season: w.Season}
	switch {
	case w.Season == 0:
		a.Season = running
	case w.Season > running:
		return nil, Answer{}, board.SeasonNotFound(b.ID, w.Season)
	}
	if w.List.Segment != "" && !hasSegment(&b, w.List.Segment) {
		return nil, Answer{}, fault.Invalid("segment.name", "%q is no segment of board %s", w.List.Segment, b.ID)
	}
	a.Freshness = q.Freshness() // before the read: what comes in between makes the answer newer, not older
	archived, err := q.archived(ctx, &b, a.Season)
	if err != nil {
		return nil, Answer{}, err
	}
	var season *ranks.Season
	if !archived {
		season = q.View.Season(b.UID, a.Season)
	}
	if season == nil {
		a.Freshness = Freshness{AsOf: now}
	}
	return season, a, nil
}

// archived reports whether a season is read from its archive. The view may have it still, or may never have had it.
func (q *Queries) archived(ctx context.Context, b *board.Board, season int64) (bool, error) {
	if season >= b.Season {
		return false, nil
	}
	return q.Archives.Archived(ctx, b, season)
}

func hasSegment(b *board.Board, name string) bool {
	for i := range b.Segments {
		if b.Segments[i].Name == name {
			return true
		}
	}
	return false
}

// How often an entry is read of which the caller knows a newer version than the view: a read may be answered by a copy of the store that is
// behind.
const (
	catchUpReads = 4
	catchUpPause = 50 * time.Millisecond
)

// catchUp reads the one entry of which the caller knows a newer version than the view.
func (q *Queries) catchUp(ctx context.Context, season *ranks.Season, b *board.Board, number int64, w Where) error {
	if w.MinVersion == 0 || w.PlayerID == "" {
		return nil
	}
	for read := 0; season.Version(w.PlayerID) < w.MinVersion; read++ {
		if read == catchUpReads {
			return fault.New(fault.Unavailable, "ENTRY_BEHIND", "no copy of the store that answered has version %d of the entry yet, try again", w.MinVersion).After(time.Second)
		}
		if read > 0 {
			if err := pause(ctx, catchUpPause); err != nil {
				return err
			}
		}
		e, err := q.Entries.Get(ctx, w.PlayerID, scores.Ref{BoardID: b.ID, BoardUID: b.UID, Season: number})
		if err != nil {
			return err
		}
		if e.ETag != "" {
			q.View.Apply(&e)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// live is an open season: its answers come from memory.
type live struct{ season *ranks.Season }

func (s live) Rank(_ context.Context, l ranks.List, playerID string) (ranks.Row, bool, int64, error) {
	return s.season.Rank(l, playerID)
}

func (s live) Range(_ context.Context, l ranks.List, from, n int64) ([]ranks.Row, int64, error) {
	return s.season.Range(l, from, n)
}

func (s live) After(_ context.Context, l ranks.List, key board.Key, n int64) ([]ranks.Row, int64, error) {
	return s.season.After(l, key, n)
}

func (s live) Around(_ context.Context, l ranks.List, playerID string, radius int64) ([]ranks.Row, int64, error) {
	return s.season.Around(l, playerID, radius)
}

func (s live) Among(_ context.Context, playerIDs []string) ([]ranks.Row, int64, error) {
	return s.season.Among(playerIDs)
}

func (s live) Count(_ context.Context, l ranks.List, best, worst []int64) (int64, error) {
	return s.season.Count(l, best, worst)
}
