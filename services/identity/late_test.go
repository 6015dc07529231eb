package identity_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"supergame/local/emulator"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/platform/fault"
)

// TestWritesThatAnErasureOvertakes lets an erasure run to its end between any two requests of every other call that writes, at another replica. What the call
// still writes is gone after the next sweep: the id stands in the row of the erasure alone.
func TestWritesThatAnErasureOvertakes(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	for what, call := range map[string]func(p *linker, token string) error{
		"RefreshSession": func(_ *linker, token string) error { _, err := a.refresh(token); return err },
		"SignOut":        func(_ *linker, token string) error { return a.signOut(token) },
		"SuspendPlayer":  func(p *linker, _ string) error { _, err := a.operator().suspend(p.id, "x"); return err },
		"SuspendPlayer, then LiftSuspension": func(p *linker, _ string) error {
			if _, err := a.operator().suspend(p.id, "x"); err != nil {
				return err
			}
			_, err := a.operator().lift(p.id)
			return err
		},
	} {
		met := 0
		overtaken := func(at emulator.Fault, name string) bool {
			me := secret()
			p := a.linker(me)
			token := a.signIn(me).GetSession().GetRefreshToken()
			at.Hook = func(ctx context.Context, _ emulator.Point) { b.erase(context.WithoutCancel(ctx), p.id) }
			w.emulator.Inject(at)
			err := call(p, token)
			was := len(w.emulator.Faults()) == 0
			w.emulator.ClearFaults()
			if !was {
				return false
			}
			met++
			for _, allowed := range []fault.Kind{fault.NotFound, fault.Unavailable, fault.Unauthenticated, fault.Aborted} {
				if fault.Is(err, allowed) {
					err = nil
				}
			}
			if err != nil {
				t.Errorf("%s, %s: %v", what, name, err)
			}
			b.erase(t.Context(), p.id)
			if bearing := w.bearing(p.id); len(bearing) != 1 || !strings.Contains(bearing[0], `"kind":"erasure"`) {
				t.Errorf("%s, %s: it stands in %q", what, name, bearing)
			}
			return true
		}
		points(overtaken)
		for _, after := range []bool{false, true} {
			at := emulator.Fault{Container: cosmosstore.Revocations, Op: emulator.OpWrite, Count: 1, After: after}
			for ; overtaken(at, fmt.Sprintf("write %d to revocations, after %t", at.Skip, after)); at.Skip++ {
			}
		}
		if met < 2 {
			t.Errorf("%s: %d requests: the test does not see what it should", what, met)
		}
	}
}

// TestSuspensionsAtOnce: operators at two replicas suspend and lift at the same time. In the end the row, the profile service and the servers agree on
// whoever came last, and no change is lost.
func TestSuspensionsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	replicas := []*replica{w.replica(), w.replica()}
	id := replicas[0].signIn(secret()).GetPlayerId()
	var wg sync.WaitGroup
	for i := range 4 {
		o, rng := replicas[i%2].operator(), rand.New(rand.NewPCG(7, uint64(i)))
		wg.Go(func() {
			for range 6 {
				var err error
				if rng.IntN(2) == 0 {
					_, err = o.suspend(id, "x")
				} else {
					_, err = o.lift(id)
				}
				if err != nil && !fault.Is(err, fault.Aborted) && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.FailedPrecondition) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s, err := replicas[0].operator().suspend(id, "the last")
	if err != nil || !s.GetSuspended() || !s.GetPropagated() {
		t.Fatalf("%v, %v", s, err)
	}
	if s, err = replicas[1].operator().lift(id); err != nil {
		t.Fatal(err)
	}
	if got := w.profile.suspension(id); got.suspended || got.version != s.GetVersion() {
		t.Errorf("the profile service has %+v, the row %v", got, s)
	}
	for _, r := range replicas {
		eventually(t, "what came last", func() bool { return r.service.Verifier().Suspended(id) == nil })
	}
}
