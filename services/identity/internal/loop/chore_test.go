package loop

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"
)

func TestChoreGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	rounds := 0
	chore := Chore{Name: "test", Every: time.Millisecond, Log: slog.New(slog.DiscardHandler), Round: func(context.Context) error {
		if rounds++; rounds == 3 {
			cancel()
		}
		return errors.New("trouble")
	}}
	if err := chore.Run(ctx); err != nil || rounds != 3 {
		t.Errorf("%d rounds, %v", rounds, err)
	}
}
