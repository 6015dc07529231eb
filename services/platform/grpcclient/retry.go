package grpcclient

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	firstPause = 50 * time.Millisecond // the first pause is at most this, each further one at most twice the one before
	maxPause   = time.Second
)

// pause waits before the next try: as long as the callee asked for, or a random part of a growing time. It returns false, at
// once, when the deadline comes first.
func pause(ctx context.Context, attempt int, asked time.Duration) bool {
	d := asked
	if d <= 0 {
		d = 1 + rand.N(min(firstPause<<attempt, maxPause))
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// budget stops retries while most calls of a connection fail, so that they do not keep a service down that is coming up (the retry
// throttling of gRFC A6): a failure costs one token, a success gives a tenth back, and below half there are no retries.
type budget struct {
	tenths atomic.Int64
}

const (
	budgetFull = 1000 // tenths of a token
	perFailure = 10
	perSuccess = 1
)

func (b *budget) fill() { b.tenths.Store(budgetFull) }

func (b *budget) succeeded() {
	if b.tenths.Load() < budgetFull {
		b.tenths.Add(perSuccess)
	}
}

// failed counts a failure and reports whether the call may be tried again.
func (b *budget) failed() bool {
	left := b.tenths.Add(-perFailure)
	if left < 0 {
		b.tenths.Store(0)
	}
	return left > budgetFull/2
}
