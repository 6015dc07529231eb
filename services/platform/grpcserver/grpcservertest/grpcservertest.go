// Package grpcservertest serves services in a test, over a real loopback connection and through the real chain.
package grpcservertest

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"

	"supergame/services/platform/auth/authtest"
	"supergame/services/platform/grpcclient"
	"supergame/services/platform/grpcserver"
)

// Server is a running server.
type Server struct {
	*grpcserver.Server
	Authority *authtest.Authority // whose tokens are accepted
	GRPCAddr  string              // host:port
	AdminURL  string              // http://host:port

	cancel context.CancelFunc
	done   chan error
}

// Start serves until the test ends. There are no rate limits, and what is logged is dropped.
func Start(t testing.TB, services ...grpcserver.Service) *Server {
	t.Helper()
	return StartWith(t, grpcserver.Config{}, grpcserver.Deps{}, services...)
}

// StartWith is [Start] with a configuration (its addresses are not used) and parts of one's own; the verifier is always that of
// a new authority.
func StartWith(t testing.TB, cfg grpcserver.Config, deps grpcserver.Deps, services ...grpcserver.Service) *Server {
	t.Helper()
	s := &Server{Authority: authtest.New(t), done: make(chan error, 1)}
	deps.Verifier = s.Authority.Verifier()
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = 2 * time.Second
	}
	var err error
	if s.Server, err = grpcserver.New(cfg, deps, services...); err != nil {
		t.Fatal(err)
	}
	listener, admin := listen(t), listen(t)
	s.GRPCAddr, s.AdminURL = listener.Addr().String(), "http://"+admin.Addr().String()
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.WithoutCancel(t.Context()))
	go func() { s.done <- s.Serve(ctx, grpcserver.Listeners{GRPC: []net.Listener{listener}, Admin: admin}) }()
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("the server ended with: %v", err)
		}
	})
	return s
}

// Stop stops the server as a signal would, and returns what Serve returned. Further calls return nil.
func (s *Server) Stop() error {
	s.cancel()
	err, open := <-s.done
	if open {
		close(s.done)
	}
	return err
}

// Dial returns a connection that sends this access token with every call ("" = none) and returns faults, as grpcclient does;
// nothing is retried. It is closed when the test ends.
func (s *Server) Dial(t testing.TB, token string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpcclient.Dial("http://"+s.GRPCAddr, grpcclient.Options{Tokens: Token(token), Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // at the end of the test nothing is on its way
	return conn
}

// Token is a [grpcclient.TokenSource] of one fixed token.
type Token string

// Token returns the token.
func (t Token) Token(context.Context) (string, error) { return string(t), nil }

func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}
