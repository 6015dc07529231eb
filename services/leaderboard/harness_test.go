package leaderboard_test

import (
	"context"
	"encoding/base64"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"supergame/local/emulator/emulatortest"
	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	optionsv1 "supergame/proto/gen/supergame/options/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/leaderboard"
	"supergame/services/platform/auth/authtest"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcserver/grpcservertest"
)

const (
	ada     = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	bob     = "01BX5ZZKBKACTAV9WEVGEMMVRZ"
	cem     = "01CX5ZZKBKACTAV9WEVGEMMVRZ"
	dan     = "01DX5ZZKBKACTAV9WEVGEMMVRZ"
	nobody  = "01D78XZ44G0000000000000000"
	someOps = "ops@example.com"
)

// world is one replica of the service as a client finds it, behind the server's whole chain.
type world struct {
	*grpcservertest.Server
	authority *authtest.Authority
	service   *leaderboard.Service
	store     *cosmos.Client
	profile   *fakeProfile
}

// databaseOf is the database of a replica, for another one.
func databaseOf(w *world) string { return w.store.Database() }

// setup says how a replica is started; the zero value is a replica on a store of its own, with the intervals of a test.
type setup struct {
	client  *cosmos.Client   // nil = on a database of its own
	now     func() time.Time // nil = time.Now
	profile *fakeProfile     // nil = one of its own
	config  func(*leaderboard.Config)
}

// start serves one replica and waits until it is ready.
func start(t testing.TB, s setup) *world {
	t.Helper()
	w := serve(t, s)
	awaitReady(t, w)
	return w
}

func serve(t testing.TB, s setup) *world {
	t.Helper()
	if s.client == nil {
		s.client = cosmostest.StartShared(t, containers(t))
	}
	if s.profile == nil {
		s.profile = newFakeProfile()
	}
	profile := grpcservertest.Start(t, s.profile)
	cfg := leaderboard.Config{
		TieKey: config.NewSecret(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("t", 32)))), Region: "main",
		SeasonEvery: 20 * time.Millisecond, EraseLimit: 100, FeedInterval: 5 * time.Millisecond, Heartbeat: 50 * time.Millisecond, ClockLimit: 0,
	}
	if s.config != nil {
		s.config(&cfg)
	}
	w := &world{profile: s.profile, store: s.client}
	service, err := leaderboard.New(t.Context(), cfg, leaderboard.Deps{
		Cosmos: s.client, Profile: profile.Dial(t, profile.Authority.Service("leaderboard")), Logger: slog.New(slog.DiscardHandler), Now: s.now,
		Erased: func(playerID string) bool { return w.authority.Verifier().Erased(playerID) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = service.Close() })
	w.service, w.Server = service, grpcservertest.Start(t, service)
	w.authority = w.Authority
	return w
}

func awaitReady(t testing.TB, w *world) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); w.service.Ready() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not ready: %v", w.service.Ready())
		}
	}
}

func containers(t testing.TB) []cosmos.ContainerSpec {
	t.Helper()
	specs, err := leaderboard.Containers()
	if err != nil {
		t.Fatal(err)
	}
	return specs
}

// startOnEmulator starts a replica on an emulator of its own, for tests that order faults or start further replicas.
func startOnEmulator(t testing.TB, need string, s setup, options ...emulatortest.Option) (*world, *emulatortest.Emulator) {
	t.Helper()
	client, e := cosmostest.StartEmulator(t, need, containers(t), options...)
	s.client = client
	return start(t, s), e
}

func (w *world) client(t testing.TB, token string) leaderboardv1.LeaderboardServiceClient {
	return leaderboardv1.NewLeaderboardServiceClient(w.Dial(t, token))
}

func (w *world) player(t testing.TB, id string) leaderboardv1.LeaderboardServiceClient {
	return w.client(t, w.authority.Player(id))
}

func (w *world) operator(t testing.TB) leaderboardv1.LeaderboardServiceClient {
	return w.client(t, w.authority.Operator(someOps))
}

func (w *world) server(t testing.TB) leaderboardv1.LeaderboardServiceClient {
	return w.client(t, w.authority.GameServer("server-1"))
}

// points is a board of one column, more is better, that players submit to.
func points(id string, change ...func(*leaderboardv1.Leaderboard)) *leaderboardv1.Leaderboard {
	l := &leaderboardv1.Leaderboard{
		BoardId: id, Operator: leaderboardv1.Operator_OPERATOR_BEST, SubmitsPerMinute: 6000,
		Columns:    []*leaderboardv1.Column{{Name: "points", Order: leaderboardv1.Order_ORDER_DESCENDING}},
		Submitters: []optionsv1.Role{optionsv1.Role_ROLE_PLAYER, optionsv1.Role_ROLE_GAME_SERVER},
	}
	for _, c := range change {
		c(l)
	}
	return l
}

func withOperator(o leaderboardv1.Operator) func(*leaderboardv1.Leaderboard) {
	return func(l *leaderboardv1.Leaderboard) { l.Operator = o }
}

// makeBoard makes a board.
func (w *world) makeBoard(t testing.TB, l *leaderboardv1.Leaderboard) *leaderboardv1.Leaderboard {
	t.Helper()
	answer, err := w.operator(t).CreateLeaderboard(session(t), &leaderboardv1.CreateLeaderboardRequest{Leaderboard: l})
	if err != nil {
		t.Fatalf("create board %s: %v", l.GetBoardId(), err)
	}
	return answer.GetLeaderboard()
}

// submission is a request with one score.
func submission(requestID, board string, columns ...int64) *leaderboardv1.SubmitScoreRequest {
	return &leaderboardv1.SubmitScoreRequest{RequestId: requestID, Scores: []*leaderboardv1.Score{{BoardId: board, Columns: columns}}}
}

// score submits one score of a player and returns its outcome.
func (w *world) score(t testing.TB, player, requestID, board string, columns ...int64) *leaderboardv1.SubmitOutcome {
	t.Helper()
	answer, err := w.player(t, player).SubmitScore(session(t), submission(requestID, board, columns...))
	if err != nil {
		t.Fatalf("submit %s: %v", requestID, err)
	}
	return answer.GetOutcomes()[0]
}

// order is the players of a board from the top, with their ranks in `ranks`.
func (w *world) order(t testing.TB, board string) (players []string, ranks []int64) {
	t.Helper()
	answer, err := w.operator(t).ListEntries(session(t), &leaderboardv1.ListEntriesRequest{BoardId: board, PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range answer.GetEntries() {
		players, ranks = append(players, e.GetPlayerId()), append(ranks, e.GetRank())
	}
	return players, ranks
}

// session is the context of a client that carries its session from call to call.
func session(t testing.TB) context.Context {
	return cosmos.WithSession(t.Context(), &cosmos.Session{})
}

// eventually waits until something is so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// fakeProfile stands in for the profile service: every player exists but those that are missing.
type fakeProfile struct {
	profilev1.UnimplementedProfileServiceServer
	profilev1.UnimplementedFriendsServiceServer
	profilev1.UnimplementedWalletServiceServer

	mu        sync.Mutex
	profiles  map[string]*profilev1.Profile
	missing   map[string]bool
	relations map[string][]*profilev1.Relation
	calls     map[string]int
	wallet    map[string]string
}

func newFakeProfile() *fakeProfile {
	return &fakeProfile{
		profiles: map[string]*profilev1.Profile{}, missing: map[string]bool{}, relations: map[string][]*profilev1.Relation{}, calls: map[string]int{},
	}
}

func (p *fakeProfile) Name() string { return "profile" }

func (p *fakeProfile) Register(r grpc.ServiceRegistrar) {
	profilev1.RegisterWalletServiceServer(r, p)
	profilev1.RegisterProfileServiceServer(r, p)
	profilev1.RegisterFriendsServiceServer(r, p)
}

func (p *fakeProfile) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (p *fakeProfile) Ready() error { return nil }

func (p *fakeProfile) set(profile *profilev1.Profile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.profiles[profile.GetPlayerId()] = profile
}

func (p *fakeProfile) called(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[method]
}

func (p *fakeProfile) GetProfile(_ context.Context, r *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls["GetProfile"]++
	if p.missing[r.GetPlayerId()] {
		return nil, fault.New(fault.NotFound, "PLAYER_NOT_FOUND", "there is no player %s", r.GetPlayerId())
	}
	return &profilev1.GetProfileResponse{Profile: p.of(r.GetPlayerId())}, nil
}

func (p *fakeProfile) of(id string) *profilev1.Profile {
	if known := p.profiles[id]; known != nil {
		return known
	}
	return &profilev1.Profile{PlayerId: id}
}

func (p *fakeProfile) BatchGetProfiles(_ context.Context, r *profilev1.BatchGetProfilesRequest) (*profilev1.BatchGetProfilesResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls["BatchGetProfiles"]++
	answer := &profilev1.BatchGetProfilesResponse{}
	for _, id := range r.GetPlayerIds() {
		if p.missing[id] {
			answer.MissingPlayerIds = append(answer.MissingPlayerIds, id)
			continue
		}
		answer.Profiles = append(answer.Profiles, p.of(id))
	}
	return answer, nil
}

func (p *fakeProfile) ListRelations(_ context.Context, r *profilev1.ListRelationsRequest) (*profilev1.ListRelationsResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls["ListRelations"]++
	return &profilev1.ListRelationsResponse{Relations: p.relations[r.GetPlayerId()]}, nil
}
