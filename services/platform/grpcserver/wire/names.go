package wire

import (
	"context"

	"go.opentelemetry.io/otel/trace"
)

// Names of the metadata and trailers of a call.
const (
	RequestID     = "supergame-request-id"     // metadata: what the call is called in the logs; at most 64 of A-Z a-z 0-9 - _
	Session       = "supergame-session"        // metadata and trailer: what the caller has written and read (package cosmos)
	Stale         = "supergame-stale"          // trailer "1": a read may be older than the session
	RequestCharge = "supergame-request-charge" // trailer: request units spent, decimal: "7.05"
	Traceparent   = "traceparent"              // metadata: W3C trace context
)

// Dropped reports whether ctx is in a trace that is not recorded. What follows is not either, so it needs no span: the trace context
// goes on as it is.
func Dropped(ctx context.Context) bool {
	parent := trace.SpanContextFromContext(ctx)
	return parent.IsValid() && !parent.IsSampled()
}

// TraceCarrier carries one traceparent for propagation.TraceContext, without the map that the usual carriers are.
type TraceCarrier struct {
	Parent string
}

// Get returns the traceparent; there is nothing else.
func (c *TraceCarrier) Get(key string) string {
	if key == Traceparent {
		return c.Parent
	}
	return ""
}

// Set takes the traceparent and nothing else.
func (c *TraceCarrier) Set(key, value string) {
	if key == Traceparent {
		c.Parent = value
	}
}

// Keys names the traceparent.
func (c *TraceCarrier) Keys() []string { return []string{Traceparent} }
