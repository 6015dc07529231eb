package loop

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
)

// Lease makes one replica of several do a job.
type Lease interface {
	// Run runs job while the lease is held, again and again until ctx ends.
	Run(ctx context.Context, job func(context.Context) error) error
}

// Beats stores heartbeats.
type Beats interface {
	// Beat creates a heartbeat in a range. It never rewrites one: of that the feed would only show the last.
	Beat(ctx context.Context, r Range, owner string, at time.Time) error
}

// Heartbeats writes heartbeats: into every range at intervals while this process holds the lease, and when it starts, whoever holds the lease,
// until it has seen one of its own in each.
type Heartbeats struct {
	Lease     Lease
	Beats     Beats
	Freshness *Freshness
	Every     time.Duration
	Log       *slog.Logger
	Now       func() time.Time
}

// startAgain is how often a starting process writes its heartbeats: they expire, and may do so before a long feed has come to them.
const startAgain = 30 * time.Second

// Run works until ctx ends, and returns nil then.
func (h *Heartbeats) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		h.start(ctx)
		return nil
	})
	group.Go(func() error {
		err := h.Lease.Run(ctx, func(ctx context.Context) error {
			for ctx.Err() == nil {
				h.beat(ctx, h.Freshness.Ranges())
				sleep(ctx, h.Every)
			}
			return nil
		})
		if ctx.Err() == nil {
			return err
		}
		return nil
	})
	return group.Wait()
}

// start writes the first heartbeats of this process.
func (h *Heartbeats) start(ctx context.Context) {
	for ctx.Err() == nil && len(h.Freshness.Ranges()) == 0 {
		sleep(ctx, 5*time.Millisecond)
	}
	for ctx.Err() == nil {
		missing := h.Freshness.Missing()
		if len(missing) == 0 {
			return
		}
		again := startAgain
		if !h.beat(ctx, missing) {
			again = time.Second
		}
		for until := h.Now().Add(again); ctx.Err() == nil && h.Now().Before(until) && len(h.Freshness.Missing()) > 0; {
			sleep(ctx, min(again, 100*time.Millisecond))
		}
	}
}

// beatsAtOnce is how many ranges are written to side by side.
const beatsAtOnce = 16

// beat writes one heartbeat into each range, and reports whether all were written.
func (h *Heartbeats) beat(ctx context.Context, ranges []Range) bool {
	ctx, cancel := context.WithTimeout(ctx, max(h.Every, time.Second))
	defer cancel()
	var group errgroup.Group
	group.SetLimit(beatsAtOnce)
	for _, r := range ranges {
		group.Go(func() error { return h.Beats.Beat(ctx, r, h.Freshness.Owner, h.Now()) })
	}
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		h.Log.WarnContext(ctx, "a heartbeat could not be written", "error", err)
		return false
	}
	return ctx.Err() == nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
