// Package emulatortest starts emulators for tests.
package emulatortest

import (
	"testing"

	"supergame/local/emulator"
)

// Emulator is an emulator that lives as long as its test. It is an azcore policy.Transporter: give it to a client as Transport,
// together with Endpoint() and Key().
type Emulator struct{ *emulator.Emulator }

// Option changes the options of the emulator that Start makes.
type Option func(*emulator.Options)

// WithOptions replaces all options.
func WithOptions(o emulator.Options) Option { return func(dst *emulator.Options) { *dst = o } }

// WithDataDir keeps the data in dir, for tests of restarts.
func WithDataDir(dir string) Option { return func(o *emulator.Options) { o.DataDir = dir } }

// WithPartitions gives every new container n physical partitions.
func WithPartitions(n int) Option { return func(o *emulator.Options) { o.Partitions = n } }

// WithThrottle enforces throughput.
func WithThrottle() Option { return func(o *emulator.Options) { o.Throttle = true } }

// WithClock uses a clock of the test's own, for example emulator.NewFrozenClock.
func WithClock(c *emulator.Clock) Option { return func(o *emulator.Options) { o.Clock = c } }

// WithSeed seeds faults with a probability.
func WithSeed(seed uint64) Option { return func(o *emulator.Options) { o.Seed = seed } }

// Start gives an emulator in memory with its own clock (the system's, movable by Clock().Advance) and closes it when the test ends.
func Start(t testing.TB, opts ...Option) *Emulator {
	t.Helper()
	var o emulator.Options
	for _, opt := range opts {
		opt(&o)
	}
	e, err := emulator.New(o)
	if err != nil {
		t.Fatalf("start emulator: %v", err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close emulator: %v", err)
		}
	})
	return &Emulator{e}
}
