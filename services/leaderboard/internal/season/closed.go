package season

import (
	"context"
	"sync"
	"time"

	"supergame/services/leaderboard/internal/archive"
	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/query"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/platform/fault"
)

// ReadMany reads entries.
type ReadMany interface {
	// GetMany returns those of the players' entries that exist, by player.
	GetMany(ctx context.Context, playerIDs []string, ref scores.Ref) (map[string]board.Entry, error)
}

// Closed opens the archives of seasons for reading. It is the [query.Archives].
type Closed struct {
	Seasons board.Seasons
	Reader  archive.Reader // a cache
	Entries ReadMany
	Now     func() time.Time

	mu    sync.Mutex
	known map[string]knownSeason
}

type knownSeason struct {
	season board.Season
	read   time.Time
}

const (
	seasonAge  = 5 * time.Second // how old a season may be that a read is answered by
	maxSeasons = 10_000
)

// Open gives the ranking of a closed season: NotFound (SEASON_NOT_FOUND) when it is not kept any more, Unavailable (SEASON_CHANGING) when it has no
// final archive yet.
func (c *Closed) Open(ctx context.Context, b *board.Board, number int64) (query.Ranking, error) {
	s, err := c.season(ctx, b, number)
	if err != nil {
		return nil, err
	}
	if s.State < board.InReview {
		return nil, fault.New(fault.Unavailable, "SEASON_CHANGING", "season %d of board %s is being archived, try again", number, b.ID).After(time.Second)
	}
	header, err := c.Reader.Header(ctx, archive.NameOf(&s))
	if fault.Is(err, fault.NotFound) {
		c.forget(b, number)
		return nil, fault.New(fault.Unavailable, "SEASON_CHANGING", "the archive of season %d of board %s was replaced, try again", number, b.ID).After(time.Second)
	}
	if err != nil {
		return nil, err
	}
	keys := func(ctx context.Context, playerIDs []string) (map[string]board.Key, error) {
		entries, err := c.Entries.GetMany(ctx, playerIDs, scores.Ref{BoardID: b.ID, BoardUID: b.UID, Season: number})
		found := make(map[string]board.Key, len(entries))
		for id, e := range entries {
			found[id] = e.Key
		}
		return found, err
	}
	return &archive.Ranking{Reader: c.Reader, Board: b, Header: header, Keys: keys, Gone: func() { c.forget(b, number) }}, nil
}

// Archived reports whether a season has its final archive. NotFound (SEASON_NOT_FOUND) when it is not kept any more.
func (c *Closed) Archived(ctx context.Context, b *board.Board, number int64) (bool, error) {
	s, err := c.season(ctx, b, number)
	return s.State >= board.InReview, err
}

func keyOf(b *board.Board, number int64) string {
	return archive.Name{BoardUID: b.UID, Season: number}.HeaderID()
}

func (c *Closed) season(ctx context.Context, b *board.Board, number int64) (board.Season, error) {
	key, now := keyOf(b, number), c.Now()
	c.mu.Lock()
	k, ok := c.known[key]
	c.mu.Unlock()
	if ok && now.Sub(k.read) < seasonAge {
		return k.season, nil
	}
	s, err := c.Seasons.Season(ctx, b, number)
	if err != nil {
		return board.Season{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxSeasons {
		c.known = map[string]knownSeason{}
	}
	c.known[key] = knownSeason{s, now}
	return s, nil
}

func (c *Closed) forget(b *board.Board, number int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, keyOf(b, number))
}

// Retirer forgets seasons in memory once they are archived. Every replica has one.
type Retirer struct {
	View    Memory
	Seasons board.Seasons
}

// Memory is the view, as far as it is to forget.
type Memory interface {
	Boards() []board.Board
	Oldest(uid string) int64
	Retire(uid string, number int64)
}

// Round looks at the oldest season of each board that is over, and goes on while they are archived.
func (r *Retirer) Round(ctx context.Context) error {
	for _, b := range r.View.Boards() {
		for number := r.View.Oldest(b.UID); number != 0 && number < b.Season; number = r.View.Oldest(b.UID) {
			s, err := r.Seasons.Season(ctx, &b, number)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
			if err == nil && s.State < board.InReview {
				break
			}
			r.View.Retire(b.UID, number)
		}
	}
	return nil
}
