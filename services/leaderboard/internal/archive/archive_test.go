package archive_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/oklog/ulid/v2"

	"supergame/services/leaderboard/internal/archive"
	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/cosmosstore"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

func TestMain(m *testing.M) {
	restore := archive.SetChunkBytes(4 << 10) // about twenty rows
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

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// boards are the shapes that are tried.
func boards() map[string]*board.Board {
	columns := []board.Column{{Name: "points", Descending: true}, {Name: "ms"}}
	return map[string]*board.Board{
		"ordinal": {ID: "b", UID: "u1", Operator: board.Best, Columns: columns, Season: 2, InlineBytes: 4},
		"shared":  {ID: "b", UID: "u2", Operator: board.Best, Columns: columns[:1], SharedTies: true, Season: 2},
		"segments": {
			ID: "b", UID: "u3", Operator: board.Best, Columns: columns[:1], SharedTies: true, Season: 2,
			Segments: []board.Segment{{Name: "country", Source: board.FromCountry}, {Name: "league", Source: board.FromSubmission}},
		},
	}
}

// world is a season in memory and its archive.
type world struct {
	t       *testing.T
	b       *board.Board
	view    *ranks.View
	store   *cosmosstore.ArchiveStore
	entries map[string]*board.Entry
	ids     []string
	name    archive.Name
	seed    []byte
	list    ranks.List // that is looked at
}

func newWorld(t *testing.T, b *board.Board, n int) *world {
	t.Helper()
	w := &world{
		t: t, b: b, view: ranks.NewView(), entries: map[string]*board.Entry{}, seed: []byte("seed"),
		store: cosmosstore.NewArchives(cosmostest.StartShared(t, specs(t)), time.Now),
	}
	w.view.Define(b)
	random := rand.New(rand.NewPCG(7, uint64(n)))
	for i := range n {
		var id ulid.ULID
		id[5], id[14], id[15] = 1, byte(i>>8), byte(i)
		e := &board.Entry{PlayerID: id.String(), BoardID: b.ID, BoardUID: b.UID, Season: 1, Version: 1, ReceiveTime: start.Add(time.Duration(i) * time.Millisecond)}
		for range b.Columns {
			e.Columns = append(e.Columns, random.Int64N(int64(n)/6+2))
		}
		if b.InlineBytes > 0 {
			e.Inline = []byte{byte(i)}
		}
		if len(b.Segments) > 0 {
			e.Segments = map[string]string{"country": []string{"DE", "FR", "NZ"}[random.IntN(3)]}
			if i%5 == 0 {
				e.Segments["league"] = fmt.Sprintf("l%d", random.IntN(40))
			}
		}
		e.Key = board.NewKey(b.Columns, e.Columns, e.ReceiveTime, e.PlayerID, []byte("secret"))
		w.entries[e.PlayerID], w.ids = e, append(w.ids, e.PlayerID)
		w.view.Apply(e)
	}
	return w
}

func (w *world) build() {
	w.t.Helper()
	h, err := archive.Build(w.t.Context(), w.store, archive.Task{
		Board: w.b, Season: 1, Version: w.name.Version + 1, Seed: w.seed, Source: w.view.Season(w.b.UID, 1), Expire: time.Now().Add(time.Hour),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.name = h.Name
}

// reading is the archive as the service reads it, without a cache.
func (w *world) reading() *archive.Ranking {
	w.t.Helper()
	h, err := w.store.Header(w.t.Context(), w.name)
	if err != nil {
		w.t.Fatal(err)
	}
	return &archive.Ranking{Reader: w.store, Board: w.b, Header: h, Keys: func(_ context.Context, ids []string) (map[string]board.Key, error) {
		found := map[string]board.Key{}
		for _, id := range ids {
			if e := w.entries[id]; e != nil && e.Key != "" {
				found[id] = e.Key
			}
		}
		return found, nil
	}}
}

// lists are all lists of the board, and one that is empty.
func (w *world) lists() []ranks.List {
	list := []ranks.List{{}}
	for i, g := range w.b.Segments {
		for _, value := range w.view.Season(w.b.UID, 1).Values(i) {
			list = append(list, ranks.List{Segment: g.Name, Value: value})
		}
		list = append(list, ranks.List{Segment: g.Name, Value: "nobody"})
	}
	return list
}

var noVersion = cmp.Options{cmpopts.IgnoreFields(ranks.Row{}, "Version"), cmpopts.EquateEmpty()}

// compare checks that the archive answers as the view does.
func (w *world) compare() {
	w.t.Helper()
	live, read := w.view.Season(w.b.UID, 1), w.reading()
	ctx := w.t.Context()
	same := func(what string, want, got any, err error) {
		w.t.Helper()
		if rows, ok := want.([]ranks.Row); ok && what != "among" {
			want = w.paged(rows)
		}
		if diff := cmp.Diff(want, got, noVersion); diff != "" || err != nil {
			w.t.Fatalf("%s: %v %s", what, err, diff)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, l := range w.lists() {
		w.list = l
		all, total, _ := live.Range(l, 0, 1<<20)
		got, gotTotal, err := read.Range(ctx, l, 0, 1<<20)
		same(fmt.Sprint("all of ", l), all, got, err)
		same("total", total, gotTotal, nil)
		for range 4 {
			from, n := random.Int64N(total+2), random.Int64N(40)
			want, _, _ := live.Range(l, from, n)
			got, _, err := read.Range(ctx, l, from, n)
			same("range", want, got, err)
			id := w.ids[random.IntN(len(w.ids))]
			key := w.entries[id].Key
			want, _, _ = live.After(l, key, n)
			got, _, err = read.After(ctx, l, key, n)
			same("after", want, got, err)
			want, _, _ = live.Around(l, id, 3)
			got, _, err = read.Around(ctx, l, id, 3)
			same("around", want, got, err)
			row, found, _, _ := live.Rank(l, id)
			gotRow, gotFound, _, err := read.Rank(ctx, l, id)
			same("rank", row, gotRow, err)
			same("found", found, gotFound, nil)
			best, worst := w.entries[id].Columns, w.entries[w.ids[random.IntN(len(w.ids))]].Columns
			for _, bounds := range [][2][]int64{{best, worst}, {nil, worst}, {best, nil}, {nil, nil}} {
				count, _ := live.Count(l, bounds[0], bounds[1])
				got, err := read.Count(ctx, l, bounds[0], bounds[1])
				same("count", count, got, err)
			}
		}
	}
	some := []string{w.ids[0], w.ids[len(w.ids)/2], w.ids[len(w.ids)-1]}
	want, _, _ := live.Among(some)
	got, _, err := read.Among(ctx, some)
	same("among", want, got, err)
	w.verify()
}

// paged are rows as an archive gives them: of a segment without the global rank.
func (w *world) paged(rows []ranks.Row) []ranks.Row {
	rows = slices.Clone(rows)
	for i := range rows {
		if w.list.Segment != "" {
			rows[i].GlobalRank = 0
		}
	}
	return rows
}

func (w *world) verify() {
	w.t.Helper()
	if err := archive.Verify(w.t.Context(), w.store, w.name); err != nil {
		w.t.Fatal(err)
	}
}

// hide takes a player out of the view.
func (w *world) hide(id string) {
	e := *w.entries[id]
	e.Version, e.Hidden = 2, true
	w.view.Apply(&e)
}

func each(t *testing.T, n int, do func(t *testing.T, w *world)) {
	for name, b := range boards() {
		t.Run(name, func(t *testing.T) { do(t, newWorld(t, b, n)) })
	}
}

// TestArchiveAnswersAsTheView compares every kind of answer, over many chunks.
func TestArchiveAnswersAsTheView(t *testing.T) {
	each(t, 110, func(_ *testing.T, w *world) {
		w.build()
		w.compare()
	})
}

// TestDisqualify takes players out, one after the other, also the first, the last and those who share a rank: each version answers as a view without
// them, and verifies.
func TestDisqualify(t *testing.T) {
	each(t, 70, func(t *testing.T, w *world) {
		w.build()
		rows, _, _ := w.view.Season(w.b.UID, 1).Range(ranks.List{}, 0, 1000)
		for _, place := range []int{0, len(rows) - 1, 10, 11, 12, 40, 41, 42} {
			id := rows[place].PlayerID
			old := w.name
			next, found, err := archive.Disqualify(t.Context(), w.store, w.name, id, w.entries[id].Key, time.Now().Add(time.Hour))
			if err != nil || !found {
				t.Fatalf("place %d: %v, %v", place, found, err)
			}
			w.name = next.Name
			if err := archive.Drop(t.Context(), w.store, old, w.name); err != nil {
				t.Fatal(err)
			}
			if _, err := w.store.Header(t.Context(), old); !fault.Is(err, fault.NotFound) {
				t.Errorf("the old version is still there: %v", err)
			}
			w.hide(id)
			w.compare()
			if _, found, err := archive.Disqualify(t.Context(), w.store, w.name, id, w.entries[id].Key, time.Now().Add(time.Hour)); found || err != nil {
				t.Errorf("a second time: %v, %v", found, err)
			}
		}
	})
}

// TestScrub erases players: they are in no answer, the ranks of all others stay, nothing of theirs is stored, and the archive has the same checksum and
// verifies.
func TestScrub(t *testing.T) {
	each(t, 70, func(t *testing.T, w *world) {
		w.build()
		rows, _, _ := w.view.Season(w.b.UID, 1).Range(ranks.List{}, 0, 1000)
		gone := map[string]bool{}
		for _, place := range []int{0, 1, 2, 30, 31, 60, len(rows) - 1} {
			gone[rows[place].PlayerID] = true
		}
		for place := 12; place < 36; place++ { // a whole chunk, and more
			gone[rows[place].PlayerID] = true
		}
		for id := range gone {
			for _, want := range []bool{true, false} { // the second time finds nothing
				if found, err := archive.Scrub(t.Context(), w.store, w.name, id, w.entries[id].Key); found != want || err != nil {
					t.Fatalf("%s: %v, %v", id, found, err)
				}
			}
		}
		w.verify()
		read := w.reading()
		for _, l := range w.lists() {
			all, _, _ := w.view.Season(w.b.UID, 1).Range(l, 0, 1000)
			var want []ranks.Row
			for _, row := range all {
				if !gone[row.PlayerID] {
					want = append(want, row)
				}
			}
			w.list = l
			want = w.paged(want)
			got, total, err := read.Range(t.Context(), l, 0, 1000)
			if diff := cmp.Diff(want, got, noVersion); diff != "" || err != nil || total != int64(len(want)) {
				t.Fatalf("%v, total %d: %v %s", l, total, err, diff)
			}
			if n, err := read.Count(t.Context(), l, nil, nil); n != int64(len(want)) || err != nil {
				t.Errorf("%v: counted %d, %v", l, n, err)
			}
			for _, row := range want {
				got, found, _, err := read.Rank(t.Context(), l, row.PlayerID)
				if !found || err != nil || got.Rank != row.Rank {
					t.Fatalf("rank of %s: %+v, %v", row.PlayerID, got, err)
				}
				after, _, err := read.After(t.Context(), l, row.Key, 1)
				if err != nil || len(after) > 0 && after[0].Rank < row.Rank {
					t.Fatalf("after %s: %+v, %v", row.PlayerID, after, err)
				}
			}
			for id := range gone {
				if _, found, _, err := read.Rank(t.Context(), l, id); found || err != nil {
					t.Errorf("an erased player has a rank: %v", err)
				}
			}
		}
		if h, err := w.store.Header(t.Context(), w.name); err != nil || fmt.Sprintf("%x", h.Order.Checksum) != w.name.Checksum {
			t.Errorf("another checksum: %v", err)
		}
	})
}

// TestScrubAfterDisqualify: ranks of erased rows move up with the others.
func TestScrubAfterDisqualify(t *testing.T) {
	w := newWorld(t, boards()["segments"], 60)
	w.build()
	rows, _, _ := w.view.Season(w.b.UID, 1).Range(ranks.List{}, 0, 1000)
	if _, err := archive.Scrub(t.Context(), w.store, w.name, rows[20].PlayerID, rows[20].Key); err != nil {
		t.Fatal(err)
	}
	next, _, err := archive.Disqualify(t.Context(), w.store, w.name, rows[3].PlayerID, rows[3].Key, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	w.name = next.Name
	w.verify()
	w.hide(rows[3].PlayerID)
	want, _, _ := w.view.Season(w.b.UID, 1).Range(ranks.List{}, 0, 1000)
	want = append(want[:19:19], want[20:]...) // the erased one stood there
	got, _, err := w.reading().Range(t.Context(), ranks.List{}, 0, 1000)
	if diff := cmp.Diff(want, got, noVersion); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// TestTwoArchiveAtOnce: the same content has the same documents.
func TestTwoArchiveAtOnce(t *testing.T) {
	w := newWorld(t, boards()["segments"], 60)
	w.build()
	first := w.name
	w.name.Version = 0
	w.build()
	if w.name != first {
		t.Errorf("%+v, the other %+v", w.name, first)
	}
	w.compare()
}

// TestBrokenArchive: whatever is changed in a stored chunk is found.
func TestBrokenArchive(t *testing.T) {
	w := newWorld(t, boards()["segments"], 60)
	w.build()
	h, err := w.store.Header(t.Context(), w.name)
	if err != nil {
		t.Fatal(err)
	}
	id := h.Chunks[1].ID
	changes := map[string]func([]archive.Row){
		"another player": func(rows []archive.Row) { rows[2].PlayerID = rows[3].PlayerID },
		"another score":  func(rows []archive.Row) { rows[2].Key = rows[1].Key[:len(rows[1].Key)-1] + "x" },
		"another salt":   func(rows []archive.Row) { rows[2].Salt = []byte("salt") },
		"another tie":    func(rows []archive.Row) { rows[2].Tie += 3 },
		"another hash":   func(rows []archive.Row) { rows[2].Hash[0]++ },
		"another value":  func(rows []archive.Row) { rows[2].Segments = []string{"XX", ""} },
		"another order":  func(rows []archive.Row) { rows[2], rows[3] = rows[3], rows[2] },
		"half erased":    func(rows []archive.Row) { rows[2].PlayerID = "" },
		"wrongly erased": func(rows []archive.Row) { rows[2] = archive.Row{Hash: rows[2].Hash, Tie: rows[2].Tie} },
	}
	for name, change := range changes {
		var before []archive.Row
		edit := func(do func([]archive.Row)) {
			t.Helper()
			if _, err := w.store.UpdateChunk(t.Context(), id, func(rows []archive.Row) (bool, error) {
				before = append([]archive.Row(nil), rows...)
				do(rows)
				return true, nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		edit(change)
		original := before
		if err := archive.Verify(t.Context(), w.store, w.name); fault.ReasonOf(err) != "ARCHIVE_BROKEN" {
			t.Errorf("%s: %v", name, err)
		}
		edit(func(rows []archive.Row) { copy(rows, original) })
	}
	w.verify()
}

// TestEmptyArchive: a season in which nobody scored.
func TestEmptyArchive(t *testing.T) {
	w := newWorld(t, boards()["segments"], 0)
	w.build()
	w.verify()
	if rows, total, err := w.reading().Range(t.Context(), ranks.List{}, 0, 10); len(rows) != 0 || total != 0 || err != nil {
		t.Error(rows, total, err)
	}
	if n, err := w.reading().Count(t.Context(), ranks.List{}, []int64{1}, []int64{0}); n != 0 || err != nil {
		t.Error(n, err)
	}
}

// TestCache: what is kept is not read again until it is too old, and old things give way.
func TestCache(t *testing.T) {
	w := newWorld(t, boards()["ordinal"], 60)
	w.build()
	now := start
	cache := archive.NewCache(w.store, 2, func() time.Time { return now })
	reading := w.reading()
	reading.Reader = cache
	page := func(from int64) int64 {
		t.Helper()
		m := &cosmos.Meter{}
		if _, _, err := reading.Range(cosmos.WithMeter(t.Context(), m), ranks.List{}, from, 3); err != nil {
			t.Fatal(err)
		}
		return m.Calls()
	}
	for i, want := range []int64{1, 0} {
		if got := page(0); got != want {
			t.Errorf("page %d: %d reads, want %d", i, got, want)
		}
	}
	if now = now.Add(archive.MaxAge); page(0) != 1 {
		t.Error("an old chunk was not read again")
	}
	page(25)
	page(50)
	if page(0) != 1 {
		t.Error("the cache holds more than it may")
	}
}
