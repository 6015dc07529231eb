package engine

import (
	"fmt"
	"slices"
	"testing"

	"supergame/local/emulator/internal/epk"
)

func TestSplit(t *testing.T) {
	dir := t.TempDir()
	e := open(t, Options{Dir: dir})
	c := container(t, e, plain, 1)
	var all []string
	for i := range 50 {
		pk := fmt.Sprint("p", i)
		put(t, c, pk, Op{Kind: OpCreate, Body: doc(fmt.Sprint(i), pk)})
		all = append(all, fmt.Sprint(i))
	}
	before := scanIDs(t, c, ScanOptions{}, 7)
	etag := c.Topology()
	children, err := c.Split("0", "")
	if err != nil {
		t.Fatal(err)
	}
	if len(children) != 2 || children[0].ID != "1" || children[1].ID != "2" || !slices.Equal(children[0].Parents, []string{"0"}) ||
		children[0].Min != "" || children[0].Max != children[1].Min || children[1].Max != "FF" || children[1].LSN != 50 {
		t.Errorf("children %+v", children)
	}
	if c.Topology() == etag {
		t.Error("the topology did not change")
	}
	_, err = c.Split("0", "")
	wantStatus(t, "split of a range that is gone", err, StatusGone, SubRangeGone)
	_, err = c.Scan(ScanOptions{Range: "0"})
	wantStatus(t, "scan of a range that is gone", err, StatusGone, SubRangeGone)
	_, err = c.Feed(FeedOptions{Range: "0"})
	wantStatus(t, "feed of a range that is gone", err, StatusGone, SubRangeGone)
	if _, err := c.Split("2", "30"); err != nil {
		t.Fatal(err)
	}
	_, err = c.Split("1", "30")
	wantStatus(t, "split outside of the range", err, StatusBadRequest, 0)
	if got := scanIDs(t, c, ScanOptions{}, 7); !slices.Equal(got, before) {
		t.Errorf("after the splits %v, before %v", got, before)
	}
	for i := range 50 {
		pk := fmt.Sprint("p", i)
		r := put(t, c, pk, Op{Kind: OpReplace, Body: doc(fmt.Sprint(i), pk, `,"v":2`)})
		if r.LSN <= 50 {
			t.Errorf("a child's LSN is %d", r.LSN)
		}
	}
	bounds := c.Ranges()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	c, err = open(t, Options{Dir: dir}).Container("db", "c")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Ranges(); fmt.Sprint(got) != fmt.Sprint(bounds) {
		t.Errorf("after reopening %v, before %v", got, bounds)
	}
	var found []string
	for _, r := range bounds {
		items, lsn := drain(t, c, FeedOptions{Range: r.ID, MaxItems: 3})
		if lsn != r.LSN {
			t.Errorf("feed of %s ends at %d of %d", r.ID, lsn, r.LSN)
		}
		for _, i := range items {
			found = append(found, idOf(t, i.Body))
		}
	}
	slices.Sort(found)
	slices.Sort(all)
	if !slices.Equal(found, all) {
		t.Errorf("the children's feeds have %v", found)
	}
}

// TestScanGoesOnAfterSplit resumes a scan of a range in the range's children.
func TestScanGoesOnAfterSplit(t *testing.T) {
	c := container(t, open(t, Options{}), plain, 1)
	var want []string
	for i := range 30 {
		pk := fmt.Sprint("p", i)
		put(t, c, pk, Op{Kind: OpCreate, Body: doc(fmt.Sprint(i), pk)})
		want = append(want, fmt.Sprint(i))
	}
	o := ScanOptions{}
	var got []string
	for page := range 6 {
		cur, err := c.Scan(o)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if !cur.Next() {
				t.Fatalf("page %d is short", page)
			}
			got = append(got, idOf(t, cur.Append(nil)))
		}
		o.After = cur.Position()
		if err := cur.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Split(c.Ranges()[page%2].ID, ""); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestSplitOfOneKey(t *testing.T) {
	c := container(t, open(t, Options{}), `{"id":"c","partitionKey":{"paths":["/a","/b"],"kind":"MultiHash","version":2}}`, 1)
	first, _, err := c.Info().Properties.Key.Bounds(epk.Strings("hot"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		body := fmt.Appendf(nil, `{"id":"x","a":"hot","b":"%d"}`, i)
		if _, err := c.Write(nil, []Op{{Kind: OpCreate, Body: body}}, WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	children, err := c.Split("0", first)
	if err != nil {
		t.Fatal(err)
	}
	grand, err := c.Split(children[1].ID, first+"20")
	if err != nil {
		t.Fatal(err)
	}
	a, b := scanIDs(t, c, ScanOptions{Range: grand[0].ID}, 5), scanIDs(t, c, ScanOptions{Range: grand[1].ID}, 5)
	if len(a) == 0 || len(b) == 0 || len(a)+len(b) != 20 {
		t.Errorf("%d and %d documents of one first level", len(a), len(b))
	}
	if ids := scanIDs(t, c, ScanOptions{Key: epk.Strings("hot")}, 3); len(ids) != 20 {
		t.Errorf("%d documents below the prefix", len(ids))
	}
	if ids := scanIDs(t, c, ScanOptions{Key: epk.Strings("cold")}, 3); len(ids) != 0 {
		t.Errorf("%d documents below another prefix", len(ids))
	}
	_, err = c.Read(epk.Strings("hot"), "x", ReadOptions{})
	wantStatus(t, "read by a prefix", err, StatusBadRequest, 0)
	if _, err := c.Read(epk.Strings("hot", "3"), "x", ReadOptions{}); err != nil {
		t.Error(err)
	}
	if s, err := middle([]byte{0x10}, append([]byte{0x10}, append(make([]byte, 14), 1)...), 32); err != nil || len(s) != 64 {
		t.Errorf("the middle of one value is %s, %v", s, err)
	}
	if _, err := middle([]byte{0x10}, append([]byte{0x10}, append(make([]byte, 14), 1)...), 16); err == nil {
		t.Error("a single key was halved")
	}
}

func TestBoundsOfRanges(t *testing.T) {
	for n := 1; n < 40; n += 7 {
		c := container(t, open(t, Options{}), plain, n)
		at := minBound
		for _, r := range c.Ranges() {
			if r.Min != at || r.Max <= r.Min {
				t.Fatalf("range %+v begins elsewhere than %q", r, at)
			}
			at = r.Max
		}
		if at != maxBound {
			t.Errorf("the last range ends at %q", at)
		}
		used := map[string]bool{}
		for i := range 50 * n {
			id, err := c.RangeOf(epk.Strings(fmt.Sprint(i)))
			if err != nil {
				t.Fatal(err)
			}
			used[id] = true
		}
		if len(used) != n {
			t.Errorf("%d of %d ranges are used", len(used), n)
		}
	}
}
