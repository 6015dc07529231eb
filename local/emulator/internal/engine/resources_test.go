package engine

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"supergame/local/emulator/internal/epk"
)

func TestDatabases(t *testing.T) {
	k := newClock()
	e := open(t, Options{Now: k.Now, Seed: 3})
	d, err := e.CreateDatabase("one", &Throughput{Manual: 400})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.CreateDatabase("one", nil)
	wantStatus(t, "a second time", err, StatusConflict, 0)
	for _, id := range []string{"", "a/b", `a\b`, "a?", "a#"} {
		_, err = e.CreateDatabase(id, nil)
		wantStatus(t, "the id "+id, err, StatusBadRequest, 0)
	}
	var m map[string]any
	if err := json.Unmarshal(d.JSON(), &m); err != nil {
		t.Fatal(err)
	}
	if m["id"] != "one" || m["_rid"] != d.RID || m["_self"] != "dbs/"+d.RID+"/" || m["_etag"] != d.ETag || m["_ts"] != float64(k.Now().Unix()) ||
		m["_colls"] != "colls/" || m["_users"] != "users/" {
		t.Errorf("%s", d.JSON())
	}
	for _, name := range []string{"one", d.RID} {
		if got, err := e.Database(name); err != nil || got != d {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	_, err = e.Database("two")
	wantStatus(t, "a missing database", err, StatusNotFound, SubOwnerNotFound)
	if _, err := e.CreateDatabase("a", nil); err != nil {
		t.Fatal(err)
	}
	if all := e.Databases(); len(all) != 2 || all[0].ID != "a" {
		t.Errorf("%v", all)
	}
	wantStatus(t, "delete with another ETag", e.DeleteDatabase("one", `"x"`), StatusPreconditionFailed, 0)
	if err := e.DeleteDatabase("one", d.ETag); err != nil {
		t.Error(err)
	}
	wantStatus(t, "delete of what is gone", e.DeleteDatabase("one", ""), StatusNotFound, SubOwnerNotFound)
	if offers := e.Offers(); len(offers) != 0 {
		t.Errorf("offers of what is gone: %v", offers)
	}
}

func TestContainerProperties(t *testing.T) {
	e := open(t, Options{})
	given := `{"id":"c","partitionKey":{"paths":["/a/b"],"kind":"Hash"},"vectorEmbeddingPolicy":{"x":[1.0]},"defaultTtl":-1,"indexingPolicy":{"indexingMode":"none"}}`
	c := container(t, e, given, 0)
	var m map[string]any
	if err := json.Unmarshal(c.Info().JSON(), &m); err != nil {
		t.Fatalf("%s: %v", c.Info().JSON(), err)
	}
	text := string(c.Info().JSON())
	for _, part := range []string{`"vectorEmbeddingPolicy":{"x":[1.0]}`, `"indexingPolicy":{"indexingMode":"none"}`, `"version":2`,
		`"conflictResolutionPolicy":{"mode":"LastWriterWins"`, `"_docs":"docs/"`, `"_self":"` + c.Info().Self} {
		if !strings.Contains(text, part) {
			t.Errorf("%s is not in %s", part, text)
		}
	}
	if _, err := c.Write(nil, []Op{{Kind: OpCreate, Body: []byte(`{"id":"x","a":{"b":7}}`)}}, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(epk.Key{{Kind: epk.Number, Num: 7}}, "x", ReadOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := c.Write(nil, []Op{{Kind: OpCreate, Body: []byte(`{"id":"x"}`)}}, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, k := range []epk.Key{{}, {{}}} {
		if _, err := c.Read(k, "x", ReadOptions{}); err != nil {
			t.Errorf("undefined as %s: %v", k.JSON(), err)
		}
	}
	for what, body := range map[string]string{
		"no key":            `{"id":"x"}`,
		"no paths":          `{"id":"x","partitionKey":{"paths":[]}}`,
		"a bad path":        `{"id":"x","partitionKey":{"paths":["pk"]}}`,
		"two paths of Hash": `{"id":"x","partitionKey":{"paths":["/a","/b"],"kind":"Hash"}}`,
		"four paths":        `{"id":"x","partitionKey":{"paths":["/a","/b","/c","/d"],"kind":"MultiHash"}}`,
		"an unknown kind":   `{"id":"x","partitionKey":{"paths":["/a"],"kind":"Range"}}`,
		"version 3":         `{"id":"x","partitionKey":{"paths":["/a"],"version":3}}`,
		"ttl 0":             `{"id":"x","partitionKey":{"paths":["/a"]},"defaultTtl":0}`,
		"no id":             `{"partitionKey":{"paths":["/a"]}}`,
		"no JSON":           `{"id":"x"`,
	} {
		_, err := e.CreateContainer("db", []byte(body), ContainerOptions{})
		wantStatus(t, what, err, StatusBadRequest, 0)
	}
	_, err := e.CreateContainer("db", []byte(given), ContainerOptions{})
	wantStatus(t, "a second time", err, StatusConflict, 0)
	_, err = e.CreateContainer("no", []byte(given), ContainerOptions{})
	wantStatus(t, "in a missing database", err, StatusNotFound, SubOwnerNotFound)
	_, err = e.ReplaceContainer("db", "c", []byte(plain), "")
	wantStatus(t, "another partition key", err, StatusBadRequest, 0)
	_, err = e.ReplaceContainer("db", "c", []byte(given), `"x"`)
	wantStatus(t, "another ETag", err, StatusPreconditionFailed, 0)
	old := c.Info()
	if _, err := e.ReplaceContainer("db", old.RID, old.JSON(), old.ETag); err != nil {
		t.Error(err)
	}
	if c.Info().ETag == old.ETag || strings.Count(string(c.Info().JSON()), `"_etag"`) != 1+strings.Count(string(old.JSON()), `"_etag"`)-1 {
		t.Errorf("after a replace: %s", c.Info().JSON())
	}
}

func TestOffers(t *testing.T) {
	e := open(t, Options{})
	d, err := e.CreateDatabase("db", &Throughput{AutoscaleMax: 4000})
	if err != nil {
		t.Fatal(err)
	}
	c, err := e.CreateContainer("db", []byte(plain), ContainerOptions{Offer: &Throughput{Manual: 500}})
	if err != nil {
		t.Fatal(err)
	}
	o, ok := e.OfferOf(c.Info().RID)
	if !ok || o.Throughput.Manual != 500 || o.ResourceLink != c.Info().Self {
		t.Errorf("%+v", o)
	}
	of, ok := e.OfferOf(d.RID)
	if !ok || !strings.Contains(string(of.JSON()), `"offerAutopilotSettings":{"maxThroughput":4000}`) {
		t.Errorf("%s", of.JSON())
	}
	if got, err := e.Offer(strings.ToLower(o.ID)); err != nil || got != o {
		t.Errorf("%+v, %v", got, err)
	}
	n, err := e.ReplaceOffer(o.ID, Throughput{Manual: 1000}, o.ETag)
	if err != nil || n.Throughput.Manual != 1000 || n.ETag == o.ETag || !strings.Contains(string(n.JSON()), `"offerThroughput":1000`) {
		t.Errorf("%s, %v", n.JSON(), err)
	}
	_, err = e.ReplaceOffer(o.ID, Throughput{Manual: 1000}, o.ETag)
	wantStatus(t, "an old ETag", err, StatusPreconditionFailed, 0)
	for _, bad := range []Throughput{{}, {Manual: 300}, {Manual: 450}, {AutoscaleMax: 1500}, {Manual: 400, AutoscaleMax: 1000}} {
		_, err = e.ReplaceOffer(o.ID, bad, "")
		wantStatus(t, fmt.Sprint(bad), err, StatusBadRequest, 0)
	}
	if _, err := e.Offer("nothing"); Status(err) != StatusNotFound {
		t.Error(err)
	}
	if err := e.DeleteContainer("db", "c", ""); err != nil {
		t.Error(err)
	}
	if all := e.Offers(); len(all) != 1 || all[0] != of {
		t.Errorf("after the delete: %v", all)
	}
}

func TestDeleteContainer(t *testing.T) {
	e := open(t, Options{})
	c := container(t, e, plain, 2)
	for i := range 100 {
		pk := fmt.Sprint("p", i)
		put(t, c, pk, Op{Kind: OpCreate, Body: doc("a", pk)})
	}
	cur, err := c.Scan(ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, "delete with another ETag", e.DeleteContainer("db", "c", `"x"`), StatusPreconditionFailed, 0)
	if err := e.DeleteContainer("db", "c", c.Info().ETag); err != nil {
		t.Fatal(err)
	}
	n := 0
	for cur.Next() {
		n++
	}
	if err := errors.Join(cur.Err(), cur.Close(), cur.Close()); err != nil || n != 100 {
		t.Errorf("a cursor opened before found %d, %v", n, err)
	}
	_, err = c.Read(epk.Strings("p1"), "a", ReadOptions{})
	wantStatus(t, "read", err, StatusNotFound, SubOwnerNotFound)
	_, err = c.Write(epk.Strings("p1"), []Op{{Kind: OpDelete, ID: "a"}}, WriteOptions{})
	wantStatus(t, "write", err, StatusNotFound, SubOwnerNotFound)
	_, err = c.Scan(ScanOptions{})
	wantStatus(t, "scan", err, StatusNotFound, SubOwnerNotFound)
	_, err = c.Feed(FeedOptions{Range: "0"})
	wantStatus(t, "feed", err, StatusNotFound, SubOwnerNotFound)
	_, err = c.Split("0", "")
	wantStatus(t, "split", err, StatusNotFound, SubOwnerNotFound)
	_, err = e.Container("db", "c")
	wantStatus(t, "open", err, StatusNotFound, SubOwnerNotFound)
	if left := keysOf(t, c); left != 0 {
		t.Errorf("%d documents are left", left)
	}
	again := container(t, e, plain, 2)
	if again.Info().RID == c.Info().RID {
		t.Error("a new container has the old one's id")
	}
	if ids := scanIDs(t, again, ScanOptions{}, 10); len(ids) != 0 {
		t.Errorf("a new container has %v", ids)
	}
}

// TestDeleteUnderFire deletes and makes a container anew under writers and readers: each of their calls succeeds or is told so.
func TestDeleteUnderFire(t *testing.T) {
	for name, dir := range map[string]string{"memory": "", "disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			e := open(t, Options{Dir: dir})
			container(t, e, plain, 2)
			done := make(chan struct{})
			var wg sync.WaitGroup
			for g := range 4 {
				wg.Go(func() {
					for n := 0; ; n++ {
						select {
						case <-done:
							return
						default:
						}
						c, err := e.Container("db", "c")
						if err == nil {
							pk := fmt.Sprint("p", g, "-", n)
							_, err = c.Write(epk.Strings(pk), []Op{{Kind: OpCreate, Body: doc("a", pk)}, {Kind: OpCreate, Body: doc("b", pk)}}, WriteOptions{})
							if err == nil {
								_, err = c.Feed(FeedOptions{Key: epk.Strings(pk)})
							}
						}
						if err != nil && Status(err) != StatusNotFound {
							t.Error(err)
							return
						}
					}
				})
			}
			for range 20 {
				c, err := e.Container("db", "c")
				if err != nil {
					t.Fatal(err)
				}
				if err := e.DeleteContainer("db", "c", ""); err != nil {
					t.Fatal(err)
				}
				if left := keysOf(t, c); left != 0 {
					t.Errorf("%d documents are left", left)
				}
				container(t, e, plain, 2)
			}
			close(done)
			wg.Wait()
		})
	}
}

func TestResourceIDs(t *testing.T) {
	make1 := func(seed uint64) (ids []string) {
		e := open(t, Options{Seed: seed, Now: newClock().Now})
		for i := range 20 {
			d, err := e.CreateDatabase(fmt.Sprint("d", i), nil)
			if err != nil {
				t.Fatal(err)
			}
			c, err := e.CreateContainer(d.ID, []byte(plain), ContainerOptions{})
			if err != nil {
				t.Fatal(err)
			}
			r := put(t, c, "p", Op{Kind: OpCreate, Body: doc("a", "p")})
			var m map[string]any
			if err := json.Unmarshal(r.Results[0].Body, &m); err != nil {
				t.Fatal(err)
			}
			rid := m["_rid"].(string)
			ids = append(ids, d.RID, c.Info().RID, rid)
			for i, text := range ids[len(ids)-3:] {
				b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(text, "-", "/"))
				if err != nil || len(b) != []int{4, 8, 16}[i] || i > 0 && b[4] < 0x80 {
					t.Errorf("%s is %x, %v", text, b, err)
				}
			}
		}
		return ids
	}
	a := make1(5)
	if b := make1(5); !slices.Equal(a, b) {
		t.Errorf("one seed, two series: %v, %v", a, b)
	}
	if b := make1(6); slices.Equal(a, b) {
		t.Error("two seeds, one series")
	}
	slices.Sort(a)
	if n := len(slices.Compact(a)); n != 60 {
		t.Errorf("%d different ids of 60", n)
	}
}

func TestReopen(t *testing.T) {
	for _, fsync := range []bool{false, true} {
		dir := t.TempDir()
		o := Options{Dir: dir, Fsync: fsync, Seed: 9}
		e := open(t, o)
		c := container(t, e, plain, 2)
		for i := range 20 {
			pk := fmt.Sprint("p", i)
			put(t, c, pk, Op{Kind: OpCreate, Body: doc("a", pk)})
		}
		put(t, c, "p0", Op{Kind: OpDelete, ID: "a"}) // the last LSN of its range has no entry in the log
		info, ranges, body := c.Info(), fmt.Sprint(c.Ranges()), string(get(t, c, "p1", "a").Body)
		cur, err := c.Scan(ScanOptions{})
		if err != nil || !cur.Next() {
			t.Fatal(err)
		}
		position := cur.Position()
		if err := cur.Close(); err != nil {
			t.Fatal(err)
		}
		rest := scanIDs(t, c, ScanOptions{After: position}, 3)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(epk.Strings("p1"), "a", ReadOptions{}); !errors.Is(err, ErrClosed) {
			t.Errorf("read after close: %v", err)
		}
		e = open(t, o)
		if c, err = e.Container("db", "c"); err != nil {
			t.Fatal(err)
		}
		if string(c.Info().JSON()) != string(info.JSON()) || fmt.Sprint(c.Ranges()) != ranges || string(get(t, c, "p1", "a").Body) != body {
			t.Errorf("after reopening: %s, %v, %s", c.Info().JSON(), c.Ranges(), get(t, c, "p1", "a").Body)
		}
		if got := scanIDs(t, c, ScanOptions{After: position}, 3); len(got) != 18 || len(rest) != 18 {
			t.Errorf("a scan goes on with %d, before with %d", len(got), len(rest))
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); !errors.Is(err, ErrClosed) {
			t.Errorf("a second close: %v", err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	e := open(t, Options{Dir: dir})
	if _, err := Open(Options{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("a second engine: %v", err)
	}
	if err := e.db.Set(metaKey(metaFormat, 0), []byte("supergame-emulator 999"), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "999") {
		t.Errorf("data of another version: %v", err)
	}
	other := t.TempDir()
	db, err := pebble.Open(other, &pebble.Options{Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Set([]byte("x"), nil, pebble.Sync), db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: other}); !errors.Is(err, ErrFormat) {
		t.Errorf("somebody else's data: %v", err)
	}
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: file}); err == nil || errors.Is(err, ErrInUse) {
		t.Errorf("a file for a directory: %v", err)
	}
}

// TestInUseByAnotherProcess has a child that holds the directory.
func TestInUseByAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	e := open(t, Options{Dir: dir})
	container(t, e, plain, 1)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), ErrInUse.Error()) {
		t.Errorf("another process: %v, %s", err, out)
	}
}

func TestCloseWaits(t *testing.T) {
	e := open(t, Options{})
	c := container(t, e, plain, 1)
	put(t, c, "p", Op{Kind: OpCreate, Body: doc("a", "p")})
	cur, err := c.Scan(ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { closed <- e.Close() }()
	for { // until Close lets nobody in
		if _, err := c.Read(epk.Strings("p"), "a", ReadOptions{}); errors.Is(err, ErrClosed) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if !cur.Next() || idOf(t, cur.Append(nil)) != "a" {
		t.Errorf("a cursor while the engine closes: %v", cur.Err())
	}
	select {
	case err := <-closed:
		t.Fatalf("it closed under a cursor: %v", err)
	default:
	}
	if err := errors.Join(cur.Close(), <-closed); err != nil {
		t.Error(err)
	}
}

func TestEmptyIsSmall(t *testing.T) {
	before := heap()
	e := open(t, Options{})
	if used := int64(heap()) - int64(before) + int64(e.db.Metrics().MemTable.Size); used > 8<<20 {
		t.Errorf("an empty engine takes %d bytes", used)
	}
}
