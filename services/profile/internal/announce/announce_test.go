package announce

import (
	"context"
	"errors"
	"testing"
	"time"

	"supergame/services/platform/fault"
)

var begin = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// follower takes what it is told, or fails.
type follower struct {
	name string
	err  error
	told []int64
}

func (f *follower) Name() string { return f.name }

func (f *follower) Changed(_ context.Context, state Outbox) error {
	f.told = append(f.told, state.Version)
	return f.err
}

var errDown = fault.New(fault.Unavailable, "IS_DOWN", "down")

func announcer(now time.Time, followers ...*follower) *Announcer {
	a := &Announcer{Now: func() time.Time { return now }}
	for _, f := range followers {
		a.Followers = append(a.Followers, f)
	}
	return a
}

// TestSendGoesToThoseWhoDoNotHaveIt, and takes a follower who does not know the player for one who has it.
func TestSendGoesToThoseWhoDoNotHaveIt(t *testing.T) {
	behind, has, gone, down := &follower{name: "a"}, &follower{name: "b"}, &follower{name: "c", err: fault.New(fault.NotFound, "X", "gone")}, &follower{name: "d", err: errDown}
	a := announcer(begin, behind, has, gone, down)
	outcomes := a.send(t.Context(), Outbox{Version: 3, Delivered: map[string]int64{"a": 2, "b": 3, "x": 1}})
	if len(outcomes) != 3 || outcomes["a"] != nil || outcomes["c"] != nil || !errors.Is(outcomes["d"], errDown) {
		t.Errorf("%v", outcomes)
	}
	if len(behind.told) != 1 || behind.told[0] != 3 || len(has.told) != 0 {
		t.Errorf("told %v and %v", behind.told, has.told)
	}
	if outcomes := a.send(t.Context(), Outbox{Version: 3, Delivered: map[string]int64{"a": 3, "b": 3, "c": 3, "d": 4}}); outcomes != nil {
		t.Errorf("everybody has it: %v", outcomes)
	}
}

func TestRecord(t *testing.T) {
	a := announcer(begin, &follower{name: "a"}, &follower{name: "b"})
	box := Outbox{Version: 3, Since: begin, Due: begin}
	if a.record(&box, 3, map[string]error{"a": nil, "b": errDown}) || box.Delivered["a"] != 3 || box.Failures != 1 || !box.Due.Equal(begin.Add(firstPause)) || box.Dead != "" {
		t.Errorf("one is down: %+v", box)
	}
	if a.record(&box, 2, map[string]error{"b": nil}) || box.Delivered["b"] != 2 || !box.Due.Equal(begin) || box.Since.IsZero() {
		t.Errorf("a newer version came meanwhile: %+v", box)
	}
	if a.record(&box, 1, map[string]error{"b": nil}) || box.Delivered["b"] != 2 {
		t.Errorf("an older delivery counts: %+v", box)
	}
	if a.record(&box, 3, map[string]error{"b": nil}) || !box.Due.IsZero() || !box.Since.IsZero() || box.Failures != 0 {
		t.Errorf("everybody has it: %+v", box)
	}
}

// TestPausesGrow to an hour, and after a week it is given up: nobody tries again before the next change.
func TestPausesGrow(t *testing.T) {
	now, last := begin, time.Duration(0)
	f := &follower{name: "a"}
	box, tries := Outbox{Version: 1, Since: begin}, 0
	for ; ; tries++ {
		a := announcer(now, f)
		if a.record(&box, 1, map[string]error{"a": errDown}) {
			break
		}
		wait := box.Due.Sub(now)
		if wait < last || wait < firstPause || wait > longestWait {
			t.Fatalf("after %d failures it waits %v, before that %v", box.Failures, wait, last)
		}
		now, last = box.Due, wait
	}
	if took := now.Sub(begin); took < giveUpAfter || took > giveUpAfter+longestWait || box.Dead != "a: IS_DOWN" || !box.Due.IsZero() || tries > 200 {
		t.Errorf("given up after %v and %d tries: %+v", took, tries, box)
	}
}

// TestWhoHasLeft does not hold up the others: a service that was taken out of the configuration.
func TestWhoHasLeft(t *testing.T) {
	a := announcer(begin, &follower{name: "a"})
	box := Outbox{Version: 2, Since: begin, Due: begin, Delivered: map[string]int64{"a": 1, "left": 1}}
	if a.record(&box, 2, map[string]error{"a": nil}) || !box.Due.IsZero() {
		t.Errorf("%+v", box)
	}
}
