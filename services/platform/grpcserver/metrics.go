package grpcserver

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc/codes"

	"supergame/services/platform/cosmos"
)

// metrics are rate, errors and duration of every method, and what it spends on the store.
type metrics struct {
	duration   metric.Float64Histogram // s, by method and status; its count is the rate
	charge     metric.Float64Histogram // request units, by method
	badSession metric.Int64Counter     // sessions that could not be read
	streams    atomic.Int64            // open now: a gauge to scale on
}

func newMetrics(provider metric.MeterProvider) (*metrics, error) {
	meter := provider.Meter(scope)
	m := &metrics{}
	var errs [4]error
	m.duration, errs[0] = meter.Float64Histogram("rpc.server.call.duration", metric.WithUnit("s"),
		metric.WithDescription("Time from the arrival of a call to its end."),
		metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10))
	m.charge, errs[1] = meter.Float64Histogram("supergame.rpc.request_charge", metric.WithUnit("{request_unit}"),
		metric.WithDescription("Request units that a call spent on Cosmos DB, in the services it called too."),
		metric.WithExplicitBucketBoundaries(1, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 100, 250, 1000))
	m.badSession, errs[2] = meter.Int64Counter("supergame.rpc.session.malformed", metric.WithDescription("Sessions that could not be read and were ignored."))
	_, errs[3] = meter.Int64ObservableGauge("supergame.rpc.streams", metric.WithDescription("Streams that are open."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(m.streams.Load())
			return nil
		}))
	return m, errors.Join(errs[:]...)
}

const codeCount = int(codes.Unauthenticated) + 1

// methodMetrics are the attribute sets of one method, made once.
type methodMetrics struct {
	byCode [codeCount][]metric.RecordOption
	charge []metric.RecordOption
}

func newMethodMetrics(full string) *methodMetrics {
	name := attribute.String("rpc.method", strings.TrimPrefix(full, "/"))
	system := attribute.String("rpc.system.name", "grpc")
	m := &methodMetrics{charge: []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(name, system))}}
	for code := range m.byCode {
		status := attribute.String("rpc.response.status_code", codes.Code(code).String())
		m.byCode[code] = []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(name, system, status))}
	}
	return m
}

func (m *metrics) record(ctx context.Context, of *methodMetrics, code codes.Code, took time.Duration, meter *cosmos.Meter) {
	if int(code) >= codeCount {
		code = codes.Unknown
	}
	m.duration.Record(ctx, took.Seconds(), of.byCode[code]...)
	if charge := meter.Charge(); charge > 0 {
		m.charge.Record(ctx, charge, of.charge...)
	}
}
