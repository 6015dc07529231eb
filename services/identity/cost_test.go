package identity_test

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/identity/internal/player"
	"supergame/services/platform/cosmos/cosmostest"
)

// The price of each RPC in request units and requests to the database, pinned: whoever makes one dearer says so here.
func TestCosts(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t, inOneSecond())
	w.deps.Verifier.RevocationsPoll = time.Hour // its polls would be counted too
	r := w.replica()
	services := identityv1.NewIdentityServiceClient(r.program("profile"))
	data := identityv1.NewPlayerDataServiceClient(r.program("profile"))
	first, err := services.ListRevocations(t.Context(), &identityv1.ListRevocationsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	me := secret()
	var session *identityv1.SignInResponse
	refresh := func(ctx context.Context) error {
		next, err := r.RefreshSession(ctx, &identityv1.RefreshSessionRequest{RefreshToken: session.GetSession().GetRefreshToken()})
		session.Session = next.GetSession()
		return err
	}
	for _, tt := range []struct {
		name  string
		call  func(context.Context) error
		calls int
		cost  float64
	}{
		{"SignIn, first", func(ctx context.Context) (err error) {
			session, err = r.SignIn(ctx, device(me, ""))
			return err
		}, 5, 23.8},
		{"SignIn, known device", func(ctx context.Context) (err error) {
			session, err = r.SignIn(ctx, device(me, ""))
			return err
		}, 3, 11.9},
		{"RefreshSession", refresh, 2, 10.9},
		{"RefreshSession, again", refresh, 2, 10.9},
		{"ListRevocations, nothing new", func(ctx context.Context) error {
			_, err := services.ListRevocations(ctx, &identityv1.ListRevocationsRequest{Cursor: first.GetNextCursor()})
			return err
		}, 1, 1},
		{"SignOut", func(ctx context.Context) error {
			_, err := r.SignOut(ctx, &identityv1.SignOutRequest{RefreshToken: session.GetSession().GetRefreshToken()})
			return err
		}, 3, 16.65},
		{"GetKeys", func(ctx context.Context) error {
			_, err := r.GetKeys(ctx, &identityv1.GetKeysRequest{})
			return err
		}, 0, 0},
		{"SignInClient", func(ctx context.Context) error {
			_, err := r.SignInClient(ctx, clientKey("profile", testKey))
			return err
		}, 0, 0},
		{"RevokePlayer", func(ctx context.Context) error {
			_, err := services.RevokePlayer(ctx, &identityv1.RevokePlayerRequest{PlayerId: session.GetPlayerId()})
			return err
		}, 4, 22.4},
		{"ErasePlayer", func(ctx context.Context) error {
			_, err := data.ErasePlayer(ctx, &identityv1.ErasePlayerRequest{PlayerId: session.GetPlayerId()})
			return err
		}, 9, 26.4},
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
}

// inOneSecond stops the store's clock: _ts is indexed, so a replace in a later second than the write before costs 0.8 RU more.
func inOneSecond() emulatortest.Option {
	return emulatortest.WithClock(emulator.NewFrozenClock(time.Now()))
}

// The dearest refresh there is: of a player with as many sessions as one may have, and as many that ended.
func TestCostOfManySessions(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	r := w.replica()
	me := secret()
	token := ""
	for range player.MaxFamilies {
		if err := r.signOut(r.signIn(me).GetSession().GetRefreshToken()); err != nil {
			t.Fatal(err)
		}
	}
	for range player.MaxFamilies {
		token = r.signIn(me).GetSession().GetRefreshToken()
	}
	ctx, meter := metered(t.Context())
	if _, err := r.RefreshSession(ctx, &identityv1.RefreshSessionRequest{RefreshToken: token}); err != nil {
		t.Fatal(err)
	}
	if meter.Charge() > 15 {
		t.Errorf("it costs %.2f RU", meter.Charge())
	}
}

// counted counts the requests to the database from now on, but for the queries of the chore.
func (w *world) counted() func() int {
	var n atomic.Int32
	remove := w.emulator.Inject(emulator.Fault{Hook: func(_ context.Context, p emulator.Point) {
		if p.Op != emulator.OpQuery || p.Container != cosmosstore.Revocations {
			n.Add(1)
		}
	}})
	return func() int {
		remove()
		return int(n.Load())
	}
}
