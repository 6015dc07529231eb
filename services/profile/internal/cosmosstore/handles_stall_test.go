package cosmosstore

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/handle"
)

// meanwhile is what happens while a claim of ada's stands still in the middle.
var meanwhile = map[string]func(t *testing.T, r *registry){
	"bob wants it": func(t *testing.T, r *registry) { allowTaken(t, r.claim(t.Context(), bob, "paypal")) },
	"the sweeper":  func(t *testing.T, r *registry) { r.sweepLater(t) },
	"the sweeper, ada goes on, bob wants it": func(t *testing.T, r *registry) {
		r.sweepLater(t)
		allowTaken(t, r.claim(t.Context(), ada, "zoe-ada"))
		allowTaken(t, r.claim(t.Context(), bob, "paypal"))
	},
	"the sweeper, ada goes on and comes back": func(t *testing.T, r *registry) {
		r.sweepLater(t)
		for _, name := range []string{"zoe-ada", "paypaI", "paypal"} {
			allowTaken(t, r.claim(t.Context(), ada, name))
		}
	},
	"ada goes on, 30 days go by, bob wants it": func(t *testing.T, r *registry) {
		allowTaken(t, r.claim(t.Context(), ada, "zoe-ada"))
		r.ahead.Add(int64(handle.Reserved))
		allowTaken(t, r.claim(t.Context(), bob, "paypal"))
	},
	"ada changes something else": func(t *testing.T, r *registry) {
		edit := edits["public"]
		if _, err := r.store.Update(newSession(t), edit, mark(edit, "x")); err != nil {
			t.Error(err)
		}
	},
	"bob looks at it": func(t *testing.T, r *registry) {
		// The write by which somebody takes a stray reservation: it changes nothing but the version.
		_, err := r.Profiles.Update(newSession(t), handle.Edit{PlayerID: ada}, func(*handle.Owner) (bool, error) { return true, nil })
		if err != nil {
			t.Error(err)
		}
	},
}

func allowTaken(t *testing.T, err error) {
	t.Helper()
	if err != nil && fault.ReasonOf(err) != "HANDLE_TAKEN" {
		t.Error(err)
	}
}

// TestStall lets every write of every claim wait while others finish the claim, undo it, go on, or take what it wants. Then the write is
// sent after all. The default size lets every third write wait, others in each test; LONG=1 all.
func TestStall(t *testing.T) {
	t.Parallel()
	subtests := map[string]func(*testing.T){}
	free := make(chan struct{}, 4) // a write that waits must not wait for other tests
	step := 3
	if os.Getenv("LONG") != "" {
		step = 1
	}
	for what, s := range scenarios {
		for other, happens := range meanwhile {
			first := (len(what) + len(other)) % step // each of both meets other writes
			subtests[what+", "+other] = func(t *testing.T) {
				free <- struct{}{}
				defer func() { <-free }()
				for i := first; ; i += step {
					if stalled := stall(t, s, i, happens); !stalled || t.Failed() {
						if i < 3 {
							t.Errorf("only %d writes waited: the test does not see what it should", i)
						}
						return
					}
				}
			}
		}
	}
	together(t, subtests)
}

func stall(t *testing.T, s scenario, i int, happens func(*testing.T, *registry)) (stalled bool) {
	t.Helper()
	r, _ := startRegistry(t)
	s.before(t, r)
	remove := r.e.Inject(emulator.Fault{Op: emulator.OpWrite, Skip: i, Count: 1, Hook: func(context.Context, emulator.Point) {
		stalled = true
		r.undo()
		happens(t, r)
		r.check(t)
	}})
	allowTaken(t, r.claim(t.Context(), ada, s.name))
	remove()
	r.undo()
	r.check(t)
	r.sweepLater(t)
	r.checkClosed(t)
	if t.Failed() {
		t.Logf("write %d", i)
	}
	return stalled
}

// TestStalledThirdStep takes a reservation from a player whose profile does not name it any more, while his step 3 is under way: it gets 412.
func TestStalledThirdStep(t *testing.T) {
	r, _ := startRegistry(t)
	third := emulator.Fault{Op: emulator.OpReplace, Container: Players, Skip: 1, Count: 1}
	third.Hook = func(context.Context, emulator.Point) {
		// As if ada's claim had been undone by somebody who did not come to give back its reservation.
		_, err := r.Profiles.Update(newSession(t), handle.Edit{PlayerID: ada}, func(o *handle.Owner) (bool, error) {
			o.Claim = nil
			return true, nil
		})
		if err != nil {
			t.Error(err)
		}
		before := r.version(t, ada)
		r.mustClaim(t, bob, "paypal")
		if r.version(t, ada) == before {
			t.Error("bob took ada's reservation without a write of her profile")
		}
	}
	answer, met := third, false
	answer.After = true
	answer.Hook = func(_ context.Context, p emulator.Point) {
		if met = true; p.Status != http.StatusPreconditionFailed {
			t.Errorf("the third step got %d, want 412", p.Status)
		}
	}
	r.e.Inject(third)
	r.e.Inject(answer)
	_, err := r.Claim(newSession(t), as(ada), handle.Request{Handle: "paypal"}) // without a request id it begins anew, and sees bob
	wantTaken(t, "ada", err)
	if !met {
		t.Error("there was no third step")
	}
	if r.handleOf(t, bob) != "paypal" || r.handleOf(t, ada) != "" {
		t.Errorf("bob shows %q, ada %q", r.handleOf(t, bob), r.handleOf(t, ada))
	}
	r.checkClosed(t)
}

func (r *registry) version(t *testing.T, playerID string) string {
	t.Helper()
	p, err := r.store.Get(newSession(t), playerID)
	if err != nil {
		t.Fatal(err)
	}
	return p.ETag
}

// TestTakerMeetsANewClaim: bob has found that nobody names a reservation of ada's, and is about to take it, when she claims its name. One of them
// gets it.
func TestTakerMeetsANewClaim(t *testing.T) {
	for i := range 12 {
		r, _ := startRegistry(t)
		strandedBefore(t, r)
		r.e.Inject(emulator.Fault{Op: emulator.OpWrite, Skip: i, Count: 1, Hook: func(context.Context, emulator.Point) {
			allowTaken(t, r.claim(t.Context(), eve, "paypaI"))
		}})
		allowTaken(t, r.claim(t.Context(), bob, "paypaI"))
		if got := r.handleOf(t, bob) + r.handleOf(t, eve); got != "paypaI" {
			t.Errorf("before write %d: bob shows %q, eve %q", i, r.handleOf(t, bob), r.handleOf(t, eve))
		}
		r.sweepLater(t)
		r.checkClosed(t)
	}
}

// TestEraseDuringAClaim erases the player before each write of a claim. Nothing names him afterwards, nothing is stuck, and his name is not free at once.
func TestEraseDuringAClaim(t *testing.T) {
	t.Parallel()
	subtests := map[string]func(*testing.T){}
	for what, s := range scenarios {
		for _, again := range []bool{true, false} {
			subtests[fmt.Sprintf("%s, the call goes on: %v", what, again)] = func(t *testing.T) {
				for i := 0; eraseDuring(t, s, i, again) && !t.Failed(); i++ {
				}
			}
		}
	}
	together(t, subtests)
}

func eraseDuring(t *testing.T, s scenario, i int, goesOn bool) (met bool) {
	t.Helper()
	r, _ := startRegistry(t)
	s.before(t, r)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	remove := r.e.Inject(emulator.Fault{Op: emulator.OpWrite, Skip: i, Count: 1, DropBefore: !goesOn, Hook: func(context.Context, emulator.Point) {
		met = true
		r.undo()
		r.erase(t, ada)
		if !goesOn {
			end()
		}
	}})
	err := r.claim(ctx, ada, s.name)
	remove()
	r.undo()
	if !met {
		return false
	}
	if goesOn && err == nil && r.exists(t, ada) {
		t.Errorf("before write %d: the claim brought the player back", i)
	}
	r.wantNoTrace(t, i, ada)
	r.sweepLater(t)
	r.erase(t, ada) // the second sweep of an erase
	r.wantNoTrace(t, i, ada)
	r.checkClosed(t)
	r.ahead.Add(int64(handle.Reserved))
	r.mustClaim(t, eve, "Ivan")
	r.mustClaim(t, bob, "paypal")
	r.checkClosed(t)
	return true
}

func (r *registry) exists(t *testing.T, playerID string) bool {
	t.Helper()
	_, err := r.store.Get(newSession(t), playerID)
	return err == nil
}

func (r *registry) erase(t *testing.T, playerID string) {
	t.Helper()
	erasure, err := r.data.Erase(newSession(t), playerID)
	if err != nil || !erasure.Done {
		t.Errorf("erase: %+v, %v", erasure, err)
	}
}

// wantNoTrace looks for the player's id in everything that the container holds.
func (r *registry) wantNoTrace(t *testing.T, i int, playerID string) {
	t.Helper()
	for key, doc := range r.reservations(t) {
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), playerID) {
			t.Errorf("before write %d: %s names the erased player: %+v", i, key, doc.reservation())
		}
	}
}

// TestReleased moves the store's clock: a handle that was given up is its former owner's for 30 days, and then anybody's.
func TestReleased(t *testing.T) {
	t.Parallel()
	for what, leave := range map[string]string{"given up": "", "changed": "zoe-ada"} {
		for who, id := range map[string]string{"the former owner": ada, "another": bob} {
			t.Run(what+", then "+who, func(t *testing.T) {
				r, clock := startRegistry(t)
				r.mustClaim(t, ada, "PaypaI")
				r.mustClaim(t, ada, leave)
				r.checkClosed(t)
				pass := func(d time.Duration) { clock.Advance(d); r.ahead.Add(int64(d)) }
				pass(handle.Reserved - time.Hour)
				wantTaken(t, "eve, before 30 days are over", r.claim(t.Context(), eve, "paypal"))
				if id == ada {
					r.mustClaim(t, ada, "paypaI")
					r.checkClosed(t)
					pass(2 * handle.Reserved) // it is hers again, and does not run out
					wantTaken(t, "eve, when it was taken back", r.claim(t.Context(), eve, "paypal"))
					return
				}
				wantTaken(t, "bob, before 30 days are over", r.claim(t.Context(), bob, "PAYPAL"))
				pass(time.Hour + time.Second)
				if left := r.reservations(t); leave == "" && len(left) != 0 {
					t.Errorf("after 30 days there is %v", left)
				}
				r.mustClaim(t, bob, "paypal")
				wantTaken(t, "ada, too late", r.claim(t.Context(), ada, "paypaI"))
				r.checkClosed(t)
			})
		}
	}
}

// TestClaimUnderFaults meets every request of a claim with every failure that passes.
func TestClaimUnderFaults(t *testing.T) {
	t.Parallel()
	subtests := map[string]func(*testing.T){}
	for failureName, failure := range passing {
		subtests[failureName] = func(t *testing.T) {
			for i := range 14 {
				r, _ := startRegistry(t)
				r.mustClaim(t, ada, "Ivan")
				failure.Op, failure.Skip, failure.Count = emulator.OpWrite, i, 1
				r.e.Inject(failure)
				if err := r.claim(t.Context(), ada, "PaypaI"); err != nil {
					t.Errorf("request %d: %v", i, err)
				}
				r.checkClosed(t)
				if got := r.handleOf(t, ada); got != "PaypaI" {
					t.Errorf("request %d: ada shows %q", i, got)
				}
			}
		}
	}
	together(t, subtests)
}

// TestClaimReplay: the same request again is answered with the profile as it is now, and undoes nothing; a refused one may be tried again.
func TestClaimReplay(t *testing.T) {
	r, _ := startRegistry(t)
	ctx := newSession(t)
	request := func(id, name, requestID string) error {
		_, err := r.Claim(ctx, as(id), handle.Request{Handle: name, RequestID: requestID})
		return err
	}
	for _, err := range []error{request(ada, "Ada", "r1"), request(ada, "Ada", "r1"), request(ada, "Ivan", "r2"), request(ada, "Ada", "r1")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := r.handleOf(t, ada); got != "Ivan" {
		t.Errorf("a repeated request undid what came after it: %q", got)
	}
	if err := request(ada, "other", "r1"); fault.ReasonOf(err) != cosmos.ReasonRequestIDReused {
		t.Errorf("another content: %v", err)
	}
	bobBetween(t, r)
	wantTaken(t, "undone", request(ada, "paypaI", "r3"))
	wantTaken(t, "undone, again", request(ada, "paypaI", "r3"))
	r.mustClaim(t, bob, "zoe-bob")
	r.ahead.Add(int64(handle.Reserved))
	if err := request(ada, "paypaI", "r3"); err != nil || r.handleOf(t, ada) != "paypaI" {
		t.Errorf("the refused request, when the name is free: %v, %q", err, r.handleOf(t, ada))
	}
	r.checkClosed(t)
}

// TestSweepGoesOn: a claim that cannot be finished does not keep the others open.
func TestSweepGoesOn(t *testing.T) {
	r, _ := startRegistry(t)
	for _, id := range []string{ada, bob} {
		state := handle.State("of a later version")
		if id == bob {
			state = handle.Take
		}
		_, err := r.Profiles.Update(newSession(t), handle.Edit{PlayerID: id}, func(o *handle.Owner) (bool, error) {
			o.Claims, o.Claim = 1, &handle.Claim{Number: 1, State: state, Name: "paypal", Due: time.Now()}
			return true, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	r.ahead.Add(int64(time.Minute))
	if err := r.Sweep(newSession(t)); fault.ReasonOf(err) != "SCHEMA_TOO_NEW" {
		t.Errorf("got %v", err)
	}
	if got := r.handleOf(t, bob); got != "paypal" {
		t.Errorf("bob shows %q", got)
	}
}

// TestManyAtOnce lets three players change among few names, some of which look alike, while the store refuses and cuts connections.
func TestManyAtOnce(t *testing.T) {
	r, _ := startRegistry(t)
	for _, failure := range []emulator.Fault{
		{Status: 429, Substatus: 3200, RetryAfter: time.Millisecond}, {Status: 449}, {Status: 503}, {DropBefore: true}, {DropAfter: true},
	} {
		failure.Op, failure.Probability = emulator.OpWrite, 0.03
		r.e.Inject(failure)
	}
	names := []string{"paypal", "PaypaI", "paypaI", "", "Ivan", "lvan"}
	var done atomic.Int64
	subtests := map[string]func(*testing.T){}
	for n, id := range []string{ada, ada, bob, eve} {
		subtests[fmt.Sprint(n)] = func(t *testing.T) {
			for i := range 12 {
				err := r.claim(t.Context(), id, names[(i*5+n)%len(names)])
				switch {
				case err == nil:
					done.Add(1)
				case fault.Is(err, fault.AlreadyExists), fault.Is(err, fault.Aborted), fault.Is(err, fault.Unavailable), fault.Is(err, fault.ResourceExhausted):
				default:
					t.Error(err)
				}
			}
		}
	}
	together(t, subtests)
	r.e.ClearFaults()
	r.check(t)
	r.sweepLater(t)
	r.strays = true // of calls that ended between finding their claim gone and cleaning up
	r.checkClosed(t)
	settleAll(t, r)
	t.Logf("%d claims were carried out", done.Load())
}

// TestLateRelease: a call that is to release a name sleeps until others have released it and its former owner has it again. It must not take it
// from her.
func TestLateRelease(t *testing.T) {
	for i := range 10 {
		r, _ := startRegistry(t)
		r.mustClaim(t, ada, "paypaI")
		r.e.Inject(emulator.Fault{Op: emulator.OpBatch, Container: HandlesContainer, Skip: i, Count: 1, Hook: func(context.Context, emulator.Point) {
			r.sweepLater(t)
			r.mustClaim(t, ada, "paypaI")
		}})
		allowTaken(t, r.claim(t.Context(), ada, ""))
		r.checkClosed(t)
	}
}
