package auth_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/platform/auth"
	"supergame/services/platform/auth/authtest"
	"supergame/services/platform/fault"
)

// Every revocation ends tokens that were verified before, and only those it is about.
func TestRevocationsEndRememberedTokens(t *testing.T) {
	tests := map[string]struct {
		revoke auth.Revocation
		kind   fault.Kind
		reason string
	}{
		"session":    {auth.Revocation{Kind: auth.RevokeSession, ID: "session-1"}, fault.Unauthenticated, auth.ReasonSessionRevoked},
		"suspension": {auth.Revocation{Kind: auth.SuspendPlayer, ID: player}, fault.PermissionDenied, auth.ReasonPlayerSuspended},
		"until":      {auth.Revocation{Kind: auth.SuspendPlayer, ID: player, ExpireTime: time.Now().Add(time.Hour)}, fault.PermissionDenied, auth.ReasonPlayerSuspended},
		"erasure":    {auth.Revocation{Kind: auth.ErasePlayer, ID: player}, fault.Unauthenticated, auth.ReasonPlayerErased},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := authtest.New(t)
			token, other := a.Player(player), a.Player("01J0000000000000000000000B")
			program := a.Service(player) // a program is not a player, whatever it is called
			for _, good := range []string{token, other, program} {
				if _, err := a.Verifier().Verify(t.Context(), good); err != nil {
					t.Fatal(err)
				}
			}
			a.Revoke(test.revoke)
			wantReason(t, a.Verifier(), token, test.kind, test.reason)
			for _, good := range []string{other, program} {
				if _, err := a.Verifier().Verify(t.Context(), good); err != nil {
					t.Errorf("somebody else is refused: %v", err)
				}
			}
			erased := test.revoke.Kind == auth.ErasePlayer
			if a.Verifier().Erased(player) != erased || a.Verifier().AnyErased() != erased {
				t.Errorf("Erased = %v, AnyErased = %v", a.Verifier().Erased(player), a.Verifier().AnyErased())
			}
			if !test.revoke.ExpireTime.IsZero() {
				_, err := a.Verifier().Verify(t.Context(), token)
				if got := fault.As(err).Metadata["until"]; got != test.revoke.ExpireTime.UTC().Format(time.RFC3339) {
					t.Errorf("until = %q", got)
				}
			}
		})
	}
}

func TestSuspensionIsLiftedAndExpires(t *testing.T) {
	a := authtest.New(t)
	token := a.Player(player)
	a.Revoke(auth.Revocation{Kind: auth.SuspendPlayer, ID: player})
	wantReason(t, a.Verifier(), token, fault.PermissionDenied, auth.ReasonPlayerSuspended)
	a.Revoke(auth.Revocation{Kind: auth.SuspendPlayer, ID: player, Lifted: true})
	if _, err := a.Verifier().Verify(t.Context(), token); err != nil {
		t.Errorf("after it was lifted: %v", err)
	}
	a.Revoke(auth.Revocation{Kind: auth.SuspendPlayer, ID: player, ExpireTime: time.Now().Add(-time.Second)})
	if _, err := a.Verifier().Verify(t.Context(), token); err != nil {
		t.Errorf("after it was over: %v", err)
	}
	a.Revoke(auth.Revocation{Kind: 77, ID: player}) // of a later version
	if _, err := a.Verifier().Verify(t.Context(), token); err != nil {
		t.Errorf("an unknown kind refuses: %v", err)
	}
}

func TestRevocationsArePagedAndContinued(t *testing.T) {
	c := &clock{now: time.Now()}
	row := func(id string) []auth.Revocation { return []auth.Revocation{{Kind: auth.ErasePlayer, ID: id}} }
	source := &fixed{pages: map[string]auth.RevocationPage{
		"":  {Revocations: row("p1"), Cursor: "1", More: true},
		"1": {Revocations: row("p2"), Cursor: "2"},
		"2": {Revocations: row("p3"), Cursor: "3"},
	}}
	v := setup(source, c)
	for range 2 {
		if err := v.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"p1", "p2", "p3"} {
		if !v.Erased(id) {
			t.Errorf("%s is not erased", id)
		}
	}
	delete(source.pages, "3") // the source has forgotten the cursor
	source.pages[""] = auth.RevocationPage{Revocations: row("p4"), Cursor: "9"}
	if err := v.Refresh(t.Context()); err != nil || !v.Erased("p4") || !v.Erased("p1") {
		t.Errorf("a new beginning: %v", err)
	}
	if diff := cmp.Diff([]string{"", "1", "2", "3", ""}, source.asks); diff != "" {
		t.Error(diff)
	}
	source.pages["9"] = auth.RevocationPage{Cursor: "9", More: true}
	if err := v.Refresh(t.Context()); err == nil {
		t.Error("a source that never ends was followed")
	}
}

func TestExpiredRevocationsAreDropped(t *testing.T) {
	c := &clock{now: time.Now()}
	source := &fixed{pages: map[string]auth.RevocationPage{
		"": {Revocations: []auth.Revocation{{Kind: auth.ErasePlayer, ID: "p1", ExpireTime: c.Now().Add(time.Hour)}}, Cursor: "1"}, "1": {Cursor: "1"},
	}}
	v := setup(source, c)
	if err := v.Refresh(t.Context()); err != nil || !v.AnyErased() {
		t.Fatalf("AnyErased = %v, %v", v.AnyErased(), err)
	}
	c.advance(2 * time.Hour)
	if v.Erased("p1") {
		t.Error("an erasure that is over still counts")
	}
	if err := v.Refresh(t.Context()); err != nil || v.AnyErased() {
		t.Errorf("AnyErased = %v, %v", v.AnyErased(), err)
	}
}

func TestReadyNeedsKeysAndAFreshList(t *testing.T) {
	c := &clock{now: time.Now()}
	source := &fixed{err: errors.New("down"), pages: map[string]auth.RevocationPage{"": {}}}
	v := setup(source, c)
	if v.Ready() == nil {
		t.Error("ready without keys")
	}
	if v.Refresh(t.Context()) == nil {
		t.Error("the source's failure is hidden")
	}
	source.err = nil
	if err := v.Refresh(t.Context()); err != nil || v.Ready() != nil {
		t.Errorf("not ready after a poll: %v, %v", err, v.Ready())
	}
	c.advance(61 * time.Second)
	if err := v.Ready(); err == nil {
		t.Error("ready with a list of 61 s")
	}
}

// Run learns of a revocation within its period, survives a source that fails, and ends with its context.
func TestRunPolls(t *testing.T) {
	source := &fixed{err: errors.New("down"), pages: map[string]auth.RevocationPage{"": {Cursor: "1"}, "1": {Cursor: "1"}}}
	v := auth.NewVerifier(config, source, auth.Options{
		RevocationsPoll: 5 * time.Millisecond, KeysPoll: 5 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- v.Run(ctx) }()
	source.mu.Lock()
	source.err = nil
	source.mu.Unlock()
	eventually(t, "ready", func() bool { return v.Ready() == nil })
	source.mu.Lock()
	source.pages["1"] = auth.RevocationPage{Revocations: []auth.Revocation{{Kind: auth.ErasePlayer, ID: "p1"}}, Cursor: "1"}
	source.mu.Unlock()
	eventually(t, "erased", func() bool { return v.Erased("p1") })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not %s within 5 s", what)
		}
	}
}
