package grpcserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcclient"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/grpcserver/grpcservertest"
	"supergame/services/platform/telemetry"
)

// journal is a log in memory.
type journal struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.out.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.out.String()
}

// lines waits for n lines about calls and parses them: the answer travels before the line is written to the test's view.
func (j *journal) lines(t *testing.T, n int) []map[string]any {
	t.Helper()
	var lines []map[string]any
	eventually(t, "the lines of the log", func() bool {
		lines = nil
		for text := range strings.Lines(j.String()) {
			var line map[string]any
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatalf("%v in %q", err, text)
			}
			if line["method"] != nil {
				lines = append(lines, line)
			}
		}
		return len(lines) >= n
	})
	if len(lines) != n {
		t.Errorf("%d lines, want %d: %s", len(lines), n, j)
	}
	return lines
}

func (j *journal) logger() *slog.Logger {
	return slog.New(telemetry.NewHandler(slog.NewJSONHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

func TestLogHasOneLinePerCall(t *testing.T) {
	f := newFixture()
	var failure error
	f.get = func(ctx context.Context, _ *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		cosmos.MeterFrom(ctx).Add(1.5)
		return &profilev1.GetProfileResponse{}, failure
	}
	for _, test := range []struct {
		name    string
		failure error
		want    map[string]any
	}{
		{"success", nil, map[string]any{"level": "DEBUG", "msg": "call"}},
		{"the caller's fault", fault.New(fault.NotFound, "GONE", "x"), map[string]any{"level": "INFO", "kind": "not found", "reason": "GONE"}},
		{"ours", errors.New("the text for the operator"), map[string]any{"level": "ERROR", "kind": "internal", "error": "the text for the operator"}},
		{"the store's", fault.New(fault.Unavailable, "STORE", "x").Because(errors.New("reset")), map[string]any{"level": "WARN", "error": "unavailable: x: reset"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out journal
			failure = test.failure
			s := grpcservertest.StartWith(t, grpcserver.Config{}, grpcserver.Deps{Logger: out.logger()}, f)
			ctx := telemetry.WithRequestID(t.Context(), "r-77")
			_, err := profilev1.NewProfileServiceClient(s.Dial(t, s.Authority.Player(playerA))).GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: playerB})
			if (err == nil) != (test.failure == nil) {
				t.Fatal(err)
			}
			line := out.lines(t, 1)[0]
			test.want["method"], test.want["subject"], test.want["role"] = "/supergame.profile.v1.ProfileService/GetProfile", playerA, "player"
			test.want["request_id"], test.want["request_charge"] = "r-77", 1.5
			for key, want := range test.want {
				if line[key] != want {
					t.Errorf("%s = %v, want %v", key, line[key], want)
				}
			}
		})
	}
}

// Whatever goes wrong with a sign-in, neither its secret nor a token gets into the log, and a panic leaves its stack there.
func TestLogHoldsNoSecrets(t *testing.T) {
	var out journal
	f := newFixture()
	f.get = func(context.Context, *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		panic("at the disco")
	}
	s := grpcservertest.StartWith(t, grpcserver.Config{}, grpcserver.Deps{Logger: out.logger()}, f, &identityFixture{plainService: plainService{name: "identity"}})
	const secret = "device-secret-0123456789"
	identity := identityv1.NewIdentityServiceClient(s.Dial(t, ""))
	for _, device := range []string{secret, secret + " with a space"} { // refused by the fixture, refused by the rules
		_, err := identity.SignIn(t.Context(), &identityv1.SignInRequest{
			Credential: &identityv1.SignInRequest_Device{Device: &identityv1.DeviceCredential{DeviceId: device}},
		})
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("err = %v", err)
		}
	}
	token := s.Authority.Player(playerA)
	wantFault(t, call(t, s, token, playerA), fault.Internal, "INTERNAL")
	wantFault(t, call(t, s, token+"x", playerA), fault.Unauthenticated, auth.ReasonTokenMalformed)
	lines := out.lines(t, 4)
	for _, hidden := range []string{secret, token, strings.Split(token, ".")[2]} {
		if strings.Contains(out.String(), hidden) {
			t.Errorf("the log holds %q", hidden)
		}
	}
	if stack, _ := lines[2]["stack"].(string); !strings.Contains(stack, "observe_test.go") {
		t.Errorf("no stack of the panic in %v", lines[2])
	}
}

func TestMetrics(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	f := newFixture()
	f.get = func(ctx context.Context, _ *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		cosmos.MeterFrom(ctx).Add(2)
		return &profilev1.GetProfileResponse{}, nil
	}
	deps := grpcserver.Deps{Meter: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))}
	s := grpcservertest.StartWith(t, grpcserver.Config{}, deps, f)
	token := s.Authority.Player(playerA)
	for range 3 {
		if err := call(t, s, token, playerA); err != nil {
			t.Fatal(err)
		}
	}
	wantFault(t, call(t, s, token, "bad id"), fault.InvalidArgument, "INVALID_FIELD")
	ctx := metadata.AppendToOutgoingContext(t.Context(), "supergame-session", "!!", "authorization", "Bearer "+token)
	for _, method := range []string{"/made.Up/One", "/made.Up/Two"} {
		if err := plainConn(t, s).Invoke(ctx, method, &profilev1.GetProfileRequest{}, &profilev1.GetProfileResponse{}); err == nil {
			t.Error("an unknown method answered")
		}
	}

	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	counts, charge, malformed := map[string]uint64{}, 0.0, int64(0)
	for _, m := range data.ScopeMetrics[0].Metrics {
		switch points := m.Data.(type) {
		case metricdata.Histogram[float64]:
			for _, point := range points.DataPoints {
				method, _ := point.Attributes.Value(attribute.Key("rpc.method"))
				code, _ := point.Attributes.Value(attribute.Key("rpc.response.status_code"))
				if m.Name == "rpc.server.call.duration" {
					counts[method.AsString()+" "+code.AsString()] = point.Count
				} else {
					charge += point.Sum
				}
			}
		case metricdata.Sum[int64]:
			malformed = points.DataPoints[0].Value
		}
	}
	const name = "supergame.profile.v1.ProfileService/GetProfile "
	if counts[name+"OK"] != 3 || counts[name+"InvalidArgument"] != 1 || counts["unknown PermissionDenied"] != 2 || charge != 6 || malformed != 2 {
		t.Errorf("counts %v, charge %v, malformed sessions %d", counts, charge, malformed)
	}
}

// A trace goes from the caller's span over the client's to the server's, and through a server that traces nothing.
func TestTraces(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	f := newFixture()
	var inside trace.SpanContext
	f.get = func(ctx context.Context, in *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		inside = trace.SpanContextFromContext(ctx)
		return nil, fault.New(fault.Internal, "", "broken")
	}
	for _, traced := range []bool{true, false} {
		deps, opts := grpcserver.Deps{}, grpcclient.Options{Retries: -1}
		if traced {
			deps.Tracer, opts.Tracer = provider, provider
		}
		s := grpcservertest.StartWith(t, grpcserver.Config{}, deps, f)
		opts.Tokens = grpcservertest.Token(s.Authority.Player(playerA))
		conn, err := grpcclient.Dial("http://"+s.GRPCAddr, opts)
		if err != nil {
			t.Fatal(err)
		}
		ctx, root := provider.Tracer("test").Start(t.Context(), "root")
		_, err = profilev1.NewProfileServiceClient(conn).GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: playerA})
		root.End()
		if err == nil {
			t.Error("the fixture did not fail")
		}
		if inside.TraceID() != root.SpanContext().TraceID() {
			t.Errorf("traced %v: the handler was in trace %s, want %s", traced, inside.TraceID(), root.SpanContext().TraceID())
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	kinds := map[trace.SpanKind]string{}
	for _, span := range spans.GetSpans() {
		kinds[span.SpanKind] += span.Name + " " + span.Status.Code.String() + ";"
	}
	const name = "supergame.profile.v1.ProfileService/GetProfile Error;"
	if kinds[trace.SpanKindServer] != name || kinds[trace.SpanKindClient] != name {
		t.Errorf("spans %v", kinds)
	}
}
