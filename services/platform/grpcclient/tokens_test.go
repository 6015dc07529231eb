package grpcclient_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/auth/authtest"
	"supergame/services/platform/config"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcclient"
	"supergame/services/platform/grpcserver/grpcservertest"
)

// service starts a server with identity and profile, and connects to it as a service would: over one address, with tokens.
func service(t *testing.T, life time.Duration) (*identity, *grpcservertest.Server, *grpcclient.Tokens, profilev1.ProfileServiceClient) {
	t.Helper()
	id := &identity{life: life}
	f := &fixture{get: func(ctx context.Context, _ *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		if caller := auth.CallerFrom(ctx); caller.Role != auth.RoleService || caller.Subject != "leaderboard" {
			t.Errorf("the caller is %+v", caller)
		}
		return &profilev1.GetProfileResponse{}, nil
	}}
	s := grpcservertest.Start(t, f, id)
	id.authority = s.Authority
	credential := grpcclient.ClientKey("leaderboard", config.NewSecret("0123456789abcdef"))
	tokens := grpcclient.NewTokens(dial(t, s.GRPCAddr, grpcclient.Options{Retries: -1}), credential)
	return id, s, tokens, profilev1.NewProfileServiceClient(dial(t, s.GRPCAddr, grpcclient.Options{Tokens: tokens, Retries: -1}))
}

func get(t *testing.T, client profilev1.ProfileServiceClient) error {
	_, err := client.GetProfile(t.Context(), &profilev1.GetProfileRequest{PlayerId: playerID})
	return err
}

func TestTokensSignInOnce(t *testing.T) {
	id, _, _, client := service(t, time.Hour)
	id.before = func() { time.Sleep(20 * time.Millisecond) } // so that all the others come in between
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := get(t, client); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := get(t, client); err != nil || id.signIns.Load() != 1 {
		t.Errorf("%d sign-ins, %v", id.signIns.Load(), err)
	}
	key := id.last.Load().GetClientKey()
	if key.GetClientId() != "leaderboard" || key.GetClientKey() != "0123456789abcdef" {
		t.Errorf("signed in with %v", key)
	}
}

// A token that is refused, as when identity has changed its keys, is replaced and the call made again, once.
func TestRefusedTokenIsReplaced(t *testing.T) {
	id, s, _, client := service(t, time.Hour)
	stranger := authtest.New(t)
	id.authority = stranger
	id.before = func() {
		if id.signIns.Load() == 2 {
			id.authority = s.Authority
		}
	}
	if err := get(t, client); err != nil || id.signIns.Load() != 2 {
		t.Errorf("%d sign-ins, %v", id.signIns.Load(), err)
	}

	id, _, _, client = service(t, time.Hour)
	id.authority = stranger
	if err := get(t, client); !fault.Is(err, fault.Internal) || fault.ReasonOf(err) != "SERVICE_REFUSED" || id.signIns.Load() != 2 {
		t.Errorf("%d sign-ins, %v", id.signIns.Load(), err)
	}
}

// What identity refuses a service is the service's trouble: its caller is not signed out by it.
func TestRefusedServiceIsNotItsCallersFault(t *testing.T) {
	_, s, tokens, _ := service(t, time.Hour)
	client := profilev1.NewProfileServiceClient(dial(t, s.GRPCAddr, grpcclient.Options{Tokens: tokens, Retries: -1}))
	_, err := client.EnsureProfile(t.Context(), &profilev1.EnsureProfileRequest{PlayerId: playerID}) // for identity alone
	if !fault.Is(err, fault.Internal) || fault.ReasonOf(errors.Unwrap(fault.As(err))) != auth.ReasonAccessDenied {
		t.Errorf("err = %v", err)
	}
}

// What identity says about our own key is no word about our caller, and an identity that is away is passing trouble.
func TestRefusedSignInIsNotTheCallersFault(t *testing.T) {
	for _, test := range []struct{ identity, want error }{
		{fault.New(fault.Unauthenticated, "CLIENT_KEY_WRONG", "x"), fault.New(fault.Internal, "SERVICE_REFUSED", "")},
		{fault.New(fault.PermissionDenied, "R", "x"), fault.New(fault.Internal, "SERVICE_REFUSED", "")},
		{fault.New(fault.InvalidArgument, "R", "x"), fault.New(fault.Internal, "SERVICE_REFUSED", "")},
		{fault.New(fault.Unavailable, "DOWN", "x"), fault.New(fault.Unavailable, "DOWN", "")},
	} {
		id, _, _, client := service(t, time.Hour)
		id.fail.Store(&test.identity)
		err := get(t, client)
		if fault.KindOf(err) != fault.KindOf(test.want) || fault.ReasonOf(err) != fault.ReasonOf(test.want) {
			t.Errorf("identity says %v, the call %v", test.identity, err)
		}
	}
}

// A stream whose token is refused fails, and the next one has another.
func TestStreamsForgetRefusedTokens(t *testing.T) {
	id, s, tokens, _ := service(t, time.Hour)
	id.authority = authtest.New(t)
	conn := dial(t, s.GRPCAddr, grpcclient.Options{Tokens: tokens})
	var last error
	for range 2 {
		stream, err := profilev1.NewPlayerDataServiceClient(conn).ExportPlayer(t.Context(), &profilev1.ExportPlayerRequest{PlayerId: playerID})
		if err == nil {
			_, err = stream.Recv()
		}
		last = err
		id.authority = s.Authority
	}
	// The service leaderboard may not export, and that is known only of a good token.
	if cause := errors.Unwrap(fault.As(last)); fault.ReasonOf(cause) != auth.ReasonAccessDenied || id.signIns.Load() != 2 {
		t.Errorf("%d sign-ins, %v", id.signIns.Load(), last)
	}
}

// workloads stands in for what azidentity offers.
type workloads struct {
	scopes []string
	err    error
}

func (w *workloads) GetToken(_ context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	w.scopes = options.Scopes
	return azcore.AccessToken{Token: "entra-token"}, w.err
}

func TestWorkloadCredential(t *testing.T) {
	platform := &workloads{}
	credential := grpcclient.Workload(platform, "api://supergame/.default")
	request, err := credential.SignInRequest(t.Context())
	if err != nil || request.GetWorkload().GetToken() != "entra-token" || platform.scopes[0] != "api://supergame/.default" {
		t.Errorf("request %v, scopes %v, %v", request, platform.scopes, err)
	}
	platform.err = errors.New("no identity is assigned")
	if _, err := credential.SignInRequest(t.Context()); !errors.Is(err, platform.err) {
		t.Errorf("err = %v", err)
	}
}
