package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"supergame/local/emulator/internal/epk"
)

func TestTimeToLive(t *testing.T) {
	for name, dir := range map[string]string{"memory": "", "disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) { timeToLive(t, dir) })
	}
}

func timeToLive(t *testing.T, dir string) {
	k := newClock()
	e := open(t, Options{Now: k.Now, SweepEvery: -1, Dir: dir})
	c := container(t, e, `{"id":"c","partitionKey":{"paths":["/pk"]},"defaultTtl":100,"uniqueKeyPolicy":{"uniqueKeys":[{"paths":["/name"]}]}}`, 1)
	put(t, c, "p", Op{Kind: OpCreate, Body: doc("default", "p", `,"name":"a"`)})
	put(t, c, "p", Op{Kind: OpCreate, Body: doc("short", "p", `,"name":"b","ttl":10`)})
	put(t, c, "p", Op{Kind: OpCreate, Body: doc("long", "p", `,"name":"c","ttl":1000`)})
	put(t, c, "p", Op{Kind: OpCreate, Body: doc("forever", "p", `,"name":"d","ttl":-1`)})
	for _, ttl := range []string{"0", "-2", `"x"`, "1.5", "2147483648"} {
		_, err := c.Write(epk.Strings("p"), []Op{{Kind: OpCreate, Body: doc("bad", "p", `,"ttl":`, ttl)}}, WriteOptions{})
		wantStatus(t, "ttl "+ttl, err, StatusBadRequest, 0)
	}
	visible := func(want ...string) {
		t.Helper()
		slices.Sort(want)
		got := scanIDs(t, c, ScanOptions{}, 2)
		got2 := scanIDs(t, c, ScanOptions{Key: epk.Strings("p")}, 2)
		var got3 []string
		items, _ := drain(t, c, FeedOptions{})
		for _, i := range items {
			got3 = append(got3, idOf(t, i.Body))
		}
		for _, ids := range [][]string{got, got2, got3} {
			if slices.Sort(ids); !slices.Equal(ids, want) {
				t.Errorf("visible are %v, want %v", ids, want)
			}
		}
		for _, id := range []string{"default", "short", "long", "forever"} {
			_, err := c.Read(epk.Strings("p"), id, ReadOptions{})
			if there := err == nil; there != slices.Contains(want, id) {
				t.Errorf("read of %s: %v", id, err)
			}
		}
	}
	visible("default", "short", "long", "forever")
	k.add(9 * time.Second)
	visible("default", "short", "long", "forever")
	k.add(time.Second)
	visible("default", "long", "forever")
	_, err := c.Write(epk.Strings("p"), []Op{{Kind: OpReplace, Body: doc("short", "p", `,"name":"b"`)}}, WriteOptions{})
	wantStatus(t, "replace of an expired item", err, StatusNotFound, 0)
	r := put(t, c, "p", Op{Kind: OpCreate, Body: doc("short", "p", `,"name":"b","ttl":5`)})
	if !r.Results[0].Created || r.Results[0].OldSize != 0 {
		t.Errorf("create in place of an expired item: %+v", r.Results[0])
	}
	put(t, c, "p", Op{Kind: OpReplace, Body: doc("default", "p", `,"name":"a","v":2`)}) // a write starts the time anew
	k.add(95 * time.Second)
	visible("default", "long", "forever")
	k.add(5 * time.Second)
	visible("long", "forever")
	put(t, c, "p", Op{Kind: OpCreate, Body: doc("heir", "p", `,"name":"a"`)}) // the unique value of an expired item is free
	if n, err := e.Sweep(); n != 1 || err != nil {
		t.Errorf("swept %d, %v; the heir's predecessor went before", n, err)
	}
	if n, err := e.Sweep(); n != 0 || err != nil {
		t.Errorf("swept %d more, %v", n, err)
	}
	if left := keysOf(t, c); left != 3 {
		t.Errorf("%d documents are stored after the sweep", left)
	}
	put(t, c, "p", Op{Kind: OpDelete, ID: "heir"})
	off := `{"id":"c","partitionKey":{"paths":["/pk"]},"uniqueKeyPolicy":{"uniqueKeys":[{"paths":["/name"]}]}}`
	if _, err := e.ReplaceContainer("db", "c", []byte(off), ""); err != nil {
		t.Fatal(err)
	}
	k.add(time.Hour)
	visible("long", "forever")
	on := strings.Replace(off, `"id"`, `"defaultTtl":-1,"id"`, 1)
	if _, err := e.ReplaceContainer("db", "c", []byte(on), ""); err != nil {
		t.Fatal(err)
	}
	visible("forever")
	if n, err := e.Sweep(); n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
}

// keysOf counts stored documents, and checks that nothing points nowhere.
func keysOf(t testing.TB, c *Container) int {
	t.Helper()
	n := map[byte]int{}
	p := prefix(nil, c.num, 0)
	it, err := c.engine.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for ok := it.SeekGE(p[:len(p)-1]); ok; ok = it.Next() {
		n[it.Key()[len(p)-1]]++
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	docs := n[kindDocument]
	unique := docs * len(c.Info().Properties.UniqueKeys)
	if n[kindID] != docs || n[kindLog] != docs || n[kindPartition] != docs || n[kindUnique] != unique || n[kindExpiry] > docs {
		t.Errorf("keys by kind: %v", n)
	}
	return docs
}

func TestSweepInTheBackground(t *testing.T) {
	k := newClock()
	e := open(t, Options{Now: k.Now, SweepEvery: time.Millisecond})
	c := container(t, e, `{"id":"c","partitionKey":{"paths":["/pk"]},"defaultTtl":10}`, 3)
	for i := range 300 {
		pk := fmt.Sprint("p", i)
		put(t, c, pk, Op{Kind: OpCreate, Body: doc("a", pk)})
	}
	if _, err := c.Split("1", ""); err != nil {
		t.Fatal(err)
	}
	k.add(10 * time.Second)
	for deadline := time.Now().Add(5 * time.Second); keysOf(t, c) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing swept them")
		}
	}
}

func TestUniqueKeys(t *testing.T) {
	c := container(t, open(t, Options{}), `{"id":"c","partitionKey":{"paths":["/pk"]},
		"uniqueKeyPolicy":{"uniqueKeys":[{"paths":["/name"]},{"paths":["/a/x","/b"]}]}}`, 1)
	mk := func(id, name string, x, b any) []byte {
		body, err := json.Marshal(map[string]any{"id": id, "pk": "p", "name": name, "a": map[string]any{"x": x}, "b": b})
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	refused := func(what string, ops ...Op) {
		t.Helper()
		before := keysOf(t, c)
		_, err := c.Write(epk.Strings("p"), ops, WriteOptions{})
		wantStatus(t, what, err, StatusConflict, 0)
		if keysOf(t, c) != before {
			t.Errorf("%s: something was written", what)
		}
	}
	put(t, c, "p", Op{Kind: OpCreate, Body: mk("1", "ann", 1, 1)})
	refused("the same name", Op{Kind: OpCreate, Body: mk("2", "ann", 2, 2)})
	refused("the same pair", Op{Kind: OpCreate, Body: mk("2", "bob", 1.0, 1)})
	put(t, c, "p", Op{Kind: OpCreate, Body: mk("2", "bob", 1, 2)})
	refused("a replace onto another's name", Op{Kind: OpReplace, Body: mk("2", "ann", 1, 2)})
	refused("an upsert onto another's pair", Op{Kind: OpUpsert, Body: mk("3", "c", 1, 2)})
	refused("a batch with a double", Op{Kind: OpCreate, Body: mk("3", "c", 3, 3)}, Op{Kind: OpCreate, Body: mk("4", "c", 4, 4)})
	put(t, c, "p", Op{Kind: OpReplace, Body: mk("2", "bob", 1, 2)}) // itself
	put(t, c, "p", Op{Kind: OpReplace, Body: mk("2", "eve", 9, 9)})
	put(t, c, "p", Op{Kind: OpCreate, Body: mk("3", "bob", 1, 2)}) // given up
	put(t, c, "p", Op{Kind: OpDelete, ID: "1"}, Op{Kind: OpCreate, Body: mk("4", "ann", 1, 1)})
	put(t, c, "p", Op{Kind: OpCreate, Body: []byte(`{"id":"5","pk":"p"}`)})
	refused("missing properties are null", Op{Kind: OpCreate, Body: []byte(`{"id":"6","pk":"p","name":null,"b":0}`)})
	put(t, c, "q", Op{Kind: OpCreate, Body: []byte(`{"id":"1","pk":"q","name":"ann"}`)}) // another partition
	keysOf(t, c)
}

func TestSessionTokens(t *testing.T) {
	c := container(t, open(t, Options{}), plain, 1)
	r := put(t, c, "p", Op{Kind: OpCreate, Body: doc("a", "p")})
	if s := r.Token().String(); s != "0:-1#1" {
		t.Errorf("token %s", s)
	}
	got, err := c.Read(epk.Strings("p"), "a", ReadOptions{Session: []Token{r.Token()}})
	if err != nil || got.Token() != r.Token() {
		t.Errorf("%v, %v", got.Token(), err)
	}
	future := []Token{{Range: "0", Version: -1, LSN: 2}}
	try := func(what string, tokens []Token, sub int) {
		t.Helper()
		_, err := c.Read(epk.Strings("p"), "a", ReadOptions{Session: tokens})
		cur, err2 := c.Scan(ScanOptions{ReadOptions: ReadOptions{Session: tokens}})
		if err2 == nil {
			err2 = cur.Close()
		}
		_, err3 := c.Write(epk.Strings("p"), []Op{{Kind: OpRead, ID: "a"}}, WriteOptions{Session: tokens})
		for _, err := range []error{err, err2, err3} {
			if sub == 0 && err != nil {
				t.Errorf("%s: %v", what, err)
			} else if sub != 0 {
				wantStatus(t, what, err, StatusNotFound, sub)
			}
		}
	}
	try("a token from the future", future, SubSessionNotAvailable)
	try("a token of a range to come", []Token{{Range: "1", LSN: 0}}, SubSessionNotAvailable)
	put(t, c, "p", Op{Kind: OpUpsert, Body: doc("a", "p")})
	try("a token of the present", future, 0)
	if _, err := c.Split("0", ""); err != nil {
		t.Fatal(err)
	}
	try("a parent's token", future, 0)
	try("a parent's token from the future", []Token{{Range: "0", LSN: 3}}, SubSessionNotAvailable)
	id, err := c.RangeOf(epk.Strings("p"))
	if err != nil {
		t.Fatal(err)
	}
	other := map[string]string{"1": "2", "2": "1"}[id]
	_, err = c.Read(epk.Strings("p"), "a", ReadOptions{Session: []Token{{Range: other, LSN: 1000}}})
	if err != nil {
		t.Errorf("a token of a sibling: %v", err)
	}
	r = put(t, c, "p", Op{Kind: OpUpsert, Body: doc("a", "p")})
	if r.Token() != (Token{Range: id, Version: -1, LSN: 3}) {
		t.Errorf("the child's token is %s", r.Token())
	}
}

func TestParseTokens(t *testing.T) {
	for in, want := range map[string]string{
		"":                                  "[]",
		"0:-1#12":                           "[0:-1#12]",
		"0:1#9#4=8#7=-1, 12:-1#3":           "[0:1#9 12:-1#3]",
		"65535:0#18446744073709551615":      "[65535:0#18446744073709551615]",
		"0":                                 "",
		"0:1":                               "",
		"0:-1#":                             "",
		"0:-1#-2":                           "",
		"a:-1#1":                            "",
		"0:-1#1#":                           "",
		"0:-1#1#a=1":                        "",
		"0:-1#1,":                           "",
		"70000:-1#1":                        "",
		"0:-1#18446744073709551616":         "",
		"0:99999999999999999999999999999#1": "",
	} {
		tokens, err := ParseTokens(in)
		if want == "" {
			wantStatus(t, in, err, StatusBadRequest, 0)
			continue
		}
		if err != nil || fmt.Sprint(tokens) != want {
			t.Errorf("%q: %v, %v; want %s", in, tokens, err, want)
		}
	}
}

func FuzzParseTokens(f *testing.F) {
	f.Add("0:-1#12")
	f.Add("0:1#9#4=8#7=-1,12:-1#3")
	f.Fuzz(func(t *testing.T, in string) {
		tokens, err := ParseTokens(in)
		if err != nil {
			if Status(err) != StatusBadRequest {
				t.Fatal(err)
			}
			return
		}
		for _, k := range tokens {
			again, err := ParseTokens(k.String())
			if err != nil || len(again) != 1 || again[0] != k {
				t.Fatalf("%q: %v is read as %v, %v", in, k, again, err)
			}
		}
	})
}

func TestLag(t *testing.T) {
	e := open(t, Options{})
	c := container(t, e, plain, 1)
	put(t, c, "p", Op{Kind: OpCreate, Body: doc("a", "p", `,"v":1`)})
	e.SetLag(time.Hour) // views are taken every six minutes: the one of now stays for the test
	r := put(t, c, "p", Op{Kind: OpReplace, Body: doc("a", "p", `,"v":2`)})
	if _, err := c.Split("0", ""); err != nil {
		t.Fatal(err)
	}
	put(t, c, "p", Op{Kind: OpCreate, Body: doc("b", "p")})
	lagging := ReadOptions{Lag: time.Second}
	old, err := c.Read(epk.Strings("p"), "a", lagging)
	if err != nil || !strings.Contains(string(old.Body), `"v":1`) || old.Position.LSN != 1 {
		t.Errorf("lagging: %s at %d, %v", old.Body, old.Position.LSN, err)
	}
	_, err = c.Read(epk.Strings("p"), "b", lagging)
	wantStatus(t, "a lagging read of a new item", err, StatusNotFound, 0)
	if ids := scanIDs(t, c, ScanOptions{ReadOptions: lagging}, 10); !slices.Equal(ids, []string{"a"}) {
		t.Errorf("a lagging scan finds %v", ids)
	}
	items, lsn := drain(t, c, FeedOptions{ReadOptions: lagging, Key: epk.Strings("p")})
	if len(items) != 1 || lsn != 1 {
		t.Errorf("a lagging feed has %d items up to %d", len(items), lsn)
	}
	lagging.Session = []Token{r.Token()}
	fresh, err := c.Read(epk.Strings("p"), "a", lagging)
	if err != nil || !strings.Contains(string(fresh.Body), `"v":2`) {
		t.Errorf("with a token: %s, %v", fresh.Body, err)
	}
	e.SetLag(20 * time.Millisecond)
	put(t, c, "p", Op{Kind: OpReplace, Body: doc("a", "p", `,"v":3`)})
	lagging = ReadOptions{Lag: 10 * time.Millisecond}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		got, err := c.Read(epk.Strings("p"), "a", lagging)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the lag does not end: %v", err)
		}
		if strings.Contains(string(got.Body), `"v":3`) {
			break
		}
	}
	e.SetLag(0)
	if got, err := c.Read(epk.Strings("p"), "b", ReadOptions{Lag: time.Hour}); err != nil {
		t.Errorf("with lag switched off: %v, %v", got, err)
	}
}

func TestTerms(t *testing.T) {
	var calls []string
	count := func(info *ContainerInfo, before, after []byte) (int, int) {
		calls = append(calls, fmt.Sprint(info.ID, " ", before != nil, " ", after != nil))
		return len(before), len(after)
	}
	c := container(t, open(t, Options{Terms: count}), plain, 1)
	r := put(t, c, "p", Op{Kind: OpCreate, Body: doc("a", "p")}, Op{Kind: OpReplace, Body: doc("a", "p")}, Op{Kind: OpRead, ID: "a"}, Op{Kind: OpDelete, ID: "a"})
	if want := "[c false true c true true c true false]"; fmt.Sprint(calls) != want {
		t.Errorf("%v, want %s", calls, want)
	}
	for i, res := range r.Results {
		if i != 2 && (res.RemovedTerms != res.OldSize || res.InsertedTerms != res.NewSize) {
			t.Errorf("result %d: %+v", i, res)
		}
	}
}

func TestMembers(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for in, want := range map[string]error{
		`{}`:                                     nil,
		`{"a" : [1, {"b":null}] }`:               nil,
		`{"a":1,}`:                               errJSON,
		`{"a"}`:                                  errJSON,
		`{"a":01}`:                               errJSON,
		`{"a":1}x`:                               errJSON,
		"{\"a\":\"\xff\"}":                       errJSON,
		"{\"a\":\"\n\"}":                         errJSON,
		`[]`:                                     errNotObject,
		`"x"`:                                    errNotObject,
		``:                                       errJSON,
		deep(100):                                nil,
		deep(200):                                errDepth,
		`{"a":1,"\u0061":2}`:                     errTwice,
		`{"a":[{"b":1,"b":1}]}`:                  errTwice,
		`{"a":-1e400}`:                           errNumber,
		`{"a":` + strings.Repeat("9", 310) + `}`: errNumber,
		`{"a":1e308,"b":1e-400}`:                 nil,
	} {
		if _, err := members(nil, []byte(in)); !errors.Is(err, want) {
			t.Errorf("%.40s: %v, want %v", in, err, want)
		}
	}
	var many strings.Builder
	for i := range 100 {
		fmt.Fprintf(&many, `"n%d":1,`, i)
	}
	if _, err := members(nil, []byte(`{`+many.String()+`"x":1}`)); err != nil {
		t.Error(err)
	}
	if _, err := members(nil, []byte(`{`+many.String()+`"n0":1}`)); !errors.Is(err, errTwice) {
		t.Error(err)
	}
	ms, err := members(nil, []byte(`{"\u0061":2,"b":{"c":{"d":[1]}}}`))
	if err != nil || string(find(ms, "a")) != "2" || string(lookup(ms, []string{"b", "c", "d"})) != "[1]" || lookup(ms, []string{"a", "c"}) != nil {
		t.Errorf("%v, %v", ms, err)
	}
}

func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{"id":"a","n":-1.5e+3}`, `{"a":[{},[],"\u12aB\n",true,null]}`, `{"_rid":1,"a":2}`, `{"a":1}}`, `[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		ms, err := members(nil, in)
		var want map[string]json.RawMessage
		wantErr := json.Unmarshal(in, &want)
		if errors.Is(err, errDepth) || errors.Is(err, errNumber) || errors.Is(err, errTwice) {
			return
		}
		if (err == nil) != (wantErr == nil && want != nil) && err != errJSON { //nolint:errorlint // the very error
			t.Fatalf("%q: %v, encoding/json says %v", in, err, wantErr)
		}
		if err != nil {
			return
		}
		for key, value := range want {
			if got := find(ms, key); string(got) != string(value) {
				t.Fatalf("%q: %s is %s, want %s", in, key, got, value)
			}
		}
		if len(ms) > 0 {
			out := append(userPart(in, ms), '}')
			if !json.Valid(out) {
				t.Fatalf("%q became %q", in, out)
			}
		}
	})
}
