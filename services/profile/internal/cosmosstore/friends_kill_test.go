package cosmosstore

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"supergame/services/platform/fault"
	"supergame/services/profile/internal/friends"
)

// TestKillFriends ends the store's process while players ask, accept, remove and block. Afterwards the feed makes both halves of each
// pair agree, the counts are right, and no acknowledged word is lost.
func TestKillFriends(t *testing.T) {
	t.Parallel()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("kills the store, which only the embedded emulator lets one do")
	}
	dir := t.TempDir()
	s, process := startKillable(t, dir)
	w := friendsOn(t, s)
	players := []string{ada, bob, friendID(1), friendID(2)}
	mustCreate(newSession(t), t, s, players...)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var acknowledged atomic.Int64
	var mu sync.Mutex
	last := map[[2]string]int64{} // the number of the last acknowledged word
	var group sync.WaitGroup
	for i := range players {
		me, other := players[i], players[(i+1)%len(players)]
		group.Go(func() {
			for round := 0; ; round++ {
				verb := []string{"request", "remove", "request", "block", "unblock", "accept"}[(round+i)%6]
				half, err := w.verbs()[verb](ctx, friendsPlayer(me), friends.Pair{OtherID: other})
				switch {
				case err == nil:
					mu.Lock()
					last[[2]string{me, other}] = half.Mine.Seq
					mu.Unlock()
					if acknowledged.Add(1) == 60 {
						_ = process.Process.Kill() // while the others are on their way
					}
				case !fault.Is(err, fault.FailedPrecondition):
					return
				}
			}
		})
	}
	group.Wait()
	_ = process.Wait() // killed: it has an error

	s, _ = startKillable(t, dir)
	w = friendsOn(t, s)
	if err := w.repairAll(newSession(t)); err != nil {
		t.Fatal(err)
	}
	for i := range players {
		me, other := players[i], players[(i+1)%len(players)]
		if err := w.checkFriends(newSession(t), me, other); err != nil {
			t.Error(err)
		}
		half, err := w.store.Get(newSession(t), me, other)
		if err != nil || half.Mine.Seq < last[[2]string{me, other}] {
			t.Errorf("%+v, %v: %d was acknowledged", half, err, last[[2]string{me, other}])
		}
	}
}
