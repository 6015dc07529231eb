package leaderboard_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"

	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	"supergame/services/platform/cosmos/cosmostest"
)

type watchStream = grpc.ServerStreamingClient[leaderboardv1.WatchLeaderboardResponse]

// watchBoard opens a stream of a player.
func (w *world) watchBoard(t testing.TB, player string, r *leaderboardv1.WatchLeaderboardRequest) watchStream {
	t.Helper()
	stream, err := w.player(t, player).WatchLeaderboard(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func receive(t testing.TB, stream watchStream) *leaderboardv1.WatchLeaderboardResponse {
	t.Helper()
	message, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// TestWatchTellsOfChanges watches the top two and one's own rank: it hears of what changes them, of nothing else, and no more often than twice a
// second.
func TestWatchTellsOfChanges(t *testing.T) {
	t.Parallel()
	w := start(t, setup{})
	w.makeBoard(t, points("b"))
	w.score(t, ada, "r1", "b", 1)
	stream := w.watchBoard(t, ada, &leaderboardv1.WatchLeaderboardRequest{BoardId: "b", Top: 2})
	first := receive(t, stream)
	if !slices.Equal(playersOf(first.GetTop()), []string{ada}) || first.GetOwn().GetRank() != 1 || first.GetTotal() != 1 || first.GetFreshness().GetAsOfTime() == nil {
		t.Errorf("the first message is %v", first)
	}
	begin := time.Now()
	w.score(t, bob, "r1", "b", 10)
	second := receive(t, stream)
	w.score(t, cem, "r1", "b", 20)
	w.score(t, dan, "r1", "b", 5)
	third := receive(t, stream)
	if !slices.Equal(playersOf(second.GetTop()), []string{bob, ada}) || second.GetOwn().GetRank() != 2 {
		t.Errorf("the second message is %v", second)
	}
	if !slices.Equal(playersOf(third.GetTop()), []string{cem, bob}) || third.GetOwn().GetRank() != 4 || third.GetHeartbeat() {
		t.Errorf("the third message is %v", third)
	}
	if took := time.Since(begin); took < 500*time.Millisecond {
		t.Errorf("two messages came within %v", took)
	}
	// Who comes in behind the top and behind ada is no news.
	w.score(t, somebody(1), "r1", "b", -5)
	time.Sleep(700 * time.Millisecond)
	w.score(t, ada, "r2", "b", 30)
	if news := receive(t, stream); !slices.Equal(playersOf(news.GetTop()), []string{ada, cem}) || news.GetTotal() != 5 {
		t.Errorf("the fourth message is %v", news)
	}
}

// TestWatchResumes comes back with the revision of the last message, on another replica: there is nothing to tell until something changed.
func TestWatchResumes(t *testing.T) {
	t.Parallel()
	client := cosmostest.StartShared(t, containers(t))
	one := start(t, setup{client: client})
	two := start(t, setup{client: client, profile: one.profile})
	one.makeBoard(t, points("b"))
	one.score(t, ada, "r1", "b", 1)
	last := receive(t, one.watchBoard(t, ada, &leaderboardv1.WatchLeaderboardRequest{BoardId: "b"}))
	eventually(t, "the other replica has it", func() bool { players, _ := two.order(t, "b"); return len(players) == 1 })
	stream := two.watchBoard(t, ada, &leaderboardv1.WatchLeaderboardRequest{BoardId: "b", ResumeRevision: last.GetRevision()})
	came := make(chan *leaderboardv1.WatchLeaderboardResponse, 1)
	go func() {
		message, _ := stream.Recv()
		came <- message
	}()
	select {
	case message := <-came:
		t.Fatalf("nothing changed, and it tells %v", message)
	case <-time.After(time.Second):
	}
	one.score(t, bob, "r1", "b", 2)
	if message := <-came; !slices.Equal(playersOf(message.GetTop()), []string{bob, ada}) || message.GetRevision() == last.GetRevision() {
		t.Errorf("behind a change it tells %v", message)
	}
}

// TestWatchGoesOnInTheNextSeason watches across the end of a season.
func TestWatchGoesOnInTheNextSeason(t *testing.T) {
	t.Parallel()
	clock := &movableClock{}
	w := start(t, setup{now: clock.now})
	w.makeBoard(t, points("b", daily))
	w.score(t, ada, "r1", "b", 1)
	stream := w.watchBoard(t, ada, &leaderboardv1.WatchLeaderboardRequest{BoardId: "b"})
	first := receive(t, stream)
	clock.advance(25 * time.Hour)
	next := receive(t, stream)
	if next.GetSeason() <= first.GetSeason() || len(next.GetTop()) != 0 || next.GetOwn() != nil {
		t.Errorf("behind the end of season %d it tells %v", first.GetSeason(), next)
	}
	w.score(t, bob, "r1", "b", 2)
	if news := receive(t, stream); !slices.Equal(playersOf(news.GetTop()), []string{bob}) {
		t.Errorf("in the next season it tells %v", news)
	}
}

// TestASlowWatcherGetsTheNewest does not read while much changes: nobody waits for him, and what he reads last is the newest state.
func TestASlowWatcherGetsTheNewest(t *testing.T) {
	t.Parallel()
	w := start(t, setup{})
	w.makeBoard(t, points("b"))
	begin := time.Now()
	slow := w.watchBoard(t, ada, &leaderboardv1.WatchLeaderboardRequest{BoardId: "b", Top: 100})
	quick := w.watchBoard(t, bob, &leaderboardv1.WatchLeaderboardRequest{BoardId: "b", Top: 1})
	for i := range 20 {
		w.score(t, cem, somebody(i), "b", int64(i))
		time.Sleep(50 * time.Millisecond)
	}
	for message := receive(t, quick); len(message.GetTop()) == 0 || message.GetTop()[0].GetColumns()[0] != 19; message = receive(t, quick) {
	}
	n := 1
	for message := receive(t, slow); len(message.GetTop()) == 0 || message.GetTop()[0].GetColumns()[0] != 19; message = receive(t, slow) {
		n++
	}
	if most := 2 + int(time.Since(begin)/(500*time.Millisecond)); n > most {
		t.Errorf("there were %d messages, want at most two a second: %d", n, most)
	}
}

// TestWatchersAreToldToComeBack ends the streams of a server that goes away.
func TestWatchersAreToldToComeBack(t *testing.T) {
	w := start(t, setup{})
	w.makeBoard(t, points("b"))
	stream := w.watchBoard(t, ada, &leaderboardv1.WatchLeaderboardRequest{BoardId: "b"})
	first := receive(t, stream)
	w.service.Drain()
	last := receive(t, stream)
	if ms := last.GetReconnectAfterMillis(); ms < 1 || ms > 20_001 || last.GetRevision() != first.GetRevision() {
		t.Errorf("the last message is %v", last)
	}
	if _, err := stream.Recv(); err == nil {
		t.Error("the stream goes on")
	}
}
