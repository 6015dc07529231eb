package season_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	"supergame/services/leaderboard/internal/archive"
	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/boards"
	"supergame/services/leaderboard/internal/catalog"
	"supergame/services/leaderboard/internal/cosmosstore"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/leaderboard/internal/reward"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/leaderboard/internal/season"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

func specs(t testing.TB) []cosmos.ContainerSpec {
	t.Helper()
	text, err := os.ReadFile("../../containers.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := cosmos.ParseSpecs(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// wallet is the ledger: a request counts once.
type wallet struct {
	mu      sync.Mutex
	entries map[string]string // content by player and request
	calls   int
	before  func(call int) // may end the caller
	after   func(call int)
	refuse  map[string]error // by player
}

func (w *wallet) Grant(ctx context.Context, g *reward.Grant) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if w.before != nil {
		w.before(w.calls)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := w.refuse[g.PlayerID]; err != nil {
		return err
	}
	key, content := g.PlayerID+" "+g.RequestID(), fmt.Sprint(g.Assets)
	if stored, ok := w.entries[key]; ok && stored != content {
		return fault.New(fault.AlreadyExists, cosmos.ReasonRequestIDReused, "another content")
	}
	w.entries[key] = content
	if w.after != nil {
		w.after(w.calls)
	}
	return ctx.Err()
}

// world is a store with replicas on it.
type world struct {
	t        *testing.T
	e        *emulatortest.Emulator
	database string
	wallet   *wallet
	*replica
}

// replica is one process.
type replica struct {
	t       *testing.T
	client  *cosmos.Client
	boards  *cosmosstore.BoardStore
	entries *cosmosstore.EntryStore
	stored  *cosmosstore.ArchiveStore
	grants  *cosmosstore.GrantStore
	view    *view
	keeper  *season.Keeper
	reviews *season.Reviews
	scores  *scores.Scores
	catalog *catalog.Catalog
	now     func() time.Time
	players *standing
}

// standing answers about players.
type standing struct{ asked func() }

func (s *standing) Standing(context.Context, string) (scores.Standing, error) {
	if s.asked != nil {
		s.asked()
	}
	return scores.Standing{}, nil
}

// view is fed by sync.
type view struct {
	*ranks.View
	until     time.Time
	positions []cosmos.FeedPosition
}

func (v *view) SeenAll(until time.Time) bool { return v.until.After(until) }

func newWorld(t *testing.T, start time.Time) *world {
	t.Helper()
	client, e := cosmostest.StartEmulator(t, "a clock of its own", specs(t), emulatortest.WithClock(emulator.NewFrozenClock(start)))
	w := &world{t: t, e: e, database: client.Database(), wallet: &wallet{entries: map[string]string{}}}
	w.replica = w.open(client)
	return w
}

// another is one more process.
func (w *world) another() *replica {
	return w.open(cosmostest.Open(w.t, w.e, w.database, specs(w.t)))
}

func (w *world) open(client *cosmos.Client) *replica {
	now := func() time.Time { return w.e.Clock().Now() }
	r := &replica{
		t: w.t, client: client, boards: cosmosstore.NewBoards(client, now), entries: cosmosstore.NewEntries(client, "main", now),
		stored: cosmosstore.NewArchives(client, now), grants: cosmosstore.NewGrants(client), view: &view{View: ranks.NewView()}, now: now,
		players: &standing{},
	}
	r.catalog = &catalog.Catalog{Store: r.boards, Seasons: r.boards, Now: now, Changed: func(b *board.Board) { r.view.Define(b) }}
	r.scores = &scores.Scores{
		Catalog: r.catalog, Players: r.players, Store: r.entries, Ranks: &ranks.Own{View: r.view.View, Now: now}, Rate: scores.NewWindows(now),
		Secret: []byte("secret"), Now: now,
	}
	r.keeper = &season.Keeper{
		Store: r.boards, Boards: r.boards, Seasons: r.boards, Archives: r.stored, View: r.view, Now: now,
		Rewards: &reward.Rewards{Store: r.grants, Archives: r.stored, Entries: r.entries, Wallet: w.wallet, Now: now},
	}
	r.reviews = &season.Reviews{Catalog: r.catalog, Seasons: r.boards, Archives: r.stored, Entries: r.entries, Now: now}
	return r
}

// sync reads the feed to its end.
func (r *replica) sync(ctx context.Context) error {
	if _, err := r.catalog.Board(ctx, "b", r.now()); err != nil {
		return err
	}
	feed := &cosmos.Feed{Container: r.client.Container(cosmosstore.Entries)}
	until := r.now().Truncate(time.Second)
	if r.view.positions == nil {
		var err error
		if r.view.positions, err = feed.Positions(ctx); err != nil {
			return err
		}
	}
	for i := range r.view.positions {
		for {
			page, err := feed.Poll(ctx, r.view.positions[i])
			if err != nil {
				return err
			}
			r.view.positions[i] = page.Next
			if len(page.Changes) == 0 {
				break
			}
			for _, change := range page.Changes {
				if change.Type != cosmosstore.EntryType {
					continue
				}
				e, err := cosmosstore.DecodeEntry(change.Body)
				if err != nil {
					return err
				}
				r.view.Apply(&e)
			}
		}
	}
	r.view.until = until
	return nil
}

func player(n byte) string {
	var id ulid.ULID
	id[5], id[15] = 1, n
	return id.String()
}

// create makes the board of a test.
func (w *world) create(b board.Board) board.Board {
	w.t.Helper()
	b.ID, b.Operator, b.PlayersSubmit = "b", board.Best, true
	b.Columns = []board.Column{{Name: "points", Descending: true}}
	made := &boards.Boards{Store: w.boards, Seasons: w.boards, Now: w.now, Wrote: func(string) {}}
	stored, _, err := made.Create(w.t.Context(), b)
	if err != nil {
		w.t.Fatal(err)
	}
	w.view.Define(&stored)
	return stored
}

func (w *world) submit(n byte, points int64) scores.Result {
	w.t.Helper()
	result, err := w.trySubmit(n, points)
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

func (r *replica) trySubmit(n byte, points int64) (scores.Result, error) {
	results, err := r.scores.Submit(r.t.Context(), scores.Caller{Subject: player(n), Player: true}, scores.Submit{
		Scores: []scores.Score{{BoardID: "b", Columns: []int64{points}}},
	})
	if err != nil {
		return scores.Result{}, err
	}
	return results[0], nil
}

// round lets a replica catch up and work.
func (r *replica) round(ctx context.Context) error {
	return errors.Join(r.sync(ctx), r.keeper.Round(ctx))
}

func (w *world) season(number int64) board.Season {
	w.t.Helper()
	b, err := w.boards.Get(w.t.Context(), "b")
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := w.boards.Season(w.t.Context(), &b, number)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// until works until a season is in a state.
func (w *world) until(number int64, state board.State) board.Season {
	w.t.Helper()
	for range 200 {
		if err := w.round(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		if s := w.season(number); s.State >= state {
			return s
		}
		w.e.Clock().Advance(20 * time.Second)
	}
	w.t.Fatalf("season %d is %+v", number, w.season(number))
	return board.Season{}
}

// rows reads the archive of a season, and verifies it.
func (w *world) rows(s board.Season) []ranks.Row {
	w.t.Helper()
	if err := archive.Verify(w.t.Context(), w.stored, archive.NameOf(&s)); err != nil {
		w.t.Fatal(err)
	}
	closed := &season.Closed{Seasons: w.boards, Reader: w.stored, Entries: w.entries, Now: w.now}
	b, err := w.boards.Get(w.t.Context(), "b")
	if err != nil {
		w.t.Fatal(err)
	}
	list, err := closed.Open(w.t.Context(), &b, s.Number)
	if err != nil {
		w.t.Fatal(err)
	}
	rows, _, err := list.Range(w.t.Context(), ranks.List{}, 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

// names are the players of rows, by their numbers.
func names(rows []ranks.Row) string {
	text := ""
	for _, row := range rows {
		id, _ := ulid.ParseStrict(row.PlayerID)
		text += fmt.Sprintf("%d:%d ", row.Rank, id[15])
	}
	return text
}
