package loop

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/platform/fault"
)

// Boards knows the definitions.
type Boards interface {
	Board(ctx context.Context, id string, at time.Time) (board.Board, error)
}

// Stored are the stored entries.
type Stored interface {
	// Get returns one entry; an empty one where there is none.
	Get(ctx context.Context, playerID string, ref scores.Ref) (board.Entry, error)
}

// Entries takes entries from the feed into the view. One of a board that is not known waits for a read of the definition.
type Entries struct {
	Decode func(body []byte) (board.Entry, error)
	View   *ranks.View
	Own    *ranks.Own
	Boards Boards
	Stored Stored
	Serves func(boardID string) bool // whether this deployment serves a board
	Now    func() time.Time

	mu     sync.Mutex
	parked map[string][]parked // by uid of the board
	count  int                 // of all parked
	gone   map[string]bool     // boards that are no more, by uid
}

// parked is an entry of a board whose definition is not there, or not yet: a read may be behind the feed.
type parked struct {
	entry board.Entry
	since time.Time
}

const (
	// goneAfter is how long an entry may be ahead of its board's definition.
	goneAfter = time.Minute
	// maxParked bounds the memory of entries that wait. Beyond it the feed does.
	maxParked = 100_000
)

// Handle takes one entry.
func (s *Entries) Handle(ctx context.Context, change Change) error {
	e, err := s.Decode(change.Body)
	if err != nil {
		return err
	}
	if !s.Serves(e.BoardID) {
		return nil
	}
	s.Own.Confirm(&e)
	if s.View.Knows(e.BoardUID) {
		s.View.Apply(&e)
		return nil
	}
	return s.unknown(ctx, e, change.Time)
}

// unknown takes an entry of a board that the view does not know.
func (s *Entries) unknown(ctx context.Context, e board.Entry, changed time.Time) error {
	if s.isGone(e.BoardUID) {
		return nil
	}
	b, err := s.Boards.Board(ctx, e.BoardID, s.Now())
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err == nil && b.UID == e.BoardUID {
		s.Defined(&b)
		s.View.Apply(&e)
		return nil
	}
	if s.Now().Sub(changed) > goneAfter {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.forget(e.BoardUID)
		return nil
	}
	return s.park(e)
}

func (s *Entries) isGone(uid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone[uid]
}

// forget drops what waits for a board that is no more; its entries are passed over from now on.
func (s *Entries) forget(uid string) {
	if s.gone == nil {
		s.gone = map[string]bool{}
	}
	s.gone[uid] = true
	s.count -= len(s.parked[uid])
	delete(s.parked, uid)
}

func (s *Entries) park(e board.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.View.Knows(e.BoardUID) { // in between
		s.View.Apply(&e)
		return nil
	}
	if s.count >= maxParked {
		return fault.New(fault.Unavailable, "BOARD_NOT_FOUND", "too many entries wait for the definition of their board")
	}
	if s.parked == nil {
		s.parked = map[string][]parked{}
	}
	s.parked[e.BoardUID] = append(s.parked[e.BoardUID], parked{e, s.Now()})
	s.count++
	return nil
}

// Defined hears of every definition that was read.
func (s *Entries) Defined(b *board.Board) {
	if !s.Serves(b.ID) {
		return
	}
	s.View.Define(b)
	s.mu.Lock()
	waiting := s.parked[b.UID]
	s.count -= len(waiting)
	delete(s.parked, b.UID)
	s.mu.Unlock()
	for i := range waiting {
		s.View.Apply(&waiting[i].entry)
	}
}

// Gone hears of a making of a board that is no more.
func (s *Entries) Gone(uid string) {
	s.View.Drop(uid)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(uid)
}

// Retry looks again for the boards of which entries wait, and gives up those that do not come.
func (s *Entries) Retry(ctx context.Context) error {
	now := s.Now()
	waiting := map[string]parked{} // the first of each board
	s.mu.Lock()
	for uid, list := range s.parked {
		waiting[uid] = list[0]
	}
	s.mu.Unlock()
	for uid, first := range waiting {
		b, err := s.Boards.Board(ctx, first.entry.BoardID, now)
		switch {
		case err == nil && b.UID == uid:
			s.Defined(&b)
		case err != nil && !fault.Is(err, fault.NotFound):
			return err
		case now.Sub(first.since) > goneAfter:
			s.mu.Lock()
			s.forget(uid)
			s.mu.Unlock()
		}
	}
	return nil
}

// unconfirmedAge is how long the feed may take to show what this process wrote.
const unconfirmedAge = time.Minute

// Confirm reads what this process wrote and the feed has not shown for a minute.
func (s *Entries) Confirm(ctx context.Context) error {
	for _, u := range s.Own.Overdue(unconfirmedAge) {
		e, err := s.Stored.Get(ctx, u.PlayerID, u.Ref)
		if err != nil {
			return err
		}
		s.Own.Settle(u, &e)
	}
	return nil
}

// Chore is work that is looked for at intervals. A round that fails is logged, and the next one finds what it left.
type Chore struct {
	Name  string
	Every time.Duration
	Round func(ctx context.Context) error
}

// Run does a chore until ctx ends.
func (c Chore) Run(ctx context.Context, log *slog.Logger) {
	for {
		sleep(ctx, c.Every)
		if ctx.Err() != nil {
			return
		}
		if err := c.Round(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "a chore failed and will be tried again", "chore", c.Name, "error", err)
		}
	}
}
