package grpcclient_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth/authtest"
	"supergame/services/platform/grpcclient"
)

const playerID = "01J0000000000000000000000A"

// fixture is a service whose methods a test writes itself, and an identity that signs programs in.
type fixture struct {
	profilev1.UnimplementedProfileServiceServer

	get    func(context.Context, *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error)
	export func(*profilev1.ExportPlayerRequest, grpc.ServerStreamingServer[profilev1.ExportPlayerResponse]) error
}

func (f *fixture) Name() string { return "profile" }

func (f *fixture) Register(r grpc.ServiceRegistrar) {
	profilev1.RegisterProfileServiceServer(r, f)
	profilev1.RegisterPlayerDataServiceServer(r, fixtureData{fixture: f})
}

func (f *fixture) Run(context.Context) error { return nil }
func (f *fixture) Ready() error              { return nil }

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

// identity signs everybody in, with tokens of an authority.
type identity struct {
	identityv1.UnimplementedIdentityServiceServer

	authority *authtest.Authority
	life      time.Duration
	signIns   atomic.Int64
	last      atomic.Pointer[identityv1.SignInClientRequest]
	fail      atomic.Pointer[error]
	before    func() // signing in
}

func (i *identity) Name() string                     { return "identity" }
func (i *identity) Register(r grpc.ServiceRegistrar) { identityv1.RegisterIdentityServiceServer(r, i) }
func (i *identity) Run(context.Context) error        { return nil }
func (i *identity) Ready() error                     { return nil }

func (i *identity) SignInClient(_ context.Context, in *identityv1.SignInClientRequest) (*identityv1.SignInClientResponse, error) {
	i.signIns.Add(1)
	i.last.Store(in)
	if i.before != nil {
		i.before()
	}
	if err := i.fail.Load(); err != nil {
		return nil, *err
	}
	return &identityv1.SignInClientResponse{
		AccessToken: i.authority.Service("leaderboard"), AccessTokenExpireTime: timestamppb.New(time.Now().Add(i.life)),
	}, nil
}

func dial(t *testing.T, address string, opts grpcclient.Options) *grpc.ClientConn {
	t.Helper()
	conn, err := grpcclient.Dial("http://"+address, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the test is over
	return conn
}
