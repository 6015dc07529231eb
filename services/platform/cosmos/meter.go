package cosmos

import (
	"context"
	"math"
	"sync/atomic"
)

// Meter adds up what the calls under one context cost. It is safe for concurrent use; a nil Meter ignores everything.
type Meter struct {
	micro atomic.Int64 // millionths of a request unit
	calls atomic.Int64
}

// MeterKey is the key of a context's *Meter, for a context type that answers it itself.
type MeterKey struct{}

// WithMeter returns a context whose calls are counted by m.
func WithMeter(ctx context.Context, m *Meter) context.Context {
	return context.WithValue(ctx, MeterKey{}, m)
}

// MeterFrom returns the context's meter, or nil.
func MeterFrom(ctx context.Context) *Meter {
	m, _ := ctx.Value(MeterKey{}).(*Meter)
	return m
}

// Charge is the sum of request units so far, of refused and repeated attempts too.
func (m *Meter) Charge() float64 {
	if m == nil {
		return 0
	}
	return float64(m.micro.Load()) / 1e6
}

// Calls is the number of SDK calls so far; a call that this package repeats counts again.
func (m *Meter) Calls() int64 {
	if m == nil {
		return 0
	}
	return m.calls.Load()
}

// Add counts request units that were spent elsewhere on this context's behalf, as by a service that was called.
func (m *Meter) Add(charge float64) {
	if m != nil && charge > 0 && !math.IsInf(charge, 1) {
		m.micro.Add(int64(math.Round(charge * 1e6)))
	}
}

func (m *Meter) call() {
	if m != nil {
		m.calls.Add(1)
	}
}
