package cosmos_test

import (
	"testing"

	"supergame/local/emulator/emulatortest"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

// TestAKeyWithinARangeShowsThere writes a document under the key made up for each range, and looks for it in the feed of every range: it is in
// its own and in no other.
func TestAKeyWithinARangeShowsThere(t *testing.T) {
	client, _ := cosmostest.StartEmulator(t, "several partitions on order", specs(t), emulatortest.WithPartitions(5))
	notes := notesOf(client)
	feed := &cosmos.Feed{Container: notes.Container()}
	positions, err := feed.Positions(t.Context())
	if err != nil || len(positions) != 5 {
		t.Fatalf("%d positions, %v", len(positions), err)
	}
	for _, p := range positions {
		key := p.KeyWithin("beat-")
		if again := p.KeyWithin("beat-"); again != key {
			t.Errorf("the key of range %s is %q and %q", p.Min, key, again)
		}
		doc := &noteDoc{Header: cosmos.Header{ID: "n"}, Owner: key}
		if err := notes.Create(t.Context(), cosmos.PK(key), cosmos.Operation{}, doc); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range positions {
		page, err := feed.Poll(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Changes) != 1 {
			t.Fatalf("range %s shows %d documents, want the one of its key", p.Min, len(page.Changes))
		}
		doc, err := notes.Decode(page.Changes[0].Body)
		if err != nil || doc.Owner != p.KeyWithin("beat-") || !p.Holds(doc.Owner) {
			t.Errorf("range %s shows %q, want %q: %v", p.Min, doc.Owner, p.KeyWithin("beat-"), err)
		}
	}
}
