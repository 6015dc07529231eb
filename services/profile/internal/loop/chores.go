// Package loop is what runs on its own: chores that come again and again, and what follows the change feed. One replica does it at a
// time, under a lease; that only saves work, as everything it writes is safe by versions.
package loop

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
)

// Lease makes one replica of several do a job.
type Lease interface {
	// Run runs job while the lease is held, again and again until ctx ends.
	Run(ctx context.Context, job func(context.Context) error) error
}

// Chore is work that is looked for at intervals. A round that fails is logged, and the next one finds what it left.
type Chore struct {
	Name  string
	Every time.Duration // between the end of a round and the next, with jitter
	Round func(ctx context.Context) error
}

// Chores does its chores, each from a goroutine of its own, while it holds the lease.
type Chores struct {
	Lease Lease
	List  []Chore
	Log   *slog.Logger
}

// Run works until ctx ends, and returns nil then.
func (c *Chores) Run(ctx context.Context) error {
	err := c.Lease.Run(ctx, func(ctx context.Context) error {
		group, ctx := errgroup.WithContext(ctx)
		for _, chore := range c.List {
			group.Go(func() error {
				c.repeat(ctx, chore)
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

// repeat does one chore until ctx ends. A round that fails does not end the others.
func (c *Chores) repeat(ctx context.Context, chore Chore) {
	for ctx.Err() == nil {
		if err := chore.Round(ctx); err != nil && ctx.Err() == nil {
			c.Log.WarnContext(ctx, "a chore failed and will be tried again", "chore", chore.Name, "error", err)
		}
		timer := time.NewTimer(chore.Every*3/4 + rand.N(chore.Every/2+1))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}
