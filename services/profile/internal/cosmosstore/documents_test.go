package cosmosstore

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/handle"
	"supergame/services/profile/internal/profile"
)

// goldenEdit is the last change of golden; its operation stands in his documents.
var goldenEdit = profile.Edit{
	PlayerID: ada, Caller: "player " + ada, RequestID: "request-1", Content: []byte("content"), Touches: profile.Parts{Public: true, Private: true},
}

// golden is the player whose documents stand in testdata.
var golden = profile.Player{
	Profile: profile.Profile{
		PlayerID: ada, DisplayName: "Ada", Avatar: "knight-3", Country: "DE", Languages: []string{"de", "pt-BR"},
		JoinTime: joined, UpdateTime: changed,
	},
	Private: &profile.Private{
		Settings: map[string]string{"controls.invert_y": "true"}, Flags: map[string]bool{"beta": true}, UpdateTime: changed,
	},
}

func readGolden(t *testing.T, id string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", id+".v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestGoldenDocumentsAreRead(t *testing.T) {
	s, _ := newStore(t)
	public, err := s.profiles.Decode(readGolden(t, idProfile))
	if err != nil {
		t.Fatal(err)
	}
	private, err := s.privates.Decode(readGolden(t, idPrivate))
	if err != nil {
		t.Fatal(err)
	}
	docs := both{public, private}
	if diff := cmp.Diff(golden, docs.player()); diff != "" {
		t.Error(diff)
	}
	op := cosmos.NewOperation(goldenEdit.Caller, goldenEdit.RequestID, goldenEdit.Content)
	for _, head := range []*cosmos.Header{&public.Header, &private.Header} {
		if done, err := op.AppliedTo(head); !done || err != nil {
			t.Errorf("%s does not carry the operation that wrote it: %v", head.ID, err)
		}
	}
	if done, err := docs.carry(cosmos.NewOperation(goldenEdit.Caller, goldenEdit.RequestID, []byte("other"))); !done || err == nil {
		t.Errorf("another content of the same request: %v, %v", done, err)
	}
	live, err := s.lives.Decode(readGolden(t, idLive))
	if err != nil {
		t.Fatal(err)
	}
	if live.PlayerID != ada || !time.Time(live.JoinTime).Equal(joined) {
		t.Errorf("live is %+v", live)
	}
}

func TestGoldenDocumentsAreWritten(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	if _, err := s.Update(ctx, goldenEdit, become(golden)); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{idLive, idProfile, idPrivate} {
		stored := storedDocument(t, s, ada, id)
		dropSystemProperties(stored)
		ops := stored["ops"].([]any)
		if minted := ops[0].(string); len(minted) != 16 { // the operation of the creation, random
			t.Errorf("%s: the first operation is %q", id, minted)
		}
		if stored["ops"] = ops[1:]; len(ops) == 1 {
			delete(stored, "ops")
		}
		var want map[string]any
		if err := json.Unmarshal(readGolden(t, id), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, stored); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
}

// become is a decision that makes a player equal to another.
func become(p profile.Player) func(*profile.Player) (profile.Parts, error) {
	return func(stored *profile.Player) (profile.Parts, error) {
		*stored = p
		return profile.Parts{Public: true, Private: p.Private != nil}, nil
	}
}

// storedDocument returns a document as it stands in the database, system properties too; nil when there is none.
func storedDocument(t *testing.T, s *Store, playerID, id string) map[string]any {
	t.Helper()
	statement := cosmos.SQL("SELECT * FROM c WHERE c.id = @id").With("@id", id)
	rows, err := cosmos.Select[map[string]any](newSession(t), s.players, cosmos.PK(playerID), statement)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		return nil
	}
	return rows[0]
}

// nextProfileDoc is a profile of a later version of this program.
type nextProfileDoc struct {
	cosmos.Header
	PlayerID   string         `json:"playerId"`
	JoinTime   instant        `json:"joinTime"`
	UpdateTime instant        `json:"updateTime"`
	Clan       map[string]any `json:"clan"`
}

// makeNext stores a profile with a property that this program does not know.
func makeNext(t *testing.T, s *Store, version int) {
	t.Helper()
	ctx := newSession(t)
	mustCreate(ctx, t, s, ada)
	kind := cosmos.NewKind[nextProfileDoc](s.players, "profile", version)
	_, err := kind.Update(ctx, cosmos.PK(ada), idProfile, cosmos.Operation{}, func(d *nextProfileDoc) (bool, error) {
		d.Clan = map[string]any{"name": "the clan", "rank": 3.0}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUnknownPropertiesSurvive(t *testing.T) {
	for what, edit := range map[string]profile.Edit{
		"one document":   {PlayerID: ada, Touches: profile.Parts{Public: true}},
		"with the batch": {PlayerID: ada, Touches: profile.Parts{Public: true, Private: true}},
	} {
		t.Run(what, func(t *testing.T) {
			s, ctx := newStore(t)
			makeNext(t, s, schemaVersion)
			if _, err := s.Update(ctx, edit, become(golden)); err != nil {
				t.Fatal(err)
			}
			stored := storedDocument(t, s, ada, idProfile)
			if stored["displayName"] != "Ada" {
				t.Errorf("the name is %v", stored["displayName"])
			}
			if diff := cmp.Diff(map[string]any{"name": "the clan", "rank": 3.0}, stored["clan"]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNewerDocumentsAreReadNotRewritten(t *testing.T) {
	s, ctx := newStore(t)
	makeNext(t, s, schemaVersion+1)
	if _, err := s.Get(ctx, ada); err != nil {
		t.Errorf("reading: %v", err)
	}
	before := storedDocument(t, s, ada, idPrivate)
	for what, edit := range edits {
		if !edit.Touches.Public {
			continue // the private part is of this version
		}
		_, err := s.Update(ctx, edit, mark(edit, "a"))
		if !fault.Is(err, fault.FailedPrecondition) || fault.ReasonOf(err) != cosmos.ReasonSchemaTooNew {
			t.Errorf("writing %s: %v", what, err)
		}
	}
	if diff := cmp.Diff(before, storedDocument(t, s, ada, idPrivate)); diff != "" {
		t.Errorf("half a change was stored: %s", diff)
	}
}

// TestFullProfileFitsOneKilobyte builds the largest public part that the rules allow, after enough updates to fill the list of
// operations: reading it must still cost one request unit.
func TestFullProfileFitsOneKilobyte(t *testing.T) {
	// The most bytes as they are, and the most that need an escape in JSON, or could get one.
	for _, name := range []string{strings.Repeat("🦊", 32), strings.Repeat("<", 32), strings.Repeat(`"`, 32)} {
		t.Run(name, func(t *testing.T) { wantOneKilobyte(t, name) })
	}
}

// plainSize is the size of a document as it is stored: without escapes for HTML.
func plainSize(t *testing.T, document map[string]any) int {
	t.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		t.Fatal(err)
	}
	return b.Len() - len("\n")
}

func wantOneKilobyte(t *testing.T, name string) {
	t.Helper()
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	full := profile.Player{Profile: profile.Profile{
		PlayerID: ada, DisplayName: name, Avatar: strings.Repeat("a", 64), Country: "DE", JoinTime: joined,
		// 8 tags with 64 characters in all: the most that profile.languages lets through
		Languages: []string{"zh-Hant-TW", "sr-Latn-RS", "az-Cyrl-AZ", "uz-Arab-AF", "ca-ES-val", "kok-IN", "pt-BR", "es"},
	}}
	for i := range 9 {
		edit := profile.Edit{PlayerID: ada, RequestID: string(rune('a' + i)), Caller: "c", Content: []byte{1}, Touches: profile.Parts{Public: true}}
		full.UpdateTime = changed.Add(time.Duration(i) * time.Millisecond)
		_, err := s.Update(ctx, edit, func(p *profile.Player) (profile.Parts, error) {
			p.Profile = full.Profile
			return profile.Parts{Public: true}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// The longest handle there may be, claimed for the millionth time. An open claim is not counted: it makes the document larger for a moment.
	longest := strings.Repeat("𐐨", 16)
	if _, err := handle.Parse(longest); err != nil || len(longest) != 64 {
		t.Fatalf("%d bytes: %v", len(longest), err)
	}
	_, err := (&Claims{s}).Update(ctx, handle.Edit{PlayerID: ada}, func(o *handle.Owner) (bool, error) {
		o.Handle, o.Claims = longest, 1_000_000
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	stored := storedDocument(t, s, ada, idProfile)
	if ops := stored["ops"].([]any); len(ops) != 8 {
		t.Fatalf("the document carries %d operations, want 8", len(ops))
	}
	size := plainSize(t, stored)
	if size > 1024 {
		t.Errorf("%d bytes, %d too many", size, size-1024)
	}
	t.Logf("%d bytes", size)
	metering, meter := metered(ctx)
	if _, err := s.Get(metering, ada); err != nil {
		t.Fatal(err)
	}
	if meter.Charge() != 1 || meter.Calls() != 1 {
		t.Errorf("reading it costs %.2f RU and %d SDK calls, want 1 and 1", meter.Charge(), meter.Calls())
	}
}
