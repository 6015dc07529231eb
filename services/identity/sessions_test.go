package identity_test

import (
	"context"
	"testing"

	"supergame/local/emulator"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/identity/internal/player"
	"supergame/services/platform/fault"
)

// The same refresh, sent again by a client that has not heard, between any two requests of the first one and at another replica: both get
// the same successor, and nobody is signed out.
func TestRefreshMeetsItselfAtEveryStep(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	met := 0
	for skip := range 4 {
		for _, after := range []bool{false, true} {
			token := a.signIn(secret()).GetSession().GetRefreshToken()
			var twin string
			w.emulator.Inject(emulator.Fault{Container: cosmosstore.Players, Skip: skip, Count: 1, After: after, Hook: func(context.Context, emulator.Point) {
				met++
				next, err := b.refresh(token)
				if err != nil {
					t.Errorf("request %d after %t: the twin: %v", skip, after, err)
				}
				twin = next.GetSession().GetRefreshToken()
			}})
			next, err := a.refresh(token)
			w.emulator.ClearFaults()
			if err != nil || twin != "" && next.GetSession().GetRefreshToken() != twin {
				t.Errorf("request %d after %t: %v, %v, the twin got %q", skip, after, next, err, twin)
			}
			last, err := b.refresh(next.GetSession().GetRefreshToken())
			if err != nil {
				t.Errorf("request %d after %t: afterwards: %v", skip, after, err)
			}
			if _, err := a.whoAmI(last.GetSession().GetAccessToken()); err != nil {
				t.Errorf("request %d after %t: %v", skip, after, err)
			}
		}
	}
	if met < 4 {
		t.Errorf("they met %d times", met)
	}
}

// An older token, under every fault: it ends its own session, with the access tokens, and no other session of the same player.
func TestStolenTokenUnderFaults(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	r := w.replica()
	me := secret()
	kept := r.signIn(me).GetSession()
	w.meets(t, []string{cosmosstore.Players, cosmosstore.Revocations}, func(t *testing.T) {
		stolen := r.signIn(me).GetSession()
		second, err := r.refresh(stolen.GetRefreshToken())
		if err != nil {
			t.Fatal(err)
		}
		third, err := r.refresh(second.GetSession().GetRefreshToken())
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range []string{stolen.GetRefreshToken(), third.GetSession().GetRefreshToken(), second.GetSession().GetRefreshToken()} {
			if _, err := r.refresh(token); fault.ReasonOf(err) != "REFRESH_REFUSED" {
				t.Fatalf("an older token, and all behind it: %v", err)
			}
		}
		eventually(t, "the end of the access tokens", func() bool {
			_, err := r.whoAmI(third.GetSession().GetAccessToken())
			return fault.ReasonOf(err) == "SESSION_REVOKED"
		})
		next, err := r.refresh(kept.GetRefreshToken())
		if err != nil {
			t.Fatalf("the other session: %v", err)
		}
		if _, err := r.whoAmI(next.GetSession().GetAccessToken()); err != nil {
			t.Fatalf("the other session: %v", err)
		}
		kept = next.GetSession()
	})
}

// The thief and the owner refresh at the same time, with an older and with the current token: whoever comes first, the session ends, and
// neither keeps a way in.
func TestStolenTokenMeetsTheCurrentOneAtEveryStep(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	for skip := range 4 {
		for _, after := range []bool{false, true} {
			me := secret()
			other := a.signIn(me).GetSession()
			first := a.signIn(me).GetSession()
			second, err := a.refresh(first.GetRefreshToken())
			if err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(player.RepeatWindow + 1)
			var given string
			w.emulator.Inject(emulator.Fault{Container: cosmosstore.Players, Skip: skip, Count: 1, After: after, Hook: func(context.Context, emulator.Point) {
				if next, err := b.refresh(second.GetSession().GetRefreshToken()); err == nil {
					given = next.GetSession().GetRefreshToken()
				}
			}})
			_, err = a.refresh(first.GetRefreshToken())
			w.emulator.ClearFaults()
			wantFault(t, err, fault.Unauthenticated, "REFRESH_REFUSED")
			for _, token := range []string{given, second.GetSession().GetRefreshToken()} {
				if token == "" {
					continue
				}
				if next, err := b.refresh(token); fault.ReasonOf(err) != "REFRESH_REFUSED" {
					t.Errorf("request %d after %t: the session lives on: %v, %v", skip, after, next, err)
				}
			}
			if _, err := a.refresh(other.GetRefreshToken()); err != nil {
				t.Errorf("request %d after %t: another session: %v", skip, after, err)
			}
		}
	}
}
