package cosmos

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/services/platform/fault"
)

// task is one method of this package at work: one SDK call or several, within one time limit.
type task struct {
	container *Container
	session   *Session
	meter     *Meter
	until     time.Time
	doubtful  bool // a write may have been carried out although no answer says so
	lookFirst bool // hand such a write back instead of trying again
	conflicts int
}

func (c *Container) begin(ctx context.Context) *task {
	t := &task{container: c, session: SessionFrom(ctx), meter: MeterFrom(ctx), until: time.Now().Add(c.client.patience)}
	if outer, ok := ctx.Value(untilKey{}).(time.Time); ok && outer.Before(t.until) {
		t.until = outer
	}
	return t
}

// untilKey holds the end of the patience of a [Container.Decide] for the calls inside it.
type untilKey struct{}

// beginWrite is begin for what may have to read after a conflict: the answer that reports the conflict carries a session
// token, and without a session to keep it the read could come from a replica that lags behind it.
func (c *Container) beginWrite(ctx context.Context) *task {
	t := c.begin(ctx)
	if t.session == nil {
		t.session = &Session{}
	}
	return t
}

// call makes one SDK call and repeats it while the failure is passing and time is left. The error is a fault.
func (t *task) call(ctx context.Context, operation string, key Key, run func(context.Context, *azcosmos.ContainerClient) error) error {
	var doubt tokenDoubt
	before := t.doubtful
	for try := 0; ; try++ {
		c := &call{
			container: t.container.name, session: t.session, meter: t.meter, clock: &t.container.client.clock, key: key.json, bare: doubt.bare,
		}
		err := t.once(ctx, operation, c, run)
		t.doubtful = t.doubtful || c.doubtful
		if err == nil {
			doubt.resolve(t.session, false)
			return nil
		}
		r := refuse(ctx, err)
		r.blameThrottling(c)
		if doubt.raise(t, c, r) {
			continue
		}
		doubt.resolve(t.session, r.status == http.StatusBadRequest)
		if r.transient && c.doubtful && t.lookFirst {
			return &unsettled{r.fault, r.after}
		}
		if r.transient && t.pause(ctx, try, r.after) {
			continue
		}
		if t.conflicts > 0 && r.status == 0 && ctx.Err() == nil && !before { // cut off in the middle of yet another round
			return contention().Because(r.fault)
		}
		return r.fault
	}
}

// tokenDoubt is what becomes of a session token that may be the reason of a refusal. Tokens come from callers: they may be
// ahead of every replica, or made up.
type tokenDoubt struct {
	bare  bool           // no replica has what the token asks for: go on without
	taken []sessionEntry // the service may not accept these
}

// raise reports whether the call should be made once more without its token.
func (d *tokenDoubt) raise(t *task, c *call, r refusal) bool {
	if d.bare || !c.sentToken() {
		return false
	}
	switch {
	case r.stale:
		t.session.MarkStale()
	case r.status == http.StatusBadRequest:
		d.taken = t.session.take(t.container.name)
	default:
		return false
	}
	d.bare = true
	return true
}

// resolve ends the doubt: a request that is bad without its token too has a token that is good.
func (d *tokenDoubt) resolve(s *Session, bad bool) {
	switch {
	case d.taken == nil:
	case bad:
		s.put(d.taken)
	default:
		s.MarkStale()
	}
	d.taken = nil
}

// once runs the SDK call under its own time limit and records it.
func (t *task) once(ctx context.Context, operation string, c *call, run func(context.Context, *azcosmos.ContainerClient) error) error {
	start := time.Now()
	limit := start.Add(t.container.client.callTimeout)
	if t.until.Before(limit) {
		limit = t.until
	}
	limited, cancel := context.WithDeadline(context.WithValue(ctx, callKey{}, c), limit)
	defer cancel()
	t.meter.call()
	connection, err := t.container.client.connect(limited)
	if err == nil {
		err = run(limited, connection.container(t.container.name))
	}
	t.container.client.metrics.record(ctx, measured{
		container: t.container.name, operation: operation, elapsed: time.Since(start), charge: c.charge, status: c.status, failed: err != nil,
	})
	return err
}

// blameThrottling names the true cause when the time of the call ran out while the SDK waited for a throttled store.
func (r *refusal) blameThrottling(c *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.status == 0 && c.status == http.StatusTooManyRequests && errors.Is(r.fault, context.DeadlineExceeded) {
		cause := r.fault.Cause
		*r = refusal{status: c.status, fault: statusFault(c.status, 0, 0).Because(cause)}
	}
}

const (
	firstPause = 20 * time.Millisecond
	maxPause   = time.Second
)

// pause waits before the next try: exponentially longer with jitter, never less than the service asks for.
func (t *task) pause(ctx context.Context, try int, asked time.Duration) bool {
	wait := min(firstPause<<min(try, 10), maxPause)
	wait = wait/2 + rand.N(wait)
	return t.wait(ctx, max(wait, asked))
}

// wait reports false, at once, when the time would be up then, ours or the caller's: he may still hear why.
func (t *task) wait(ctx context.Context, d time.Duration) bool {
	end := time.Now().Add(d)
	if deadline, ok := ctx.Deadline(); !end.Before(t.until) || ok && !end.Before(deadline) {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// conflicted waits a moment after a lost race, so that rivals do not meet again in step.
func (t *task) conflicted(ctx context.Context) error {
	t.conflicts++
	wait := rand.N(time.Millisecond << min(t.conflicts, 6))
	if t.wait(ctx, wait) {
		return nil
	}
	if ctx.Err() != nil {
		return contextFault(ctx.Err())
	}
	return contention()
}

func contention() *fault.Error {
	return fault.New(fault.Aborted, ReasonContention, "too many others change this at the same time, try again")
}
