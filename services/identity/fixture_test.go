package identity_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"supergame/local/emulator/emulatortest"
	identityv1 "supergame/proto/gen/supergame/identity/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/identity"
	"supergame/services/platform/auth"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcclient"
	"supergame/services/platform/grpcserver"
)

// world is a database, a clock and a profile service that all replicas of a test share.
type world struct {
	t        testing.TB
	emulator *emulatortest.Emulator // nil on a real account
	client   *cosmos.Client
	clock    *clock
	profile  *profileService
	cfg      identity.Config
	deps     identity.Deps
	console  *operator // of settleAll
}

const testKey = "a-key-of-the-tests-0123456789"

func newWorld(t testing.TB, options ...emulatortest.Option) *world {
	t.Helper()
	client, e := cosmostest.Start(t, specs(t), options...)
	return worldOn(t, client, e)
}

// newFaultyWorld is for tests that order faults: only the emulator has them.
func newFaultyWorld(t testing.TB, options ...emulatortest.Option) *world {
	t.Helper()
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t), options...)
	return worldOn(t, client, e)
}

func worldOn(t testing.TB, client *cosmos.Client, e *emulatortest.Emulator) *world {
	hash := sha256.Sum256([]byte(testKey))
	var clients identity.Clients
	for name, role := range map[string]string{"profile": "service", "leaderboard": "service", "arena-1": "game-server", "console": "operator"} {
		clients = append(clients, identity.Client{Name: name, Role: role, KeySHA256: hex.EncodeToString(hash[:])})
	}
	c := &clock{}
	return &world{
		t: t, emulator: e, client: client, clock: c, profile: &profileService{ensured: map[string]int{}, suspended: map[string]suspendState{}},
		cfg: identity.Config{
			Auth:       auth.Config{Issuer: "https://identity.test", Audience: "test"},
			SealingKey: randomKey(), RefreshKey: randomKey(), ErasureKey: randomKey(),
			AccessTokenLife: 30 * time.Minute, RefreshTokenLife: 720 * time.Hour, KeyPeriod: 720 * time.Hour,
			Device: true, Clients: clients,
		},
		deps: identity.Deps{
			Now: c.Now, Logger: slog.New(slog.DiscardHandler), Verifier: auth.Options{RevocationsPoll: 50 * time.Millisecond},
		},
	}
}

func specs(t testing.TB) []cosmos.ContainerSpec {
	t.Helper()
	list, err := identity.Containers()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func randomKey() config.Secret {
	var key [32]byte
	_, _ = rand.Read(key[:])
	return config.NewSecret(base64.StdEncoding.EncodeToString(key[:]))
}

// clock is the services' time: the system's, moved forward by the test.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// profileService stands in for the profile service: behind the same chain, with the real rules of its methods.
type profileService struct {
	profilev1.UnimplementedProfileServiceServer
	mu        sync.Mutex
	ensured   map[string]int          // by player
	fail      error                   // of every method but GetProfile
	suspended map[string]suspendState // by player
	calls     int                     // of SetSuspension that it takes to be done; 0 = one
	told      int                     // calls of SetSuspension
}

// suspendState is the newest version of a suspension that the profile service was told.
type suspendState struct {
	version   int64
	suspended bool
	calls     int
}

func (p *profileService) Name() string { return "profile" }
func (p *profileService) Register(r grpc.ServiceRegistrar) {
	profilev1.RegisterProfileServiceServer(r, p)
}
func (p *profileService) Ready() error { return nil }

func (p *profileService) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (p *profileService) EnsureProfile(_ context.Context, r *profilev1.EnsureProfileRequest) (*profilev1.EnsureProfileResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return nil, p.fail
	}
	p.ensured[r.GetPlayerId()]++
	return &profilev1.EnsureProfileResponse{Created: p.ensured[r.GetPlayerId()] == 1}, nil
}

// BatchGetProfiles knows those that were ensured.
func (p *profileService) BatchGetProfiles(_ context.Context, r *profilev1.BatchGetProfilesRequest) (*profilev1.BatchGetProfilesResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return nil, p.fail
	}
	response := &profilev1.BatchGetProfilesResponse{}
	for _, id := range r.GetPlayerIds() {
		if p.ensured[id] == 0 {
			response.MissingPlayerIds = append(response.MissingPlayerIds, id)
			continue
		}
		response.Profiles = append(response.Profiles, &profilev1.Profile{PlayerId: id, DisplayName: "name of " + id[20:], Country: "DE"})
	}
	return response, nil
}

// SetSuspension keeps the highest version.
func (p *profileService) SetSuspension(_ context.Context, r *profilev1.SetSuspensionRequest) (*profilev1.SetSuspensionResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told++
	if p.fail != nil {
		return nil, p.fail
	}
	if p.ensured[r.GetPlayerId()] == 0 {
		return nil, fault.New(fault.NotFound, "PLAYER_NOT_FOUND", "there is no such player")
	}
	state := p.suspended[r.GetPlayerId()]
	switch {
	case r.GetVersion() < state.version:
		return &profilev1.SetSuspensionResponse{Done: true}, nil
	case r.GetVersion() == state.version && r.GetSuspended() != state.suspended:
		return nil, fault.New(fault.Internal, "TWO_STATES", "one version has two states")
	case r.GetVersion() > state.version:
		state = suspendState{version: r.GetVersion(), suspended: r.GetSuspended()}
	}
	state.calls++
	p.suspended[r.GetPlayerId()] = state
	return &profilev1.SetSuspensionResponse{Done: state.calls >= p.calls}, nil
}

func (p *profileService) ensure(playerID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ensured[playerID]++
}

func (p *profileService) timesTold() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.told
}

// profilesOf is the stand-in as identity's own client of it, without a connection.
type profilesOf struct{ service *profileService }

func (p profilesOf) SetSuspension(ctx context.Context, playerID string, suspended bool, version int64) (done, known bool, err error) {
	response, err := p.service.SetSuspension(ctx, &profilev1.SetSuspensionRequest{PlayerId: playerID, Suspended: suspended, Version: version})
	if fault.Is(err, fault.NotFound) {
		return false, false, nil
	}
	return response.GetDone(), err == nil, err
}

func (p *profileService) suspension(playerID string) suspendState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.suspended[playerID]
}

// GetProfile says who calls: a token that gets this far is good.
func (p *profileService) GetProfile(ctx context.Context, _ *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
	return &profilev1.GetProfileResponse{Profile: &profilev1.Profile{PlayerId: auth.CallerFrom(ctx).Subject}}, nil
}

func (p *profileService) setFail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = err
}

func (p *profileService) players() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ensured)
}

// replica is one server with the identity service, and the profile service beside it.
type replica struct {
	identityv1.IdentityServiceClient // without a token

	t       testing.TB
	service *identity.Service
	server  *grpcserver.Server
	pipe    *grpcserver.Pipe
}

// replica starts one more server on the world's database and waits until it is ready.
func (w *world) replica() *replica {
	w.t.Helper()
	deps := w.deps
	deps.Cosmos = w.client
	if w.emulator != nil {
		deps.Cosmos = cosmostest.Open(w.t, w.emulator, w.client.Database(), specs(w.t))
	}
	pipe := grpcserver.NewPipe()
	deps.DialProfile = func(tokens grpcclient.TokenSource) (grpc.ClientConnInterface, error) {
		return grpcclient.Dial("http://profile", grpcclient.Options{Tokens: tokens, Dialer: pipe.Dial, Retries: -1})
	}
	service, err := identity.New(w.t.Context(), w.cfg, deps)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = service.Close() })
	r := &replica{t: w.t, service: service, pipe: pipe}
	serverDeps := grpcserver.Deps{Verifier: service.Verifier(), Logger: deps.Logger}
	if r.server, err = grpcserver.New(grpcserver.Config{DrainTimeout: time.Second}, serverDeps, service, w.profile); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan error, 1)
	go func() { done <- r.server.Serve(ctx, grpcserver.Listeners{GRPC: []net.Listener{pipe}}) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("the server ended with: %v", err)
		}
	})
	r.IdentityServiceClient = identityv1.NewIdentityServiceClient(r.dial(""))
	eventually(w.t, "a ready service", func() bool { return service.Ready() == nil && service.Verifier().Ready() == nil })
	return r
}

// token is a grpcclient.TokenSource.
type token string

func (t token) Token(context.Context) (string, error) { return string(t), nil }

// dial connects with an access token ("" = none).
func (r *replica) dial(access string) *grpc.ClientConn {
	r.t.Helper()
	conn, err := grpcclient.Dial("http://identity", grpcclient.Options{Tokens: token(access), Dialer: r.pipe.Dial, Retries: -1})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// program connects as a configured program.
func (r *replica) program(name string) *grpc.ClientConn {
	r.t.Helper()
	response, err := r.SignInClient(r.t.Context(), clientKey(name, testKey))
	if err != nil {
		r.t.Fatal(err)
	}
	return r.dial(response.GetAccessToken())
}

func clientKey(name, key string) *identityv1.SignInClientRequest {
	return &identityv1.SignInClientRequest{Credential: &identityv1.SignInClientRequest_ClientKey{
		ClientKey: &identityv1.ClientKeyCredential{ClientId: name, ClientKey: key},
	}}
}

func device(secret, requestID string) *identityv1.SignInRequest {
	return &identityv1.SignInRequest{
		RequestId:  requestID,
		Credential: &identityv1.SignInRequest_Device{Device: &identityv1.DeviceCredential{DeviceId: secret}},
	}
}

// signIn signs in and fails the test when that fails.
func (r *replica) signIn(secret string) *identityv1.SignInResponse {
	r.t.Helper()
	response, err := r.SignIn(r.t.Context(), device(secret, ""))
	if err != nil {
		r.t.Fatal(err)
	}
	return response
}

func (r *replica) refresh(refreshToken string) (*identityv1.RefreshSessionResponse, error) {
	return r.RefreshSession(r.t.Context(), &identityv1.RefreshSessionRequest{RefreshToken: refreshToken})
}

func (r *replica) signOut(refreshToken string) error {
	_, err := r.SignOut(r.t.Context(), &identityv1.SignOutRequest{RefreshToken: refreshToken})
	return err
}

// whoAmI makes a call with an access token and gives its subject.
func (r *replica) whoAmI(access string) (string, error) {
	r.t.Helper()
	client := profilev1.NewProfileServiceClient(r.dial(access))
	response, err := client.GetProfile(r.t.Context(), &profilev1.GetProfileRequest{PlayerId: someID})
	return response.GetProfile().GetPlayerId(), err
}

const someID = "01JDC000000000000000000000"

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
	}
}

// secret makes up a device.
func secret() string { return "device-" + rand.Text() }

// metered counts what a call costs, in the whole of the servers it goes through.
func metered(ctx context.Context) (context.Context, *cosmos.Meter) {
	meter := &cosmos.Meter{}
	return cosmos.WithMeter(ctx, meter), meter
}
