package engine

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"supergame/local/emulator/internal/epk"
)

const (
	rounds     = 10
	workers    = 16
	increments = 50
)

// count reads the number in a document.
func count(t testing.TB, body []byte) int {
	t.Helper()
	var d struct{ N int }
	if err := json.Unmarshal(body, &d); err != nil {
		t.Errorf("%s: %v", body, err)
	}
	return d.N
}

// increment adds one by read and write with If-Match until it succeeds; batch says whether more operations go along.
func increment(t testing.TB, c *Container, batch bool, tag string) {
	key := epk.Strings("p")
	for {
		r, err := c.Read(key, "counter", ReadOptions{})
		if err != nil {
			t.Errorf("read: %v", err)
			return
		}
		n := count(t, r.Body) + 1
		ops := []Op{{Kind: OpReplace, Body: doc("counter", "p", fmt.Sprintf(`,"n":%d`, n)), IfMatch: r.ETag}}
		if batch {
			ops = append([]Op{{Kind: OpCreate, Body: doc(fmt.Sprint(tag, "-", n), "p")}, {Kind: OpRead, ID: "counter"}}, ops...)
		}
		_, err = c.Write(key, ops, WriteOptions{Session: []Token{r.Token()}})
		switch {
		case err == nil:
			return
		case Status(err) != StatusPreconditionFailed:
			t.Errorf("write: %v", err)
			return
		}
	}
}

func TestIncrementsLoseNothing(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		for _, batch := range []bool{false, true} {
			t.Run(fmt.Sprintf("disk=%v/batch=%v", dir != "", batch), func(t *testing.T) {
				e := open(t, Options{Dir: dir})
				for round := range rounds {
					c := container(t, e, fmt.Sprintf(`{"id":"c%d-%v","partitionKey":{"paths":["/pk"]}}`, round, batch), 1)
					put(t, c, "p", Op{Kind: OpCreate, Body: doc("counter", "p", `,"n":0`)})
					var wg sync.WaitGroup
					for g := range workers {
						wg.Go(func() {
							for range increments {
								increment(t, c, batch, fmt.Sprint(g))
							}
						})
					}
					wg.Wait()
					if n := count(t, get(t, c, "p", "counter").Body); n != workers*increments {
						t.Fatalf("round %d: %d of %d increments", round, n, workers*increments)
					}
					if ids := scanIDs(t, c, ScanOptions{Key: epk.Strings("p")}, 1000); batch && len(ids) != workers*increments+1 {
						t.Fatalf("round %d: %d documents", round, len(ids))
					}
				}
			})
		}
	}
}

func TestBatchIsAtomic(t *testing.T) {
	c := container(t, open(t, Options{}), plain, 1)
	key := epk.Strings("p")
	put(t, c, "p", Op{Kind: OpCreate, Body: doc("a", "p")}, Op{Kind: OpCreate, Body: doc("b", "p")})
	before := drainIDs(t, c)
	for name, ops := range map[string][]Op{
		"a missing read": {{Kind: OpDelete, ID: "a"}, {Kind: OpCreate, Body: doc("x", "p")}, {Kind: OpRead, ID: "nothing"}},
		"a conflict":     {{Kind: OpUpsert, Body: doc("x", "p")}, {Kind: OpReplace, Body: doc("b", "p", `,"v":1`)}, {Kind: OpCreate, Body: doc("a", "p")}},
		"a precondition": {{Kind: OpCreate, Body: doc("x", "p")}, {Kind: OpDelete, ID: "b"}, {Kind: OpReplace, Body: doc("a", "p"), IfMatch: `"no"`}},
		"its own double": {{Kind: OpCreate, Body: doc("x", "p")}, {Kind: OpDelete, ID: "b"}, {Kind: OpCreate, Body: doc("x", "p")}},
	} {
		r, err := c.Write(key, ops, WriteOptions{})
		if Status(err) == 0 || err.(*Error).Op != 2 || len(r.Results) != 3 { //nolint:errorlint // the very error is of this type
			t.Errorf("%s: %v after %d results", name, err, len(r.Results))
		}
		if got := drainIDs(t, c); fmt.Sprint(got) != fmt.Sprint(before) {
			t.Errorf("%s: %v, before %v", name, got, before)
		}
	}
	r := put(t, c, "p",
		Op{Kind: OpDelete, ID: "a"}, Op{Kind: OpCreate, Body: doc("a", "p", `,"v":2`)}, Op{Kind: OpReplace, Body: doc("a", "p", `,"v":3`)},
		Op{Kind: OpRead, ID: "a"}, Op{Kind: OpCreate, Body: doc("n", "p")}, Op{Kind: OpDelete, ID: "n"})
	if string(r.Results[3].Body) != string(r.Results[2].Body) || string(get(t, c, "p", "a").Body) != string(r.Results[2].Body) {
		t.Errorf("read within the batch: %s", r.Results[3].Body)
	}
	items, _ := drain(t, c, FeedOptions{})
	if len(items) != 2 || items[1].ETag != r.Results[2].ETag {
		t.Errorf("the feed after the batch: %d items", len(items))
	}
	if _, err := c.Write(key, make([]Op, 101), WriteOptions{}); Status(err) != 400 {
		t.Errorf("101 operations: %v", err)
	}
}

func drainIDs(t testing.TB, c *Container) []string {
	t.Helper()
	items, lsn := drain(t, c, FeedOptions{})
	out := []string{fmt.Sprint("lsn ", lsn)}
	for _, i := range items {
		out = append(out, string(i.Body))
	}
	return out
}

// TestReadersSeeWholeBatches has writers that always change two documents at once, and readers of every kind.
func TestReadersSeeWholeBatches(t *testing.T) {
	c := container(t, open(t, Options{Dir: t.TempDir()}), plain, 1)
	key := epk.Strings("p")
	pair := func(n int) []Op {
		v := fmt.Sprintf(`,"n":%d`, n)
		return []Op{{Kind: OpUpsert, Body: doc("a", "p", v)}, {Kind: OpUpsert, Body: doc("b", "p", v)}}
	}
	put(t, c, "p", pair(0)...)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for _, look := range []func() [][]byte{
		func() (out [][]byte) {
			cur, err := c.Scan(ScanOptions{})
			if err != nil {
				t.Error(err)
				return nil
			}
			defer func() { _ = cur.Close() }()
			for cur.Next() {
				out = append(out, cur.Append(nil))
			}
			return out
		},
		func() (out [][]byte) {
			page, err := c.Feed(FeedOptions{MaxItems: 1})
			if err != nil {
				t.Error(err)
			}
			for _, i := range page.Items {
				out = append(out, i.Body)
			}
			return out
		},
		func() [][]byte {
			r, err := c.Write(key, []Op{{Kind: OpRead, ID: "a"}, {Kind: OpRead, ID: "b"}}, WriteOptions{})
			if err != nil {
				t.Error(err)
				return nil
			}
			return [][]byte{r.Results[0].Body, r.Results[1].Body}
		},
	} {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if out := look(); len(out) != 2 || count(t, out[0]) != count(t, out[1]) {
					t.Errorf("half a batch: %q", out)
					return
				}
			}
		})
	}
	for n := range 500 {
		put(t, c, "p", pair(n)...)
	}
	close(done)
	wg.Wait()
}
