package snapshot

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/index"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/platform/fault"
)

// Taker takes snapshots. One replica of several does, under a lease, which only saves work.
type Taker struct {
	Store  Store
	Chunks Chunks
	View   *ranks.View
	Origin string
	// Positions are those of the feed, with the age of the view; none while the view is not caught up.
	Positions func() []Position
	Every     time.Duration // between two snapshots
	Now       func() time.Time
}

// chunkBytes is about how long a chunk is. Tests make it small.
var chunkBytes = 512 << 10

// Round takes a snapshot when it is time for one, or when one was asked for.
func (t *Taker) Round(ctx context.Context) error {
	state, err := t.Store.State(ctx)
	if err != nil {
		return err
	}
	if h := state.Header; h != nil && t.Now().Sub(h.CreateTime) < t.Every && !state.Request.After(h.AsOf()) {
		return t.clean(ctx, &state)
	}
	return t.Take(ctx, &state)
}

// Take takes a snapshot.
func (t *Taker) Take(ctx context.Context, before *State) error {
	if err := t.clean(ctx, before); err != nil {
		return err
	}
	positions := t.Positions() // before the scan
	if len(positions) == 0 {
		return nil
	}
	h := &Header{Origin: t.Origin, Generation: t.Now().UnixMicro(), Positions: positions, CreateTime: t.Now().UTC().Truncate(time.Millisecond)}
	w := writer{taker: t, header: h}
	boards := map[string]board.Board{}
	for _, b := range t.View.Boards() {
		boards[b.UID] = b
	}
	var failed error
	t.View.Each(func(uid string, number int64, s *ranks.Season) {
		if b, ok := boards[uid]; ok && failed == nil {
			failed = w.season(ctx, &b, number, s)
		}
	})
	if failed == nil && w.n == 0 {
		failed = w.reserve(ctx)
	}
	if failed != nil {
		return w.giveUp(ctx, failed)
	}
	published, err := t.Store.Publish(ctx, h)
	if err != nil {
		return err
	}
	if !published {
		return w.giveUp(ctx, errRival)
	}
	state, err := t.Store.State(ctx)
	if err != nil {
		return err
	}
	return t.clean(ctx, &state)
}

// clean removes the chunks of the snapshot before, and of one that a process began and did not publish.
func (t *Taker) clean(ctx context.Context, s *State) error {
	if s.Writing == 0 && len(s.Old) == 0 {
		return nil
	}
	for _, id := range s.Old {
		if err := t.Chunks.Remove(ctx, id); err != nil {
			return err
		}
	}
	generation := int64(0)
	if s.Header != nil {
		generation = s.Header.Generation
	}
	if s.Writing != 0 && s.Writing != generation {
		for n := range s.Chunks {
			if err := t.Chunks.Remove(ctx, chunkID(s.Writing, n)); err != nil {
				return err
			}
		}
	}
	return t.Store.Removed(ctx, s.Writing)
}

func chunkID(generation int64, number int) string { return fmt.Sprintf("c|%d|%d", generation, number) }

// writer writes chunks.
type writer struct {
	taker  *Taker
	header *Header
	n      int // chunks
}

// errRival says that another replica writes a snapshot.
var errRival = fault.New(fault.Aborted, "SNAPSHOT_RIVAL", "another replica writes a snapshot")

// reserved is how many chunks are announced at once, so that they can be removed should this process end.
const reserved = 64

func (w *writer) reserve(ctx context.Context) error {
	ours, err := w.taker.Store.Reserve(ctx, w.header.Generation, w.n+reserved)
	if err == nil && !ours {
		return errRival
	}
	return err
}

// giveUp removes what was written when another replica's snapshot took over: that one knows nothing of it.
func (w *writer) giveUp(ctx context.Context, why error) error {
	if !errors.Is(why, errRival) {
		return why
	}
	for n := range w.n {
		if err := w.taker.Chunks.Remove(ctx, chunkID(w.header.Generation, n)); err != nil {
			return err
		}
	}
	return nil
}

// season writes one season, part by part.
func (w *writer) season(ctx context.Context, b *board.Board, number int64, s *ranks.Season) error {
	w.header.Seasons = append(w.header.Seasons, Season{
		BoardID: b.ID, BoardUID: b.UID, Number: number, KeyBytes: board.KeyBytes(len(b.Columns)), Segments: len(b.Segments),
	})
	p := &part{keyBytes: board.KeyBytes(len(b.Columns))}
	for i := range index.Parts {
		if names := s.Dump(i, func(e index.Entry) { p.add(e, len(b.Segments)) }); names != nil {
			p.names = names // ordinals keep their meaning, so the last names hold for all
		}
		last := i == index.Parts-1
		if last {
			p.late = lateOf(s)
		}
		if len(p.entries) < chunkBytes && !last {
			continue
		}
		if err := w.chunks(ctx, p, len(b.Segments)); err != nil {
			return err
		}
		p.entries, p.count = p.entries[:0], 0
	}
	return nil
}

func lateOf(s *ranks.Season) []lateScore {
	var list []lateScore
	for _, score := range s.LateScores() {
		if id, err := ulid.ParseStrict(score.PlayerID); err == nil {
			list = append(list, lateScore{index.Player(id), score.Time})
		}
	}
	return list
}

// chunks writes a part, cut into chunks.
func (w *writer) chunks(ctx context.Context, p *part, segments int) error {
	ordinals := make([]uint32, segments)
	rest := part{keyBytes: p.keyBytes, entries: p.entries}
	for {
		start := rest.entries
		piece := part{names: p.names, late: p.late, keyBytes: p.keyBytes}
		for len(start)-len(rest.entries) < chunkBytes {
			_, ok, err := rest.next(ordinals)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			piece.count++
		}
		piece.entries = start[:len(start)-len(rest.entries)]
		if piece.count == 0 && len(piece.late) == 0 {
			return nil
		}
		if err := w.put(ctx, &piece); err != nil {
			return err
		}
		if p.late = nil; len(rest.entries) == 0 {
			return nil
		}
	}
}

func (w *writer) put(ctx context.Context, p *part) error {
	if w.n%reserved == 0 {
		if err := w.reserve(ctx); err != nil {
			return err
		}
	}
	body := p.encode()
	c := Chunk{ID: chunkID(w.header.Generation, w.n), Hash: sha256.Sum256(body), Entries: p.count}
	if err := w.taker.Chunks.Put(ctx, c.ID, body); err != nil {
		return err
	}
	w.n++
	s := &w.header.Seasons[len(w.header.Seasons)-1]
	s.Chunks = append(s.Chunks, c)
	return nil
}

// Copies tells an erasure about the stored snapshots.
type Copies struct {
	Store All
	Now   func() time.Time
}

// Since is how old the content of the oldest snapshot is of which something is left; zero when there is none.
func (c *Copies) Since(ctx context.Context) (time.Time, error) {
	list, err := c.Store.All(ctx)
	var oldest time.Time
	for i := range list {
		if since := list[i].since(); !since.IsZero() && (oldest.IsZero() || since.Before(oldest)) {
			oldest = since
		}
	}
	return oldest, err
}

// since is how old the oldest content is that may be left of a deployment's snapshots.
func (s *State) since() time.Time {
	var oldest time.Time
	add := func(t time.Time) {
		if !t.IsZero() && (oldest.IsZero() || t.Before(oldest)) {
			oldest = t
		}
	}
	if s.Header != nil {
		add(s.Header.AsOf())
	}
	add(s.OldAsOf)
	if s.Writing != 0 && (s.Header == nil || s.Writing != s.Header.Generation) { // begun, or left by who died: as old as its begin, about
		add(time.UnixMicro(s.Writing).Add(-writingAge).UTC())
	}
	return oldest
}

// writingAge is more than the view of a process may be behind when it begins to write a snapshot.
const writingAge = time.Hour

// Request asks for a new snapshot.
func (c *Copies) Request(ctx context.Context) error { return c.Store.Request(ctx, c.Now()) }
