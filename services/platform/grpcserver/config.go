package grpcserver

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"

	"supergame/services/platform/auth"
	"supergame/services/platform/config"
)

// Config is the server's part of the environment. A zero duration means its default.
type Config struct {
	GRPCAddr  string `env:"GRPC_ADDR" envDefault:":50051" help:"the address that gRPC listens on, e.g. :50051"`
	AdminAddr string `env:"ADMIN_ADDR" envDefault:":8080" help:"the address of health, metrics and other plain HTTP, e.g. :8080"`

	TrustedProxyHops int `env:"TRUSTED_PROXY_HOPS" envDefault:"0" help:"the number of proxies in front that append to X-Forwarded-For; 0 = believe none of it"`

	PlayerRate     float64 `env:"RATE_PLAYER" envDefault:"20" help:"calls a second of one player, twice that in a burst; 0 = no limit"`
	ProgramRate    float64 `env:"RATE_PROGRAM" envDefault:"1000" help:"calls a second of one game server or operator, twice that in a burst; 0 = no limit"`
	AddressRate    float64 `env:"RATE_ADDRESS" envDefault:"20" help:"calls a second of one client address before sign-in, twice that in a burst; 0 = no limit"`
	PlayerStreams  int     `env:"STREAMS_PLAYER" envDefault:"10" help:"open streams of one player on one replica, e.g. 10; 0 = no limit"`
	ProgramStreams int     `env:"STREAMS_PROGRAM" envDefault:"1000" help:"open streams of one game server or operator on one replica, e.g. 1000; 0 = no limit"`

	CallTimeout      time.Duration `env:"CALL_TIMEOUT" envDefault:"5s" help:"the deadline of a unary call whose caller sets none, e.g. 5s"`
	CallTimeoutMax   time.Duration `env:"CALL_TIMEOUT_MAX" envDefault:"1m" help:"the longest deadline of a unary call, e.g. 1m"`
	StreamTimeoutMax time.Duration `env:"STREAM_TIMEOUT_MAX" envDefault:"30m" help:"the longest life of a stream, e.g. 30m"`

	ConnectionAge      time.Duration `env:"CONNECTION_AGE" envDefault:"10m" help:"when a client is asked to connect again, e.g. 10m"`
	ConnectionAgeGrace time.Duration `env:"CONNECTION_AGE_GRACE" envDefault:"2m" help:"how long its calls may still take then, e.g. 2m"`

	DrainDelay   time.Duration `env:"DRAIN_DELAY" envDefault:"0s" help:"how much of DRAIN_TIMEOUT to be not ready before calls are refused, e.g. 2s"`
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT" envDefault:"25s" help:"the time from the signal to stop until open calls are cut, e.g. 25s"`
}

// Validate refuses what could not work. It returns everything that is wrong, in the order of the names.
func (c Config) Validate() error {
	var problems []*config.Error
	if c.TrustedProxyHops < 0 || c.TrustedProxyHops > 16 {
		problems = append(problems, config.Invalid("TRUSTED_PROXY_HOPS", "is %d", c.TrustedProxyHops))
	}
	for variable, rate := range map[string]float64{"RATE_PLAYER": c.PlayerRate, "RATE_PROGRAM": c.ProgramRate, "RATE_ADDRESS": c.AddressRate} {
		if !(rate >= 0 && rate <= 1e6) {
			problems = append(problems, config.Invalid(variable, "is %v", rate))
		}
	}
	for variable, streams := range map[string]int{"STREAMS_PLAYER": c.PlayerStreams, "STREAMS_PROGRAM": c.ProgramStreams} {
		if streams < 0 || streams > 1e6 {
			problems = append(problems, config.Invalid(variable, "is %d", streams))
		}
	}
	for variable, d := range map[string]time.Duration{
		"CALL_TIMEOUT": c.CallTimeout, "CALL_TIMEOUT_MAX": c.CallTimeoutMax, "STREAM_TIMEOUT_MAX": c.StreamTimeoutMax,
		"CONNECTION_AGE": c.ConnectionAge, "CONNECTION_AGE_GRACE": c.ConnectionAgeGrace,
		"DRAIN_DELAY": c.DrainDelay, "DRAIN_TIMEOUT": c.DrainTimeout,
	} {
		if d < 0 {
			problems = append(problems, config.Invalid(variable, "is negative"))
		}
	}
	if timeout := c.withDefaults().DrainTimeout; c.DrainDelay >= timeout {
		problems = append(problems, config.Invalid("DRAIN_DELAY", "is %s, which leaves nothing of the %s of DRAIN_TIMEOUT", c.DrainDelay, timeout))
	}
	slices.SortFunc(problems, func(a, b *config.Error) int { return strings.Compare(a.Variable, b.Variable) })
	errs := make([]error, len(problems))
	for i, problem := range problems {
		errs[i] = problem
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	setDefault(&c.CallTimeout, 5*time.Second)
	setDefault(&c.CallTimeoutMax, time.Minute)
	setDefault(&c.StreamTimeoutMax, 30*time.Minute)
	setDefault(&c.ConnectionAge, 10*time.Minute)
	setDefault(&c.ConnectionAgeGrace, 2*time.Minute)
	setDefault(&c.DrainTimeout, 25*time.Second)
	return c
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// Deps are the parts that a server is built from. Verifier is needed; the others have silent defaults.
type Deps struct {
	Verifier   *auth.Verifier       // run by the server, and part of its readiness
	Logger     *slog.Logger         // nil = slog.Default()
	Tracer     trace.TracerProvider // nil = no spans
	Meter      metric.MeterProvider // nil = no metrics
	Prometheus http.Handler         // /metrics; nil = not served
}

func (d Deps) withDefaults() Deps {
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	if d.Meter == nil {
		d.Meter = metricnoop.NewMeterProvider()
	}
	return d
}
