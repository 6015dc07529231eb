// Package identity is the service that signs callers in: a platform credential becomes a short-lived session of ours.
//
// The path of a request, down once and up once:
//
//	platform/grpcserver    is the request well-formed, does this address call too often
//	internal/rpc           decode
//	internal/credential    is the credential good, and whose is it? (internal/clients asks the OpenID Connect provider, PlayFab, Steam, Google)
//	internal/signin        which player is that; a new one is made step by step, each of which can be the last before a crash
//	internal/session       refresh tokens: give out, exchange, end (the rules stand in internal/player)
//	internal/link          more than one credential of a player: link, unlink, and who keeps one that two players want
//	internal/suspension    keep a player out and let him in again; passed on to the profile service until it has it (internal/loop goes on)
//	internal/program       game servers, operators and services: keys and workload identities
//	internal/revocation    what ended before its time, as a list that every server follows
//	internal/signing       the keys of access tokens: made, sealed, published, rotated (internal/loop keeps them up)
//	internal/cosmosstore   documents and versions
//	platform/cosmos        one SDK call each, tried again where that is safe
//	Cosmos DB              containers identities, identity-players, signing-keys, revocations
//
// Xbox is an interface and a hole ([XboxVerifier]): the documents of its side are under a non-disclosure agreement.
//
// Package platform/playerdata erases and exports what the service keeps about one player.
//
// The service verifies tokens with its own keys and revocations: [Service.Verifier] is for the server that hosts it.
package identity

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/identity/internal/loop"
	"supergame/services/identity/internal/revocation"
	"supergame/services/identity/internal/rpc"
	"supergame/services/identity/internal/signing"
	"supergame/services/platform/auth"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/grpcclient"
	"supergame/services/platform/pagetoken"
	"supergame/services/platform/playerdata"
)

// containersJSON lists the service's containers; infra/ reads the same file.
//
//go:embed containers.json
var containersJSON []byte

// Containers are the containers that the service needs.
func Containers() ([]cosmos.ContainerSpec, error) { return cosmos.ParseSpecs(containersJSON) }

// Deps are the parts that the service is built from.
type Deps struct {
	Cosmos *cosmos.Client
	// DialProfile connects to the profile service, with the tokens that identity gives itself. The service closes the connection when
	// it is an io.Closer.
	DialProfile func(grpcclient.TokenSource) (grpc.ClientConnInterface, error)
	Providers   http.RoundTripper // to OpenID Connect providers and platforms; nil = http.DefaultTransport
	Xbox        XboxVerifier      // nil = players of Xbox cannot sign in
	Logger      *slog.Logger      // nil = slog.Default()
	Now         func() time.Time  // nil = time.Now
	Verifier    auth.Options      // of the service's own verifier; Logger and Now are set from above
}

// Service is the identity service. A grpcserver hosts it.
type Service struct {
	identity   *rpc.Identity
	playerData *rpc.PlayerData
	ring       *signing.Ring
	verifier   *auth.Verifier
	profile    grpc.ClientConnInterface
	containers *cosmos.Preparation
	loops      []func(context.Context) error // what Run runs once the containers are there, each until its context ends
}

// New builds the service. It talks to nobody: Run does.
func New(_ context.Context, cfg Config, deps Deps) (*Service, error) {
	if deps.Cosmos == nil || deps.DialProfile == nil {
		return nil, errors.New("identity: Deps.Cosmos and Deps.DialProfile are needed")
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Logger == nil {
		deps.Logger = slog.Default()
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	keys, err := cfg.keys()
	if err != nil {
		return nil, err
	}
	containers, err := Containers()
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	s := &Service{containers: cosmos.NewPreparation(deps.Cosmos, "identity", containers, deps.Logger)}
	sealer, err := signing.NewSealer(keys.sealing...)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	s.ring = signing.NewRing(cosmosstore.NewKeys(deps.Cosmos, deps.Now), sealer, signing.Schedule{Period: cfg.KeyPeriod}, deps.Now)
	revocations := &revocation.Revocations{Store: cosmosstore.NewRevocations(deps.Cosmos), Key: keys.erasure, Now: deps.Now}
	deps.Verifier.Logger, deps.Verifier.Now = deps.Logger, deps.Now
	s.verifier = auth.NewVerifier(cfg.Auth, &source{ring: s.ring, revocations: revocations, prepared: s.containers.Done()}, deps.Verifier)
	tokens := &issuer{cfg: cfg.Auth, life: cfg.AccessTokenLife, ring: s.ring, now: deps.Now}
	if s.profile, err = deps.DialProfile(&ownTokens{issuer: tokens}); err != nil {
		return nil, fmt.Errorf("identity: connecting to profile: %w", err)
	}
	nouns := cfg.nouns(deps, keys, s, tokens, revocations)
	s.identity = rpc.NewIdentity(nouns)
	s.playerData = rpc.NewPlayerData(&playerdata.Service{
		Stores: cosmosstore.NewPlayerData(deps.Cosmos, revocations), Tokens: pagetoken.New(keys.pages), Now: deps.Now, Limit: eraseLimit,
	})
	keyLoop := loop.Keys{Ring: s.ring, Every: keysEvery, Log: deps.Logger}
	suspensions := loop.Chore{Name: "suspensions", Every: suspensionsEvery, Round: nouns.Suspensions.Round, Log: deps.Logger}
	s.loops = []func(context.Context) error{keyLoop.Run, suspensions.Run}
	return s, nil
}

// Name is "identity".
func (s *Service) Name() string { return "identity" }

// Register adds IdentityService and PlayerDataService.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	identityv1.RegisterIdentityServiceServer(r, s.identity)
	identityv1.RegisterPlayerDataServiceServer(r, s.playerData)
}

// AdminHandlers serves the public keys as a JSON Web Key Set (RFC 7517).
func (s *Service) AdminHandlers() map[string]http.Handler {
	return map[string]http.Handler{"GET /.well-known/jwks.json": rpc.JWKS(s.ring)}
}

// Verifier verifies access tokens with the service's own keys and revocations. The server that hosts the service runs it.
func (s *Service) Verifier() *auth.Verifier { return s.verifier }

// keysEvery is how often the signing keys are looked at, suspensionsEvery how often those that are over or not passed on; eraseLimit is how many documents one call of ErasePlayer deletes, about, which
// is more than a player has.
const (
	keysEvery        = time.Minute
	suspensionsEvery = 10 * time.Second
	eraseLimit       = 1000
)

// Run waits until the containers are as they should be and then keeps the signing keys up and looks after suspensions. It returns nil when ctx ends, and an error
// when a signing key cannot be unsealed.
func (s *Service) Run(ctx context.Context) error {
	if !s.containers.Run(ctx) {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, run := range s.loops {
		group.Go(func() error { return run(ctx) })
	}
	return group.Wait()
}

// Ready returns nil when the containers are as they should be and tokens can be signed. That its revocations are fresh is the
// verifier's part.
func (s *Service) Ready() error {
	if err := s.containers.Ready(); err != nil {
		return err
	}
	return s.ring.Ready()
}

// Close closes the connection to the profile service.
func (s *Service) Close() error {
	if conn, ok := s.profile.(io.Closer); ok {
		return conn.Close()
	}
	return nil
}
