package grpcclient

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"supergame/services/platform/grpcserver/wire"
)

var clientSpan = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient)}

// begin begins the span of a call, with all its tries.
func (c *caller) begin(ctx context.Context, method string) (context.Context, trace.Span) {
	if c.tracer == nil || wire.Dropped(ctx) {
		return ctx, nil
	}
	return c.tracer.Start(ctx, method[1:], clientSpan...)
}

// end ends it.
func end(span trace.Span, method string, err error) {
	if span == nil {
		return
	}
	if span.IsRecording() {
		span.SetAttributes(attribute.String("rpc.system.name", "grpc"), attribute.String("rpc.method", method[1:]))
		if err != nil {
			span.SetStatus(otelcodes.Error, err.Error())
		}
	}
	span.End()
}

// appendTrace adds the trace context (W3C traceparent), this call's or the one that a caller sent.
func appendTrace(ctx context.Context, pairs []string) []string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return pairs
	}
	var carrier wire.TraceCarrier
	propagation.TraceContext{}.Inject(ctx, &carrier)
	return append(pairs, wire.Traceparent, carrier.Parent)
}
