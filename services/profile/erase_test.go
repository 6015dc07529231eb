package profile_test

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
)

func TestExportAndErase(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	ctx := session(t)
	player, data := w.profiles(t, w.authority.Player(ada)), w.playerData(t, w.authority.Service("profile"))
	change := &profilev1.Profile{DisplayName: "Ada", Private: &profilev1.PrivateProfile{Settings: map[string]string{"sound": "off"}}}
	if _, err := player.UpdateProfile(ctx, update(change, "*")); err != nil {
		t.Fatal(err)
	}

	parts := receive(t, data, &profilev1.ExportPlayerRequest{PlayerId: ada})
	exported := map[string]map[string]any{}
	for _, part := range parts[:len(parts)-1] {
		exported[part.GetDocument().GetId()] = part.GetDocument().GetContent().AsMap()
	}
	if exported["profile"]["displayName"] != "Ada" || exported["live"]["playerId"] != ada {
		t.Errorf("exported %v", exported)
	}
	if diff := cmp.Diff(map[string]any{"sound": "off"}, exported["private"]["settings"]); diff != "" {
		t.Error(diff)
	}
	summary := parts[len(parts)-1].GetSummary()
	if summary.GetDocuments()["players"] != 3 || summary.GetAsOfTime() == nil {
		t.Errorf("the summary is %v", summary)
	}
	rest := receive(t, data, &profilev1.ExportPlayerRequest{PlayerId: ada, ResumeToken: parts[0].GetResumeToken()})
	if len(rest) != len(parts)-1 || rest[len(rest)-1].GetSummary().GetDocuments()["players"] != 3 {
		t.Errorf("%d parts behind the first of %d: %v", len(rest), len(parts), rest)
	}

	for _, want := range []map[string]int64{{"players": 3}, {}} {
		erased, err := data.ErasePlayer(ctx, &profilev1.ErasePlayerRequest{PlayerId: ada})
		if err != nil || !erased.GetDone() {
			t.Fatalf("%v, %v", erased, err)
		}
		if len(erased.GetDeleted()) != len(want) || erased.GetDeleted()["players"] != want["players"] {
			t.Errorf("deleted %v, want %v", erased.GetDeleted(), want)
		}
	}
	if _, err := player.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: ada}); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
		t.Errorf("after the erase: %v", err)
	}
	if _, err := player.UpdateProfile(ctx, update(change, "*")); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
		t.Errorf("an update after the erase: %v", err)
	}
	if _, err := player.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: bob}); err != nil {
		t.Errorf("another player: %v", err)
	}
	if parts := receive(t, data, &profilev1.ExportPlayerRequest{PlayerId: ada}); len(parts) != 1 {
		t.Errorf("an export after the erase: %v", parts)
	}
}

// TestErasedPlayersAreRefused: once identity has revoked an erased player, his id is refused everywhere but here; among several he is
// missing, though his documents are still there.
func TestErasedPlayersAreRefused(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	w.authority.Revoke(auth.Revocation{Kind: auth.ErasePlayer, ID: ada})
	other, identity := w.Dial(t, w.authority.Player(bob)), w.Dial(t, w.authority.Service("identity"))
	service, operator := w.Dial(t, w.authority.Service("profile")), w.Dial(t, w.authority.Operator(someOps))
	for what, err := range map[string]error{
		"get":    get(ada, 0)(session(t), other),
		"ensure": ensure(ada)(session(t), identity),
		"update": change(&profilev1.Profile{PlayerId: ada}, "country")(session(t), operator),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, ids := range [][]string{{ada, bob}, {ada}} {
		r, err := profilev1.NewProfileServiceClient(other).BatchGetProfiles(session(t), &profilev1.BatchGetProfilesRequest{PlayerIds: ids})
		if err != nil || len(r.GetProfiles()) != len(ids)-1 || !slices.Equal(r.GetMissingPlayerIds(), []string{ada}) {
			t.Errorf("batch of %v: %v, %v", ids, r, err)
		}
	}
	if err := export(ada, "")(session(t), service); err != nil {
		t.Errorf("export: %v", err)
	}
	if err := erase(ada)(session(t), service); err != nil {
		t.Errorf("erase: %v", err)
	}
}

func receive(t *testing.T, data profilev1.PlayerDataServiceClient, r *profilev1.ExportPlayerRequest) []*profilev1.ExportPlayerResponse {
	t.Helper()
	stream, err := data.ExportPlayer(session(t), r)
	if err != nil {
		t.Fatal(err)
	}
	var parts []*profilev1.ExportPlayerResponse
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
	}
}
