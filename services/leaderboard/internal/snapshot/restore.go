package snapshot

import (
	"context"
	"crypto/sha256"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/oklog/ulid/v2"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/index"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/platform/fault"
)

// Boards knows the definitions.
type Boards interface {
	Board(ctx context.Context, id string, at time.Time) (board.Board, error)
}

// Restorer loads a snapshot into a view.
type Restorer struct {
	Store  Store
	Chunks Chunks
	View   *ranks.View
	Boards Boards
	Origin string
	// Takes reports whether the feed takes a position: a snapshot of a container that was restored elsewhere has positions of another.
	Takes  func(ctx context.Context, p Position) (bool, error)
	MaxAge time.Duration // half of a tombstone's life
	Now    func() time.Time
}

// Restore loads the snapshot and returns the positions from which to follow the feed. Without a snapshot it returns none; a fault (SNAPSHOT_REFUSED)
// when there is one that is too old, damaged, or not of this deployment: then the view is as it was, and everything is in the feed.
func (r *Restorer) Restore(ctx context.Context) ([]Position, error) {
	state, err := r.Store.State(ctx)
	if err != nil || state.Header == nil {
		return nil, err
	}
	h := state.Header
	if err := r.check(ctx, h); err != nil {
		return nil, err
	}
	type loaded struct {
		def    board.Board
		season *ranks.Loaded
	}
	var list []loaded
	for i := range h.Seasons {
		def, season, err := r.load(ctx, &h.Seasons[i])
		if err != nil {
			for _, l := range list {
				l.season.Close()
			}
			return nil, err
		}
		if season != nil {
			list = append(list, loaded{def, season})
		}
	}
	for i := range list {
		r.View.Install(&list[i].def, list[i].season)
	}
	return h.Positions, nil
}

func (r *Restorer) check(ctx context.Context, h *Header) error {
	if h.Origin != r.Origin {
		return refused("the snapshot is of deployment %q, this is %q", h.Origin, r.Origin)
	}
	if age := r.Now().Sub(h.AsOf()); age > r.MaxAge || len(h.Positions) == 0 {
		return refused("the snapshot is %v old; at most %v are allowed", age, r.MaxAge)
	}
	for _, p := range h.Positions {
		takes, err := r.Takes(ctx, p)
		if err != nil {
			return err
		}
		if !takes {
			return refused("the snapshot's positions are not of this container")
		}
	}
	return nil
}

// load loads one season; none where its board is no more.
func (r *Restorer) load(ctx context.Context, s *Season) (board.Board, *ranks.Loaded, error) {
	def, err := r.Boards.Board(ctx, s.BoardID, r.Now())
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.FailedPrecondition) || err == nil && def.UID != s.BoardUID {
		return def, nil, nil // deleted, made again, or served by another deployment
	}
	if err != nil {
		return def, nil, err
	}
	if board.KeyBytes(len(def.Columns)) != s.KeyBytes || len(def.Segments) != s.Segments {
		return def, nil, refused("season %d of board %s has another shape", s.Number, s.BoardID)
	}
	f := newFetch(ctx, r.Chunks, s)
	season := ranks.Load(&def, s.Number, f.next)
	if err := f.close(); err != nil {
		season.Close()
		return def, nil, err
	}
	season.AddLate(f.late)
	return def, season, nil
}

// fetch reads the chunks of a season ahead of who takes their entries.
type fetch struct {
	season   *Season
	group    *errgroup.Group
	cancel   context.CancelFunc
	results  []chan *part // by chunk
	at       int
	current  *part
	ordinals []uint32
	count    int64
	late     []ranks.LateScore
	err      error
}

// ahead is how many chunks are read at once, and wait.
const ahead = 16

func newFetch(ctx context.Context, chunks Chunks, s *Season) *fetch {
	ctx, cancel := context.WithCancel(ctx)
	f := &fetch{season: s, cancel: cancel, ordinals: make([]uint32, s.Segments), results: make([]chan *part, len(s.Chunks))}
	f.group, ctx = errgroup.WithContext(ctx)
	slots := make(chan struct{}, ahead)
	for i := range f.results {
		f.results[i] = make(chan *part, 1)
	}
	f.group.Go(func() error {
		readers, ctx := errgroup.WithContext(ctx)
		defer func() {
			for _, c := range f.results {
				close(c)
			}
		}()
		for i, c := range s.Chunks {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return readers.Wait()
			}
			readers.Go(func() error {
				defer func() { <-slots }()
				p, err := read(ctx, chunks, s, c)
				if err == nil {
					f.results[i] <- p
				}
				return err
			})
		}
		return readers.Wait()
	})
	return f
}

// read reads one chunk and checks it.
func read(ctx context.Context, chunks Chunks, s *Season, c Chunk) (*part, error) {
	body, err := chunks.Get(ctx, c.ID)
	if fault.Is(err, fault.NotFound) {
		return nil, refused("chunk %s is missing", c.ID)
	}
	if err != nil {
		return nil, err
	}
	if sha256.Sum256(body) != c.Hash {
		return nil, refused("chunk %s is damaged", c.ID)
	}
	p, err := decode(body)
	if err != nil {
		return nil, err
	}
	if p.keyBytes != s.KeyBytes || len(p.names) != s.Segments && s.Segments > 0 {
		return nil, refused("chunk %s has another shape", c.ID)
	}
	p.count = c.Entries
	return p, nil
}

// next gives the entries one by one.
func (f *fetch) next() (index.Entry, ranks.Names, bool) {
	for f.err == nil {
		if f.current != nil {
			e, ok, err := f.current.next(f.ordinals)
			if ok {
				f.count++
				return e, f.current.names, true
			}
			if f.err = err; err == nil && f.count != f.current.count {
				f.err = refused("a chunk has %d entries, want %d", f.count, f.current.count)
			}
			f.current = nil
			continue
		}
		if f.at == len(f.results) {
			break
		}
		p, ok := <-f.results[f.at]
		if !ok { // the reading ended with an error
			break
		}
		for _, score := range p.late {
			f.late = append(f.late, ranks.LateScore{PlayerID: ulid.ULID(score.player).String(), Time: score.time})
		}
		f.at, f.current, f.count = f.at+1, p, 0
	}
	return index.Entry{}, nil, false
}

// close ends the reading and returns what went wrong.
func (f *fetch) close() error {
	if f.err != nil {
		f.cancel()
	}
	err := f.group.Wait()
	f.cancel()
	if f.err != nil {
		return f.err
	}
	return err
}
