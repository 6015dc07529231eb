package profile_test

import (
	"testing"
	"time"

	"supergame/local/emulator"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/fault"
)

// TestStaleReplicas lets every read without a session token see the store as it was before the player came: what a caller does
// within his session is right all the same.
func TestStaleReplicas(t *testing.T) {
	w, _, e := startOnWire(t)
	e.SetStaleness(emulator.Staleness{Lag: time.Hour})
	w.join(t, ada)
	me := w.profiles(t, w.authority.Player(ada))
	if _, err := me.GetProfile(t.Context(), &profilev1.GetProfileRequest{}); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
		t.Fatalf("a read without a session gives %v: the replicas are not stale, and this test shows nothing", err)
	}

	ctx := session(t)
	if _, err := me.UpdateProfile(ctx, update(&profilev1.Profile{DisplayName: "Ada"}, "*")); err != nil {
		t.Fatal(err)
	}
	if _, err := me.UpdateProfile(ctx, update(&profilev1.Profile{Avatar: "fox"}, "avatar")); err != nil {
		t.Fatal(err)
	}
	own, err := me.GetProfile(ctx, &profilev1.GetProfileRequest{})
	if err != nil || own.GetProfile().GetDisplayName() != "Ada" || own.GetProfile().GetAvatar() != "fox" {
		t.Errorf("a player does not see what he wrote: %v, %v", own, err)
	}
	many, err := me.BatchGetProfiles(ctx, &profilev1.BatchGetProfilesRequest{PlayerIds: []string{ada, bob}})
	if err != nil || len(many.GetProfiles()) != 1 || many.GetProfiles()[0].GetAvatar() != "fox" {
		t.Errorf("among others: %v, %v", many, err)
	}

	// Export and erase come from elsewhere, without a session, and must not take an old view for an empty partition.
	data := w.playerData(t, w.authority.Service("profile"))
	stream, err := data.ExportPlayer(t.Context(), &profilev1.ExportPlayerRequest{PlayerId: ada})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := stream.Recv(); err != nil || first.GetDocument().GetId() != "live" {
		t.Errorf("the export begins with %v, %v", first, err)
	}
	erased, err := data.ErasePlayer(t.Context(), &profilev1.ErasePlayerRequest{PlayerId: ada})
	if err != nil || !erased.GetDone() || erased.GetDeleted()["players"] != 3 {
		t.Errorf("the erase: %v, %v", erased, err)
	}
}
