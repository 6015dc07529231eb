package emulator

import (
	"math"
	"sync"
	"time"

	"supergame/local/emulator/internal/engine"
	"supergame/local/emulator/internal/epk"
)

// budgets holds the request units that each physical partition may spend.
type budgets struct {
	mu    sync.Mutex
	byKey map[string]*bucket
}

// A bucket is refilled at every second of the clock, as the service does: what a second leaves over is lost, and a request is let
// in as long as anything is left, so that one expensive request may overdraw and the following seconds pay for it.
type bucket struct {
	mu     sync.Mutex
	limit  float64 // RU/s
	second int64
	left   float64
}

// of finds the bucket of a range: the container's own throughput times the range's share, or else the database's, which is one
// bucket for all its containers. Nil when neither has an offer.
func (b *budgets) of(e *engine.Engine, c *engine.Container, rangeID string) *bucket {
	info := c.Info()
	offer, own := e.OfferOf(info.RID)
	key, share := info.DatabaseRID, 1.0
	if own {
		key = info.RID + "/" + rangeID
		share = shareOf(c.Ranges(), rangeID)
	} else {
		var shared bool
		if offer, shared = e.OfferOf(info.DatabaseRID); !shared {
			return nil
		}
	}
	limit := float64(max(offer.Throughput.Manual, offer.Throughput.AutoscaleMax)) * share
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byKey == nil {
		b.byKey = map[string]*bucket{}
	}
	found := b.byKey[key]
	if found == nil {
		found = &bucket{limit: limit}
		b.byKey[key] = found
	}
	found.setLimit(limit)
	return found
}

// paying is the physical partition that serves a key; empty when nobody has to know, or the key does not fit the container, which
// the engine then says.
func (c *call) paying(container *engine.Container, key epk.Key) string {
	if !c.e.opts.Throttle {
		return ""
	}
	at, err := container.Info().Properties.Key.Effective(key)
	if err != nil {
		return ""
	}
	for _, r := range container.Ranges() {
		if r.Min <= at && (at < r.Max || r.Max == "FF") {
			return r.ID
		}
	}
	return ""
}

func shareOf(ranges []engine.Range, id string) float64 {
	for _, r := range ranges {
		if r.ID == id {
			return r.Fraction
		}
	}
	return 1 / float64(max(1, len(ranges)))
}

func (b *bucket) setLimit(limit float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if limit > b.limit { // a raise helps at once
		b.left += limit - b.limit
	}
	b.limit = limit
}

// refill brings the bucket to now; debts of earlier seconds are paid from the later ones.
func (b *bucket) refill(now time.Time) {
	second := now.Unix()
	if b.second == 0 {
		b.second, b.left = second, b.limit
		return
	}
	if passed := second - b.second; passed > 0 {
		b.left = math.Min(b.limit, b.left+float64(passed)*b.limit)
		b.second = second
	}
}

// wait is how long a request has to stay away, 0 when it may come in.
func (b *bucket) wait(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill(now)
	if b.left > 0 || b.limit <= 0 {
		return 0
	}
	seconds := math.Floor(-b.left/b.limit) + 1
	next := time.Unix(b.second+int64(seconds), 0)
	return max(time.Millisecond, next.Sub(now))
}

func (b *bucket) spend(ru float64, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refill(now)
	b.left -= ru
}
