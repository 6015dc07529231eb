package loop

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Chore is work that is looked for at intervals, on every replica: a round must be safe to run several times at once.
type Chore struct {
	Name  string
	Every time.Duration // between the end of a round and the next, with jitter so that replicas do not ask in step
	Round func(ctx context.Context) error
	Log   *slog.Logger
}

// Run works until ctx ends, and returns nil then. A round that fails is logged, and the next one finds what it left.
func (c *Chore) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := c.Round(ctx); err != nil && ctx.Err() == nil {
			c.Log.WarnContext(ctx, "a chore failed and will be tried again", "chore", c.Name, "error", err)
		}
		timer := time.NewTimer(c.Every*3/4 + rand.N(c.Every/2+1))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}
