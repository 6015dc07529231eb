// Package catalog knows the boards: definitions in memory, a few seconds old at most, with the season that runs.
package catalog

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/fault"
)

// MaxAge is how old a definition may be that a call is decided by: a change of it is seen everywhere within that time, for one point read of each
// replica and board in use.
const MaxAge = 5 * time.Second

// Catalog keeps definitions in memory. It is safe for concurrent use.
type Catalog struct {
	Store   board.Store
	Seasons board.Seasons
	Now     func() time.Time
	// Serves reports whether this deployment serves a board; nil = all.
	Serves func(id string) bool
	// Changed is told of every definition that was read; Gone of a making of a board that is no more. Both may be nil.
	Changed func(b *board.Board)
	Gone    func(uid string)

	loads  singleflight.Group
	mu     sync.RWMutex
	boards map[string]known
	writes map[string]int // of this process, by board
}

type known struct {
	board  board.Board
	read   time.Time // when the read began
	writes int       // of this process, before it
}

// Wrote hears that this process changed a definition: what is in memory is old.
func (c *Catalog) Wrote(id string) {
	c.mu.Lock()
	if c.writes == nil {
		c.writes = map[string]int{}
	}
	c.writes[id]++
	c.mu.Unlock()
	c.loads.Forget(id)
}

// Board returns a definition and makes sure that it knows the season of an instant, which is now or close to it. NotFound (BOARD_NOT_FOUND) when
// there is none. When the season is over and nobody has opened the next, this call does.
func (c *Catalog) Board(ctx context.Context, id string, at time.Time) (board.Board, error) {
	if c.Serves != nil && !c.Serves(id) {
		return board.Board{}, fault.New(fault.FailedPrecondition, "BOARD_ELSEWHERE", "board %s is served by another deployment", id).With("board_id", id)
	}
	c.mu.RLock()
	k, ok := c.boards[id]
	ok = ok && k.writes == c.writes[id]
	c.mu.RUnlock()
	if ok && c.Now().Sub(k.read) < MaxAge {
		if _, _, current := k.board.SeasonAt(at); current || at.Before(k.board.Start) {
			return k.board, nil
		}
	}
	return c.load(ctx, id, at)
}

// load reads a definition. Calls for one board at the same time share a read.
func (c *Catalog) load(ctx context.Context, id string, at time.Time) (board.Board, error) {
	loaded := c.loads.DoChan(id, func() (any, error) {
		return c.read(context.WithoutCancel(ctx), id, at)
	})
	select {
	case result := <-loaded:
		b, _ := result.Val.(board.Board)
		return b, result.Err
	case <-ctx.Done():
		return board.Board{}, ctx.Err()
	}
}

func (c *Catalog) read(ctx context.Context, id string, at time.Time) (board.Board, error) {
	begun := c.Now()
	c.mu.RLock()
	writes := c.writes[id]
	c.mu.RUnlock()
	b, err := c.Store.Get(ctx, id)
	if fault.Is(err, fault.NotFound) {
		c.forget(id, "")
		return board.Board{}, err
	}
	if err != nil {
		return board.Board{}, err
	}
	// The season after the next: several were missed, for example while nothing ran. One step each.
	for !b.End.IsZero() && !at.Before(b.End) {
		if b, err = c.Seasons.Roll(ctx, id, b.Season); err != nil {
			return board.Board{}, err
		}
	}
	c.forget(id, b.UID)
	c.mu.Lock()
	if c.boards == nil {
		c.boards = map[string]known{}
	}
	c.boards[id] = known{b, begun, writes}
	c.mu.Unlock()
	if c.Changed != nil {
		c.Changed(&b)
	}
	return b, nil
}

// forget drops another making of a board than the one that is there now.
func (c *Catalog) forget(id, uid string) {
	c.mu.Lock()
	k, ok := c.boards[id]
	gone := ok && k.board.UID != uid
	if gone {
		delete(c.boards, id)
	}
	c.mu.Unlock()
	if gone && c.Gone != nil {
		c.Gone(k.board.UID)
	}
}

// Refresh reads every definition in memory that is not new: so a board that nobody asks for is not ranked for ever after it was deleted.
func (c *Catalog) Refresh(ctx context.Context) error {
	for _, b := range c.All() {
		if _, err := c.Board(ctx, b.ID, c.Now()); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// All are the definitions in memory, in no order.
func (c *Catalog) All() []board.Board {
	c.mu.RLock()
	defer c.mu.RUnlock()
	list := make([]board.Board, 0, len(c.boards))
	for _, k := range c.boards {
		list = append(list, k.board)
	}
	return list
}
