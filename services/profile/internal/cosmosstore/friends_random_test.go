package cosmosstore

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/friends"
)

// TestFriendsInAnyOrder lets three players do what they like while what they say gets lost on its way and the feed comes late, twice, or from its
// beginning. Once the feed has caught up, both halves of each pair hold the last word of each side, as a list of these knows them,
// and the counts are those of the halves.
func TestFriendsInAnyOrder(t *testing.T) {
	w := newFriendsWorld(t, cosmostest.StartShared(t, specs(t)))
	var serial atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		base := int(serial.Add(1)) * 10
		players := []string{friendID(base), friendID(base + 1), friendID(base + 2)}
		mustCreate(newSession(t), t, w.profile, players...)
		last := map[[2]string]friends.Say{} // the last word of each side, by author and other
		for range rapid.IntRange(1, 14).Draw(rt, "steps") {
			randomFriendsStep(t, rt, w, players, last)
		}
		w.lossy.losing(false)
		ctx := newSession(t)
		if err := w.repairAll(ctx); err != nil {
			rt.Fatal(err)
		}
		for i, a := range players {
			for _, b := range players[i+1:] {
				wantLastWords(t, rt, w, [2]string{a, b}, last)
			}
		}
	})
}

// randomFriendsStep is a word of a player, or a page of the feed.
func randomFriendsStep(t *testing.T, rt *rapid.T, w *friendsWorld, players []string, last map[[2]string]friends.Say) {
	ctx := newSession(t)
	verbs := []string{"request", "request", "request", "accept", "accept", "remove", "block", "unblock", "page", "page again"}
	verb := rapid.SampledFrom(verbs).Draw(rt, "verb")
	if verb == "page" || verb == "page again" {
		if _, err := w.repairPage(ctx, verb == "page"); err != nil {
			rt.Fatal(err)
		}
		return
	}
	from := rapid.IntRange(0, 2).Draw(rt, "who")
	to := (from + rapid.IntRange(1, 2).Draw(rt, "other")) % 3
	w.lossy.losing(rapid.Bool().Draw(rt, "lost"))
	half, err := w.verbs()[verb](ctx, friendsPlayer(players[from]), friends.Pair{OtherID: players[to]})
	w.lossy.losing(false)
	switch fault.ReasonOf(err) {
	case "NO_FRIEND_REQUEST", "PLAYER_BLOCKED":
	case "":
		if half.Mine.Seq > 0 {
			last[[2]string{players[from], players[to]}] = half.Mine
		}
	default:
		rt.Fatal(err)
	}
}

// wantLastWords compares both halves of a pair with the last words of both sides.
func wantLastWords(t *testing.T, rt *rapid.T, w *friendsWorld, pair [2]string, last map[[2]string]friends.Say) {
	ctx := newSession(t)
	ofA, ofB := last[pair], last[[2]string{pair[1], pair[0]}]
	mine, errA := w.store.Get(ctx, pair[0], pair[1])
	theirs, errB := w.store.Get(ctx, pair[1], pair[0])
	if err := errors.Join(errA, errB); err != nil {
		rt.Fatal(err)
	}
	model := friends.Half{PlayerID: pair[0], OtherID: pair[1], Mine: ofA, Theirs: ofB}
	if mine != model {
		rt.Errorf("%+v, want %+v", mine, model)
	}
	model = friends.Half{PlayerID: pair[1], OtherID: pair[0], Mine: ofB, Theirs: ofA}
	if theirs != model {
		rt.Errorf("%+v, want %+v", theirs, model)
	}
	if err := w.checkFriends(ctx, pair[0], pair[1]); err != nil {
		rt.Error(err)
	}
}

// TestFriendsAtOnce lets two players do everything at the same time.
func TestFriendsAtOnce(t *testing.T) {
	w := newSharedFriends(t, ada, bob)
	verbs := []string{"request", "accept", "remove", "request", "block", "unblock", "request", "accept"}
	ended := make(chan error)
	for i, pair := range [][2]string{{ada, bob}, {bob, ada}, {ada, bob}, {bob, ada}} {
		go func() {
			for round := range 10 {
				verb := verbs[(round*(i+1)+i)%len(verbs)]
				_, err := w.verbs()[verb](newSession(t), friendsPlayer(pair[0]), friends.Pair{OtherID: pair[1]})
				if err != nil && !slices.Contains([]string{"NO_FRIEND_REQUEST", "PLAYER_BLOCKED"}, fault.ReasonOf(err)) {
					ended <- fmt.Errorf("%s: %w", verb, err)
					return
				}
			}
			ended <- nil
		}()
	}
	for range 4 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if err := w.repairAll(newSession(t)); err != nil {
		t.Fatal(err)
	}
	if err := w.checkFriends(newSession(t), ada, bob); err != nil {
		t.Error(err)
	}
}

// TestFriendsUnderFire lets players do everything at the same time while the store refuses and cuts connections at random. What is answered
// with an error may have happened or not; the halves agree and the counts are right all the same.
func TestFriendsUnderFire(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	w := newFriendsWorld(t, client)
	players := []string{ada, bob, friendID(1)}
	mustCreate(newSession(t), t, w.profile, players...)
	for _, failure := range []emulator.Fault{
		{Status: 429, Substatus: 3200, RetryAfter: time.Millisecond}, {Status: 449}, {Status: 410, Substatus: 1002}, {Status: 503},
		{DropBefore: true}, {DropAfter: true}, {Status: 503, After: true},
	} {
		failure.Op, failure.Probability = emulator.OpWrite, 0.04
		e.Inject(failure)
	}
	rounds := 12
	if os.Getenv("LONG") != "" {
		rounds = 300
	}
	var group sync.WaitGroup
	for i := range players {
		for j := range players {
			if i == j {
				continue
			}
			group.Go(func() {
				for round := range rounds {
					verb := []string{"request", "accept", "remove", "request", "block", "unblock"}[(round*(i+1)+j)%6]
					pair := friends.Pair{OtherID: players[j], RequestID: fmt.Sprintf("%d-%d-%d", i, j, round)}
					_, err := w.verbs()[verb](newSession(t), friendsPlayer(players[i]), pair)
					if fault.Is(err, fault.Internal) || fault.Is(err, fault.AlreadyExists) || fault.Is(err, fault.NotFound) {
						t.Errorf("%s: %v", verb, err)
					}
				}
			})
		}
	}
	group.Wait()
	e.ClearFaults()
	if err := w.repairAll(newSession(t)); err != nil {
		t.Fatal(err)
	}
	for i, a := range players {
		for _, b := range players[i+1:] {
			if err := w.checkFriends(newSession(t), a, b); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestThousandFriends fills a list to its limit with friends who are really there.
func TestThousandFriends(t *testing.T) {
	if os.Getenv("LONG") == "" {
		t.Skip("makes a thousand players; LONG=1 runs it")
	}
	w := newSharedFriends(t, ada)
	for i := range friends.MaxFriends + 1 {
		mustCreate(newSession(t), t, w.profile, friendID(i))
		w.do(t, "request", friendID(i), ada)
		_, err := w.Accept(newSession(t), friendsPlayer(ada), friends.Pair{OtherID: friendID(i)})
		if full := i == friends.MaxFriends; full != (fault.ReasonOf(err) == "FRIENDS_FULL") || !full && err != nil {
			t.Fatalf("friend %d: %v", i, err)
		}
	}
	if err := w.recount(newSession(t), ada); err != nil {
		t.Error(err)
	}
	metering, meter := metered(newSession(t))
	all, next, err := w.Relations(metering, ada, friends.Filter{States: []friends.State{friends.Friend}}, friends.Page{})
	if err != nil || len(all) != friends.MaxFriends {
		t.Errorf("%d, %q, %v", len(all), next, err)
	}
	t.Logf("%d friends: %.2f RU in %d calls", len(all), meter.Charge(), meter.Calls())
}
