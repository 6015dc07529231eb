// Command profile runs the profile service alone. Its settings come from the environment: COSMOS_*, TOKEN_*, IDENTITY_ENDPOINT,
// GRPC_ADDR, ADMIN_ADDR, OTEL_* and PROFILE_*.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"google.golang.org/grpc"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/grpcclient"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/telemetry"
	"supergame/services/profile"
)

type settings struct {
	Server    grpcserver.Config
	Telemetry telemetry.Config
	Cosmos    cosmos.Config
	Auth      auth.Config
	Profile   profile.Config

	IdentityEndpoint string        `env:"IDENTITY_ENDPOINT,required" help:"the address of the identity service, e.g. http://identity:50051"`
	IdentityScope    string        `env:"IDENTITY_SCOPE" envDefault:"api://supergame-identity/.default" help:"the scope of the Entra tokens that identity accepts"`
	ClientKey        config.Secret `env:"PROFILE_CLIENT_KEY" help:"the key to sign in to identity with, where there is no managed identity"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
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
	cfg.Telemetry.Service = "profile"
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
	// Two connections: the one that signs in cannot itself send the token it gets.
	plain, err := grpcclient.Dial(cfg.IdentityEndpoint, grpcclient.Options{Tracer: tel.Tracer})
	if err != nil {
		return err
	}
	others := grpcclient.Options{Tokens: grpcclient.NewTokens(plain, credential), Tracer: tel.Tracer}
	identity, err := grpcclient.Dial(cfg.IdentityEndpoint, others)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, identity.Close(), plain.Close()) }()
	verifier := auth.NewVerifier(cfg.Auth, auth.FromIdentity(identityv1.NewIdentityServiceClient(identity)), auth.Options{Logger: tel.Logger})

	safety, err := contentSafetyToken(cfg.Profile.Moderation)
	if err != nil {
		return err
	}
	service, err := profile.New(ctx, cfg.Profile, profile.Deps{
		Cosmos: store, Logger: tel.Logger, Meter: tel.Meter, Erased: verifier.Erased, ContentSafetyToken: safety,
		Dial: func(service string) (grpc.ClientConnInterface, error) { return dial(service, others) },
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

// dial connects to another service, whose address is <SERVICE>_ENDPOINT.
func dial(service string, options grpcclient.Options) (grpc.ClientConnInterface, error) {
	variable := strings.ToUpper(service) + "_ENDPOINT"
	endpoint := os.Getenv(variable)
	if endpoint == "" {
		return nil, fmt.Errorf("%s is not set; PROFILE_PARTICIPANTS names the service", variable)
	}
	return grpcclient.Dial(endpoint, options)
}

// credentialOf is what this process proves itself with to identity: a key where one is set, else its managed identity.
func credentialOf(cfg settings) (grpcclient.Credential, error) {
	if !cfg.ClientKey.IsZero() {
		return grpcclient.ClientKey("profile", cfg.ClientKey), nil
	}
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, err
	}
	return grpcclient.Workload(credential, cfg.IdentityScope), nil
}

// contentSafetyToken is what this process proves itself with to Azure AI Content Safety: nil where it is not asked, or by a key. The
// credential keeps a token until it expires.
func contentSafetyToken(cfg profile.ModerationConfig) (func(context.Context) (string, error), error) {
	if cfg.Endpoint == "" || !cfg.Key.IsZero() {
		return nil, nil
	}
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (string, error) {
		token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{profile.ContentSafetyScope}})
		return token.Token, err
	}, nil
}
