// Package profile is the service that keeps player profiles: what others see of a player, and what only he does.
//
// The path of a request, down once and up once:
//
//	platform/grpcserver    who calls, may he, is the request well-formed
//	internal/rpc           decode
//	internal/profile       the rules: names, countries, languages, masks, views
//	internal/cosmosstore   documents, versions, request ids; one read and one write at most
//	platform/cosmos        one SDK call each, tried again where that is safe
//	Cosmos DB              container players: a player is one partition, his public part one document of 1 KB
//
// Package platform/playerdata erases and exports what the service keeps about one player.
package profile

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/pagetoken"
	"supergame/services/platform/playerdata"
	"supergame/services/profile/internal/cosmosstore"
	"supergame/services/profile/internal/profile"
	"supergame/services/profile/internal/rpc"
)

// containersJSON lists the service's containers; infra/ reads the same file.
//
//go:embed containers.json
var containersJSON []byte

// Containers are the containers that the service needs.
func Containers() ([]cosmos.ContainerSpec, error) { return cosmos.ParseSpecs(containersJSON) }

// Config is the service's own part of the environment.
type Config struct {
	EraseLimit int `env:"PROFILE_ERASE_LIMIT" envDefault:"2000" help:"how many documents one call of ErasePlayer deletes, about, e.g. 2000"`
	Saves      SaveConfig
}

// Validate refuses values that make no sense.
func (c Config) Validate() error {
	if c.EraseLimit < 1 {
		return config.Invalid("PROFILE_ERASE_LIMIT", "is %d, not a positive number", c.EraseLimit)
	}
	return nil
}

// Deps are the parts that the service is built from.
type Deps struct {
	Cosmos *cosmos.Client
	Logger *slog.Logger     // nil = slog.Default()
	Now    func() time.Time // nil = time.Now
	// Erased reports whether a player is being erased, as the server's verifier knows it (auth.Verifier.Erased).
	Erased func(playerID string) bool
}

// Service is the profile service. A grpcserver hosts it.
type Service struct {
	profiles   *rpc.Profiles
	statistics *rpc.Statistics
	saves      *rpc.Saves
	playerData *rpc.PlayerData
	containers *cosmos.Preparation
	loops      []func(context.Context) error // what Run runs once the containers are there, each until its context ends
}

// New builds the service. It talks to nobody: Run does.
func New(_ context.Context, cfg Config, deps Deps) (*Service, error) {
	if deps.Cosmos == nil {
		return nil, errors.New("profile: Deps.Cosmos is nil")
	}
	containers, err := Containers()
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Logger == nil {
		deps.Logger = slog.Default()
	}
	return &Service{
		profiles:   rpc.NewProfiles(&profile.Profiles{Store: cosmosstore.New(deps.Cosmos), Now: deps.Now, Erased: deps.Erased}),
		statistics: newStatistics(deps),
		saves:      newSaves(cfg.Saves, deps),
		playerData: rpc.NewPlayerData(&playerdata.Service{
			Stores: []playerdata.Store{cosmosstore.NewPlayerData(deps.Cosmos)},
			Tokens: pagetoken.New(nil), Now: deps.Now, Limit: cfg.EraseLimit,
		}),
		containers: cosmos.NewPreparation(deps.Cosmos, "profile", containers, deps.Logger),
	}, nil
}

// Name is "profile".
func (s *Service) Name() string { return "profile" }

// Register adds ProfileService, StatisticsService, SaveDataService and PlayerDataService.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	profilev1.RegisterProfileServiceServer(r, s.profiles)
	profilev1.RegisterStatisticsServiceServer(r, s.statistics)
	profilev1.RegisterSaveDataServiceServer(r, s.saves)
	profilev1.RegisterPlayerDataServiceServer(r, s.playerData)
}

// Run waits until the containers are as they should be and then does the background work. It returns nil when ctx ends.
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

// Ready returns nil when the containers are there and as they should be, and otherwise what is wrong with them.
func (s *Service) Ready() error { return s.containers.Ready() }

// Close releases what the service holds: nothing, as the client belongs to who opened it.
func (s *Service) Close() error { return nil }
