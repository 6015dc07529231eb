package emulator

import (
	"testing"
	"time"
)

func TestBucket(t *testing.T) {
	now := time.Unix(1000, 0)
	b := &bucket{limit: 400}
	if wait := b.wait(now); wait != 0 {
		t.Fatalf("a fresh bucket lets nobody in for %v", wait)
	}
	b.spend(399, now)
	if wait := b.wait(now); wait != 0 {
		t.Errorf("1 RU is left, but it asks for %v", wait)
	}
	b.spend(500, now) // overdraws: 1 second pays for itself, one more for the debt
	if wait := b.wait(now.Add(200 * time.Millisecond)); wait != 1800*time.Millisecond {
		t.Errorf("wait %v, want 1.8s", wait)
	}
	if wait := b.wait(now.Add(1900 * time.Millisecond)); wait != 100*time.Millisecond {
		t.Errorf("wait %v, want 100ms", wait)
	}
	if wait := b.wait(now.Add(2 * time.Second)); wait != 0 {
		t.Errorf("wait %v after the debt is paid", wait)
	}
	b.wait(now.Add(time.Hour))
	if b.left != 400 {
		t.Errorf("%v RU were saved up, a second has only 400", b.left)
	}
	b.spend(450, now.Add(time.Hour))
	b.setLimit(1000)
	if wait := b.wait(now.Add(time.Hour)); wait != 0 {
		t.Errorf("wait %v although the throughput was raised", wait)
	}
}

func TestClock(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := NewFrozenClock(start)
	c.Advance(time.Minute)
	c.Advance(-time.Hour)
	if got := c.Now(); !got.Equal(start.Add(time.Minute)) {
		t.Errorf("now %v", got)
	}
	running := NewClock()
	before := running.Now()
	running.Advance(time.Hour)
	if passed := running.Now().Sub(before); passed < time.Hour || passed > time.Hour+time.Minute {
		t.Errorf("advanced by %v", passed)
	}
}
