package grpcserver

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"supergame/services/platform/fault"
)

// log writes one line for a call: debug for a success, info for what the caller did wrong, warn for passing trouble, error for a defect.
// Requests and responses are never logged, so no secret of theirs can be.
func (c *chain) log(ctx context.Context, call *call, failure *fault.Error, took time.Duration) {
	level := levelOf(failure)
	if !c.logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs, slog.String("method", call.method.full), slog.Duration("took", took))
	if call.caller != nil {
		attrs = append(attrs, slog.String("role", string(call.caller.Role)), slog.String("subject", call.caller.Subject))
	}
	if calls := call.meter.Calls(); calls > 0 || call.meter.Charge() > 0 {
		attrs = append(attrs, slog.Float64("request_charge", call.meter.Charge()), slog.Int64("sdk_calls", calls))
	}
	if failure == nil {
		c.logger.LogAttrs(ctx, level, "call", attrs...)
		return
	}
	attrs = append(attrs, slog.String("kind", failure.Kind.String()), slog.String("reason", failure.Reason), slog.String("error", call.err.Error()))
	if call.panicked != nil {
		attrs = append(attrs, slog.String("stack", string(call.panicked)))
	}
	c.logger.LogAttrs(ctx, level, "call failed", attrs...)
}

func levelOf(failure *fault.Error) slog.Level {
	if failure == nil {
		return slog.LevelDebug
	}
	switch failure.Kind {
	case fault.Internal, fault.DataLoss:
		return slog.LevelError
	case fault.Unavailable, fault.DeadlineExceeded, fault.ResourceExhausted:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

// panicFault makes a recovered panic an error like any other, and keeps the stack for the log.
func (call *call) panicFault(value any) error {
	call.panicked = debug.Stack()
	return fault.New(fault.Internal, "PANIC", "panic: %v", value)
}
