// Package leaderboard is the service that ranks players: exact places among millions, read from memory, with the age of each answer.
//
// The path of a submission, down once and up once:
//
//	platform/grpcserver    who calls, may he, is the request well-formed
//	internal/rpc           decode
//	internal/scores        the rules: who may submit where, in which season it counts
//	internal/board         what it does to the entry that stands; how a score becomes a key that sorts
//	internal/cosmosstore   documents, versions, request ids: one read and, if it improves, one guarded batch
//	platform/cosmos        one SDK call each, tried again where that is safe
//	Cosmos DB              container leaderboard-entries: a player is one partition, an entry one document of 1 KB
//
// and of a question about ranks, which asks the store nothing:
//
//	internal/rpc -> internal/query -> internal/ranks (this process's view) -> internal/index (counted trees)
//
// The view comes from the change feed: internal/loop follows all ranges of the entries' container, from the beginning, and takes each entry by
// its version. What this process writes itself it takes at once. Heartbeats that come through the feed tell how old the view is.
//
// A season that ends is moved on by internal/season, one write for each step: it is frozen by the store's clock, archived from the view once that holds
// everything until then (internal/archive), held for review, and its rewards are granted through the wallet (internal/reward). From the review on
// it is read from its archive. A process that starts loads the view from internal/snapshot and follows the feed from there. What is stored about
// a player is erased by internal/erasure.
//
// Package catalog knows the definitions, watch serves streams, players what the profile service tells (through internal/clients).
package leaderboard

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"go.opentelemetry.io/otel/metric"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/leaderboard/internal/boards"
	"supergame/services/leaderboard/internal/catalog"
	"supergame/services/leaderboard/internal/clients"
	"supergame/services/leaderboard/internal/cosmosstore"
	"supergame/services/leaderboard/internal/loop"
	"supergame/services/leaderboard/internal/players"
	"supergame/services/leaderboard/internal/query"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/leaderboard/internal/rpc"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/leaderboard/internal/season"
	"supergame/services/leaderboard/internal/snapshot"
	"supergame/services/leaderboard/internal/watch"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/grpcserver/wire"
	"supergame/services/platform/pagetoken"
)

// containersJSON lists the service's containers; infra/ reads the same file.
//
//go:embed containers.json
var containersJSON []byte

// Containers are the containers that the service needs.
func Containers() ([]cosmos.ContainerSpec, error) { return cosmos.ParseSpecs(containersJSON) }

// Deps are the parts that the service is built from.
type Deps struct {
	Cosmos  *cosmos.Client
	Profile grpc.ClientConnInterface // the profile service, as service leaderboard
	Logger  *slog.Logger             // nil = slog.Default()
	Now     func() time.Time         // nil = time.Now
	Meter   metric.MeterProvider     // nil = no metrics
	// Erased reports whether a player is being erased, as the server's verifier knows it (auth.Verifier.Erased).
	Erased func(playerID string) bool
}

// Service is the leaderboard service. A grpcserver hosts it.
type Service struct {
	cfg        Config
	deps       Deps
	boards     *rpc.Leaderboards
	playerData *rpc.PlayerData
	archives   *season.Closed
	keeper     *season.Keeper
	retirer    *season.Retirer
	taker      *snapshot.Taker
	restorer   *snapshot.Restorer
	catalog    *catalog.Catalog
	view       *ranks.View
	entries    *loop.Entries
	follower   *loop.Follower
	heartbeats *loop.Heartbeats // nil = off
	containers *cosmos.Preparation
}

// New builds the service. It talks to nobody: Run does.
func New(_ context.Context, cfg Config, deps Deps) (*Service, error) {
	if deps.Cosmos == nil || deps.Profile == nil {
		return nil, errors.New("leaderboard: Deps.Cosmos or Deps.Profile is nil")
	}
	containers, err := Containers()
	if err != nil {
		return nil, fmt.Errorf("leaderboard: %w", err)
	}
	secret, err := cfg.tieKey()
	if err != nil {
		return nil, fmt.Errorf("leaderboard: %w", err)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Logger == nil {
		deps.Logger = slog.Default()
	}
	s := &Service{
		cfg: cfg, deps: deps, view: ranks.NewView(),
		containers: cosmos.NewPreparation(deps.Cosmos, "leaderboard", containers, deps.Logger),
	}
	s.wire(secret)
	return s, s.measure()
}

// wire puts the rooms together.
func (s *Service) wire(secret []byte) {
	now, tokens := s.deps.Now, pagetoken.New(nil)
	definitions := cosmosstore.NewBoards(s.deps.Cosmos, now)
	stored := cosmosstore.NewEntries(s.deps.Cosmos, s.cfg.Region, now)
	profiles := clients.NewProfiles(profilev1.NewProfileServiceClient(s.deps.Profile), profilev1.NewFriendsServiceClient(s.deps.Profile), now)
	own := &ranks.Own{View: s.view, Now: now}
	s.catalog = &catalog.Catalog{Store: definitions, Seasons: definitions, Now: now, Serves: s.serves}
	s.entries = &loop.Entries{
		Decode: cosmosstore.DecodeEntry, View: s.view, Own: own, Boards: s.catalog, Stored: stored, Serves: s.serves, Now: now,
	}
	s.catalog.Changed, s.catalog.Gone = s.entries.Defined, s.entries.Gone
	freshness := &loop.Freshness{Owner: rand.Text(), Estimated: s.cfg.Heartbeat <= 0, Now: now}
	s.follow(freshness)

	s.archive(definitions, stored)

	standing := &players.Players{Profiles: profiles, Store: cosmosstore.NewPlayers(s.deps.Cosmos)}
	submits := &scores.Scores{
		Catalog: s.catalog, Players: standing, Store: stored, Ranks: own, Rate: scores.NewWindows(now), Secret: secret, Tokens: tokens,
		Now: now, Archived: s.archives.Archived,
	}
	standing.Entries = submits
	queries := &query.Queries{
		Catalog: s.catalog, View: s.view, Archives: s.archives, Entries: stored, Profiles: profiles, Erased: s.deps.Erased,
		Freshness: freshness.View, Tokens: tokens, Now: now,
	}
	s.boards = &rpc.Leaderboards{
		Boards: &boards.Boards{Store: definitions, Seasons: definitions, Tokens: tokens, Now: now, Wrote: s.catalog.Wrote},
		Scores: submits, Queries: queries, Watches: watch.New(queries), Code: codeOf,
	}
	s.playerData = &rpc.PlayerData{PlayerChanges: &rpc.PlayerChanges{Players: standing}}
	s.keepSeasons(definitions, stored, own)
	s.keepSnapshots(secret)
	s.keepPrivacy(definitions)
}

// serves reports whether this deployment serves a board.
func (s *Service) serves(boardID string) bool {
	return len(s.cfg.Boards) == 0 || slices.Contains(s.cfg.Boards, boardID)
}

// codeOf is the code of an error on the wire, and what of it a caller may see.
func codeOf(err error) (code int32, text string) {
	status := wire.Status(err, "")
	reason := ""
	if f := wire.Fault(status); f != nil {
		reason = " " + f.Reason
	}
	return int32(status.Code()), fmt.Sprintf("%s%s: %s", status.Code(), reason, status.Message()) //nolint:gosec // 0 to 16
}

// Name is "leaderboard".
func (s *Service) Name() string { return "leaderboard" }

// Register adds LeaderboardService and PlayerDataService.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	leaderboardv1.RegisterLeaderboardServiceServer(r, s.boards)
	leaderboardv1.RegisterPlayerDataServiceServer(r, s.playerData)
}

// Run waits until the containers are as they should be and then does the background work. It returns nil when ctx ends.
func (s *Service) Run(ctx context.Context) error {
	if !s.containers.Run(ctx) {
		return nil
	}
	s.restore(ctx)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.follower.Run(ctx) })
	for name, chore := range s.leased() {
		group.Go(func() error { return s.underLease(ctx, name, chore) })
	}
	if s.heartbeats != nil {
		group.Go(func() error { return s.heartbeats.Run(ctx) })
	}
	for _, chore := range s.chores() {
		group.Go(func() error {
			chore.Run(ctx, s.deps.Logger)
			return nil
		})
	}
	return group.Wait()
}

// Intervals of what each replica does for itself.
const (
	confirmEvery = 5 * time.Second
	retryEvery   = 2 * time.Second
	refreshEvery = 30 * time.Second
)

func (s *Service) chores() []loop.Chore {
	return []loop.Chore{
		{Name: "confirm own writes", Every: confirmEvery, Round: s.entries.Confirm},
		{Name: "look for the boards of entries that wait", Every: retryEvery, Round: s.entries.Retry},
		{Name: "read definitions again", Every: refreshEvery, Round: s.catalog.Refresh},
		{Name: "forget archived seasons", Every: retireEvery, Round: s.retirer.Round},
	}
}

// Ready returns nil when the containers are as they should be, the ranks hold everything that was stored when the service started, and its clock
// is right.
func (s *Service) Ready() error {
	if err := s.containers.Ready(); err != nil {
		return err
	}
	if err := s.checkClock(); err != nil {
		return err
	}
	return s.follower.Ready()
}

// Ranges is how many ranges the container of entries has, as this replica knows it.
func (s *Service) Ranges() int { return len(s.follower.Freshness.Ranges()) }

// Drain lets the watchers go.
func (s *Service) Drain() { s.boards.Watches.Drain() }

// Close gives back the memory of the ranks. Nothing may be served any more.
func (s *Service) Close() error {
	s.view.Close()
	return nil
}
