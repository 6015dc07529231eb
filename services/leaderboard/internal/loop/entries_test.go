package loop_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/loop"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/platform/fault"
)

// shelf is a catalog, and the stored entries, of a test.
type shelf struct {
	boards map[string]board.Board
	stored map[string]board.Entry // by player
	err    error
	reads  int
}

func (s *shelf) Board(_ context.Context, id string, _ time.Time) (board.Board, error) {
	s.reads++
	if s.err != nil {
		return board.Board{}, s.err
	}
	b, ok := s.boards[id]
	if !ok {
		return board.Board{}, board.NotFound(id)
	}
	return b, nil
}

func (s *shelf) Get(_ context.Context, playerID string, _ scores.Ref) (board.Entry, error) {
	return s.stored[playerID], s.err
}

const somePlayer = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

// feedOf is a follower's part for entries, with a clock that the test moves.
type feedOf struct {
	*loop.Entries
	*shelf
	now time.Time
}

func newFeed() *feedOf {
	f := &feedOf{shelf: &shelf{boards: map[string]board.Board{}, stored: map[string]board.Entry{}}, now: noon}
	clock := func() time.Time { return f.now }
	view := ranks.NewView()
	f.Entries = &loop.Entries{
		View: view, Own: &ranks.Own{View: view, Now: clock}, Boards: f.shelf, Stored: f.shelf,
		Serves: func(id string) bool { return id != "elsewhere" }, Now: clock,
	}
	return f
}

func boardOf(id, uid string) board.Board {
	return board.Board{ID: id, UID: uid, Operator: board.Best, Columns: []board.Column{{Name: "points"}}, Season: 1}
}

// show shows an entry of a board.
func (f *feedOf) show(t *testing.T, id, uid string, version int64) error {
	t.Helper()
	e := board.Entry{PlayerID: somePlayer, BoardID: id, BoardUID: uid, Season: 1, Version: version, Columns: []int64{version}}
	e.Key = board.NewKey([]board.Column{{}}, e.Columns, noon, somePlayer, nil)
	f.Decode = func([]byte) (board.Entry, error) { return e, nil }
	return f.Handle(t.Context(), loop.Change{Type: "entry", Time: f.now})
}

func (f *feedOf) version(uid string) int64 {
	if s := f.View.Season(uid, 1); s != nil {
		return s.Version(somePlayer)
	}
	return 0
}

// TestAnUnknownBoardIsLookedUp shows an entry of a board that the view does not know.
func TestAnUnknownBoardIsLookedUp(t *testing.T) {
	f := newFeed()
	f.boards["b"] = boardOf("b", "one")
	for version := range int64(3) {
		if err := f.show(t, "b", "one", version+1); err != nil {
			t.Fatal(err)
		}
	}
	if f.version("one") != 3 || f.reads != 1 {
		t.Errorf("the view has version %d behind %d reads", f.version("one"), f.reads)
	}
	if err := f.show(t, "elsewhere", "x", 1); err != nil || f.reads != 1 {
		t.Errorf("a board that is not served: %v, %d reads", err, f.reads)
	}
	f.err = fault.New(fault.Unavailable, "STORE_UNAVAILABLE", "")
	if err := f.show(t, "c", "two", 1); !errors.Is(err, f.err) {
		t.Errorf("while the store does not answer: %v", err)
	}
}

// TestAnEntryWaitsForItsBoard shows an entry before its definition can be read.
func TestAnEntryWaitsForItsBoard(t *testing.T) {
	f := newFeed()
	if err := f.show(t, "b", "one", 4); err != nil {
		t.Fatal(err)
	}
	if err := f.Retry(t.Context()); err != nil || f.View.Knows("one") {
		t.Errorf("a board that is not there: %v", err)
	}
	f.boards["b"] = boardOf("b", "one")
	f.now = f.now.Add(2 * time.Second)
	if err := f.Retry(t.Context()); err != nil || f.version("one") != 4 {
		t.Errorf("the view has version %d (%v), want the one that waited", f.version("one"), err)
	}
}

// TestEntriesOfABoardThatIsGoneAreDropped shows entries of a board that was deleted, and of one that was made again.
func TestEntriesOfABoardThatIsGoneAreDropped(t *testing.T) {
	f := newFeed()
	f.boards["b"] = boardOf("b", "two")
	if err := f.show(t, "b", "one", 4); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(2 * time.Minute)
	if err := f.Retry(t.Context()); err != nil {
		t.Fatal(err)
	}
	reads := f.reads
	if err := f.show(t, "b", "one", 5); err != nil || f.reads != reads || f.View.Knows("one") {
		t.Errorf("an entry of the old board: %v, %d reads", err, f.reads-reads)
	}
	if err := f.show(t, "b", "two", 6); err != nil || f.version("two") != 6 {
		t.Errorf("an entry of the new board: %v", err)
	}
	f.Gone("two")
	if err := f.show(t, "b", "two", 7); err != nil || f.View.Knows("two") {
		t.Errorf("an entry of a board that was dropped: %v", err)
	}
}

// TestOwnWritesAreConfirmed reads again what the feed has not shown for a minute.
func TestOwnWritesAreConfirmed(t *testing.T) {
	f := newFeed()
	b := boardOf("b", "one")
	e := board.Entry{PlayerID: somePlayer, BoardID: "b", BoardUID: "one", Season: 1, Version: 9, Columns: []int64{1}, ETag: "1"}
	e.Key = board.NewKey(b.Columns, e.Columns, noon, somePlayer, nil)
	f.Own.Took(&b, &e)
	if err := f.Confirm(t.Context()); err != nil || f.version("one") != 9 {
		t.Errorf("at once: version %d, %v", f.version("one"), err)
	}
	f.now = f.now.Add(2 * time.Minute)
	if err := f.Confirm(t.Context()); err != nil || f.version("one") != 0 {
		t.Errorf("of what the store does not have there is version %d, %v", f.version("one"), err)
	}
}
