package boards

import (
	"cmp"
	"context"
	"slices"
	"time"

	"supergame/services/leaderboard/internal/board"
)

// listAge is how old the list of boards may be.
const listAge = 5 * time.Second

// Page is some definitions, by name.
type Page struct {
	Boards []board.Board
	Next   string // the token of the next page; "" = this was the last
}

// List returns definitions, by name. The list may be 5 seconds old.
func (s *Boards) List(ctx context.Context, size int, token string) (Page, error) {
	tokens := s.Tokens.For("LeaderboardService.ListLeaderboards")
	after, err := tokens.Position(token)
	if err != nil {
		return Page{}, err
	}
	all, err := s.all(ctx)
	if err != nil {
		return Page{}, err
	}
	from, found := slices.BinarySearchFunc(all, after, func(b board.Board, id string) int { return cmp.Compare(b.ID, id) })
	if found {
		from++
	}
	p := Page{Boards: all[from:min(from+size, len(all))]}
	if from+size < len(all) {
		p.Next = tokens.Token(p.Boards[size-1].ID)
	}
	return p, nil
}

// all are all definitions, by name, read again when they are old or this process changed one.
func (s *Boards) all(ctx context.Context) ([]board.Board, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list != nil && s.Now().Sub(s.listed).Abs() < listAge {
		return s.list, nil
	}
	begun := s.Now()
	list, err := s.Store.List(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b board.Board) int { return cmp.Compare(a.ID, b.ID) })
	s.list, s.listed = slices.Clip(append([]board.Board{}, list...)), begun
	return s.list, nil
}

// changed makes the next list a new one.
func (s *Boards) changed(id string) {
	s.mu.Lock()
	s.list = nil
	s.mu.Unlock()
	s.Wrote(id)
}

// Get returns a definition.
func (s *Boards) Get(ctx context.Context, id string) (board.Board, error) {
	return s.Store.Get(ctx, id)
}
