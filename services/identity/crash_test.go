package identity_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"supergame/local/emulator"
	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// stored counts the documents of a container.
func (w *world) stored(container string) int {
	w.t.Helper()
	rows, err := cosmos.Select[string](w.t.Context(), w.client.Container(container), cosmos.Key{}, cosmos.SQL("SELECT VALUE c.id FROM c"))
	if err != nil {
		w.t.Fatal(err)
	}
	return len(rows)
}

// refusal answers 403: nothing repeats that, so the call ends between two steps as if the process had died there.
func refusal(op emulator.Op, container string, after bool) emulator.Fault {
	return emulator.Fault{Op: op, Container: container, Count: 1, Status: http.StatusForbidden, After: after}
}

// A first sign-in that ends between any two of its steps is completed by the next one, in the same player, wherever it runs.
func TestFirstSignInGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	steps := map[string]emulator.Fault{
		"before the identity":              refusal(emulator.OpCreate, cosmosstore.Identities, false),
		"between identity and player":      refusal(emulator.OpCreate, cosmosstore.Identities, true),
		"before the player":                refusal(emulator.OpCreate, cosmosstore.Players, false),
		"between player and profile":       refusal(emulator.OpCreate, cosmosstore.Players, true),
		"between profile and done":         refusal(emulator.OpReplace, cosmosstore.Identities, false),
		"before the identity is read":      refusal(emulator.OpRead, cosmosstore.Identities, false),
		"between profile and done, a read": {Op: emulator.OpRead, Container: cosmosstore.Identities, Skip: 1, Count: 1, Status: http.StatusForbidden},
	}
	players := map[string]bool{}
	for name, fault := range steps {
		for _, request := range []string{"same-request", ""} {
			me := secret()
			w.emulator.Inject(fault)
			if response, err := a.SignIn(t.Context(), device(me, request)); err == nil {
				t.Fatalf("%s: the fault did not bite: %v", name, response)
			}
			w.emulator.ClearFaults()
			response, err := b.SignIn(t.Context(), device(me, request))
			if err != nil || !response.GetCreated() {
				t.Errorf("%s: %v, %v, want the player created", name, response, err)
			}
			again, err := a.SignIn(t.Context(), device(me, ""))
			if err != nil || again.GetPlayerId() != response.GetPlayerId() || again.GetCreated() {
				t.Errorf("%s: afterwards %v, %v", name, again, err)
			}
			if _, err := a.refresh(response.GetSession().GetRefreshToken()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			players[response.GetPlayerId()] = true
		}
	}
	if n := w.stored(cosmosstore.Identities); n != len(players) {
		t.Errorf("%d identities for %d players", n, len(players))
	}
	if n := w.stored(cosmosstore.Players); n != len(players) {
		t.Errorf("%d player documents for %d players", n, len(players))
	}
	if w.profile.players() != len(players) {
		t.Errorf("%d profiles for %d players", w.profile.players(), len(players))
	}
}

// After the answer was lost the identity is done: a repeat is the same sign-in, another one is not.
func TestFirstSignInWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	r := w.replica()
	me := secret()
	w.emulator.Inject(refusal(emulator.OpReplace, cosmosstore.Identities, true))
	if response, err := r.SignIn(t.Context(), device(me, "request")); err == nil {
		t.Fatalf("the fault did not bite: %v", response)
	}
	for range 2 {
		if response, err := r.SignIn(t.Context(), device(me, "request")); err != nil || !response.GetCreated() {
			t.Errorf("the repeat: %v, %v", response, err)
		}
	}
	if response, err := r.SignIn(t.Context(), device(me, "")); err != nil || response.GetCreated() {
		t.Errorf("the next: %v, %v", response, err)
	}
}

func TestFirstSignInWithoutTheProfileService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	me := secret()
	w.profile.setFail(fault.New(fault.Unavailable, "DOWN", "down"))
	_, err := r.SignIn(t.Context(), device(me, ""))
	wantFault(t, err, fault.Unavailable, "DOWN")
	w.profile.setFail(nil)
	if response, err := r.SignIn(t.Context(), device(me, "")); err != nil || !response.GetCreated() {
		t.Errorf("%v, %v", response, err)
	}
	// Known players do not need it.
	w.profile.setFail(fault.New(fault.Unavailable, "DOWN", "down"))
	if response, err := r.SignIn(t.Context(), device(me, "")); err != nil || response.GetCreated() {
		t.Errorf("%v, %v", response, err)
	}
}

func TestFirstSignInsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	replicas := []*replica{w.replica(), w.replica()}
	for range 3 {
		me := secret()
		var mu sync.Mutex
		players, created := map[string]bool{}, 0
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				response, err := replicas[i%2].SignIn(t.Context(), device(me, fmt.Sprintf("r-%d", i)))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				players[response.GetPlayerId()] = true
				if response.GetCreated() {
					created++
				}
			})
		}
		wg.Wait()
		if len(players) != 1 || created != 1 {
			t.Errorf("%d players, created %d times", len(players), created)
		}
	}
	if w.stored(cosmosstore.Identities) != 3 || w.stored(cosmosstore.Players) != 3 {
		t.Errorf("%d identities, %d players", w.stored(cosmosstore.Identities), w.stored(cosmosstore.Players))
	}
}

// A rival signs in with the same credential between any two calls of a sign-in to the database.
func TestFirstSignInMeetsARivalAtEveryStep(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	for _, container := range []string{cosmosstore.Identities, cosmosstore.Players} {
		for skip := range 3 {
			for _, after := range []bool{false, true} {
				me := secret()
				var rival string
				rivalCreated := false
				w.emulator.Inject(emulator.Fault{Container: container, Skip: skip, Count: 1, After: after, Hook: func(context.Context, emulator.Point) {
					response, err := b.SignIn(context.WithoutCancel(t.Context()), device(me, ""))
					if err != nil {
						t.Errorf("the rival: %v", err)
					}
					rival, rivalCreated = response.GetPlayerId(), response.GetCreated()
				}})
				mine, err := a.SignIn(t.Context(), device(me, ""))
				w.emulator.ClearFaults()
				if err != nil {
					t.Errorf("%s %d after %t: %v", container, skip, after, err)
					continue
				}
				if rival == "" {
					continue // there was no such call
				}
				if mine.GetPlayerId() != rival || mine.GetCreated() == rivalCreated {
					t.Errorf("%s %d after %t: player %s created %t, the rival's %s created %t", container, skip, after,
						mine.GetPlayerId(), mine.GetCreated(), rival, rivalCreated)
				}
				if _, err := a.refresh(mine.GetSession().GetRefreshToken()); err != nil {
					t.Errorf("%s %d after %t: %v", container, skip, after, err)
				}
			}
		}
	}
}

// A sign-out between any two steps of a refresh, and the other way round: in the end the session is over, with every token of it.
func TestRefreshMeetsASignOutAtEveryStep(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	met := 0
	for _, signOutFirst := range []bool{false, true} {
		for skip := range 3 {
			for _, after := range []bool{false, true} {
				token := a.signIn(secret()).GetSession().GetRefreshToken()
				var given []*identityv1.Session
				refresh := func(r *replica) {
					next, err := r.refresh(token)
					switch {
					case err == nil:
						given = append(given, next.GetSession())
					case fault.ReasonOf(err) != "REFRESH_REFUSED":
						t.Errorf("refresh: %v", err)
					}
				}
				signOut := func(r *replica) {
					if err := r.signOut(token); err != nil {
						t.Errorf("sign out: %v", err)
					}
				}
				outer, inner := refresh, signOut
				if signOutFirst {
					outer, inner = signOut, refresh
				}
				w.emulator.Inject(emulator.Fault{Container: cosmosstore.Players, Skip: skip, Count: 1, After: after, Hook: func(context.Context, emulator.Point) {
					met++
					inner(b)
				}})
				outer(a)
				w.emulator.ClearFaults()
				signOut(a)
				for _, session := range given {
					if _, err := b.refresh(session.GetRefreshToken()); fault.ReasonOf(err) != "REFRESH_REFUSED" {
						t.Errorf("sign-out first %t, %d after %t: the session lives on: %v", signOutFirst, skip, after, err)
					}
					eventually(t, "the end of the access token", func() bool {
						_, err := b.whoAmI(session.GetAccessToken())
						return fault.ReasonOf(err) == "SESSION_REVOKED"
					})
				}
			}
		}
	}
	if met < 8 {
		t.Errorf("they met %d times", met)
	}
}

// An erasure between any two steps of a first sign-in never leaves a session, and nothing that the next sweep does not find.
func TestFirstSignInMeetsAnErasure(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	for _, at := range []emulator.Fault{
		{Op: emulator.OpCreate, Container: cosmosstore.Players, Count: 1},
		{Op: emulator.OpCreate, Container: cosmosstore.Players, Count: 1, After: true},
		{Op: emulator.OpReplace, Container: cosmosstore.Identities, Count: 1},
	} {
		me := secret()
		var erased string
		at.Hook = func(context.Context, emulator.Point) {
			ctx := context.WithoutCancel(t.Context())
			docs, err := cosmos.Select[string](ctx, w.client.Container(cosmosstore.Identities), cosmos.Key{}, cosmos.SQL("SELECT VALUE c.playerId FROM c"))
			if err != nil || len(docs) != 1 {
				t.Errorf("%v, %v", docs, err)
				return
			}
			erased = docs[0]
			b.erase(ctx, erased)
		}
		w.emulator.Inject(at)
		_, err := a.SignIn(t.Context(), device(me, ""))
		w.emulator.ClearFaults()
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s after %t: %v, want NOT_FOUND", at.Op, at.After, err)
		}
		b.erase(t.Context(), erased)
		if n := w.stored(cosmosstore.Identities) + w.stored(cosmosstore.Players); n != 0 {
			t.Errorf("%s after %t: %d documents left", at.Op, at.After, n)
		}
		next, err := a.SignIn(t.Context(), device(me, ""))
		if err != nil || !next.GetCreated() || next.GetPlayerId() == erased {
			t.Errorf("the credential afterwards: %v, %v", next, err)
		}
		b.erase(t.Context(), next.GetPlayerId())
	}
}
