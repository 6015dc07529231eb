package identity_test

import (
	"testing"
	"time"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/identity/internal/revocation"
	"supergame/services/platform/fault"
)

func TestSuspendedPlayersDoNotSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	me := secret()
	session := r.signIn(me)
	other := r.signIn(secret())
	row := revocation.Row{
		ID: revocation.SuspensionID(session.GetPlayerId()), Kind: revocation.Suspension, Target: session.GetPlayerId(), CreateTime: time.Now(),
	}
	if err := cosmosstore.NewRevocations(w.client).Put(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the suspension", func() bool {
		_, err := r.whoAmI(session.GetSession().GetAccessToken())
		return fault.ReasonOf(err) == "PLAYER_SUSPENDED"
	})
	_, err := r.SignIn(t.Context(), device(me, ""))
	wantFault(t, err, fault.PermissionDenied, "PLAYER_SUSPENDED")
	_, err = r.refresh(session.GetSession().GetRefreshToken())
	wantFault(t, err, fault.PermissionDenied, "PLAYER_SUSPENDED")
	if err := r.signOut(session.GetSession().GetRefreshToken()); err != nil {
		t.Errorf("signing out: %v", err)
	}
	if _, err := r.refresh(other.GetSession().GetRefreshToken()); err != nil {
		t.Errorf("another player: %v", err)
	}
	r.erase(t.Context(), session.GetPlayerId())
	w.onlyTheRevocationBears(session.GetPlayerId())
}

func TestListRevocations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	client := identityv1.NewIdentityServiceClient(r.program("leaderboard"))
	cursor := ""
	list := func() (found []*identityv1.Revocation) {
		t.Helper()
		for {
			response, err := client.ListRevocations(t.Context(), &identityv1.ListRevocationsRequest{Cursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			found, cursor = append(found, response.GetRevocations()...), response.GetNextCursor()
			if !response.GetMore() {
				return found
			}
		}
	}
	if found := list(); len(found) != 0 || cursor == "" {
		t.Errorf("found %v, cursor %q", found, cursor)
	}
	session := r.signIn(secret())
	if err := r.signOut(session.GetSession().GetRefreshToken()); err != nil {
		t.Fatal(err)
	}
	r.erase(t.Context(), someID)
	found := list()
	if len(found) != 2 || found[0].GetKind() != identityv1.Revocation_KIND_SESSION || found[1].GetKind() != identityv1.Revocation_KIND_ERASURE ||
		found[1].GetId() != someID {
		t.Errorf("found %v", found)
	}
	if until := time.Until(found[0].GetExpireTime().AsTime()); until < time.Hour || until > revocation.SessionTTL {
		t.Errorf("the session's revocation ends in %v", until)
	}
	if found := list(); len(found) != 0 {
		t.Errorf("again: %v", found)
	}
	_, err := client.ListRevocations(t.Context(), &identityv1.ListRevocationsRequest{Cursor: "nonsense"})
	if f := fault.As(err); f == nil || f.Kind != fault.InvalidArgument || f.Fields[0].Path != "cursor" {
		t.Errorf("a cursor that is none: %v", err)
	}
}

func TestARowThatIsFinalIsNotListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := cosmosstore.NewRevocations(w.client).Put(t.Context(), revocation.Row{ID: "erasure-x", Kind: revocation.Erasure, CreateTime: time.Now()}); err != nil {
		t.Fatal(err)
	}
	r := w.replica()
	response, err := identityv1.NewIdentityServiceClient(r.program("leaderboard")).ListRevocations(t.Context(), &identityv1.ListRevocationsRequest{})
	if err != nil || len(response.GetRevocations()) != 0 {
		t.Errorf("%v, %v", response, err)
	}
}
