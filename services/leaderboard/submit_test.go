package leaderboard_test

import (
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	"supergame/services/platform/fault"
)

// movableClock is a clock that a test moves.
type movableClock struct{ offset atomic.Int64 }

func (c *movableClock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

func (c *movableClock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// daily makes the seasons of a board begin every midnight.
func daily(l *leaderboardv1.Leaderboard) {
	l.Schedule = &leaderboardv1.Schedule{Cron: "0 0 * * *", TimeZone: "Europe/Berlin"}
}

// somebody is the n-th of many players.
func somebody(n int) string {
	var id ulid.ULID
	id[0], id[13], id[14], id[15] = 1, byte(n>>16), byte(n>>8), byte(n)
	return id.String()
}

// TestNumbersKeepEveryBit submits the ends of int64 and the neighbors of 2^53, in both orders: they are ranked right and come back as they went.
func TestNumbersKeepEveryBit(t *testing.T) {
	w := start(t, setup{})
	numbers := []int64{math.MinInt64, math.MinInt64 + 1, -(1<<53 + 1), -1 << 53, -(1<<53 - 1), -1, 0, 1, 1<<53 - 1, 1 << 53, 1<<53 + 1, math.MaxInt64 - 1, math.MaxInt64}
	for _, order := range []leaderboardv1.Order{leaderboardv1.Order_ORDER_ASCENDING, leaderboardv1.Order_ORDER_DESCENDING} {
		id := fmt.Sprint("b", int(order))
		w.makeBoard(t, points(id, func(l *leaderboardv1.Leaderboard) {
			l.Columns = []*leaderboardv1.Column{{Name: "same", Order: order}, {Name: "points", Order: order}}
		}))
		server := w.server(t)
		for i, n := range numbers {
			request := submission("r1", id, 7, n)
			request.PlayerId = somebody(i)
			request.RequestId = fmt.Sprint("r", i)
			answer, err := server.SubmitScore(session(t), request)
			if err != nil || answer.GetOutcomes()[0].GetEntry().GetColumns()[1] != n {
				t.Fatalf("%d: %v, %v", n, answer, err)
			}
		}
		want := slices.Clone(numbers)
		if order == leaderboardv1.Order_ORDER_DESCENDING {
			slices.Reverse(want)
		}
		list, err := server.ListEntries(session(t), &leaderboardv1.ListEntriesRequest{BoardId: id})
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, e := range list.GetEntries() {
			got = append(got, e.GetColumns()[1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: ranked %v, want %v", order, got, want)
		}
	}
}

// TestOperators submits the same to boards of every operator in one call.
func TestOperators(t *testing.T) {
	w := start(t, setup{})
	operators := map[string]leaderboardv1.Operator{
		"best": leaderboardv1.Operator_OPERATOR_BEST, "last": leaderboardv1.Operator_OPERATOR_LAST,
		"sum": leaderboardv1.Operator_OPERATOR_SUM, "count": leaderboardv1.Operator_OPERATOR_COUNT,
	}
	for id, operator := range operators {
		w.makeBoard(t, points(id, withOperator(operator)))
	}
	submit := func(requestID string, n int64) map[string]*leaderboardv1.SubmitOutcome {
		t.Helper()
		request := &leaderboardv1.SubmitScoreRequest{RequestId: requestID}
		for _, id := range []string{"best", "last", "sum", "count"} {
			score := &leaderboardv1.Score{BoardId: id, Columns: []int64{n}}
			if id == "count" {
				score.Columns = nil
			}
			request.Scores = append(request.Scores, score)
		}
		answer, err := w.player(t, ada).SubmitScore(session(t), request)
		if err != nil {
			t.Fatal(err)
		}
		outcomes := map[string]*leaderboardv1.SubmitOutcome{}
		for _, o := range answer.GetOutcomes() {
			outcomes[o.GetBoardId()] = o
		}
		return outcomes
	}
	check := func(what string, got map[string]*leaderboardv1.SubmitOutcome, best, last, sum, count int64, improves bool) {
		t.Helper()
		for id, want := range map[string]int64{"best": best, "last": last, "sum": sum, "count": count} {
			o := got[id]
			if o.GetEntry().GetColumns()[0] != want || o.GetImproved() != (id != "best" || improves) {
				t.Errorf("%s: board %s: %v, want %d", what, id, o, want)
			}
		}
	}
	check("10", submit("r1", 10), 10, 10, 10, 1, true)
	check("4 after 10", submit("r2", 4), 10, 4, 14, 2, false)
	check("10 again", submit("r1", 10), 10, 4, 14, 2, true)
	check("4 again", submit("r2", 4), 10, 4, 14, 2, false)
	check("20", submit("r3", 20), 20, 20, 34, 3, true)
}

// TestRepeats sends requests again: what was carried out is not carried out again, also after the end of the season, and the answer says again
// whether it improved.
func TestRepeats(t *testing.T) {
	clock := &movableClock{}
	w := start(t, setup{now: clock.now})
	w.makeBoard(t, points("sum", withOperator(leaderboardv1.Operator_OPERATOR_SUM), daily))
	w.makeBoard(t, points("best", daily))
	clock.advance(time.Minute) // away from what started the boards
	w.score(t, ada, "r1", "sum", 5)
	w.score(t, ada, "b1", "best", 5)
	w.score(t, ada, "b2", "best", 4)
	board, err := w.operator(t).GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "sum", PlayerId: ada})
	if err != nil {
		t.Fatal(err)
	}
	first := board.GetSeason()
	again := func(what string, season int64) {
		t.Helper()
		if o := w.score(t, ada, "r1", "sum", 5); !o.GetImproved() || o.GetSeason() != season || o.GetEntry().GetColumns()[0] != 5 {
			t.Errorf("%s: the sum again: %v", what, o)
		}
		if o := w.score(t, ada, "b1", "best", 5); !o.GetImproved() || o.GetSeason() != season || o.GetEntry().GetColumns()[0] != 5 {
			t.Errorf("%s: the best again: %v", what, o)
		}
	}
	again("at once", first)
	if o := w.score(t, ada, "b2", "best", 4); o.GetImproved() {
		t.Errorf("what did not improve does so when it is repeated: %v", o)
	}
	if _, err := w.player(t, ada).SubmitScore(session(t), submission("r1", "sum", 6)); fault.ReasonOf(err) != "REQUEST_ID_REUSED" {
		t.Errorf("another sum under the same name: %v", err)
	}
	// To just behind the end of the season.
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := clock.now().In(berlin)
	clock.advance(time.Date(now.Year(), now.Month(), now.Day()+1, 0, 1, 0, 0, berlin).Sub(now))
	again("in the next season", first)
	if players, _ := w.order(t, "sum"); len(players) != 0 {
		t.Errorf("the next season has %v", players)
	}
	clock.advance(20 * time.Minute)
	if o := w.score(t, ada, "r1", "sum", 5); o.GetSeason() != first || o.GetEntry().GetColumns()[0] != 5 {
		t.Errorf("long after the end: the sum again: %v", o)
	}
	if o := w.score(t, ada, "r9", "sum", 2); o.GetSeason() != first+1 || o.GetEntry().GetColumns()[0] != 2 {
		t.Errorf("a sum in the next season: %v", o)
	}
}

// TestASumStaysWithinItsBits adds up to the end of int64 and no further.
func TestASumStaysWithinItsBits(t *testing.T) {
	w := start(t, setup{})
	w.makeBoard(t, points("sum", withOperator(leaderboardv1.Operator_OPERATOR_SUM)))
	w.score(t, ada, "r1", "sum", math.MaxInt64-1)
	if _, err := w.player(t, ada).SubmitScore(session(t), submission("r2", "sum", 2)); fault.ReasonOf(err) != "SUM_OVERFLOW" || !fault.Is(err, fault.OutOfRange) {
		t.Errorf("one too many: %v", err)
	}
	if o := w.score(t, ada, "r3", "sum", 1); o.GetEntry().GetColumns()[0] != math.MaxInt64 {
		t.Errorf("the last one: %v", o)
	}
}

// TestSubmitsAreLimited refuses what comes too fast, and says when to come again.
func TestSubmitsAreLimited(t *testing.T) {
	w := start(t, setup{})
	w.makeBoard(t, points("b", func(l *leaderboardv1.Leaderboard) { l.SubmitsPerMinute = 2 }))
	w.score(t, ada, "r1", "b", 1)
	w.score(t, ada, "r2", "b", 2)
	_, err := w.player(t, ada).SubmitScore(session(t), submission("r3", "b", 3))
	if f := fault.As(err); f == nil || f.Reason != "SUBMIT_RATE" || f.RetryAfter <= 0 {
		t.Errorf("the third: %v", err)
	}
	w.score(t, bob, "r1", "b", 1)
}

// TestWhoMaySubmit asks for every role.
func TestWhoMaySubmit(t *testing.T) {
	w := start(t, setup{})
	w.makeBoard(t, points("servers", func(l *leaderboardv1.Leaderboard) { l.Submitters = nil }))
	if _, err := w.player(t, ada).SubmitScore(session(t), submission("r1", "servers", 1)); fault.ReasonOf(err) != "NOT_A_SUBMITTER" {
		t.Errorf("a player: %v", err)
	}
	for who, token := range map[string]string{"server": w.authority.GameServer("s"), "service": w.authority.Service("matchmaking")} {
		request := submission("r-"+who, "servers", 1)
		request.PlayerId = ada
		if _, err := w.client(t, token).SubmitScore(session(t), request); err != nil {
			t.Errorf("a %s: %v", who, err)
		}
	}
	request := submission("r1", "servers", 1)
	request.PlayerId = bob
	if _, err := w.player(t, ada).SubmitScore(session(t), request); fault.ReasonOf(err) != "NOT_YOUR_SCORE" {
		t.Errorf("for another: %v", err)
	}
	if _, err := w.operator(t).SubmitScore(session(t), request); !fault.Is(err, fault.PermissionDenied) {
		t.Errorf("an operator: %v", err)
	}
	w.profile.missing[nobody] = true
	request.PlayerId = nobody
	if _, err := w.server(t).SubmitScore(session(t), request); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
		t.Errorf("for a player who does not exist: %v", err)
	}
}
