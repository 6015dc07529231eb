package grpcserver_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/grpcserver/grpcservertest"
)

// until makes calls until one is refused for the rate, and returns how many were not; 100 is enough for "never".
func until(t *testing.T, call func() error) (calls int, refusal *fault.Error) {
	t.Helper()
	for calls = range 100 {
		if err := fault.As(call()); err != nil && err.Kind == fault.ResourceExhausted {
			return calls, err
		}
	}
	return 100, nil
}

func TestRateOfOnePlayer(t *testing.T) {
	s := grpcservertest.StartWith(t, grpcserver.Config{PlayerRate: 5}, grpcserver.Deps{}, newFixture())
	get := func(token string) func() error {
		client := profilev1.NewProfileServiceClient(s.Dial(t, token))
		return func() error {
			_, err := client.GetProfile(t.Context(), &profilev1.GetProfileRequest{PlayerId: playerB})
			return err
		}
	}
	calls, refusal := until(t, get(s.Authority.Player(playerA)))
	if calls < 10 || calls > 20 {
		t.Errorf("%d calls in a burst, want about 10", calls)
	}
	wantFault(t, refusal, fault.ResourceExhausted, "RATE_LIMITED")
	if refusal != nil && (refusal.RetryAfter <= 0 || refusal.RetryAfter > 200*time.Millisecond) {
		t.Errorf("RetryAfter = %s", refusal.RetryAfter)
	}
	if again := fault.As(get(s.Authority.Player(playerA))()); again == nil || again.Kind != fault.ResourceExhausted {
		t.Errorf("another token of the same player: %v", again)
	}
	if err := get(s.Authority.Player(playerB))(); err != nil {
		t.Errorf("another player: %v", err)
	}
	if calls, _ := until(t, get(s.Authority.Service("leaderboard"))); calls != 100 {
		t.Errorf("a service was limited after %d calls", calls)
	}
	if err := s.Dial(t, "").Invoke(t.Context(), "/grpc.health.v1.Health/Check", &profilev1.GetProfileRequest{}, &profilev1.GetProfileRequest{}); err != nil {
		t.Errorf("health: %v", err)
	}
}

// identityFixture offers the methods that are open to everybody.
type identityFixture struct {
	plainService
	identityv1.UnimplementedIdentityServiceServer
}

func (f *identityFixture) Register(r grpc.ServiceRegistrar) {
	identityv1.RegisterIdentityServiceServer(r, f)
}

func (f *identityFixture) GetKeys(context.Context, *identityv1.GetKeysRequest) (*identityv1.GetKeysResponse, error) {
	return &identityv1.GetKeysResponse{}, nil
}

// Before sign-in the address counts, and behind proxies the address that the last trusted one has seen.
func TestRateOfOneAddress(t *testing.T) {
	tests := []struct {
		name    string
		hops    int
		headers func(i int) string // X-Forwarded-For of call i; "" = none
		limited bool
	}{
		{"one address", 0, func(int) string { return "" }, true},
		{"no hops trusted, so it is made up", 0, func(i int) string { return "10.0.0." + strconv.Itoa(i) }, true},
		{"many clients behind one proxy", 1, func(i int) string { return "10.0.0." + strconv.Itoa(i) }, false},
		{"one client that makes up entries before", 1, func(i int) string { return "10.0.0." + strconv.Itoa(i) + ", 192.0.2.1" }, true},
		{"two proxies, many clients", 2, func(i int) string { return "6.6.6.6, 10.0.0." + strconv.Itoa(i) + ":40000, 192.0.2.1" }, false},
		{"two proxies, one client", 2, func(i int) string { return "6.6.6." + strconv.Itoa(i) + ", 10.0.0.1, 192.0.2." + strconv.Itoa(i) }, true},
		{"fewer entries than hops", 2, func(i int) string { return "10.0.0." + strconv.Itoa(i) }, true},
		{"no address in the entry", 1, func(i int) string { return "unknown" + strconv.Itoa(i) }, true},
		{"one IPv6 customer", 1, func(i int) string { return "[2001:db8::" + strconv.Itoa(i+1) + "]:443" }, true},
		{"many IPv6 customers", 1, func(i int) string { return "2001:db8:0:" + strconv.Itoa(i) + "::1" }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := grpcserver.Config{AddressRate: 5, TrustedProxyHops: test.hops}
			s := grpcservertest.StartWith(t, cfg, grpcserver.Deps{}, newFixture(), &identityFixture{plainService: plainService{name: "identity"}})
			conn := s.Dial(t, "")
			i := 0
			calls, _ := until(t, func() error {
				i++
				ctx := t.Context()
				if header := test.headers(i); header != "" {
					ctx = metadata.AppendToOutgoingContext(ctx, "x-forwarded-for", header)
				}
				_, err := identityv1.NewIdentityServiceClient(conn).GetKeys(ctx, &identityv1.GetKeysRequest{})
				return err
			})
			if limited := calls < 100; limited != test.limited {
				t.Errorf("refused after %d calls, want limited = %v", calls, test.limited)
			}
		})
	}
}

// Whoever tries tokens, methods or nothing at all is limited by his address; a player who has been seen is not.
func TestRateOfStrangers(t *testing.T) {
	for name, try := range map[string]func(s *grpcservertest.Server) error{
		"no token": func(s *grpcservertest.Server) error { return getWith(t, s, "") },
		"bad tokens": func(s *grpcservertest.Server) error {
			claims := s.Authority.Claims(auth.RolePlayer, playerA)
			claims.Audience = "else"
			return getWith(t, s, s.Authority.Sign(claims))
		},
		"no method": func(s *grpcservertest.Server) error {
			return s.Dial(t, "").Invoke(t.Context(), "/a.B/C", &profilev1.GetProfileRequest{}, &profilev1.GetProfileRequest{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := grpcservertest.StartWith(t, grpcserver.Config{AddressRate: 5}, grpcserver.Deps{}, newFixture())
			known := s.Authority.Player(playerB)
			if err := getWith(t, s, known); err != nil {
				t.Fatal(err)
			}
			if calls, _ := until(t, func() error { return try(s) }); calls == 100 {
				t.Error("not limited")
			}
			if err := getWith(t, s, known); err != nil {
				t.Errorf("a known player at the same address: %v", err)
			}
		})
	}
}

func getWith(t *testing.T, s *grpcservertest.Server, token string) error {
	_, err := profilev1.NewProfileServiceClient(s.Dial(t, token)).GetProfile(t.Context(), &profilev1.GetProfileRequest{PlayerId: playerA})
	return err
}
