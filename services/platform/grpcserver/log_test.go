package grpcserver

import (
	"log/slog"
	"testing"

	"supergame/services/platform/fault"
)

// Nobody is woken by what a caller did wrong.
func TestLevels(t *testing.T) {
	want := map[fault.Kind]slog.Level{
		fault.Internal: slog.LevelError, fault.DataLoss: slog.LevelError,
		fault.Unavailable: slog.LevelWarn, fault.DeadlineExceeded: slog.LevelWarn, fault.ResourceExhausted: slog.LevelWarn,
	}
	for kind := fault.Internal; kind <= fault.DataLoss; kind++ {
		level, listed := want[kind]
		if !listed {
			level = slog.LevelInfo
		}
		if got := levelOf(&fault.Error{Kind: kind}); got != level {
			t.Errorf("%s is logged at %s, want %s", kind, got, level)
		}
	}
	if got := levelOf(nil); got != slog.LevelDebug {
		t.Errorf("a success is logged at %s", got)
	}
}
