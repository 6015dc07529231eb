package cosmosstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/wallet"
)

func item(id string) wallet.Asset { return wallet.Asset{Type: wallet.Item, ID: id} }

// newSmallLeaves gives a wallet whose documents hold few balances, and after a first change that puts n items and some gold into it.
func newSmallLeaves(t *testing.T, store *Store, n int) *purse {
	t.Helper()
	p := newPurse(t, store)
	p.store.leaf = 100
	p.post(t, correction("gold", amount(gold, 100)))
	for i := range n {
		p.post(t, correction(fmt.Sprint("item-", i), amount(item(fmt.Sprintf("item-%02d", i)), 10)))
	}
	return p
}

// bucketIDs are the ids of the buckets of ada, in order.
func bucketIDs(t *testing.T, p *purse) []string {
	t.Helper()
	return slices.DeleteFunc(storedIDs(t, p.players, ada), func(id string) bool { return !strings.HasPrefix(id, walletBucket) })
}

// everything reads a wallet page by page, in the order in which it comes.
func (p *purse) everything(t testing.TB, size int) []wallet.Balance {
	t.Helper()
	var all []wallet.Balance
	after := wallet.Asset{}
	for {
		page, err := p.store.Balances(newSession(t), ada, after, size)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if len(page) < size {
			return all
		}
		after = page[len(page)-1].Asset
	}
}

// TestManyItems fills a wallet with many items in no order, forty at a time, and spends of them. LONG=1: with ten thousand, in documents of
// their true size.
func TestManyItems(t *testing.T) {
	t.Parallel()
	p := newSharedPurse(t)
	n := 400
	if p.store.leaf = 600; os.Getenv("LONG") != "" {
		n, p.store.leaf = 10_000, leafBytes
	}
	rng := rand.New(rand.NewPCG(1, 2))
	order := rng.Perm(n)
	want := make([]wallet.Balance, n+2)
	want[0], want[1] = wallet.Balance{Asset: gems}, wallet.Balance{Asset: gold}
	for i := range n {
		want[i+2].Asset = item(fmt.Sprintf("item.%05d", i))
	}
	change := func(name string, which []int, by int64) {
		o := correction(name, amount(gold, 1), amount(gems, 2))
		for _, i := range which {
			o.Lines = append(o.Lines, amount(want[i+2].Asset, by))
			want[i+2].Amount += by
		}
		e := p.post(t, o)
		want[0].Amount, want[1].Amount = want[0].Amount+2, want[1].Amount+1
		for i, line := range e.Lines[2:] {
			if got := want[which[i]+2]; got.Asset != line.Asset || got.Amount != line.Balance {
				t.Fatalf("%s: %+v, want %+v", name, line, got)
			}
		}
	}
	changes := 0
	for chunk := range slices.Chunk(order, 38) {
		change(fmt.Sprint("in-", changes), chunk, 5)
		changes++
	}
	for chunk := range slices.Chunk(rng.Perm(n)[:n/4], 25) {
		change(fmt.Sprint("out-", changes), chunk, -2)
		changes++
	}
	for _, size := range []int{7, 100, 500, n + 3} {
		got := p.everything(t, size)
		for i := range got {
			got[i].Seq, got[i].Time = 0, time.Time{}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d: %s", size, diff)
		}
	}
	result, err := p.Verify(newSession(t), ada, func(int64, int64) error { return nil })
	if err != nil || result.ProblemCount != 0 || result.Entries != int64(changes) || result.Balances != int64(n+2) {
		t.Errorf("%+v, %v", result, err)
	}
	buckets := bucketIDs(t, p)
	if least := n * 25 / p.store.leaf; len(buckets) < least {
		t.Errorf("%d buckets, want %d at least", len(buckets), least)
	}
	for _, id := range append(buckets, idWalletHead) {
		if size := plainSize(t, storedDocument(t, p.players, ada, id)); size > p.store.leaf+1000+len(buckets)*12 {
			t.Errorf("%s has %d bytes", id, size)
		}
	}
	t.Logf("%d items in %d buckets after %d changes", n, len(buckets), changes)
}

// TestLongestNamesFit: forty new assets with the longest names and balances, at a time, as often as a bucket must be divided.
func TestLongestNamesFit(t *testing.T) {
	p := newSharedPurse(t)
	for change := range 8 {
		o := correction(fmt.Sprint("c", change))
		for i := range wallet.MaxLines {
			id := fmt.Sprintf("%02d%s%d", i, strings.Repeat("x", 61), change)
			o.Lines = append(o.Lines, amount(item(id), wallet.MaxAmount))
		}
		p.post(t, o)
	}
	p.wantSound(t, 8, nil)
	if got := len(p.everything(t, 500)); got != 8*wallet.MaxLines {
		t.Errorf("%d balances", got)
	}
	for _, id := range append(bucketIDs(t, p), idWalletHead) {
		if size := plainSize(t, storedDocument(t, p.players, ada, id)); size > 8192 {
			t.Errorf("%s has %d bytes", id, size)
		}
	}
}

// TestRivalDivides lets a rival divide the bucket that a change has read, or is about to read.
func TestRivalDivides(t *testing.T) {
	last := item("item-05")
	for requestName, request := range map[string]struct {
		op      emulator.Op
		skip    int
		refusal bool // only a refusal makes this request
	}{
		"before the head is read":         {op: emulator.OpRead},
		"before the bucket is read":       {op: emulator.OpBatch},
		"before the second batch":         {op: emulator.OpBatch, skip: 1}, // the write, or the head once more
		"before the bucket is read again": {op: emulator.OpBatch, skip: 2, refusal: true},
		"before its entry is looked for":  {op: emulator.OpRead, skip: 1, refusal: true},
	} {
		for _, refused := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, refused: %v", requestName, refused), func(t *testing.T) {
				store, e := newFaultyStore(t)
				p := newSmallLeaves(t, store, 6)
				before, met := bucketIDs(t, p), false
				e.Inject(emulator.Fault{Op: request.op, Skip: request.skip, Container: Players, Count: 1, Hook: func(context.Context, emulator.Point) {
					met = true
					o := correction("rival")
					for i := range 5 {
						o.Lines = append(o.Lines, amount(item(fmt.Sprint("item-04-", i)), 1))
					}
					p.post(t, o)
				}})
				by, want := int64(-10), ""
				if refused {
					by, want = -11, "INSUFFICIENT_FUNDS"
				}
				_, _, err := p.Apply(newSession(t), correction("mine", amount(last, by), amount(gold, 1)))
				if fault.ReasonOf(err) != want {
					t.Errorf("got %v, want %q", err, want)
				}
				if f := fault.As(err); refused && (f == nil || f.Metadata["item:item-05"] != "10/11") {
					t.Errorf("got %v", err)
				}
				e.ClearFaults()
				if p.store.leaf = leafBytes; !refused {
					p.wantReplay(t, correction("mine", amount(last, by), amount(gold, 1)), p.entryOf(t, "mine"))
				}
				if want := refused || !request.refusal; met != want || met && len(bucketIDs(t, p)) <= len(before) {
					t.Errorf("a rival came: %v, want %v; the buckets were %q, are %q", met, want, before, bucketIDs(t, p))
				}
				p.wantSound(t, -1, nil)
			})
		}
	}
}

// entryOf is the entry of a request, by the ledger.
func (p *purse) entryOf(t *testing.T, requestID string) wallet.Entry {
	t.Helper()
	list, _, err := p.Ledger(newSession(t), correction("").Caller, ada, wallet.Page{Size: 200})
	i := slices.IndexFunc(list, func(e wallet.Entry) bool { return e.RequestID == requestID })
	if err != nil || i < 0 {
		t.Fatalf("no entry %q in %d, %v", requestID, len(list), err)
	}
	return list[i]
}

// TestPagesWhileBucketsAreDivided divides buckets before every request of a reader: he meets every asset that was there when he began,
// once, in order, whether he reads few or many buckets at a time.
func TestPagesWhileBucketsAreDivided(t *testing.T) {
	for _, size := range []int{1, 3, 200} {
		t.Run(fmt.Sprint("pages of ", size), func(t *testing.T) {
			store, e := newFaultyStore(t)
			p := newSmallLeaves(t, store, 30)
			n, busy := 0, false
			e.Inject(emulator.Fault{Container: Players, Hook: func(context.Context, emulator.Point) {
				if busy || n == 12 { // for ever, the reader would never come to an end
					return
				}
				busy = true
				defer func() { busy = false }()
				o := correction(fmt.Sprint("rival-", n))
				for i := range 30 {
					o.Lines = append(o.Lines, amount(item(fmt.Sprintf("item-%02d-%d", i, n)), 1))
				}
				n++
				p.post(t, o)
			}})
			all := p.everything(t, size)
			e.ClearFaults()
			found := map[wallet.Asset]bool{}
			for i, b := range all {
				if found[b.Asset] = true; i > 0 && assetKey(all[i-1].Asset) >= assetKey(b.Asset) {
					t.Errorf("%v comes behind %v", b.Asset, all[i-1].Asset)
				}
			}
			for i := range 30 {
				if !found[item(fmt.Sprintf("item-%02d", i))] {
					t.Errorf("item %d was passed over", i)
				}
			}
			if n < 2 {
				t.Errorf("only %d changes came in between", n)
			}
			p.wantSound(t, int64(31+n), nil)
		})
	}
}

// TestBucketsGrowUnderFire lets several callers fill one wallet at once while the store refuses and cuts connections at random; others read it meanwhile.
func TestBucketsGrowUnderFire(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "buckets under fire", specs(t))
	p := newPurse(t, New(client))
	p.store.leaf = 300
	for _, failure := range []emulator.Fault{
		{Status: 449}, {Status: 410, Substatus: 1002}, {Status: 503}, {DropBefore: true}, {DropAfter: true}, {Status: 503, After: true},
	} {
		failure.Op, failure.Container, failure.Probability = emulator.OpBatch, Players, 0.01
		e.Inject(failure)
	}
	const workers, items = 6, 50
	var done atomic.Bool
	var writers, readers sync.WaitGroup
	for w := range workers {
		writers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 3))
			for i := range items {
				id := fmt.Sprintf("%03x-%d-%d", rng.IntN(4096), w, i)
				p.persist(t, correction(id, amount(item(id), 2), amount(gold, 1), amount(item("shared"), 1)))
			}
		})
	}
	readers.Go(func() {
		for !done.Load() {
			list, err := p.store.Balances(newSession(t), ada, wallet.Asset{}, 500)
			if err == nil && !slices.IsSortedFunc(list, func(a, b wallet.Balance) int { return strings.Compare(assetKey(a.Asset), assetKey(b.Asset)) }) {
				t.Error("the balances are in no order")
			}
			result, err := p.Verify(newSession(t), ada, func(int64, int64) error { return nil })
			if err == nil && result.ProblemCount > 0 {
				t.Errorf("a check while it grows: %+v", result.Problems)
			}
		}
	})
	writers.Wait()
	done.Store(true)
	readers.Wait()
	e.ClearFaults()
	p.wantSound(t, workers*items, nil)
	left := p.amounts(t)
	if len(left) != workers*items+2 || left[gold] != workers*items || left[item("shared")] != workers*items {
		t.Errorf("%d assets, %d gold, %d shared", len(left), left[gold], left[item("shared")])
	}
	t.Logf("%d buckets", len(bucketIDs(t, p)))
}

// persist applies an order until its outcome is known: the store may be slow, or fail for a while.
func (p *purse) persist(t *testing.T, o wallet.Order) (entry wallet.Entry, replayed bool) {
	t.Helper()
	for range 100 {
		entry, replayed, err := p.Apply(newSession(t), o)
		if err == nil {
			return entry, replayed
		}
		if !fault.Is(err, fault.Aborted) && !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.DeadlineExceeded) {
			t.Errorf("%s: %v", o.RequestID, err)
			return wallet.Entry{}, false
		}
	}
	t.Errorf("%s: no outcome", o.RequestID)
	return wallet.Entry{}, false
}

func TestTamperedBucketsAreFound(t *testing.T) {
	place, balance := wallet.WrongPlace, wallet.WrongBalance
	held := func(pairs ...any) map[string]any { // key and amount, of the entry 2
		m := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = []any{pairs[i+1], 2, changed.UnixMilli()}
		}
		return map[string]any{"balances": m}
	}
	for what, test := range map[string]struct {
		id     func(ids []string) string // of which document; the buckets are given
		change func(doc map[string]any) map[string]any
		want   []wallet.ProblemType
		lost   bool // a change finds out too
	}{
		"a bucket is gone":        {inSecondBucket, goneDocument, []wallet.ProblemType{place, balance}, true},
		"an empty bucket":         {inSecondBucket, withProperty("balances", map[string]any{}), []wallet.ProblemType{balance}, false},
		"an amount":               {inSecondBucket, func(map[string]any) map[string]any { return held("i:item-03", 1000) }, []wallet.ProblemType{balance}, false},
		"gold in a bucket":        {inSecondBucket, func(map[string]any) map[string]any { return held("c:gold", 1000) }, []wallet.ProblemType{place, balance}, false},
		"no asset in a bucket":    {inSecondBucket, func(map[string]any) map[string]any { return held("x:gold", 1000) }, []wallet.ProblemType{place, balance}, false},
		"another end":             {inSecondBucket, withProperty("until", "i:item-03-x"), []wallet.ProblemType{place}, false},
		"a later end":             {inSecondBucket, withProperty("until", "j"), []wallet.ProblemType{place}, false},
		"no end":                  {inSecondBucket, withProperty("until", nil), []wallet.ProblemType{place}, false},
		"an end before its begin": {inSecondBucket, withProperty("until", "a"), []wallet.ProblemType{place}, false},
		"a bucket is not named":   {inHead, func(doc map[string]any) map[string]any { return map[string]any{"buckets": doc["buckets"].([]any)[1:]} }, []wallet.ProblemType{balance}, false},
		"no bucket is named":      {inHead, withProperty("buckets", nil), []wallet.ProblemType{balance}, false},
		"buckets in no order": {inHead, func(doc map[string]any) map[string]any {
			buckets := doc["buckets"].([]any)
			slices.Reverse(buckets)
			return map[string]any{"buckets": buckets}
		}, []wallet.ProblemType{place}, false},
		"an item in the head": {inHead, func(doc map[string]any) map[string]any {
			balances := doc["balances"].(map[string]any)
			balances["i:item-05"] = []any{1000, 7, changed.UnixMilli()}
			return map[string]any{"balances": balances}
		}, []wallet.ProblemType{place}, false},
	} {
		t.Run(what, func(t *testing.T) {
			p := newSmallLeaves(t, New(cosmostest.StartShared(t, specs(t))), 12)
			p.wantSound(t, 13, nil)
			id := test.id(bucketIDs(t, p))
			var change map[string]any
			if doc := storedDocument(t, p.players, ada, id); test.change != nil {
				change = test.change(doc)
			}
			tamper(t, p, id, change)
			p.wantProblems(t, test.want...)
			if test.lost {
				p.wantLostBucket(t, strings.TrimPrefix(id, walletBucket+"i:"))
			}
		})
	}
}

func inHead([]string) string                 { return idWalletHead }
func inSecondBucket(buckets []string) string { return buckets[1] }

// goneDocument stands for a document that is deleted.
var goneDocument func(map[string]any) map[string]any

func withProperty(name string, value any) func(map[string]any) map[string]any {
	return func(map[string]any) map[string]any { return map[string]any{name: value} }
}

// wantLostBucket: nobody is told that he has nothing of what was in a bucket that is lost, and what the head holds goes on.
func (p *purse) wantLostBucket(t *testing.T, from string) {
	t.Helper()
	if _, err := p.store.Balances(newSession(t), ada, wallet.Asset{}, 500); !fault.Is(err, fault.DataLoss) {
		t.Errorf("a page: %v", err)
	}
	if _, _, err := p.Apply(newSession(t), correction("lost", amount(item(from), 1))); !fault.Is(err, fault.DataLoss) {
		t.Errorf("a change: %v", err)
	}
	p.post(t, correction("gold again", amount(gold, 1)))
}

// TestForeignBucketIsNotWrittenOver: a bucket that the head does not know stands in the way of a new one.
func TestForeignBucketIsNotWrittenOver(t *testing.T) {
	p := newSharedPurse(t)
	p.store.leaf = 1
	p.post(t, correction("gold", amount(gold, 1)))
	if err := p.store.buckets.Create(newSession(t), cosmos.PK(ada), cosmos.Operation{}, newBucketDoc(ada, "i", "", heldBalances{"i:potion": {9, 9, 9}})); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Apply(newSession(t), correction("mine", amount(potion, 1))); !fault.Is(err, fault.DataLoss) {
		t.Errorf("got %v", err)
	}
	p.wantSound(t, 1, map[wallet.Asset]int64{gold: 1})
}

// TestBucketsErased erases the player between any two requests of a change and of a page: nothing comes back, and he is not found.
func TestBucketsErased(t *testing.T) {
	calls := map[string]func(*testing.T, *purse) error{
		"change": func(t *testing.T, p *purse) error {
			_, _, err := p.Apply(newSession(t), correction("mine", amount(item("item-05"), 5), amount(item("new"), 1)))
			return err
		},
		"refusal": func(t *testing.T, p *purse) error {
			_, _, err := p.Apply(newSession(t), correction("mine", amount(item("item-05"), -50)))
			return err
		},
		"page": func(t *testing.T, p *purse) error {
			_, _, err := p.Balances(newSession(t), wallet.Caller{Role: "player", Subject: ada}, "", wallet.Page{})
			return err
		},
		"check": func(t *testing.T, p *purse) error {
			_, err := p.Verify(newSession(t), ada, func(int64, int64) error { return nil })
			return err
		},
	}
	for what, call := range calls {
		for skip := range 5 {
			t.Run(fmt.Sprint(what, " before request ", skip), func(t *testing.T) {
				store, e := newFaultyStore(t)
				p := newSmallLeaves(t, store, 8)
				erased := false
				e.Inject(emulator.Fault{Container: Players, Skip: skip, Count: 1, Hook: func(context.Context, emulator.Point) {
					if r, err := newPlayerData(p.players, 1000).Erase(newSession(t), ada); err != nil || !r.Done {
						t.Errorf("%+v, %v", r, err)
					}
					erased = true
				}})
				want := "PLAYER_NOT_FOUND"
				if what == "refusal" && skip == 4 { // it only looks for its entry
					want = "INSUFFICIENT_FUNDS"
				}
				if err := call(t, p); erased && fault.ReasonOf(err) != want { // else it was through already
					t.Errorf("got %v, want %s", err, want)
				}
				if ids := storedIDs(t, p.players, ada); erased && len(ids) != 0 {
					t.Errorf("the change brought back %v", ids)
				}
			})
		}
	}
}

// TestHalves: a division keeps every balance, on the right side of a key that divides the two.
func TestHalves(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.StringMatching(`[ci]:[ab.]{1,6}`), 2, 40, rapid.ID[string]).Draw(r, "keys")
		all, first := heldBalances{}, heldBalances{}
		for _, key := range keys {
			h := held{rapid.Int64Range(0, wallet.MaxAmount).Draw(r, "amount"), 1, 2}
			all[key], first[key] = h, h
		}
		size := all.size()
		from, second := first.cut(size / 2)
		for key, h := range all {
			part, other := first, second
			if key >= from {
				part, other = second, first
			}
			if _, twice := other[key]; part[key] != h || twice {
				r.Fatalf("%q is on the wrong side of %q", key, from)
			}
		}
		if len(first) == 0 || len(second) == 0 || first.size()+second.size() != size {
			r.Fatalf("%d and %d of %d", len(first), len(second), len(all))
		}
		if diff := first.size() - second.size(); len(all) > 2 && (diff > 100 || diff < -100) {
			r.Fatalf("%d and %d bytes", first.size(), second.size())
		}
	})
}

func FuzzDivider(f *testing.F) {
	f.Add("c:gold", "i:potion")
	f.Add("i:a", "i:ab")
	f.Fuzz(func(t *testing.T, last, next string) {
		if last == next {
			return
		}
		if last, next = min(last, next), max(last, next); next == "" {
			return
		}
		if d := divider(last, next); d <= last || d > next || !strings.HasPrefix(next, d) {
			t.Errorf("%q and %q are divided by %q", last, next, d)
		}
	})
}

// TestSizeOfBalances: the sizes that are added up are those that are stored.
func TestSizeOfBalances(t *testing.T) {
	b := heldBalances{"c:gold": {0, 1, 1772362800000}, "i:potion": {wallet.MaxAmount, wallet.MaxAmount, 1772362800000}}
	text := plainSize(t, map[string]any{"c:gold": b["c:gold"], "i:potion": b["i:potion"]})
	if size := b.size() + len("{}") - len(","); size != text {
		t.Errorf("%d bytes, stored are %d", size, text)
	}
}
