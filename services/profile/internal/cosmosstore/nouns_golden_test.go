package cosmosstore

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/platform/cosmos"
	"supergame/services/profile/internal/save"
	"supergame/services/profile/internal/statistics"
)

// wantStoredGolden compares a stored document with its golden file, but for the operations that wrote it before.
func wantStoredGolden(t *testing.T, s *Store, id, golden string) {
	t.Helper()
	stored := storedDocument(t, s, ada, id)
	dropSystemProperties(stored)
	if ops := stored["ops"].([]any); len(ops) > 1 {
		stored["ops"] = ops[len(ops)-1:]
	}
	var want map[string]any
	if err := json.Unmarshal(readGolden(t, golden), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, stored); diff != "" {
		t.Errorf("%s: %s", id, diff)
	}
}

func TestGoldenStatistics(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	service := statisticsOf(s)
	updates := []statistics.Update{{Name: "ranked.wins", Operator: statistics.Sum, Value: 7}, {Name: "score", Operator: statistics.Max, Value: 1<<62 + 1}}
	if _, err := service.Update(ctx, gameServer, ada, "request-1", updates); err != nil {
		t.Fatal(err)
	}
	marker := storedIDs(t, s, ada)[4] // live, private, profile, stats, and it
	wantStoredGolden(t, s, idStatistics, "stats")
	wantStoredGolden(t, s, marker, "stats-marker")

	stats, err := cosmos.NewKind[statisticsDoc](s.players, "stats", schemaVersion).Decode(readGolden(t, "stats"))
	if err != nil {
		t.Fatal(err)
	}
	want := statistics.Statistics{PlayerID: ada, Values: map[string]int64{"ranked.wins": 7, "score": 1<<62 + 1}, UpdateTime: changed}
	if diff := cmp.Diff(want, stats.statistics()); diff != "" {
		t.Error(diff)
	}
	answer, err := cosmos.NewKind[statisticsMarkerDoc](s.players, "stats-marker", schemaVersion).Decode(readGolden(t, "stats-marker"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, answer.answer()); diff != "" {
		t.Error(diff)
	}
}

func TestGoldenSaves(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	saves := savesOf(s)
	saves.Now = func() time.Time { return joined }
	put := save.Put{Save: save.Save{Slot: "auto", Version: save.Version{Device: "phone"}}, Content: []byte("one"), RequestID: "request-1"}
	if _, err := saves.Put(ctx, adaSaves, put); err != nil {
		t.Fatal(err)
	}
	saves.Now = func() time.Time { return changed }
	put = save.Put{Content: []byte("two"), Overwrite: true, RequestID: "request-2", Save: save.Save{
		Slot: "auto", Version: save.Version{Device: "deck"}, Description: "Chapter 3", PlayTime: 90 * time.Minute,
		Attributes: map[string]string{"level": "12"}, Public: true,
	}}
	stored, err := saves.Put(ctx, adaSaves, put)
	if err != nil {
		t.Fatal(err)
	}
	marker := markerID(idSaves, cosmos.NewOperation("player "+ada, "request-2"))
	wantStoredGolden(t, s, idSaves, "saves")
	wantStoredGolden(t, s, contentPrefix+"auto", "save")
	wantStoredGolden(t, s, marker, "save-marker")

	directory, err := cosmos.NewKind[savesDoc](s.players, "saves", schemaVersion).Decode(readGolden(t, "saves"))
	if err != nil {
		t.Fatal(err)
	}
	read, err := saves.Store.Directory(ctx, ada)
	if diff := cmp.Diff(read, directory.directory()); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if diff := cmp.Diff(stored, read.Slots["auto"].Save); diff != "" || len(read.Slots["auto"].Earlier) != 1 {
		t.Error(diff)
	}
	answer, err := cosmos.NewKind[saveMarkerDoc](s.players, "save-marker", schemaVersion).Decode(readGolden(t, "save-marker"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(stored, answer.answer()); diff != "" {
		t.Error(diff)
	}
	content, err := cosmos.NewKind[contentDoc](s.players, "save", schemaVersion).Decode(readGolden(t, "save"))
	if err != nil || string(content.Content) != "two" || content.ETag != stored.ETag {
		t.Errorf("%+v, %v", content, err)
	}
}
