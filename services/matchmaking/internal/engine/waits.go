package engine

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// How many matched tickets are remembered, and how many of them an expectation is taken from.
const (
	remembered = 512
	alike      = 32
)

// waits remembers how long tickets waited that were matched lately.
type waits struct {
	ring [remembered]waited
	n    int
}

type waited struct {
	size   int
	rating float64
	wait   int64
}

func (w *waits) add(t *ticket, now int64) {
	w.ring[w.n%remembered] = waited{t.size, t.rating, max(0, now-t.since)}
	w.n++
}

// expect returns the median wait of the tickets of the same size whose ratings are nearest, and how many there were.
func (w *waits) expect(t *ticket) (time.Duration, int) {
	var list []waited
	for _, x := range w.ring[:min(w.n, remembered)] {
		if x.size == t.size {
			list = append(list, x)
		}
	}
	if len(list) == 0 {
		return 0, 0
	}
	slices.SortStableFunc(list, func(a, b waited) int {
		return cmp.Compare(math.Abs(a.rating-t.rating), math.Abs(b.rating-t.rating))
	})
	list = list[:min(len(list), alike)]
	slices.SortFunc(list, func(a, b waited) int { return cmp.Compare(a.wait, b.wait) })
	return time.Duration(list[len(list)/2].wait), len(list)
}
