package leaderboard_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"supergame/local/emulator"
	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

// TestWritersOfOnePlayerLoseNothing lets 64 writers on two replicas submit to four boards of one player while the store refuses, throttles and
// cuts connections; a writer repeats a request whose answer it does not get. In the end the sum and the count are those of all requests, and the
// best is the best of all.
func TestWritersOfOnePlayerLoseNothing(t *testing.T) {
	t.Parallel()
	one, e := startOnEmulator(t, "faults on order", setup{})
	two := start(t, setup{client: cosmostest.Open(t, e, databaseOf(one), containers(t)), profile: one.profile})
	one.makeBoard(t, points("sum", withOperator(leaderboardv1.Operator_OPERATOR_SUM)))
	one.makeBoard(t, points("count", withOperator(leaderboardv1.Operator_OPERATOR_COUNT)))
	one.makeBoard(t, points("best"))
	one.makeBoard(t, points("kept", func(l *leaderboardv1.Leaderboard) { l.KeepAttempts = true }))
	for _, failure := range []emulator.Fault{
		{Status: 429, Substatus: 3200, RetryAfter: time.Millisecond}, {Status: 449}, {Status: 410, Substatus: 1002}, {Status: 503}, {Status: 412},
		{DropBefore: true}, {DropAfter: true}, {Status: 503, After: true}, {Status: 500, After: true},
	} {
		failure.Op, failure.Probability, failure.Container = emulator.OpWrite, 0.02, "leaderboard-entries"
		e.Inject(failure)
		failure.Op = emulator.OpQuery
		failure.After = false
		e.Inject(failure)
	}
	const writers, requests = 64, 3
	var wg sync.WaitGroup
	var repeats atomic.Int64
	for writer := range writers {
		w := one
		if writer%2 == 1 {
			w = two
		}
		server := w.server(t)
		wg.Go(func() {
			for i := range requests {
				n := int64(writer*requests + i)
				request := &leaderboardv1.SubmitScoreRequest{PlayerId: ada, RequestId: fmt.Sprintf("w%d-%d", writer, i), Scores: []*leaderboardv1.Score{
					{BoardId: "sum", Columns: []int64{n}}, {BoardId: "count"}, {BoardId: "best", Columns: []int64{n}}, {BoardId: "kept", Columns: []int64{-n}},
				}}
				for {
					_, err := server.SubmitScore(session(t), request)
					if err == nil {
						break
					}
					if !mayRepeat(err) {
						t.Errorf("writer %d: %v", writer, err)
						return
					}
					repeats.Add(1)
				}
			}
		})
	}
	wg.Wait()
	e.ClearFaults()
	const all = writers * requests
	for board, want := range map[string]int64{"sum": all * (all - 1) / 2, "count": all, "best": all - 1, "kept": 0} {
		for i, w := range []*world{one, two} {
			var got int64
			eventually(t, fmt.Sprintf("replica %d has %d on %s", i, want, board), func() bool {
				rank, err := w.operator(t).GetRank(t.Context(), &leaderboardv1.GetRankRequest{BoardId: board, PlayerId: ada, View: leaderboardv1.View_VIEW_FULL})
				if err != nil || rank.GetEntry() == nil {
					return false
				}
				got = rank.GetEntry().GetColumns()[0]
				return got == want
			})
		}
	}
	t.Logf("%d requests were repeated", repeats.Load())
}

// mayRepeat reports whether a failure says that the same request may be sent again.
func mayRepeat(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.ResourceExhausted, fault.DeadlineExceeded:
		return true
	case fault.Aborted:
		return fault.ReasonOf(err) == "CONTENTION" || fault.ReasonOf(err) == "OUTCOME_UNKNOWN"
	}
	return false
}

// TestARivalInBetween writes, deletes and creates the entry between the read and the write of a submission: every time it is decided anew.
func TestARivalInBetween(t *testing.T) {
	for name, rival := range map[string]func(t *testing.T, w *world){
		"writes": func(t *testing.T, w *world) { w.score(t, ada, "rival", "sum", 100) },
		"deletes": func(t *testing.T, w *world) {
			if _, err := w.operator(t).DeleteEntry(session(t), &leaderboardv1.DeleteEntryRequest{BoardId: "sum", PlayerId: ada}); err != nil {
				t.Error(err)
			}
		},
		"removes the document": func(t *testing.T, w *world) { forget(t, w.store, ada) },
	} {
		for _, exists := range []bool{true, false} {
			if !exists && name != "writes" {
				continue
			}
			t.Run(fmt.Sprintf("%s, exists %v", name, exists), func(t *testing.T) {
				one, e := startOnEmulator(t, "a rival in between", setup{})
				two := start(t, setup{client: cosmostest.Open(t, e, databaseOf(one), containers(t)), profile: one.profile})
				one.makeBoard(t, points("sum", withOperator(leaderboardv1.Operator_OPERATOR_SUM)))
				want := int64(1)
				if exists {
					one.score(t, ada, "r1", "sum", 10)
					want += 10
				}
				if name != "writes" {
					want = 1
				} else {
					want += 100
				}
				e.Inject(emulator.Fault{Op: emulator.OpBatch, Container: "leaderboard-entries", Count: 1, Hook: func(context.Context, emulator.Point) { rival(t, two) }})
				if o := one.score(t, ada, "r2", "sum", 1); o.GetEntry().GetColumns()[0] != want || !o.GetImproved() {
					t.Errorf("with a rival: %v, want %d", o, want)
				}
			})
		}
	}
}
