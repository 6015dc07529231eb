package grpcserver

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/status"

	"supergame/services/platform/fault"
	"supergame/services/platform/grpcserver/wire"
)

// The chain makes its spans itself, by OpenTelemetry's conventions for RPC. The usual stats handler costs more than all the rest of the
// chain, also for the calls that the sampler drops: they are most, and here they cost a microsecond.

var serverSpan = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}

// trace continues the caller's trace (W3C traceparent), which the log and the calls that follow carry on even where nothing is
// traced, and begins the span of the call.
func (c *chain) trace(ctx context.Context, call *call) context.Context {
	if parent := call.headers.traceparent; len(parent) == 1 {
		ctx = propagation.TraceContext{}.Extract(ctx, &wire.TraceCarrier{Parent: parent[0]})
	}
	if c.tracer == nil || call.method.infra || wire.Dropped(ctx) {
		return ctx
	}
	ctx, call.span = c.tracer.Start(ctx, call.method.full[1:], serverSpan...)
	return ctx
}

// endSpan describes a call that is recorded. What the caller did wrong, and what was too much, is not the server's error.
func (call *call) endSpan(failure *fault.Error, outcome *status.Status) {
	if call.span == nil {
		return
	}
	if call.span.IsRecording() {
		call.span.SetAttributes(attribute.String("rpc.system.name", "grpc"), attribute.String("rpc.method", call.method.full[1:]),
			attribute.String("rpc.response.status_code", outcome.Code().String()),
			attribute.Float64("supergame.request_charge", call.meter.Charge()))
		if failure != nil && failure.Kind != fault.ResourceExhausted && levelOf(failure) > slog.LevelInfo {
			call.span.SetStatus(otelcodes.Error, failure.Message)
		}
	}
	call.span.End()
}
