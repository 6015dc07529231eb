package cosmosstore

import (
	"context"
	"fmt"
	"maps"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
	"supergame/services/profile/internal/wallet"
)

// purse is a wallet's rules on a store.
type purse struct {
	*wallet.Wallets
	store   *Wallets
	players *Store
}

// newPurse gives the wallets of ada and bob, who have just come.
func newPurse(t testing.TB, players *Store) *purse {
	t.Helper()
	store := newWallets(players.players)
	p := &purse{
		Wallets: &wallet.Wallets{Store: store, Tokens: pagetoken.New(nil), Now: func() time.Time { return changed }},
		store:   store, players: players,
	}
	mustCreate(newSession(t), t, p.players, ada, bob)
	return p
}

func newSharedPurse(t testing.TB) *purse {
	t.Helper()
	return newPurse(t, New(cosmostest.StartShared(t, specs(t))))
}

var (
	gold      = wallet.Asset{Type: wallet.Currency, ID: "gold"}
	gems      = wallet.Asset{Type: wallet.Currency, ID: "gems"}
	potion    = wallet.Asset{Type: wallet.Item, ID: "potion"}
	allAssets = []wallet.Asset{gold, gems, potion, {Type: wallet.Item, ID: "gold"}}
)

// correction is an order that may hold any lines.
func correction(requestID string, lines ...wallet.Line) wallet.Order {
	return wallet.Order{
		PlayerID: ada, Caller: wallet.Caller{Role: "operator", Subject: "ops"}, RequestID: requestID, Kind: wallet.Correction, Lines: lines,
	}
}

func amount(a wallet.Asset, n int64) wallet.Line { return wallet.Line{Asset: a, Amount: n} }

// post applies an order that must go through.
func (p *purse) post(t testing.TB, o wallet.Order) wallet.Entry {
	t.Helper()
	entry, replayed, err := p.Apply(newSession(t), o)
	if err != nil || replayed {
		t.Fatalf("%s: replayed %v, %v", o.RequestID, replayed, err)
	}
	return entry
}

// wantReplay checks that an order gets an answer that it got before.
func (p *purse) wantReplay(t testing.TB, o wallet.Order, want wallet.Entry) {
	t.Helper()
	got, replayed, err := p.Apply(newSession(t), o)
	if diff := cmp.Diff(want, got); diff != "" || !replayed || err != nil {
		t.Errorf("%s again: replayed %v, %v %s", o.RequestID, replayed, err, diff)
	}
}

// wantSound checks that the ledger adds up, has so many entries, and leaves these balances.
func (p *purse) wantSound(t testing.TB, entries int64, balances map[wallet.Asset]int64) {
	t.Helper()
	ctx := newSession(t)
	result, err := p.Verify(ctx, ada, func(int64, int64) error { return nil })
	if err != nil || result.ProblemCount != 0 || entries >= 0 && result.Entries != entries {
		t.Errorf("%d entries, want %d; problems %+v, %v", result.Entries, entries, result.Problems, err)
	}
	if balances == nil {
		return
	}
	if diff := cmp.Diff(balances, p.amounts(t)); diff != "" {
		t.Error(diff)
	}
}

func (p *purse) amounts(t testing.TB) map[wallet.Asset]int64 {
	t.Helper()
	list, next, err := p.Balances(newSession(t), wallet.Caller{Role: "player", Subject: ada}, "", wallet.Page{Size: 500})
	if err != nil || next != "" {
		t.Errorf("more at %q, %v", next, err)
	}
	found := map[wallet.Asset]int64{}
	for _, b := range list {
		found[b.Asset] = b.Amount
	}
	return found
}

func TestWalletReplayAfterManyOthers(t *testing.T) {
	p := newSharedPurse(t)
	first := correction("first", amount(gold, 7), amount(potion, 2))
	spend := correction("spend", amount(gold, -7))
	entries := []wallet.Entry{p.post(t, first), p.post(t, spend)}
	for i := range 100 {
		p.post(t, correction(fmt.Sprint("other-", i), amount(gold, 1)))
	}
	p.wantReplay(t, first, entries[0])
	p.wantReplay(t, spend, entries[1])
	other := first
	other.Lines = []wallet.Line{amount(gold, 8), amount(potion, 2)}
	if _, _, err := p.Apply(newSession(t), other); fault.ReasonOf(err) != "REQUEST_ID_REUSED" || !fault.Is(err, fault.AlreadyExists) {
		t.Errorf("another content: %v", err)
	}
	other = first
	other.Caller.Subject = "somebody else"
	p.post(t, other)
	p.wantSound(t, 103, map[wallet.Asset]int64{gold: 107, potion: 4})
}

// TestWalletRefusalsAreNotRecorded: what was refused may succeed later under the same request id.
func TestWalletRefusalsAreNotRecorded(t *testing.T) {
	p := newSharedPurse(t)
	spend := correction("spend", amount(gold, -7), amount(gems, -1), amount(potion, 3))
	for range 2 {
		_, _, err := p.Apply(newSession(t), spend)
		want := map[string]string{"count": "2", "currency:gold": "0/7", "currency:gems": "0/1"}
		f := fault.As(err)
		if f == nil || f.Kind != fault.FailedPrecondition || f.Reason != "INSUFFICIENT_FUNDS" || !maps.Equal(f.Metadata, want) {
			t.Fatalf("got %v", err)
		}
	}
	p.wantSound(t, 0, map[wallet.Asset]int64{})
	p.post(t, correction("grant", amount(gold, 7), amount(gems, wallet.MaxAmount)))
	_, _, err := p.Apply(newSession(t), correction("over", amount(gems, 1), amount(gold, 1)))
	if f := fault.As(err); f == nil || f.Reason != "BALANCE_LIMIT" || f.Metadata["currency:gems"] != "9007199254740991/1" {
		t.Errorf("got %v", err)
	}
	p.post(t, spend)
	p.wantSound(t, 2, map[wallet.Asset]int64{gems: wallet.MaxAmount - 1, potion: 3})
}

// TestWalletRivals writes between the read and the batch of a change: what it was decided on is no longer so.
func TestWalletRivals(t *testing.T) {
	mine := correction("mine", amount(gold, 5), amount(potion, 1))
	for what, rival := range map[string]wallet.Order{
		"the same assets":  correction("rival", amount(gold, 3), amount(potion, 3)),
		"another asset":    correction("rival", amount(gems, 3)),
		"the same request": mine,
	} {
		for _, before := range []int{0, 1} { // as the first change ever, and as a later one
			t.Run(fmt.Sprintf("%s after %d entries", what, before), func(t *testing.T) {
				p := newSharedPurse(t)
				want := map[wallet.Asset]int64{}
				for i := range before {
					p.post(t, correction(fmt.Sprint(i), amount(gold, 10), amount(potion, 10), amount(gems, 10)))
					want = map[wallet.Asset]int64{gold: 10, potion: 10, gems: 10}
				}
				var rivals wallet.Entry
				wallets := *p.Wallets
				rounds := 0
				wallets.Now = func() time.Time { // asked for while deciding
					if rounds++; rounds == 1 {
						rivals = p.post(t, rival)
					}
					return changed
				}
				got, replayed, err := wallets.Apply(newSession(t), mine)
				if err != nil {
					t.Fatal(err)
				}
				same := rival.RequestID == mine.RequestID
				if replayed != same || same && !cmp.Equal(rivals, got) {
					t.Errorf("replayed %v: %+v, the rival's is %+v", replayed, got, rivals)
				}
				entries := int64(before + 1)
				for _, line := range rival.Lines {
					want[line.Asset] += line.Amount
				}
				if !same {
					entries++
					want[gold], want[potion] = want[gold]+5, want[potion]+1
				}
				p.wantSound(t, entries, want)
			})
		}
	}
}

// TestWalletRivalTakesTheFunds: a spend that was possible when it was read is refused when a rival has spent.
func TestWalletRivalTakesTheFunds(t *testing.T) {
	p := newSharedPurse(t)
	p.post(t, correction("grant", amount(gold, 5)))
	wallets := *p.Wallets
	rounds := 0
	wallets.Now = func() time.Time {
		if rounds++; rounds == 1 {
			p.post(t, correction("rival", amount(gold, -5)))
		}
		return changed
	}
	_, _, err := wallets.Apply(newSession(t), correction("mine", amount(gold, -5)))
	if fault.ReasonOf(err) != "INSUFFICIENT_FUNDS" {
		t.Errorf("got %v", err)
	}
	p.wantSound(t, 2, map[wallet.Asset]int64{})
}

// TestWalletRefusalBehindItsOwnSuccess: while a spend finds no funds, another try of it is carried out. Then that is the answer.
func TestWalletRefusalBehindItsOwnSuccess(t *testing.T) {
	store, e := newFaultyStore(t)
	p := newPurse(t, store)
	spend := correction("spend", amount(gold, -5))
	var first wallet.Entry
	e.Inject(emulator.Fault{Op: emulator.OpRead, Container: Players, Count: 1, Hook: func(context.Context, emulator.Point) {
		p.post(t, correction("grant", amount(gold, 5)))
		first = p.post(t, spend)
	}})
	got, replayed, err := p.Apply(newSession(t), spend)
	if err != nil || !replayed || got.Seq != 2 || !cmp.Equal(first, got) {
		t.Errorf("replayed %v: %+v, the other try got %+v; %v", replayed, got, first, err)
	}
	p.wantSound(t, 2, map[wallet.Asset]int64{})
}

// TestNewerWalletsAreNotRewritten: what a later version of this program wrote is read, and never written over.
func TestNewerWalletsAreNotRewritten(t *testing.T) {
	for _, id := range []string{idWalletHead, "w|c|gold"} {
		p := newSharedPurse(t)
		p.post(t, correction("first", amount(gold, 5)))
		tamper(t, p, id, map[string]any{"clan": "x"})
		p.post(t, correction("second", amount(gold, 5)))
		if stored := storedDocument(t, p.players, ada, id); stored["clan"] != "x" {
			t.Errorf("%s: a property that the program does not know is lost: %v", id, stored)
		}
		tamperVersion(t, p, id)
		_, _, err := p.Apply(newSession(t), correction("third", amount(gold, 5), amount(gems, 1)))
		if fault.ReasonOf(err) != "SCHEMA_TOO_NEW" {
			t.Errorf("%s: %v", id, err)
		}
		p.wantSound(t, 2, map[wallet.Asset]int64{gold: 10})
	}
}

// TestWalletUnderFaults lets each request of a change meet each failure.
func TestWalletUnderFaults(t *testing.T) {
	t.Parallel()
	subtests := map[string]func(*testing.T){}
	for failureName, failure := range passing {
		for _, op := range []emulator.Op{emulator.OpQuery, emulator.OpBatch} {
			if op == emulator.OpQuery && (failure.After || failure.DropAfter) {
				continue // a read commits nothing
			}
			subtests[fmt.Sprint(op, " ", failureName)] = func(t *testing.T) {
				store, e := newFaultyStore(t)
				p := newPurse(t, store)
				for i, order := range []wallet.Order{
					correction("first", amount(gold, 5), amount(potion, 1)), correction("second", amount(gold, -5), amount(gems, 1)),
				} {
					e.Inject(meet(emulator.Fault{Op: op}, failure))
					entry, _, err := p.Apply(newSession(t), order)
					if err != nil || entry.Seq != int64(i+1) {
						t.Fatalf("entry %d: %v", entry.Seq, err)
					}
					p.wantReplay(t, order, entry)
				}
				p.wantSound(t, 2, map[wallet.Asset]int64{potion: 1, gems: 1})
			}
		}
	}
	together(t, subtests)
}

// TestWalletLostAnswerThenRivals loses the answer of a change that was made, and lets others make twenty before it is tried again.
func TestWalletLostAnswerThenRivals(t *testing.T) {
	store, e := newFaultyStore(t)
	p := newPurse(t, store)
	order := correction("mine", amount(gold, 5))
	lost := meet(emulator.Fault{Op: emulator.OpBatch}, emulator.Fault{DropAfter: true})
	lost.Hook = func(context.Context, emulator.Point) {
		for i := range 20 {
			p.post(t, correction(fmt.Sprint("rival-", i), amount(gold, 1)))
		}
	}
	e.Inject(lost)
	entry, replayed, err := p.Apply(newSession(t), order)
	if err != nil || !replayed || entry.Seq != 1 || entry.Lines[0].Balance != 5 {
		t.Errorf("replayed %v: %+v, %v", replayed, entry, err)
	}
	p.wantReplay(t, order, entry)
	p.wantSound(t, 21, map[wallet.Asset]int64{gold: 25})
}

// TestWalletPausedByAnErase erases the player between the read and the batch of a change: nothing comes back.
func TestWalletPausedByAnErase(t *testing.T) {
	for _, before := range []int{0, 1} {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("after %d entries, answer lost: %v", before, lost), func(t *testing.T) {
				store, e := newFaultyStore(t)
				p := newPurse(t, store)
				for i := range before {
					p.post(t, correction(fmt.Sprint(i), amount(gold, 10)))
				}
				pause := meet(emulator.Fault{Op: emulator.OpBatch}, emulator.Fault{DropBefore: lost})
				pause.Hook = func(context.Context, emulator.Point) {
					if erased, err := newPlayerData(p.players, 1000).Erase(newSession(t), ada); err != nil || !erased.Done {
						t.Errorf("%+v, %v", erased, err)
					}
				}
				e.Inject(pause)
				if _, _, err := p.Apply(newSession(t), correction("mine", amount(gold, 5), amount(gems, 1))); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
					t.Errorf("the paused change: %v", err)
				}
				if ids := storedIDs(t, p.players, ada); len(ids) != 0 {
					t.Errorf("the change brought back %v", ids)
				}
			})
		}
	}
}

// TestWalletDecidesOnWhatIsStored: without a session, from replicas that have seen nothing yet, funds are found, players exist, and
// a request that was carried out is known.
func TestWalletDecidesOnWhatIsStored(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "staleness on demand", specs(t))
	e.SetStaleness(emulator.Staleness{Lag: time.Hour})
	p := newPurse(t, New(client))
	if list, err := p.store.Balances(t.Context(), ada, wallet.Asset{}, 10); err != nil || len(list) != 0 {
		t.Fatalf("%v, %v", list, err)
	}
	for i, order := range []wallet.Order{
		correction("grant", amount(gold, 5)), correction("spend", amount(gold, -5)), correction("gems", amount(gems, 1)),
	} {
		for _, again := range []bool{false, true} {
			entry, replayed, err := p.Apply(t.Context(), order)
			if err != nil || entry.Seq != int64(i+1) || replayed != again {
				t.Errorf("%s: entry %d, replayed %v, %v", order.RequestID, entry.Seq, replayed, err)
			}
		}
	}
	if _, _, err := p.Apply(t.Context(), correction("late", amount(gold, -1))); fault.ReasonOf(err) != "INSUFFICIENT_FUNDS" {
		t.Errorf("got %v", err)
	}
	e.SetStaleness(emulator.Staleness{})
	p.wantSound(t, 3, map[wallet.Asset]int64{gems: 1})
}

// TestWalletModel compares wallets with a model of them, over random orders, some of them repeated, some under a used request id.
func TestWalletModel(t *testing.T) {
	t.Parallel()
	client := cosmostest.StartShared(t, specs(t))
	players := 0
	rapid.Check(t, func(r *rapid.T) {
		players++
		player := fmt.Sprintf("01ARZ3NDEKTSV4RRFFQ6%06d", players)
		p := &purse{Wallets: &wallet.Wallets{Store: NewWallets(client), Now: func() time.Time { return changed }}, players: New(client)}
		mustCreate(newSession(t), t, p.players, player)
		m := model{balances: map[wallet.Asset]int64{}, first: map[string]wallet.Entry{}, orders: map[string]wallet.Order{}}
		r.Repeat(map[string]func(*rapid.T){"apply": func(r *rapid.T) { m.step(newSession(t), r, p, player) }})
		result, err := p.Verify(newSession(t), player, func(int64, int64) error { return nil })
		if err != nil || result.ProblemCount != 0 || result.Entries != int64(len(m.first)) {
			r.Fatalf("%d entries, want %d: %+v, %v", result.Entries, len(m.first), result.Problems, err)
		}
	})
}

// model is what a wallet must be.
type model struct {
	balances map[wallet.Asset]int64
	first    map[string]wallet.Entry
	orders   map[string]wallet.Order
}

func (m *model) step(ctx context.Context, r *rapid.T, p *purse, player string) {
	assets := rapid.SliceOfNDistinct(rapid.SampledFrom(allAssets), 1, len(allAssets), rapid.ID[wallet.Asset]).Draw(r, "assets")
	amounts := rapid.OneOf(rapid.Int64Range(1, 9), rapid.Int64Range(-9, -1), rapid.SampledFrom([]int64{wallet.MaxAmount, -wallet.MaxAmount}))
	order := correction(fmt.Sprint("r", rapid.IntRange(0, 12).Draw(r, "request")))
	order.PlayerID = player
	for _, a := range assets {
		order.Lines = append(order.Lines, amount(a, amounts.Draw(r, "amount")))
	}
	if before, ok := m.orders[order.RequestID]; ok && rapid.Bool().Draw(r, "again") {
		order = before
	}
	got, replayed, err := p.Apply(ctx, order)
	want, reason := m.expect(order)
	if fault.ReasonOf(err) != reason || (err != nil) != (reason != "") {
		r.Fatalf("%+v: %v, want %q", order, err, reason)
	}
	if reason != "" {
		return
	}
	_, known := m.first[order.RequestID]
	if !known {
		m.first[order.RequestID], m.orders[order.RequestID] = got, order
		for _, line := range want {
			m.balances[line.Asset] = line.Balance
		}
	}
	if replayed != known || !cmp.Equal(got, m.first[order.RequestID]) || !cmp.Equal(got.Lines, want) {
		r.Fatalf("replayed %v: %+v, want %+v", replayed, got, want)
	}
}

// expect gives the lines of the answer, or the reason of the refusal.
func (m *model) expect(o wallet.Order) ([]wallet.Line, string) {
	if before, ok := m.orders[o.RequestID]; ok {
		if !cmp.Equal(before, o) {
			return nil, "REQUEST_ID_REUSED"
		}
		return m.first[o.RequestID].Lines, ""
	}
	lines, reason := make([]wallet.Line, len(o.Lines)), ""
	for i, line := range o.Lines {
		line.Balance = m.balances[line.Asset] + line.Amount
		switch lines[i] = line; {
		case line.Balance < 0:
			reason = "INSUFFICIENT_FUNDS"
		case line.Balance > wallet.MaxAmount && reason == "":
			reason = "BALANCE_LIMIT"
		}
	}
	return lines, reason
}

// TestWalletKill ends the store's process under load, from several goroutines: what was acknowledged is there afterwards and gets
// the same answer, and nothing is half there.
func TestWalletKill(t *testing.T) {
	t.Parallel()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("kills the store, which only the embedded emulator lets one do")
	}
	dir := t.TempDir()
	players, process := startKillable(t, dir)
	p := newPurse(t, players)
	ctx, cancel := context.WithTimeout(newSession(t), 10*time.Second)
	defer cancel()
	var mu sync.Mutex
	orders, answers := map[string]wallet.Order{}, map[string]wallet.Entry{}
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				order := correction(fmt.Sprintf("w%d-%d", worker, i), amount(gold, 3), amount(potion, 1), amount(gems, 2))
				entry, _, err := p.Apply(ctx, order)
				if err != nil {
					return
				}
				mu.Lock()
				orders[order.RequestID], answers[order.RequestID] = order, entry
				if len(answers) == 60 {
					_ = process.Process.Kill() // while others are on their way
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	_ = process.Wait() // killed: it has an error

	players, _ = startKillable(t, dir)
	p.store = newWallets(players.players)
	p.Store = p.store
	p.wantSound(t, -1, nil)
	for id, order := range orders {
		p.wantReplay(t, order, answers[id])
	}
	left := p.amounts(t)
	n := left[potion]
	if left[gold] != 3*n || left[gems] != 2*n || n < int64(len(answers)) || n > int64(len(answers)+4) {
		t.Errorf("%v after %d acknowledged changes", left, len(answers))
	}
	p.wantSound(t, n, nil)
}

// TestWalletReadsUnderFaults lets each read of a wallet meet each failure.
func TestWalletReadsUnderFaults(t *testing.T) {
	t.Parallel()
	subtests := map[string]func(*testing.T){}
	for failureName, failure := range passing {
		if failure.After || failure.DropAfter {
			continue // a read commits nothing
		}
		subtests[failureName] = func(t *testing.T) {
			store, e := newFaultyStore(t)
			p := newPurse(t, store)
			p.post(t, correction("first", amount(gold, 5)))
			for _, op := range []emulator.Op{emulator.OpQuery, emulator.OpBatch} {
				e.Inject(meet(emulator.Fault{Op: op}, failure))
			}
			p.wantSound(t, 1, map[wallet.Asset]int64{gold: 5})
			e.Inject(meet(emulator.Fault{Op: emulator.OpQuery}, failure))
			list, next, err := p.Ledger(newSession(t), wallet.Caller{Role: "player", Subject: ada}, "", wallet.Page{})
			if err != nil || len(list) != 1 || next != "" {
				t.Errorf("%+v, %q, %v", list, next, err)
			}
		}
	}
	together(t, subtests)
}
