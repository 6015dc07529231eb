package grpcserver

import (
	"context"
	"net/http"

	"google.golang.org/grpc"
)

// Service is one service of the kit as a server hosts it.
type Service interface {
	// Name is short and lower-case: "profile". It stands in /readyz/<name> and in the log.
	Name() string
	// Register adds the service's gRPC services. It is called once, before anything is served.
	Register(grpc.ServiceRegistrar)
	// Run does all background work and returns nil when ctx ends. Any error, and a panic, ends the server.
	Run(ctx context.Context) error
	// Ready returns nil when the service can answer, and otherwise what is missing. It is called often and must not block.
	Ready() error
}

// AdminHandler is a [Service] that serves HTTP on the admin port too.
type AdminHandler interface {
	// AdminHandlers returns handlers by pattern (net/http.ServeMux), e.g. "GET /.well-known/jwks.json".
	AdminHandlers() map[string]http.Handler
}

// Drainer is a [Service] that wants to know when the server begins to stop, so that its streams can say goodbye.
type Drainer interface {
	// Drain is called once, when the server has become not ready and before it refuses calls. Streams should end within seconds;
	// those that are still open shortly before Config.DrainTimeout are cut with UNAVAILABLE.
	Drain()
}
