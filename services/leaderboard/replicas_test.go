package leaderboard_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	"supergame/services/leaderboard"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

// slowFeed makes a replica follow the feed so slowly that it is behind for the whole test.
func slowFeed(c *leaderboard.Config) { c.FeedInterval, c.Heartbeat = time.Minute, 0 }

// TestAReadSeesTheVersionItCarries submits on one replica and reads on another that is behind.
func TestAReadSeesTheVersionItCarries(t *testing.T) {
	client := cosmostest.StartShared(t, containers(t))
	one := start(t, setup{client: client})
	two := start(t, setup{client: client, config: slowFeed, profile: one.profile})
	one.makeBoard(t, points("b"))
	entry := one.score(t, ada, "r1", "b", 5).GetEntry()
	me := two.player(t, ada)
	if stale, err := me.GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b"}); err != nil || stale.GetEntry() != nil {
		t.Fatalf("the second replica is not behind: %v, %v", stale, err)
	}
	meter := &cosmos.Meter{}
	ctx := cosmos.WithMeter(session(t), meter)
	for read, charge := range []float64{1, 1} { // the second from memory
		rank, err := me.GetRank(ctx, &leaderboardv1.GetRankRequest{BoardId: "b", MinEntryVersion: entry.GetVersion()})
		if err != nil || rank.GetEntry().GetRank() != 1 || rank.GetEntry().GetVersion() != entry.GetVersion() || meter.Charge() != charge {
			t.Errorf("read %d: %v, %v, %.2f RU", read, rank, err, meter.Charge())
		}
	}
	entry = one.score(t, ada, "r2", "b", 6).GetEntry()
	list, err := me.ListEntries(session(t), &leaderboardv1.ListEntriesRequest{BoardId: "b", MinEntryVersion: entry.GetVersion()})
	if err != nil || list.GetEntries()[0].GetColumns()[0] != 6 {
		t.Errorf("list: %v, %v", list, err)
	}
	entry = one.score(t, ada, "r3", "b", 7).GetEntry()
	around, err := me.ListAround(session(t), &leaderboardv1.ListAroundRequest{BoardId: "b", MinEntryVersion: entry.GetVersion()})
	if err != nil || around.GetEntries()[0].GetColumns()[0] != 7 {
		t.Errorf("around: %v, %v", around, err)
	}
	entry = one.score(t, ada, "r4", "b", 8).GetEntry()
	friends, err := me.ListFriendEntries(session(t), &leaderboardv1.ListFriendEntriesRequest{BoardId: "b", MinEntryVersion: entry.GetVersion()})
	if err != nil || friends.GetEntries()[0].GetColumns()[0] != 8 {
		t.Errorf("friends: %v, %v", friends, err)
	}
	hidden, err := one.operator(t).HideEntry(session(t), &leaderboardv1.HideEntryRequest{BoardId: "b", PlayerId: ada})
	if err != nil {
		t.Fatal(err)
	}
	rank, err := me.GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b", MinEntryVersion: hidden.GetVersion()})
	if err != nil || rank.GetEntry() != nil {
		t.Errorf("hidden: %v, %v", rank, err)
	}
	if _, err := me.GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b", MinEntryVersion: hidden.GetVersion() + 1}); fault.ReasonOf(err) != "ENTRY_BEHIND" {
		t.Errorf("a version that nobody wrote: %v", err)
	}
}

// picture is everything that a replica says of a board.
func (w *world) picture(t testing.TB, board string) string {
	t.Helper()
	answer, err := w.operator(t).ListEntries(t.Context(), &leaderboardv1.ListEntriesRequest{BoardId: board, PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintln(answer.GetTotal(), answer.GetSeason())
	for _, e := range answer.GetEntries() {
		text += fmt.Sprintln(e.GetPlayerId(), e.GetRank(), e.GetColumns(), e.GetVersion(), e.GetAchieveTime().AsTime())
	}
	return text
}

// TestReplicasAgree lets two replicas write while the feed of each is cut, throttled and shown again, and the container is split under them; a
// third starts at the end. All give the same answers once they have caught up.
func TestReplicasAgree(t *testing.T) {
	one, e := startOnEmulator(t, "faults and splits on order", setup{}, emulatortest.WithPartitions(3))
	database := databaseOf(one)
	two := start(t, setup{client: cosmostest.Open(t, e, database, containers(t)), profile: one.profile})
	boards := []string{"best", "sum"}
	one.makeBoard(t, points("best"))
	one.makeBoard(t, points("sum", withOperator(leaderboardv1.Operator_OPERATOR_SUM)))
	for _, failure := range []emulator.Fault{{Status: 429, RetryAfter: 5 * time.Millisecond}, {DropAfter: true}, {Status: 503}, {Latency: 20 * time.Millisecond}} {
		failure.Op, failure.Probability = emulator.OpFeed, 0.1
		e.Inject(failure)
	}
	var wg sync.WaitGroup
	for writer, w := range []*world{one, two, one, two} {
		server, operator := w.server(t), w.operator(t)
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(writer)))
			for i := range 60 {
				player := somebody(random.IntN(40))
				request := submission(fmt.Sprintf("w%d-%d", writer, i), boards[i%2], random.Int64N(20))
				request.PlayerId = player
				if _, err := server.SubmitScore(session(t), request); err != nil {
					t.Errorf("submit: %v", err)
				}
				if i%7 == 0 {
					_, err := operator.HideEntry(session(t), &leaderboardv1.HideEntryRequest{BoardId: boards[i%2], PlayerId: player})
					if err != nil {
						t.Errorf("hide: %v", err)
					}
				}
				if i%11 == 0 {
					if _, err := operator.DeleteEntry(session(t), &leaderboardv1.DeleteEntryRequest{BoardId: boards[i%2], PlayerId: player}); err != nil {
						t.Errorf("delete: %v", err)
					}
				}
				if writer == 0 && i == 30 {
					if _, err := e.Split(t.Context(), database, "leaderboard-entries", ""); err != nil {
						t.Errorf("split: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	e.ClearFaults()
	three := start(t, setup{client: cosmostest.Open(t, e, database, containers(t)), profile: one.profile})
	for _, board := range boards {
		var pictures []string
		eventually(t, "all three agree", func() bool {
			pictures = pictures[:0]
			for _, w := range []*world{one, two, three} {
				pictures = append(pictures, w.picture(t, board))
			}
			return pictures[0] == pictures[1] && pictures[1] == pictures[2]
		})
		if len(pictures[0]) < 500 {
			t.Errorf("board %s is almost empty:\n%s", board, pictures[0])
		}
	}
}

// TestFreshnessGoesOn watches the age of answers, also behind a split of the container.
func TestFreshnessGoesOn(t *testing.T) {
	t.Parallel()
	w, e := startOnEmulator(t, "splits on order", setup{}, emulatortest.WithPartitions(2))
	w.makeBoard(t, points("b"))
	asOf := func() time.Time {
		rank, err := w.operator(t).GetRank(t.Context(), &leaderboardv1.GetRankRequest{BoardId: "b", PlayerId: ada})
		if err != nil || rank.GetFreshness().GetEstimated() {
			t.Fatalf("%v, %v", rank, err)
		}
		return rank.GetFreshness().GetAsOfTime().AsTime()
	}
	fresh := func(what string) {
		t.Helper()
		from := time.Now()
		eventually(t, what, func() bool { return asOf().After(from) })
	}
	fresh("the first heartbeat")
	if age := time.Since(asOf()); age < 0 {
		t.Errorf("the answer is of the future: %v", age)
	}
	if _, err := e.Split(t.Context(), databaseOf(w), "leaderboard-entries", ""); err != nil {
		t.Fatal(err)
	}
	w.score(t, ada, "r1", "b", 5)
	eventually(t, "the split is noticed", func() bool { return w.service.Ranges() == 3 })
	fresh("a heartbeat behind the split")
	// While the feed cannot be read the age grows.
	remove := e.Inject(emulator.Fault{Op: emulator.OpFeed, Status: 503})
	time.Sleep(100 * time.Millisecond)
	before := asOf()
	time.Sleep(200 * time.Millisecond)
	if after := asOf(); !after.Equal(before) {
		t.Errorf("without a feed the answer went from %v to %v", before, after)
	}
	remove()
	fresh("the feed is back")
}

// TestWithoutHeartbeatsTheAgeIsEstimated.
func TestWithoutHeartbeatsTheAgeIsEstimated(t *testing.T) {
	w := start(t, setup{config: func(c *leaderboard.Config) { c.Heartbeat = 0 }})
	w.makeBoard(t, points("b"))
	w.score(t, ada, "r1", "b", 5)
	from := time.Now()
	eventually(t, "an estimate", func() bool {
		rank, err := w.operator(t).GetRank(t.Context(), &leaderboardv1.GetRankRequest{BoardId: "b", PlayerId: ada})
		return err == nil && rank.GetFreshness().GetEstimated() && rank.GetFreshness().GetAsOfTime().AsTime().After(from)
	})
}

// TestAReplicaIsReadyWhenItHasCaughtUp starts one whose feed does not answer.
func TestAReplicaIsReadyWhenItHasCaughtUp(t *testing.T) {
	one, e := startOnEmulator(t, "faults on order", setup{})
	one.makeBoard(t, points("b"))
	for i := range 30 {
		request := submission(fmt.Sprint("r", i), "b", int64(i))
		request.PlayerId = somebody(i)
		if _, err := one.server(t).SubmitScore(session(t), request); err != nil {
			t.Fatal(err)
		}
	}
	remove := e.Inject(emulator.Fault{Op: emulator.OpFeed, Status: 503})
	two := serve(t, setup{client: cosmostest.Open(t, e, databaseOf(one), containers(t)), profile: one.profile})
	time.Sleep(100 * time.Millisecond)
	if err := two.service.Ready(); fault.ReasonOf(err) != "CATCHING_UP" {
		t.Errorf("without a feed: %v", err)
	}
	remove()
	awaitReady(t, two)
	if got, want := two.picture(t, "b"), one.picture(t, "b"); got != want {
		t.Errorf("a replica that is ready has\n%s, want\n%s", got, want)
	}
}

// TestAWrongClockIsNotReady moves the store's clock away.
func TestAWrongClockIsNotReady(t *testing.T) {
	clock := emulator.NewClock()
	w, _ := startOnEmulator(t, "a clock that can be moved", setup{config: func(c *leaderboard.Config) { c.ClockLimit = 5 * time.Second }},
		emulatortest.WithClock(clock))
	clock.Advance(10 * time.Second)
	eventually(t, "the difference is noticed", func() bool { return fault.ReasonOf(w.service.Ready()) == "CLOCK_WRONG" })
}

// TestWhatTheFeedNeverConfirmsIsTakenBack plants a write in a replica's view that the store does not have.
func TestWhatTheFeedNeverConfirmsIsTakenBack(t *testing.T) {
	t.Parallel()
	clock := &movableClock{}
	w, e := startOnEmulator(t, "a store that forgets", setup{now: clock.now})
	w.makeBoard(t, points("b"))
	w.score(t, ada, "r1", "b", 5)
	w.score(t, bob, "r1", "b", 7)
	e.Inject(emulator.Fault{Op: emulator.OpFeed, Status: 503})
	w.score(t, ada, "r2", "b", 9)
	w.score(t, cem, "r1", "b", 8)
	// A failover that loses what the other region had not got yet.
	client := cosmostest.Open(t, e, databaseOf(w), containers(t))
	forget(t, client, ada)
	forget(t, client, cem)
	clock.advance(2 * time.Minute)
	eventually(t, "the view goes back", func() bool {
		players, _ := w.order(t, "b")
		return slices.Equal(players, []string{bob})
	})
}

// forget deletes a player's documents behind the service's back.
func forget(t testing.TB, client *cosmos.Client, player string) {
	t.Helper()
	container := client.Container("leaderboard-entries")
	ids, err := cosmos.Select[string](t.Context(), container, cosmos.PK(player), cosmos.SQL("SELECT VALUE c.id FROM c"))
	if err != nil || len(ids) == 0 {
		t.Fatalf("%v, %v", ids, err)
	}
	for _, id := range ids {
		if err := container.Delete(context.WithoutCancel(t.Context()), cosmos.PK(player), id, ""); err != nil {
			t.Fatal(err)
		}
	}
}
