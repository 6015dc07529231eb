// Package profile is the service that keeps player profiles: what others see of a player, and what only he does.
//
// The path of a request, down once and up once:
//
//	platform/grpcserver    who calls, may he, is the request well-formed
//	internal/rpc           decode
//	internal/profile       the rules: names, countries, languages, masks, views
//	internal/moderation    which texts others may see, and the queue of those that a person looks at
//	internal/wallet        the rules: debits, credits, the ledger and its chain of hashes
//	internal/cosmosstore   documents, versions, request ids; one read and one write at most
//	platform/cosmos        one SDK call each, tried again where that is safe
//	Cosmos DB              container players: a player is one partition, his public part one document of 1 KB;
//	                       container handles: who has which name
//
// Beside it internal/handle gives players names of their own, and internal/loop finishes what calls have left open.
//
// Friends go the same way through internal/friends. What one player says of another is stored in his own partition first and shown in the
// other's next; internal/loop follows the change feed of players and makes up for what got lost between the two.
//
// Package platform/playerdata erases and exports what the service keeps about one player.
package profile

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/metric"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
)

// containersJSON lists the service's containers; infra/ reads the same file.
//
//go:embed containers.json
var containersJSON []byte

// Containers are the containers that the service needs.
func Containers() ([]cosmos.ContainerSpec, error) { return cosmos.ParseSpecs(containersJSON) }

// Config is the service's own part of the environment.
type Config struct {
	Moderation ModerationConfig
	EraseLimit int           `env:"PROFILE_ERASE_LIMIT" envDefault:"2000" help:"how many documents one call of ErasePlayer deletes, about, e.g. 2000"`
	ErasureKey config.Secret `env:"PROFILE_ERASURE_KEY,required" help:"32 random bytes in base64, the same on every replica and for ever: what players are named with in records that outlive them"`
	Saves      SaveConfig
	// Participants are the other services that keep something of players, Followers those of them that keep copies of what is changed here.
	Participants []string `env:"PROFILE_PARTICIPANTS" envDefault:"identity" help:"the services whose PlayerDataService erases and exports players, besides this one, e.g. identity,leaderboard; each has its <SERVICE>_ENDPOINT"`
	Followers    []string `env:"PROFILE_FOLLOWERS" help:"the services whose PlayerDataService is told when the country or suspension of a player changes, e.g. leaderboard"`
	// FeedInterval is the pause between two polls of each range of the change feed without news; a poll costs about 1 RU.
	FeedInterval time.Duration `env:"PROFILE_FEED_INTERVAL" envDefault:"1s" help:"how often the changes of players are looked for, at about 1 RU for each physical partition, e.g. 1s; 0 = not by this replica"`
}

// Validate refuses values that make no sense.
func (c Config) Validate() error {
	if c.EraseLimit < 1 {
		return config.Invalid("PROFILE_ERASE_LIMIT", "is %d, not a positive number", c.EraseLimit)
	}
	if c.FeedInterval < 0 {
		return config.Invalid("PROFILE_FEED_INTERVAL", "is %s, not a duration from 0 on", c.FeedInterval)
	}
	if err := c.validateServices(); err != nil {
		return err
	}
	_, err := c.keys()
	return err
}

// Deps are the parts that the service is built from.
type Deps struct {
	Cosmos *cosmos.Client
	Logger *slog.Logger         // nil = slog.Default()
	Now    func() time.Time     // nil = time.Now
	Meter  metric.MeterProvider // nil = no metrics
	// Erased reports whether a player is being erased, as the server's verifier knows it (auth.Verifier.Erased).
	Erased func(playerID string) bool
	// Dial connects to another service by its name, e.g. "identity", signed in as the service profile; nil = nobody is there, and no player can be deleted.
	// The service closes the connections when they are io.Closers.
	Dial func(service string) (grpc.ClientConnInterface, error)
	// ContentSafetyToken gives a token for [ContentSafetyScope], where Content Safety is asked and no key is configured.
	ContentSafetyToken func(context.Context) (string, error)
}

// Service is the profile service. A grpcserver hosts it.
type Service struct {
	servers     []func(grpc.ServiceRegistrar) // what Register registers
	connections []grpc.ClientConnInterface    // to other services
	containers  *cosmos.Preparation
	loops       []func(context.Context) error // what Run runs once the containers are there, each until its context ends
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
	s := &Service{containers: cosmos.NewPreparation(deps.Cosmos, "profile", containers, deps.Logger)}
	if err := s.build(cfg, deps); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return s, nil
}

// Name is "profile".
func (s *Service) Name() string { return "profile" }

// Register adds the gRPC services.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	for _, register := range s.servers {
		register(r)
	}
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

// Close closes the connections to other services.
func (s *Service) Close() error {
	var errs []error
	for _, conn := range s.connections {
		if closer, ok := conn.(io.Closer); ok {
			errs = append(errs, closer.Close())
		}
	}
	return errors.Join(errs...)
}
