// Command identity runs the identity service alone. Its settings come from the environment: COSMOS_*, TOKEN_*, PROFILE_ENDPOINT,
// GRPC_ADDR, ADMIN_ADDR, OTEL_* and IDENTITY_*.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"google.golang.org/grpc"

	"supergame/services/identity"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/grpcclient"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/telemetry"
)

type settings struct {
	Server    grpcserver.Config
	Telemetry telemetry.Config
	Cosmos    cosmos.Config
	Identity  identity.Config

	ProfileEndpoint string `env:"PROFILE_ENDPOINT,required" help:"the address of the profile service, e.g. http://profile:50051"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "identity:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	defer stop()

	cfg, err := config.Load[settings](os.Environ())
	if err != nil {
		return err
	}
	cfg.Telemetry.Service = "identity"
	tel, err := telemetry.Setup(ctx, cfg.Telemetry)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tel.Shutdown(context.WithoutCancel(ctx))) }()

	store, err := cosmos.Open(ctx, cfg.Cosmos, cosmos.Options{Logger: tel.Logger, Meter: tel.Meter, Tracer: tel.Tracer})
	if err != nil {
		return err
	}
	defer store.Close()

	service, err := identity.New(ctx, cfg.Identity, identity.Deps{
		Cosmos: store, Logger: tel.Logger,
		DialProfile: func(tokens grpcclient.TokenSource) (grpc.ClientConnInterface, error) {
			return grpcclient.Dial(cfg.ProfileEndpoint, grpcclient.Options{Tokens: tokens, Tracer: tel.Tracer})
		},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.Close()) }()

	return grpcserver.Serve(ctx, cfg.Server, grpcserver.Deps{
		Verifier: service.Verifier(), Logger: tel.Logger, Tracer: tel.Tracer, Meter: tel.Meter, Prometheus: tel.Prometheus,
	}, service)
}
