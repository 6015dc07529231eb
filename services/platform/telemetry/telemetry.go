// Package telemetry sets up a program's logs, metrics and traces.
//
// Metrics stand on the admin port for Prometheus. With OTEL_EXPORTER_OTLP_ENDPOINT set, metrics and traces also go to a collector
// over OTLP/gRPC; without it nothing is traced, but an incoming trace context still travels on and stands in the log.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"supergame/services/platform/config"
)

// Config says where telemetry goes. Besides, the SDK and its exporters read the other OTEL_* variables themselves, such as
// OTEL_EXPORTER_OTLP_HEADERS and OTEL_RESOURCE_ATTRIBUTES (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
type Config struct {
	Service  string  // the program's name, e.g. "profile"; set by its main
	Endpoint string  `env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"the address of an OpenTelemetry collector, e.g. http://localhost:4317"`
	Sampling float64 `env:"OTEL_TRACES_SAMPLER_ARG" envDefault:"0.05" help:"the share of traces to keep, from 0 to 1"`
	LogLevel string  `env:"LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error"`
	LogJSON  bool    `env:"LOG_JSON" envDefault:"true" help:"true for JSON lines, false for text"`

	LogOutput io.Writer `env:"-"` // nil = standard error
}

// Validate checks the level, the share and the endpoint.
func (c Config) Validate() error {
	var level slog.Level
	if c.LogLevel != "" && level.UnmarshalText([]byte(c.LogLevel)) != nil {
		return config.Invalid("LOG_LEVEL", "is %q", c.LogLevel)
	}
	if !(c.Sampling >= 0 && c.Sampling <= 1) {
		return config.Invalid("OTEL_TRACES_SAMPLER_ARG", "is %v", c.Sampling)
	}
	if c.Endpoint != "" {
		parsed, err := url.Parse(c.Endpoint)
		if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
			return config.Invalid("OTEL_EXPORTER_OTLP_ENDPOINT", "is no http or https address")
		}
	}
	return nil
}

// Telemetry is what [Setup] made. Hand its parts to the rooms that need them; nothing is set globally.
type Telemetry struct {
	Logger     *slog.Logger
	Tracer     trace.TracerProvider // nil without an endpoint or with a share of 0: spend nothing on spans
	Meter      metric.MeterProvider
	Prometheus http.Handler // the metrics in Prometheus' text format, for /metrics

	shutdown []func(context.Context) error
}

// Setup starts logs, metrics and traces. It does not wait for the collector. Call Shutdown before the program ends.
func Setup(ctx context.Context, cfg Config) (*Telemetry, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	described, err := describe(ctx, cfg.Service)
	if err != nil {
		return nil, err
	}
	t := &Telemetry{Logger: slog.New(NewHandler(logHandler(cfg)))}
	if err := t.startMetrics(ctx, cfg, described); err != nil {
		return nil, fmt.Errorf("starting metrics: %w", err)
	}
	if cfg.Endpoint == "" || cfg.Sampling == 0 {
		return t, nil
	}
	if err := t.startTraces(ctx, cfg, described); err != nil {
		return nil, errors.Join(fmt.Errorf("starting traces: %w", err), t.Shutdown(ctx))
	}
	return t, nil
}

// TracerOrNone returns the tracer provider for what needs one.
func (t *Telemetry) TracerOrNone() trace.TracerProvider {
	if t.Tracer == nil {
		return noop.NewTracerProvider()
	}
	return t.Tracer
}

// Shutdown sends what is still buffered and stops the exporters.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	errs := make([]error, 0, len(t.shutdown))
	for _, stop := range t.shutdown {
		errs = append(errs, stop(ctx))
	}
	t.shutdown = nil
	return errors.Join(errs...)
}

// describe names the program in all it sends. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have the last word.
func describe(ctx context.Context, service string) (*resource.Resource, error) {
	described, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.namespace", "supergame"), attribute.String("service.name", service)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("describing the program: %w", err)
	}
	return described, nil
}

func (t *Telemetry) startMetrics(ctx context.Context, cfg Config, described *resource.Resource) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return err
	}
	options := []sdkmetric.Option{sdkmetric.WithResource(described), sdkmetric.WithReader(exporter)}
	if cfg.Endpoint != "" {
		otlp, err := otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithEndpointURL(cfg.Endpoint))
		if err != nil {
			return err
		}
		options = append(options, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(otlp)))
	}
	provider := sdkmetric.NewMeterProvider(options...)
	t.Meter = provider
	t.Prometheus = promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry})
	t.shutdown = append(t.shutdown, provider.Shutdown)
	return nil
}

// startTraces decides by the trace's id, so that every service that a call passes decides alike. A caller can keep his trace out, but
// not in.
func (t *Telemetry) startTraces(ctx context.Context, cfg Config, described *resource.Resource) error {
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(cfg.Endpoint))
	if err != nil {
		return err
	}
	share := sdktrace.TraceIDRatioBased(cfg.Sampling)
	sampler := sdktrace.ParentBased(share, sdktrace.WithRemoteParentSampled(share))
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(described), sdktrace.WithSampler(sampler), sdktrace.WithBatcher(exporter))
	t.Tracer = provider
	t.shutdown = append(t.shutdown, provider.Shutdown)
	return nil
}

func logHandler(cfg Config) slog.Handler {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		level = slog.LevelInfo // an empty one; Validate has seen the others
	}
	var output io.Writer = os.Stderr
	if cfg.LogOutput != nil {
		output = cfg.LogOutput
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.LogJSON {
		return slog.NewJSONHandler(output, options)
	}
	return slog.NewTextHandler(output, options)
}
