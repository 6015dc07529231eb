package grpcserver

import (
	"context"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/tap"

	"supergame/services/platform/grpcserver/wire"
)

// headers is the metadata of a call that the chain reads, each name with all its values. They are not to be changed.
type headers struct {
	authorization, session, requestID, traceparent []string
}

func readHeaders(of func(name string) []string) headers {
	return headers{authorization: of("authorization"), session: of(wire.Session), requestID: of(wire.RequestID), traceparent: of(wire.Traceparent)}
}

// tapped is the context of a call from the wire. It holds the headers as they came in: asking the metadata for a name walks the context
// each time, copies what it finds, and compares all names in either case where it finds nothing, as with most of ours.
type tapped struct {
	context.Context
	headers headers
}

type headersKey struct{}

// Value answers for headersOf.
func (t *tapped) Value(key any) any {
	if key == (headersKey{}) {
		return &t.headers
	}
	return t.Context.Value(key)
}

// tapHeaders is gRPC's hook for a new call, the one place that sees the metadata without a copy. Names from the wire are lower case.
func tapHeaders(ctx context.Context, info *tap.Info) (context.Context, error) {
	return &tapped{ctx, readHeaders(func(name string) []string { return info.Header[name] })}, nil
}

// headersOf returns the headers of the call that ctx came with.
func headersOf(ctx context.Context) *headers {
	if known, ok := ctx.Value(headersKey{}).(*headers); ok {
		return known
	}
	read := readHeaders(func(name string) []string { return metadata.ValueFromIncomingContext(ctx, name) })
	return &read
}
