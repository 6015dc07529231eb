package grpcserver_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/grpcserver/grpcservertest"
)

// A client that pings all the time is told to calm down and disconnected.
func TestPingFlood(t *testing.T) {
	s := grpcservertest.Start(t, newFixture())
	conn, err := net.Dial("tcp", s.GRPCAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }() // the test is over
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for framer.WritePing(false, [8]byte{1}) == nil {
		}
	}()
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("the connection ended without a word: %v", err)
		}
		if away, ok := frame.(*http2.GoAwayFrame); ok {
			if away.ErrCode != http2.ErrCodeEnhanceYourCalm || string(away.DebugData()) != "too_many_pings" {
				t.Errorf("sent away with %v %q", away, away.DebugData())
			}
			return
		}
	}
}

// Metadata that are too large fail their own call.
func TestMetadataBomb(t *testing.T) {
	s := grpcservertest.Start(t, newFixture())
	client := profilev1.NewProfileServiceClient(plainConn(t, s))
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+s.Authority.Player(playerA))
	bomb := metadata.AppendToOutgoingContext(ctx, "x-bomb", strings.Repeat("b", 64<<10))
	if _, err := client.GetProfile(bomb, &profilev1.GetProfileRequest{PlayerId: playerA}); err == nil || status.Code(err) == codes.DeadlineExceeded {
		t.Errorf("err = %v", err)
	}
	if _, err := client.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: playerA}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A time that is over when the call comes in does not reach the store, and one that nobody can mean is refused or shortened.
func TestOddDeadlines(t *testing.T) {
	f := newFixture()
	f.get = func(ctx context.Context, _ *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > time.Minute {
			t.Errorf("deadline %v, %v", deadline, ok)
		}
		return &profilev1.GetProfileResponse{}, ctx.Err()
	}
	s := grpcservertest.Start(t, f)
	for timeout, want := range map[string]string{"1n": "4", "99999999H": "0", "": "0"} {
		got := rawCall(t, s, map[string]string{"grpc-timeout": timeout, "authorization": "Bearer " + s.Authority.Player(playerA)})
		if got != want {
			t.Errorf("grpc-timeout %q: status %s, want %s", timeout, got, want)
		}
	}
}

// rawCall makes a GetProfile over HTTP/2 with these headers and returns its grpc-status.
func rawCall(t *testing.T, s *grpcservertest.Server, headers map[string]string) string {
	t.Helper()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols}
	defer transport.CloseIdleConnections()
	body := append([]byte{0, 0, 0, 0, 28, 0x0a, 26}, playerA...)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"http://"+s.GRPCAddr+"/supergame.profile.v1.ProfileService/GetProfile", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("content-type", "application/grpc")
	request.Header.Set("te", "trailers")
	for name, value := range headers {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	if code := response.Trailer.Get("grpc-status"); code != "" {
		return code
	}
	return response.Header.Get("grpc-status")
}

// A player who may no longer call is limited by his address, although his token is known.
func TestRevokedCallersAreLimited(t *testing.T) {
	s := grpcservertest.StartWith(t, grpcserver.Config{AddressRate: 5}, grpcserver.Deps{}, newFixture())
	token := s.Authority.Player(playerA)
	if err := getWith(t, s, token); err != nil {
		t.Fatal(err)
	}
	s.Authority.Revoke(auth.Revocation{Kind: auth.SuspendPlayer, ID: playerA})
	if got := fault.As(getWith(t, s, token)); got == nil || got.Kind != fault.PermissionDenied {
		t.Fatalf("got %v", got)
	}
	if calls, _ := until(t, func() error { return getWith(t, s, token) }); calls == 100 {
		t.Error("not limited")
	}
}

// Calls, streams and connections leave no goroutine behind, however they end.
func TestNothingIsLeftBehind(t *testing.T) {
	f := newFixture()
	entered := make(chan struct{}, 1)
	f.get = func(ctx context.Context, in *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		if in.GetPlayerId() == playerB { // whose caller goes away
			entered <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return &profilev1.GetProfileResponse{}, nil
	}
	f.export = func(_ *profilev1.ExportPlayerRequest, out grpc.ServerStreamingServer[profilev1.ExportPlayerResponse]) error {
		<-out.Context().Done()
		return out.Context().Err()
	}
	s := grpcservertest.Start(t, f)
	round := func() {
		conn := plainConn(t, s)
		defer func() { _ = conn.Close() }() // with calls on their way
		ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+s.Authority.Service("profile")))
		client, data := profilev1.NewProfileServiceClient(conn), profilev1.NewPlayerDataServiceClient(conn)
		if _, err := client.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: playerA}); err != nil {
			t.Error(err)
		}
		if _, err := data.ExportPlayer(ctx, &profilev1.ExportPlayerRequest{PlayerId: playerA}); err != nil {
			t.Error(err)
		}
		go func() {
			<-entered
			cancel()
		}()
		if _, err := client.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: playerB}); status.Code(err) != codes.Canceled {
			t.Errorf("err = %v", err)
		}
	}
	round()
	before := runtime.NumGoroutine()
	for range 50 {
		round()
	}
	eventually(t, "the goroutines end", func() bool { return runtime.NumGoroutine() <= before+5 })
}

// The admin port offers what it says and nothing else, and takes no more than it must.
func TestAdminPortIsNarrow(t *testing.T) {
	s := grpcservertest.Start(t, newFixture())
	for _, test := range []struct {
		method, path string
		code         int
	}{
		{http.MethodGet, "/debug/pprof/", 404},
		{http.MethodGet, "/debug/vars", 404},
		{http.MethodGet, "/", 404},
		{http.MethodGet, "/metrics", 404}, // not given
		{http.MethodPost, "/healthz", 405},
		{http.MethodDelete, "/readyz", 405},
	} {
		request, err := http.NewRequestWithContext(t.Context(), test.method, s.AdminURL+test.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close() // not of interest
		if response.StatusCode != test.code {
			t.Errorf("%s %s: %d, want %d", test.method, test.path, response.StatusCode, test.code)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.AdminURL+"/healthz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Bomb", strings.Repeat("b", 100<<10))
	response, err := http.DefaultClient.Do(request)
	if err == nil {
		_ = response.Body.Close() // not of interest
	}
	if err == nil && response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("100 KiB of headers: %d", response.StatusCode)
	}
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
