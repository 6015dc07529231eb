package grpcserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"google.golang.org/grpc"
)

// Listeners are what a server accepts on. It closes them.
type Listeners struct {
	GRPC  []net.Listener // TCP, and in one process a *Pipe as well
	Admin net.Listener   // nil = no admin port
}

// Limits of the end, after calls have had their Config.DrainTimeout. Platforms kill a process 30 s after the signal.
const (
	cutGrace        = time.Second     // for handlers to notice that they were cut
	backgroundGrace = 2 * time.Second // for the Run methods to return
	adminGrace      = time.Second     // for open admin requests
)

// Serve is what a service's main calls: listen on the configured addresses, serve, and stop when ctx ends.
func Serve(ctx context.Context, cfg Config, deps Deps, services ...Service) error {
	server, err := New(cfg, deps, services...)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", cfg.GRPCAddr)
	if err != nil {
		return fmt.Errorf("listening on GRPC_ADDR %s: %w", cfg.GRPCAddr, err)
	}
	admin, err := lc.Listen(ctx, "tcp", cfg.AdminAddr)
	if err != nil {
		_ = listener.Close() // nothing has used it
		return fmt.Errorf("listening on ADMIN_ADDR %s: %w", cfg.AdminAddr, err)
	}
	return server.Serve(ctx, Listeners{GRPC: []net.Listener{listener}, Admin: admin})
}

// Serve accepts calls until ctx ends or something fails for good, then stops: readiness fails first, streams are told to end, open
// calls get up to Config.DrainTimeout, background work ends after them. It returns nil after a clean stop, otherwise the first failure.
func (s *Server) Serve(ctx context.Context, listeners Listeners) error {
	// Calls and background work outlive ctx: they end in their turn.
	ctxRun, stopRun := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRun()
	failed := make(chan error, len(listeners.GRPC)+len(s.services)+3)
	var background sync.WaitGroup
	s.startBackground(ctxRun, &background, failed)
	for _, listener := range listeners.GRPC {
		go func() {
			if err := s.grpc.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
				failed <- fmt.Errorf("serving gRPC on %s: %w", listener.Addr(), err)
			}
		}()
	}
	admin := s.adminServer()
	if listeners.Admin != nil {
		go func() {
			if err := admin.Serve(listeners.Admin); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serving HTTP on %s: %w", listeners.Admin.Addr(), err)
			}
		}()
	}
	s.logListening(ctx, listeners)
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-failed:
		s.deps.Logger.ErrorContext(ctxRun, "stopping because of a failure", "error", failure)
	}
	s.drain(ctxRun)
	stopRun()
	return errors.Join(failure, awaitBackground(&background), stopAdmin(ctxRun, admin))
}

func (s *Server) logListening(ctx context.Context, listeners Listeners) {
	for _, listener := range listeners.GRPC {
		s.deps.Logger.InfoContext(ctx, "serving gRPC", "address", listener.Addr().String())
	}
	if listeners.Admin != nil {
		s.deps.Logger.InfoContext(ctx, "serving HTTP", "address", listeners.Admin.Addr().String())
	}
}

// startBackground runs what the services and the server itself do besides answering calls.
func (s *Server) startBackground(ctx context.Context, background *sync.WaitGroup, failed chan<- error) {
	start := func(what string, run func(context.Context) error) {
		background.Go(func() {
			if err := protect(ctx, run); err != nil && ctx.Err() == nil {
				failed <- fmt.Errorf("%s: %w", what, err)
			}
		})
	}
	start("following readiness", s.followReadiness)
	start("following identity", s.deps.Verifier.Run)
	for _, service := range s.services {
		start("running "+service.Name(), service.Run)
	}
}

// protect makes a panic an error with its stack, so that the open calls of the other services still end in their turn.
func protect(ctx context.Context, run func(context.Context) error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic: %v\n%s", value, debug.Stack())
		}
	}()
	return run(ctx)
}

// drain lets calls end. Streams that are still open after four fifths of the time are cut with a status that tells the
// client to connect again; what is left at the end is cut without one. A handler that does not end even then is left behind.
func (s *Server) drain(ctx context.Context) {
	s.stopping.Store(true)
	s.health.Shutdown()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := protect(ctx, s.tellServices); err != nil {
			s.deps.Logger.ErrorContext(ctx, "telling the services to drain", "error", err)
		}
		time.Sleep(s.config.DrainDelay)
		s.chain.leave()
		s.grpc.GracefulStop()
	}()
	cut := time.AfterFunc(s.config.DrainTimeout*4/5, s.chain.cut)
	defer cut.Stop()
	last := time.NewTimer(s.config.DrainTimeout)
	defer last.Stop()
	select {
	case <-done:
	case <-last.C:
		go s.grpc.Stop() // waits for the handlers of a full connection
		select {
		case <-done:
		case <-time.After(cutGrace):
			s.deps.Logger.ErrorContext(ctx, "calls did not end when they were cut")
		}
	}
}

// tellServices lets every service say goodbye on its streams.
func (s *Server) tellServices(context.Context) error {
	for _, service := range s.services {
		if drainer, ok := service.Service.(Drainer); ok {
			drainer.Drain()
		}
	}
	return nil
}

func awaitBackground(background *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		background.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-time.After(backgroundGrace):
		return errors.New("background work did not end in time")
	}
}

func stopAdmin(ctx context.Context, admin *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), adminGrace)
	defer cancel()
	if err := admin.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("stopping the admin port: %w", err), admin.Close())
	}
	return nil
}
