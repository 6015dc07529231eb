package lru_test

import (
	"testing"
	"time"

	"supergame/services/leaderboard/internal/lru"
)

func TestItForgetsWhatIsOldAndWhatIsUnused(t *testing.T) {
	now := time.Now()
	c := lru.New[string, int](2, time.Minute, func() time.Time { return now })
	c.Put("a", 1)
	c.Put("b", 2)
	if v, ok := c.Get("a"); !ok || v != 1 {
		t.Errorf("a is %v, %v", v, ok)
	}
	c.Put("c", 3) // b was used longest ago
	if _, ok := c.Get("b"); ok {
		t.Error("b is still there")
	}
	now = now.Add(time.Minute)
	if _, ok := c.Get("a"); ok {
		t.Error("a outlived its life")
	}
	c.Change("c", func(v int, found bool) int {
		if !found || v != 3 {
			t.Errorf("c is %v, %v", v, found)
		}
		return v + 1
	})
	if v, ok := c.Get("c"); !ok || v != 4 {
		t.Errorf("c is %v, %v", v, ok)
	}
	c.Forget("c")
	if _, ok := c.Get("c"); ok {
		t.Error("c is still there")
	}
}
