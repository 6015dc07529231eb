// Command leaderboard runs the leaderboard service alone. Its settings come from the environment: COSMOS_*, TOKEN_*, IDENTITY_ENDPOINT,
// PROFILE_ENDPOINT, GRPC_ADDR, ADMIN_ADDR, OTEL_* and LEADERBOARD_*.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/leaderboard"
	"supergame/services/platform/auth"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/grpcclient"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/telemetry"
)

type settings struct {
	Server      grpcserver.Config
	Telemetry   telemetry.Config
	Cosmos      cosmos.Config
	Auth        auth.Config
	Leaderboard leaderboard.Config

	IdentityEndpoint string        `env:"IDENTITY_ENDPOINT,required" help:"the address of the identity service, e.g. http://identity:50051"`
	IdentityScope    string        `env:"IDENTITY_SCOPE" envDefault:"api://supergame-identity/.default" help:"the scope of the Entra tokens that identity accepts"`
	ProfileEndpoint  string        `env:"PROFILE_ENDPOINT,required" help:"the address of the profile service, e.g. http://profile:50051"`
	ClientKey        config.Secret `env:"LEADERBOARD_CLIENT_KEY" help:"the key to sign in to identity with, where there is no managed identity"`
}

// gcPercent lets the garbage of calls add up: the ranks lie beside the heap, so the heap is small and would be collected all the time. GOGC
// comes first.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "leaderboard:", err)
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
	cfg.Telemetry.Service = "leaderboard"
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

	credential, err := credentialOf(cfg)
	if err != nil {
		return err
	}
	// Two connections to identity: the one that signs in cannot itself send the token it gets.
	plain, err := grpcclient.Dial(cfg.IdentityEndpoint, grpcclient.Options{Tracer: tel.Tracer})
	if err != nil {
		return err
	}
	tokens := grpcclient.NewTokens(plain, credential)
	identity, err := grpcclient.Dial(cfg.IdentityEndpoint, grpcclient.Options{Tokens: tokens, Tracer: tel.Tracer})
	if err != nil {
		return err
	}
	profile, err := grpcclient.Dial(cfg.ProfileEndpoint, grpcclient.Options{Tokens: tokens, Tracer: tel.Tracer})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, profile.Close(), identity.Close(), plain.Close()) }()
	verifier := auth.NewVerifier(cfg.Auth, auth.FromIdentity(identityv1.NewIdentityServiceClient(identity)), auth.Options{Logger: tel.Logger})

	service, err := leaderboard.New(ctx, cfg.Leaderboard, leaderboard.Deps{
		Cosmos: store, Profile: profile, Logger: tel.Logger, Meter: tel.Meter, Erased: verifier.Erased,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.Close()) }()

	return grpcserver.Serve(ctx, cfg.Server, grpcserver.Deps{
		Verifier: verifier,
		Logger:   tel.Logger, Tracer: tel.Tracer, Meter: tel.Meter, Prometheus: tel.Prometheus,
	}, service)
}

// credentialOf is what this process proves itself with to identity: a key where one is set, else its managed identity.
func credentialOf(cfg settings) (grpcclient.Credential, error) {
	if !cfg.ClientKey.IsZero() {
		return grpcclient.ClientKey("leaderboard", cfg.ClientKey), nil
	}
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, err
	}
	return grpcclient.Workload(credential, cfg.IdentityScope), nil
}
