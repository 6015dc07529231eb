package grpcserver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/grpcserver/grpcservertest"
	"supergame/services/platform/telemetry"
)

// call makes one GetProfile with this token and returns the fault, nil for success.
func call(t *testing.T, s *grpcservertest.Server, token, playerID string) *fault.Error {
	t.Helper()
	_, err := profilev1.NewProfileServiceClient(s.Dial(t, token)).GetProfile(t.Context(), &profilev1.GetProfileRequest{PlayerId: playerID})
	if err == nil {
		return nil
	}
	f := fault.As(err)
	if f == nil {
		t.Fatalf("no fault: %v", err)
	}
	return f
}

func wantFault(t *testing.T, got *fault.Error, kind fault.Kind, reason string) {
	t.Helper()
	if got == nil || got.Kind != kind || got.Reason != reason {
		t.Errorf("got %v, want %s %s", got, kind, reason)
	}
}

func TestAccess(t *testing.T) {
	f := newFixture()
	var caller auth.Caller
	get := f.get
	f.get = func(ctx context.Context, in *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		caller = auth.CallerFrom(ctx)
		return get(ctx, in)
	}
	s := grpcservertest.Start(t, f)
	a := s.Authority

	if got := call(t, s, a.Player(playerA), playerB); got != nil {
		t.Fatal(got)
	}
	if caller.PlayerID() != playerA || caller.Session == "" {
		t.Errorf("the handler saw %+v", caller)
	}
	wantFault(t, call(t, s, "", playerA), fault.Unauthenticated, auth.ReasonTokenMissing)
	wantFault(t, call(t, s, "nonsense", playerA), fault.Unauthenticated, auth.ReasonTokenMalformed)

	// EnsureProfile is for the service identity alone.
	ensure := func(token string) *fault.Error {
		_, err := profilev1.NewProfileServiceClient(s.Dial(t, token)).EnsureProfile(t.Context(), &profilev1.EnsureProfileRequest{PlayerId: playerA})
		return fault.As(err)
	}
	for _, token := range []string{a.Player(playerA), a.Operator("identity"), a.Service("leaderboard"), a.GameServer("identity")} {
		wantFault(t, ensure(token), fault.PermissionDenied, auth.ReasonAccessDenied)
	}
	wantFault(t, ensure(a.Service("identity")), fault.Unimplemented, "UNIMPLEMENTED") // let in; the fixture has no such method

	for _, method := range []string{"/supergame.profile.v1.ProfileService/Nothing", "/no.such.Service/Method"} {
		err := s.Dial(t, a.Operator("o")).Invoke(t.Context(), method, &profilev1.GetProfileRequest{}, &profilev1.GetProfileResponse{})
		wantFault(t, fault.As(err), fault.PermissionDenied, auth.ReasonNoAccessRule)
	}
	if without := s.MethodsWithoutRule(); len(without) > 0 {
		t.Errorf("methods without a rule: %v", without)
	}
}

func TestAuthorizationHeader(t *testing.T) {
	s := grpcservertest.Start(t, newFixture())
	token := s.Authority.Player(playerA)
	for name, test := range map[string]struct {
		headers []string
		reason  string
	}{
		"bearer in lower case": {[]string{"bearer " + token}, ""},
		"no scheme":            {[]string{token}, auth.ReasonTokenMalformed},
		"basic":                {[]string{"Basic " + token}, auth.ReasonTokenMalformed},
		"empty":                {[]string{"Bearer "}, auth.ReasonTokenMalformed},
		"twice":                {[]string{"Bearer " + token, "Bearer " + token}, auth.ReasonTokenMissing},
	} {
		ctx := t.Context()
		for _, header := range test.headers {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", header)
		}
		_, err := profilev1.NewProfileServiceClient(s.Dial(t, "")).GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: playerA})
		if got := fault.ReasonOf(err); got != test.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErasedPlayersAreNotFoundAsArguments(t *testing.T) {
	f := newFixture()
	f.export = func(in *profilev1.ExportPlayerRequest, _ grpc.ServerStreamingServer[profilev1.ExportPlayerResponse]) error {
		return fault.New(fault.Aborted, "REACHED", "%s", in.GetPlayerId())
	}
	s := grpcservertest.Start(t, f)
	s.Authority.Revoke(auth.Revocation{Kind: auth.ErasePlayer, ID: playerB})
	operator := s.Authority.Operator("o")
	client := profilev1.NewProfileServiceClient(s.Dial(t, operator))

	got := call(t, s, operator, playerB)
	wantFault(t, got, fault.NotFound, "PLAYER_NOT_FOUND")
	if got.Metadata["player_id"] != playerB {
		t.Errorf("metadata %v", got.Metadata)
	}
	_, err := client.BatchGetProfiles(t.Context(), &profilev1.BatchGetProfilesRequest{PlayerIds: []string{playerA, playerB}})
	wantFault(t, fault.As(err), fault.Unimplemented, "UNIMPLEMENTED") // takes_erased_players: the fixture has no such method
	_, err = client.UpdateProfile(t.Context(), &profilev1.UpdateProfileRequest{Profile: &profilev1.Profile{PlayerId: playerB}})
	wantFault(t, fault.As(err), fault.NotFound, "PLAYER_NOT_FOUND") // inside a nested message, before what else is wrong

	if got := call(t, s, operator, playerA); got != nil {
		t.Errorf("another player: %v", got)
	}
	data := profilev1.NewPlayerDataServiceClient(s.Dial(t, s.Authority.Service("profile")))
	stream, err := data.ExportPlayer(t.Context(), &profilev1.ExportPlayerRequest{PlayerId: playerB})
	if err == nil {
		_, err = stream.Recv()
	}
	wantFault(t, fault.As(err), fault.Aborted, "REACHED") // takes_erased_players
}

func TestValidation(t *testing.T) {
	s := grpcservertest.Start(t, newFixture())
	client := profilev1.NewProfileServiceClient(s.Dial(t, s.Authority.Operator("o")))
	_, err := client.UpdateProfile(t.Context(), &profilev1.UpdateProfileRequest{
		RequestId: "not/one", Profile: &profilev1.Profile{Country: "Germany", Languages: []string{"de", "?"}},
	})
	got := fault.As(err)
	wantFault(t, got, fault.InvalidArgument, "INVALID_FIELD")
	var paths []string
	for _, field := range got.Fields {
		paths = append(paths, field.Path)
		if field.Description == "" {
			t.Errorf("%s: no description", field.Path)
		}
	}
	if want := "profile.country profile.languages[1] update_mask request_id"; strings.Join(paths, " ") != want {
		t.Errorf("violations of %q, want %q", paths, want)
	}
	for _, id := range []string{"short", playerA + "/", "01j0000000000000000000000a", playerA[:25] + "\x00", playerA[:23] + "\u202e"} {
		if got := call(t, s, s.Authority.Player(playerA), id); got == nil || got.Kind != fault.InvalidArgument {
			t.Errorf("id %q: %v", id, got)
		}
	}
}

// rawCodec sends bytes as they are.
type rawCodec struct{ encoding.Codec }

func (rawCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (rawCodec) Unmarshal([]byte, any) error   { return nil }
func (rawCodec) Name() string                  { return "proto" }

// Bytes that are no request are the caller's fault, and are told so only after he has signed in.
func TestUndecodableRequests(t *testing.T) {
	f := newFixture()
	f.export = func(*profilev1.ExportPlayerRequest, grpc.ServerStreamingServer[profilev1.ExportPlayerResponse]) error {
		return nil
	}
	s := grpcservertest.Start(t, f)
	const unary, stream = "/supergame.profile.v1.ProfileService/GetProfile", "/supergame.profile.v1.PlayerDataService/ExportPlayer"
	send := func(token, method string, payload []byte) error {
		conn := s.Dial(t, token)
		if method == unary {
			return conn.Invoke(t.Context(), method, &payload, &payload, grpc.ForceCodec(rawCodec{}))
		}
		cs, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, method, grpc.ForceCodec(rawCodec{}))
		if err != nil {
			return err
		}
		if err := cs.SendMsg(&payload); err != nil {
			return err
		}
		if err := cs.CloseSend(); err != nil {
			return err
		}
		return cs.RecvMsg(&payload)
	}
	profile := s.Authority.Service("profile")
	for name, payload := range map[string][]byte{"cut": {0x0a, 0xff}, "no UTF-8": {0x0a, 0x02, 0xc3, 0x28}, "wrong wire type": {0x0b}} {
		for _, method := range []string{unary, stream} {
			t.Run(name+method, func(t *testing.T) {
				wantFault(t, fault.As(send(profile, method, payload)), fault.InvalidArgument, "UNDECODABLE")
				wantFault(t, fault.As(send("", method, payload)), fault.Unauthenticated, auth.ReasonTokenMissing)
			})
		}
	}
	err := send(profile, unary, make([]byte, 5<<20))
	if got := fault.As(err); got == nil || got.Kind != fault.ResourceExhausted {
		t.Errorf("5 MiB: %v", err)
	}
}

func TestPanicsAndInternalErrorsAreHidden(t *testing.T) {
	f := newFixture()
	f.export = func(*profilev1.ExportPlayerRequest, grpc.ServerStreamingServer[profilev1.ExportPlayerResponse]) error {
		panic("secret of a stream")
	}
	s := grpcservertest.Start(t, f)
	type handler = func(context.Context, *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error)
	failing := func(err error) handler {
		return func(context.Context, *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
			return nil, err
		}
	}
	panicking := func(value any) handler {
		return func(context.Context, *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
			panic(value)
		}
	}
	for name, get := range map[string]handler{
		"panic":     panicking("secret"),
		"error":     failing(errors.New("secret")),
		"internal":  failing(fault.New(fault.Internal, "SECRET", "secret")),
		"data loss": failing(fault.New(fault.DataLoss, "SECRET", "secret")),
		"index": func(context.Context, *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
			return &profilev1.GetProfileResponse{Profile: &profilev1.Profile{PlayerId: []string{"secret"}[len(playerA)]}}, nil
		},
	} {
		f.get = get
		got := call(t, s, s.Authority.Player(playerA), playerA)
		if got == nil || got.Kind != fault.Internal && got.Kind != fault.DataLoss || strings.Contains(strings.ToLower(got.Error()), "secret") {
			t.Errorf("%s: %v", name, got)
		}
		if got != nil && !strings.Contains(got.Error(), "remote call ") {
			t.Errorf("%s: no request id in %v", name, got)
		}
	}
	stream, err := profilev1.NewPlayerDataServiceClient(s.Dial(t, s.Authority.Service("profile"))).
		ExportPlayer(t.Context(), &profilev1.ExportPlayerRequest{PlayerId: playerA})
	if err == nil {
		_, err = stream.Recv()
	}
	wantFault(t, fault.As(err), fault.Internal, "INTERNAL")
	f.get = newFixture().get
	if got := call(t, s, s.Authority.Player(playerA), playerA); got != nil {
		t.Errorf("after the panics: %v", got)
	}
}

// What a handler returns arrives as the same fault.
func TestFaultsArriveOfEveryKind(t *testing.T) {
	f := newFixture()
	s := grpcservertest.Start(t, f)
	token := s.Authority.Player(playerA)
	for kind := fault.InvalidArgument; kind < fault.DataLoss; kind++ {
		sent := fault.New(kind, "SOME_REASON", "some text").With("key", "value").After(time.Millisecond)
		sent.Fields = []fault.Field{{Path: "a.b", Description: "is wrong"}}
		f.get = func(context.Context, *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
			return nil, fmt.Errorf("with context: %w", sent)
		}
		got := call(t, s, token, playerA)
		wantFault(t, got, kind, "SOME_REASON")
		if got.Message != sent.Message || got.Metadata["key"] != "value" || got.RetryAfter != sent.RetryAfter || len(got.Fields) != 1 {
			t.Errorf("%s: got %+v", kind, got)
		}
	}
}

func TestDeadlines(t *testing.T) {
	f := newFixture()
	left := make(chan time.Duration, 1)
	f.get = func(ctx context.Context, _ *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		deadline, _ := ctx.Deadline()
		left <- time.Until(deadline)
		return &profilev1.GetProfileResponse{}, nil
	}
	s := grpcservertest.StartWith(t, grpcserver.Config{CallTimeout: 3 * time.Second, CallTimeoutMax: 20 * time.Second}, grpcserver.Deps{}, f)
	// A client without our interceptors, which would set a deadline itself.
	client := profilev1.NewProfileServiceClient(plainConn(t, s))
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+s.Authority.Player(playerA))
	for _, test := range []struct{ given, want time.Duration }{{0, 3 * time.Second}, {10 * time.Second, 10 * time.Second}, {time.Hour, 20 * time.Second}} {
		ctx, cancel := ctx, context.CancelFunc(func() {})
		if test.given > 0 {
			ctx, cancel = context.WithTimeout(ctx, test.given)
		}
		_, err := client.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: playerA})
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if got := <-left; got > test.want || got < test.want-2*time.Second {
			t.Errorf("a deadline of %s became %s, want %s", test.given, got, test.want)
		}
	}
	f.get = func(ctx context.Context, _ *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	short := grpcservertest.StartWith(t, grpcserver.Config{CallTimeout: 20 * time.Millisecond}, grpcserver.Deps{}, f)
	ctx = metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+short.Authority.Player(playerA))
	_, err := profilev1.NewProfileServiceClient(plainConn(t, short)).GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: playerA})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("err = %v", err)
	}
}

// The trailer carries charge and session of successes and failures; metadata brings session and request id in.
func TestMetadataInAndOut(t *testing.T) {
	f := newFixture()
	var session, id string
	failure := error(nil)
	f.get = func(ctx context.Context, _ *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		session, id = cosmos.SessionFrom(ctx).Encode(), telemetry.RequestID(ctx)
		cosmos.MeterFrom(ctx).Add(7.054)
		return &profilev1.GetProfileResponse{}, failure
	}
	s := grpcservertest.Start(t, f)
	client := profilev1.NewProfileServiceClient(plainConn(t, s))
	for _, test := range []struct {
		name, session, id string
		kept, named       bool
		failure           error
	}{
		{"success", validSession, "r-1", true, true, nil},
		{"failure", validSession, "r_2", true, true, fault.New(fault.Aborted, "R", "x")},
		{"malformed", "!!", "with space", false, false, nil},
		{"oversized", strings.Repeat("A", 3000), strings.Repeat("a", 65), false, false, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			failure = test.failure
			ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+s.Authority.Player(playerA),
				"supergame-session", test.session, "supergame-request-id", test.id)
			var trailer metadata.MD
			_, err := client.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: playerA}, grpc.Trailer(&trailer))
			if (err == nil) != (test.failure == nil) {
				t.Fatal(err)
			}
			if got := trailer.Get("supergame-request-charge"); len(got) != 1 || got[0] != "7.05" {
				t.Errorf("charge %q", got)
			}
			if test.kept != (session == test.session) || test.kept != (len(trailer.Get("supergame-session")) == 1) {
				t.Errorf("session %q came in as %q and out as %q", test.session, session, trailer.Get("supergame-session"))
			}
			if test.named != (id == test.id) || id == "" {
				t.Errorf("request id %q became %q", test.id, id)
			}
		})
	}
	var trailer metadata.MD
	_, err := client.GetProfile(t.Context(), &profilev1.GetProfileRequest{}, grpc.Trailer(&trailer))
	if got := trailer.Get("supergame-request-charge"); err == nil || len(got) != 1 || got[0] != "0" {
		t.Errorf("a refused call: charge %q, %v", got, err)
	}
}
