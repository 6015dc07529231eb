package profile_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"supergame/local/emulator"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/fault"
)

// walletBook is what the callers know of one player's wallet: the first answers, by request id.
type walletBook struct {
	player string

	mu      sync.Mutex
	answers map[string]*profilev1.LedgerEntry
	orders  map[string]*profilev1.ApplyRequest
	refused int
}

// note keeps an answer, or compares it with the first one.
func (b *walletBook) note(t *testing.T, r *profilev1.ApplyRequest, got *profilev1.LedgerEntry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first, ok := b.answers[r.GetRequestId()]
	if !ok {
		b.answers[r.GetRequestId()], b.orders[r.GetRequestId()] = got, r
		return
	}
	if !proto.Equal(first, got) {
		t.Errorf("%s: not the first answer: %v, %v", r.GetRequestId(), first, got)
	}
}

// someOrder returns an order that was carried out; nil when there is none yet.
func (b *walletBook) someOrder() *profilev1.ApplyRequest {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.orders { // a map begins anywhere
		return r
	}
	return nil
}

// TestWalletsUnderFire lets 32 game servers change four wallets at random while the store refuses and cuts connections at random, on
// reads and writes. A server repeats a request until it gets an answer, and repeats old ones too: it must get the first answer. In the end every
// balance is the sum of the answers and of the ledger, and never was below zero.
func TestWalletsUnderFire(t *testing.T) {
	w, _, e := startOnWire(t)
	players := []string{ada, bob, "01CX5ZZKBKACTAV9WEVGEMMVRZ", "01CX5ZZKBKACTAV9WEVGEMMVS0"}
	w.join(t, players...)
	for _, failure := range []emulator.Fault{
		{Status: 429, Substatus: 3200, RetryAfter: time.Millisecond}, {Status: 449}, {Status: 410, Substatus: 1002}, {Status: 500}, {Status: 503},
		{DropBefore: true}, {DropAfter: true}, {Status: 503, After: true},
	} {
		failure.Op, failure.Probability = emulator.OpBatch, 0.02
		e.Inject(failure)
	}
	e.Inject(emulator.Fault{Op: emulator.OpQuery, Status: 503, Probability: 0.01})
	books := make([]*walletBook, len(players))
	for i, id := range players {
		books[i] = &walletBook{player: id, answers: map[string]*profilev1.LedgerEntry{}, orders: map[string]*profilev1.ApplyRequest{}}
	}
	const servers = 32
	operations := 1600
	if os.Getenv("LONG") != "" {
		operations = 10_000
	}
	began := time.Now()
	conn := w.wallets(t, w.authority.GameServer("fleet"))
	var wg sync.WaitGroup
	for server := range servers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(server), 7))
			for i := range operations / servers {
				book := books[rng.IntN(len(books))]
				r := book.someOrder()
				if r == nil || rng.IntN(4) > 0 {
					r = walletRandom(rng, book.player, fmt.Sprintf("s%d-%d", server, i))
				}
				walletPersist(t, conn, book, r)
			}
		})
	}
	wg.Wait()
	e.ClearFaults()
	total, refused := 0, 0
	for _, book := range books {
		walletSettle(t, w, book)
		total, refused = total+len(book.answers), refused+book.refused
	}
	t.Logf("%d operations in %v: %d entries, %d refusals", operations, time.Since(began).Round(time.Millisecond), total, refused)
	if total < operations/4 || refused == 0 {
		t.Errorf("%d entries and %d refusals: the test does not see what it should", total, refused)
	}
}

// walletRandom is a change of some assets, by small amounts up and down.
func walletRandom(rng *rand.Rand, player, requestID string) *profilev1.ApplyRequest {
	r := &profilev1.ApplyRequest{PlayerId: player, RequestId: requestID, Kind: profilev1.LedgerKind_LEDGER_KIND_PURCHASE}
	assets := rng.Perm(5)[:1+rng.IntN(3)]
	for i, asset := range assets {
		n := 1 + rng.Int64N(20)
		if i > 0 || len(assets) == 1 && rng.IntN(2) == 0 {
			n = -n
		}
		r.Lines = append(r.Lines, walletItem(fmt.Sprint("item-", asset), n))
	}
	switch first := r.GetLines()[0].GetAmount(); {
	case len(assets) == 1 && first < 0:
		r.Kind = profilev1.LedgerKind_LEDGER_KIND_SPEND
	case len(assets) == 1:
		r.Kind = profilev1.LedgerKind_LEDGER_KIND_GRANT
	}
	return r
}

// walletPersist sends a request until its outcome is known.
func walletPersist(t *testing.T, c profilev1.WalletServiceClient, book *walletBook, r *profilev1.ApplyRequest) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		got, err := c.Apply(ctx, r)
		switch {
		case err == nil:
			book.note(t, r, got.GetEntry())
			return
		case fault.ReasonOf(err) == "INSUFFICIENT_FUNDS":
			book.mu.Lock()
			defer book.mu.Unlock()
			if book.refused++; book.answers[r.GetRequestId()] != nil {
				t.Errorf("%s: refused after it was carried out", r.GetRequestId())
			}
			return
		case !again(err) && fault.ReasonOf(err) != "CONTENTION":
			t.Errorf("%s: %v", r.GetRequestId(), err)
			return
		}
	}
}

// walletSettle compares what the callers know with what is stored.
func walletSettle(t *testing.T, w *world, book *walletBook) {
	t.Helper()
	want := map[string]int64{}
	for _, entry := range book.answers {
		for _, line := range entry.GetLines() {
			if line.GetBalanceAfter() < 0 {
				t.Errorf("entry %d was below zero: %v", entry.GetSeq(), line)
			}
			if want[line.GetAsset().GetItem()] += line.GetAmount(); want[line.GetAsset().GetItem()] == 0 {
				delete(want, line.GetAsset().GetItem())
			}
		}
	}
	got, _ := walletAmounts(t, w.wallets(t, w.authority.Operator(someOps)), book.player, 0)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: the balances are not the sum of the answers: %s", book.player, diff)
	}
	result, err := walletVerified(session(t), w.Dial(t, w.authority.Operator(someOps)), book.player)
	if err != nil || !result.GetOk() || result.GetEntries() != int64(len(book.answers)) {
		t.Errorf("%s: %d answers; %v, %v", book.player, len(book.answers), result, err)
	}
	fleet := w.wallets(t, w.authority.GameServer("fleet"))
	for id, r := range book.orders {
		again, err := fleet.Apply(session(t), r)
		if err != nil || !again.GetReplayed() || !proto.Equal(again.GetEntry(), book.answers[id]) {
			t.Errorf("%s in the end: %v, %v", id, again, err)
		}
	}
}
