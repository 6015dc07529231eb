package identity_test

import (
	"context"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/identity/internal/player"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// Reads lag behind, and the clients carry no session: no player loses his last credential, and nothing stays half done.
func TestLinksOnStaleReads(t *testing.T) {
	t.Parallel()
	for _, change := range linkChanges() {
		t.Run(change.name, func(t *testing.T) {
			t.Parallel()
			w := newFaultyWorld(t)
			a, b := w.replica(), w.replica()
			do, _, players := change.prepare(a, b)
			w.emulator.SetStaleness(emulator.Staleness{Lag: time.Hour})
			for range 3 {
				if err := do(); err != nil && !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.FailedPrecondition) {
					t.Error(err)
				}
				w.reachable(playerIDs(players)...)
			}
			w.emulator.SetStaleness(emulator.Staleness{})
			w.settleAll(b)
			w.linksAgree(nil)
		})
	}
}

// A list that a restored backup brought back names an identity that is gone, or that leads elsewhere by now. Neither counts, and linking
// it again makes it good.
func TestLinksOfARestoredBackup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	gone, elsewhere := secret(), secret()
	p := r.linker()
	r.signIn(elsewhere)
	restore := func() {
		err := cosmosstore.NewPlayers(w.client).Update(t.Context(), p.id, func(q *player.Player) bool {
			for _, device := range []string{gone, elsewhere} {
				if !q.LinkedTo(identityOf(device)) {
					q.Links = append(q.Links, player.Link{IdentityID: identityOf(device), Provider: "device", Time: time.Now()})
				}
			}
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	restore()
	wantFault(t, p.unlink(p.me), fault.FailedPrecondition, "LAST_IDENTITY")
	other := r.linker()
	wantFault(t, other.resolve(other.taken(p.me).GetResolveToken(), other.id, false), fault.FailedPrecondition, "LAST_IDENTITY")
	if err := p.link(gone); err != nil {
		t.Error(err)
	}
	if id := r.who(gone); id != p.id {
		t.Errorf("it leads to %s", id)
	}
	p.taken(elsewhere)
	w.linksAgree(nil)
}

// An erasure between any two requests of a link: nothing leads to the erased player, and the next sweep finds what was late.
func TestLinkMeetsAnErasure(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	points(func(at emulator.Fault, name string) (met bool) {
		p, me := a.linker(), secret()
		at.Hook = func(ctx context.Context, _ emulator.Point) { b.erase(context.WithoutCancel(ctx), p.id) }
		w.emulator.Inject(at)
		err := p.link(me)
		met = len(w.emulator.Faults()) == 0
		w.emulator.ClearFaults()
		if !met {
			return false
		}
		if err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
		b.erase(t.Context(), p.id)
		for id, playerID := range w.links().identities {
			if playerID == p.id {
				t.Errorf("%s: identity %s still names him", name, id)
			}
		}
		if next, err := b.SignIn(t.Context(), device(me, "")); err != nil || next.GetPlayerId() == p.id {
			t.Errorf("%s: the credential leads to %v, %v", name, next, err)
		}
		return true
	})
	rows, err := cosmos.Select[string](t.Context(), w.client.Container(cosmosstore.Players), cosmos.Key{}, cosmos.SQL("SELECT VALUE c.playerId FROM c WHERE c.revoked = true"))
	if err != nil || len(rows) != 0 {
		t.Errorf("%v, %v", rows, err)
	}
}

// A link that a replica does not see yet, because its reads lag behind, is not taken for one that is gone.
func TestSignInByALinkThatIsNotSeenYet(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	p, rival, linked, wanted := a.linker(), b.linker(), secret(), secret()
	w.emulator.SetStaleness(emulator.Staleness{Lag: time.Hour})
	for _, device := range []string{linked, wanted} {
		if err := p.link(device); err != nil {
			t.Fatal(err)
		}
	}
	if next := b.signIn(linked); next.GetPlayerId() != p.id {
		t.Errorf("it leads to %v, want %s", next, p.id)
	}
	if err := rival.link(wanted); fault.ReasonOf(err) != "IDENTITY_TAKEN" {
		t.Errorf("a rival links it: %v", err)
	}
	w.emulator.SetStaleness(emulator.Staleness{})
	w.linksAgree(nil)
}

// What a cut unlinking left behind is linked again while a sign-in takes it away.
func TestSignInMeetsALinkOfWhatItReleases(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	released := 0
	points(func(at emulator.Fault, name string) (met bool) {
		p := b.linker(secret())
		w.emulator.Inject(refusal(emulator.OpDelete, cosmosstore.Identities, false))
		if err := p.unlink(p.me); err == nil {
			t.Fatal("the fault did not bite")
		}
		w.emulator.ClearFaults()
		at.Hook = func(context.Context, emulator.Point) {
			if err := p.link(p.me); err != nil && fault.ReasonOf(err) != "IDENTITY_TAKEN" {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.emulator.Inject(at)
		session, err := a.SignIn(t.Context(), device(p.me, ""))
		met = len(w.emulator.Faults()) == 0
		w.emulator.ClearFaults()
		if err != nil || !session.GetCreated() && session.GetPlayerId() != p.id {
			t.Errorf("%s: %v, %v", name, session, err)
		}
		if met && session.GetCreated() {
			released++
		}
		if id := b.who(p.me); id != session.GetPlayerId() {
			t.Errorf("%s: it leads to %s, and led to %v", name, id, session)
		}
		p.identities()
		w.linksAgree(nil)
		return met
	})
	if released == 0 {
		t.Error("it was never released")
	}
}

// A replica that does not see yet that a credential has moved takes nothing away from the player who has it now.
func TestLinkOfWhatHasMovedUnseen(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	owner, caller := a.linker(secret()), a.linker()
	there := caller.on(b)
	token := caller.taken(owner.me).GetResolveToken()
	w.emulator.SetStaleness(emulator.Staleness{Lag: time.Hour})
	if err := caller.resolve(token, caller.id, false); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		err := there.link(owner.me)
		if reason := fault.ReasonOf(err); err != nil && reason != "IDENTITY_TAKEN" && reason != "IDENTITY_CHANGING" {
			t.Error(err)
		}
		if err := there.resolve(token, caller.id, false); err != nil && fault.ReasonOf(err) != "LINK_CHANGED" {
			t.Error(err)
		}
	}
	w.emulator.SetStaleness(emulator.Staleness{})
	if id := b.who(owner.me); id != caller.id {
		t.Errorf("it leads to %s, want %s", id, caller.id)
	}
	w.settleAll(a)
	w.linksAgree(nil)
}
