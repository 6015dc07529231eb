package lru_test

import (
	"sync"
	"testing"

	"pgregory.net/rapid"

	"supergame/services/platform/internal/lru"
)

// The cache agrees with the plainest form of itself: a list ordered by use.
func TestCacheAgainstList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.IntRange(1, 5).Draw(t, "capacity")
		cache := lru.New[int, int](capacity)
		var keys []int // the last used first
		values := map[int]int{}
		use := func(key int) {
			for i, k := range keys {
				if k == key {
					keys = append(keys[:i], keys[i+1:]...)
					break
				}
			}
			keys = append([]int{key}, keys...)
			if len(keys) > capacity {
				delete(values, keys[capacity])
				keys = keys[:capacity]
			}
		}
		for i := range rapid.IntRange(1, 100).Draw(t, "steps") {
			key := rapid.IntRange(0, 8).Draw(t, "key")
			want, known := values[key]
			switch rapid.IntRange(0, 20).Draw(t, "operation") {
			case 0, 1, 2, 3, 4, 5, 6, 7:
				cache.Put(key, i)
				values[key] = i
				use(key)
			case 8, 9, 10, 11, 12:
				if !known {
					values[key], want = i, i
				}
				use(key)
				if got := cache.GetOrPut(key, func() int { return i }); got != want {
					t.Fatalf("GetOrPut(%d) = %d, want %d", key, got, want)
				}
			default:
				got, found := cache.Get(key)
				if found != known || got != want {
					t.Fatalf("Get(%d) = %d, %v; want %d, %v", key, got, found, want, known)
				}
				if known {
					use(key)
				}
			}
			if cache.Len() != len(values) {
				t.Fatalf("%d entries, want %d", cache.Len(), len(values))
			}
		}
	})
}

func TestCacheConcurrently(t *testing.T) {
	cache := lru.New[int, int](10)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 2000 {
				cache.Put(i%20, i)
				cache.Get((i + 7) % 20)
			}
		})
	}
	wg.Wait()
	if cache.Len() != 10 {
		t.Errorf("%d entries, want 10", cache.Len())
	}
}
