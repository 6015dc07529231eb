package grpcserver_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth/authtest"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/grpcserver/grpcservertest"
)

// unreadable is an error that panics when it is read.
type unreadable struct{}

func (unreadable) Error() string { panic("secret in an error") }

// An outcome that panics or cannot be sent is a failure like any other: hidden from the caller, logged as an error, and not the end of
// the process.
func TestOutcomesThatCannotBeSent(t *testing.T) {
	var none *fault.Error
	for name, test := range map[string]struct {
		response *profilev1.GetProfileResponse
		err      error
		logged   string
	}{
		"nil fault":        {nil, none, "nil pointer"},
		"unreadable error": {nil, unreadable{}, "secret in an error"},
		"no UTF-8":         {&profilev1.GetProfileResponse{Profile: &profilev1.Profile{PlayerId: "secret\xff"}}, nil, "invalid UTF-8"},
		"too large":        {&profilev1.GetProfileResponse{Profile: &profilev1.Profile{PlayerId: strings.Repeat("x", 5<<20)}}, nil, "RESPONSE_TOO_LARGE"},
	} {
		t.Run(name, func(t *testing.T) {
			var out journal
			f := newFixture()
			f.get = func(context.Context, *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
				return test.response, test.err
			}
			f.export = func(_ *profilev1.ExportPlayerRequest, _ grpc.ServerStreamingServer[profilev1.ExportPlayerResponse]) error {
				return test.err
			}
			s := grpcservertest.StartWith(t, grpcserver.Config{}, grpcserver.Deps{Logger: out.logger()}, f)
			got := call(t, s, s.Authority.Player(playerA), playerA)
			wantFault(t, got, fault.Internal, "INTERNAL")
			if got != nil && strings.Contains(got.Error(), "secret") {
				t.Errorf("the caller sees %v", got)
			}
			lines := out.lines(t, 1)
			if lines[0]["level"] != "ERROR" || !strings.Contains(out.String(), test.logged) {
				t.Errorf("logged %v, want an error with %q", lines, test.logged)
			}
			if test.err == nil {
				return
			}
			stream, err := profilev1.NewPlayerDataServiceClient(s.Dial(t, s.Authority.Service("profile"))).
				ExportPlayer(t.Context(), &profilev1.ExportPlayerRequest{PlayerId: playerA})
			if err == nil {
				_, err = stream.Recv()
			}
			wantFault(t, fault.As(err), fault.Internal, "INTERNAL")
		})
	}
}

// panicking panics in one place of what a service does besides answering calls.
type panicking struct {
	plainService
	run, ready, drain bool
}

func (p *panicking) Run(ctx context.Context) error {
	if p.run {
		panic("in Run")
	}
	<-ctx.Done()
	return nil
}

func (p *panicking) Ready() error {
	if p.ready {
		panic("in Ready")
	}
	return nil
}

func (p *panicking) Drain() {
	if p.drain {
		panic("in Drain")
	}
}

// A panic outside of calls ends the server, not the process, so that the calls of other services still end.
func TestPanicsOfServicesEndTheServer(t *testing.T) {
	for where, service := range map[string]*panicking{"in Run": {run: true}, "in Ready": {ready: true}, "in Drain": {drain: true}} {
		t.Run(where, func(t *testing.T) {
			service.name = "broken"
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if service.drain {
				cancel()
			}
			var out journal
			deps := grpcserver.Deps{Verifier: authtest.New(t).Verifier(), Logger: out.logger()}
			cfg := grpcserver.Config{GRPCAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0"}
			err := grpcserver.Serve(ctx, cfg, deps, newFixture(), service)
			if !service.drain && (err == nil || !strings.Contains(err.Error(), where)) || service.drain && err != nil {
				t.Errorf("Serve returned %v", err)
			}
			if text := out.String(); !strings.Contains(text, where) || !strings.Contains(text, "panic_test.go") {
				t.Errorf("no panic and stack in the log: %s", text)
			}
		})
	}
}
