package cosmosstore

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/friends"
)

// newForgettable is a world in which ada stands in every state with others, and is being erased.
func newForgettable(t *testing.T, client *cosmos.Client) (*friendsWorld, []string) {
	t.Helper()
	w := newFriendsWorld(t, client)
	mustCreate(newSession(t), t, w.profile, ada, bob)
	holders := make([]string, 8)
	for i := range holders {
		holders[i] = friendID(i)
		mustCreate(newSession(t), t, w.profile, holders[i])
		w.do(t, "request", holders[i], bob) // a half that stays
	}
	for i, steps := range [][][2]string{ // each is done by the holder, or by ada
		{{"request", "holder"}}, {{"request", "ada"}}, {{"request", "holder"}, {"accept", "ada"}}, {{"request", "ada"}, {"accept", "holder"}},
		{{"block", "holder"}}, {{"block", "ada"}}, {{"request", "holder"}, {"remove", "ada"}}, {{"request", "ada"}, {"block", "holder"}},
	} {
		for _, step := range steps {
			who, other := holders[i], ada
			if step[1] == "ada" {
				who, other = other, who
			}
			w.do(t, step[0], who, other)
		}
	}
	if err := w.profile.players.Delete(newSession(t), cosmos.PK(ada), idLive, ""); err != nil {
		t.Fatal(err)
	}
	return w, holders
}

func (w *friendsWorld) wantForgotten(t *testing.T, holders []string) {
	t.Helper()
	for _, id := range holders {
		if stored := storedDocument(t, w.profile, id, idHalf+ada); stored != nil {
			t.Errorf("%s still has %v", id, stored)
		}
		if err := w.recount(newSession(t), id); err != nil {
			t.Error(err)
		}
		if stored := storedDocument(t, w.profile, id, idHalf+bob); stored == nil {
			t.Errorf("%s lost another half", id)
		}
	}
}

func TestForget(t *testing.T) {
	w, holders := newForgettable(t, cosmostest.StartShared(t, specs(t)))
	deleted, done, err := w.store.Forget(newSession(t), ada, 1000)
	if deleted != len(holders) || !done || err != nil {
		t.Errorf("%d, %v, %v, want %d", deleted, done, err, len(holders))
	}
	w.wantForgotten(t, holders)
	if deleted, done, err := w.store.Forget(newSession(t), ada, 1000); deleted != 0 || !done || err != nil {
		t.Errorf("a second time: %d, %v, %v", deleted, done, err)
	}
	// Ada's own halves are still there, and so is the feed: nothing of her comes back.
	w.rewind(t)
	if err := w.repairAll(newSession(t)); err != nil {
		t.Fatal(err)
	}
	w.wantForgotten(t, holders)
}

func TestForgetLittleByLittle(t *testing.T) {
	client, _ := cosmostest.StartEmulator(t, "partitions", specs(t), emulatortest.WithPartitions(3))
	w, holders := newForgettable(t, client)
	calls, total := 0, 0
	for done := false; !done; calls++ {
		deleted, finished, err := w.store.Forget(newSession(t), ada, 1)
		if err != nil || calls > 20 {
			t.Fatal(calls, err)
		}
		total, done = total+deleted, finished
	}
	if total != len(holders) || calls < 2 {
		t.Errorf("%d deleted in %d calls", total, calls)
	}
	w.wantForgotten(t, holders)
}

func TestForgetTwiceAtOnce(t *testing.T) {
	w, holders := newForgettable(t, cosmostest.StartShared(t, specs(t)))
	var total atomic.Int64
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			deleted, _, err := w.store.Forget(newSession(t), ada, 1000)
			if err != nil {
				t.Error(err)
			}
			total.Add(int64(deleted))
		})
	}
	group.Wait()
	if total.Load() != int64(len(holders)) {
		t.Errorf("%d deleted, of %d", total.Load(), len(holders))
	}
	w.wantForgotten(t, holders)
}

func TestForgetUnderFaults(t *testing.T) {
	t.Parallel()
	subtests := map[string]func(*testing.T){}
	for name, failure := range passing {
		subtests[name] = func(t *testing.T) {
			client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
			w, holders := newForgettable(t, client)
			failure.Op, failure.Container, failure.Skip, failure.Count = emulator.OpBatch, Players, 2, 1
			e.Inject(failure)
			deleted, done, err := w.store.Forget(newSession(t), ada, 1000)
			if deleted != len(holders) || !done || err != nil {
				t.Errorf("%d, %v, %v, want %d", deleted, done, err, len(holders))
			}
			w.wantForgotten(t, holders)
		}
	}
	together(t, subtests)
}

// TestEraseBetweenTheSteps erases bob between ada's own word and its copy: ada is told that he does not exist, and keeps nothing.
func TestEraseBetweenTheSteps(t *testing.T) {
	w := newSharedFriends(t, ada, bob)
	w.Now = func() time.Time {
		if err := w.profile.players.Delete(newSession(t), cosmos.PK(bob), idLive, ""); err != nil && !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		return time.Now()
	}
	_, err := w.Request(newSession(t), friendsPlayer(ada), friends.Pair{OtherID: bob})
	if f := fault.As(err); f == nil || f.Reason != "PLAYER_NOT_FOUND" || f.Metadata["player_id"] != bob {
		t.Errorf("%v", err)
	}
	if stored := storedDocument(t, w.profile, ada, idHalf+bob); stored != nil {
		t.Errorf("ada has %v", stored)
	}
	if stored := storedDocument(t, w.profile, bob, idHalf+ada); stored != nil {
		t.Errorf("bob has %v", stored)
	}
	if err := w.recount(newSession(t), ada); err != nil {
		t.Error(err)
	}
}

// TestEraseBeforeTheOwnStep erases ada while her request is decided: nothing is written.
func TestEraseBeforeTheOwnStep(t *testing.T) {
	w := newSharedFriends(t, ada, bob)
	w.Now = func() time.Time {
		if err := w.profile.players.Delete(newSession(t), cosmos.PK(ada), idLive, ""); err != nil {
			t.Error(err)
		}
		return time.Now()
	}
	_, err := w.Request(newSession(t), friendsPlayer(ada), friends.Pair{OtherID: bob})
	if f := fault.As(err); f == nil || f.Reason != "PLAYER_NOT_FOUND" || f.Metadata["player_id"] != ada {
		t.Errorf("%v", err)
	}
	for _, pair := range [][2]string{{ada, bob}, {bob, ada}} {
		if stored := storedDocument(t, w.profile, pair[0], idHalf+pair[1]); stored != nil {
			t.Errorf("%s has %v", pair[0], stored)
		}
	}
}

// TestRepairOfAnOrphan: the feed takes away what is left of a word to somebody who was erased.
func TestRepairOfAnOrphan(t *testing.T) {
	w := newSharedFriends(t, ada, bob)
	w.lossy.losing(true)
	w.do(t, "request", ada, bob)
	w.lossy.losing(false)
	if err := w.profile.players.Delete(newSession(t), cosmos.PK(bob), idLive, ""); err != nil {
		t.Fatal(err)
	}
	if err := w.repairAll(newSession(t)); err != nil {
		t.Fatal(err)
	}
	if stored := storedDocument(t, w.profile, ada, idHalf+bob); stored != nil {
		t.Errorf("ada has %v", stored)
	}
	if err := w.recount(newSession(t), ada); err != nil {
		t.Error(err)
	}
}
