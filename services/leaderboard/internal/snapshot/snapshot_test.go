package snapshot_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"supergame/local/emulator"
	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/cosmosstore"
	"supergame/services/leaderboard/internal/index"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/leaderboard/internal/snapshot"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

// childVariable makes this test binary a replica that takes snapshots without end, for the test that kills it.
const childVariable = "LEADERBOARD_TEST_SNAPSHOTS_OF"

func TestMain(m *testing.M) {
	restore := snapshot.SetChunkBytes(4 << 10)
	if endpoint := os.Getenv(childVariable); endpoint != "" {
		if err := snapshots(endpoint); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	code := m.Run()
	restore()
	os.Exit(code)
}

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

// def is the board of all tests.
func def() *board.Board {
	return &board.Board{
		ID: "b", UID: "u", Operator: board.Best, Season: 2, Start: time.Unix(1000, 0), InlineBytes: 4,
		Columns:  []board.Column{{Name: "points", Descending: true}},
		Segments: []board.Segment{{Name: "country", Source: board.FromCountry}, {Name: "league", Source: board.FromSubmission}},
	}
}

// definitions is a catalog of that board.
type definitions struct{ missing bool }

func (d definitions) Board(context.Context, string, time.Time) (board.Board, error) {
	if d.missing {
		return board.Board{}, board.NotFound("b")
	}
	return *def(), nil
}

func playerID(n int) string {
	var id ulid.ULID
	id[5] = 1
	binary.BigEndian.PutUint32(id[12:], uint32(n))
	return id.String()
}

// entry is one of a player.
func entry(n int, season, version, points int64) *board.Entry {
	e := &board.Entry{
		PlayerID: playerID(n), BoardID: "b", BoardUID: "u", Season: season, Version: version, Columns: []int64{points}, ReceiveTime: time.UnixMilli(int64(n)),
		Segments: map[string]string{"country": []string{"DE", "FR", "NZ"}[n%3]}, Inline: []byte{byte(n)}, ScoredTime: time.Unix(900, 0),
	}
	if n%4 == 0 {
		e.Segments["league"] = "l" + strconv.Itoa(n%7)
	}
	if n%11 == 0 {
		e.Hidden = true
	}
	e.Key = board.NewKey(def().Columns, e.Columns, e.ReceiveTime, e.PlayerID, nil)
	return e
}

// dump is a season as text, entry by entry.
func dump(v *ranks.View, season int64) map[string]string {
	s := v.Season("u", season)
	all := map[string]string{}
	for i := range index.Parts {
		var list []index.Entry
		names := s.Dump(i, func(e index.Entry) {
			e.Key, e.Inline, e.Segments = slices.Clone(e.Key), slices.Clone(e.Inline), slices.Clone(e.Segments)
			list = append(list, e)
		})
		for _, e := range list {
			var values []string
			for g, n := range e.Segments {
				value := ""
				if n > 0 {
					value = names[g][n-1]
				}
				values = append(values, value)
			}
			all[ulid.ULID(e.Player).String()] = fmt.Sprintf("%d %x %x %q", e.Version, e.Key, e.Inline, values)
		}
	}
	return all
}

// same compares two views, and that their lists are whole.
func same(t *testing.T, want, got *ranks.View) {
	t.Helper()
	for _, season := range []int64{1, 2} {
		if w, g := dump(want, season), dump(got, season); !maps.Equal(w, g) {
			t.Fatalf("season %d has %d entries, want %d, or others", season, len(g), len(w))
		}
		for _, l := range []ranks.List{{}, {Segment: "country", Value: "DE"}, {Segment: "league", Value: "l4"}} {
			w, _, _ := want.Season("u", season).Range(l, 0, 1<<20)
			g, _, _ := got.Season("u", season).Range(l, 0, 1<<20)
			if fmt.Sprint(w) != fmt.Sprint(g) {
				t.Fatalf("season %d, %v: %d rows, want %d, or others", season, l, len(g), len(w))
			}
		}
		w, _ := want.Season("u", season).Late(time.Unix(0, 0))
		g, _ := got.Season("u", season).Late(time.Unix(0, 0))
		if !maps.Equal(w, g) {
			t.Fatalf("season %d: late are %v, want %v", season, g, w)
		}
	}
}

// ticks let no two snapshots begin at the same time.
var ticks atomic.Int64

var now = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// world is a store with a view.
type world struct {
	store   *cosmosstore.SnapshotStore
	client  *cosmos.Client
	view    *ranks.View
	taker   *snapshot.Taker
	restore *snapshot.Restorer
}

func newWorld(client *cosmos.Client) *world {
	w := &world{store: cosmosstore.NewSnapshots(client, "all"), client: client, view: ranks.NewView()}
	w.view.Define(def())
	clock := func() time.Time { return now.Add(time.Duration(ticks.Add(1)) * time.Microsecond) }
	w.taker = &snapshot.Taker{
		Store: w.store, Chunks: w.store, View: w.view, Origin: "here", Every: time.Hour, Now: clock,
		Positions: func() []snapshot.Position {
			return []snapshot.Position{{Max: "FF", Token: "t", AsOf: now.Add(-time.Second)}}
		},
	}
	w.restore = &snapshot.Restorer{
		Store: w.store, Chunks: w.store, View: ranks.NewView(), Boards: definitions{}, Origin: "here", MaxAge: cosmosstore.SnapshotLife, Now: clock,
		Takes: func(context.Context, snapshot.Position) (bool, error) { return true, nil },
	}
	return w
}

func (w *world) fill(n int) {
	for i := range n {
		w.view.Apply(entry(i, int64(i%2)+1, 5, int64(i*7919%1000)))
	}
	late := entry(n, 1, 5, 3)
	late.ScoredTime = time.Unix(5000, 0)
	w.view.Apply(late)
}

func (w *world) take(t *testing.T) {
	t.Helper()
	state, err := w.store.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.taker.Take(t.Context(), &state); err != nil {
		t.Fatal(err)
	}
}

// chunks counts what is stored.
func (w *world) chunks(t *testing.T) int {
	t.Helper()
	ids, err := cosmos.Select[string](t.Context(), w.client.Container(cosmosstore.Snapshots), cosmos.Key{}, cosmos.SQL("SELECT VALUE c.id FROM c WHERE c.type = 'snapshot-chunk'"))
	if err != nil {
		t.Fatal(err)
	}
	return len(ids)
}

// named are the chunks that the snapshot names.
func (w *world) named(t *testing.T) (n int) {
	t.Helper()
	state, err := w.store.State(t.Context())
	if err != nil || state.Header == nil {
		t.Fatal(state, err)
	}
	for _, s := range state.Header.Seasons {
		n += len(s.Chunks)
	}
	return n
}

func TestRoundTrip(t *testing.T) {
	w := newWorld(cosmostest.StartShared(t, specs(t)))
	if positions, err := w.restore.Restore(t.Context()); positions != nil || err != nil {
		t.Fatalf("without a snapshot: %v, %v", positions, err)
	}
	for _, n := range []int{0, 1, 500, 700} {
		w.fill(n)
		w.take(t)
		w.restore.View = ranks.NewView()
		positions, err := w.restore.Restore(t.Context())
		if err != nil || len(positions) != 1 || positions[0].Token != "t" || !positions[0].AsOf.Equal(now.Add(-time.Second)) {
			t.Fatalf("%v, %v", positions, err)
		}
		same(t, w.view, w.restore.View)
		if stored, named := w.chunks(t), w.named(t); stored != named {
			t.Errorf("%d chunks are stored, the snapshot names %d", stored, named)
		}
	}
	w.restore.Boards, w.restore.View = definitions{missing: true}, ranks.NewView()
	if positions, err := w.restore.Restore(t.Context()); len(positions) != 1 || err != nil || len(w.restore.View.Boards()) != 0 {
		t.Errorf("of a deleted board: %v, %v", positions, err)
	}
}

// TestInstallKeepsNewer: what came into the view before the snapshot was loaded stays, where it is newer.
func TestInstallKeepsNewer(t *testing.T) {
	w := newWorld(cosmostest.StartShared(t, specs(t)))
	w.fill(100)
	w.take(t)
	w.restore.View.Define(def())
	for _, e := range []*board.Entry{entry(3, 2, 9, 5000), entry(5, 2, 1, 5000), entry(999, 2, 1, 7)} {
		w.restore.View.Apply(e)
	}
	if _, err := w.restore.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.view.Apply(entry(3, 2, 9, 5000))
	w.view.Apply(entry(999, 2, 1, 7))
	same(t, w.view, w.restore.View)
}

// TestWhenToTake: at intervals, and when somebody asks.
func TestWhenToTake(t *testing.T) {
	w := newWorld(cosmostest.StartShared(t, specs(t)))
	clock := now
	w.taker.Now = func() time.Time { return clock }
	w.taker.Positions = func() []snapshot.Position {
		return []snapshot.Position{{Max: "FF", Token: "t", AsOf: clock.Add(-time.Second)}}
	}
	copies := &snapshot.Copies{Store: w.store, Now: w.taker.Now}
	round := func() int64 {
		t.Helper()
		if err := w.taker.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		state, err := w.store.State(t.Context())
		if err != nil || state.Header == nil || state.Writing != 0 {
			t.Fatal(state, err)
		}
		return state.Header.Generation
	}
	if since, err := copies.Since(t.Context()); !since.IsZero() || err != nil {
		t.Error(since, err)
	}
	first := round()
	clock = clock.Add(time.Minute)
	if round() != first {
		t.Error("it was taken too early")
	}
	if err := copies.Request(t.Context()); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(2 * time.Second)
	second := round()
	if second == first || round() != second {
		t.Error("it was not taken once when it was asked for")
	}
	if since, err := copies.Since(t.Context()); err != nil || !since.Equal(clock.Add(-time.Second)) {
		t.Error(since, err)
	}
	if clock = clock.Add(time.Hour); round() == second {
		t.Error("it was not taken when it was time")
	}
	w.taker.Positions = func() []snapshot.Position { return nil }
	if clock = clock.Add(2 * time.Hour); w.taker.Round(t.Context()) != nil {
		t.Error("a view that is not caught up")
	}
}

// TestRefused: a snapshot that is damaged, of another deployment or container, or too old is not used, and leaves the view as it was.
func TestRefused(t *testing.T) {
	client := cosmostest.StartShared(t, specs(t))
	type body struct {
		cosmos.Header
		Body []byte `json:"body"`
	}
	kind := cosmos.NewKind[body](client.Container(cosmosstore.Snapshots), "snapshot-chunk", 1)
	damage := func(w *world, change func([]byte) []byte) {
		state, err := w.store.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		id := "all|" + state.Header.Seasons[1].Chunks[1].ID
		if _, err := kind.Update(t.Context(), cosmos.PK(id), id, cosmos.Operation{}, func(d *body) (bool, error) {
			d.Body = change(d.Body)
			return true, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	cases := map[string]func(w *world){
		"another deployment": func(w *world) { w.restore.Origin = "elsewhere" },
		"another container": func(w *world) {
			w.restore.Takes = func(context.Context, snapshot.Position) (bool, error) { return false, nil }
		},
		"too old": func(w *world) {
			w.restore.Now = func() time.Time { return now.Add(cosmosstore.SnapshotLife) }
		},
		"a bit": func(w *world) {
			damage(w, func(b []byte) []byte {
				b[len(b)/2] ^= 1
				return b
			})
		},
		"cut":   func(w *world) { damage(w, func(b []byte) []byte { return b[:len(b)-3] }) },
		"empty": func(w *world) { damage(w, func([]byte) []byte { return nil }) },
		"missing": func(w *world) {
			state, err := w.store.State(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := w.store.Remove(t.Context(), state.Header.Seasons[0].Chunks[0].ID); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, change := range cases {
		w := newWorld(client)
		w.fill(400)
		w.take(t)
		change(w)
		positions, err := w.restore.Restore(t.Context())
		if fault.ReasonOf(err) != "SNAPSHOT_REFUSED" || positions != nil || len(w.restore.View.Boards()) != 0 {
			t.Errorf("%s: %v, %v", name, positions, err)
		}
	}
}

// TestCrashWhileTaking ends the process at each of its requests: the snapshot is then the old one or the new one, whole, and the next one that is taken
// leaves nothing of what died.
func TestCrashWhileTaking(t *testing.T) {
	for name, after := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
			w := newWorld(client)
			clock := now
			w.taker.Now = func() time.Time { return clock }
			w.restore.Now = w.taker.Now
			w.fill(100)
			w.take(t)
			for n := 0; ; n++ {
				clock = clock.Add(time.Minute)
				w.view.Apply(entry(n, 2, 100+int64(n), int64(n)))
				state, err := w.store.State(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				died := false
				remove := e.Inject(emulator.Fault{
					Skip: n, Count: 1, DropBefore: !after, DropAfter: after, After: after,
					Hook: func(context.Context, emulator.Point) {
						died = true
						cancel()
					},
				})
				_ = w.taker.Take(ctx, &state) // what it says is heard by nobody
				remove()
				cancel()
				w.restore.View = ranks.NewView()
				if _, err := w.restore.Restore(t.Context()); err != nil {
					t.Fatalf("request %d: %v", n, err)
				}
				w.take(t)
				w.restore.View = ranks.NewView()
				if _, err := w.restore.Restore(t.Context()); err != nil {
					t.Fatalf("request %d: %v", n, err)
				}
				same(t, w.view, w.restore.View)
				if stored, named := w.chunks(t), w.named(t); stored != named {
					t.Fatalf("request %d: %d chunks are stored, the snapshot names %d", n, stored, named)
				}
				if !died {
					return
				}
			}
		})
	}
}

// TestRival: of two that take a snapshot at once one wins, and the other leaves nothing.
func TestRival(t *testing.T) {
	client := cosmostest.StartShared(t, specs(t))
	w := newWorld(client)
	w.fill(300)
	rival := newWorld(client)
	rival.taker.Now = func() time.Time { return now.Add(time.Second) }
	rival.fill(300)
	w.taker.Chunks = interrupted{w.store, func(id string) {
		if strings.HasSuffix(id, "|2") {
			rival.take(t)
		}
	}}
	w.take(t)
	state, err := w.store.State(t.Context())
	if err != nil || state.Header.Generation != now.Add(time.Second).UnixMicro() {
		t.Errorf("%v, %v", state.Header, err)
	}
	if stored, named := w.chunks(t), w.named(t); stored != named {
		t.Errorf("%d chunks are stored, the snapshot names %d", stored, named)
	}
}

// interrupted calls back before each chunk.
type interrupted struct {
	snapshot.Chunks
	before func(id string)
}

func (i interrupted) Put(ctx context.Context, id string, body []byte) error {
	i.before(id)
	return i.Chunks.Put(ctx, id, body)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("SGS\x01"), 0)
	f.Add([]byte("SGS\x01\x01\x02\x02DE\x02FR\x00\x16"), 1)
	f.Add(append([]byte("SGS\x01\x00\x00\x04"), bytes.Repeat([]byte{1}, 40)...), 0)
	f.Fuzz(func(t *testing.T, chunk []byte, segments int) {
		if segments < 0 || segments > 3 {
			return
		}
		again, err := snapshot.DecodeForTest(chunk, segments)
		if err != nil {
			if fault.ReasonOf(err) != "SNAPSHOT_REFUSED" {
				t.Error(err)
			}
			return
		}
		twice, err := snapshot.DecodeForTest(again, segments)
		if err != nil || !bytes.Equal(again, twice) {
			t.Errorf("written again it is another: %v", err)
		}
	})
}

// follow reads the feed of entries to its end.
func follow(ctx context.Context, client *cosmos.Client, view *ranks.View, positions []cosmos.FeedPosition) ([]cosmos.FeedPosition, error) {
	feed := &cosmos.Feed{Container: client.Container(cosmosstore.Entries)}
	if positions == nil {
		var err error
		if positions, err = feed.Positions(ctx); err != nil {
			return nil, err
		}
	}
	for i := range positions {
		for {
			page, err := feed.Poll(ctx, positions[i])
			if err != nil {
				return nil, err
			}
			positions[i] = page.Next
			if len(page.Changes) == 0 {
				break
			}
			for _, change := range page.Changes {
				e, err := cosmosstore.DecodeEntry(change.Body)
				if err != nil {
					return nil, err
				}
				view.Apply(&e)
			}
		}
	}
	return positions, nil
}

// replica is a taker whose positions are those of a feed that it follows.
func replica(client *cosmos.Client, positions *[]cosmos.FeedPosition) *world {
	w := newWorld(client)
	w.taker.Now = time.Now
	w.restore.Now = time.Now
	w.taker.Positions = func() (list []snapshot.Position) {
		for _, p := range *positions {
			list = append(list, snapshot.Position{Min: p.Min, Max: p.Max, Token: p.Token, AsOf: time.Now()})
		}
		return list
	}
	return w
}

// snapshots follows the feed and takes snapshots until the process is killed.
func snapshots(endpoint string) error {
	ctx := context.Background()
	client, err := cosmos.Open(ctx, cosmos.Config{
		Endpoint: endpoint, Key: config.NewSecret(emulator.WellKnownKey), Database: os.Getenv(childVariable + "_DATABASE"),
	}, cosmos.Options{})
	if err != nil {
		return err
	}
	var positions []cosmos.FeedPosition
	w := replica(client, &positions)
	for {
		if positions, err = follow(ctx, client, w.view, positions); err != nil {
			return err
		}
		state, err := w.store.State(ctx)
		if err != nil {
			return err
		}
		fmt.Println("taking")
		if err := w.taker.Take(ctx, &state); err != nil {
			return err
		}
		fmt.Println("taken")
	}
}

// TestKill ends a replica with -9 while entries are written and while it takes a snapshot. Another that starts from what is stored has the same index,
// entry by entry, as one that reads everything from the feed.
func TestKill(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "an address", specs(t))
	addr, err := e.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entries := cosmosstore.NewEntries(client, "main", time.Now)
	write := func(n int) {
		t.Helper()
		ref := scores.Ref{BoardID: "b", BoardUID: "u", Season: int64(n%2) + 1}
		_, err := entries.Submit(t.Context(), scores.Request{PlayerID: playerID(n % 300), Targets: []scores.Target{{Ref: ref}}}, func(list []*board.Entry) ([]bool, error) {
			made := entry(n%300, ref.Season, list[0].Version+1, rand.Int64N(1000))
			made.ETag = list[0].ETag
			*list[0] = *made
			return []bool{true}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := range 300 {
		write(n)
	}
	for kill := range 4 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childVariable+"=http://"+addr.String(), childVariable+"_DATABASE="+client.Database())
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = child.Process.Kill() })
		// Killed in the middle of the second snapshot, at another of its chunks each time.
		text := make([]byte, 0, 64)
		for bytes.Count(text, []byte("taking")) < 2 {
			var b [64]byte
			n, err := out.Read(b[:])
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, b[:n]...)
			write(rand.IntN(300))
		}
		for range kill * 2 {
			write(rand.IntN(300))
		}
		_ = child.Process.Kill()
		_ = child.Wait()

		full := newWorld(client)
		if _, err := follow(t.Context(), client, full.view, nil); err != nil {
			t.Fatal(err)
		}
		var positions []cosmos.FeedPosition
		w := replica(client, &positions)
		kept, err := w.restore.Restore(t.Context())
		if err != nil || len(kept) == 0 {
			t.Fatalf("%v, %v", kept, err)
		}
		for _, p := range kept {
			positions = append(positions, cosmos.FeedPosition{Min: p.Min, Max: p.Max, Token: p.Token})
		}
		if _, err := follow(t.Context(), client, w.restore.View, positions); err != nil {
			t.Fatal(err)
		}
		same(t, full.view, w.restore.View)
		w.view = w.restore.View
		w.taker.View = w.view
		w.take(t)
		if stored, named := w.chunks(t), w.named(t); stored != named {
			t.Errorf("kill %d: %d chunks are stored, the snapshot names %d", kill, stored, named)
		}
	}
}
