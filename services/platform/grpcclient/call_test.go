package grpcclient_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcclient"
	"supergame/services/platform/grpcserver/grpcservertest"
	"supergame/services/platform/telemetry"
)

var unavailable = fault.New(fault.Unavailable, "STORE_UNAVAILABLE", "try again")

func TestUnavailableIsRepeatedWithTheSameRequest(t *testing.T) {
	var calls atomic.Int64
	var failures int64
	var failure error
	f := &fixture{get: func(_ context.Context, in *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		if in.GetPlayerId() != playerID {
			t.Errorf("the request became %v", in)
		}
		if calls.Add(1) <= failures {
			return nil, failure
		}
		return &profilev1.GetProfileResponse{}, nil
	}}
	s := grpcservertest.Start(t, f)
	for _, test := range []struct {
		name     string
		failures int64
		failure  error
		retries  int
		timeout  time.Duration
		calls    int64
		ok       bool
	}{
		{"comes back", 2, unavailable, 0, time.Minute, 3, true},
		{"stays away", 99, unavailable, 0, time.Minute, 4, false},
		{"no retries", 99, unavailable, -1, time.Minute, 1, false},
		{"another fault", 99, fault.New(fault.Aborted, "R", "x"), 0, time.Minute, 1, false},
		{"over its rate", 99, fault.New(fault.ResourceExhausted, "R", "x").After(time.Millisecond), 0, time.Minute, 1, false},
		{"asked to wait", 1, unavailable.After(30 * time.Millisecond), 0, time.Minute, 2, true},
		{"asked to wait past the deadline", 1, unavailable.After(time.Minute), 0, 5 * time.Second, 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls.Store(0)
			failures, failure = test.failures, test.failure
			conn := dial(t, s.GRPCAddr, grpcclient.Options{Tokens: grpcservertest.Token(s.Authority.Player(playerID)), Retries: test.retries, Timeout: test.timeout})
			began := time.Now()
			_, err := profilev1.NewProfileServiceClient(conn).GetProfile(t.Context(), &profilev1.GetProfileRequest{PlayerId: playerID})
			if (err == nil) != test.ok || calls.Load() != test.calls {
				t.Errorf("%d calls, want %d; %v", calls.Load(), test.calls, err)
			}
			if err != nil && fault.ReasonOf(err) != fault.ReasonOf(test.failure) {
				t.Errorf("the fault became %v", err)
			}
			if took := time.Since(began); took > 4*time.Second || test.name == "asked to wait" && took < 30*time.Millisecond {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// While nearly everything fails, calls are made once, so that a service that comes up is not drowned.
func TestRetriesAreBudgeted(t *testing.T) {
	var calls atomic.Int64
	down := unavailable.After(time.Microsecond)
	f := &fixture{get: func(context.Context, *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		calls.Add(1)
		return nil, down
	}}
	s := grpcservertest.Start(t, f)
	client := profilev1.NewProfileServiceClient(dial(t, s.GRPCAddr, grpcclient.Options{Tokens: grpcservertest.Token(s.Authority.Player(playerID))}))
	const made = 200
	for range made {
		if _, err := client.GetProfile(t.Context(), &profilev1.GetProfileRequest{PlayerId: playerID}); err == nil {
			t.Fatal("the fixture answered")
		}
	}
	if n := calls.Load(); n < made || n > made+60 {
		t.Errorf("%d calls became %d", made, n)
	}
}

func TestDeadlines(t *testing.T) {
	entered := make(chan struct{}, 2)
	f := &fixture{get: func(ctx context.Context, _ *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		entered <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	s := grpcservertest.Start(t, f)
	within := func(timeout time.Duration) profilev1.ProfileServiceClient {
		tokens := grpcservertest.Token(s.Authority.Player(playerID))
		return profilev1.NewProfileServiceClient(dial(t, s.GRPCAddr, grpcclient.Options{Tokens: tokens, Timeout: timeout}))
	}
	client := within(50 * time.Millisecond)
	_, err := client.GetProfile(t.Context(), &profilev1.GetProfileRequest{PlayerId: playerID})
	if !fault.Is(err, fault.DeadlineExceeded) {
		t.Errorf("without a deadline: %v", err)
	}
	client = within(time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	for len(entered) > 0 {
		<-entered
	}
	go func() {
		<-entered
		cancel()
	}()
	if _, err = client.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: playerID}); !fault.Is(err, fault.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// wireSession is a session in its wire form.
func wireSession(container, token string) string {
	raw := []byte{1}
	for _, part := range []string{container, "0", token} {
		raw = append(append(raw, byte(len(part))), part...)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// A call inside another carries the session there and back, adds the charge, and goes by the same name.
func TestSessionChargeAndNameTravel(t *testing.T) {
	learned := wireSession("profiles", "0#9#1=9")
	var failure error
	f := &fixture{get: func(ctx context.Context, _ *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		session := cosmos.SessionFrom(ctx)
		if got := session.Encode(); got != wireSession("boards", "0#5#1=2") {
			t.Errorf("the callee's session is %q", got)
		}
		if id := telemetry.RequestID(ctx); id != "r1" {
			t.Errorf("the callee's request id is %q", id)
		}
		session.Merge(learned)
		session.MarkStale()
		cosmos.MeterFrom(ctx).Add(2.5)
		return &profilev1.GetProfileResponse{}, failure
	}}
	f.export = func(_ *profilev1.ExportPlayerRequest, out grpc.ServerStreamingServer[profilev1.ExportPlayerResponse]) error {
		_, err := f.get(out.Context(), nil)
		return err
	}
	s := grpcservertest.Start(t, f)
	conn := dial(t, s.GRPCAddr, grpcclient.Options{Tokens: grpcservertest.Token(s.Authority.Service("profile"))})
	for name, failed := range map[string]error{"success": nil, "failure": fault.New(fault.NotFound, "R", "x")} {
		for _, stream := range []bool{false, true} {
			failure = failed
			var meter cosmos.Meter
			session, _ := cosmos.ParseSession(wireSession("boards", "0#5#1=2"))
			ctx := telemetry.WithRequestID(cosmos.WithSession(cosmos.WithMeter(t.Context(), &meter), session), "r1")
			var err error
			if stream {
				var responses grpc.ServerStreamingClient[profilev1.ExportPlayerResponse]
				responses, err = profilev1.NewPlayerDataServiceClient(conn).ExportPlayer(ctx, &profilev1.ExportPlayerRequest{PlayerId: playerID})
				if err == nil {
					_, err = responses.Recv()
				}
				if errors.Is(err, io.EOF) {
					err = nil
				}
			} else {
				_, err = profilev1.NewProfileServiceClient(conn).GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: playerID})
			}
			if fault.ReasonOf(err) != fault.ReasonOf(failed) {
				t.Errorf("%s, stream %v: %v", name, stream, err)
			}
			if meter.Charge() != 2.5 {
				t.Errorf("%s, stream %v: charge %v", name, stream, meter.Charge())
			}
			if !session.Stale() {
				t.Errorf("%s, stream %v: nobody says that a read was stale", name, stream)
			}
			both, _ := cosmos.ParseSession(session.Encode())
			if before := both.Encode(); !both.Merge(learned) || len(both.Encode()) != len(before) {
				t.Errorf("%s, stream %v: the callee's session is not in %q", name, stream, session.Encode())
			}
		}
	}
}

func TestEndpoints(t *testing.T) {
	for _, endpoint := range []string{"", "localhost:50051", "ftp://host", "http://", "https://host/path", "http://host?x=1", "http://ho st", "http://host#x", "http://host:0", "http://host:65536",
		"http://host:http", "http://::1:80", "https://u:hidden@host", "https://u:hidden@ho st", "//host:80", "host"} {
		if _, err := grpcclient.Dial(endpoint, grpcclient.Options{}); err == nil || !strings.Contains(err.Error(), "http") || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
	// Hosts of every form, also such as could pass for a resolver's name.
	for endpoint, target := range map[string]string{
		"http://[::1]": "[::1]:80", "https://[2001:db8::1]:50051/": "[2001:db8::1]:50051", "http://[fe80::1%25eth0]:80": "[fe80::1%eth0]:80",
		"http://unix:80": "unix:80", "https://profile": "profile:443", "http://127.0.0.1:1": "127.0.0.1:1",
	} {
		conn, err := grpcclient.Dial(endpoint, grpcclient.Options{})
		if err != nil {
			t.Errorf("%s: %v", endpoint, err)
			continue
		}
		if got := conn.CanonicalTarget(); got != "dns:///"+target {
			t.Errorf("%s became %s", endpoint, got)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	empty := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + ".gone"} {
		if _, err := grpcclient.Dial("https://host", grpcclient.Options{CAFile: file}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
	// https does not speak to a server without TLS.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }() // the test is over
	first := make(chan byte, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }() // one byte was enough
		buffer := make([]byte, 1)
		if _, err := conn.Read(buffer); err == nil {
			first <- buffer[0]
		}
	}()
	conn, err := grpcclient.Dial("https://"+listener.Addr().String(), grpcclient.Options{Retries: -1, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }() // the test is over
	_, err = profilev1.NewProfileServiceClient(conn).GetProfile(t.Context(), &profilev1.GetProfileRequest{})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("err = %v", err)
	}
	if b := <-first; b != 22 { // a TLS handshake record
		t.Errorf("the client began with byte %d", b)
	}
}
