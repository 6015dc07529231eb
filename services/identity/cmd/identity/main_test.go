package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	identityv1 "supergame/proto/gen/supergame/identity/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcclient"
)

// The test binary is the command itself when it is told so: what is killed here is the program as it is run.
func TestMain(m *testing.M) {
	if os.Getenv("IDENTITY_TEST_COMMAND") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// profiles stands in for the profile service, in a process that is not killed.
type profiles struct {
	profilev1.UnimplementedProfileServiceServer
	mu        sync.Mutex
	versions  map[string]int64 // of suspensions, by player
	suspended map[string]bool
}

func (*profiles) BatchGetProfiles(context.Context, *profilev1.BatchGetProfilesRequest) (*profilev1.BatchGetProfilesResponse, error) {
	return &profilev1.BatchGetProfilesResponse{}, nil
}

func (p *profiles) SetSuspension(_ context.Context, r *profilev1.SetSuspensionRequest) (*profilev1.SetSuspensionResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.GetVersion() > p.versions[r.GetPlayerId()] {
		p.versions[r.GetPlayerId()], p.suspended[r.GetPlayerId()] = r.GetVersion(), r.GetSuspended()
	}
	return &profilev1.SetSuspensionResponse{Done: true}, nil
}

func (p *profiles) state(playerID string) (version int64, suspended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.versions[playerID], p.suspended[playerID]
}

func (*profiles) EnsureProfile(context.Context, *profilev1.EnsureProfileRequest) (*profilev1.EnsureProfileResponse, error) {
	return &profilev1.EnsureProfileResponse{}, nil
}

// command is the program, started again after each kill on the same addresses and the same database.
type command struct {
	t           testing.TB
	profiles    *profiles
	environ     []string
	grpc, admin string
	process     *exec.Cmd
}

func newCommand(t testing.TB) *command {
	t.Helper()
	e := emulatortest.Start(t, emulatortest.WithOptions(emulator.Options{}))
	store, err := e.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := listen(t)
	server := grpc.NewServer()
	stand := &profiles{versions: map[string]int64{}, suspended: map[string]bool{}}
	profilev1.RegisterProfileServiceServer(server, stand)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	c := &command{t: t, profiles: stand, grpc: freeAddress(t), admin: freeAddress(t)}
	c.environ = append(os.Environ(),
		"IDENTITY_TEST_COMMAND=1", "GRPC_ADDR="+c.grpc, "ADMIN_ADDR="+c.admin, "LOG_LEVEL=error", "RATE_ADDRESS=0",
		"COSMOS_ENDPOINT=http://"+store.String(), "COSMOS_KEY="+e.Key(), "COSMOS_CREATE=true",
		"PROFILE_ENDPOINT=http://"+listener.Addr().String(), "IDENTITY_SEALING_KEY="+key(), "IDENTITY_REFRESH_KEY="+key(), "IDENTITY_ERASURE_KEY="+key(),
		`IDENTITY_CLIENTS=[{"name":"console","role":"operator","keySha256":"`+operatorKeyHash()+`"}]`)
	t.Cleanup(c.kill)
	return c
}

func key() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func freeAddress(t testing.TB) string {
	t.Helper()
	listener := listen(t)
	defer listener.Close()
	return listener.Addr().String()
}

func (c *command) start() {
	c.t.Helper()
	c.process = exec.Command(os.Args[0])
	c.process.Env, c.process.Stderr = c.environ, os.Stderr
	if err := c.process.Start(); err != nil {
		c.t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		response, err := http.Get("http://" + c.admin + "/readyz")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("it does not become ready: %v", err)
		}
	}
}

// kill ends the process as SIGKILL does.
func (c *command) kill() {
	if c.process == nil {
		return
	}
	_ = c.process.Process.Kill() // it may have ended
	_ = c.process.Wait()
	c.process = nil
}

// player signs in, refreshes and signs out again and again, whatever happens to the server, and remembers what it was told.
type player struct {
	client  identityv1.IdentityServiceClient
	id      string
	refresh string // the newest token that was acknowledged
	ended   []string
}

// play is one round. Errors of a server that is away are no news; wrong answers are.
func (p *player) play(ctx context.Context, device string, round int) error {
	request := &identityv1.SignInRequest{
		RequestId: fmt.Sprintf("round-%d", round), Credential: &identityv1.SignInRequest_Device{Device: &identityv1.DeviceCredential{DeviceId: device}},
	}
	session, err := until(ctx, func(ctx context.Context) (*identityv1.SignInResponse, error) { return p.client.SignIn(ctx, request) })
	if err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	if p.id == "" {
		p.id = session.GetPlayerId()
	}
	if p.id != session.GetPlayerId() {
		return fmt.Errorf("one credential leads to the players %s and %s", p.id, session.GetPlayerId())
	}
	p.refresh = session.GetSession().GetRefreshToken()
	for range 3 {
		used := p.refresh
		next, err := until(ctx, func(ctx context.Context) (*identityv1.RefreshSessionResponse, error) {
			return p.client.RefreshSession(ctx, &identityv1.RefreshSessionRequest{RefreshToken: used})
		})
		if err != nil {
			return fmt.Errorf("refreshing: %w", err)
		}
		p.refresh = next.GetSession().GetRefreshToken()
	}
	_, err = until(ctx, func(ctx context.Context) (*identityv1.SignOutResponse, error) {
		return p.client.SignOut(ctx, &identityv1.SignOutRequest{RefreshToken: p.refresh})
	})
	if err != nil {
		return fmt.Errorf("signing out: %w", err)
	}
	p.ended = append(p.ended, p.refresh)
	return nil
}

// until repeats a call while the server is away.
func until[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	for {
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		answer, err := call(attempt)
		cancel()
		away := fault.Is(err, fault.Unavailable) || fault.Is(err, fault.DeadlineExceeded) || fault.Is(err, fault.Canceled)
		if !away || ctx.Err() != nil {
			return answer, err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// The program is killed at any point of what it does. No acknowledged answer is taken back, no credential gets a second player, nobody is
// signed out, and nobody who signed out stays in.
func TestKilledAtAnyPoint(t *testing.T) {
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("needs an emulator of its own that outlives the process")
	}
	kills := 4
	if os.Getenv("LONG") != "" {
		kills = 60
	}
	c := newCommand(t)
	c.start()
	conn, err := grpcclient.Dial("http://"+c.grpc, grpcclient.Options{Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	client := identityv1.NewIdentityServiceClient(conn)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := 0; ; n++ {
				p, device := &player{client: client}, "device-"+rand.Text()
				for round := range 2 {
					if err := p.play(ctx, device, round); err != nil {
						t.Error(err)
						return
					}
				}
				for _, token := range p.ended {
					_, err := until(ctx, func(ctx context.Context) (*identityv1.RefreshSessionResponse, error) {
						return client.RefreshSession(ctx, &identityv1.RefreshSessionRequest{RefreshToken: token})
					})
					if !fault.Is(err, fault.Unauthenticated) || !strings.Contains(err.Error(), "session is over") {
						t.Errorf("a session that was signed out: %v", err)
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range kills {
		pause, _ := rand.Int(rand.Reader, big.NewInt(int64(150*time.Millisecond)))
		time.Sleep(time.Duration(pause.Int64()))
		c.kill()
		c.start()
	}
	close(stop)
	wg.Wait()
}

func TestStartSaysWhatIsMissing(t *testing.T) {
	command := exec.Command(os.Args[0])
	command.Env = []string{"IDENTITY_TEST_COMMAND=1", "IDENTITY_KEY_PERIOD=1h", "SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}
	text, err := command.CombinedOutput()
	if err == nil {
		t.Error("it started")
	}
	for _, variable := range []string{"PROFILE_ENDPOINT is not set", "IDENTITY_SEALING_KEY is not set", "IDENTITY_REFRESH_KEY is not set", "IDENTITY_ERASURE_KEY is not set"} {
		if !strings.Contains(string(text), variable) {
			t.Errorf("it does not say that %s:\n%s", variable, text)
		}
	}
}
