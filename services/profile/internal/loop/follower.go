package loop

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"supergame/services/platform/fault"
)

// Position says how far one range of a container has been read. All positions together cover the container.
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

// Feed shows the changes of a container: at least once, of a burst perhaps the last version alone, in order within one partition only.
type Feed interface {
	// Begin returns the positions of a container that has not been read yet.
	Begin(ctx context.Context) ([]Position, error)
	// Poll returns the changes behind a position and the next position. No changes means that there are none now.
	Poll(ctx context.Context, at Position) (changes []Change, next Position, err error)
	// Refused reports whether an error of Poll says that the position's token is of no use, as of another container or too old.
	Refused(err error) bool
}

// Positions remembers how far a feed was read.
type Positions interface {
	// Load returns what was saved; none when nothing was, or when it does not cover the container.
	Load(ctx context.Context) ([]Position, error)
	// Start saves all positions, in place of any that there are.
	Start(ctx context.Context, all []Position) error
	// Save saves one of them.
	Save(ctx context.Context, one Position) error
}

// Handler deals with one changed document. It may get a change again, an older one after a newer one of another partition, and changes of long
// ago when the feed is read from the beginning. A passing error makes it get the change again, an internal one too, some
// times; any other is logged, and the change is passed over.
type Handler func(ctx context.Context, change Change) error

// Follower follows a feed while it holds the lease: each range from a goroutine of its own, the changes of a range one after the
// other. It saves a position once what lies before it was dealt with, so that a change may be shown twice but is never missed.
//
// A range without news costs about 1 RU for each poll, and a page with news about 11 RU to save the position.
type Follower struct {
	Lease     Lease
	Feed      Feed
	Positions Positions
	Handlers  map[string]Handler // by type of document; other types are passed over
	Interval  time.Duration      // between two polls of a range without news, and after trouble, with jitter
	Log       *slog.Logger
	Now       func() time.Time
	Lag       func(ctx context.Context, at Position, behind time.Duration) // hears of each page how old its last change is, 0 when there is no news; may be nil
}

// Run works until ctx ends, and returns nil then.
func (f *Follower) Run(ctx context.Context) error {
	err := f.Lease.Run(ctx, func(ctx context.Context) error {
		positions, ok := f.start(ctx)
		if !ok {
			return nil
		}
		group, ctx := errgroup.WithContext(ctx)
		for _, at := range positions {
			group.Go(func() error {
				f.follow(ctx, at)
				return nil
			})
		}
		return group.Wait()
	})
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// start finds out where to go on, for as long as that takes. It reports false when ctx ended.
func (f *Follower) start(ctx context.Context) ([]Position, bool) {
	for {
		positions, err := f.Positions.Load(ctx)
		if err == nil && len(positions) == 0 {
			if positions, err = f.Feed.Begin(ctx); err == nil {
				f.Log.InfoContext(ctx, "the change feed is followed from its beginning", "ranges", len(positions))
				err = f.Positions.Start(ctx, positions)
			}
		}
		if err == nil {
			return positions, true
		}
		if !f.wait(ctx, "the position in the change feed cannot be read now", err) {
			return nil, false
		}
	}
}

// follow reads one range until ctx ends.
func (f *Follower) follow(ctx context.Context, at Position) {
	var warned time.Time
	for ctx.Err() == nil {
		changes, next, err := f.Feed.Poll(ctx, at)
		switch {
		case err != nil && at.Token != "" && ctx.Err() == nil && f.Feed.Refused(err):
			f.Log.WarnContext(ctx, "the change feed is followed from its beginning: it refuses the position", "range", at.Min, "error", err)
			at.Token = ""
			continue
		case err != nil:
			f.wait(ctx, "the change feed cannot be read now", err)
			continue
		case len(changes) == 0:
			at = next
			f.measure(ctx, at, 0, &warned)
			f.wait(ctx, "", nil)
			continue
		}
		if !f.handle(ctx, changes) {
			return
		}
		at = next
		f.measure(ctx, at, f.Now().Sub(changes[len(changes)-1].Time), &warned)
		if err := f.Positions.Save(ctx, at); err != nil && ctx.Err() == nil {
			f.Log.WarnContext(ctx, "the position in the change feed could not be saved", "range", at.Min, "error", err)
		}
	}
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

// maxTries is how often a change is tried whose failure is of no known kind: it must not stop all others forever.
const maxTries = 30

// insist deals with one change, or gives it up. It reports false when ctx ended before.
func (f *Follower) insist(ctx context.Context, handler Handler, change Change) bool {
	for try := 1; ; try++ {
		err := handler(ctx, change)
		switch {
		case ctx.Err() != nil:
			return false
		case err == nil:
			return true
		case !passing(err) && (!unexplained(err) || try >= maxTries):
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

// unexplained reports whether nobody knows if the same may succeed later, as when the store refuses a key that is being replaced.
func unexplained(err error) bool { return fault.KindOf(err) == fault.Internal }

const (
	lagToWarn   = time.Minute
	warnAgainIn = time.Minute
)

func (f *Follower) measure(ctx context.Context, at Position, behind time.Duration, warned *time.Time) {
	behind = max(behind, 0)
	if f.Lag != nil {
		f.Lag(ctx, at, behind)
	}
	if now := f.Now(); behind >= lagToWarn && now.Sub(*warned) >= warnAgainIn {
		*warned = now
		f.Log.WarnContext(ctx, "what follows the change feed is behind", "range", at.Min, "behind", behind)
	}
}

// wait pauses, and logs the trouble that makes it. It reports false when ctx ended.
func (f *Follower) wait(ctx context.Context, what string, trouble error) bool {
	if trouble != nil && ctx.Err() == nil {
		f.Log.WarnContext(ctx, what, "error", trouble)
	}
	timer := time.NewTimer(f.Interval*3/4 + rand.N(f.Interval/2+1))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
