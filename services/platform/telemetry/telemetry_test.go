package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
	colmetricpb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"supergame/services/platform/config"
	"supergame/services/platform/telemetry"
)

// collector stands in for an OpenTelemetry collector: it keeps the names it was sent.
type collector struct {
	coltracepb.UnimplementedTraceServiceServer
	spans chan string
}

func (c *collector) Export(_ context.Context, in *coltracepb.ExportTraceServiceRequest) (*coltracepb.ExportTraceServiceResponse, error) {
	for _, resource := range in.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans <- span.GetName()
			}
		}
	}
	return &coltracepb.ExportTraceServiceResponse{}, nil
}

type metricCollector struct {
	colmetricpb.UnimplementedMetricsServiceServer
	names chan string
}

func (c *metricCollector) Export(_ context.Context, in *colmetricpb.ExportMetricsServiceRequest) (*colmetricpb.ExportMetricsServiceResponse, error) {
	for _, resource := range in.GetResourceMetrics() {
		for _, attribute := range resource.GetResource().GetAttributes() {
			c.names <- attribute.GetKey() + "=" + attribute.GetValue().GetStringValue()
		}
		for _, scope := range resource.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				c.names <- m.GetName()
			}
		}
	}
	return &colmetricpb.ExportMetricsServiceResponse{}, nil
}

// Shutdown flushes: what was recorded a moment before it arrives at the collector.
func TestShutdownFlushesToTheCollector(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	traces, metrics := &collector{spans: make(chan string, 100)}, &metricCollector{names: make(chan string, 100)}
	server := grpc.NewServer()
	coltracepb.RegisterTraceServiceServer(server, traces)
	colmetricpb.RegisterMetricsServiceServer(server, metrics)
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()

	tel, err := telemetry.Setup(t.Context(), telemetry.Config{
		Service: "profile", Endpoint: "http://" + listener.Addr().String(), Sampling: 1, LogOutput: io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tel.Tracer.Tracer("test").Start(t.Context(), "the span")
	span.End()
	record(t, tel.Meter)
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantAmong(t, traces.spans, "the span")
	wantAmong(t, metrics.names, "test.calls", "service.name=profile")
}

func wantAmong(t *testing.T, got chan string, want ...string) {
	t.Helper()
	close(got)
	seen := map[string]bool{}
	for name := range got {
		seen[name] = true
	}
	for _, name := range want {
		if !seen[name] {
			t.Errorf("the collector has not seen %q, only %v", name, seen)
		}
	}
}

func record(t *testing.T, provider metric.MeterProvider) {
	t.Helper()
	counter, err := provider.Meter("test").Int64Counter("test.calls")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(t.Context(), 3)
}

func TestPrometheus(t *testing.T) {
	tel, err := telemetry.Setup(t.Context(), telemetry.Config{Service: "profile", LogOutput: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tel.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if tel.Tracer != nil || tel.TracerOrNone() == nil {
		t.Error("without an endpoint there should be no tracer, and a silent one on demand")
	}
	record(t, tel.Meter)
	response := httptest.NewRecorder()
	tel.Prometheus.ServeHTTP(response, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{"test_calls_total 3", `service_name="profile"`, "go_goroutines"} {
		if !strings.Contains(response.Body.String(), want) {
			t.Errorf("no %q in the metrics", want)
		}
	}
}

func TestLogCarriesTheIds(t *testing.T) {
	var out bytes.Buffer
	tel, err := telemetry.Setup(t.Context(), telemetry.Config{LogJSON: true, LogLevel: "warn", LogOutput: &out})
	if err != nil {
		t.Fatal(err)
	}
	ctx := telemetry.WithRequestID(t.Context(), "r1")
	ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}}))
	tel.Logger.InfoContext(ctx, "below the level")
	tel.Logger.With("room", "a").WarnContext(ctx, "said", "key", config.NewSecret("hidden"))
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	want := map[string]string{
		"msg": "said", "room": "a", "key": "[redacted]", "request_id": "r1",
		"trace_id": "01000000000000000000000000000000", "span_id": "0200000000000000",
	}
	for key, value := range want {
		if line[key] != value {
			t.Errorf("%s = %v, want %q", key, line[key], value)
		}
	}
	if telemetry.RequestID(t.Context()) != "" {
		t.Error("a bare context has a request id")
	}
}

func TestConfigErrors(t *testing.T) {
	for variable, environ := range map[string][]string{
		"LOG_LEVEL":                   {"LOG_LEVEL=loud"},
		"OTEL_TRACES_SAMPLER_ARG":     {"OTEL_TRACES_SAMPLER_ARG=2"},
		"OTEL_EXPORTER_OTLP_ENDPOINT": {"OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4317"},
	} {
		_, err := config.Load[telemetry.Config](environ)
		if err == nil || !strings.Contains(err.Error(), variable) {
			t.Errorf("%v: %v", environ, err)
		}
	}
	if _, err := telemetry.Setup(t.Context(), telemetry.Config{LogLevel: "loud"}); err == nil {
		t.Error("Setup took a level that there is not")
	}
}
