// Package loop is what runs on its own.
package loop

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"supergame/services/identity/internal/signing"
)

// Ring is the keys that are kept up to date.
type Ring interface {
	Refresh(ctx context.Context) error
	// Ready returns nil when tokens can be signed.
	Ready() error
}

// Keys makes signing keys before they are due and learns those of other replicas.
type Keys struct {
	Ring  Ring
	Every time.Duration // between two looks; after a failed one it takes a tenth
	Log   *slog.Logger
}

// Run looks until ctx ends and returns nil then. A key that cannot be unsealed ends it where no other is known: this process is
// configured wrongly. Else it goes on with those it has: the other one was sealed by a process with a newer configuration.
func (k *Keys) Run(ctx context.Context) error {
	for {
		pause := k.Every
		if err := k.Ring.Refresh(ctx); err != nil && ctx.Err() == nil {
			if sealed := (*signing.SealError)(nil); errors.As(err, &sealed) && k.Ring.Ready() != nil {
				return err
			}
			k.Log.WarnContext(ctx, "signing keys cannot be read now", "error", err)
			pause = k.Every / 10
		}
		timer := time.NewTimer(pause - pause/10 + rand.N(pause/5+1))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}
