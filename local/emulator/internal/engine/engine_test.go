package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"supergame/local/emulator/internal/epk"
)

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(t testing.TB, o Options) *Engine {
	t.Helper()
	e, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	return e
}

// container makes database "db" if needed and a container in it; properties has at least id and partitionKey.
func container(t testing.TB, e *Engine, properties string, partitions int) *Container {
	t.Helper()
	if _, err := e.CreateDatabase("db", nil); err != nil && Status(err) != StatusConflict {
		t.Fatal(err)
	}
	c, err := e.CreateContainer("db", []byte(properties), ContainerOptions{Partitions: partitions})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const plain = `{"id":"c","partitionKey":{"paths":["/pk"],"kind":"Hash","version":2}}`

func doc(id, pk string, more ...string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"pk":%q%s}`, id, pk, strings.Join(more, ""))
}

func put(t testing.TB, c *Container, pk string, ops ...Op) WriteResult {
	t.Helper()
	r, err := c.Write(epk.Strings(pk), ops, WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func get(t testing.TB, c *Container, pk, id string) Item {
	t.Helper()
	r, err := c.Read(epk.Strings(pk), id, ReadOptions{})
	if err != nil {
		t.Fatalf("read %s/%s: %v", pk, id, err)
	}
	return r.Item
}

func wantStatus(t testing.TB, what string, err error, status, sub int) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Status != status || e.SubStatus != sub {
		t.Errorf("%s: %v, want %d/%d", what, err, status, sub)
	}
}

// scanIDs lists the ids that a scan finds, resuming after every page of n.
func scanIDs(t testing.TB, c *Container, o ScanOptions, n int) []string {
	t.Helper()
	var ids []string
	for {
		cur, err := c.Scan(o)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for got < n && cur.Next() {
			ids = append(ids, idOf(t, cur.Append(nil)))
			if size := len(cur.Append(nil)); size != cur.Size() {
				t.Errorf("size %d of %d bytes", cur.Size(), size)
			}
			got++
		}
		o.After = cur.Position()
		if err := errors.Join(cur.Err(), cur.Close()); err != nil {
			t.Fatal(err)
		}
		if got < n {
			return ids
		}
	}
}

func idOf(t testing.TB, body []byte) string {
	t.Helper()
	var d struct{ ID string }
	if err := json.Unmarshal(body, &d); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return d.ID
}

// drain follows the feed of a range from an LSN to its end.
func drain(t testing.TB, c *Container, o FeedOptions) ([]Item, uint64) {
	t.Helper()
	var items []Item
	for {
		page, err := c.Feed(o)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, page.Items...)
		o.After = page.LSN
		if page.Drained {
			return items, page.LSN
		}
	}
}

func TestItemKeepsItsText(t *testing.T) {
	k := newClock()
	c := container(t, open(t, Options{Now: k.Now, Seed: 7}), plain, 1)
	body := `{"id":"a","_etag":"mine", "pk":"p","n":12345678901234567890.000,"e":1E+2,"_ts":1,"u":"\u00e9\ud83d\ude00","nested":{"_rid":1}}`
	r := put(t, c, "p", Op{Kind: OpCreate, Body: []byte(body)})
	got := get(t, c, "p", "a")
	info := c.Info()
	want := `{"id":"a","pk":"p","n":12345678901234567890.000,"e":1E+2,"u":"\u00e9\ud83d\ude00","nested":{"_rid":1},"_rid":"` + info.RID[:11]
	if !strings.HasPrefix(string(got.Body), want) {
		t.Errorf("got  %s\nwant %s", got.Body, want)
	}
	var m map[string]any
	if err := json.Unmarshal(got.Body, &m); err != nil {
		t.Fatal(err)
	}
	if m["_etag"] != got.ETag || m["_ts"] != float64(k.Now().Unix()) || m["_attachments"] != "attachments/" ||
		m["_self"] != info.Self+"docs/"+m["_rid"].(string)+"/" {
		t.Errorf("system properties: %s", got.Body)
	}
	if string(r.Results[0].Body) != string(got.Body) || r.Results[0].NewSize != len(got.Body) || !r.Results[0].Created {
		t.Errorf("result %+v", r.Results[0])
	}
}

func TestOperations(t *testing.T) {
	c := container(t, open(t, Options{}), plain, 1)
	first := put(t, c, "p", Op{Kind: OpCreate, Body: doc("a", "p")}).Results[0]
	for _, x := range []struct {
		name   string
		op     Op
		status int
		sub    int
	}{
		{"create of an existing item", Op{Kind: OpCreate, Body: doc("a", "p")}, 409, 0},
		{"replace of a missing item", Op{Kind: OpReplace, ID: "b", Body: doc("b", "p")}, 404, 0},
		{"delete of a missing item", Op{Kind: OpDelete, ID: "b"}, 404, 0},
		{"patch of a missing item", Op{Kind: OpPatch, ID: "b"}, 404, 0},
		{"read of a missing item", Op{Kind: OpRead, ID: "b"}, 404, 0},
		{"replace with a wrong ETag", Op{Kind: OpReplace, Body: doc("a", "p"), IfMatch: `"x"`}, 412, 0},
		{"upsert with a wrong ETag", Op{Kind: OpUpsert, Body: doc("a", "p"), IfMatch: `"x"`}, 412, 0},
		{"delete with a wrong ETag", Op{Kind: OpDelete, ID: "a", IfMatch: `"x"`}, 412, 0},
		{"upsert of an existing item that must not be", Op{Kind: OpUpsert, Body: doc("a", "p"), IfNoneMatch: "*"}, 412, 0},
		{"read of what is known", Op{Kind: OpRead, ID: "a", IfNoneMatch: first.ETag}, 304, 0},
		{"another partition key in the body", Op{Kind: OpCreate, Body: doc("b", "q")}, 400, SubPartitionKeyWrong},
		{"no partition key in the body", Op{Kind: OpCreate, Body: []byte(`{"id":"b"}`)}, 400, SubPartitionKeyWrong},
		{"another id in the body", Op{Kind: OpReplace, ID: "a", Body: doc("b", "p")}, 400, 0},
		{"no id", Op{Kind: OpCreate, Body: []byte(`{"pk":"p"}`)}, 400, 0},
		{"an id that is too long", Op{Kind: OpCreate, Body: doc(strings.Repeat("x", 1024), "p")}, 400, 0},
		{"no JSON", Op{Kind: OpCreate, Body: []byte(`{"id":"b","pk":"p",}`)}, 400, 0},
		{"no object", Op{Kind: OpCreate, Body: []byte(`[1]`)}, 400, 0},
		{"too large", Op{Kind: OpCreate, Body: doc("b", "p", `,"x":"`, strings.Repeat("x", 2<<20), `"`)}, 413, 0},
		{"an unknown operation", Op{ID: "a"}, 400, 0},
	} {
		before, _ := c.Feed(FeedOptions{})
		r, err := c.Write(epk.Strings("p"), []Op{x.op}, WriteOptions{})
		wantStatus(t, x.name, err, x.status, x.sub)
		if (x.status == 409 || x.status == 412) && r.Results[0].OldSize != len(first.Body) {
			t.Errorf("%s: old size %d, want %d", x.name, r.Results[0].OldSize, len(first.Body))
		}
		if now, _ := c.Feed(FeedOptions{}); now.RangeLSN != before.RangeLSN {
			t.Errorf("%s: it took an LSN", x.name)
		}
	}
	up := put(t, c, "p", Op{Kind: OpUpsert, Body: doc("a", "p", `,"v":2`), IfMatch: first.ETag}).Results[0]
	if up.Created || up.ETag == first.ETag || up.OldETag != first.ETag {
		t.Errorf("upsert: %+v", up)
	}
	patched := put(t, c, "p", Op{Kind: OpPatch, ID: "a", IfMatch: up.ETag, Patch: func(cur []byte) ([]byte, error) {
		if string(cur) != string(up.Body) {
			t.Errorf("patch saw %s", cur)
		}
		return doc("a", "p", `,"v":3`), nil
	}})
	if got := get(t, c, "p", "a"); !strings.Contains(string(got.Body), `"v":3`) || got.LSN != patched.LSN {
		t.Errorf("after the patch: %s", got.Body)
	}
	_, err := c.Write(epk.Strings("p"), []Op{{Kind: OpPatch, ID: "a", Patch: func([]byte) ([]byte, error) { return doc("z", "p"), nil }}}, WriteOptions{})
	wantStatus(t, "a patch of the id", err, 400, 0)
	gone := put(t, c, "p", Op{Kind: OpDelete, ID: "a"}).Results[0]
	if gone.ID != "a" || gone.NewSize != 0 || gone.OldSize == 0 {
		t.Errorf("delete: %+v", gone)
	}
	_, err = c.Read(epk.Strings("p"), "a", ReadOptions{})
	wantStatus(t, "read after delete", err, 404, 0)
}

func TestSameIDInOtherPartition(t *testing.T) {
	c := container(t, open(t, Options{}), plain, 4)
	for i := range 20 {
		pk := fmt.Sprint("p", i)
		put(t, c, pk, Op{Kind: OpCreate, Body: doc("a", pk)})
	}
	if ids := scanIDs(t, c, ScanOptions{}, 7); len(ids) != 20 {
		t.Errorf("%d items", len(ids))
	}
	put(t, c, "p3", Op{Kind: OpDelete, ID: "a"})
	get(t, c, "p4", "a")
}

func TestScanOrder(t *testing.T) {
	for _, parts := range []int{1, 3} {
		c := container(t, open(t, Options{}), plain, parts)
		var all, one []string
		for i := range 40 {
			pk, id := fmt.Sprint("p", i%7), fmt.Sprint((i*29)%40)
			put(t, c, pk, Op{Kind: OpCreate, Body: doc(id, pk)})
			all = append(all, id)
			if i%7 == 3 {
				one = append(one, id)
			}
		}
		put(t, c, "p3", Op{Kind: OpReplace, Body: doc(one[0], "p3", `,"v":2`)}) // keeps the place
		if got := scanIDs(t, c, ScanOptions{Key: epk.Strings("p3")}, 2); !slices.Equal(got, one) {
			t.Errorf("partition: %v, want %v", got, one)
		}
		got := scanIDs(t, c, ScanOptions{}, 5)
		if parts == 1 && !slices.Equal(got, all) {
			t.Errorf("all: %v, want %v", got, all)
		}
		var byRange []string
		for _, r := range c.Ranges() {
			byRange = append(byRange, scanIDs(t, c, ScanOptions{Range: r.ID}, 3)...)
			same := scanIDs(t, c, ScanOptions{Min: r.Min, Max: r.Max}, 100)
			if want := scanIDs(t, c, ScanOptions{Range: r.ID}, 100); !slices.Equal(same, want) {
				t.Errorf("by bounds %v, by range %v", same, want)
			}
		}
		if !slices.Equal(byRange, got) {
			t.Errorf("by range %v, all %v", byRange, got)
		}
	}
}

// TestEqualHashes has two keys of one effective partition key: 32 bits, as version 1 has, collide soon.
func TestEqualHashes(t *testing.T) {
	c := container(t, open(t, Options{}), `{"id":"c","partitionKey":{"paths":["/pk"],"version":1},"uniqueKeyPolicy":{"uniqueKeys":[{"paths":["/n"]}]}}`, 2)
	d := &c.Info().Properties.Key
	seen := map[string]string{}
	a, b := "", ""
	for i := 0; a == "" && i < 1_000_000; i++ {
		pk := fmt.Sprint(i)
		hash, err := d.Effective(epk.Strings(pk))
		if err != nil {
			t.Fatal(err)
		}
		if seen[hash] != "" {
			a, b = seen[hash], pk
		}
		seen[hash] = pk
	}
	if a == "" {
		t.Fatal("a million keys, no two with one hash")
	}
	for _, pk := range []string{a, b} {
		put(t, c, pk, Op{Kind: OpCreate, Body: doc("x", pk, `,"n":1`)})
	}
	for _, pk := range []string{a, b} {
		if got := get(t, c, pk, "x"); !strings.Contains(string(got.Body), fmt.Sprintf(`"pk":%q`, pk)) {
			t.Errorf("%s: %s", pk, got.Body)
		}
		if ids := scanIDs(t, c, ScanOptions{Key: epk.Strings(pk)}, 10); len(ids) != 1 {
			t.Errorf("%s: %v", pk, ids)
		}
		if items, _ := drain(t, c, FeedOptions{Key: epk.Strings(pk)}); len(items) != 1 {
			t.Errorf("%s: %d items in the feed", pk, len(items))
		}
	}
	put(t, c, a, Op{Kind: OpDelete, ID: "x"})
	get(t, c, b, "x")
}
