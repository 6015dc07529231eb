package identity_test

import (
	"net/http"
	"testing"
	"time"

	"supergame/local/emulator"
	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/platform/fault"
)

// troubles is what can happen to a request of the database, once. What the SDK answers by waiting a second before it reads again
// happens to writes only.
func troubles() map[string]emulator.Fault {
	return map[string]emulator.Fault{
		"429":            {Status: http.StatusTooManyRequests, Substatus: 3200, RetryAfter: time.Millisecond},
		"449":            {Status: 449},
		"410":            {Status: http.StatusGone, Substatus: 1002},
		"503":            {Status: http.StatusServiceUnavailable},
		"500 after":      {Status: http.StatusInternalServerError, After: true},
		"408 after":      {Op: emulator.OpWrite, Status: http.StatusRequestTimeout, After: true},
		"dropped before": {Op: emulator.OpWrite, DropBefore: true},
		"dropped after":  {Op: emulator.OpWrite, DropAfter: true},
	}
}

// meets runs a call once for every trouble, at its first and second request to each container.
func (w *world) meets(t *testing.T, containers []string, call func(t *testing.T)) {
	for name, trouble := range troubles() {
		for _, container := range containers {
			for skip := range 2 {
				trouble.Container, trouble.Skip, trouble.Count = container, skip, 1
				w.emulator.Inject(trouble)
				call(t)
				w.emulator.ClearFaults()
				if t.Failed() {
					t.Fatalf("with %s at request %d to %s", name, skip, container)
				}
			}
		}
	}
}

func TestSignInUnderFaults(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	r := w.replica()
	var signIns int
	w.meets(t, []string{cosmosstore.Identities, cosmosstore.Players}, func(t *testing.T) {
		signIns++
		me := secret()
		first, err := r.SignIn(t.Context(), device(me, "request"))
		if err != nil || !first.GetCreated() {
			t.Fatal(first, err)
		}
		again, err := r.SignIn(t.Context(), device(me, "request"))
		if err != nil || again.GetPlayerId() != first.GetPlayerId() || again.GetSession().GetRefreshToken() != first.GetSession().GetRefreshToken() {
			t.Fatal(again, err)
		}
	})
	if w.stored(cosmosstore.Identities) != signIns || w.stored(cosmosstore.Players) != signIns || w.profile.players() != signIns {
		t.Errorf("%d sign-ins made %d identities, %d players and %d profiles", signIns,
			w.stored(cosmosstore.Identities), w.stored(cosmosstore.Players), w.profile.players())
	}
}

func TestRefreshUnderFaults(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	r := w.replica()
	me := secret()
	token := r.signIn(me).GetSession().GetRefreshToken()
	used := map[string]bool{token: true}
	w.meets(t, []string{cosmosstore.Players}, func(t *testing.T) {
		next, err := r.refresh(token)
		if err != nil || used[next.GetSession().GetRefreshToken()] {
			t.Fatal(next, err)
		}
		again, err := r.refresh(token) // the answer was lost behind us
		if err != nil || again.GetSession().GetRefreshToken() != next.GetSession().GetRefreshToken() {
			t.Fatal(again, err)
		}
		token = next.GetSession().GetRefreshToken()
		used[token] = true
	})
}

func TestSignOutUnderFaults(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	r := w.replica()
	me := secret()
	kept := r.signIn(me).GetSession().GetRefreshToken()
	signedOut := 0
	w.meets(t, []string{cosmosstore.Players, cosmosstore.Revocations}, func(t *testing.T) {
		signedOut++
		session := r.signIn(me).GetSession()
		if err := r.signOut(session.GetRefreshToken()); err != nil {
			t.Fatal(err)
		}
		if _, err := r.refresh(session.GetRefreshToken()); err == nil {
			t.Fatal("a session that was signed out was refreshed")
		}
		next, err := r.refresh(kept)
		if err != nil {
			t.Fatal(err)
		}
		kept = next.GetSession().GetRefreshToken()
	})
	if n := w.stored(cosmosstore.Revocations); n != signedOut {
		t.Errorf("%d sessions ended, %d revocations", signedOut, n)
	}
}

// A container that is missing (being restored, say) is no answer about the player in it.
func TestAMissingContainerIsNotAMissingPlayer(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	r := w.replica()
	me := secret()
	token := r.signIn(me).GetSession().GetRefreshToken()
	for _, container := range []string{cosmosstore.Identities, cosmosstore.Players, cosmosstore.Revocations} {
		w.emulator.Inject(emulator.Fault{Container: container, Status: http.StatusNotFound, Substatus: 1003})
		calls := map[string]func() error{
			"sign in": func() error { _, err := r.SignIn(t.Context(), device(me, "")); return err },
			"refresh": func() error { _, err := r.refresh(token); return err },
		}
		for name, call := range calls {
			if err := call(); err != nil && !fault.Is(err, fault.Unavailable) {
				t.Errorf("%s without %s: %v", name, container, err)
			}
		}
		if err := r.signOut(token); container != cosmosstore.Identities && !fault.Is(err, fault.Unavailable) {
			t.Errorf("sign out without %s: %v", container, err)
		}
		w.emulator.ClearFaults()
	}
}

func TestErasureUnderFaults(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	r := w.replica()
	data := identityv1.NewPlayerDataServiceClient(r.program("profile"))
	w.meets(t, []string{cosmosstore.Identities, cosmosstore.Players, cosmosstore.Revocations}, func(t *testing.T) {
		session := r.signIn(secret())
		r.erase(t.Context(), session.GetPlayerId())
		left, err := data.ErasePlayer(t.Context(), &identityv1.ErasePlayerRequest{PlayerId: session.GetPlayerId()})
		if err != nil || !left.GetDone() || len(left.GetDeleted()) > 0 {
			t.Fatal(left, err)
		}
	})
	if n := w.stored(cosmosstore.Identities) + w.stored(cosmosstore.Players); n != 0 {
		t.Errorf("%d documents left", n)
	}
}
