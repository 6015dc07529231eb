package cosmosstore

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/profile"
)

const (
	ada = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	bob = "01BX5ZZKBKACTAV9WEVGEMMVRZ"
)

var (
	joined  = time.Date(2026, 3, 1, 10, 0, 0, 120_000_000, time.UTC)
	changed = time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)
)

func specs(t testing.TB) []cosmos.ContainerSpec {
	t.Helper()
	text, err := os.ReadFile("../../containers.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := cosmos.ParseSpecs(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// newStore gives a store on a database of its own, and the context of one caller.
func newStore(t testing.TB) (*Store, context.Context) {
	t.Helper()
	return New(cosmostest.StartShared(t, specs(t))), newSession(t)
}

func newSession(t testing.TB) context.Context {
	return cosmos.WithSession(t.Context(), &cosmos.Session{})
}

// metered returns a context that counts what its calls cost.
func metered(ctx context.Context) (context.Context, *cosmos.Meter) {
	m := &cosmos.Meter{}
	return cosmos.WithMeter(ctx, m), m
}

func newcomer(playerID string) profile.Player {
	return profile.Player{
		Profile: profile.Profile{PlayerID: playerID, JoinTime: joined, UpdateTime: joined},
		Private: &profile.Private{UpdateTime: joined},
	}
}

func mustCreate(ctx context.Context, t testing.TB, s *Store, playerIDs ...string) {
	t.Helper()
	for _, id := range playerIDs {
		if made, err := s.Create(ctx, newcomer(id)); err != nil || !made {
			t.Fatalf("create %s: %v, %v", id, made, err)
		}
	}
}

var ignoreETags = cmp.Options{
	cmpopts.IgnoreFields(profile.Profile{}, "ETag"), cmpopts.IgnoreFields(profile.Private{}, "ETag"), cmpopts.EquateEmpty(),
}

func TestCreate(t *testing.T) {
	s, ctx := newStore(t)
	metering, meter := metered(ctx)
	mustCreate(metering, t, s, ada)
	if meter.Calls() != 1 {
		t.Errorf("%d SDK calls, want 1", meter.Calls())
	}
	got, err := s.GetFull(ctx, ada)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(newcomer(ada), got, ignoreETags); diff != "" {
		t.Error(diff)
	}
	if made, err := s.Create(ctx, newcomer(ada)); made || err != nil {
		t.Errorf("a second time: %v, %v", made, err)
	}
	again, err := s.GetFull(ctx, ada)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("the second create changed something: %s", diff)
	}
}

func TestCreateTwiceAtOnce(t *testing.T) {
	s, ctx := newStore(t)
	made := make([]bool, 8)
	var wg sync.WaitGroup
	for i := range made {
		wg.Go(func() {
			var err error
			if made[i], err = s.Create(ctx, newcomer(ada)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	count := 0
	for _, m := range made {
		if m {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d of %d say that they created the player", count, len(made))
	}
}

func TestGetMissing(t *testing.T) {
	s, ctx := newStore(t)
	_, errPublic := s.Get(ctx, bob)
	_, errFull := s.GetFull(ctx, bob)
	for _, err := range []error{errPublic, errFull} {
		if !fault.Is(err, fault.NotFound) || fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
			t.Errorf("got %v", err)
		}
	}
}

func TestGetMany(t *testing.T) {
	s, ctx := newStore(t)
	var ids, asked []string
	for i := range 100 {
		id := fmt.Sprintf("01ARZ3NDEKTSV4RRFFQ69G5%03d", i)
		asked = append(asked, id)
		if i%10 != 9 {
			ids = append(ids, id)
			mustCreate(ctx, t, s, id)
		}
	}
	metering, meter := metered(ctx)
	found, err := s.GetMany(metering, asked)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range found {
		got = append(got, p.PlayerID)
		if p.ETag == "" {
			t.Errorf("%s has no version", p.PlayerID)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Error(diff)
	}
	if meter.Calls() != 1 {
		t.Errorf("%d SDK calls for 100 players, want 1", meter.Calls())
	}
	t.Logf("100 players: %.2f RU", meter.Charge())
}
