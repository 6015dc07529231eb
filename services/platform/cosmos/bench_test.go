package cosmos_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"supergame/local/emulator/emulatortest"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

// rawContainer is the bare SDK on the same database.
func rawContainer(b *testing.B, e *emulatortest.Emulator, database string) *azcosmos.ContainerClient {
	b.Helper()
	credential, err := azcosmos.NewKeyCredential(e.Key())
	if err != nil {
		b.Fatal(err)
	}
	options := &azcosmos.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: e}}
	client, err := azcosmos.NewClientWithKey("https://"+database+".localhost/", credential, options)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	container, err := client.NewContainer(database, "notes")
	if err != nil {
		b.Fatal(err)
	}
	return container
}

// BenchmarkRead compares a point read of 1 KB by the bare SDK with ours, which keeps session and charge, measures and
// decodes. All of them include the work of the emulator in the same process.
func BenchmarkRead(b *testing.B) {
	client, e := cosmostest.StartEmulator(b, "the emulator in process", specs(b))
	notes := notesOf(impatient(b, e, client.Database(), cosmos.Options{
		Meter: sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())),
	}))
	mustCreate(b, notes, note("ann", "n1", strings.Repeat("x", 700)))
	raw := rawContainer(b, e, client.Database())
	key := azcosmos.NewPartitionKeyString("ann")
	b.Run("sdk", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := raw.ReadItem(b.Context(), key, "n1", nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("sdk and unmarshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			response, err := raw.ReadItem(b.Context(), key, "n1", nil)
			if err != nil {
				b.Fatal(err)
			}
			var doc noteDoc
			if err := json.Unmarshal(response.Value, &doc); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("kind", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ctx := cosmos.WithMeter(cosmos.WithSession(b.Context(), &cosmos.Session{}), &cosmos.Meter{})
			if _, err := notes.Read(ctx, cosmos.PK("ann"), "n1"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkUpdate is a read and a guarded replace, by the bare SDK and by ours.
func BenchmarkUpdate(b *testing.B) {
	client, e := cosmostest.StartEmulator(b, "the emulator in process", specs(b))
	notes := notesOf(client)
	mustCreate(b, notes, note("ann", "n1", strings.Repeat("x", 700)))
	raw := rawContainer(b, e, client.Database())
	key := azcosmos.NewPartitionKeyString("ann")
	b.Run("sdk", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			response, err := raw.ReadItem(b.Context(), key, "n1", nil)
			if err != nil {
				b.Fatal(err)
			}
			var doc noteDoc
			if err := json.Unmarshal(response.Value, &doc); err != nil {
				b.Fatal(err)
			}
			doc.Count++
			body, err := json.Marshal(&doc)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := raw.ReplaceItem(b.Context(), key, "n1", body, &azcosmos.ItemOptions{IfMatchEtag: &response.ETag}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("kind", func(b *testing.B) {
		b.ReportAllocs()
		runs := 0
		for b.Loop() {
			if _, err := notes.Update(b.Context(), cosmos.PK("ann"), "n1", cosmos.Operation{}, increment(&runs)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSession(b *testing.B) {
	s := &cosmos.Session{}
	for _, name := range []string{"players", "handles", "leaderboard-entries", "matchmaking-tickets"} {
		cosmos.LearnForTest(s, name, "0:-1#123456#1=123450")
	}
	wire := s.Encode()
	b.ReportAllocs()
	for b.Loop() {
		parsed, ok := cosmos.ParseSession(wire)
		if !ok || parsed.Encode() != wire {
			b.Fatal("not the same session")
		}
	}
}
