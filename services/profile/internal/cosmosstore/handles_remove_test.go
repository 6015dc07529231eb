package cosmosstore

import (
	"context"
	"testing"

	"supergame/local/emulator"
	"supergame/services/profile/internal/handle"
)

// TestRemovalOfAHandleIsCut ends a removal at each of its requests, before and after it is carried out. The next one, or the sweeper, finishes
// it; nobody else gets the name meanwhile.
func TestRemovalOfAHandleIsCut(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for _, byChore := range []bool{false, true} {
			for i := 0; removeCut(t, i, after, byChore) && !t.Failed(); i++ {
			}
		}
	}
}

func removeCut(t *testing.T, i int, after, byChore bool) (met bool) {
	t.Helper()
	r, _ := startRegistry(t)
	r.mustClaim(t, ada, "PaypaI")
	remover := handle.Remover{Handles: r.Handles}
	ctx, end := context.WithCancel(newSession(t))
	defer end()
	undo := r.e.Inject(emulator.Fault{Skip: i, Count: 1, DropBefore: !after, DropAfter: after, After: after, Hook: func(context.Context, emulator.Point) {
		met = true
		end()
	}})
	_, _ = remover.Remove(ctx, ada, "PaypaI", "")
	undo()
	r.check(t)
	if !byChore || r.handleOf(t, ada) != "" {
		if _, err := remover.Remove(newSession(t), ada, "PaypaI", ""); err != nil {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	r.sweepLater(t)
	r.checkClosed(t)
	if name := r.handleOf(t, ada); name != "" {
		t.Errorf("cut at %d: she still shows %q", i, name)
	}
	wantTaken(t, "a look-alike", r.claim(t.Context(), bob, "paypal"))
	return met
}

// TestRemovalOfAHandleUnderFaults meets each request of a removal with every failure that passes.
func TestRemovalOfAHandleUnderFaults(t *testing.T) {
	t.Parallel()
	for name, failure := range passing {
		for i := range 6 {
			r, _ := startRegistry(t)
			r.mustClaim(t, ada, "Ivan")
			failure.Skip, failure.Count = i, 1
			r.e.Inject(failure)
			removed, err := handle.Remover{Handles: r.Handles}.Remove(newSession(t), ada, "Ivan", "")
			r.e.ClearFaults()
			if err != nil || !removed || r.handleOf(t, ada) != "" {
				t.Errorf("%s at %d: %v, %v, she shows %q", name, i, removed, err, r.handleOf(t, ada))
			}
			r.sweepLater(t)
			r.checkClosed(t)
		}
	}
}

// TestRemovalOfAHandleMeetsRivals: before each write of a removal the player goes on to another name, or writes something else.
func TestRemovalOfAHandleMeetsRivals(t *testing.T) {
	t.Parallel()
	for what, rival := range map[string]func(*testing.T, *registry){
		"another name": func(t *testing.T, r *registry) { allowTaken(t, r.claim(t.Context(), ada, "zoe-ada")) },
		"a name twice": func(t *testing.T, r *registry) {
			allowTaken(t, r.claim(t.Context(), ada, "zoe-ada"))
			allowTaken(t, r.claim(t.Context(), ada, "paypaI"))
		},
		"another write": func(t *testing.T, r *registry) { meanwhile["bob looks at it"](t, r) },
		"bob":           func(t *testing.T, r *registry) { allowTaken(t, r.claim(t.Context(), bob, "paypal")) },
		"a removal":     func(t *testing.T, r *registry) { meanwhile["an operator takes it away"](t, r) },
	} {
		for i := range 5 {
			r, _ := startRegistry(t)
			r.mustClaim(t, ada, "paypal")
			r.e.Inject(emulator.Fault{Op: emulator.OpWrite, Skip: i, Count: 1, Hook: func(context.Context, emulator.Point) { rival(t, r) }})
			if _, err := (handle.Remover{Handles: r.Handles}).Remove(newSession(t), ada, "paypal", ""); err != nil {
				t.Errorf("%s, before write %d: %v", what, i, err)
			}
			r.e.ClearFaults()
			r.sweepLater(t)
			r.checkClosed(t)
			if name := r.handleOf(t, ada); name == "paypal" {
				t.Errorf("%s, before write %d: she still shows %q", what, i, name)
			}
		}
	}
}
