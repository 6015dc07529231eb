// Package boards makes, changes and removes definitions of boards.
package boards

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"strings"
	"sync"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
)

// Boards keeps definitions.
type Boards struct {
	Store   board.Store
	Seasons board.Seasons
	Tokens  pagetoken.Codec
	Now     func() time.Time
	Wrote   func(id string) // hears of each definition that may have changed

	mu     sync.Mutex
	list   []board.Board // by name; nil = to be read
	listed time.Time
}

// Create makes a board, or gives the one that is there when it says the same. AlreadyExists (BOARD_EXISTS) when it does not.
func (s *Boards) Create(ctx context.Context, b board.Board) (stored board.Board, created bool, err error) {
	now := s.now()
	b.Normalize()
	if err := b.Complete(); err != nil {
		return board.Board{}, false, err
	}
	if err := b.Validate(now); err != nil {
		return board.Board{}, false, err
	}
	b.UID = newUID()
	if err := b.Begin(now); err != nil {
		return board.Board{}, false, err
	}
	defer s.changed(b.ID)
	stored, created, err = s.Store.Create(ctx, b)
	if err == nil && !created && !stored.Same(&b) {
		return board.Board{}, false, fault.New(fault.AlreadyExists, "BOARD_EXISTS", "board %s is there with another definition", b.ID).With("board_id", b.ID)
	}
	return stored, created, err
}

// newUID names a making of a board: 13 characters, 64 bits.
func newUID() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, see its documentation
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random[:]))
}

// Update changes the fields of a mask. Aborted (ETAG_MISMATCH) when an etag is given and not the stored one.
func (s *Boards) Update(ctx context.Context, b board.Board, mask []string) (board.Board, error) {
	if err := board.CheckMask(mask); err != nil {
		return board.Board{}, err
	}
	defer s.changed(b.ID)
	return s.Store.Update(ctx, b.ID, func(stored *board.Board) (bool, error) {
		if err := matches(b.ETag, stored); err != nil {
			return false, err
		}
		before := *stored
		if err := stored.Update(&b, mask, s.now()); err != nil {
			return false, err
		}
		return !stored.Same(&before), nil
	})
}

// Delete removes a board. Its entries end by their time to live; a board made again under its name has another uid and starts empty.
func (s *Boards) Delete(ctx context.Context, id, etag string) error {
	defer s.changed(id)
	return s.Store.Delete(ctx, id, func(stored *board.Board) error { return matches(etag, stored) })
}

func matches(etag string, stored *board.Board) error {
	if etag != "" && etag != stored.ETag {
		return fault.New(fault.Aborted, "ETAG_MISMATCH", "the board changed: read it again").With("etag", stored.ETag)
	}
	return nil
}

func (s *Boards) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }
