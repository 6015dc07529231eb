package identity_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"

	"supergame/local/emulator"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/platform/fault"
)

// linkChange is one way to change links: what leads there, the change itself, and who may have the credential afterwards.
type linkChange struct {
	name string
	// prepare signs two players in at two replicas and gives the change, safe to repeat, and the device that it is about.
	prepare func(a, b *replica) (change func() error, device string, players []*linker)
	// moved says to whom the device leads when the change is done: an index of the players, or -1 for a new player.
	moved int
}

func linkChanges() []linkChange {
	return []linkChange{
		{"link", func(a, _ *replica) (func() error, string, []*linker) {
			p, device := a.linker(), secret()
			return func() error { return p.link(device) }, device, []*linker{p}
		}, 0},
		{"unlink", func(a, _ *replica) (func() error, string, []*linker) {
			p := a.linker(secret())
			return func() error {
				err := p.unlink(p.me)
				if fault.ReasonOf(err) == "IDENTITY_NOT_FOUND" { // done before
					return nil
				}
				return err
			}, p.me, []*linker{p}
		}, -1},
		{"move", func(a, b *replica) (func() error, string, []*linker) {
			owner, caller := b.linker(secret()), a.linker()
			token := caller.taken(owner.me).GetResolveToken()
			return func() error { return caller.resolve(token, caller.id, false) }, owner.me, []*linker{caller, owner}
		}, 0},
		{"stay", func(a, b *replica) (func() error, string, []*linker) {
			owner, caller := b.linker(), a.linker()
			token := caller.taken(owner.me).GetResolveToken()
			return func() error { return caller.resolve(token, owner.id, false) }, owner.me, []*linker{caller, owner}
		}, 1},
	}
}

func playerIDs(players []*linker) (ids []string) {
	for _, p := range players {
		ids = append(ids, p.id)
	}
	return ids
}

// points are the places where a change can be cut or met by another: at the n-th request to a container, before and behind it, for as long as
// each says that there is such a request. Behind one is before the next, but for the last: both are tried by the long run only.
func points(each func(at emulator.Fault, name string) (met bool)) {
	for _, container := range []string{cosmosstore.Identities, cosmosstore.Players} {
		for _, after := range []bool{false, true} {
			for skip := 0; ; skip++ {
				at := emulator.Fault{Container: container, Skip: skip, Count: 1, After: after}
				if !each(at, fmt.Sprintf("request %d to %s, after %t", skip, container, after)) {
					break
				}
				if after && os.Getenv("LONG") == "" {
					skip++
				}
			}
		}
	}
}

// A change that ends at any request, as if the process had died there, leaves every player a way in and the credential with one of those
// who may have it; it is completed by its repeat, at another replica or by a sign-in, and both sides of every link agree then.
func TestLinksGoOnWhereTheyStopped(t *testing.T) {
	t.Parallel()
	for _, change := range linkChanges() {
		t.Run(change.name, func(t *testing.T) {
			t.Parallel()
			w := newFaultyWorld(t)
			a, b := w.replica(), w.replica()
			cut := 0
			points(func(at emulator.Fault, name string) (met bool) {
				do, device, players := change.prepare(a, b)
				at.Status = http.StatusForbidden
				w.emulator.Inject(at)
				err := do()
				met = len(w.emulator.Faults()) == 0
				w.emulator.ClearFaults()
				if !met {
					return false
				}
				if err != nil {
					cut++
				}
				w.reachable(playerIDs(players)...)
				if err := do(); err != nil && (fault.ReasonOf(err) != "LINK_CHANGED" || change.moved == 0) {
					t.Errorf("%s: the repeat: %v", name, err)
				}
				for _, p := range players {
					p.identities() // it cleans up
				}
				got := b.signIn(device)
				if change.moved >= 0 && got.GetPlayerId() != players[change.moved].id || change.moved < 0 && !got.GetCreated() {
					t.Errorf("%s: the credential leads to %v", name, got)
				}
				w.linksAgree(nil)
				if t.Failed() {
					t.Fatalf("%s", name)
				}
				return true
			})
			if cut < 4 {
				t.Errorf("it was cut %d times", cut)
			}
		})
	}
}

// A move that stopped half-way is decided the other way round: the credential stays, unless it had moved already.
func TestLinksStayAfterAMoveThatStopped(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	a, b := w.replica(), w.replica()
	stayed := 0
	points(func(at emulator.Fault, name string) (met bool) {
		owner, caller := b.linker(secret()), a.linker()
		token := caller.taken(owner.me).GetResolveToken()
		at.Status = http.StatusForbidden
		w.emulator.Inject(at)
		_ = caller.resolve(token, caller.id, false)
		met = len(w.emulator.Faults()) == 0
		w.emulator.ClearFaults()
		want := owner.id
		switch err := caller.resolve(token, owner.id, false); {
		case err == nil:
			stayed++
			if got := owner.identities(); len(got) != 2 {
				t.Errorf("%s: the owner has %v", name, got)
			}
		case fault.ReasonOf(err) == "LINK_CHANGED":
			want = caller.id
		default:
			t.Errorf("%s: %v", name, err)
		}
		if id := b.who(owner.me); id != want {
			t.Errorf("%s: it leads to %s, want %s", name, id, want)
		}
		owner.identities()
		caller.identities()
		w.linksAgree(nil)
		if t.Failed() {
			t.Fatalf("%s", name)
		}
		return met
	})
	if stayed < 4 {
		t.Errorf("it stayed %d times", stayed)
	}
}

// The same, but nobody repeats the change: the next changes of the same players and the next sign-in clean up behind it.
func TestLinksHealWithoutARepeat(t *testing.T) {
	t.Parallel()
	for _, change := range linkChanges() {
		t.Run(change.name, func(t *testing.T) {
			t.Parallel()
			w := newFaultyWorld(t)
			a, b := w.replica(), w.replica()
			points(func(at emulator.Fault, name string) (met bool) {
				do, device, players := change.prepare(a, b)
				at.Status = http.StatusForbidden
				w.emulator.Inject(at)
				_ = do()
				met = len(w.emulator.Faults()) == 0
				w.emulator.ClearFaults()
				b.signIn(device)
				for _, p := range players {
					if err := p.link(secret()); err != nil {
						t.Errorf("%s: the next link: %v", name, err)
					}
				}
				w.linksAgree(nil)
				if t.Failed() {
					t.Fatalf("%s", name)
				}
				return met
			})
		})
	}
}

// A rival changes the same link between any two requests of a change. Whoever comes first, every player keeps a way in, and both sides of
// every link agree when the dust has settled.
func TestLinksMeetARivalAtEveryStep(t *testing.T) {
	t.Parallel()
	rivals := map[string]func(b *replica, device string, players []*linker){
		"a sign-in": func(b *replica, device string, _ []*linker) { b.signIn(device) },
		"another player's link": func(b *replica, device string, _ []*linker) {
			_ = b.linker().link(device) // it may be taken
		},
		"another player's move": func(b *replica, device string, _ []*linker) {
			rival := b.linker()
			if taken := takenOf(rival.link(device)); taken != nil {
				_ = rival.resolve(taken.GetResolveToken(), rival.id, false)
			}
		},
		"an unlink of everything": func(_ *replica, _ string, players []*linker) {
			for _, p := range players {
				for _, id := range p.identities() {
					_, _ = p.UnlinkIdentity(context.WithoutCancel(p.r.t.Context()), unlinkRequest(id))
				}
			}
		},
		"an unlink of the others": func(_ *replica, device string, players []*linker) {
			for _, p := range players {
				for _, id := range p.identities() {
					if id != identityOf(device) {
						_, _ = p.UnlinkIdentity(context.WithoutCancel(p.r.t.Context()), unlinkRequest(id))
					}
				}
			}
		},
		"the same player's link": func(_ *replica, device string, players []*linker) { _ = players[0].link(device) },
	}
	for rivalName, rival := range rivals {
		for _, change := range linkChanges() {
			t.Run(change.name+" meets "+rivalName, func(t *testing.T) {
				t.Parallel()
				w := newFaultyWorld(t)
				a, b := w.replica(), w.replica()
				points(func(at emulator.Fault, name string) (met bool) {
					do, device, players := change.prepare(a, b)
					for i := range players {
						players[i] = players[i].on(b)
					}
					at.Hook = func(context.Context, emulator.Point) { rival(b, device, players) }
					w.emulator.Inject(at)
					err := do()
					met = len(w.emulator.Faults()) == 0
					w.emulator.ClearFaults()
					if !met {
						return false
					}
					w.reachable(playerIDs(players)...)
					switch fault.KindOf(err) {
					case fault.Internal, fault.DataLoss, fault.DeadlineExceeded:
						if err != nil {
							t.Errorf("%s: %v", name, err)
						}
					}
					for _, p := range players {
						p.identities()
					}
					b.signIn(device)
					w.settleAll(b)
					w.linksAgree(nil)
					if t.Failed() {
						t.Fatalf("%s", name)
					}
					return true
				})
			})
		}
	}
}

// settleAll lists the identities of every player with half-done links, as an operator may, which cleans up behind changes.
func (w *world) settleAll(r *replica) {
	w.t.Helper()
	if w.console == nil {
		w.console = r.operator()
	}
	for _, p := range w.links().players {
		for _, l := range p.Links {
			if !l.Claimed && !l.Leaving {
				continue
			}
			if _, err := w.console.ListIdentities(w.t.Context(), listRequest(p.PlayerID)); err != nil {
				w.t.Error(err)
			}
		}
	}
}

// Two players want one free credential at once, and one player gives up all of his at once.
func TestLinksAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	replicas := []*replica{w.replica(), w.replica()}
	for range 3 {
		device := secret()
		players := []*linker{replicas[0].linker(), replicas[1].linker(), replicas[0].linker()}
		var wg sync.WaitGroup
		for _, p := range players {
			for range 2 {
				wg.Go(func() {
					err := p.link(device)
					if err != nil && fault.ReasonOf(err) != "IDENTITY_TAKEN" && fault.ReasonOf(err) != "IDENTITY_CHANGING" {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		w.settleAll(replicas[0])
		w.linksAgree(nil)
		devices := []string{secret(), secret(), secret()}
		p := replicas[0].linker(devices...)
		for i, device := range append(devices, p.me) {
			q := p.on(replicas[i%2])
			wg.Go(func() {
				err := q.unlink(device)
				if err != nil && fault.ReasonOf(err) != "LAST_IDENTITY" {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(p.identities()); n != 1 {
			t.Errorf("%d identities are left", n)
		}
		w.linksAgree(nil)
	}
}

func TestLinksUnderFaults(t *testing.T) {
	t.Parallel()
	for _, change := range linkChanges() {
		t.Run(change.name, func(t *testing.T) {
			t.Parallel()
			w := newFaultyWorld(t)
			a, b := w.replica(), w.replica()
			for name, trouble := range troubles() {
				for _, container := range []string{cosmosstore.Identities, cosmosstore.Players} {
					for skip := range 4 {
						do, device, players := change.prepare(a, b)
						trouble.Container, trouble.Skip, trouble.Count = container, skip, 1
						w.emulator.Inject(trouble)
						err := do()
						w.emulator.ClearFaults()
						got := b.signIn(device)
						if err != nil || change.moved >= 0 && got.GetPlayerId() != players[change.moved].id || change.moved < 0 && !got.GetCreated() {
							t.Errorf("%v, the credential leads to %v", err, got)
						}
						w.linksAgree(nil)
						if t.Failed() {
							t.Fatalf("with %s at request %d to %s", name, skip, container)
						}
					}
				}
			}
		})
	}
}
