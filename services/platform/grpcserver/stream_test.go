package grpcserver_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/grpcserver/grpcservertest"
)

// A stream passes the same checks as a unary call.
func TestStreamsAreChecked(t *testing.T) {
	f := newFixture()
	f.export = func(in *profilev1.ExportPlayerRequest, out grpc.ServerStreamingServer[profilev1.ExportPlayerResponse]) error {
		if caller := auth.CallerFrom(out.Context()); caller.Subject != "profile" {
			t.Errorf("the handler saw %+v", caller)
		}
		if err := out.Send(&profilev1.ExportPlayerResponse{ResumeToken: in.GetPlayerId()}); err != nil {
			return err
		}
		return nil
	}
	s := grpcservertest.Start(t, f)
	export := func(token, id string) ([]string, error) {
		stream, err := profilev1.NewPlayerDataServiceClient(s.Dial(t, token)).ExportPlayer(t.Context(), &profilev1.ExportPlayerRequest{PlayerId: id})
		if err != nil {
			return nil, err
		}
		var got []string
		for {
			response, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return got, nil
			}
			if err != nil {
				return got, err
			}
			got = append(got, response.GetResumeToken())
		}
	}
	profile := s.Authority.Service("profile")
	if got, err := export(profile, playerA); err != nil || len(got) != 1 || got[0] != playerA {
		t.Errorf("got %v, %v", got, err)
	}
	for _, test := range []struct {
		token, id string
		kind      fault.Kind
		reason    string
	}{
		{"", playerA, fault.Unauthenticated, auth.ReasonTokenMissing},
		{"x", playerA, fault.Unauthenticated, auth.ReasonTokenMalformed},
		{s.Authority.Player(playerA), playerA, fault.PermissionDenied, auth.ReasonAccessDenied},
		{profile, "x", fault.InvalidArgument, "INVALID_FIELD"},
	} {
		got, err := export(test.token, test.id)
		wantFault(t, fault.As(err), test.kind, test.reason)
		if len(got) > 0 {
			t.Errorf("a refused caller received %v", got)
		}
	}
}

// Each message of a stream counts against the rate.
func TestMessagesOfAStreamAreLimited(t *testing.T) {
	s := grpcservertest.StartWith(t, grpcserver.Config{AddressRate: 5}, grpcserver.Deps{}, newFixture())
	stream, err := reflectionpb.NewServerReflectionClient(s.Dial(t, "")).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	calls, refusal := until(t, func() error {
		request := &reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}
		if err := stream.Send(request); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		_, err := stream.Recv()
		return err
	})
	if calls == 100 || calls < 9 {
		t.Errorf("refused after %d messages", calls)
	}
	wantFault(t, refusal, fault.ResourceExhausted, "RATE_LIMITED")
}

// A revocation ends a token that this server has seen before, on an open connection.
func TestRevokedCallers(t *testing.T) {
	s := grpcservertest.Start(t, newFixture())
	a := s.Authority
	for _, test := range []struct {
		kind   auth.RevocationKind
		refuse fault.Kind
		reason string
	}{
		{auth.SuspendPlayer, fault.PermissionDenied, auth.ReasonPlayerSuspended},
		{auth.ErasePlayer, fault.Unauthenticated, auth.ReasonPlayerErased},
	} {
		id := []string{playerA, playerB}[test.kind-auth.SuspendPlayer]
		client := profilev1.NewProfileServiceClient(s.Dial(t, a.Player(id)))
		request := &profilev1.GetProfileRequest{PlayerId: "01J0000000000000000000000C"}
		if _, err := client.GetProfile(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		a.Revoke(auth.Revocation{Kind: test.kind, ID: id})
		_, err := client.GetProfile(t.Context(), request)
		wantFault(t, fault.As(err), test.refuse, test.reason)
	}
}

// A stream whose client stays silent ends with its time.
func TestSilentStreamsEnd(t *testing.T) {
	s := grpcservertest.StartWith(t, grpcserver.Config{StreamTimeoutMax: 50 * time.Millisecond}, grpcserver.Deps{}, newFixture())
	stream, err := reflectionpb.NewServerReflectionClient(s.Dial(t, "")).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	wantFault(t, fault.As(err), fault.DeadlineExceeded, "DEADLINE_EXCEEDED")
}
