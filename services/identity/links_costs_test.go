package identity_test

import (
	"context"
	"math"
	"testing"
	"time"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/platform/cosmos/cosmostest"
)

// The price of each RPC of links and suspensions, as TestCosts pins that of the others. Refusals have their price too: they are the usual
// case of some.
func TestCostsOfLinksAndSuspensions(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t, inOneSecond())
	w.deps.Verifier.RevocationsPoll = time.Hour // its polls would be counted too
	r := w.replica()
	console := r.operator()
	second := secret()
	owner, p := r.linker(secret()), r.linker()
	token := ""
	for _, tt := range []struct {
		name  string
		call  func(context.Context) error
		calls int
		cost  float64
	}{
		{"LinkIdentity", func(ctx context.Context) error {
			_, err := p.LinkIdentity(ctx, linkDevice(second, ""))
			return err
		}, 7, 30.4},
		{"LinkIdentity, linked already", func(ctx context.Context) error {
			_, err := p.LinkIdentity(ctx, linkDevice(second, ""))
			return err
		}, 3, 3},
		{"LinkIdentity, taken", func(ctx context.Context) error {
			taken := takenOf(func() error { _, err := p.LinkIdentity(ctx, linkDevice(owner.me, "")); return err }())
			token = taken.GetResolveToken()
			return nil
		}, 3, 3},
		{"ListIdentities", func(ctx context.Context) error {
			_, err := p.ListIdentities(ctx, &identityv1.ListIdentitiesRequest{})
			return err
		}, 2, 2},
		{"ResolveLink, moved", func(ctx context.Context) error {
			_, err := p.ResolveLink(ctx, &identityv1.ResolveLinkRequest{ResolveToken: token, KeepPlayerId: p.id})
			return err
		}, 15, 61},
		{"ResolveLink, again", func(ctx context.Context) error {
			_, err := p.ResolveLink(ctx, &identityv1.ResolveLinkRequest{ResolveToken: token, KeepPlayerId: p.id})
			return err
		}, 3, 3},
		{"UnlinkIdentity", func(ctx context.Context) error {
			_, err := p.UnlinkIdentity(ctx, unlinkRequest(identityOf(second)))
			return err
		}, 7, 20},
		{"SuspendPlayer", func(ctx context.Context) error {
			_, err := console.SuspendPlayer(ctx, &identityv1.SuspendPlayerRequest{PlayerId: p.id, Reason: "cheating", RequestId: "r1"})
			return err
		}, 7, 20.1},
		{"SuspendPlayer, again", func(ctx context.Context) error {
			_, err := console.SuspendPlayer(ctx, &identityv1.SuspendPlayerRequest{PlayerId: p.id, Reason: "cheating", RequestId: "r1"})
			return err
		}, 4, 4.05},
		{"GetSuspension", func(ctx context.Context) error {
			_, err := console.GetSuspension(ctx, &identityv1.GetSuspensionRequest{PlayerId: p.id})
			return err
		}, 2, 2},
		{"LiftSuspension", func(ctx context.Context) error {
			_, err := console.LiftSuspension(ctx, &identityv1.LiftSuspensionRequest{PlayerId: p.id, Reason: "was a mistake"})
			return err
		}, 7, 24.5},
	} {
		ctx, meter := metered(t.Context())
		calls := w.counted()
		if err := tt.call(ctx); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		n := calls()
		if n != tt.calls {
			t.Errorf("%s makes %d requests, want %d", tt.name, n, tt.calls)
		}
		if math.Abs(meter.Charge()-tt.cost) > 0.1*tt.cost {
			t.Errorf("%s costs %.2f RU, want %.2f", tt.name, meter.Charge(), tt.cost)
		}
		cosmostest.Record(t, tt.name, meter.Charge(), n)
	}
	// The chore costs one query a round while nothing is due.
	ctx, meter := metered(t.Context())
	if err := w.suspensions(r).Round(ctx); err != nil {
		t.Fatal(err)
	}
	if meter.Charge() > 3.5 {
		t.Errorf("a round of the chore costs %.2f RU", meter.Charge())
	}
}
