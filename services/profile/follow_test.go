package profile_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/profile"
)

// followWorld is a service that answers, and others that follow the feed when a test says so.
type followWorld struct {
	*world
	client *cosmos.Client
	e      *emulatortest.Emulator
}

func startFollowing(t *testing.T) *followWorld {
	t.Helper()
	specs, err := profile.Containers()
	if err != nil {
		t.Fatal(err)
	}
	client, e := cosmostest.StartEmulator(t, "faults and splits on order", specs, emulatortest.WithPartitions(2))
	return &followWorld{serve(t, client), client, e}
}

// follow runs another replica that follows the feed, until stop is called.
func (w *followWorld) follow(t *testing.T, deps profile.Deps) (stop func()) {
	t.Helper()
	deps.Cosmos, deps.Logger = w.client, slog.New(slog.DiscardHandler)
	service, err := profile.New(t.Context(), feedConfig(), deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the service ended with %v", err)
		}
	}
}

// askUnheard lets a player ask another who does not hear of it: the second write is lost.
func (w *followWorld) askUnheard(t *testing.T, player, other string) {
	t.Helper()
	remove := w.e.Inject(emulator.Fault{Op: emulator.OpBatch, PartitionKey: other, ID: "f|" + player, Status: 429, RetryAfter: time.Millisecond})
	defer remove()
	if err := friendCalls["request"]("", other, "")(session(t), w.Dial(t, w.authority.Player(player))); err != nil {
		t.Fatal(err)
	}
	if state := w.friendState(t, other, player); state != friendsNone {
		t.Fatalf("%s has heard of it: %s", other, state)
	}
}

func (w *followWorld) friendState(t *testing.T, player, other string) profilev1.FriendState {
	t.Helper()
	client := profilev1.NewFriendsServiceClient(w.Dial(t, w.authority.Player(player)))
	r, err := client.GetFriend(session(t), &profilev1.GetFriendRequest{OtherPlayerId: other})
	if err != nil {
		t.Fatal(err)
	}
	return r.GetFriend().GetState()
}

// hears waits until the other side knows.
func (w *followWorld) hears(t *testing.T, other, player string, want profilev1.FriendState) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		state := w.friendState(t, other, player)
		if state == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s still sees %s, want %s", other, state, want)
		}
	}
}

// TestFeedTellsTheOtherSide loses words, stops and starts those who follow, loses the position that one of them saves, and splits the
// container meanwhile: in the end every word is heard.
func TestFeedTellsTheOtherSide(t *testing.T) {
	w := startFollowing(t)
	players := make([]string, 12)
	for i := range players {
		players[i] = friendsID(i)
	}
	w.join(t, players...)
	stop := func() {}
	for round := range 3 {
		for i := range 4 {
			asks := round*4 + i
			w.askUnheard(t, players[asks], players[(asks+1)%12])
			if i == 1 {
				stop = w.follow(t, profile.Deps{})
			}
		}
		if round == 1 { // dealt with, but not remembered: the pages come again
			remove := w.e.Inject(emulator.Fault{Op: emulator.OpReplace, Container: "profile-leases", ID: "players-feed-positions", Status: 400})
			w.hears(t, players[5], players[4], friendsIncoming)
			stop()
			remove()
		} else {
			stop()
		}
		if _, err := w.e.Split(t.Context(), w.client.Database(), "players", ""); err != nil {
			t.Fatal(err)
		}
	}
	defer w.follow(t, profile.Deps{})()
	for i := range players {
		w.hears(t, players[(i+1)%12], players[i], friendsIncoming)
	}
}

// feedPositionsDoc is the document in which the position is kept, for a test that spoils it.
type feedPositionsDoc struct {
	cosmos.Header
	Positions []cosmos.FeedPosition `json:"positions"`
}

// TestFeedPositionOfNoUse begins from the beginning when the saved position is of another container, was cut, or leaves a gap.
func TestFeedPositionOfNoUse(t *testing.T) {
	w := startFollowing(t)
	w.join(t, ada, bob)
	kind := cosmos.NewKind[feedPositionsDoc](w.client.Container("profile-leases"), "feedPositions", 1)
	foreign := w.positionOf(t, "handles")
	me := w.Dial(t, w.authority.Player(ada))
	for what, positions := range map[string][]cosmos.FeedPosition{
		"foreign": foreign, "cut": {{Min: "", Max: "FF", Token: foreign[0].Token[:len(foreign[0].Token)/2]}}, "nonsense": {{Min: "", Max: "FF", Token: "nonsense"}},
		"a gap": foreign[1:], "no range": {{Min: "zz", Max: "yy"}}, "none": nil,
	} {
		t.Run(what, func(t *testing.T) {
			if err := friendCalls["remove"]("", bob, "")(session(t), me); err != nil {
				t.Fatal(err)
			}
			_, err := kind.UpdateOrCreate(session(t), cosmos.PK("players-feed-positions"), "players-feed-positions", cosmos.Operation{},
				func(d *feedPositionsDoc) (bool, error) {
					d.Positions = positions
					return true, nil
				})
			if err != nil {
				t.Fatal(err)
			}
			w.askUnheard(t, ada, bob)
			stop := w.follow(t, profile.Deps{})
			defer stop()
			w.hears(t, bob, ada, friendsIncoming)
		})
	}
}

// positionOf returns positions behind the changes of another container.
func (w *followWorld) positionOf(t *testing.T, container string) []cosmos.FeedPosition {
	t.Helper()
	feed := &cosmos.Feed{Container: w.client.Container(container)}
	positions, err := feed.Positions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range positions {
		page, err := feed.Poll(t.Context(), at)
		if err != nil || page.Next.Token == "" {
			t.Fatal(page, err)
		}
		positions[i] = page.Next
	}
	return positions
}

// TestFeedUnderFire refuses and cuts most of what the follower does.
func TestFeedUnderFire(t *testing.T) {
	w := startFollowing(t)
	w.join(t, ada, bob)
	w.askUnheard(t, ada, bob)
	for _, failure := range []emulator.Fault{
		{Op: emulator.OpFeed, Status: 503, Count: 1}, {Op: emulator.OpFeed, DropAfter: true, Count: 1}, {Op: emulator.OpFeed, Status: 410, Substatus: 1002, Count: 1},
		{Op: emulator.OpFeed, Status: 429, RetryAfter: time.Millisecond, Count: 2}, {Op: emulator.OpBatch, DropAfter: true, Count: 1},
		{Op: emulator.OpBatch, Status: 449, Count: 1}, {Op: emulator.OpReplace, Status: 503, After: true, Count: 1},
	} {
		w.e.Inject(failure)
	}
	defer w.follow(t, profile.Deps{})()
	w.hears(t, bob, ada, friendsIncoming)
}

// TestFeedLag: how far behind the follower is can be measured.
func TestFeedLag(t *testing.T) {
	w := startFollowing(t)
	reader := sdkmetric.NewManualReader()
	defer w.follow(t, profile.Deps{Meter: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))})()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		var data metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &data); err != nil {
			t.Fatal(err)
		}
		for _, scope := range data.ScopeMetrics {
			if slices.ContainsFunc(scope.Metrics, func(m metricdata.Metrics) bool { return m.Name == "supergame.profile.feed.lag" }) {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatal("there is no such metric")
		}
	}
}

func TestFeedIntervalIsChecked(t *testing.T) {
	if err := (profile.Config{EraseLimit: 1, FeedInterval: -time.Second}).Validate(); err == nil {
		t.Error("a negative interval is taken")
	}
}

// feedConfig looks at the feed all the time.
func feedConfig() profile.Config {
	cfg := testConfig()
	cfg.FeedInterval = 2 * time.Millisecond
	return cfg
}
