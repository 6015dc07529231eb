package identity_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// erase revokes and erases a player as the profile service does.
func (r *replica) erase(ctx context.Context, playerID string) {
	r.t.Helper()
	conn := r.program("profile")
	if _, err := identityv1.NewIdentityServiceClient(conn).RevokePlayer(ctx, &identityv1.RevokePlayerRequest{PlayerId: playerID}); err != nil {
		r.t.Error(err)
	}
	for range 10 {
		response, err := identityv1.NewPlayerDataServiceClient(conn).ErasePlayer(ctx, &identityv1.ErasePlayerRequest{PlayerId: playerID})
		if err != nil {
			r.t.Error(err)
			return
		}
		if response.GetDone() {
			return
		}
	}
	r.t.Errorf("the erasure of %s is never done", playerID)
}

// export collects an export from a resume token on, at most so many messages of it.
func export(t testing.TB, client identityv1.PlayerDataServiceClient, playerID, resume string, most int) []*identityv1.ExportPlayerResponse {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := client.ExportPlayer(ctx, &identityv1.ExportPlayerRequest{PlayerId: playerID, ResumeToken: resume})
	if err != nil {
		t.Fatal(err)
	}
	var parts []*identityv1.ExportPlayerResponse
	for len(parts) < most {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
	}
	return parts
}

func TestRevokeEraseExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	me := secret()
	mine, other := r.signIn(me), r.signIn(secret())
	id := mine.GetPlayerId()
	conn := r.program("profile")
	identities, data := identityv1.NewIdentityServiceClient(conn), identityv1.NewPlayerDataServiceClient(conn)

	parts := export(t, data, id, "", 100)
	checkExport(t, parts, map[string]int64{cosmosstore.Identities: 1, cosmosstore.Players: 1})
	for _, part := range parts {
		for _, hidden := range []string{me, mine.GetSession().GetRefreshToken(), "_etag", "_ts", `"ops"`} {
			if strings.Contains(part.GetDocument().GetContent().String(), hidden) {
				t.Errorf("%q is exported", hidden)
			}
		}
	}
	for i := range parts { // cut behind each message
		head := export(t, data, id, "", i)
		resume := ""
		if i > 0 {
			resume = head[i-1].GetResumeToken()
		}
		checkExport(t, append(head, export(t, data, id, resume, 100)...), map[string]int64{cosmosstore.Identities: 1, cosmosstore.Players: 1})
	}
	stream, err := data.ExportPlayer(t.Context(), &identityv1.ExportPlayerRequest{PlayerId: other.GetPlayerId(), ResumeToken: parts[0].GetResumeToken()})
	if err == nil {
		_, err = stream.Recv()
	}
	if !fault.Is(err, fault.InvalidArgument) {
		t.Errorf("a token of another player's export: %v", err)
	}

	for range 2 { // safe to repeat
		if _, err := identities.RevokePlayer(t.Context(), &identityv1.RevokePlayerRequest{PlayerId: id}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = r.refresh(mine.GetSession().GetRefreshToken())
	wantFault(t, err, fault.NotFound, "PLAYER_NOT_FOUND")
	_, err = r.SignIn(t.Context(), device(me, ""))
	wantFault(t, err, fault.NotFound, "PLAYER_NOT_FOUND")
	eventually(t, "the end of the access token", func() bool {
		_, err := r.whoAmI(mine.GetSession().GetAccessToken())
		return fault.ReasonOf(err) == "PLAYER_ERASED"
	})
	checkExport(t, export(t, data, id, "", 100), map[string]int64{cosmosstore.Identities: 1, cosmosstore.Players: 1, cosmosstore.Revocations: 2})

	erased, err := data.ErasePlayer(t.Context(), &identityv1.ErasePlayerRequest{PlayerId: id})
	if err != nil || !erased.GetDone() || !maps.Equal(erased.GetDeleted(), map[string]int64{cosmosstore.Identities: 1, cosmosstore.Players: 1}) {
		t.Errorf("%v, %v", erased, err)
	}
	erased, err = data.ErasePlayer(t.Context(), &identityv1.ErasePlayerRequest{PlayerId: id})
	if err != nil || !erased.GetDone() || len(erased.GetDeleted()) != 0 {
		t.Errorf("again: %v, %v", erased, err)
	}
	checkExport(t, export(t, data, id, "", 100), map[string]int64{cosmosstore.Revocations: 2})
	_, err = r.refresh(mine.GetSession().GetRefreshToken())
	wantFault(t, err, fault.NotFound, "PLAYER_NOT_FOUND")
	if err := r.signOut(mine.GetSession().GetRefreshToken()); err != nil {
		t.Errorf("signing out after all that: %v", err)
	}
	if next, err := r.SignIn(t.Context(), device(me, "")); err != nil || !next.GetCreated() || next.GetPlayerId() == id {
		t.Errorf("the credential afterwards: %v, %v", next, err)
	}
	if _, err := r.refresh(other.GetSession().GetRefreshToken()); err != nil {
		t.Errorf("another player: %v", err)
	}
	w.onlyTheRevocationBears(id)
}

func checkExport(t testing.TB, parts []*identityv1.ExportPlayerResponse, want map[string]int64) {
	t.Helper()
	got := map[string]int64{}
	for i, part := range parts {
		if doc := part.GetDocument(); doc != nil {
			got[doc.GetContainer()]++
			if doc.GetContent().GetFields()["id"].GetStringValue() != doc.GetId() {
				t.Errorf("document %v", doc)
			}
			continue
		}
		summary := part.GetSummary()
		if i != len(parts)-1 || !maps.Equal(summary.GetDocuments(), want) || time.Since(summary.GetAsOfTime().AsTime()) > time.Minute {
			t.Errorf("summary %v at %d of %d, want %v", summary, i, len(parts), want)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("exported %v, want %v", got, want)
	}
}

// onlyTheRevocationBears looks at everything that is stored for a player's id.
func (w *world) onlyTheRevocationBears(playerID string) {
	w.t.Helper()
	for _, spec := range specs(w.t) {
		rows, err := cosmos.Select[map[string]any](w.t.Context(), w.client.Container(spec.ID), cosmos.Key{}, cosmos.SQL("SELECT * FROM c"))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, row := range rows {
			for name, value := range row {
				text, _ := value.(string)
				if strings.Contains(text, playerID) && (spec.ID != cosmosstore.Revocations || name != "target" || row["kind"] != "erasure") {
					w.t.Errorf("%s of a document in %s bears the player's id", name, spec.ID)
				}
			}
		}
	}
}

// The record of an erasure outlives every other key: it is found again, and not written twice, after two rotations of all of them.
func TestErasureIsFoundAfterKeysChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	r.erase(t.Context(), someID)
	for range 2 {
		w.cfg.SealingKey, w.cfg.SealingKeyBefore = randomKey(), w.cfg.SealingKey
		w.cfg.RefreshKey, w.cfg.RefreshKeyBefore = randomKey(), w.cfg.RefreshKey
		// The signing keys that only a sealing key of two rotations ago opens are gone by then.
		w.clock.Advance(w.cfg.KeyPeriod)
		r = w.replica()
	}
	data := identityv1.NewPlayerDataServiceClient(r.program("profile"))
	checkExport(t, export(t, data, someID, "", 100), map[string]int64{cosmosstore.Revocations: 2})
	r.erase(t.Context(), someID)
	if n := w.stored(cosmosstore.Revocations); n != 2 {
		t.Errorf("%d rows of one erasure", n)
	}
}

func TestRevokePlayerWhoIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	r.erase(t.Context(), someID)
	w.onlyTheRevocationBears(someID)
}
