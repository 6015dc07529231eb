package emulator

import (
	"sync"
	"time"
)

// Clock is the emulator's time, which a test may move. It is safe for concurrent use.
type Clock struct {
	mu     sync.Mutex
	frozen bool
	base   time.Time
	offset time.Duration
}

// NewClock runs with the system's clock, plus what Advance has added.
func NewClock() *Clock { return &Clock{} }

// NewFrozenClock stands still at start and moves only by Advance.
func NewFrozenClock(start time.Time) *Clock { return &Clock{frozen: true, base: start.UTC()} }

// Now is the emulator's time, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen {
		return c.base.Add(c.offset)
	}
	return time.Now().UTC().Add(c.offset)
}

// Advance moves the clock forward by d. A negative d is ignored: an account's time never goes back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d > 0 {
		c.offset += d
	}
}
