// Package watch tells a caller of the top of a board and of one player's place whenever they change.
//
// Nothing is queued: each watcher looks at the ranks when he is ready for the next message, so a slow reader gets the newest state, and harms
// nobody but himself.
package watch

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"supergame/services/leaderboard/internal/query"
	"supergame/services/leaderboard/internal/ranks"
)

// State is a message: the whole state, or a sign of life.
type State struct {
	query.Answer
	Revision  string
	Top       []query.Row
	Own       *query.Row    // nil = he has no place
	Heartbeat bool          // nothing changed: without Top and Own
	Reconnect time.Duration // the server goes away: come back after so long; 0 = it does not
}

// Watch says what to watch.
type Watch struct {
	query.Where        // PlayerID "" = nobody's place
	Top         int64  // so many
	Resume      string // the revision of the last message seen, "" = none
}

// Watches serves watchers.
type Watches struct {
	Queries *query.Queries
	// Look is how often a watcher looks for a change, Pause the least time between two messages, Heartbeat the most.
	Look, Pause, Heartbeat time.Duration

	once  sync.Once
	drain chan struct{}
}

// New returns the server of watchers with the intervals of the API.
func New(q *query.Queries) *Watches {
	return &Watches{Queries: q, Look: 250 * time.Millisecond, Pause: 500 * time.Millisecond, Heartbeat: 25 * time.Second, drain: make(chan struct{})}
}

// maxReconnect spreads the watchers of a server that goes away.
const maxReconnect = 20 * time.Second

// Drain makes every watch say goodbye and end.
func (s *Watches) Drain() { s.once.Do(func() { close(s.drain) }) }

// Watch sends states until ctx ends, send fails or the server goes away.
func (s *Watches) Watch(ctx context.Context, w Watch, send func(State) error) error {
	look := time.NewTicker(s.Look)
	defer look.Stop()
	sent, last := time.Now(), w.Resume
	changes := changesOf{}
	for {
		state, err := s.look(ctx, w, &changes, last, time.Since(sent) >= s.Heartbeat)
		if err != nil {
			return err
		}
		if state != nil {
			if err := send(*state); err != nil {
				return err
			}
			last, sent = state.Revision, time.Now()
		}
		for next := sent.Add(s.Pause); ; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-s.drain:
				return s.goodbye(ctx, w, last, send)
			case <-look.C:
			}
			if !time.Now().Before(next) {
				break
			}
		}
	}
}

func (s *Watches) goodbye(ctx context.Context, w Watch, last string, send func(State) error) error {
	_, a, err := s.Queries.Peek(ctx, w.Where)
	if err != nil {
		return err
	}
	return send(State{Answer: a, Revision: last, Heartbeat: true, Reconnect: time.Millisecond + rand.N(maxReconnect)})
}

// changesOf is which index a watcher saw, and at which count of its changes.
type changesOf struct {
	season *ranks.Season
	count  uint64
	known  bool
}

// look returns what is to be sent now, nil = nothing.
func (s *Watches) look(ctx context.Context, w Watch, seen *changesOf, last string, beat bool) (*State, error) {
	season, a, err := s.Queries.Peek(ctx, w.Where)
	if err != nil {
		return nil, err
	}
	if season != nil {
		count := season.Changes()
		same := seen.known && seen.season == season && seen.count == count
		*seen = changesOf{season, count, true}
		if same && !beat {
			return nil, nil //nolint:nilnil // nothing to send is an answer here
		}
		if same {
			a.Total, err = season.Count(w.List, nil, nil)
			return &State{Answer: a, Revision: last, Heartbeat: true}, err
		}
	}
	state, err := s.state(ctx, w)
	if err != nil {
		return nil, err
	}
	switch {
	case state.Revision != last:
		return state, nil
	case beat:
		return &State{Answer: state.Answer, Revision: last, Heartbeat: true}, nil
	}
	return nil, nil //nolint:nilnil // nothing to send is an answer here
}

// state reads the whole state.
func (s *Watches) state(ctx context.Context, w Watch) (*State, error) {
	page, err := s.Queries.List(ctx, w.Where, query.PageOptions{Size: w.Top})
	if err != nil {
		return nil, err
	}
	state := &State{Answer: page.Answer, Top: page.Rows}
	if w.PlayerID != "" {
		w.Season = page.Season
		rank, err := s.Queries.Rank(ctx, w.Where)
		if err != nil {
			return nil, err
		}
		if rank.Found {
			state.Own = &rank.Row
		}
	}
	state.Revision = revisionOf(state)
	return state, nil
}

// revisionOf names what a state shows, so that it is the same on every server. How many are ranked is not part of it: else a busy board would
// send for each newcomer at its end.
func revisionOf(s *State) string {
	h := sha256.New()
	row := func(r *query.Row) {
		fmt.Fprintf(h, "%s %d %d %x %x\n", r.PlayerID, r.Rank, r.GlobalRank, r.Key, r.Inline)
	}
	fmt.Fprintf(h, "%s %d\n", s.Board.UID, s.Season)
	for i := range s.Top {
		row(&s.Top[i])
	}
	fmt.Fprintln(h, "own")
	if s.Own != nil {
		row(s.Own)
	}
	sum := h.Sum(binary.BigEndian.AppendUint64(nil, uint64(s.Season))) //nolint:gosec // not negative
	return base64.RawURLEncoding.EncodeToString(sum[:8+16])
}
