package grpcserver

import (
	"context"
	"sync/atomic"
	"time"

	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
	"supergame/services/platform/internal/lru"
)

// limiter is a token bucket for each key, with room for twice the rate. It remembers a bounded number of keys; one that is
// forgotten starts with a full bucket.
//
// A bucket is one number (GCRA, the generic cell rate algorithm): the time at which it will be full again.
type limiter[K comparable] struct {
	every   time.Duration // between two calls at the steady rate; 0 = no limit
	burst   time.Duration // how far ahead of the steady rate one may be
	start   time.Time
	buckets *lru.Cache[K, *atomic.Int64]
}

const limiterKeys = 32 << 10

func newLimiter[K comparable](perSecond float64) *limiter[K] {
	l := &limiter[K]{start: time.Now(), buckets: lru.New[K, *atomic.Int64](limiterKeys)}
	if perSecond > 0 {
		l.every = time.Duration(float64(time.Second) / perSecond)
		l.burst = max(2*time.Second, l.every)
	}
	return l
}

// take returns 0 when the key may call now, and otherwise how long it must wait.
func (l *limiter[K]) take(key K) time.Duration {
	if l.every == 0 {
		return 0
	}
	return l.takeAt(key, time.Since(l.start))
}

func (l *limiter[K]) takeAt(key K, now time.Duration) time.Duration {
	bucket := l.buckets.GetOrPut(key, func() *atomic.Int64 { return new(atomic.Int64) })
	for {
		full := bucket.Load()
		next := max(time.Duration(full), now) + l.every
		if wait := next - now - l.burst; wait > 0 {
			return wait
		}
		if bucket.CompareAndSwap(full, int64(next)) {
			return 0
		}
	}
}

// limits are the limiters of a server. Services of the kit are not limited: they work for callers who are.
type limits struct {
	hops      int
	addresses *limiter[string]
	players   *limiter[string]
	programs  *limiter[string]
}

func newLimits(cfg Config) limits {
	return limits{
		hops:      cfg.TrustedProxyHops,
		addresses: newLimiter[string](cfg.AddressRate),
		players:   newLimiter[string](cfg.PlayerRate),
		programs:  newLimiter[string](cfg.ProgramRate),
	}
}

// caller counts a call of somebody who has signed in.
func (l *limits) caller(c *auth.Caller) error {
	switch c.Role {
	case auth.RolePlayer:
		return limited(l.players.take(c.Subject))
	case auth.RoleService:
		return nil
	default:
		return limited(l.programs.take(string(c.Role) + "/" + c.Subject))
	}
}

// stranger counts a call of an address. Callers inside the process have none and are not limited.
func (l *limits) stranger(ctx context.Context) error {
	if l.addresses.every == 0 {
		return nil
	}
	address := rateKey(clientAddress(ctx, l.hops))
	if address == "" {
		return nil
	}
	return limited(l.addresses.take(address))
}

func limited(wait time.Duration) error {
	if wait == 0 {
		return nil
	}
	return fault.New(fault.ResourceExhausted, "RATE_LIMITED", "too many calls; wait before the next").After(wait)
}
