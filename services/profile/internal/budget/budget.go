// Package budget limits what one player may use up in a time, on one replica: what a limit of calls does not bound, as some calls cost a thousand
// times as much as others. It is kept in memory, so a restart forgets it, and a player who meets several replicas has as many budgets.
package budget

import (
	"sync"
	"time"
)

// Budget is a bucket for each player that holds what may be used at once, and fills up again in a time. A nil Budget limits nothing. It is safe for concurrent
// use.
type Budget struct {
	size  int64
	refit time.Duration // of an empty bucket until it is full
	now   func() time.Time

	mu     sync.Mutex
	full   map[string]time.Time // when each bucket will be full; one that is not here is
	cleans int                  // how many buckets there may be before those are looked for that are full
}

// New returns a budget of so much in a time; nil when that is nothing.
func New(size int64, in time.Duration, now func() time.Time) *Budget {
	if size <= 0 {
		return nil
	}
	return &Budget{size: size, refit: in, now: now, full: map[string]time.Time{}, cleans: minBuckets}
}

// minBuckets are remembered without a look at whether they need to be.
const minBuckets = 1024

// Take takes so much out of a player's bucket and returns 0; or takes nothing and returns how long it must fill up for that. What is more than a
// whole bucket is taken out of a full one.
func (b *Budget) Take(playerID string, amount int64) (wait time.Duration) {
	if b == nil || amount <= 0 {
		return 0
	}
	now, costs := b.now(), b.cost(min(amount, b.size))
	b.mu.Lock()
	defer b.mu.Unlock()
	full := b.full[playerID]
	if full.Before(now) {
		full = now
	}
	if wait := full.Add(costs).Sub(now) - b.refit; wait > 0 {
		return wait
	}
	b.full[playerID] = full.Add(costs)
	if len(b.full) > b.cleans {
		b.clean(now)
	}
	return 0
}

// cost is the time in which an amount fills up again.
func (b *Budget) cost(amount int64) time.Duration {
	return time.Duration(float64(b.refit) * float64(amount) / float64(b.size))
}

// clean forgets the buckets that are full.
func (b *Budget) clean(now time.Time) {
	for playerID, full := range b.full {
		if !full.After(now) {
			delete(b.full, playerID)
		}
	}
	b.cleans = max(minBuckets, 2*len(b.full))
}
