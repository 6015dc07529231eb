package grpcserver_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth/authtest"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcclient"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/grpcserver/grpcservertest"
)

// get returns status and body of an admin request.
func get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestAdminPort(t *testing.T) {
	f, other := newFixture(), &plainService{name: "other"}
	f.admin = map[string]http.Handler{"GET /.well-known/jwks.json": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"keys":[]}`)
	})}
	s := grpcservertest.StartWith(t, grpcserver.Config{}, grpcserver.Deps{Prometheus: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "metrics")
	})}, f, other)
	missing := errors.New("container players is missing")
	f.notReady.Store(&missing)
	for _, test := range []struct {
		path string
		code int
		body string
	}{
		{"/healthz", 200, "ok"},
		{"/readyz", 503, "container players is missing"},
		{"/readyz/profile", 503, "profile: container players is missing"},
		{"/readyz/other", 200, "ok"},
		{"/readyz/nobody", 404, ""},
		{"/metrics", 200, "metrics"},
		{"/.well-known/jwks.json", 200, `{"keys":[]}`},
	} {
		if code, body := get(t, s.AdminURL+test.path); code != test.code || !strings.Contains(body, test.body) {
			t.Errorf("%s: %d %q", test.path, code, body)
		}
	}
	f.notReady.Store(nil)
	if code, body := get(t, s.AdminURL+"/readyz"); code != 200 {
		t.Errorf("ready again: %d %q", code, body)
	}
}

// plainService does nothing.
type plainService struct {
	name string
	run  error
}

func (p *plainService) Name() string                   { return p.name }
func (p *plainService) Register(grpc.ServiceRegistrar) {}
func (p *plainService) Run(context.Context) error      { return p.run }
func (p *plainService) Ready() error                   { return nil }

func TestHealthFollowsReadiness(t *testing.T) {
	f := newFixture()
	s := grpcservertest.Start(t, f)
	client := healthpb.NewHealthClient(s.Dial(t, "")) // no token
	is := func(service string, want healthpb.HealthCheckResponse_ServingStatus) func() bool {
		return func() bool {
			response, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
			return err == nil && response.GetStatus() == want
		}
	}
	const name = "supergame.profile.v1.ProfileService"
	eventually(t, "serving", is(name, healthpb.HealthCheckResponse_SERVING))
	eventually(t, "serving as a whole", is("", healthpb.HealthCheckResponse_SERVING))
	missing := errors.New("missing")
	f.notReady.Store(&missing)
	eventually(t, "not serving", is(name, healthpb.HealthCheckResponse_NOT_SERVING))
	eventually(t, "not serving as a whole", is("", healthpb.HealthCheckResponse_NOT_SERVING))
	f.notReady.Store(nil)
	eventually(t, "serving again", is("supergame.profile.v1.PlayerDataService", healthpb.HealthCheckResponse_SERVING))
}

func TestReflectionIsOpen(t *testing.T) {
	s := grpcservertest.Start(t, newFixture())
	stream, err := reflectionpb.NewServerReflectionClient(s.Dial(t, "")).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	request := &reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(request); err != nil {
		t.Fatal(err)
	}
	response, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if text := response.String(); !strings.Contains(text, "supergame.profile.v1.ProfileService") {
		t.Errorf("services: %s", text)
	}
}

// A stop fails readiness first, tells the services, lets a call that is under way finish, and refuses new ones.
func TestDrain(t *testing.T) {
	f := newFixture()
	entered, release := make(chan struct{}), make(chan struct{})
	f.get = func(context.Context, *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		close(entered)
		<-release
		return &profilev1.GetProfileResponse{}, nil
	}
	var ranUntil time.Time
	f.run = func(ctx context.Context) error {
		<-ctx.Done()
		ranUntil = time.Now()
		return nil
	}
	s := grpcservertest.StartWith(t, grpcserver.Config{DrainDelay: 50 * time.Millisecond, DrainTimeout: 10 * time.Second}, grpcserver.Deps{}, f)
	answered := make(chan time.Time, 1)
	go func() {
		if got := call(t, s, s.Authority.Player(playerA), playerA); got != nil {
			t.Errorf("the call under way: %v", got)
		}
		answered <- time.Now()
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop() }()
	<-f.draining
	if code, body := get(t, s.AdminURL+"/readyz"); code != 503 || !strings.Contains(body, "stopping") {
		t.Errorf("readyz while draining: %d %q", code, body)
	}
	if code, _ := get(t, s.AdminURL+"/healthz"); code != 200 {
		t.Errorf("healthz while draining: %d", code)
	}
	eventually(t, "new connections are refused", func() bool {
		conn, err := net.Dial("tcp", s.GRPCAddr)
		if err == nil {
			_ = conn.Close() // it was only a question
		}
		return err != nil
	})
	close(release)
	if err := <-stopped; err != nil {
		t.Errorf("Serve returned %v", err)
	}
	if at := <-answered; ranUntil.Before(at.Add(-time.Second)) {
		t.Errorf("background work ended %s before the last call", at.Sub(ranUntil))
	}
}

// A stream that ignores the stop is cut with a status that says when to come back; one that listens ends by itself.
func TestDrainCutsStreams(t *testing.T) {
	for name, listens := range map[string]bool{"deaf": false, "listening": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture()
			f.export = func(_ *profilev1.ExportPlayerRequest, out grpc.ServerStreamingServer[profilev1.ExportPlayerResponse]) error {
				if err := out.Send(&profilev1.ExportPlayerResponse{ResumeToken: "1"}); err != nil {
					return err
				}
				if listens {
					select {
					case <-f.draining:
						return out.Send(&profilev1.ExportPlayerResponse{ResumeToken: "bye"})
					case <-out.Context().Done():
					}
				}
				<-out.Context().Done()
				return out.Context().Err()
			}
			s := grpcservertest.StartWith(t, grpcserver.Config{DrainTimeout: 1500 * time.Millisecond}, grpcserver.Deps{}, f)
			stream, err := profilev1.NewPlayerDataServiceClient(s.Dial(t, s.Authority.Service("profile"))).
				ExportPlayer(t.Context(), &profilev1.ExportPlayerRequest{PlayerId: playerA})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := stream.Recv(); err != nil {
				t.Fatal(err)
			}
			go func() { _ = s.Stop() }() // its outcome is the cleanup's
			message, err := stream.Recv()
			if listens {
				if err != nil || message.GetResumeToken() != "bye" {
					t.Errorf("got %v, %v", message, err)
				}
				_, err = stream.Recv()
				if !errors.Is(err, io.EOF) {
					t.Errorf("at the end: %v", err)
				}
				return
			}
			got := fault.As(err)
			wantFault(t, got, fault.Unavailable, "SERVER_STOPPING")
			if got != nil && (got.RetryAfter <= 0 || got.RetryAfter > 20*time.Second) {
				t.Errorf("reconnect after %s", got.RetryAfter)
			}
		})
	}
}

// A call that never ends does not keep the process.
func TestDrainEndsInTime(t *testing.T) {
	f := newFixture()
	entered, release := make(chan struct{}), make(chan struct{})
	f.get = func(context.Context, *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		close(entered)
		<-release
		return &profilev1.GetProfileResponse{}, nil
	}
	s := grpcservertest.StartWith(t, grpcserver.Config{DrainTimeout: 100 * time.Millisecond}, grpcserver.Deps{}, f)
	go func() {
		got := call(t, s, s.Authority.Player(playerA), playerA)
		wantFault(t, got, fault.Unavailable, "UNAVAILABLE")
		close(release)
	}()
	<-entered
	began := time.Now()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("stopping took %s", took)
	}
}

// Old connections are asked to go and their calls finish: that is how load spreads to new replicas.
func TestConnectionAge(t *testing.T) {
	var accepted countingListener
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted.Listener = listener
	a := authtest.New(t)
	server, err := grpcserver.New(grpcserver.Config{ConnectionAge: 50 * time.Millisecond}, grpcserver.Deps{Verifier: a.Verifier()}, newFixture())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, grpcserver.Listeners{GRPC: []net.Listener{&accepted}}) }()
	conn, err := grpcclient.Dial("http://"+listener.Addr().String(), grpcclient.Options{Tokens: grpcservertest.Token(a.Player(playerA))})
	if err != nil {
		t.Fatal(err)
	}
	client := profilev1.NewProfileServiceClient(conn)
	eventually(t, "several connections", func() bool {
		if _, err := client.GetProfile(t.Context(), &profilev1.GetProfileRequest{PlayerId: playerA}); err != nil {
			t.Fatalf("a call fails as its connection ages: %v", err)
		}
		return accepted.count.Load() >= 3
	})
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestServeFailures(t *testing.T) {
	a := authtest.New(t)
	deps := grpcserver.Deps{Verifier: a.Verifier()}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }() // the test is over
	for name, test := range map[string]struct {
		cfg  grpcserver.Config
		want string
	}{
		"gRPC port":  {grpcserver.Config{GRPCAddr: busy.Addr().String(), AdminAddr: "127.0.0.1:0"}, "GRPC_ADDR " + busy.Addr().String()},
		"admin port": {grpcserver.Config{GRPCAddr: "127.0.0.1:0", AdminAddr: busy.Addr().String()}, "ADMIN_ADDR " + busy.Addr().String()},
	} {
		if err := grpcserver.Serve(t.Context(), test.cfg, deps, newFixture()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cfg := grpcserver.Config{GRPCAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0"}
	broken := errors.New("the feed is gone")
	if err := grpcserver.Serve(t.Context(), cfg, deps, newFixture(), &plainService{name: "other", run: broken}); !errors.Is(err, broken) {
		t.Errorf("a background failure: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := grpcserver.Serve(ctx, cfg, deps, newFixture(), &plainService{name: "idle"}); err != nil {
		t.Errorf("a clean stop: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	a := authtest.New(t)
	conflicting := newFixture()
	conflicting.admin = map[string]http.Handler{"GET /healthz": http.NotFoundHandler()}
	for name, test := range map[string]struct {
		cfg      grpcserver.Config
		deps     grpcserver.Deps
		services []grpcserver.Service
		want     string
	}{
		"no verifier":  {grpcserver.Config{}, grpcserver.Deps{}, nil, "Verifier"},
		"two names":    {grpcserver.Config{}, grpcserver.Deps{Verifier: a.Verifier()}, []grpcserver.Service{&plainService{name: "a"}, &plainService{name: "a"}}, `"a"`},
		"two patterns": {grpcserver.Config{}, grpcserver.Deps{Verifier: a.Verifier()}, []grpcserver.Service{conflicting}, "healthz"},
		"hops":         {grpcserver.Config{TrustedProxyHops: -1}, grpcserver.Deps{Verifier: a.Verifier()}, nil, "TRUSTED_PROXY_HOPS"},
		"rate":         {grpcserver.Config{PlayerRate: -1}, grpcserver.Deps{Verifier: a.Verifier()}, nil, "RATE_PLAYER"},
		"duration":     {grpcserver.Config{DrainDelay: -1}, grpcserver.Deps{Verifier: a.Verifier()}, nil, "DRAIN_DELAY"},
		"long delay":   {grpcserver.Config{DrainDelay: 25 * time.Second}, grpcserver.Deps{Verifier: a.Verifier()}, nil, "DRAIN_DELAY is 25s"},
		"several":      {grpcserver.Config{CallTimeout: -1, PlayerRate: -1}, grpcserver.Deps{Verifier: a.Verifier()}, nil, "CALL_TIMEOUT is negative\nRATE_PLAYER is -1"},
	} {
		if _, err := grpcserver.New(test.cfg, test.deps, test.services...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One service of a process calls another through the same chain, without a port.
func TestPipe(t *testing.T) {
	a := authtest.New(t)
	server, err := grpcserver.New(grpcserver.Config{AddressRate: .001}, grpcserver.Deps{Verifier: a.Verifier()}, newFixture())
	if err != nil {
		t.Fatal(err)
	}
	pipe := grpcserver.NewPipe()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, grpcserver.Listeners{GRPC: []net.Listener{pipe}}) }()
	for token, want := range map[string]fault.Kind{a.Service("leaderboard"): fault.Internal, "": fault.Unauthenticated} {
		conn, err := grpcclient.Dial("http://profile", grpcclient.Options{Dialer: pipe.Dial, Tokens: grpcservertest.Token(token)})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 { // no address, no limit
			_, err = profilev1.NewProfileServiceClient(conn).GetProfile(t.Context(), &profilev1.GetProfileRequest{PlayerId: playerA})
			if (token == "") != (err != nil) || err != nil && fault.KindOf(err) != want {
				t.Errorf("token %q: %v", token, err)
			}
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
