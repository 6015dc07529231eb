package cosmosstore

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/leaderboard/internal/archive"
	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/reward"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/leaderboard/internal/snapshot"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

// updateSeasonGolden writes the golden documents of a new type. Those of a version that was released never change.
var updateSeasonGolden = flag.Bool("update-season-golden", false, "write golden documents that are not there")

// goldenSeasonValue is the season that stands in testdata.
var goldenSeasonValue = board.Season{
	BoardID: "daily", BoardUID: "abcdefghijklm", Number: 7, State: board.Rewarding, Start: boardStart, End: boardStart.Add(time.Hour),
	NextTime: boardStart.Add(2 * time.Hour), FreezeTime: boardStart.Add(90 * time.Minute).Truncate(time.Second), EntryCount: 3, ArchiveVersion: 2, Checksum: "c0ffee",
	Replaced: []board.Replaced{{Version: 1, Checksum: "beef"}}, LateWrites: 1, Grants: 4, Forfeits: 5,
	ArchiveTime: boardStart.Add(91 * time.Minute).Truncate(time.Second), Seed: []byte("seed"), Cursor: 6,
	Rewards: []board.Tier{{Name: "gold", MaxRank: 1, Grants: map[string]int64{"gems": 1<<53 - 1}}}, ExpireTime: boardStart.Add(1000 * time.Hour),
}

func goldenHash(b byte) (hash [32]byte) {
	hash[0], hash[31] = b, b
	return hash
}

var goldenOrder = archive.Order{
	ID: "o|abcdefghijklm|7|2|0|aa", Segment: 0, Count: 3, Erased: 1, Checksum: goldenHash(1), Values: []archive.Span{{Value: "DE", Count: 2}, {Value: "FR", From: 2, Count: 1}},
	Chunks: []archive.Ref{{ID: "c|1", Count: 3, Erased: 1, Value: "DE", First: "key", Hash: goldenHash(2)}},
}

var goldenArchive = archive.Header{
	Name:    archive.Name{BoardID: "daily", BoardUID: "abcdefghijklm", Season: 7, Version: 2, Checksum: "0100000000000000000000000000000000000000000000000000000000000001"},
	Columns: 1, Shared: true, Segments: []string{goldenOrder.ID},
	Order: archive.Order{
		ID: "h|abcdefghijklm|7|2|01000000000000000000000000000000", Segment: archive.Everybody, Count: 3, Erased: 1, Checksum: goldenHash(1),
		Chunks: []archive.Ref{{ID: "c|2", Count: 3, Erased: 1, First: "key", Hash: goldenHash(2)}},
	},
}

var goldenRows = []archive.Row{
	{PlayerID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Key: "\x00key\xff", Inline: []byte{1}, Segments: []string{"DE", ""}, Salt: []byte("salt"), Hash: goldenHash(3)},
	{Hash: goldenHash(4), Tie: 1},
}

var goldenGrant = reward.Grant{
	PlayerID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", BoardID: "daily", BoardUID: "abcdefghijklm", Season: 7, Tier: "gold", Rank: 1, Assets: map[string]int64{"gems": 1<<53 - 1},
	State: reward.Forfeited, Reason: "HIDDEN", UpdateTime: boardStart,
}

var goldenSnapshot = snapshot.Header{
	Origin: "here", Generation: 1_772_359_200_120_000, CreateTime: boardStart,
	Positions: []snapshot.Position{{Min: "", Max: "FF", Token: "token", AsOf: boardStart.Add(-time.Second)}},
	Seasons: []snapshot.Season{{
		BoardID: "daily", BoardUID: "abcdefghijklm", Number: 7, KeyBytes: 22, Segments: 1, Chunks: []snapshot.Chunk{{ID: "c|1|0", Hash: goldenHash(5), Entries: 9}},
	}},
}

// stripGolden takes out what is another with each write.
func stripGolden(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	for name := range doc {
		if strings.HasPrefix(name, "_") || name == "ops" || name == "ttl" {
			delete(doc, name)
		}
	}
	return doc
}

// TestSeasonGoldens: documents are read as they are written, and are written as they stand in testdata.
func TestSeasonGoldens(t *testing.T) {
	client := cosmostest.StartShared(t, boardSpecs(t))
	now := func() time.Time { return boardStart }
	boards, archives, grants, snapshots := NewBoards(client, now), NewArchives(client, now), NewGrants(client), NewSnapshots(client, "all")
	ctx := boardSession(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	made := createBoard(t, boards, "daily")
	_, err := boards.UpdateSeason(ctx, &made, 1, func(s *board.Season) (bool, error) {
		etag := s.ETag
		*s = goldenSeasonValue
		s.ETag = etag
		return true, nil
	})
	must(err)
	must(archives.PutHeader(ctx, &goldenArchive, boardStart.Add(time.Hour)))
	must(archives.PutOrder(ctx, goldenArchive.Name, &goldenOrder, boardStart.Add(time.Hour)))
	must(archives.PutChunk(ctx, goldenArchive.Name, "c|2", goldenRows, boardStart.Add(time.Hour)))
	pending := goldenGrant
	pending.State, pending.Reason = reward.Pending, ""
	_, err = grants.Begin(ctx, pending)
	must(err)
	_, err = grants.Finish(ctx, goldenGrant)
	must(err)
	_, err = snapshots.Reserve(ctx, goldenSnapshot.Generation, 64)
	must(err)
	_, err = snapshots.Publish(ctx, &goldenSnapshot)
	must(err)
	buried := entryID("abcdefghijklm", 7, "main")
	entries := NewEntries(client, "main", now)
	_, err = entries.Submit(ctx, scores.Request{
		PlayerID: goldenGrant.PlayerID, Targets: []scores.Target{{Ref: scores.Ref{BoardID: "daily", BoardUID: "abcdefghijklm", Season: 7}}},
	}, func(list []*board.Entry) ([]bool, error) {
		e := list[0]
		e.Columns, e.Version, e.Metadata, e.Segments = []int64{1}, 1, []byte(`{"a":1}`), map[string]string{"country": "DE"}
		e.Key = board.NewKey([]board.Column{{Name: "points"}}, e.Columns, boardStart, e.PlayerID, nil)
		return []bool{true}, nil
	})
	must(err)
	// In this order: the grant is gone with the erasure.
	for _, golden := range [][3]string{
		{"season-rewarding", Boards, seasonID(made.UID, 1)}, {"archive", Archives, goldenArchive.HeaderID()}, {"archive-order", Archives, goldenOrder.ID},
		{"archive-chunk", Archives, "c|2"}, {"snapshot", Snapshots, "snapshot|all"}, {"grant", Entries, grantID(&goldenGrant)},
		{"entry-erased", Entries, buried}, {"erasure", Entries, idErasure},
	} {
		name, stand := golden[0], golden[1:]
		if stand[1] == buried {
			swept, err := NewPlayerData(client).Sweep(ctx, goldenGrant.PlayerID, boardStart, 100)
			if err != nil || len(swept.Tombstones) != 1 || swept.Tombstones[0].Key == "" {
				t.Fatalf("%+v, %v", swept, err)
			}
		}
		rows, err := cosmos.Select[json.RawMessage](ctx, client.Container(stand[0]), cosmos.Key{}, cosmos.SQL("SELECT * FROM c WHERE c.id = @id").With("@id", stand[1]))
		if err != nil || len(rows) != 1 {
			t.Fatalf("%s: %d documents, %v", name, len(rows), err)
		}
		got := stripGolden(t, rows[0])
		file := filepath.Join("testdata", name+".v1.json")
		if _, err := os.Stat(file); *updateSeasonGolden && os.IsNotExist(err) {
			text, err := json.MarshalIndent(got, "", "  ")
			must(err)
			must(os.MkdirAll("testdata", 0o750))
			must(os.WriteFile(file, append(text, '\n'), 0o600))
		}
		text, err := os.ReadFile(file)
		must(err)
		if diff := cmp.Diff(stripGolden(t, text), got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestSeasonGoldensAreRead: the documents of testdata mean what they meant when they were written.
func TestSeasonGoldensAreRead(t *testing.T) {
	client := cosmostest.StartShared(t, boardSpecs(t))
	boards, archives, grants, snapshots := NewBoards(client, time.Now), NewArchives(client, time.Now), NewGrants(client), NewSnapshots(client, "all")
	read := func(name string) []byte {
		t.Helper()
		text, err := os.ReadFile(filepath.Join("testdata", name+".v1.json"))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	compare := func(name string, want, got any, err error) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	season, err := boards.seasons.Decode(read("season-rewarding"))
	if err != nil {
		t.Fatal(err)
	}
	compare("season", goldenSeasonValue, season.decode(), nil)
	header, err := archives.headers.Decode(read("archive"))
	if err != nil {
		t.Fatal(err)
	}
	gotHeader, err := header.header(goldenArchive.Name)
	compare("archive", goldenArchive, gotHeader, err)
	order, err := archives.orders.Decode(read("archive-order"))
	if err != nil {
		t.Fatal(err)
	}
	gotOrder, err := order.order()
	compare("archive-order", goldenOrder, gotOrder, err)
	chunk, err := archives.chunks.Decode(read("archive-chunk"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := chunk.decode()
	compare("archive-chunk", goldenRows, rows, err)
	grant, err := grants.grants.Decode(read("grant"))
	if err != nil {
		t.Fatal(err)
	}
	compare("grant", goldenGrant, grant.decode(), nil)
	stored, err := snapshots.headers.Decode(read("snapshot"))
	if err != nil {
		t.Fatal(err)
	}
	gotSnapshot, err := stored.header()
	compare("snapshot", &goldenSnapshot, gotSnapshot, err)
}
