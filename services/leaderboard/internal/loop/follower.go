// Package loop is what runs on its own: it follows the change feed into this process's view of the ranks, and writes the heartbeats by which the
// view knows how old it is.
package loop

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"supergame/services/platform/fault"
)

// Position says how far one range of a container has been read. All positions together cover the container; they stay valid when the store splits
// a range.
type Position struct {
	Min, Max string
	Token    string // "" = from the beginning
}

// Change is one changed document.
type Change struct {
	Type string // of document
	Body []byte
	Time time.Time // of the change, by the store's clock, in whole seconds
}

// Feed shows the changes of a container: at least once, of a burst perhaps the last version alone, in order within one range.
type Feed interface {
	// Begin returns the positions of a container that has not been read yet, one for each range.
	Begin(ctx context.Context) ([]Position, error)
	// Poll returns the changes behind a position and the next position. No changes means that there are none now.
	Poll(ctx context.Context, at Position) (changes []Change, next Position, err error)
	// Refused reports whether an error of Poll says that the position's token is of no use, as of another container.
	Refused(err error) bool
}

// Handler deals with one changed document, which may come again and late. A passing error makes it come again; any other is logged, and the
// change is passed over.
type Handler func(ctx context.Context, change Change) error

// Follower follows a feed: each position from a goroutine of its own, the changes of one in order. Every replica follows all of it, from the
// beginning, as its view is its own.
//
// A range without news costs about 1 RU for each poll.
type Follower struct {
	Feed      Feed
	Handlers  map[string]Handler // by type of document; other types are passed over
	Freshness *Freshness
	Interval  time.Duration // between two polls of a range without news, and after trouble, with jitter
	Log       *slog.Logger
	Now       func() time.Time

	mu        sync.Mutex
	positions []Position
	looked    time.Time // when the ranges were last listed
	look      sync.Mutex
}

// rangesAge is how old the list of ranges may be: a split is found within that time, or with the first heartbeat that a process writes which has
// found it.
const rangesAge = 10 * time.Second

// Positions are how far the feed was read; none before it is known where to begin.
func (f *Follower) Positions() []Position {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.positions)
}

// Ready returns nil when the view has everything that was stored before this process looked.
func (f *Follower) Ready() error {
	if f.Freshness.CaughtUp(len(f.Positions())) {
		return nil
	}
	return fault.New(fault.Unavailable, "CATCHING_UP", "the ranks are not read in yet")
}

// Run works until ctx ends, and returns nil then.
func (f *Follower) Run(ctx context.Context) error {
	for f.Positions() == nil {
		list, err := f.Feed.Begin(ctx)
		if err == nil {
			f.start(list)
			break
		}
		if !f.wait(ctx, "the ranges of the change feed cannot be read now", err) {
			return nil
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	for i, at := range f.Positions() {
		group.Go(func() error {
			f.follow(ctx, i, at)
			return nil
		})
	}
	group.Go(func() error {
		for f.pause(ctx, rangesAge) {
			f.Relook(ctx)
		}
		return nil
	})
	return group.Wait()
}

func (f *Follower) start(list []Position) {
	f.mu.Lock()
	f.positions, f.looked = list, f.Now()
	f.mu.Unlock()
	f.Freshness.SetRanges(rangesOf(list))
}

func rangesOf(list []Position) []Range {
	ranges := make([]Range, len(list))
	for i, at := range list {
		ranges[i] = Range{at.Min, at.Max}
	}
	return ranges
}

// Relook lists the ranges again, if that was not done a moment ago: they change when the store splits one. The positions stay, as they cover the
// same.
func (f *Follower) Relook(ctx context.Context) {
	f.look.Lock()
	defer f.look.Unlock()
	f.mu.Lock()
	recent := f.Now().Sub(f.looked).Abs() < time.Second
	f.mu.Unlock()
	if recent {
		return
	}
	list, err := f.Feed.Begin(ctx)
	if err != nil {
		if ctx.Err() == nil {
			f.Log.WarnContext(ctx, "the ranges of the change feed cannot be read now", "error", err)
		}
		return
	}
	f.mu.Lock()
	f.looked = f.Now()
	f.mu.Unlock()
	f.Freshness.SetRanges(rangesOf(list))
}

// follow reads one position until ctx ends.
func (f *Follower) follow(ctx context.Context, index int, at Position) {
	for ctx.Err() == nil {
		begun := f.Now()
		changes, next, err := f.Feed.Poll(ctx, at)
		switch {
		case err != nil && at.Token != "" && ctx.Err() == nil && f.Feed.Refused(err):
			f.Log.WarnContext(ctx, "the change feed is followed from its beginning: it refuses the position", "range", at.Min, "error", err)
			at.Token = ""
			continue
		case err != nil:
			f.wait(ctx, "the change feed cannot be read now", err)
			continue
		case !f.handle(ctx, changes):
			return
		}
		at = next
		f.keep(index, at)
		if len(changes) == 0 {
			f.Freshness.Drained(index, begun)
			f.wait(ctx, "", nil)
		}
	}
}

func (f *Follower) keep(index int, at Position) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.positions[index] = at
}

// handle deals with the changes of one page, for as long as that takes. It reports false when ctx ended before.
func (f *Follower) handle(ctx context.Context, changes []Change) bool {
	for _, change := range changes {
		if handler := f.Handlers[change.Type]; handler != nil && !f.insist(ctx, handler, change) {
			return false
		}
	}
	return ctx.Err() == nil
}

// insist deals with one change, or gives it up. It reports false when ctx ended before.
func (f *Follower) insist(ctx context.Context, handler Handler, change Change) bool {
	for {
		err := handler(ctx, change)
		switch {
		case ctx.Err() != nil:
			return false
		case err == nil:
			return true
		case !passing(err):
			f.Log.ErrorContext(ctx, "a change is passed over", "type", change.Type, "error", err)
			return true
		}
		if !f.wait(ctx, "a change cannot be dealt with now", err) {
			return false
		}
	}
}

// passing reports whether the same may succeed later.
func passing(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.ResourceExhausted, fault.DeadlineExceeded, fault.Aborted, fault.Canceled:
		return true
	}
	return false
}

// wait pauses, and logs the trouble that makes it. It reports false when ctx ended.
func (f *Follower) wait(ctx context.Context, what string, trouble error) bool {
	if trouble != nil && ctx.Err() == nil {
		f.Log.WarnContext(ctx, what, "error", trouble)
	}
	return f.pause(ctx, f.Interval*3/4+rand.N(f.Interval/2+1))
}

func (f *Follower) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
