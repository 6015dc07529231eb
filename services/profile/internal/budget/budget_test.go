package budget

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestBudget(t *testing.T) {
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	b := New(60, time.Minute, func() time.Time { return now })
	for _, step := range []struct {
		player string
		after  time.Duration
		amount int64
		wait   time.Duration
	}{
		{"ada", 0, 50, 0}, {"ada", 0, 10, 0}, {"ada", 0, 1, time.Second}, {"ada", 0, 30, 30 * time.Second}, {"bob", 0, 60, 0},
		{"ada", 10 * time.Second, 11, time.Second}, {"ada", time.Second, 11, 0}, {"ada", time.Hour, 61, 0}, {"ada", 59 * time.Second, 100, time.Second},
		{"ada", time.Second, 100, 0}, {"ada", 0, 0, 0}, {"ada", 0, -5, 0},
	} {
		now = now.Add(step.after)
		if wait := b.Take(step.player, step.amount); wait != step.wait {
			t.Errorf("%+v: waits %v", step, wait)
		}
	}
	var none *Budget
	if none.Take("ada", 1<<60) != 0 || New(0, time.Minute, nil) != nil {
		t.Error("no budget limits something")
	}
}

// TestBudgetForgets what it need not know.
func TestBudgetForgets(t *testing.T) {
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	b := New(1, time.Minute, func() time.Time { return now })
	for i := range 100_000 {
		now = now.Add(time.Second)
		if wait := b.Take(fmt.Sprint(i), 1); wait != 0 {
			t.Fatalf("%d waits %v", i, wait)
		}
		if len(b.full) > minBuckets+1 {
			t.Fatalf("%d buckets", len(b.full))
		}
	}
}

// TestBudgetAtOnce: no more gets through than there is, whoever comes at the same time.
func TestBudgetAtOnce(t *testing.T) {
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	b := New(100, time.Minute, func() time.Time { return now })
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if b.Take("ada", 3) == 0 {
					taken.Add(3)
				}
			}
		})
	}
	wg.Wait()
	if taken.Load() != 99 {
		t.Errorf("%d were taken of 100", taken.Load())
	}
}
