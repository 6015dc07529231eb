package grpcserver

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Over any time, a key gets at most the burst plus the rate times that time, and after the wait it was told it gets the next.
func TestLimiterNeverGivesMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perSecond := rapid.Float64Range(.5, 1000).Draw(t, "rate")
		l := newLimiter[string](perSecond)
		given, now := 0, time.Duration(0)
		for range rapid.IntRange(1, 300).Draw(t, "calls") {
			now += time.Duration(rapid.Int64Range(0, int64(2*l.every)).Draw(t, "pause"))
			wait := l.takeAt("key", now)
			now += wait
			if wait > 0 && l.takeAt("key", now) != 0 {
				t.Fatalf("refused after the wait of %s", wait)
			}
			given++
			if most := float64(l.burst)/float64(l.every) + float64(now)/float64(l.every) + 1; float64(given) > most {
				t.Fatalf("%d calls in %s, at most %.1f are due", given, now, most)
			}
		}
	})
}

func TestLimiterIsBoundedAndSafe(t *testing.T) {
	l := newLimiter[int](10)
	var given atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				if l.takeAt(1, 0) == 0 {
					given.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if given.Load() != 20 {
		t.Errorf("%d calls at once, want a burst of 20", given.Load())
	}
	for key := range 2 * limiterKeys {
		l.takeAt(key, 0)
	}
	if n := l.buckets.Len(); n != limiterKeys {
		t.Errorf("%d keys are remembered, want %d", n, limiterKeys)
	}
	if none := newLimiter[int](0); none.take(1) != 0 || none.buckets.Len() != 0 {
		t.Error("a rate of 0 limits")
	}
}
