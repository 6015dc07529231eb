package cosmos_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

// testClock is the time of leases: it moves when a test says so, and every wait ends when it has moved far enough.
type testClock struct {
	mu      sync.Mutex
	now     time.Time
	waiting map[chan struct{}]time.Time
}

func newTestClock() *testClock {
	return &testClock{now: time.Unix(1_000_000, 0), waiting: map[chan struct{}]time.Time{}}
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Wait(ctx context.Context, d time.Duration) error {
	done := make(chan struct{})
	c.mu.Lock()
	c.waiting[done] = c.now.Add(d)
	c.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, done)
		return ctx.Err()
	}
}

func (c *testClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for done, until := range c.waiting {
		if !until.After(c.now) {
			close(done)
			delete(c.waiting, done)
		}
	}
}

// Waiting is the number of those who wait.
func (c *testClock) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiting)
}

func newLease(client *cosmos.Client, clock *testClock, owner string) *cosmos.Lease {
	l := cosmos.NewLease(client.Container("leases"), "job", owner)
	l.Now, l.Wait = clock.Now, clock.Wait
	return l
}

func try(t *testing.T, l *cosmos.Lease, want bool) {
	t.Helper()
	if held, err := l.Try(t.Context()); held != want || err != nil {
		t.Fatalf("held %v, want %v, %v", held, want, err)
	}
}

func TestLeaseIsTakenWhenTheBeatStandsStill(t *testing.T) {
	client := cosmostest.StartShared(t, specs(t))
	clockA, clockB := newTestClock(), newTestClock()
	clockB.Advance(1000 * time.Hour) // clocks of two machines are never compared
	a, b := newLease(client, clockA, "a"), newLease(client, clockB, "b")
	try(t, a, true)
	for range 5 { // a beats, so b waits however long
		try(t, b, false)
		clockA.Advance(9 * time.Second)
		clockB.Advance(60 * time.Second)
		try(t, a, true)
	}
	try(t, b, false) // a stops; b sees the last beat now
	clockB.Advance(9 * time.Second)
	try(t, b, false)
	clockB.Advance(time.Second)
	try(t, b, true)
	clockA.Advance(time.Second)
	try(t, a, false) // a's beat meets b's lease
	clockA.Advance(9 * time.Second)
	try(t, a, false)
}

func TestReleasedLeaseIsFreeAtOnce(t *testing.T) {
	client := cosmostest.StartShared(t, specs(t))
	clock := newTestClock()
	a, b := newLease(client, clock, "a"), newLease(client, clock, "b")
	try(t, a, true)
	try(t, b, false)
	a.Release(t.Context())
	try(t, b, true)
	a.Release(t.Context()) // not a's any more
	try(t, b, true)
	try(t, a, false)
}

func TestTwoCandidatesOneLease(t *testing.T) {
	client := cosmostest.StartShared(t, specs(t))
	clock := newTestClock()
	var held atomic.Int32
	var group sync.WaitGroup
	for _, owner := range []string{"a", "b", "c", "d"} {
		l := newLease(client, clock, owner)
		group.Go(func() {
			got, err := l.Try(t.Context())
			if err != nil {
				t.Error(err)
			}
			if got {
				held.Add(1)
			}
		})
	}
	group.Wait()
	if held.Load() != 1 {
		t.Errorf("%d hold the lease", held.Load())
	}
}

func TestHolderWithoutStoreGivesUp(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	hasty := impatient(t, e, client.Database(), cosmos.Options{Patience: 20 * time.Millisecond})
	clock := newTestClock()
	a := newLease(hasty, clock, "a")
	try(t, a, true)
	e.Inject(emulator.Fault{Op: emulator.OpWrite, Status: 503})
	clock.Advance(9 * time.Second)
	if held, err := a.Try(t.Context()); !held || err == nil {
		t.Errorf("after 9 s: held %v, %v", held, err)
	}
	clock.Advance(time.Second)
	if held, err := a.Try(t.Context()); held || err == nil {
		t.Errorf("after 10 s: held %v, %v", held, err)
	}
}

func TestLeaseRunsTheJobOnce(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	clock := newTestClock()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running, started atomic.Int32
	job := func(ctx context.Context) error {
		if running.Add(1) > 1 {
			t.Error("two run the job")
		}
		started.Add(1)
		<-ctx.Done()
		running.Add(-1)
		return ctx.Err()
	}
	ended := make(chan error, 2)
	leases := map[string]*cosmos.Lease{"a": newLease(client, clock, "a"), "b": newLease(client, clock, "b")}
	stops := map[string]context.CancelFunc{}
	for owner, l := range leases {
		ownCtx, stop := context.WithCancel(ctx)
		stops[owner] = stop
		go func() { ended <- l.Run(ownCtx, job) }()
	}
	eventually(t, "the job starts", func() bool { return started.Load() == 1 && clock.Waiting() == 2 })
	for range 10 {
		clock.Advance(2 * time.Second)
		eventually(t, "both wait again", func() bool { return clock.Waiting() == 2 })
	}
	if started.Load() != 1 {
		t.Errorf("started %d times", started.Load())
	}
	// The holder stops cleanly: the other begins at its next look.
	holder := "a"
	if held, _ := leases["b"].Try(ctx); held {
		holder = "b"
	}
	stops[holder]()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	eventually(t, "the other waits", func() bool { return clock.Waiting() == 1 })
	clock.Advance(2 * time.Second)
	eventually(t, "the other starts", func() bool { return started.Load() == 2 })
	// The store fails the holder for longer than it may hold: the job's context ends, and it starts again later.
	remove := e.Inject(emulator.Fault{Op: emulator.OpReplace, Status: 400})
	eventually(t, "the job is stopped", func() bool {
		clock.Advance(time.Second)
		return running.Load() == 0
	})
	remove()
	eventually(t, "the job starts again", func() bool {
		clock.Advance(time.Second)
		return started.Load() == 3
	})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestLeaseHandsOnTheJobsError(t *testing.T) {
	client := cosmostest.StartShared(t, specs(t))
	clock := newTestClock()
	a, b := newLease(client, clock, "a"), newLease(client, clock, "b")
	broken := errors.New("broken")
	if err := a.Run(t.Context(), func(context.Context) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	try(t, b, true)
}
