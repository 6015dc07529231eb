package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"supergame/local/emulator/internal/epk"
)

func TestFeedShowsLastVersions(t *testing.T) {
	c := container(t, open(t, Options{}), plain, 1)
	for i := range 10 {
		put(t, c, "p", Op{Kind: OpCreate, Body: doc(fmt.Sprint(i), "p")})
	}
	put(t, c, "p", Op{Kind: OpReplace, Body: doc("3", "p", `,"v":2`)})
	put(t, c, "p", Op{Kind: OpDelete, ID: "5"})
	var got []string
	o := FeedOptions{MaxItems: 2}
	for {
		page, err := c.Feed(o)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) == 0 {
			if !page.Drained || page.LSN != 12 || page.RangeLSN != 12 {
				t.Errorf("the last page: %+v", page)
			}
			break
		}
		for _, i := range page.Items {
			got = append(got, idOf(t, i.Body))
			if want := fmt.Sprintf(`,"_lsn":%d}`, i.LSN); !bytes.HasSuffix(i.Body, []byte(want)) {
				t.Errorf("%s does not end with %s", i.Body, want)
			}
		}
		o.After = page.LSN
	}
	if want := []string{"0", "1", "2", "4", "6", "7", "8", "9", "3"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestFeedNeverCutsAWrite(t *testing.T) {
	c := container(t, open(t, Options{}), plain, 1)
	var ops []Op
	for i := range 30 {
		ops = append(ops, Op{Kind: OpCreate, Body: doc(fmt.Sprint(i), "p")})
	}
	put(t, c, "p", Op{Kind: OpCreate, Body: doc("first", "p")})
	put(t, c, "p", ops...)
	put(t, c, "p", Op{Kind: OpCreate, Body: doc("last", "p")})
	page, err := c.Feed(FeedOptions{MaxItems: 5})
	if err != nil || len(page.Items) != 31 || page.LSN != 2 || page.Drained {
		t.Errorf("%d items up to %d, %v", len(page.Items), page.LSN, err)
	}
	page, err = c.Feed(FeedOptions{MaxBytes: 1})
	if err != nil || len(page.Items) != 1 || page.LSN != 1 {
		t.Errorf("%d items up to %d, %v", len(page.Items), page.LSN, err)
	}
}

func TestFeedStarts(t *testing.T) {
	k := newClock()
	c := container(t, open(t, Options{Now: k.Now}), plain, 1)
	var at []time.Time
	for i := range 50 {
		k.add(time.Minute)
		at = append(at, k.Now())
		put(t, c, "p", Op{Kind: OpCreate, Body: doc(fmt.Sprint(i), "p")})
		if i == 25 {
			if _, err := c.Split(c.Ranges()[0].ID, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	id, err := c.RangeOf(epk.Strings("p"))
	if err != nil {
		t.Fatal(err)
	}
	for _, first := range []int{0, 1, 24, 25, 26, 27, 48, 49} {
		items, _ := drain(t, c, FeedOptions{Range: id, Since: at[first]})
		if len(items) != 50-first || idOf(t, items[0].Body) != fmt.Sprint(first) {
			t.Errorf("since %d: %d items", first, len(items))
		}
	}
	if items, lsn := drain(t, c, FeedOptions{Range: id, Since: k.Now().Add(time.Second)}); len(items) != 0 || lsn != 50 {
		t.Errorf("since the future: %d items up to %d", len(items), lsn)
	}
	items, lsn := drain(t, c, FeedOptions{Range: id, FromNow: true})
	if len(items) != 0 || lsn != 50 {
		t.Errorf("from now: %d items up to %d", len(items), lsn)
	}
	put(t, c, "p", Op{Kind: OpReplace, Body: doc("7", "p")})
	if items, _ := drain(t, c, FeedOptions{Range: id, After: lsn}); len(items) != 1 || idOf(t, items[0].Body) != "7" {
		t.Errorf("after now: %v", items)
	}
	if items, _ := drain(t, c, FeedOptions{Key: epk.Strings("q")}); len(items) != 0 {
		t.Errorf("another partition: %d items", len(items))
	}
	if items, _ := drain(t, c, FeedOptions{Key: epk.Strings("p")}); len(items) != 50 {
		t.Errorf("the partition: %d items", len(items))
	}
}

// follower reads the feed of a whole container and forgets everything but its tokens when it is restarted.
type follower struct {
	tokens []token            // saved
	seen   map[string]float64 // id to last version seen
}

// token is the continuation of a stretch of keys, as a client keeps it.
type token struct {
	min, max string
	after    uint64
}

// poll reads one page of each stretch; after a split it asks the children, from the parent's continuation.
func (f *follower) poll(t *testing.T, c *Container, items int) (found int) {
	t.Helper()
	for i := 0; i < len(f.tokens); i++ {
		k := f.tokens[i]
		page, err := c.Feed(FeedOptions{Min: k.min, Max: k.max, After: k.after, MaxItems: items})
		if Status(err) == StatusGone {
			f.tokens = append(append(slices.Clone(f.tokens[:i]), f.children(t, c, k)...), f.tokens[i+1:]...)
			i--
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			var d struct {
				ID string
				V  float64
			}
			if err := json.Unmarshal(item.Body, &d); err != nil {
				t.Fatal(err)
			}
			f.seen[d.ID] = d.V
			found++
		}
		if page.LSN < k.after {
			t.Fatalf("the continuation went from %d to %d", k.after, page.LSN)
		}
		f.tokens[i].after = page.LSN
	}
	return found
}

func (f *follower) children(t *testing.T, c *Container, k token) []token {
	t.Helper()
	var out []token
	for _, r := range c.Ranges() {
		if r.Max > k.min && r.Min < k.max {
			out = append(out, token{max(r.Min, k.min), min(r.Max, k.max), k.after})
		}
	}
	if len(out) < 2 {
		t.Fatalf("the range of %v is gone, but it has %d children", k, len(out))
	}
	return out
}

// TestFollower: whatever the order of writes, splits, polls and restarts (of follower and engine), a follower ends up with the last version of every document
// and then sees nothing until something changes.
func TestFollower(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			o := Options{}
			if seed%4 == 0 {
				o.Dir = t.TempDir()
			}
			e := open(t, o)
			c := container(t, e, plain, 1+r.IntN(3))
			f := &follower{tokens: []token{}, seen: map[string]float64{}}
			for _, x := range c.Ranges() {
				f.tokens = append(f.tokens, token{x.Min, x.Max, 0})
			}
			saved := slices.Clone(f.tokens)
			last := map[string]float64{}
			for step := range 300 {
				switch n := r.IntN(100); {
				case n < 60:
					followerWrite(t, c, r, last, float64(step))
				case n < 85:
					f.poll(t, c, 1+r.IntN(4))
				case n < 90: // what was processed is saved
					saved = slices.Clone(f.tokens)
				case n < 96: // killed and restarted
					f.tokens = slices.Clone(saved)
				case n == 96 && o.Dir != "":
					if err := e.Close(); err != nil {
						t.Fatal(err)
					}
					e = open(t, o)
					var err error
					if c, err = e.Container("db", "c"); err != nil {
						t.Fatal(err)
					}
				default:
					if ranges := c.Ranges(); len(ranges) < 12 {
						if _, err := c.Split(ranges[r.IntN(len(ranges))].ID, ""); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			for f.poll(t, c, 3) > 0 {
			}
			f.compare(t, last)
			if n := f.poll(t, c, 3); n != 0 {
				t.Errorf("%d documents after the feed was drained", n)
			}
			followerWrite(t, c, r, last, 1000)
			if f.poll(t, c, 100) == 0 {
				t.Error("a change was not seen after the feed was drained")
			}
			f.compare(t, last)
		})
	}
}

// followerWrite creates, replaces or deletes some documents of one partition.
func followerWrite(t *testing.T, c *Container, r *rand.Rand, last map[string]float64, version float64) {
	t.Helper()
	pk := fmt.Sprint("p", r.IntN(8))
	var ops []Op
	for i := range 1 + r.IntN(3) {
		id := fmt.Sprint(pk, "-", 3*r.IntN(3)+i)
		if _, there := last[id]; there && i > 0 && r.IntN(4) == 0 {
			ops = append(ops, Op{Kind: OpDelete, ID: id})
			delete(last, id)
			continue
		}
		ops = append(ops, Op{Kind: OpUpsert, Body: doc(id, pk, fmt.Sprintf(`,"v":%v`, version))})
		last[id] = version
	}
	put(t, c, pk, ops...)
}

// compare allows the follower to know documents that were deleted: the feed does not tell.
func (f *follower) compare(t *testing.T, last map[string]float64) {
	t.Helper()
	for id, v := range last {
		if f.seen[id] != v {
			t.Errorf("%s was last written as %v, the follower saw %v", id, v, f.seen[id])
		}
	}
}

// TestFollowersUnderFire is the same with everything at once.
func TestFollowersUnderFire(t *testing.T) {
	c := container(t, open(t, Options{Dir: t.TempDir()}), plain, 2)
	const writers, writes = 4, 300
	f := &follower{seen: map[string]float64{}}
	for _, x := range c.Ranges() {
		f.tokens = append(f.tokens, token{x.Min, x.Max, 0})
	}
	var wg sync.WaitGroup
	for g := range writers {
		wg.Go(func() {
			for n := range writes {
				pk := fmt.Sprint("p", g, "-", n%5)
				put(t, c, pk, Op{Kind: OpUpsert, Body: doc(pk, pk, fmt.Sprintf(`,"v":%d`, n))})
			}
		})
	}
	wg.Go(func() {
		for range 8 {
			ranges := c.Ranges()
			if _, err := c.Split(ranges[len(ranges)/2].ID, ""); err != nil {
				t.Error(err)
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		f.poll(t, c, 7)
	}
	for f.poll(t, c, 7) > 0 {
	}
	for g := range writers {
		for i := range 5 {
			pk := fmt.Sprint("p", g, "-", i)
			if want := float64(writes - 5 + i); f.seen[pk] != want {
				t.Errorf("%s: saw %v, want %v", pk, f.seen[pk], want)
			}
		}
	}
	if n := len(scanIDs(t, c, ScanOptions{}, 7)); n != writers*5 {
		t.Errorf("%d documents after the splits", n)
	}
}

func TestFeedOfSeveralRangesIsRefused(t *testing.T) {
	c := container(t, open(t, Options{}), plain, 3)
	_, err := c.Feed(FeedOptions{})
	wantStatus(t, "feed of three ranges", err, StatusGone, SubRangeGone)
	_, err = c.Feed(FeedOptions{Range: "9"})
	wantStatus(t, "feed of no range", err, StatusGone, SubRangeGone)
	_, err = c.Feed(FeedOptions{Range: "x"})
	wantStatus(t, "feed of a name", err, StatusBadRequest, 0)
	_, err = c.Feed(FeedOptions{Min: "0G"})
	wantStatus(t, "feed of wrong bounds", err, StatusBadRequest, 0)
	if err := strings.Contains(c.Topology(), "3"); !err {
		t.Errorf("topology %s", c.Topology())
	}
}
