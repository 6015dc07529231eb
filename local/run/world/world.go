// Package world is the whole kit in one process: the embedded Cosmos DB emulator and every service, wired as local/run, tests
// and the simulated community use them.
//
//	w, err := world.Start(ctx, world.Options{GRPC: "127.0.0.1:0", Admin: "127.0.0.1:0", Cosmos: "localhost:0"})
//	defer w.Stop()
//	conn, err := grpcclient.Dial("http://"+w.GRPC, grpcclient.Options{})
//
// All services share one gRPC server; what one asks of another goes through a pipe into that server, so it passes the same
// checks as a call from outside.
package world

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"supergame/local/emulator"
	"supergame/local/run/datadir"
	"supergame/services/identity"
	"supergame/services/leaderboard"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/telemetry"
	"supergame/services/profile"
)

// Database is the one that all services share.
const Database = "supergame"

// Clients are the programs that have a key in the data folder, and their roles.
var Clients = map[string]string{"operator": "operator", "game-server": "game-server", "profile": "service", "leaderboard": "service"}

// Options say where the world listens and keeps its data. A port of 0 is any free one.
type Options struct {
	GRPC   string // host:port of gRPC
	Admin  string // host:port of plain HTTP: health, metrics, keys
	Cosmos string // host:port of the emulator's HTTPS; not used when COSMOS_ENDPOINT names an account
	Data   string // the data folder; empty = in memory

	// Environ is the environment that configures services and telemetry ("NAME=value"); nil = the process's own. What the
	// world decides itself (addresses, keys, the store) comes before it.
	Environ []string

	// Clock is the time of the embedded emulator and of the profile service, for tests that move it; nil = the system's. Identity keeps the system's: its
	// signing keys would be days behind after a leap, until it looks at them.
	Clock *emulator.Clock
}

// World is a running kit.
type World struct {
	GRPC   string // host:port
	Admin  string // host:port
	Cosmos string // URL of the emulator or account
	Where  string // what the store is, for people
	Keys   datadir.Keys

	Emulator *emulator.Emulator // nil on an account

	stop  context.CancelFunc
	ended chan struct{}
	err   error // of the server; read it when ended is closed
	close func() error
	once  sync.Once
}

// settings are what the environment may change in a local run.
type settings struct {
	Server      grpcserver.Config
	Telemetry   telemetry.Config
	Identity    identity.Config
	Profile     profile.Config
	Leaderboard leaderboard.Config
}

// Start starts everything and returns when it is ready. The world ends with ctx or with Stop.
func Start(ctx context.Context, opts Options) (*World, error) {
	if opts.Clock == nil {
		opts.Clock = emulator.NewClock()
	}
	if opts.Environ == nil {
		opts.Environ = os.Environ()
	}
	dir, err := datadir.Open(opts.Data, clientNames()...)
	if err != nil {
		return nil, err
	}
	environ, err := opts.environ(dir.Keys())
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load[settings](environ)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	w := &World{stop: stop, ended: make(chan struct{}), Keys: dir.Keys()}
	if err := w.start(running, opts, cfg, dir); err != nil {
		stop()
		return nil, err
	}
	return w, nil
}

// start opens what can fail first, then serves and waits until it is ready.
func (w *World) start(ctx context.Context, opts Options, cfg settings, dir *datadir.Dir) (err error) {
	var opened closers
	defer func() {
		if err != nil {
			_ = opened.close()
		}
	}()
	cfg.Telemetry.Service = "supergame"
	tel, err := telemetry.Setup(ctx, cfg.Telemetry)
	if err != nil {
		return err
	}
	opened.add(func() error { return tel.Shutdown(context.WithoutCancel(ctx)) })

	listeners, err := listenAll(ctx, opts)
	if err != nil {
		return err
	}
	opened.add(listeners.close)

	store, err := openStore(ctx, opts, dir, cosmos.Options{Logger: tel.Logger, Meter: tel.Meter, Tracer: tel.Tracer})
	if err != nil {
		return err
	}
	opened.add(store.close)

	services, err := wire(ctx, cfg, parts{store: store.client, pipe: listeners.pipe, telemetry: tel, keys: dir.Keys(), now: opts.Clock.Now})
	if err != nil {
		return err
	}
	opened.add(services.close)

	server, err := grpcserver.New(cfg.Server, grpcserver.Deps{
		Verifier: services.identity.Verifier(), Logger: tel.Logger, Tracer: tel.Tracer, Meter: tel.Meter, Prometheus: tel.Prometheus,
	}, services.hosted()...)
	if err != nil {
		return err
	}
	w.GRPC, w.Admin = listeners.grpc.Addr().String(), listeners.admin.Addr().String()
	w.Cosmos, w.Where, w.Emulator, w.close = store.endpoint, store.where, store.emulator, opened.close
	go func() {
		defer close(w.ended)
		w.err = server.Serve(ctx, grpcserver.Listeners{GRPC: []net.Listener{listeners.grpc, listeners.pipe}, Admin: listeners.admin})
	}()
	return w.awaitReady(ctx, services.ready)
}

// readyWithin is generous: an account in the cloud may be far away. The embedded emulator needs milliseconds.
const readyWithin = time.Minute

// awaitReady returns when everything is ready, or says what is not.
func (w *World) awaitReady(ctx context.Context, ready func() error) error {
	deadline := time.After(readyWithin)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-w.ended:
			return errors.Join(errors.New("the services stopped before they were ready"), w.err)
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			w.stop()
			<-w.ended
			return fmt.Errorf("not ready within %v: %w", readyWithin, err)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// Wait returns when the world has ended: nil after a clean stop.
func (w *World) Wait() error {
	<-w.ended
	var err error
	w.once.Do(func() { err = w.close() })
	return errors.Join(w.err, err)
}

// Stop ends the world: open calls are finished, data are closed.
func (w *World) Stop() error {
	w.stop()
	return w.Wait()
}

// closers closes what was opened, last first.
type closers []func() error

func (c *closers) add(closer func() error) { *c = append(*c, closer) }

func (c *closers) close() error {
	var errs []error
	for i := len(*c) - 1; i >= 0; i-- {
		errs = append(errs, (*c)[i]())
	}
	*c = nil
	return errors.Join(errs...)
}
