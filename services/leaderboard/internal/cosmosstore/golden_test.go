package cosmosstore

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/players"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

const goldenPlayer = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

var goldenTime = time.Date(2026, 3, 28, 23, 59, 58, 123_000_000, time.UTC)

// goldenBoard says everything that a definition can say.
func goldenBoard() board.Board {
	least, most := int64(math.MinInt64), int64(math.MaxInt64)
	return board.Board{
		ID: "golden", UID: "aaaaaaaaaaaaa", DisplayName: "Golden", Operator: board.Best,
		Columns:    []board.Column{{Name: "points", Descending: true, Decimals: 2, Min: &least, Max: &most}, {Name: "time"}},
		SharedTies: true, PlayersSubmit: true, ServersSubmit: true,
		Segments: []board.Segment{{Name: "country", Source: board.FromCountry}, {Name: "platform", Source: board.FromSubmission, Values: []string{"pc"}}},
		Schedule: &board.Schedule{Cron: "0 0 * * *", Zone: "Europe/Berlin"}, Grace: time.Minute, Review: time.Hour, Retention: 24 * time.Hour,
		InlineBytes: 8, KeepAttempts: true, SubmitsPerMinute: 60,
		Rewards:    []board.Tier{{Name: "gold", MaxRank: 3, Grants: map[string]int64{"gold": 100}}, {Name: "rest", MaxPercentile: 50, Grants: map[string]int64{"gold": 1}}},
		CreateTime: goldenTime, UpdateTime: goldenTime, Season: 1, Start: goldenTime, End: goldenTime.Add(time.Hour), NextEnd: goldenTime.Add(25 * time.Hour),
	}
}

func goldenSpecs(t *testing.T) []cosmos.ContainerSpec {
	t.Helper()
	text, err := os.ReadFile("../../containers.json")
	if err != nil {
		t.Fatal(err)
	}
	specs, err := cosmos.ParseSpecs(text)
	if err != nil {
		t.Fatal(err)
	}
	return specs
}

// compareGolden holds a stored document to its golden file, but for what the store and chance put in. UPDATE=1 writes the file.
func compareGolden(t *testing.T, container *cosmos.Container, key, prefix, name string) []byte {
	t.Helper()
	statement := cosmos.SQL("SELECT * FROM c WHERE STARTSWITH(c.id, @prefix)").With("@prefix", prefix)
	docs, err := cosmos.Select[map[string]any](t.Context(), container, cosmos.PK(key), statement)
	if err != nil || len(docs) != 1 {
		t.Fatalf("%s: %d documents, %v", name, len(docs), err)
	}
	doc := docs[0]
	for property := range doc {
		if strings.HasPrefix(property, "_") {
			delete(doc, property)
		}
	}
	if name == "leaderboard" || name == "season" || name == "player" || name == "heartbeat" {
		delete(doc, "ops") // random: these writes have no request id
	}
	if name == "heartbeat" {
		doc["id"] = "h|random"
	}
	file := filepath.Join("testdata", name+".v1.json")
	if os.Getenv("UPDATE") != "" {
		text, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(text, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Errorf("%s:\n%s", name, diff)
	}
	return text
}

// TestGoldenBoards writes a definition with its season, holds both to the golden documents, and reads those.
func TestGoldenBoards(t *testing.T) {
	client := cosmostest.StartShared(t, goldenSpecs(t))
	s := NewBoards(client, func() time.Time { return goldenTime })
	want := goldenBoard()
	if _, _, err := s.Create(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	text := compareGolden(t, s.container, want.ID, idDefinition, "leaderboard")
	doc, err := s.definitions.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, doc.decode()); diff != "" {
		t.Errorf("the golden definition is read as\n%s", diff)
	}
	text = compareGolden(t, s.container, want.ID, "s|", "season")
	season, err := s.seasons.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.OpenSeason(), season.decode()); diff != "" {
		t.Errorf("the golden season is read as\n%s", diff)
	}
}

// TestGoldenEntries writes an entry with its attempt, a heartbeat and a player, holds all to the golden documents, and reads those.
func TestGoldenEntries(t *testing.T) {
	client := cosmostest.StartShared(t, goldenSpecs(t))
	now := func() time.Time { return goldenTime }
	s, b := NewEntries(client, "main", now), goldenBoard()
	submission := board.Submission{
		PlayerID: goldenPlayer, Columns: []int64{math.MaxInt64, 1<<53 + 1}, Metadata: []byte(`{"ship":"falcon"}`), Inline: []byte{1, 2, 255},
		Segments: map[string]string{"platform": "pc"}, Country: "DE", AchieveTime: goldenTime.Add(-time.Second), ReceiveTime: goldenTime,
	}
	request := scores.Request{PlayerID: goldenPlayer, Caller: "player " + goldenPlayer, RequestID: "request-1", Content: []byte("content"), Targets: []scores.Target{{
		Ref: scores.Ref{BoardID: b.ID, BoardUID: b.UID, Season: 1}, Marked: true, ExpireTime: b.End.Add(b.Retention),
		Attempt: scores.Attempt{Columns: submission.Columns, Time: goldenTime, Metadata: submission.Metadata, RequestID: "request-1"},
	}}}
	outcomes, err := s.Submit(t.Context(), request, func(entries []*board.Entry) ([]bool, error) {
		improved, err := b.Apply(entries[0], &submission, []byte("secret"))
		return []bool{improved}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := outcomes[0].Entry
	text := compareGolden(t, s.container, goldenPlayer, "e|", "entry")
	got, err := DecodeEntry(text)
	if err != nil {
		t.Fatal(err)
	}
	want.ETag, got.ETag = "", ""
	var metadata bytes.Buffer // the file is indented
	if err := json.Compact(&metadata, got.Metadata); err != nil {
		t.Fatal(err)
	}
	got.Metadata = metadata.Bytes()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the golden entry is read as\n%s", diff)
	}
	text = compareGolden(t, s.container, goldenPlayer, "a|", "attempt")
	marker, err := s.markers.Decode(text)
	if err != nil || marker.RequestID != "request-1" || !marker.Improved || marker.Columns[1] != "9007199254740993" {
		t.Errorf("the golden attempt is read as %+v, %v", marker, err)
	}

	known := players.Known{Version: 7, Standing: scores.Standing{Country: "DE", Suspended: true}, Marked: true}
	people := NewPlayers(client)
	if _, err := people.SetPlayer(t.Context(), goldenPlayer, known); err != nil {
		t.Fatal(err)
	}
	text = compareGolden(t, s.container, goldenPlayer, idPlayer, "player")
	player, err := people.players.Decode(text)
	if err != nil || player.decode() != known {
		t.Errorf("the golden player is read as %+v, %v", player, err)
	}

	whole := cosmos.FeedPosition{Min: "", Max: "FF"}
	if err := NewHeartbeats(client).Beat(t.Context(), whole.Min, whole.Max, "owner", goldenTime); err != nil {
		t.Fatal(err)
	}
	text = compareGolden(t, s.container, whole.KeyWithin(heartbeatKey), "h|", "heartbeat")
	beat, err := DecodeHeartbeat(text)
	if err != nil || beat.Max != "FF" || beat.Owner != "owner" || !beat.At.Equal(goldenTime) {
		t.Errorf("the golden heartbeat is read as %+v, %v", beat, err)
	}
}

// FuzzDecodeEntry reads anything as the feed may show it: an entry or an error.
func FuzzDecodeEntry(f *testing.F) {
	for _, name := range []string{"entry", "heartbeat", "attempt"} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".v1.json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"k":"00","columns":["1"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if e, err := DecodeEntry(text); err == nil && e.Key != "" && len(e.Key) != board.KeyBytes(len(e.Columns)) {
			t.Errorf("%q is read as an entry with %d columns and a key of %d bytes", text, len(e.Columns), len(e.Key))
		}
	})
}
