package scores_test

import (
	"testing"
	"time"

	"supergame/services/leaderboard/internal/scores"
)

func TestAMinuteTakesSoMany(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w := scores.NewWindows(func() time.Time { return now })
	for i := range 10 {
		if wait := w.Take("ada", "b", 10); wait != 0 {
			t.Fatalf("submission %d must wait %v", i, wait)
		}
	}
	if wait := w.Take("ada", "b", 10); wait != 6*time.Second {
		t.Errorf("the eleventh must wait %v, want 6 s", wait)
	}
	if w.Take("ada", "c", 10) != 0 || w.Take("bob", "b", 10) != 0 {
		t.Error("another board or player must wait")
	}
	// A minute later the ten of before still count for as much of the minute as is looked at.
	now = now.Add(90 * time.Second)
	took := 0
	for range 20 {
		if w.Take("ada", "b", 10) == 0 {
			took++
		}
	}
	if took != 5 {
		t.Errorf("half a minute on there was room for %d, want 5", took)
	}
	now = now.Add(5 * time.Minute)
	if w.Take("ada", "b", 1) != 0 || w.Take("ada", "b", 1) == 0 {
		t.Error("a limit of 1 does not take one")
	}
}
