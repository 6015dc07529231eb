package cosmos_test

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

func TestCallsAreMeasuredAndTraced(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "a second client", specs(t))
	reader, spans := sdkmetric.NewManualReader(), tracetest.NewSpanRecorder()
	notes := notesOf(impatient(t, e, client.Database(), cosmos.Options{
		Meter:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
		Tracer: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)),
	}))
	mustCreate(t, notes, note("ann", "n1", ""))
	mustRead(t, notes, "ann", "n1")
	mustRead(t, notes, "ann", "n1")
	if _, err := notes.Read(t.Context(), cosmos.PK("ann"), "missing"); !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	type row struct{ name, operation, status string }
	counts := map[row]uint64{}
	sums := map[row]float64{}
	for _, m := range data.ScopeMetrics[0].Metrics {
		for _, p := range m.Data.(metricdata.Histogram[float64]).DataPoints {
			operation, _ := p.Attributes.Value(attribute.Key("db.operation.name"))
			status, _ := p.Attributes.Value(attribute.Key("db.response.status_code"))
			r := row{m.Name, operation.AsString(), status.AsString()}
			counts[r], sums[r] = p.Count, p.Sum
			if container, _ := p.Attributes.Value(attribute.Key("db.collection.name")); container.AsString() != "notes" {
				t.Errorf("container %q", container.AsString())
			}
		}
	}
	for _, name := range []string{"db.client.operation.duration", "azure.cosmosdb.client.operation.request_charge"} {
		for r, want := range map[row]uint64{{name, "create_item", "201"}: 1, {name, "read_item", "200"}: 2, {name, "read_item", "404"}: 1} {
			if counts[r] != want || sums[r] <= 0 {
				t.Errorf("%v: %d recorded, sum %v; want %d", r, counts[r], sums[r], want)
			}
		}
	}
	if got := sums[row{"azure.cosmosdb.client.operation.request_charge", "read_item", "200"}]; got < 1.9 || got > 2.2 {
		t.Errorf("two reads cost %v RU", got)
	}
	if len(spans.Ended()) < 4 {
		t.Errorf("%d spans", len(spans.Ended()))
	}
}
