package cosmosstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
	"supergame/services/platform/playerdata"
	"supergame/services/profile/internal/profile"
)

// noteDoc stands for the documents that a partition may hold besides the first three.
type noteDoc struct {
	cosmos.Header
	PlayerID string `json:"playerId"`
	Text     string `json:"text"`
}

// addNotes puts n more documents into a player's partition, with ids that sort as they were made.
func addNotes(t *testing.T, s *Store, playerID string, n int) {
	t.Helper()
	kind := cosmos.NewKind[noteDoc](s.players, "note", 1)
	key := cosmos.PK(playerID)
	for made := 0; made < n; {
		batch := s.players.Batch(key, cosmos.Operation{}).Read(idLive)
		for ; made < n && batch.Len() < cosmos.MaxBatch; made++ {
			note := &noteDoc{PlayerID: playerID, Text: "a note"}
			note.ID = fmt.Sprintf("note-%04d", made)
			batch.Create(kind.Item(note))
		}
		if _, err := batch.Execute(newSession(t)); err != nil {
			t.Fatal(err)
		}
	}
}

func newPlayerData(s *Store, limit int) *playerdata.Service {
	return &playerdata.Service{
		Stores: []playerdata.Store{&PlayerData{players: s.players}},
		Tokens: pagetoken.New(nil), Now: func() time.Time { return changed }, Limit: limit,
	}
}

func storedIDs(t *testing.T, s *Store, playerID string) []string {
	t.Helper()
	ids, err := cosmos.Select[string](newSession(t), s.players, cosmos.PK(playerID), cosmos.SQL("SELECT VALUE c.id FROM c"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

func TestErase(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada, bob)
	addNotes(t, s, ada, 240)
	data := newPlayerData(s, 1000)
	got, err := data.Erase(ctx, ada)
	want := playerdata.Erasure{Done: true, Deleted: map[string]int64{Players: 243}, Containers: []string{Players}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if ids := storedIDs(t, s, ada); len(ids) != 0 {
		t.Errorf("still there: %v", ids)
	}
	got, err = data.Erase(ctx, ada)
	if diff := cmp.Diff(playerdata.Erasure{Done: true, Deleted: map[string]int64{}, Containers: []string{Players}}, got); diff != "" || err != nil {
		t.Errorf("a second time: %s %v", diff, err)
	}
	if diff := cmp.Diff([]string{"live", "private", "profile"}, storedIDs(t, s, bob)); diff != "" {
		t.Errorf("another player: %s", diff)
	}
}

func TestEraseInSteps(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	addNotes(t, s, ada, 130)
	data := newPlayerData(s, 1)
	total, calls := int64(0), 0
	for done := false; !done; calls++ {
		got, err := data.Erase(ctx, ada)
		if err != nil {
			t.Fatal(err)
		}
		if calls == 0 {
			if slices.Contains(storedIDs(t, s, ada), idLive) {
				t.Error("the guard outlived the first step")
			}
		}
		done = got.Done
		total += got.Deleted[Players]
	}
	if total != 133 || calls < 3 {
		t.Errorf("%d documents in %d calls, want 133 in several", total, calls)
	}
	if ids := storedIDs(t, s, ada); len(ids) != 0 {
		t.Errorf("still there: %v", ids)
	}
}

func TestEraseUnderFaults(t *testing.T) {
	subtests := map[string]func(*testing.T){}
	for failureName, failure := range passing {
		for step := range 2 { // the guard, then the rest
			subtests[fmt.Sprintf("%s in step %d", failureName, step)] = func(t *testing.T) {
				s, e := newFaultyStore(t)
				ctx := newSession(t)
				mustCreate(ctx, t, s, ada)
				e.Inject(meet(emulator.Fault{Op: emulator.OpBatch, Skip: step}, failure))
				got, err := newPlayerData(s, 1000).Erase(ctx, ada)
				want := playerdata.Erasure{Done: true, Deleted: map[string]int64{Players: 3}, Containers: []string{Players}}
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Error(diff, err)
				}
				if ids := storedIDs(t, s, ada); len(ids) != 0 {
					t.Errorf("still there: %v", ids)
				}
			}
		}
	}
	together(t, subtests)
}

// TestEraseTwiceAtOnce lets a second erase do all the work between the look and the deletion of the first.
func TestEraseTwiceAtOnce(t *testing.T) {
	for step := range 2 {
		t.Run(fmt.Sprint("before batch ", step), func(t *testing.T) {
			s, e := newFaultyStore(t)
			ctx := newSession(t)
			mustCreate(ctx, t, s, ada)
			var rival playerdata.Erasure
			e.Inject(emulator.Fault{Op: emulator.OpBatch, Container: Players, Skip: step, Count: 1, Hook: func(context.Context, emulator.Point) {
				var err error
				if rival, err = newPlayerData(s, 1000).Erase(newSession(t), ada); err != nil {
					t.Error(err)
				}
			}})
			mine, err := newPlayerData(s, 1000).Erase(ctx, ada)
			if err != nil || !mine.Done || !rival.Done {
				t.Errorf("%+v and %+v, %v", mine, rival, err)
			}
			if total := mine.Deleted[Players] + rival.Deleted[Players]; total != 3 {
				t.Errorf("both together deleted %d documents, want 3", total)
			}
		})
	}
}

// TestWritesPausedByAnErase erases the player between the read and the write of every update: nothing comes back.
func TestWritesPausedByAnErase(t *testing.T) {
	for what, edit := range edits {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, answer lost: %v", what, lost), func(t *testing.T) {
				t.Parallel()
				s, e := newFaultyStore(t)
				ctx := newSession(t)
				mustCreate(ctx, t, s, ada)
				var erased playerdata.Erasure
				pause := meet(writes[what], emulator.Fault{DropBefore: lost})
				pause.Hook = func(context.Context, emulator.Point) {
					var err error
					if erased, err = newPlayerData(s, 1000).Erase(newSession(t), ada); err != nil {
						t.Error(err)
					}
				}
				e.Inject(pause)
				_, err := s.Update(ctx, edit, mark(edit, "a"))
				if fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
					t.Errorf("the paused update: %v", err)
				}
				if !erased.Done {
					t.Error("the erase is not done")
				}
				if ids := storedIDs(t, s, ada); len(ids) != 0 {
					t.Errorf("the update brought back %v", ids)
				}
			})
		}
	}
}

// TestGuardedCreatePausedByAnErase is the rule for every batch that creates a document: it begins by reading live.
func TestGuardedCreatePausedByAnErase(t *testing.T) {
	s, e := newFaultyStore(t)
	ctx := newSession(t)
	mustCreate(ctx, t, s, ada)
	e.Inject(emulator.Fault{Op: emulator.OpBatch, Container: Players, Count: 1, Hook: func(context.Context, emulator.Point) {
		if _, err := newPlayerData(s, 1000).Erase(newSession(t), ada); err != nil {
			t.Error(err)
		}
	}})
	note := &noteDoc{PlayerID: ada}
	note.ID = "note"
	kind := cosmos.NewKind[noteDoc](s.players, "note", 1)
	_, err := s.players.Batch(cosmos.PK(ada), cosmos.Operation{}).Read(idLive).Create(kind.Item(note)).Execute(ctx)
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("got %v", err)
	}
	if ids := storedIDs(t, s, ada); len(ids) != 0 {
		t.Errorf("came back: %v", ids)
	}
}

// TestCreateDuringAnErase: the guard is gone, the rest is not. The player is not made again.
func TestCreateDuringAnErase(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	data := &PlayerData{players: s.players}
	if _, err := data.Delete(ctx, ada, []string{idLive}); err != nil {
		t.Fatal(err)
	}
	made, err := s.Create(ctx, newcomer(ada))
	if made || !fault.Is(err, fault.FailedPrecondition) || fault.ReasonOf(err) != "PLAYER_ERASED" {
		t.Errorf("%v, %v", made, err)
	}
	if diff := cmp.Diff([]string{"private", "profile"}, storedIDs(t, s, ada)); diff != "" {
		t.Error(diff)
	}
}

func TestExport(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada, bob)
	addNotes(t, s, ada, 120)
	edit := profile.Edit{PlayerID: ada, Touches: profile.Parts{Public: true, Private: true}}
	if _, err := s.Update(ctx, edit, become(golden)); err != nil {
		t.Fatal(err)
	}
	parts := export(t, s, ada, "")
	if len(parts) != 124 {
		t.Fatalf("%d parts, want 123 documents and a summary", len(parts))
	}
	wantSummary(t, parts[123], 123)
	for _, part := range parts[:123] {
		for name := range part.Document.Content {
			if strings.HasPrefix(name, "_") {
				t.Errorf("%s has %s", part.Document.ID, name)
			}
		}
		if part.Container != Players || part.Document.Content["playerId"] != ada {
			t.Errorf("%s of %s stands in %s", part.Document.ID, part.Document.Content["playerId"], part.Container)
		}
	}
	if name := parts[122].Document.Content["displayName"]; name != "Ada" {
		t.Errorf("the last document is %v", parts[122].Document)
	}
}

// TestExportResumes cuts the export behind every part, and writes before it goes on: what was there at the beginning comes
// once, and the counts are of all calls.
func TestExportResumes(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	addNotes(t, s, ada, 60)
	whole := export(t, s, ada, "")
	for i, part := range whole[:len(whole)-1] {
		edit := edits["both"]
		if _, err := s.Update(ctx, edit, mark(edit, "")); err != nil {
			t.Fatal(err)
		}
		rest := export(t, s, ada, part.ResumeToken)
		if diff := cmp.Diff(ids(whole[i+1:]), ids(rest)); diff != "" {
			t.Fatalf("behind part %d: %s", i, diff)
		}
		wantSummary(t, rest[len(rest)-1], 63)
	}
	last := whole[len(whole)-1]
	again := export(t, s, ada, last.ResumeToken)
	if len(again) != 1 {
		t.Fatalf("%d parts behind the summary, want the summary again", len(again))
	}
	wantSummary(t, again[0], 63)
}

func TestExportOfNobody(t *testing.T) {
	s, _ := newStore(t)
	parts := export(t, s, ada, "")
	if len(parts) != 1 || parts[0].Summary == nil || len(parts[0].Summary.Documents) != 0 {
		t.Errorf("got %+v", parts)
	}
}

func TestExportRefusesForeignTokens(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada, bob)
	tokens := map[string]string{
		"made up": "nonsense", "not base64": "///", "of another player": export(t, s, bob, "")[0].ResumeToken,
	}
	for what, token := range tokens {
		err := newPlayerData(s, 1000).Export(ctx, ada, token, func(playerdata.Part) error { return nil })
		f := fault.As(err)
		if f == nil || f.Kind != fault.InvalidArgument || len(f.Fields) != 1 || f.Fields[0].Path != "resume_token" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func export(t *testing.T, s *Store, playerID, token string) []playerdata.Part {
	t.Helper()
	var parts []playerdata.Part
	err := newPlayerData(s, 1000).Export(newSession(t), playerID, token, func(p playerdata.Part) error {
		parts = append(parts, p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

func ids(parts []playerdata.Part) []string {
	var list []string
	for _, p := range parts {
		if p.Document != nil {
			list = append(list, p.Document.ID)
		}
	}
	return list
}

func wantSummary(t *testing.T, part playerdata.Part, documents int64) {
	t.Helper()
	want := &playerdata.Summary{AsOf: changed, Documents: map[string]int64{Players: documents}}
	if diff := cmp.Diff(want, part.Summary); diff != "" {
		t.Errorf("summary: %s", diff)
	}
}
