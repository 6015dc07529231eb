package cosmosstore

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

// TestGoldenPositions keeps the stored form of positions.
func TestGoldenPositions(t *testing.T) {
	client, ctx := cosmostest.StartShared(t, specs(t)), newSession(t)
	p := NewPositions(client, "players-feed")
	if found, err := p.Load(ctx); found != nil || err != nil {
		t.Errorf("before the first: %v, %v", found, err)
	}
	both := []cosmos.FeedPosition{{Max: "1FFF", Token: "a"}, {Min: "1FFF", Max: "FF", Token: "b"}}
	if err := p.Start(ctx, both); err != nil {
		t.Fatal(err)
	}
	for _, one := range []cosmos.FeedPosition{{Min: "1FFF", Max: "FF", Token: "c"}, {Min: "1FFF", Max: "2FFF", Token: "of another range"}} {
		if err := p.Save(ctx, one); err != nil {
			t.Fatal(err)
		}
	}
	both[1].Token = "c"
	found, err := p.Load(ctx)
	if diff := cmp.Diff(both, found); diff != "" || err != nil {
		t.Error(diff, err)
	}
	rows, err := cosmos.Select[map[string]any](ctx, p.kind.Container(), cosmos.PK(p.id), cosmos.SQL("SELECT * FROM c"))
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	dropSystemProperties(rows[0])
	delete(rows[0], "ops") // random
	var want map[string]any
	if err := json.Unmarshal(readGolden(t, "feedPositions"), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, rows[0]); diff != "" {
		t.Error(diff)
	}
	doc, err := p.kind.Decode(readGolden(t, "feedPositions"))
	if err != nil || !cmp.Equal(doc.Positions, both) {
		t.Errorf("%+v, %v", doc, err)
	}
}

func TestPositionsCoverTheContainer(t *testing.T) {
	for what, test := range map[string]struct {
		positions []cosmos.FeedPosition
		covers    bool
	}{
		"one": {[]cosmos.FeedPosition{{Max: "FF"}}, true}, "two": {[]cosmos.FeedPosition{{Max: "7F"}, {Min: "7F", Max: "FF"}}, true},
		"none": {nil, false}, "a gap": {[]cosmos.FeedPosition{{Max: "7E"}, {Min: "7F", Max: "FF"}}, false},
		"no end": {[]cosmos.FeedPosition{{Max: "7F"}}, false}, "no begin": {[]cosmos.FeedPosition{{Min: "7F", Max: "FF"}}, false},
	} {
		if covers(test.positions) != test.covers {
			t.Errorf("%s: %v, want %v", what, !test.covers, test.covers)
		}
	}
}
