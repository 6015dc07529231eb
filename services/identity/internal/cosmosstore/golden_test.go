package cosmosstore

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/identity/internal/player"
	"supergame/services/identity/internal/revocation"
	"supergame/services/identity/internal/signing"
	"supergame/services/identity/internal/suspension"
	"supergame/services/platform/cosmos"
)

var t0 = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func goldenIdentity() player.Identity {
	return player.Identity{
		ID: "5b11618c2e44027877d0cd0921ed166b9f176f50587fc91e7534dd2946db77d6", Provider: "entra", Issuer: "https://issuer.example",
		PlayerID: "01JDC000000000000000000000", CreateTime: t0, Pending: true, CreatedBy: "rVvnsH4HTxbMYOa0JkMxOQ",
	}
}

func goldenPlayer() player.Player {
	return player.Player{
		ID: "01JDC000000000000000000000", CreateTime: t0, Revoked: true,
		Links: []player.Link{{IdentityID: goldenIdentity().ID, Provider: "entra", Time: t0}},
		Families: []player.Family{
			{ID: "rVvnsH4HTxbMYOa0JkMxOQ", N: 7, OpenTime: t0, RotateTime: t0.Add(time.Hour), ExpireTime: t0.Add(721 * time.Hour)},
			{ID: "aaaaaaaaaaaaaaaaaaaaaa", N: 1, OpenTime: t0.Add(time.Minute), RotateTime: t0.Add(time.Minute), ExpireTime: t0.Add(720 * time.Hour),
				EndTime: t0.Add(2 * time.Minute)},
		},
	}
}

func goldenKey() signing.Sealed {
	return signing.Sealed{
		ID: "20261102T000000Z", KID: "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg", Private: []byte("nonce and box"),
		SignFrom: t0, ExpireTime: t0.Add(90 * 24 * time.Hour), CreateTime: t0.Add(-24 * time.Hour),
	}
}

func goldenRevocation() revocation.Row {
	return revocation.Row{
		ID: "session-rVvnsH4HTxbMYOa0JkMxOQ", Kind: revocation.Session, Target: "rVvnsH4HTxbMYOa0JkMxOQ", CreateTime: t0,
		ExpireTime: t0.Add(revocation.SessionTTL), Lifted: true, TTL: revocation.SessionTTL,
	}
}

// goldenLinks is a player with links that are being changed.
func goldenLinks() player.Player {
	return player.Player{
		ID: "01JDC000000000000000000000", CreateTime: t0,
		Links: []player.Link{
			{IdentityID: "a" + goldenIdentity().ID[1:], Provider: "steam", Time: t0, Leaving: true},
			{IdentityID: "b" + goldenIdentity().ID[1:], Provider: "device", Time: t0.Add(time.Minute), Claimed: true},
		},
	}
}

func goldenSuspension() suspension.Row {
	return suspension.Row{
		PlayerID: "01JDC000000000000000000000", Version: 2, Until: t0.Add(72 * time.Hour), CreateTime: t0, Pending: true, Due: t0.Add(time.Minute),
		History: []suspension.Change{
			{Action: suspension.Suspend, Time: t0, Actor: "console", Reason: "cheating"},
			{Action: suspension.Suspend, Time: t0.Add(time.Minute), Actor: "console", Reason: "for three days", Until: t0.Add(72 * time.Hour)},
		},
	}
}

// golden reads the document of a version that programs have written. Such a file is never changed: a new version gets a new one.
func golden(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// stamped is what the store adds when it writes.
func stamped(h *cosmos.Header, kind string) { h.Type, h.SchemaVersion = kind, 1 }

func TestGoldenDocuments(t *testing.T) {
	identity, key, row, doc := encodeIdentity(goldenIdentity()), encodeKey(goldenKey(), t0), encodeRevocation(goldenRevocation()), &playerDoc{}
	doc.set(goldenPlayer())
	links, suspended := &playerDoc{}, &revocationDoc{Header: cosmos.Header{ID: revocation.SuspensionID(goldenSuspension().PlayerID)}}
	links.set(goldenLinks())
	suspended.suspend(goldenSuspension())
	stamped(&links.Header, "player")
	stamped(&suspended.Header, "revocation")
	stamped(&identity.Header, "identity")
	stamped(&doc.Header, "player")
	stamped(&key.Header, "signing-key")
	stamped(&row.Header, "revocation")
	for name, written := range map[string]any{
		"identity.v1.json": identity, "player.v1.json": doc, "signing-key.v1.json": key, "revocation.v1.json": row,
		"player-links.v1.json": links, "revocation-suspension.v1.json": suspended,
	} {
		text, err := json.MarshalIndent(written, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if want := bytes.TrimSpace(golden(t, name)); !bytes.Equal(text, want) {
			t.Errorf("%s (-want +written):\n%s", name, cmp.Diff(string(want), string(text)))
		}
	}
}

func TestGoldenDocumentsAreRead(t *testing.T) {
	read := func(name string, into any) {
		t.Helper()
		if err := json.Unmarshal(golden(t, name), into); err != nil {
			t.Fatal(err)
		}
	}
	var identity identityDoc
	var doc playerDoc
	var key keyDoc
	var row revocationDoc
	read("identity.v1.json", &identity)
	read("player.v1.json", &doc)
	read("signing-key.v1.json", &key)
	read("revocation.v1.json", &row)
	var links playerDoc
	var suspended revocationDoc
	read("player-links.v1.json", &links)
	read("revocation-suspension.v1.json", &suspended)
	for _, diff := range []string{
		cmp.Diff(goldenLinks(), links.decode()), cmp.Diff(goldenSuspension(), suspended.suspension(suspended.Target)),
		cmp.Diff(goldenIdentity(), identity.decode()), cmp.Diff(goldenPlayer(), doc.decode()),
		cmp.Diff(goldenKey(), key.decode()), cmp.Diff(goldenRevocation(), row.decode()),
	} {
		if diff != "" {
			t.Error(diff)
		}
	}
}
