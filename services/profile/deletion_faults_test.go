package profile_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/profile"
)

// passingFailures are those after which the same request may work.
var passingFailures = map[string]emulator.Fault{
	"429": {Status: 429, Substatus: 3200, RetryAfter: time.Millisecond}, "449": {Status: 449}, "410": {Status: 410, Substatus: 1002}, "500": {Status: 500},
	"503": {Status: 503}, "cut before": {DropBefore: true}, "cut after": {DropAfter: true}, "503 after": {Status: 503, After: true},
}

// furnish gives a player something of everything.
func (d *deleting) furnish(t *testing.T, id string) {
	t.Helper()
	d.player(t, id)
	for what, write := range d.lateWrites(t, id) {
		if err := write(session(t), false); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// TestADeletionUnderFaults meets every request of all three sweeps with every passing failure: no call fails, and nothing is left. By default each
// failure meets every eighth request, others for each; LONG=1 all.
func TestADeletionUnderFaults(t *testing.T) {
	t.Parallel()
	step := 8
	if os.Getenv("LONG") != "" {
		step = 1
	}
	var group sync.WaitGroup // at the same time, however few processors there are: they wait more than they compute
	for name, failure := range passingFailures {
		group.Go(func() { t.Run(name, func(t *testing.T) { deleteUnder(t, failure, len(name)%step, step) }) })
	}
	group.Wait()
}

// deleteUnder meets the requests with these numbers.
func deleteUnder(t *testing.T, failure emulator.Fault, first, step int) {
	d := startDeleting(t, following)
	d.join(t, bob)
	ops, number := d.operator(t), 0
	for _, container := range []string{"players", "handles", "reviews"} {
		if container != "players" {
			first, step = first%3, min(step, 3)
		}
		i, met := first, true
		for ; met; i += step {
			number++
			id := fmt.Sprintf("01ARZ3NDEKTSV4RRFF8%05dXY", number)
			d.furnish(t, id)
			var meets atomic.Bool
			failure.Container, failure.Skip, failure.Count = container, i, 1
			failure.Hook = func(context.Context, emulator.Point) { meets.Store(true) }
			d.emulator.Inject(failure)
			d.finish(t, ops, id, profilev1.Deletion_STATE_FINAL)
			d.emulator.ClearFaults()
			if left := d.traces(t, id); len(left) != 0 || d.left(id) != 0 {
				t.Errorf("at %d of %s: in the end there is %q", i, container, left)
			}
			met = meets.Load()
		}
		if i < 2 {
			t.Errorf("%d requests to %s: the test does not see what it should", i, container)
		}
	}
	t.Logf("%d deletions", number)
}

// startReplicas serves the same store several times.
func startReplicas(t *testing.T, n int) (d *deleting, replicas []*world) {
	t.Helper()
	specs, err := profile.Containers()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("needs an emulator in the process, with several clients")
	}
	d = &deleting{peers: newPeers(), emulator: emulatortest.Start(t)}
	for range n {
		replicas = append(replicas, d.serve(t, cosmostest.Open(t, d.emulator, "replicas-of-"+strings.ToLower(t.Name()), specs), following))
	}
	d.world = replicas[0]
	return d, replicas
}

// TestTwoReplicasDelete lets two replicas carry out the same deletions at once, each with the chores of its own: nothing
// is left, and every document is counted once.
func TestTwoReplicasDelete(t *testing.T) {
	t.Parallel()
	d, replicas := startReplicas(t, 2)
	d.join(t, bob)
	for round := range 6 {
		id := fmt.Sprintf("01ARZ3NDEKTSV4RRFF9%05dXY", round)
		d.furnish(t, id)
		for _, step := range []struct {
			want  profilev1.Deletion_State
			after time.Duration
		}{
			{profilev1.Deletion_STATE_ERASED, 0}, {profilev1.Deletion_STATE_CERTIFIED, 2*time.Minute + time.Second},
			{profilev1.Deletion_STATE_FINAL, 8*24*time.Hour + time.Second},
		} {
			d.advance(step.after)
			var wg sync.WaitGroup
			for _, replica := range replicas {
				ops := d.operatorOf(t, replica)
				for range 2 {
					wg.Go(func() {
						_, err := ops.DeletePlayer(session(t), &profilev1.DeletePlayerRequest{PlayerId: id})
						if err != nil && !fault.Is(err, fault.Aborted) {
							t.Errorf("%v: %v", step.want, err)
						}
					})
				}
			}
			wg.Wait()
			d.finish(t, d.operatorOf(t, replicas[round%2]), id, step.want)
		}
		r, err := d.operator(t).GetDeletion(session(t), &profilev1.GetDeletionRequest{PlayerId: id})
		if err != nil {
			t.Fatal(err)
		}
		for _, store := range r.GetDeletion().GetCertificate().GetStores() {
			if want, ok := map[string]int64{"identity-things": 2, "leaderboard-things": 3, "reviews": 0}[store.GetContainer()]; ok && store.GetDeleted() != want {
				t.Errorf("%v, want %d", store, want)
			}
		}
		if left := d.traces(t, id); len(left) != 0 || d.left(id) != 0 {
			t.Errorf("in the end there is %q", left)
		}
	}
}

func (d *deleting) operatorOf(t *testing.T, w *world) profilev1.ProfileServiceClient {
	return w.profiles(t, w.authority.Operator(someOps))
}
