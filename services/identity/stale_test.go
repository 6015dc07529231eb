package identity_test

import (
	"context"
	"testing"
	"time"

	"supergame/local/emulator"
	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/platform/fault"
)

// A credential that is new to a replica whose reads lag behind, though it is known: it is still one player.
func TestFirstSignInOnStaleReads(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	w.emulator.SetStaleness(emulator.Staleness{Lag: time.Hour})
	me := secret()
	first := a.signIn(me)
	next, err := b.refresh(first.GetSession().GetRefreshToken())
	if err != nil {
		t.Fatalf("a player who is not seen yet: %v", err)
	}
	if err := b.signOut(next.GetSession().GetRefreshToken()); err != nil {
		t.Error(err)
	}
	_, err = a.refresh(next.GetSession().GetRefreshToken())
	wantFault(t, err, fault.Unauthenticated, "REFRESH_REFUSED")
	for _, r := range []*replica{b, a, b} {
		if again := r.signIn(me); again.GetPlayerId() != first.GetPlayerId() || again.GetCreated() {
			t.Errorf("player %s, created %t, want %s", again.GetPlayerId(), again.GetCreated(), first.GetPlayerId())
		}
	}
	w.emulator.SetStaleness(emulator.Staleness{})
	if n := w.stored(cosmosstore.Identities) + w.stored(cosmosstore.Players); n != 2 {
		t.Errorf("%d documents of one player", n)
	}
}

// Reads lag behind, as those of an eventual replica do, and the client carries no session: a session is neither ended by that, nor
// kept by it when it should end.
func TestSessionsOnStaleReads(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	r := w.replica()
	me := secret()
	r.signIn(me)
	w.emulator.SetStaleness(emulator.Staleness{Lag: time.Hour})
	session := r.signIn(me).GetSession()
	token := session.GetRefreshToken()
	for range 3 {
		next, err := r.refresh(token)
		if err != nil {
			t.Fatal(err)
		}
		again, err := r.refresh(token)
		if err != nil || again.GetSession().GetRefreshToken() != next.GetSession().GetRefreshToken() {
			t.Fatalf("%v, %v, want the same successor", again, err)
		}
		token = next.GetSession().GetRefreshToken()
	}
	if err := r.signOut(token); err != nil {
		t.Fatal(err)
	}
	_, err := r.refresh(token)
	wantFault(t, err, fault.Unauthenticated, "REFRESH_REFUSED")
	unseen := r.signIn(me).GetSession().GetRefreshToken()
	if err := r.signOut(unseen); err != nil {
		t.Fatal(err)
	}
	w.emulator.SetStaleness(emulator.Staleness{})
	for _, ended := range []string{token, unseen} {
		_, err = r.refresh(ended)
		wantFault(t, err, fault.Unauthenticated, "REFRESH_REFUSED")
	}
}

// Reads lag behind and go on to show what another replica has deleted: the erasure does not delete in circles until its time is up.
func TestErasureOnStaleReads(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	id := a.signIn(secret()).GetPlayerId()
	w.emulator.SetStaleness(emulator.Staleness{Lag: time.Hour})
	for _, r := range []*replica{a, b} {
		data := identityv1.NewPlayerDataServiceClient(r.program("profile"))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		response, err := data.ErasePlayer(ctx, &identityv1.ErasePlayerRequest{PlayerId: id})
		cancel()
		if err != nil || !response.GetDone() {
			t.Errorf("%v, %v", response, err)
		}
	}
	w.emulator.SetStaleness(emulator.Staleness{})
	if n := w.stored(cosmosstore.Identities) + w.stored(cosmosstore.Players); n != 0 {
		t.Errorf("%d documents left", n)
	}
}
