package identity_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"supergame/local/emulator"
	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/identity/internal/revocation"
	"supergame/services/platform/fault"
)

// A row that cannot be passed on is not asked for again at once, and does not keep the chore from others.
func TestChoreGoesOnBehindTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	console := r.operator()
	var ids []string
	w.profile.setFail(fault.New(fault.Unavailable, "DOWN", "down"))
	for range 3 {
		id := w.signedInWithoutProfile(r)
		ids = append(ids, id)
		if _, err := console.suspend(id, "x"); err != nil {
			t.Fatal(err)
		}
	}
	w.profile.setFail(nil)
	w.profile.ensure(ids[1])
	w.clock.Advance(time.Minute)
	w.round(r)
	if got := w.profile.suspension(ids[1]); !got.suspended {
		t.Error("one was not passed on")
	}
	told := w.profile.timesTold()
	w.round(r)
	if n := w.profile.timesTold(); n != told {
		t.Errorf("%d more calls at once", n-told)
	}
	// A player who never gets a profile is not asked for for ever.
	w.clock.Advance(2 * time.Hour)
	w.round(r)
	console = r.operator()
	for _, id := range ids {
		if s := console.suspension(id); !s.GetPropagated() || !s.GetSuspended() {
			t.Errorf("hours later: %v", s)
		}
	}
}

// Every replica does the chore: a suspension that ends, ends once.
func TestChoreOnSeveralReplicasAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	var ids []string
	for range 5 {
		id := r.signIn(secret()).GetPlayerId()
		if _, err := r.operator().suspendUntil(id, "", timestamppb.New(w.clock.Now().Add(time.Minute))); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	w.clock.Advance(time.Minute + time.Second)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { w.round(r) })
	}
	wg.Wait()
	for _, id := range ids {
		if s := r.operator().suspension(id); s.GetVersion() != 2 || len(s.GetHistory()) != 2 || !s.GetPropagated() {
			t.Errorf("%v", s)
		}
		if got := w.profile.suspension(id); got.version != 2 || got.suspended {
			t.Errorf("the profile service has %+v", got)
		}
	}
}

// A change that ends at any request, as if the process had died there, is completed by its repeat, or by the chore.
func TestSuspensionGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	for _, repeat := range []bool{false, true} {
		for _, op := range []emulator.Op{emulator.OpRead, emulator.OpCreate, emulator.OpReplace} {
			for skip := range 3 {
				for _, after := range []bool{false, true} {
					id := a.signIn(secret()).GetPlayerId()
					w.emulator.Inject(emulator.Fault{
						Op: op, Container: cosmosstore.Revocations, Skip: skip, Count: 1, After: after, Status: http.StatusForbidden,
					})
					_, err := a.operator().suspendUntil(id, "r1", nil)
					w.emulator.ClearFaults()
					if repeat {
						if _, err := b.operator().suspendUntil(id, "r1", nil); err != nil {
							t.Errorf("%s %d after %t: the repeat: %v", op, skip, after, err)
						}
					}
					w.clock.Advance(time.Minute)
					w.round(b)
					s := b.operator().suspension(id)
					if s.GetVersion() == 0 && err != nil && !repeat {
						continue // it was cut before it began
					}
					if s.GetVersion() != 1 || !s.GetSuspended() || !s.GetPropagated() || !w.profile.suspension(id).suspended {
						t.Errorf("%s %d after %t, repeated %t: %v", op, skip, after, repeat, s)
					}
				}
			}
		}
	}
}

// Another operator changes the same suspension between any two requests of a change: the versions tell which came last, to the profile
// service too.
func TestSuspensionMeetsARival(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	for skip := range 5 {
		for _, after := range []bool{false, true} {
			id := a.signIn(secret()).GetPlayerId()
			if _, err := a.operator().suspend(id, "first"); err != nil {
				t.Fatal(err)
			}
			w.emulator.Inject(emulator.Fault{ID: revocation.SuspensionID(id), Skip: skip, Count: 1, After: after, Hook: func(context.Context, emulator.Point) {
				if _, err := b.operator().lift(id); err != nil {
					t.Error(err)
				}
			}})
			_, err := a.operator().suspend(id, "second")
			met := len(w.emulator.Faults()) == 0
			w.emulator.ClearFaults()
			if err != nil {
				t.Errorf("request %d after %t: %v", skip, after, err)
			}
			if !met {
				continue
			}
			s, profile := b.operator().suspension(id), w.profile.suspension(id)
			if s.GetVersion() != 3 || len(s.GetHistory()) != 3 || !s.GetPropagated() || profile.version != 3 || profile.suspended != s.GetSuspended() {
				t.Errorf("request %d after %t: %v, the profile service has %+v", skip, after, s, profile)
			}
			eventually(t, "what came last", func() bool {
				suspended := a.service.Verifier().Suspended(id) != nil
				return suspended == s.GetSuspended()
			})
		}
	}
}

func TestSuspensionUnderFaults(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	r := w.replica()
	console := r.operator()
	w.meets(t, []string{cosmosstore.Revocations, cosmosstore.Players}, func(t *testing.T) {
		id := r.signIn(secret()).GetPlayerId()
		for i, change := range []func() (*identityv1.Suspension, error){
			func() (*identityv1.Suspension, error) { return console.suspend(id, "x") },
			func() (*identityv1.Suspension, error) { return console.lift(id) },
			func() (*identityv1.Suspension, error) { return console.suspend(id, "y") },
		} {
			s, err := change()
			if err != nil || s.GetVersion() != int64(i+1) || !s.GetPropagated() || w.profile.suspension(id).version != int64(i+1) {
				t.Fatalf("change %d: %v, %v", i, s, err)
			}
		}
	})
}

// signedInWithoutProfile makes a player whose first sign-in stopped before his profile.
func (w *world) signedInWithoutProfile(r *replica) string {
	w.t.Helper()
	me := secret()
	if _, err := r.SignIn(w.t.Context(), device(me, "")); err == nil {
		w.t.Fatal("the profile service is there")
	}
	return w.links().identities[identityOf(me)]
}
