// Package identity is the service that signs callers in: a platform credential becomes a short-lived session of ours.
//
// The path of a request, down once and up once:
//
//	platform/grpcserver    is the request well-formed, does this address call too often
//	internal/rpc           decode
//	internal/credential    is the credential good, and whose is it? (internal/clients asks the OpenID Connect provider)
//	internal/signin        which player is that; a new one is made step by step, each of which can be the last before a crash
//	internal/session       refresh tokens: give out, exchange, end (the rules stand in internal/player)
//	internal/program       game servers, operators and services: keys and workload identities
//	internal/revocation    what ended before its time, as a list that every server follows
//	internal/signing       the keys of access tokens: made, sealed, published, rotated (internal/loop keeps them up)
//	internal/cosmosstore   documents and versions
//	platform/cosmos        one SDK call each, tried again where that is safe
//	Cosmos DB              containers identities, identity-players, signing-keys, revocations
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
	Providers   http.RoundTripper // to OpenID Connect providers; nil = http.DefaultTransport
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
	log        *slog.Logger
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
	s := &Service{containers: cosmos.NewPreparation(deps.Cosmos, "identity", containers, deps.Logger), log: deps.Logger}
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
	s.identity = rpc.NewIdentity(cfg.nouns(deps, keys, s, tokens, revocations))
	s.playerData = rpc.NewPlayerData(&playerdata.Service{
		Stores: cosmosstore.NewPlayerData(deps.Cosmos, revocations), Tokens: pagetoken.New(keys.pages), Now: deps.Now, Limit: eraseLimit,
	})
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

// keysEvery is how often the signing keys are looked at; eraseLimit is how many documents one call of ErasePlayer deletes, about, which
// is more than a player has.
const (
	keysEvery  = time.Minute
	eraseLimit = 1000
)

// Run waits until the containers are as they should be and then keeps the signing keys up. It returns nil when ctx ends, and an error
// when a signing key cannot be unsealed.
func (s *Service) Run(ctx context.Context) error {
	if !s.containers.Run(ctx) {
		return nil
	}
	keys := loop.Keys{Ring: s.ring, Every: keysEvery, Log: s.log}
	return keys.Run(ctx)
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
