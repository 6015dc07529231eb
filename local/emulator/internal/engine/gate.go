package engine

import (
	"math"
	"sync/atomic"
)

// gate counts the calls inside, so that Close can wait for them. Entering twice is fine, also while Close waits.
type gate struct {
	inside atomic.Int64 // below zero once closed
	empty  chan struct{}
}

func (g *gate) enter() error {
	if g.inside.Add(1) < 0 {
		g.leave()
		return ErrClosed
	}
	return nil
}

func (g *gate) leave() {
	if g.inside.Add(-1) == math.MinInt64 {
		select {
		case g.empty <- struct{}{}:
		default:
		}
	}
}

// close lets nobody in any more and returns when everybody has left; false when it was closed before.
func (g *gate) close() bool {
	for {
		n := g.inside.Load()
		if n < 0 {
			return false
		}
		if g.inside.CompareAndSwap(n, n+math.MinInt64) {
			break
		}
	}
	for g.inside.Load() != math.MinInt64 {
		<-g.empty
	}
	return true
}
