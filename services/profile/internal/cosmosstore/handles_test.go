package cosmosstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
	"supergame/services/platform/playerdata"
	"supergame/services/profile/internal/handle"
	"supergame/services/profile/internal/profile"
)

const eve = "01CX5ZZKBKACTAV9WEVGEMMVRZ"

// registry is the rules of handles on a store.
type registry struct {
	*handle.Handles
	client *cosmos.Client
	store  *Store
	data   *playerdata.Service
	e      *emulatortest.Emulator
	strays bool         // there are reservations that nobody's profile names
	undo   func()       // ends what a scenario has ordered
	ahead  atomic.Int64 // how far its clock is, besides the store's
}

func newRegistry(t testing.TB, client *cosmos.Client, e *emulatortest.Emulator) *registry {
	r := &registry{client: client, store: New(client), e: e, undo: func() {}}
	now := func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }
	r.Handles = &handle.Handles{
		Profiles: NewClaims(client), Reservations: NewHandles(client), Key: []byte("a key"), Now: now, Tokens: pagetoken.New(nil),
	}
	r.data = &playerdata.Service{
		Stores: []playerdata.Store{NewPlayerData(client), NewHandlesData(client, now)}, Tokens: pagetoken.New(nil), Now: now, Limit: 100,
	}
	mustCreate(newSession(t), t, r.store, ada, bob, eve)
	return r
}

// startRegistry gives one on an emulator of its own, with a clock that can be moved.
func startRegistry(t testing.TB) (*registry, *emulator.Clock) {
	t.Helper()
	clock := emulator.NewClock()
	client, e := cosmostest.StartEmulator(t, "faults on order and a clock", specs(t), emulatortest.WithClock(clock))
	return newRegistry(t, client, e), clock
}

func as(playerID string) profile.Caller { return profile.Caller{Subject: playerID, Player: true} }

// claim lets a player claim a handle, as one call. It has a request id, so that the call does not begin anew once it has been overtaken.
func (r *registry) claim(ctx context.Context, playerID, name string) error {
	request := handle.Request{Handle: name, RequestID: rand.Text()}
	_, err := r.Claim(cosmos.WithSession(ctx, &cosmos.Session{}), as(playerID), request)
	return err
}

func (r *registry) mustClaim(t testing.TB, playerID, name string) {
	t.Helper()
	if err := r.claim(t.Context(), playerID, name); err != nil {
		t.Fatalf("%s claims %q: %v", playerID, name, err)
	}
}

// handleOf returns what a player's profile shows.
func (r *registry) handleOf(t testing.TB, playerID string) string {
	t.Helper()
	p, err := r.store.Get(newSession(t), playerID)
	if err != nil {
		t.Fatal(err)
	}
	return p.Handle
}

// sweepLater sweeps when everything is due.
func (r *registry) sweepLater(t testing.TB) {
	t.Helper()
	r.ahead.Add(int64(2 * handle.Grace))
	if err := r.Sweep(newSession(t)); err != nil {
		t.Errorf("sweep: %v", err)
	}
}

// check holds what is always true: no look is shown by two players, and each look of a shown handle is reserved by who shows it.
func (r *registry) check(t testing.TB) {
	t.Helper()
	shown, held := map[string]string{}, r.reservations(t)
	for _, id := range []string{ada, bob, eve} {
		p, err := r.store.Get(newSession(t), id)
		if fault.Is(err, fault.NotFound) || err == nil && p.Handle == "" {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		name, err := handle.Parse(p.Handle)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range name.Keys {
			if other := shown[key]; other != "" {
				t.Errorf("%s and %s both show a look of %q", other, id, p.Handle)
			}
			shown[key] = id
			if held[key] == nil || held[key].Owner != id {
				t.Errorf("%s shows %q, whose reservation is %+v", id, p.Handle, held[key])
			}
		}
	}
}

// checkClosed holds what is true when no call and no claim is under way: every reservation is of a handle that is shown.
func (r *registry) checkClosed(t testing.TB) {
	t.Helper()
	r.check(t)
	for _, id := range []string{ada, bob, eve} {
		o, err := r.Profiles.Newest(newSession(t), id)
		if err == nil && o.Claim != nil {
			t.Errorf("%s has an open claim: %+v", id, o.Claim)
		}
	}
	for key, doc := range r.reservations(t) {
		switch {
		case doc.Owner == "" && (doc.TTL <= 0 || doc.Handle != "" || doc.Search != ""):
			t.Errorf("a released reservation is %+v", doc.reservation())
		case doc.Owner != "" && (doc.TTL != 0 || r.handleOf(t, doc.Owner) != doc.Handle) && !r.strays:
			t.Errorf("a reservation of %s, who shows %q, is %+v", doc.Owner, r.handleOf(t, doc.Owner), doc.reservation())
		case doc.Owner != "" && !slices.Contains(mustParse(t, doc.Handle).Keys, key):
			t.Errorf("%q has no look %s", doc.Handle, key)
		}
	}
}

func mustParse(t testing.TB, s string) handle.Name {
	t.Helper()
	name, err := handle.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func (r *registry) reservations(t testing.TB) map[string]*reservationDoc {
	t.Helper()
	found := map[string]*reservationDoc{}
	err := NewHandles(r.client).reservations.Scan(newSession(t), cosmos.SQL("SELECT * FROM c"), func(d *reservationDoc) error {
		found[d.ID] = d
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantTaken(t testing.TB, what string, err error) {
	t.Helper()
	if !fault.Is(err, fault.AlreadyExists) || fault.ReasonOf(err) != "HANDLE_TAKEN" {
		t.Errorf("%s: %v, want HANDLE_TAKEN", what, err)
	}
}

// lookAlikes are pairs of which only one may be taken.
var lookAlikes = [][2]string{
	{"paypal", "paypal"}, {"paypal", "PAYPAL"}, {"paypal", "paypaI"}, {"paypal", "PayPaI"}, {"paypal", "paypa1"}, {"paypal", "ｐａｙｐａｌ"},
	{"аре", "ape"}, {"ОДОС", "одос"}, {"οδος", "ΟΔΟΣ"}, {"οδος", "οδοσ"}, {"straße", "STRASSE"}, {"strasse", "STRAẞE"},
	{"modern", "modem"}, {"b0b", "Bob"}, {"istanbul", "İstanbul"}, {"café", "cafe\u0301"}, {"アダム", "ｱﾀﾞﾑ"},
}

func TestLookAlikesAreOne(t *testing.T) {
	for _, pair := range lookAlikes {
		for _, order := range [][2]string{pair, {pair[1], pair[0]}} {
			t.Run(order[0]+" before "+order[1], func(t *testing.T) {
				r := newRegistry(t, cosmostest.StartShared(t, specs(t)), nil)
				r.mustClaim(t, ada, order[0])
				wantTaken(t, "bob", r.claim(t.Context(), bob, order[1]))
				r.checkClosed(t)
				r.mustClaim(t, ada, order[1]) // his own
				r.checkClosed(t)
				wantTaken(t, "bob, again", r.claim(t.Context(), bob, order[0]))
			})
		}
	}
}

// TestRace lets three players want the same at once: exactly one gets it.
func TestRace(t *testing.T) {
	for _, names := range [][3]string{{"paypal", "paypal", "paypal"}, {"paypal", "PAYPAI", "paypaI"}, {"οδος", "ΟΔΟΣ", "οδοσ"}} {
		r := newRegistry(t, cosmostest.StartShared(t, specs(t)), nil)
		var got atomic.Int64
		var wg sync.WaitGroup
		for i, id := range []string{ada, bob, eve} {
			wg.Go(func() {
				err := r.claim(t.Context(), id, names[i])
				if err == nil {
					got.Add(1)
				} else if fault.ReasonOf(err) != "HANDLE_TAKEN" {
					t.Errorf("%s: %v", id, err)
				}
			})
		}
		wg.Wait()
		r.checkClosed(t)
		if names[0] == names[1] && got.Load() != 1 || got.Load() == 0 {
			t.Errorf("%d players got one of %q", got.Load(), names)
		}
	}
}

// scenario is a claim of ada's, and what was before it.
type scenario struct {
	before func(t *testing.T, r *registry)
	name   string
}

var scenarios = map[string]scenario{
	"a first handle":           {nothingBefore, "paypal"},
	"a first, of two looks":    {nothingBefore, "paypaI"},
	"another handle":           {func(t *testing.T, r *registry) { r.mustClaim(t, ada, "Ivan") }, "PaypaI"},
	"another spelling":         {func(t *testing.T, r *registry) { r.mustClaim(t, ada, "Ivan") }, "ivan"},
	"one that looks the same":  {func(t *testing.T, r *registry) { r.mustClaim(t, ada, "paypal") }, "paypaI"},
	"none any more":            {func(t *testing.T, r *registry) { r.mustClaim(t, ada, "paypaI") }, ""},
	"one given up before":      {func(t *testing.T, r *registry) { r.mustClaim(t, ada, "paypaI"); r.mustClaim(t, ada, "") }, "paypaI"},
	"one that nobody has left": {strandedBefore, "paypaI"},
	"one with a look of bob's": {bobBetween, "paypaI"},
}

func nothingBefore(*testing.T, *registry) {}

// strandedBefore leaves reservations of eve's that her profile does not name.
func strandedBefore(t *testing.T, r *registry) {
	r.strays = true
	for _, key := range mustParse(t, "paypaI").Keys {
		stranded := handle.Reservation{Key: key, Owner: eve, Number: 7, Handle: "paypaI"}
		if made, err := r.Reservations.Put(newSession(t), stranded, 0); !made || err != nil {
			t.Fatal(made, err)
		}
	}
}

// bobBetween lets bob take the second look once ada's claim is open, so that it must be undone.
func bobBetween(t *testing.T, r *registry) {
	name := "paypal"
	if second := mustParse(t, "paypaI").Keys[1]; mustParse(t, name).Keys[0] != second {
		name = "paypai"
	}
	r.undo = r.e.Inject(emulator.Fault{Op: emulator.OpReplace, Container: Players, Count: 1, After: true, Hook: func(context.Context, emulator.Point) {
		allowTaken(t, r.claim(t.Context(), bob, name)) // ada may have been finished, where his claim is made to wait
	}})
}

// TestCrash cuts every write of every claim, before it happens and after, as if the process had ended there. Then another player wants
// what looks the same, the sweeper goes round, and in the end everybody can get a handle.
func TestCrash(t *testing.T) {
	t.Parallel()
	subtests := map[string]func(*testing.T){}
	for what, s := range scenarios {
		for _, after := range []bool{false, true} {
			subtests[fmt.Sprintf("%s, cut after a write: %v", what, after)] = func(t *testing.T) {
				for i := 0; ; i++ {
					if cut := crash(t, s, i, after); !cut || t.Failed() {
						if i < 3 {
							t.Errorf("only %d writes were cut: the test does not see what it should", i)
						}
						return
					}
				}
			}
		}
	}
	together(t, subtests)
}

// crash cuts the i-th write and reports whether there was one.
func crash(t *testing.T, s scenario, i int, after bool) (cut bool) {
	t.Helper()
	r, _ := startRegistry(t)
	s.before(t, r)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	remove := r.e.Inject(emulator.Fault{
		Op: emulator.OpWrite, Skip: i, Count: 1, DropBefore: !after, DropAfter: after, After: after,
		Hook: func(context.Context, emulator.Point) { cut = true; end() },
	})
	err := r.claim(ctx, ada, s.name)
	remove()
	r.undo()
	if cut && !errors.Is(err, context.Canceled) && !fault.Is(err, fault.Canceled) {
		t.Errorf("write %d: %v", i, err)
	}
	r.check(t)
	rival := r.claim(t.Context(), bob, "paypal")
	if rival != nil {
		wantTaken(t, "bob, beside the open claim", rival)
	}
	r.check(t)
	r.sweepLater(t)
	r.checkClosed(t)
	if mine := r.handleOf(t, ada); mine != s.name && mine != "Ivan" && mine != "paypal" && mine != "paypaI" && mine != "" {
		t.Errorf("ada shows %q", mine)
	}
	settleAll(t, r)
	return cut
}

// settleAll lets everybody who has a handle keep it, and everybody get one.
func settleAll(t *testing.T, r *registry) {
	t.Helper()
	names := map[string]string{ada: "zoe-ada", bob: "zoe-bob", eve: "zoe-eve"}
	for id, name := range names {
		r.mustClaim(t, id, name)
	}
	r.checkClosed(t)
	r.ahead.Add(int64(handle.Reserved))
	r.mustClaim(t, eve, "paypal") // whoever had it has left it more than 30 days ago
	r.checkClosed(t)
}
