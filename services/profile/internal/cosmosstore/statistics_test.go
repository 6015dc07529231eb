package cosmosstore

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/statistics"
)

// statisticsOf gives the rules of statistics on a store.
func statisticsOf(s *Store) *statistics.Service {
	return &statistics.Service{
		Store: &Statistics{
			players: s.players, lives: s.lives,
			stats:   cosmos.NewKind[statisticsDoc](s.players, "stats", schemaVersion),
			markers: cosmos.NewKind[statisticsMarkerDoc](s.players, "stats-marker", schemaVersion),
		},
		Now: func() time.Time { return changed },
	}
}

var gameServer = statistics.Caller{Role: "game-server", Subject: "eu-1"}

func addOne(ctx context.Context, s *Store, requestID string) (int64, error) {
	after, err := statisticsOf(s).Update(ctx, gameServer, ada, requestID, []statistics.Update{{Name: "games", Operator: statistics.Sum, Value: 1}})
	return after.Values["games"], err
}

func wantGames(t *testing.T, s *Store, want int64) {
	t.Helper()
	got, err := statisticsOf(s).Get(newSession(t), gameServer, ada, nil)
	if err != nil || got.Values["games"] != want {
		t.Errorf("%d games, want %d (%v)", got.Values["games"], want, err)
	}
}

func TestStatisticsAreKept(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	service := statisticsOf(s)
	if got, err := service.Get(ctx, gameServer, ada, nil); err != nil || len(got.Values) != 0 || !got.UpdateTime.IsZero() {
		t.Errorf("before: %+v, %v", got, err)
	}
	extremes := map[string]int64{"most": math.MaxInt64, "least": math.MinInt64, "beyond": 1<<53 + 1}
	var updates []statistics.Update
	for name, value := range extremes {
		updates = append(updates, statistics.Update{Name: name, Operator: statistics.Last, Value: value})
	}
	if _, err := service.Update(ctx, gameServer, ada, "r1", updates); err != nil {
		t.Fatal(err)
	}
	got, err := service.Get(ctx, gameServer, ada, nil)
	if diff := cmp.Diff(statistics.Statistics{PlayerID: ada, Values: extremes, UpdateTime: changed}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	got, err = service.Get(ctx, gameServer, ada, []string{"most", "none"})
	if diff := cmp.Diff(map[string]int64{"most": math.MaxInt64}, got.Values); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for what, err := range map[string]error{
		"get":    func() error { _, err := service.Get(ctx, gameServer, bob, nil); return err }(),
		"update": func() error { _, err := service.Update(ctx, gameServer, bob, "r1", updates); return err }(),
	} {
		if fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
			t.Errorf("%s of a player who does not exist: %v", what, err)
		}
	}
	if ids := storedIDs(t, s, bob); len(ids) != 0 {
		t.Errorf("the player who does not exist has %v", ids)
	}
}

func TestStatisticsReplay(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	for i, request := range []string{"a", "b", "a", "b"} {
		if got, err := addOne(ctx, s, request); err != nil || got != int64(i%2+1) {
			t.Errorf("request %q: answer %d, %v", request, got, err)
		}
	}
	wantGames(t, s, 2)

	// The first made the sum that a second would not fit into: it is a replay still.
	service := statisticsOf(s)
	most := []statistics.Update{{Name: "games", Operator: statistics.Sum, Value: math.MaxInt64 - 2}}
	for range 2 {
		if got, err := service.Update(ctx, gameServer, ada, "c", most); err != nil || got.Values["games"] != math.MaxInt64 {
			t.Errorf("%v, %v", got.Values, err)
		}
	}
	if _, err := service.Update(ctx, gameServer, ada, "d", most); fault.ReasonOf(err) != "STATISTIC_OVERFLOW" {
		t.Errorf("a new request: %v", err)
	}
	for _, request := range []string{"a", "c"} { // decided anew it would be refused, or not
		other := []statistics.Update{{Name: "games", Operator: statistics.Sum, Value: 5}}
		if _, err := service.Update(ctx, gameServer, ada, request, other); fault.ReasonOf(err) != "REQUEST_ID_REUSED" {
			t.Errorf("%q with another content: %v", request, err)
		}
	}
	if _, err := service.Reset(ctx, gameServer, ada, "a", nil, true); fault.ReasonOf(err) != "REQUEST_ID_REUSED" {
		t.Errorf("a reset with the id of an update: %v", err)
	}
}

func TestResetStatistics(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	service := statisticsOf(s)
	both := []statistics.Update{{Name: "games", Operator: statistics.Sum, Value: 3}, {Name: "wins", Operator: statistics.Sum, Value: 1}}
	if _, err := service.Update(ctx, gameServer, ada, "a", both); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time as a replay
		removed, err := service.Reset(ctx, gameServer, ada, "b", []string{"games"}, false)
		if diff := cmp.Diff(map[string]int64{"games": 3}, removed.Values); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
	wantGames(t, s, 0)
	if got, err := addOne(ctx, s, "c"); err != nil || got != 1 {
		t.Errorf("afterwards: %d, %v", got, err)
	}
	if _, err := service.Reset(ctx, gameServer, ada, "b", []string{"games"}, false); err != nil {
		t.Error(err)
	}
	wantGames(t, s, 1) // the replay did not remove what came since
	if removed, err := service.Reset(ctx, gameServer, ada, "d", nil, true); err != nil || len(removed.Values) != 2 {
		t.Errorf("%v, %v", removed, err)
	}
	if got, err := service.Get(ctx, gameServer, ada, nil); err != nil || len(got.Values) != 0 {
		t.Errorf("after the reset of all: %v, %v", got.Values, err)
	}
}

// TestStatisticsRivals lets a rival write from inside the decision, also the first statistics of the player.
func TestStatisticsRivals(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	service := statisticsOf(s)
	for round, want := range []int64{2, 4} {
		decisions := 0
		change := statistics.Change{PlayerID: ada, Caller: "c", RequestID: fmt.Sprint("r", round)}
		_, err := service.Store.Change(ctx, change, func(stored *statistics.Statistics) (statistics.Statistics, error) {
			if decisions++; decisions == 1 {
				if _, err := addOne(newSession(t), s, fmt.Sprint("rival-", round)); err != nil {
					t.Error(err)
				}
			}
			stored.Values = maps.Clone(stored.Values)
			stored.Values["games"]++
			return *stored, nil
		})
		if err != nil || decisions != 2 {
			t.Errorf("%v after %d decisions, want 2", err, decisions)
		}
		wantGames(t, s, want)
	}
}

func TestStatisticsUnderFaults(t *testing.T) {
	subtests := map[string]func(*testing.T){}
	for failureName, failure := range passing {
		for _, step := range []int{0, 1} { // the read, the write
			for _, first := range []bool{true, false} {
				subtests[fmt.Sprintf("%s at %d, first statistics %v", failureName, step, first)] = func(t *testing.T) {
					s, e := newFaultyStore(t)
					ctx := newSession(t)
					mustCreate(ctx, t, s, ada)
					want := int64(1)
					if !first {
						if _, err := addOne(ctx, s, "before"); err != nil {
							t.Fatal(err)
						}
						want++
					}
					e.Inject(meet(emulator.Fault{Op: emulator.OpBatch, Skip: step}, failure))
					for range 2 { // the second time as a replay
						if got, err := addOne(ctx, s, "r"); err != nil || got != want {
							t.Errorf("%d, %v", got, err)
						}
					}
					wantGames(t, s, want)
				}
			}
		}
	}
	together(t, subtests)
}

// TestStatisticsLostAnswerThenRival loses the answer of an update, and lets rivals write more often than a document remembers before it is
// tried again.
func TestStatisticsLostAnswerThenRival(t *testing.T) {
	s, e := newFaultyStore(t)
	ctx := newSession(t)
	mustCreate(ctx, t, s, ada)
	e.Inject(emulator.Fault{Op: emulator.OpBatch, Container: Players, Skip: 1, Count: 1, DropAfter: true, Hook: func(context.Context, emulator.Point) {
		for i := range 10 {
			if _, err := addOne(newSession(t), s, fmt.Sprint("rival-", i)); err != nil {
				t.Error(err)
			}
		}
	}})
	if got, err := addOne(ctx, s, "r"); err != nil || got != 1 {
		t.Errorf("the answer is %d, %v, want the first", got, err)
	}
	wantGames(t, s, 11)
}

// TestSixtyFourStatisticsWriters lose nothing: each repeats its request until it has an answer.
func TestSixtyFourStatisticsWriters(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	updates := 2
	if os.Getenv("LONG") != "" {
		updates = 20
	}
	const writers = 64
	var mu sync.Mutex
	seen := map[int64]int{}
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			for i := range updates {
				var got int64
				err := inTheCrowd(func() (err error) {
					got, err = addOne(newSession(t), s, fmt.Sprintf("w%d-%d", writer, i))
					return err
				})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				seen[got]++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	wantGames(t, s, int64(writers*updates))
	for sum := range int64(writers * updates) {
		if seen[sum+1] != 1 {
			t.Errorf("the sum %d was answered %d times", sum+1, seen[sum+1])
		}
	}
}

// inTheCrowd sends the same request until it is not the crowd that keeps it from being carried out in time.
func inTheCrowd(send func() error) error {
	for {
		err := send()
		if fault.ReasonOf(err) != cosmos.ReasonContention && !fault.Is(err, fault.Unavailable) {
			return err
		}
	}
}

// TestWritesOfNounsPausedByAnErase: a write of statistics or saves that an erase overtakes leaves nothing.
func TestWritesOfNounsPausedByAnErase(t *testing.T) {
	for what, write := range map[string]func(context.Context, *Store) error{
		"statistics": func(ctx context.Context, s *Store) error { _, err := addOne(ctx, s, "r"); return err },
		"save":       func(ctx context.Context, s *Store) error { _, err := saveAuto(ctx, s, "r", "content"); return err },
	} {
		for _, before := range []bool{false, true} {
			for _, lost := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, written before %v, answer lost %v", what, before, lost), func(t *testing.T) {
					t.Parallel()
					s, e := newFaultyStore(t)
					ctx := newSession(t)
					mustCreate(ctx, t, s, ada)
					if before {
						if _, err := addOne(ctx, s, "before"); err != nil {
							t.Fatal(err)
						}
						if _, err := saveAuto(ctx, s, "before", "content"); err != nil {
							t.Fatal(err)
						}
					}
					pause := emulator.Fault{Op: emulator.OpBatch, Container: Players, Skip: 1, Count: 1, DropBefore: lost}
					pause.Hook = func(context.Context, emulator.Point) {
						if erased, err := newPlayerData(s, 1000).Erase(newSession(t), ada); err != nil || !erased.Done {
							t.Error(erased, err)
						}
					}
					e.Inject(pause)
					if err := write(ctx, s); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
						t.Errorf("the paused write: %v", err)
					}
					if ids := storedIDs(t, s, ada); len(ids) != 0 {
						t.Errorf("it brought back %v", ids)
					}
				})
			}
		}
	}
}

func TestStatisticsAcrossAKill(t *testing.T) {
	t.Parallel()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("kills the store, which only the embedded emulator lets one do")
	}
	dir := t.TempDir()
	s, process := startKillable(t, dir)
	mustCreate(newSession(t), t, s, ada)
	var acknowledged int64
	for {
		got, err := addOne(newSession(t), s, fmt.Sprint("r", acknowledged))
		if err != nil {
			break
		}
		if acknowledged = got; acknowledged == 30 {
			go func() { _ = process.Process.Kill() }() // while one of the next is on its way
		}
	}
	_ = process.Process.Kill() // dead already, unless a write failed before
	_ = process.Wait()         // killed: it has an error

	s, _ = startKillable(t, dir)
	got, err := addOne(newSession(t), s, fmt.Sprint("r", acknowledged)) // the one without an answer
	if err != nil || got != acknowledged+1 {
		t.Errorf("%d, %v, want %d", got, err, acknowledged+1)
	}
	wantGames(t, s, acknowledged+1)
	if got, err := addOne(newSession(t), s, "r0"); err != nil || got != 1 {
		t.Errorf("a replay after the restart: %d, %v", got, err)
	}
}
