package season_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/cosmosstore"
	"supergame/services/leaderboard/internal/erasure"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// copies are stored snapshots of an age.
type copies struct {
	since     time.Time
	requested int
}

func (c *copies) Since(context.Context) (time.Time, error) { return c.since, nil }

func (c *copies) Request(context.Context) error {
	c.requested++
	return nil
}

func (r *replica) eraser() *erasure.Eraser {
	return &erasure.Eraser{
		Store: cosmosstore.NewPlayerData(r.client), Seasons: r.boards, Archives: r.stored, Snapshots: &copies{}, Now: r.now, Limit: 100,
	}
}

// erase repeats until it is done.
func (w *world) erase(e *erasure.Eraser, playerID string) {
	w.t.Helper()
	for range 100 {
		result, err := e.Erase(w.t.Context(), playerID)
		if err != nil {
			w.t.Fatal(err)
		}
		if result.Done {
			return
		}
		w.e.Clock().Advance(10 * time.Second)
	}
	w.t.Fatal("the erasure does not end")
}

// traces are the documents in which a player stands that are no tombstones.
func (w *world) traces(playerID string) (list []string) {
	w.t.Helper()
	for _, spec := range specs(w.t) {
		rows, err := cosmos.Select[map[string]any](w.t.Context(), w.client.Container(spec.ID), cosmos.Key{}, cosmos.SQL("SELECT * FROM c"))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, row := range rows {
			body, err := json.Marshal(row)
			if err != nil {
				w.t.Fatal(err)
			}
			tombstone := row["type"] == "erasure" || row["deleted"] == true && row["k"] == nil && row["archivedK"] == nil && row["columns"] == nil
			if strings.Contains(string(body), playerID) && !tombstone {
				list = append(list, fmt.Sprint(spec.ID, " ", row["id"]))
			}
		}
	}
	return list
}

// TestEraseInEveryState erases a player when his season is in each of its states, and lets it go on meanwhile: nothing of him is left, in whatever order
// the two come, the archive verifies, and he gets nothing.
func TestEraseInEveryState(t *testing.T) {
	for state := board.Open; state <= board.Rewarded; state++ {
		t.Run(fmt.Sprint(state), func(t *testing.T) {
			s := newStory(t)
			w := s.w
			for i := 0; w.season(1).State < state && i < 100; i++ {
				if _, err := s.step(t.Context(), w.replica); err != nil {
					t.Fatal(err)
				}
				w.e.Clock().Advance(31 * time.Second)
			}
			eraser := w.eraser()
			done := false
			for range 100 {
				if !done {
					result, err := eraser.Erase(t.Context(), player(5))
					if err != nil {
						t.Fatal(err)
					}
					done = result.Done
				}
				finished, err := s.step(t.Context(), w.replica)
				if err != nil {
					t.Fatal(err)
				}
				if finished && done {
					break
				}
				w.e.Clock().Advance(31 * time.Second)
			}
			if left := w.traces(player(5)); !done || len(left) != 0 {
				t.Errorf("done: %v; left are %v", done, left)
			}
			stored := w.season(1)
			got := names(w.rows(stored))
			// He leaves a gap where the review had begun; else the archive is made without him.
			if got != "1:7 2:6 4:4 5:3 6:2 7:1 8:0 " && got != "1:7 2:6 3:4 4:3 5:2 6:1 7:0 " {
				t.Errorf("archived are %s", got)
			}
		})
	}
}

// TestCrashWhileErasing ends the process at each request of an erasure of a player who stands in an archive in review. Another goes on, and nothing is
// left.
func TestCrashWhileErasing(t *testing.T) {
	for name, after := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := 0; ; n++ {
				s := newStory(t)
				w := s.w
				w.until(1, board.InReview)
				ctx, cancel := context.WithCancel(t.Context())
				died := false
				remove := w.e.Inject(emulator.Fault{
					Skip: n, Count: 1, DropBefore: !after, DropAfter: after, After: after,
					Hook: func(context.Context, emulator.Point) {
						died = true
						cancel()
					},
				})
				_, err := w.eraser().Erase(ctx, player(5))
				remove()
				cancel()
				if !died && err != nil {
					t.Fatal(err)
				}
				w.erase(w.another().eraser(), player(5))
				if left := w.traces(player(5)); len(left) != 0 {
					t.Fatalf("request %d: left are %v", n, left)
				}
				if got := names(w.rows(w.season(1))); got != "1:9 2:7 3:6 5:4 6:3 7:2 8:1 9:0 " {
					t.Fatalf("request %d: archived are %s", n, got)
				}
				if !died {
					return
				}
			}
		})
	}
}

// TestEraseAndLateWrite: a submission that was on its way when the player was erased is found by the second look.
func TestEraseAndLateWrite(t *testing.T) {
	w := newWorld(t, noon)
	w.create(hourly())
	w.submit(1, 10)
	eraser := w.eraser()
	if _, err := eraser.Erase(t.Context(), player(1)); err != nil {
		t.Fatal(err)
	}
	w.e.Clock().Advance(time.Second)
	w.submit(1, 20)
	begun := w.now()
	w.erase(eraser, player(1))
	if left := w.traces(player(1)); len(left) != 0 || w.now().Sub(begun) < erasure.Settle {
		t.Errorf("after %v are left %v", w.now().Sub(begun), left)
	}
	if err := w.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, _ := w.boards.Get(t.Context(), "b")
	if _, found, total, _ := w.view.Season(b.UID, 1).Rank(ranksAll, player(1)); found || total != 0 {
		t.Error("he still has a rank")
	}
}

// TestEraseWaitsForSnapshots: it is not done before the stored copies of the view are newer than the last tombstone.
func TestEraseWaitsForSnapshots(t *testing.T) {
	w := newWorld(t, noon)
	w.create(hourly())
	w.submit(1, 10)
	eraser := w.eraser()
	stored := &copies{since: noon.Add(-time.Minute)}
	eraser.Snapshots = stored
	for range 20 {
		if result, err := eraser.Erase(t.Context(), player(1)); result.Done || err != nil {
			t.Fatalf("%+v, %v", result, err)
		}
		w.e.Clock().Advance(30 * time.Second)
	}
	if stored.requested == 0 {
		t.Error("no new snapshot was asked for")
	}
	stored.since = w.now()
	w.erase(eraser, player(1))
}

// TestEraseNobody: a player of whom nothing is stored is erased when nothing can be on its way any more.
func TestEraseNobody(t *testing.T) {
	w := newWorld(t, noon)
	w.erase(w.eraser(), player(1))
	if waited := w.now().Sub(noon); waited < erasure.Settle {
		t.Errorf("it took %v", waited)
	}
}

// TestEraseSeesTheNewest: a copy of the store that is behind hides nothing from an erasure, or from an export.
func TestEraseSeesTheNewest(t *testing.T) {
	w := newWorld(t, noon)
	w.create(hourly())
	other := w.another()
	w.e.Clock().Advance(time.Minute)
	w.e.SetStaleness(emulator.Staleness{Lag: 30 * time.Second})
	w.submit(1, 10)
	documents, err := cosmosstore.NewPlayerData(other.client).Documents(t.Context(), player(1), "", 10)
	if err != nil || len(documents) != 1 || documents[0].Content["k"] != nil {
		t.Errorf("exported are %v, %v", documents, err)
	}
	result, err := other.eraser().Erase(t.Context(), player(1))
	if err != nil || result.Entries != 1 {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestEraseUnderFaults: passing trouble does not leave anything behind.
func TestEraseUnderFaults(t *testing.T) {
	for name, failure := range map[string]emulator.Fault{
		"429": {Status: 429, Substatus: 3200, RetryAfter: time.Millisecond}, "449": {Status: 449}, "503": {Status: 503, After: true}, "cut": {DropAfter: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			w := s.w
			w.until(1, board.InReview)
			failure.Probability, failure.Op = 0.2, emulator.OpWrite
			remove := w.e.Inject(failure)
			w.erase(w.eraser(), player(5))
			remove()
			if left := w.traces(player(5)); len(left) != 0 {
				t.Errorf("left are %v", left)
			}
			w.rows(w.season(1))
		})
	}
}

// TestRewardsUnderFaults: passing trouble of the store grants nothing twice, and leaves nobody out.
func TestRewardsUnderFaults(t *testing.T) {
	for name, failure := range map[string]emulator.Fault{
		"410": {Status: 410, Substatus: 1002}, "429": {Status: 429, Substatus: 3200, RetryAfter: time.Millisecond}, "449": {Status: 449},
		"500": {Status: 500}, "503": {Status: 503, After: true}, "cut": {DropAfter: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			failure.Probability, failure.Op = 0.15, emulator.OpWrite
			s.w.e.Inject(failure)
			for range 200 {
				finished, err := s.step(t.Context(), s.w.replica)
				if finished {
					break
				}
				if err != nil && fault.KindOf(err) == fault.DataLoss {
					t.Fatal(err)
				}
				s.w.e.Clock().Advance(61 * time.Second)
			}
			s.w.e.ClearFaults()
			s.check(name)
		})
	}
}

var ranksAll = ranks.List{}
