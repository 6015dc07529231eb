package grpcserver_test

import (
	"context"
	"encoding/base64"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/grpcserver/grpcservertest"
)

// The ids of the tests' players.
const (
	playerA = "01J0000000000000000000000A"
	playerB = "01J0000000000000000000000B"
)

// fixture is a service whose methods a test writes itself.
type fixture struct {
	profilev1.UnimplementedProfileServiceServer

	get    func(context.Context, *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error)
	export func(*profilev1.ExportPlayerRequest, grpc.ServerStreamingServer[profilev1.ExportPlayerResponse]) error
	run    func(context.Context) error
	name   string
	admin  map[string]http.Handler

	notReady  atomic.Pointer[error]
	drainOnce sync.Once
	draining  chan struct{}
}

func newFixture() *fixture {
	return &fixture{
		name: "profile", draining: make(chan struct{}),
		get: func(_ context.Context, in *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
			return &profilev1.GetProfileResponse{Profile: &profilev1.Profile{PlayerId: in.GetPlayerId()}}, nil
		},
	}
}

func (f *fixture) Name() string { return f.name }

func (f *fixture) Register(r grpc.ServiceRegistrar) {
	profilev1.RegisterProfileServiceServer(r, f)
	profilev1.RegisterPlayerDataServiceServer(r, fixtureData{fixture: f})
}

func (f *fixture) Run(ctx context.Context) error {
	if f.run != nil {
		return f.run(ctx)
	}
	<-ctx.Done()
	return nil
}

func (f *fixture) Ready() error {
	if err := f.notReady.Load(); err != nil {
		return *err
	}
	return nil
}

func (f *fixture) Drain() { f.drainOnce.Do(func() { close(f.draining) }) }

func (f *fixture) AdminHandlers() map[string]http.Handler { return f.admin }

func (f *fixture) GetProfile(ctx context.Context, in *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
	return f.get(ctx, in)
}

// fixtureData is the fixture's PlayerDataService.
type fixtureData struct {
	profilev1.UnimplementedPlayerDataServiceServer
	fixture *fixture
}

func (d fixtureData) ExportPlayer(in *profilev1.ExportPlayerRequest, out grpc.ServerStreamingServer[profilev1.ExportPlayerResponse]) error {
	return d.fixture.export(in, out)
}

// plainConn connects without the platform's client.
func plainConn(t *testing.T, s *grpcservertest.Server) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(s.GRPCAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the test is over
	return conn
}

// validSession is a session in its wire form: container, range and token of one write.
var validSession = func() string {
	raw := []byte{1}
	for _, part := range []string{"players", "0", "0#5#1=2"} {
		raw = append(append(raw, byte(len(part))), part...)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}()

// eventually waits for what happens soon.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 5 s: %s", what)
		}
	}
}

// countingListener counts connections.
type countingListener struct {
	net.Listener
	count atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.count.Add(1)
	}
	return conn, err
}
