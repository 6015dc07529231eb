package cosmos

import (
	"context"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

const scope = "supergame/services/platform/cosmos"

// metrics records every SDK call by the names of the OpenTelemetry conventions for databases.
type metrics struct {
	duration metric.Float64Histogram
	charge   metric.Float64Histogram
	sets     sync.Map // setKey -> metric.MeasurementOption, because building one costs more than recording
}

type setKey struct {
	container, operation string
	status               int
	failed               bool
}

type measured struct {
	container, operation string
	elapsed              time.Duration
	charge               float64
	status               int
	failed               bool
}

func newMetrics(provider metric.MeterProvider) (*metrics, error) {
	if provider == nil {
		provider = noop.NewMeterProvider()
	}
	meter := provider.Meter(scope)
	duration, err := meter.Float64Histogram("db.client.operation.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of a call to the store, with the SDK's own retries."),
		metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5))
	if err != nil {
		return nil, err
	}
	charge, err := meter.Float64Histogram("azure.cosmosdb.client.operation.request_charge", metric.WithUnit("{request_unit}"),
		metric.WithDescription("Request units a call to the store consumed."),
		metric.WithExplicitBucketBoundaries(1, 2, 3, 5, 7.5, 10, 15, 25, 50, 100, 250, 500, 1000))
	if err != nil {
		return nil, err
	}
	return &metrics{duration: duration, charge: charge}, nil
}

func (m *metrics) record(ctx context.Context, c measured) {
	set := m.attributes(setKey{c.container, c.operation, c.status, c.failed})
	m.duration.Record(ctx, c.elapsed.Seconds(), set)
	m.charge.Record(ctx, c.charge, set)
}

func (m *metrics) attributes(key setKey) metric.MeasurementOption {
	if set, ok := m.sets.Load(key); ok {
		return set.(metric.MeasurementOption)
	}
	attributes := []attribute.KeyValue{
		attribute.String("db.system.name", "azure.cosmosdb"),
		attribute.String("db.collection.name", key.container),
		attribute.String("db.operation.name", key.operation),
		attribute.String("db.response.status_code", strconv.Itoa(key.status)),
	}
	if key.failed {
		attributes = append(attributes, attribute.String("error.type", strconv.Itoa(key.status)))
	}
	set := metric.WithAttributeSet(attribute.NewSet(attributes...))
	m.sets.Store(key, set)
	return set
}
