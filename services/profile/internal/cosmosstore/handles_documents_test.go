package cosmosstore

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/handle"
)

// goldenClaim is what is left of a claim in the golden profile.
var goldenClaim = handle.Claim{Number: 3, State: handle.Drop, Name: "Ivan", Due: time.Unix(1772359230, 0).UTC()}

func TestGoldenHandlesAreRead(t *testing.T) {
	r := newRegistry(t, cosmostest.StartShared(t, specs(t)), nil)
	doc, err := r.store.profiles.Decode(readGolden(t, "profile-handle"))
	if err != nil {
		t.Fatal(err)
	}
	claim := goldenClaim
	want := handle.Owner{Claim: &claim, Claims: 3}
	want.PlayerID, want.Handle, want.JoinTime, want.UpdateTime = ada, "PaypaI", joined, changed
	if diff := cmp.Diff(want, doc.owner()); diff != "" {
		t.Error(diff)
	}
	kind := NewHandles(r.client).reservations
	for name, want := range goldenReservations(r) {
		doc, err := kind.Decode(readGolden(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, doc.reservation()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// goldenReservations are those of the golden files.
func goldenReservations(*registry) map[string]handle.Reservation {
	key := "68f7e3e9cb3c93470ec8376bbd0e19b5f749c3059b0a25814daf230d0727937d" // of paypai
	return map[string]handle.Reservation{
		"handle":          {Key: key, Owner: ada, Number: 3, Handle: "PaypaI", Search: "paypai"},
		"handle-released": {Key: key, Number: 3, Former: "s0lG5cZ2nqWmB4T8yQx1Rg", Until: time.Unix(1774951200, 0).UTC()},
	}
}

func TestGoldenHandlesAreWritten(t *testing.T) {
	for name, reservation := range goldenReservations(nil) {
		r := newRegistry(t, cosmostest.StartShared(t, specs(t)), nil)
		keep := time.Duration(0)
		if reservation.Owner == "" {
			keep = handle.Reserved
		}
		if made, err := r.Reservations.Put(newSession(t), reservation, keep); !made || err != nil {
			t.Fatal(made, err)
		}
		rows, err := cosmos.Select[map[string]any](newSession(t), NewHandles(r.client).reservations.Container(), cosmos.PK(reservation.Key), cosmos.SQL("SELECT * FROM c"))
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		wantGolden(t, name, rows[0])
	}
	r := newRegistry(t, cosmostest.StartShared(t, specs(t)), nil)
	edit := handle.Edit{PlayerID: ada, Caller: "player " + ada, RequestID: "r1", Content: []byte("handle PaypaI")}
	claim := goldenClaim
	_, err := r.Profiles.Update(newSession(t), edit, func(o *handle.Owner) (bool, error) {
		o.Handle, o.UpdateTime, o.Claims, o.Claim = "PaypaI", changed, 3, &claim
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantGolden(t, "profile-handle", storedDocument(t, r.store, ada, idProfile))
}

// wantGolden compares a stored document with a golden one, but for the operations, some of which are random.
func wantGolden(t *testing.T, name string, stored map[string]any) {
	t.Helper()
	dropSystemProperties(stored)
	var want map[string]any
	if err := json.Unmarshal(readGolden(t, name), &want); err != nil {
		t.Fatal(err)
	}
	delete(stored, "ops")
	delete(want, "ops")
	if diff := cmp.Diff(want, stored); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// TestKeysNeverChange pins ids of reservations: with other ones a name would be free that somebody has.
func TestKeysNeverChange(t *testing.T) {
	for name, want := range map[string][]string{
		"PaypaI": {
			"68f7e3e9cb3c93470ec8376bbd0e19b5f749c3059b0a25814daf230d0727937d",
			"afe4d16f403a383f07814bbe04a5e7c5a7dc62ba5ce4040fc85514c29e0e88ae",
		},
		"ivan": {"cd0b9452fc376fc4c35a60087b366f70d883fc901524daf1f122fbd319384f6a"},
	} {
		if diff := cmp.Diff(want, mustParse(t, name).Keys); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestKillDuringClaims ends the store's process in the middle of claims. What is open then is finished by a sweep, and whoever was told that he has
// a handle has it.
func TestKillDuringClaims(t *testing.T) {
	t.Parallel()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("kills the store, which only the embedded emulator lets one do")
	}
	for _, writes := range []int{4, 11} {
		dir := t.TempDir()
		client, process := startKillableClient(t, dir)
		r := newRegistry(t, client, nil)
		names, told, tried := []string{"paypal", "PaypaI", "Ivan"}, "", ""
		ctx := newSession(t)
		for i := range writes {
			if i == writes-1 {
				time.AfterFunc(time.Duration(writes)*100*time.Microsecond, func() { _ = process.Process.Kill() })
			}
			tried = names[i%3]
			if err := r.claim(ctx, ada, tried); err != nil {
				break
			}
			told = tried
		}
		_ = process.Process.Kill()
		_ = process.Wait() // killed: it has an error

		client, process = startKillableClient(t, dir)
		r = &registry{client: client, store: New(client), undo: func() {}, Handles: r.Handles, data: r.data}
		r.Profiles, r.Reservations = NewClaims(client), NewHandles(client)
		r.check(t)
		r.Now = func() time.Time { return time.Now().Add(2 * handle.Grace) }
		if err := r.Sweep(newSession(t)); err != nil {
			t.Error(err)
		}
		r.checkClosed(t)
		if got := r.handleOf(t, ada); got != told && got != tried {
			t.Errorf("ada shows %q, was told %q, tried %q", got, told, tried)
		}
		err := r.claim(t.Context(), ada, "zoe-ada")
		for end := time.Now().Add(20 * time.Second); fault.Is(err, fault.Unavailable) && time.Now().Before(end); { // on a busy machine
			err = r.claim(t.Context(), ada, "zoe-ada")
		}
		if err != nil {
			t.Error(err)
		}
		r.checkClosed(t)
		_ = process.Process.Kill()
	}
}
