package loop_test

import (
	"testing"
	"time"

	"supergame/services/leaderboard/internal/loop"
)

var (
	noon  = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	left  = loop.Range{Min: "", Max: "80"}
	right = loop.Range{Min: "80", Max: "FF"}
)

func after(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

func beat(r loop.Range, owner string, seconds int) loop.Beat {
	return loop.Beat{Range: r, Owner: owner, At: after(seconds), Store: after(seconds)}
}

// TestTheViewIsAsOldAsItsOldestRange takes heartbeats in any order.
func TestTheViewIsAsOldAsItsOldestRange(t *testing.T) {
	f := &loop.Freshness{Owner: "me"}
	f.SetRanges([]loop.Range{left, right})
	f.Saw(beat(left, "other", 5))
	if asOf := f.View().AsOf; !asOf.IsZero() {
		t.Errorf("one range was not heard of, and the view is of %v", asOf)
	}
	f.Saw(beat(right, "me", 9))
	f.Saw(beat(left, "other", 3)) // late
	if asOf := f.View().AsOf; !asOf.Equal(after(5)) || !f.Store().Equal(after(5)) || f.View().Estimated {
		t.Errorf("the view is of %v, want the oldest of the newest", asOf)
	}
	if f.CaughtUp(2) {
		t.Error("it has caught up without a heartbeat of its own on the left")
	}
	f.Saw(beat(left, "me", 10))
	if !f.CaughtUp(2) || len(f.Missing()) != 0 {
		t.Error("it has not caught up")
	}
	f.SetRanges([]loop.Range{left, right, {Min: "FF", Max: "FFF"}})
	if !f.CaughtUp(2) {
		t.Error("what has caught up does not stay so")
	}
	if f.Saw(beat(loop.Range{Min: "1", Max: "2"}, "me", 1)) {
		t.Error("a heartbeat of a range that is not known is taken")
	}
}

// TestASplitRangeIsAsOldAsItWas splits a range and joins two.
func TestASplitRangeIsAsOldAsItWas(t *testing.T) {
	f := &loop.Freshness{Owner: "me"}
	f.SetRanges([]loop.Range{left, right})
	f.Saw(beat(left, "me", 5))
	f.Saw(beat(right, "me", 7))
	lower, upper := loop.Range{Min: "", Max: "40"}, loop.Range{Min: "40", Max: "80"}
	f.SetRanges([]loop.Range{lower, upper, right})
	f.Saw(beat(lower, "me", 20))
	f.Saw(beat(right, "me", 20))
	if asOf := f.View().AsOf; !asOf.Equal(after(5)) {
		t.Errorf("half of the split range was heard of, and the view is of %v", asOf)
	}
	f.Saw(beat(upper, "me", 15))
	if asOf := f.View().AsOf; !asOf.Equal(after(15)) {
		t.Errorf("the view is of %v", asOf)
	}
	f.SetRanges([]loop.Range{{Min: "", Max: "FF"}})
	if asOf := f.View().AsOf; !asOf.Equal(after(15)) || len(f.Missing()) != 0 {
		t.Errorf("joined, the view is of %v", asOf)
	}
}

// TestAClockThatIsAheadPromisesNothing takes a heartbeat whose writer's clock is ahead of the store's.
func TestAClockThatIsAheadPromisesNothing(t *testing.T) {
	f := &loop.Freshness{}
	f.SetRanges([]loop.Range{left})
	f.Saw(loop.Beat{Range: left, At: after(100), Store: after(10)})
	if asOf := f.View().AsOf; !asOf.Equal(after(11)) {
		t.Errorf("the view is of %v", asOf)
	}
}

// TestWithoutHeartbeatsEmptyPollsCount.
func TestWithoutHeartbeatsEmptyPollsCount(t *testing.T) {
	f := &loop.Freshness{Estimated: true}
	f.SetRanges([]loop.Range{left, right})
	f.Drained(0, after(5))
	if f.CaughtUp(2) {
		t.Error("it has caught up with half of the positions")
	}
	f.Drained(1, after(4))
	if !f.CaughtUp(2) || !f.View().AsOf.Equal(after(4)) || !f.View().Estimated {
		t.Errorf("the view is %+v", f.View())
	}
}
