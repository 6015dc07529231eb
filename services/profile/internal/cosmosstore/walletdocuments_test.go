package cosmosstore

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/wallet"
)

// goldenOrder is the second change of the golden wallet.
var goldenOrder = wallet.Order{
	PlayerID: ada, Caller: wallet.Caller{Role: "service", Subject: "leaderboard"}, RequestID: "reward|weekly|2026-09|gold", Kind: wallet.Reward,
	Lines: []wallet.Line{amount(gold, 50), amount(potion, 2)}, Reason: "First of the week <3", Reference: "season-12",
}

func goldenEntryID() string {
	return walletEntryBase + cosmos.NewOperation(goldenOrder.Caller.Name(), goldenOrder.RequestID).ID()
}

func TestGoldenWalletIsWritten(t *testing.T) {
	p := newSharedPurse(t)
	p.post(t, correction("first", amount(gold, 10)))
	p.post(t, goldenOrder)
	for file, id := range map[string]string{"wallet": idWalletHead, "balance": "w|c|gold", "ledger": goldenEntryID()} {
		stored := storedDocument(t, p.players, ada, id)
		dropSystemProperties(stored)
		ops := stored["ops"].([]any)
		stored["ops"] = ops[len(ops)-1:]
		var want map[string]any
		if err := json.Unmarshal(readGolden(t, file), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, stored); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func TestGoldenWalletIsRead(t *testing.T) {
	p := newSharedPurse(t)
	head, err := p.store.heads.Decode(readGolden(t, "wallet"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := p.store.entries.Decode(readGolden(t, "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	balanceDoc, err := p.store.balances.Decode(readGolden(t, "balance"))
	if err != nil {
		t.Fatal(err)
	}
	balance, err := balanceDoc.balance()
	if want := (wallet.Balance{Asset: gold, Amount: 60, Seq: 2, Time: changed}); balance != want || err != nil {
		t.Errorf("the balance is %+v, %v", balance, err)
	}
	p.post(t, correction("first", amount(gold, 10)))
	want := p.post(t, goldenOrder)
	if diff := cmp.Diff(want, doc.entry()); diff != "" {
		t.Error(diff)
	}
	if head.Seq != 2 || head.Hash != want.Hash || doc.ID != goldenEntryID() {
		t.Errorf("the head is %+v, the entry %q", head, doc.ID)
	}
	p.wantReplay(t, goldenOrder, doc.entry())
}

// TestLargestCommonEntryFitsOneKilobyte: a change of one line, with all texts of a common length, is charged as one kilobyte.
func TestLargestCommonEntryFitsOneKilobyte(t *testing.T) {
	p := newSharedPurse(t)
	order := goldenOrder
	order.Lines = order.Lines[:1]
	p.post(t, order)
	if size := plainSize(t, storedDocument(t, p.players, ada, goldenEntryID())); size > 1024 {
		t.Errorf("%d bytes", size)
	} else {
		t.Logf("%d bytes", size)
	}
}

// tamperedDoc stands for any document of a wallet that somebody changes behind the service's back.
type tamperedDoc struct{ cosmos.Header }

// tamper changes properties of a stored document; a nil value removes one.
func tamper(t *testing.T, p *purse, id string, change map[string]any) {
	t.Helper()
	ctx, key := newSession(t), cosmos.PK(ada)
	doc := storedDocument(t, p.players, ada, id)
	if doc == nil {
		t.Fatalf("there is no %s", id)
	}
	if err := p.store.players.Delete(ctx, key, id, ""); err != nil || change == nil {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	dropSystemProperties(doc)
	maps.Copy(doc, change)
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	// The properties that the struct does not know are kept: so the whole document is written as it is here.
	kind := cosmos.NewKind[tamperedDoc](p.store.players, doc["type"].(string), schemaVersion)
	decoded, err := kind.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := kind.Create(ctx, key, cosmos.Operation{}, decoded); err != nil {
		t.Fatal(err)
	}
}

// tamperVersion makes a document one of the next version of the schema.
func tamperVersion(t *testing.T, p *purse, id string) {
	t.Helper()
	kind := cosmos.NewKind[tamperedDoc](p.store.players, storedDocument(t, p.players, ada, id)["type"].(string), schemaVersion+1)
	_, err := kind.Update(newSession(t), cosmos.PK(ada), id, cosmos.Operation{}, func(*tamperedDoc) (bool, error) { return true, nil })
	if err != nil {
		t.Fatal(err)
	}
}

func TestTamperedWalletsAreFound(t *testing.T) {
	entry := func(i int) string {
		return walletEntryBase + cosmos.NewOperation(correction("").Caller.Name(), fmt.Sprint("r", i)).ID()
	}
	lines := func(amount, balance int) []any {
		return []any{map[string]any{"currency": "gold", "amount": amount, "balance": balance}}
	}
	for what, test := range map[string]struct {
		id     string
		change map[string]any // nil = the document is deleted
		want   []wallet.ProblemType
	}{
		"a balance":                    {"w|c|gold", map[string]any{"amount": 1000}, []wallet.ProblemType{wallet.WrongBalance}},
		"a balance of an older entry":  {"w|c|gold", map[string]any{"amount": 20, "seq": 2}, []wallet.ProblemType{wallet.WrongBalance}},
		"a balance of a later entry":   {"w|c|gold", map[string]any{"seq": 9}, []wallet.ProblemType{wallet.WrongBalance}},
		"a balance is gone":            {"w|c|gold", nil, []wallet.ProblemType{wallet.WrongBalance}},
		"an amount":                    {entry(2), map[string]any{"lines": lines(11, 30)}, []wallet.ProblemType{wallet.WrongHash, wallet.WrongSum, wallet.BrokenChain, wallet.WrongBalance}},
		"a text":                       {entry(2), map[string]any{"reason": "because"}, []wallet.ProblemType{wallet.WrongHash, wallet.BrokenChain}},
		"a caller":                     {entry(2), map[string]any{"caller": "me"}, []wallet.ProblemType{wallet.WrongHash, wallet.BrokenChain}},
		"a time":                       {entry(1), map[string]any{"time": "2025-03-01T11:00:00.000Z"}, []wallet.ProblemType{wallet.WrongHash, wallet.BrokenChain}},
		"the last entry":               {entry(3), map[string]any{"lines": lines(11, 31)}, []wallet.ProblemType{wallet.WrongHash, wallet.WrongBalance, wallet.WrongHead}},
		"a hash":                       {entry(2), map[string]any{"hash": "00"}, []wallet.ProblemType{wallet.WrongHash}},
		"the hash before":              {entry(2), map[string]any{"previousHash": "00"}, []wallet.ProblemType{wallet.WrongHash, wallet.BrokenChain}},
		"the number of an entry":       {entry(2), map[string]any{"ledgerSeq": 3}, []wallet.ProblemType{wallet.Gap}},
		"an entry is gone":             {entry(2), nil, []wallet.ProblemType{wallet.Gap, wallet.BrokenChain, wallet.WrongSum}},
		"the first entry is gone":      {entry(1), nil, []wallet.ProblemType{wallet.Gap, wallet.BrokenChain, wallet.WrongSum}},
		"the last entry is gone":       {entry(3), nil, []wallet.ProblemType{wallet.WrongHead, wallet.WrongBalance}},
		"the head is gone":             {idWalletHead, nil, []wallet.ProblemType{wallet.WrongHead}},
		"the head is turned back":      {idWalletHead, map[string]any{"seq": 2}, []wallet.ProblemType{wallet.WrongHead}},
		"the head names another entry": {idWalletHead, map[string]any{"hash": "00"}, []wallet.ProblemType{wallet.WrongHead}},
	} {
		t.Run(what, func(t *testing.T) {
			p := newSharedPurse(t)
			for i := 1; i <= 3; i++ {
				p.post(t, correction(fmt.Sprint("r", i), amount(gold, 10)))
			}
			p.wantSound(t, 3, map[wallet.Asset]int64{gold: 30})
			tamper(t, p, test.id, test.change)
			result, err := p.Verify(newSession(t), ada, func(int64, int64) error { return nil })
			if err != nil || result.ProblemCount == 0 || result.ProblemCount != int64(len(result.Problems)) {
				t.Fatalf("%+v, %v", result, err)
			}
			for _, problem := range test.want {
				if !slices.ContainsFunc(result.Problems, func(p wallet.Problem) bool { return p.Type == problem }) {
					t.Errorf("no problem of type %d in %+v", problem, result.Problems)
				}
			}
		})
	}
}

// TestVerifyInUse checks a ledger while it grows, at the worst moments: between any two of the reads.
func TestVerifyInUse(t *testing.T) {
	store, e := newFaultyStore(t)
	p := newPurse(t, store)
	p.post(t, correction("first", amount(gold, 10), amount(potion, 1)))
	n, busy := 0, false
	e.Inject(emulator.Fault{Container: Players, Hook: func(context.Context, emulator.Point) {
		if busy {
			return
		}
		busy = true
		n++
		p.post(t, correction(fmt.Sprint("rival-", n), amount(gold, -1), amount(wallet.Asset{Type: wallet.Item, ID: fmt.Sprint("new-", n)}, 1)))
		busy = false
	}})
	p.wantSound(t, -1, nil)
	if n < 4 {
		t.Errorf("only %d changes came in between", n)
	}
	e.ClearFaults()
	p.wantSound(t, int64(n+1), nil)
}

// TestVerifyManyPages reads more entries and balances than fit one page.
func TestVerifyManyPages(t *testing.T) {
	p := newSharedPurse(t)
	const entries = 1100
	for i := range entries {
		p.post(t, correction(fmt.Sprint("r", i), amount(wallet.Asset{Type: wallet.Item, ID: fmt.Sprint("item-", i%600)}, 1)))
	}
	var seen []int64
	result, err := p.Verify(newSession(t), ada, func(n, total int64) error {
		seen = append(seen, n)
		if total != entries {
			t.Errorf("the total is %d", total)
		}
		return nil
	})
	if err != nil || result.ProblemCount != 0 || result.Entries != entries || result.Balances != 600 {
		t.Errorf("%+v, %v", result, err)
	}
	if len(seen) != 3 || seen[2] != entries {
		t.Errorf("the progress is %v", seen)
	}
}

func TestVerifyStopsWithItsCaller(t *testing.T) {
	p := newSharedPurse(t)
	p.post(t, correction("first", amount(gold, 10)))
	gone := fault.New(fault.Canceled, "CANCELED", "gone")
	if _, err := p.Verify(newSession(t), ada, func(int64, int64) error { return gone }); fault.As(err) != gone {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(newSession(t), time.Minute)
	cancel()
	if _, err := p.Verify(ctx, ada, func(int64, int64) error { return nil }); !fault.Is(err, fault.Canceled) {
		t.Errorf("got %v", err)
	}
}
