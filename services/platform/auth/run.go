package auth

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
)

// Run polls until ctx ends and returns nil then. A source that fails is logged once, and again when it is back.
func (v *Verifier) Run(ctx context.Context) error {
	var group errgroup.Group
	group.Go(func() error {
		v.every(ctx, "revocations", v.opts.RevocationsPoll, v.revoked.fetch)
		return nil
	})
	group.Go(func() error {
		v.every(ctx, "signing keys", v.opts.KeysPoll, v.keys.fetch)
		return nil
	})
	return group.Wait()
}

// Refresh polls once, now. Identity calls it after it has written a revocation, so that at least its own replica knows at once.
func (v *Verifier) Refresh(ctx context.Context) error {
	return errors.Join(v.keys.fetch(ctx), v.revoked.fetch(ctx))
}

// Ready returns nil when keys are known and the revocations are younger than Options.RevocationsAge.
func (v *Verifier) Ready() error {
	if v.keys.current.Load() == nil {
		return errors.New("the signing keys of identity are not known yet")
	}
	return v.revoked.ready(v.opts.RevocationsAge)
}

// The pause after a failure, which doubles: identity often starts together with those who ask it.
const (
	firstPauseAfterFailure = 50 * time.Millisecond
	lastPauseAfterFailure  = 2 * time.Second // also of what is polled rarely
)

// every calls fetch now and then once a period, give or take a tenth so that replicas do not ask in step.
func (v *Verifier) every(ctx context.Context, what string, period time.Duration, fetch func(context.Context) error) {
	failing, again := false, firstPauseAfterFailure
	for ctx.Err() == nil {
		err := fetch(ctx)
		next := period
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			next = min(period, again)
			again = min(2*again, lastPauseAfterFailure)
			if !failing {
				v.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "cannot poll "+what+"; trying on", slog.Any("error", err))
			}
		case failing:
			again = firstPauseAfterFailure
			v.opts.Logger.LogAttrs(ctx, slog.LevelInfo, "polling "+what+" again")
		}
		failing = err != nil
		wait(ctx, next-next/10+rand.N(next/5+1))
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
