package cosmos

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"supergame/services/platform/fault"
)

// Lease makes one of several processes do a job that all could do. It is one document, `{owner, beat}`: the holder raises
// beat again and again; a candidate takes the lease when beat has stood still for [Lease.Patience] on his own clock, so the
// clocks of two machines are never compared.
//
// A lease only saves work. For a moment two processes may both believe to hold it: what the job writes must be safe by its
// ETags.
type Lease struct {
	Patience time.Duration // how long beat must stand still; default 10 s
	Interval time.Duration // between two beats, or two looks of a candidate; default Patience / 5
	Now      func() time.Time
	Wait     func(ctx context.Context, d time.Duration) error // returns early with an error when ctx ends

	kind  *Kind[leaseDoc]
	name  string
	owner string

	mu      sync.Mutex
	held    *leaseDoc // as last written by us; nil when not held
	since   time.Time // when the last beat that succeeded was begun
	watched watchedBeat
}

// watchedBeat is what a candidate saw of another's lease, and since when it stands still.
type watchedBeat struct {
	etag  string
	since time.Time
}

type leaseDoc struct {
	Header
	Owner string `json:"owner"` // "" = free
	Beat  int64  `json:"beat"`
}

const (
	leaseType      = "lease"
	leaseVersion   = 1
	leasePatience  = 10 * time.Second
	beatsToLose    = 5
	releaseTimeout = 2 * time.Second
)

// NewLease returns the lease of a name in a container whose partition key is /id. Owner is unique to the process.
func NewLease(container *Container, name, owner string) *Lease {
	return &Lease{
		Patience: leasePatience, Interval: leasePatience / beatsToLose, Now: time.Now, Wait: waitFor,
		kind: NewKind[leaseDoc](container, leaseType, leaseVersion), name: name, owner: owner,
	}
}

func waitFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run waits for the lease, runs job while it is held, and begins again when the lease was lost or job returned without an
// error before ctx ended. The context of job ends when the lease is lost. Run returns when ctx ends, with ctx's error, or with
// the error of job; it frees the lease first, so that another process need not wait.
func (l *Lease) Run(ctx context.Context, job func(context.Context) error) error {
	for {
		held, err := l.Try(ctx)
		if err != nil && ctx.Err() == nil {
			l.kind.container.client.log.WarnContext(ctx, "lease", "lease", l.name, "error", err)
		}
		if held {
			if err := l.work(ctx, job); err != nil && ctx.Err() == nil && !errors.Is(err, errLeaseLost) {
				return err
			}
		}
		if err := l.Wait(ctx, l.Interval); err != nil {
			return err
		}
	}
}

var errLeaseLost = errors.New("the lease was lost")

// work runs job and renews the lease beside it.
func (l *Lease) work(ctx context.Context, job func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	renewing := make(chan struct{})
	go func() {
		defer close(renewing)
		l.renew(ctx, cancel)
	}()
	err := job(ctx)
	lost := errors.Is(context.Cause(ctx), errLeaseLost)
	cancel(nil)
	<-renewing
	if lost {
		return errLeaseLost
	}
	l.Release(ctx)
	return err
}

func (l *Lease) renew(ctx context.Context, cancel context.CancelCauseFunc) {
	for l.Wait(ctx, l.Interval) == nil {
		if held, _ := l.Try(ctx); !held && ctx.Err() == nil {
			cancel(errLeaseLost)
			return
		}
	}
}

// Try takes one step: the holder beats, a candidate looks and takes the lease when it is free or has stood still. It
// reports whether this process holds the lease now. After an error the holder still does, until Patience has passed
// since his last beat: from then on another may have it.
func (l *Lease) Try(ctx context.Context) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	begun := l.Now()
	var err error
	if l.held != nil {
		err = l.beat(ctx)
	} else {
		err = l.look(ctx, begun)
	}
	if err == nil && l.held != nil {
		l.since = begun
	}
	if l.held != nil && l.Now().Sub(l.since) >= l.Patience {
		l.held = nil
		return false, fmt.Errorf("lease %q: no beat for %s: %w", l.name, l.Patience, err)
	}
	return l.held != nil, err
}

func (l *Lease) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(l.Patience-l.Now().Sub(l.since), 0))
	defer cancel() // a beat that comes later proves nothing
	next := *l.held
	next.Beat++
	// Its name lets a beat that was made, but whose answer never came, be recognized when it is made again.
	err := l.kind.Replace(ctx, PK(l.name), NewOperation(l.owner, strconv.FormatInt(next.Beat, 10)), &next)
	switch {
	case err == nil && next.Owner == l.owner:
		l.held = &next
	case err == nil: // it was ours, and another's since
		l.held, l.watched = nil, watchedBeat{}
	case fault.ReasonOf(err) == ReasonEtagMismatch || fault.Is(err, fault.NotFound):
		l.held, l.watched = nil, watchedBeat{}
		return nil
	}
	return err
}

// look reads the lease and takes it when it may.
func (l *Lease) look(ctx context.Context, now time.Time) error {
	doc, err := l.kind.Read(ctx, PK(l.name), l.name)
	if fault.Is(err, fault.NotFound) {
		doc := &leaseDoc{Header: Header{ID: l.name}, Owner: l.owner}
		return l.took(doc, l.kind.Create(ctx, PK(l.name), Operation{}, doc))
	}
	if err != nil {
		return err
	}
	if doc.Owner != "" {
		if doc.ETag != l.watched.etag {
			l.watched = watchedBeat{doc.ETag, now}
			return nil
		}
		if now.Sub(l.watched.since) < l.Patience {
			return nil
		}
	}
	doc.Owner = l.owner
	doc.Beat++
	return l.took(doc, l.kind.Replace(ctx, PK(l.name), Operation{}, doc))
}

// took keeps the lease when the write that takes it succeeded. Losing the race for it is no error.
func (l *Lease) took(doc *leaseDoc, err error) error {
	switch {
	case err == nil && doc.Owner == l.owner:
		l.held, l.watched = doc, watchedBeat{}
		return nil
	case err == nil: // it was ours, and another's since
		l.watched = watchedBeat{}
		return nil
	case fault.ReasonOf(err) == ReasonEtagMismatch || fault.Is(err, fault.AlreadyExists):
		l.watched = watchedBeat{}
		return nil
	}
	return err
}

// Release frees the lease if this process holds it, so that the next one can take it at once. It works after ctx has ended.
func (l *Lease) Release(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	free := *l.held
	free.Owner = ""
	l.held = nil
	if err := l.kind.Replace(ctx, PK(l.name), Operation{}, &free); err != nil && fault.ReasonOf(err) != ReasonEtagMismatch {
		l.kind.container.client.log.WarnContext(ctx, "the lease could not be freed", "lease", l.name, "error", err)
	}
}
