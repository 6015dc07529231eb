package season_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/services/leaderboard/internal/archive"
	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/reward"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/leaderboard/internal/season"
	"supergame/services/platform/fault"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func hourly() board.Board {
	return board.Board{
		Schedule: &board.Schedule{Cron: "0 * * * *", Zone: "Europe/Berlin"}, Review: time.Hour, Retention: 30 * 24 * time.Hour,
		Rewards: []board.Tier{
			{Name: "gold", MaxRank: 1, Grants: map[string]int64{"gems": 100, "item.crown": 1}}, {Name: "rest", MaxPercentile: 60, Grants: map[string]int64{"gems": 5}},
		},
	}
}

// TestSeason goes the whole way.
func TestSeason(t *testing.T) {
	w := newWorld(t, noon.Add(30*time.Minute))
	w.create(hourly())
	for n := range byte(5) {
		w.submit(n, int64(n)*10)
	}
	if err := w.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := w.season(1); s.State != board.Open {
		t.Fatalf("%+v", s)
	}
	w.e.Clock().Advance(30 * time.Minute)
	s := w.until(1, board.Closing)
	if got := w.season(2); got.State != board.Open || !got.Start.Equal(s.End) {
		t.Errorf("the next season is %+v", got)
	}
	s = w.until(1, board.Frozen)
	if s.FreezeTime.Before(s.End.Add(board.SettleTime)) || len(s.Seed) == 0 {
		t.Errorf("frozen at %v with %x", s.FreezeTime, s.Seed)
	}
	s = w.until(1, board.InReview)
	if s.EntryCount != 5 || s.ArchiveVersion != 1 || s.LateWrites != 0 || s.Seed != nil || s.NextTime.Sub(w.now()) != time.Hour {
		t.Errorf("%+v", s)
	}
	if got := names(w.rows(s)); got != "1:4 2:3 3:2 4:1 5:0 " {
		t.Error(got)
	}
	if _, err := w.scores.Hide(t.Context(), "b", player(4), 1, ""); err != nil { // this one knows no archives
		t.Fatal(err)
	}
	w.scores.Archived = (&season.Closed{Seasons: w.boards, Now: w.now}).Archived
	if _, err := w.scores.Hide(t.Context(), "b", player(3), 1, ""); fault.ReasonOf(err) != "SEASON_ARCHIVED" {
		t.Error(err)
	}
	s = w.until(1, board.Rewarded)
	if s.Grants != 2 || s.Forfeits != 1 {
		t.Errorf("%+v", s)
	}
	if got := slices.Sorted(maps.Keys(w.wallet.entries)); len(got) != 2 || !strings.HasPrefix(got[0], player(2)) || !strings.HasPrefix(got[1], player(3)) {
		t.Errorf("%v", got)
	}
	if _, err := w.reviews.Disqualify(t.Context(), "b", player(3), 1, ""); fault.ReasonOf(err) != "NOT_IN_REVIEW" {
		t.Error(err)
	}
	page, err := (&reward.Rewards{Store: w.grants}).List(t.Context(), scores.Caller{Subject: player(4), Player: true}, "", 10, "")
	if err != nil || len(page.Grants) != 1 || page.Grants[0].State != reward.Forfeited || page.Grants[0].Reason != "HIDDEN" || page.Grants[0].Rank != 1 {
		t.Errorf("%+v, %v", page, err)
	}
}

// TestRetire: an archived season leaves the memory, those before it first.
func TestRetire(t *testing.T) {
	w := newWorld(t, noon)
	b := w.create(hourly())
	w.submit(1, 10)
	w.e.Clock().Advance(time.Hour)
	retirer := &season.Retirer{View: w.view, Seasons: w.boards}
	w.until(1, board.Frozen)
	for _, state := range []board.State{board.Frozen, board.InReview} {
		w.until(1, state)
		if err := retirer.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if kept := w.view.Season(b.UID, 1) != nil; kept != (w.season(1).State < board.InReview) {
			t.Errorf("%v: kept is %v", state, kept)
		}
	}
}

// TestMissedSeasons: what was missed while nothing ran is rolled one by one, each boundary once, also through a change of the clock.
func TestMissedSeasons(t *testing.T) {
	start := time.Date(2026, 3, 27, 12, 0, 0, 0, time.UTC)
	w := newWorld(t, start)
	b := hourly()
	b.Schedule = &board.Schedule{Cron: "30 2 * * *", Zone: "Europe/Berlin"} // which the 29th does not have
	b.Review = time.Minute
	w.create(b)
	w.submit(1, 10)
	w.e.Clock().Advance(4*24*time.Hour + time.Hour)
	other := w.another()
	errs := make(chan error, 2)
	for _, r := range []*replica{w.replica, other} { // two at once
		go func() { errs <- r.round(t.Context()) }()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	want := []time.Time{
		start, time.Date(2026, 3, 28, 1, 30, 0, 0, time.UTC), time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC),
		time.Date(2026, 3, 30, 0, 30, 0, 0, time.UTC), time.Date(2026, 3, 31, 0, 30, 0, 0, time.UTC), time.Date(2026, 4, 1, 0, 30, 0, 0, time.UTC),
	}
	for i := range 5 {
		s := w.season(int64(i) + 1)
		if !s.Start.Equal(want[i]) || !s.End.Equal(want[i+1]) {
			t.Errorf("season %d goes from %v to %v", s.Number, s.Start, s.End)
		}
	}
	for number := int64(1); number <= 4; number++ {
		s := w.until(number, board.Rewarded)
		if want := map[bool]int64{true: 1}[number == 1]; s.EntryCount != want {
			t.Errorf("season %d has %d entries", number, s.EntryCount)
		}
	}
}

// TestSubmitAtTheEnd: a submission that is decided before the end and stored after it is in the season in which it was decided, and in its archive,
// and in no other. One that is stored after the freeze, which no write takes so long to be, is reported and does not count.
func TestSubmitAtTheEnd(t *testing.T) {
	for name, late := range map[string]bool{"before the freeze": false, "after the freeze": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, noon.Add(59*time.Minute+59*time.Second))
			w.create(hourly())
			w.submit(1, 10)
			other := w.another()
			w.players.asked = func() { // the submission is being decided
				w.players.asked = nil
				w.e.Clock().Advance(3 * time.Second)
				state := board.Closing
				if late {
					state = board.Frozen
				}
				mine := w.replica
				w.replica = other
				w.until(1, state)
				w.replica = mine
				if late {
					w.e.Clock().Advance(3 * time.Second)
				}
			}
			result := w.submit(2, 20)
			if result.Season != 1 {
				t.Errorf("it counted in season %d", result.Season)
			}
			w.submit(3, 30)
			s := w.until(1, board.InReview)
			want, wantLate := "1:2 2:1 ", int64(0)
			if late {
				want, wantLate = "1:1 ", 1
			}
			if got := names(w.rows(s)); got != want || s.LateWrites != wantLate {
				t.Errorf("archived are %s, %d late", got, s.LateWrites)
			}
			w.e.Clock().Advance(time.Hour)
			if got := names(w.rows(w.until(2, board.InReview))); got != "1:3 " {
				t.Errorf("in the next season are %s", got)
			}
		})
	}
}

// TestHideWhileArchiving: an entry that is hidden after the archive was written, and before the review, is not in the archive of the review.
func TestHideWhileArchiving(t *testing.T) {
	w := newWorld(t, noon)
	w.create(hourly())
	for n := range byte(3) {
		w.submit(n, int64(n))
	}
	w.e.Clock().Advance(time.Hour)
	first := w.until(1, board.Archived)
	if _, err := w.scores.Hide(t.Context(), "b", player(1), 1, "cheat"); err != nil {
		t.Fatal(err)
	}
	s := w.until(1, board.InReview)
	if got := names(w.rows(s)); got != "1:2 2:0 " || s.ArchiveVersion != 2 || s.EntryCount != 2 {
		t.Errorf("%s in %+v", got, s)
	}
	w.e.Clock().Advance(time.Hour)
	w.until(1, board.Rewarding)
	if _, err := w.stored.Header(t.Context(), archive.NameOf(&first)); !fault.Is(err, fault.NotFound) {
		t.Errorf("the first archive is still there: %v", err)
	}
}

// TestClockAhead: a freeze by a clock that is ahead of the store's is made again.
func TestClockAhead(t *testing.T) {
	w := newWorld(t, noon)
	w.create(hourly())
	w.e.Clock().Advance(time.Hour)
	w.until(1, board.Closing)
	w.keeper.Now = func() time.Time { return w.now().Add(2 * time.Minute) }
	if err := w.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	early := w.season(1)
	if early.State != board.Frozen {
		t.Fatalf("%+v", early)
	}
	s := w.until(1, board.InReview)
	if s.FreezeTime.Before(s.End.Add(board.SettleTime)) {
		t.Errorf("frozen at %v", s.FreezeTime)
	}
}

// TestDeletedBoard: the seasons of a board that is gone end.
func TestDeletedBoard(t *testing.T) {
	w := newWorld(t, noon)
	b := w.create(hourly())
	if err := w.boards.Delete(t.Context(), "b", func(*board.Board) error { return nil }); err != nil {
		t.Fatal(err)
	}
	w.e.Clock().Advance(time.Hour)
	if err := w.keeper.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.boards.Season(t.Context(), &b, 1); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

// TestDisqualifyAtOnce: two operators take two players out at the same time; both are out, whoever is first.
func TestDisqualifyAtOnce(t *testing.T) {
	w := newWorld(t, noon)
	w.create(hourly())
	for n := range byte(6) {
		w.submit(n, int64(n))
	}
	w.e.Clock().Advance(time.Hour)
	w.until(1, board.InReview)
	other := w.another()
	errs := make(chan error, 4)
	for i, r := range []*replica{w.replica, other, w.replica, other} {
		go func() {
			_, err := r.reviews.Disqualify(t.Context(), "b", player(byte(i)+1), 1, "cheat")
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	s := w.season(1)
	if got := names(w.rows(s)); got != "1:5 2:0 " || s.EntryCount != 2 || s.ArchiveVersion != 5 {
		t.Errorf("%s in %+v", got, s)
	}
}

// story plays a season from its end to the last reward, with a disqualification in between, on whatever replica is alive.
type story struct {
	w    *world
	done atomic.Bool // the disqualification
}

func (s *story) step(ctx context.Context, r *replica) (finished bool, err error) {
	if err := r.round(ctx); err != nil {
		return false, err
	}
	b, err := r.boards.Get(ctx, "b")
	if err != nil {
		return false, err
	}
	now, err := r.boards.Season(ctx, &b, 1)
	if err != nil {
		return false, err
	}
	if now.State == board.InReview && !s.done.Load() {
		if _, err := r.reviews.Disqualify(ctx, "b", player(9), 1, "cheat"); err != nil {
			return false, err
		}
		s.done.Store(true)
	}
	return now.State == board.Rewarded, nil
}

// play plays to the end. When the first replica dies another goes on.
func (s *story) play(ctx context.Context) {
	s.w.t.Helper()
	r := s.w.replica
	for range 400 {
		finished, err := s.step(ctx, r)
		switch {
		case ctx.Err() != nil:
			ctx, r = s.w.t.Context(), s.w.another()
			continue
		case err != nil:
			s.w.t.Fatal(err)
		case finished:
			return
		}
		s.w.e.Clock().Advance(61 * time.Second)
	}
	s.w.t.Fatalf("the season is %+v", s.w.season(1))
}

func newStory(t *testing.T) *story {
	w := newWorld(t, noon)
	b := hourly()
	b.Review = 5 * time.Minute
	w.create(b)
	for n := range byte(10) {
		w.submit(n, int64(n))
	}
	if _, err := w.scores.Hide(t.Context(), "b", player(8), 1, ""); err != nil {
		t.Fatal(err)
	}
	w.wallet.refuse = map[string]error{player(6): fault.New(fault.NotFound, "PLAYER_NOT_FOUND", "erased")}
	w.e.Clock().Advance(time.Hour)
	return &story{w: w}
}

// check: 9 is disqualified and 8 hidden, so 7 has the gold; 60 % of the eight that are left are 4, of whom 6 is gone.
func (s *story) check(what string) {
	t := s.w.t
	t.Helper()
	stored := s.w.season(1)
	if got := names(s.w.rows(stored)); got != "1:7 2:6 3:5 4:4 5:3 6:2 7:1 8:0 " {
		t.Errorf("%s: archived are %s", what, got)
	}
	if stored.Grants != 3 || stored.Forfeits != 1 || stored.EntryCount != 8 {
		t.Errorf("%s: %d grants, %d forfeits, %d entries", what, stored.Grants, stored.Forfeits, stored.EntryCount)
	}
	want := map[string]string{}
	for n, tier := range map[byte]string{7: "gold", 5: "rest", 4: "rest"} {
		assets := map[string]map[string]int64{"gold": {"gems": 100, "item.crown": 1}, "rest": {"gems": 5}}[tier]
		want[player(n)+" reward|"+stored.BoardUID+"|1|"+tier] = fmt.Sprint(assets)
	}
	if !maps.Equal(want, s.w.wallet.entries) {
		t.Errorf("%s: the wallet has %v", what, s.w.wallet.entries)
	}
	for n, state := range map[byte]reward.State{7: reward.Granted, 6: reward.Forfeited, 5: reward.Granted, 4: reward.Granted, 3: 0, 9: 0, 8: 0} {
		page, err := s.w.grants.List(t.Context(), player(n), 10, "")
		if err != nil || len(page.Grants) > 1 || (state != 0) != (len(page.Grants) == 1) || state != 0 && page.Grants[0].State != state {
			t.Errorf("%s: player %d has %+v, %v", what, n, page.Grants, err)
		}
	}
}

// TestCrashAtEveryRequest ends the process at each of its requests to the store, before and after it is carried out, from the season's end to the last
// reward. Another goes on, and everything happened once.
func TestCrashAtEveryRequest(t *testing.T) {
	for name, after := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			step := 4 // every request with LONG=1
			if os.Getenv("LONG") != "" {
				step = 1
			}
			for n := 0; ; n += step {
				s := newStory(t)
				ctx, cancel := context.WithCancel(t.Context())
				died := false
				die := emulator.Fault{Skip: n, Count: 1, DropBefore: !after, DropAfter: after, After: after}
				die.Hook = func(context.Context, emulator.Point) {
					died = true
					cancel()
				}
				s.w.e.Inject(die)
				s.play(ctx)
				cancel()
				if !died {
					if n < 50 {
						t.Errorf("only %d requests", n)
					}
					return
				}
				if s.check(fmt.Sprintf("request %d", n)); t.Failed() {
					return
				}
			}
		})
	}
}

// TestCrashAtEveryGrant ends the process at each call of the wallet, before and after.
func TestCrashAtEveryGrant(t *testing.T) {
	for call := 1; call <= 4; call++ {
		for _, after := range []bool{false, true} {
			s := newStory(t)
			ctx, cancel := context.WithCancel(t.Context())
			die := func(n int) {
				if n == call {
					cancel()
				}
			}
			if s.w.wallet.before = die; after {
				s.w.wallet.before, s.w.wallet.after = nil, die
			}
			s.play(ctx)
			cancel()
			s.check(fmt.Sprintf("call %d, after: %v", call, after))
		}
	}
}

// TestWalletInTrouble: a wallet that cannot be reached holds the season up, and then everything goes on; what it refuses for good does not.
func TestWalletInTrouble(t *testing.T) {
	s := newStory(t)
	down := fault.New(fault.Unavailable, "DOWN", "the wallet is down")
	s.w.wallet.refuse[player(5)] = down
	var err error
	for range 30 {
		if _, err = s.step(t.Context(), s.w.replica); err != nil {
			break
		}
		s.w.e.Clock().Advance(61 * time.Second)
	}
	if !errors.Is(err, down) || s.w.season(1).State != board.Rewarding || s.w.season(1).Cursor != 0 {
		t.Fatalf("%v: %+v", err, s.w.season(1))
	}
	if page, err := s.w.grants.List(t.Context(), player(5), 10, ""); err != nil || len(page.Grants) != 1 || page.Grants[0].State != reward.Pending {
		t.Errorf("%+v, %v", page, err)
	}
	delete(s.w.wallet.refuse, player(5))
	s.play(t.Context())
	s.check("afterwards")
}

// TestTwoKeepers: two replicas work at the same time, and everything happens once.
func TestTwoKeepers(t *testing.T) {
	s := newStory(t)
	other := s.w.another()
	for range 30 {
		errs := make(chan error, 2)
		for _, r := range []*replica{s.w.replica, other} {
			go func() {
				_, err := s.step(t.Context(), r)
				errs <- err
			}()
		}
		for range 2 {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
		if s.w.season(1).State == board.Rewarded {
			break
		}
		s.w.e.Clock().Advance(61 * time.Second)
	}
	s.check("two at once")
}

// TestLateOverflow: where thousands of scores came after the freeze, nothing is archived.
func TestLateOverflow(t *testing.T) {
	w := newWorld(t, noon)
	b := w.create(hourly())
	b.Season, b.Start = 2, noon.Add(time.Hour)
	w.view.Define(&b)
	for i := range 2000 {
		id := []byte(player(1))
		copy(id[10:], fmt.Sprintf("%04d", i))
		w.view.Apply(&board.Entry{
			PlayerID: string(id), BoardID: "b", BoardUID: b.UID, Season: 1, Version: 1, ScoredTime: noon.Add(2 * time.Hour),
			Key: board.NewKey(b.Columns, []int64{1}, noon, string(id), nil),
		})
	}
	if _, err := w.view.Season(b.UID, 1).Late(noon.Add(90 * time.Minute)); fault.ReasonOf(err) != "TOO_MANY_LATE_WRITES" {
		t.Error(err)
	}
	if late, err := w.view.Season(b.UID, 1).Late(noon.Add(3 * time.Hour)); err != nil || len(late) != 0 {
		t.Error(late, err)
	}
}
