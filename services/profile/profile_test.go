package profile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/fault"
)

func TestLifeOfAProfile(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	ctx := session(t)
	me := w.profiles(t, w.authority.Player(ada))

	changed, err := me.UpdateProfile(ctx, update(&profilev1.Profile{
		DisplayName: "  Ada   Lovelace ", Avatar: "knight-3", Country: "GB", Languages: []string{"en-gb", "FR"},
		Private: &profilev1.PrivateProfile{Settings: map[string]string{"sound": "off"}},
	}, "*"))
	if err != nil {
		t.Fatal(err)
	}
	want := &profilev1.Profile{
		PlayerId: ada, DisplayName: "Ada Lovelace", Avatar: "knight-3", Country: "GB", Languages: []string{"en-GB", "fr"},
		Private: &profilev1.PrivateProfile{Settings: map[string]string{"sound": "off"}},
	}
	moving := cmp.Options{
		protocmp.Transform(), protocmp.IgnoreFields(&profilev1.Profile{}, "join_time", "update_time", "etag"),
		protocmp.IgnoreFields(&profilev1.PrivateProfile{}, "update_time", "etag"),
	}
	full, err := me.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: ada, View: profilev1.ProfileView_PROFILE_VIEW_FULL})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(changed.GetProfile(), full.GetProfile(), protocmp.Transform()); diff != "" {
		t.Errorf("the answer of the update is not what is stored: %s", diff)
	}
	if diff := cmp.Diff(want, full.GetProfile(), moving); diff != "" {
		t.Error(diff)
	}
	if age := time.Since(full.GetProfile().GetUpdateTime().AsTime()); age < 0 || age > time.Minute {
		t.Errorf("the update time is %v ago", age)
	}

	own, err := me.GetProfile(ctx, &profilev1.GetProfileRequest{View: profilev1.ProfileView_PROFILE_VIEW_FULL})
	if diff := cmp.Diff(full.GetProfile(), own.GetProfile(), protocmp.Transform()); diff != "" || err != nil {
		t.Errorf("without an id: %s %v", diff, err)
	}

	other := w.profiles(t, w.authority.Player(bob))
	public, err := other.GetProfile(session(t), &profilev1.GetProfileRequest{PlayerId: ada})
	if err != nil {
		t.Fatal(err)
	}
	want.Private = nil
	if diff := cmp.Diff(want, public.GetProfile(), moving); diff != "" {
		t.Errorf("what another player sees: %s", diff)
	}

	if _, err := me.UpdateProfile(ctx, update(&profilev1.Profile{}, "country", "languages")); err != nil {
		t.Fatal(err)
	}
	cleared, err := me.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: ada})
	if err != nil || cleared.GetProfile().GetCountry() != "" || len(cleared.GetProfile().GetLanguages()) != 0 {
		t.Errorf("named and empty fields are not cleared: %v, %v", cleared, err)
	}
}

func TestEnsureProfileAgain(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	identity := w.profiles(t, w.authority.Service("identity"))
	r, err := identity.EnsureProfile(session(t), &profilev1.EnsureProfileRequest{PlayerId: ada})
	if err != nil || r.GetCreated() {
		t.Errorf("%v, %v", r, err)
	}
}

func TestBatchGetProfiles(t *testing.T) {
	w := start(t)
	var asked, there, missing []string
	for i := range 100 {
		id := fmt.Sprintf("01ARZ3NDEKTSV4RRFFQ69G5%03d", 99-i)
		asked = append(asked, id)
		if i%7 == 0 {
			missing = append(missing, id)
			continue
		}
		there = append(there, id)
		w.join(t, id)
	}
	r, err := w.profiles(t, w.authority.GameServer("eu-1")).BatchGetProfiles(session(t), &profilev1.BatchGetProfilesRequest{PlayerIds: asked})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range r.GetProfiles() {
		got = append(got, p.GetPlayerId())
		if p.GetPrivate() != nil {
			t.Errorf("%s comes with his private part", p.GetPlayerId())
		}
	}
	if diff := cmp.Diff(there, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(missing, r.GetMissingPlayerIds()); diff != "" {
		t.Error(diff)
	}
}

// TestEtags builds on the version that was read, while another device writes.
func TestEtags(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	ctx := session(t)
	me := w.profiles(t, w.authority.Player(ada))
	read, err := me.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: ada, View: profilev1.ProfileView_PROFILE_VIEW_FULL})
	if err != nil {
		t.Fatal(err)
	}
	mine := read.GetProfile()
	if _, err := me.UpdateProfile(ctx, update(&profilev1.Profile{Avatar: "fox"}, "avatar")); err != nil {
		t.Fatal(err)
	}

	mine.DisplayName, mine.Private.Settings = "Ada", map[string]string{"sound": "on"}
	_, err = me.UpdateProfile(ctx, update(mine, "display_name"))
	if f := fault.As(err); f == nil || f.Kind != fault.Aborted || f.Reason != "ETAG_MISMATCH" || f.Metadata["field"] != "profile.etag" {
		t.Errorf("old version: %v", err)
	}
	if _, err := me.UpdateProfile(ctx, update(mine, "private.settings")); err != nil {
		t.Errorf("the private part is the version that was read: %v", err)
	}
	if _, err := me.UpdateProfile(ctx, update(mine, "private.settings")); err != nil && fault.ReasonOf(err) != "ETAG_MISMATCH" {
		t.Errorf("old private version: %v", err)
	}
	mine.Etag = "nonsense / \\ ? #"
	if _, err := me.UpdateProfile(ctx, update(mine, "display_name")); fault.ReasonOf(err) != "ETAG_MISMATCH" {
		t.Errorf("nonsense: %v", err)
	}
	mine.Etag = ""
	if _, err := me.UpdateProfile(ctx, update(mine, "display_name")); err != nil {
		t.Errorf("any version: %v", err)
	}
}

func TestRequestIDs(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	ctx := session(t)
	me := w.profiles(t, w.authority.Player(ada))
	send := func(p *profilev1.Profile, requestID string, paths ...string) (*profilev1.Profile, error) {
		r := update(p, paths...)
		r.RequestId = requestID
		response, err := me.UpdateProfile(ctx, r)
		return response.GetProfile(), err
	}
	first, err := send(&profilev1.Profile{DisplayName: "Ada"}, "r-1", "display_name")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := send(&profilev1.Profile{DisplayName: "Bob"}, "r-2", "display_name"); err != nil {
		t.Fatal(err)
	}
	again, err := send(&profilev1.Profile{DisplayName: "Ada", Etag: first.GetEtag()}, "r-1", "display_name")
	if err != nil || again.GetDisplayName() != "Bob" {
		t.Errorf("a late retry gives %q, %v, want the profile as it is now", again.GetDisplayName(), err)
	}
	for what, p := range map[string]*profilev1.Profile{"display_name": {DisplayName: "Eve"}, "avatar": {Avatar: "fox"}, "private.settings": {}} {
		_, err := send(p, "r-1", what)
		if !fault.Is(err, fault.AlreadyExists) || fault.ReasonOf(err) != "REQUEST_ID_REUSED" {
			t.Errorf("the same id for another change of %s: %v", what, err)
		}
	}
	operator := update(&profilev1.Profile{PlayerId: ada, DisplayName: "Eve"}, "display_name")
	operator.RequestId = "r-1"
	if _, err := w.profiles(t, w.authority.Operator(ada)).UpdateProfile(ctx, operator); err != nil {
		t.Errorf("the same id of another caller: %v", err)
	}
	for i := range 8 {
		if _, err := send(&profilev1.Profile{Avatar: strings.Repeat("x", i+1)}, fmt.Sprint("n-", i), "avatar"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOperatorsChangeAnybody(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	ctx := session(t)
	operator := w.profiles(t, w.authority.Operator(someOps))
	flags := &profilev1.Profile{PlayerId: ada, Private: &profilev1.PrivateProfile{Flags: map[string]bool{"beta": true}}}
	if _, err := operator.UpdateProfile(ctx, update(flags, "private.flags")); err != nil {
		t.Fatal(err)
	}
	full, err := operator.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: ada, View: profilev1.ProfileView_PROFILE_VIEW_FULL})
	if err != nil || !full.GetProfile().GetPrivate().GetFlags()["beta"] {
		t.Errorf("%v, %v", full, err)
	}
	// The player's `*` is every field that he may change, so the flags stay.
	if _, err := w.profiles(t, w.authority.Player(ada)).UpdateProfile(ctx, update(&profilev1.Profile{DisplayName: "Ada"}, "*")); err != nil {
		t.Fatal(err)
	}
	full, err = operator.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: ada, View: profilev1.ProfileView_PROFILE_VIEW_FULL})
	if err != nil || !full.GetProfile().GetPrivate().GetFlags()["beta"] {
		t.Errorf("after the player's update: %v, %v", full, err)
	}
}

func TestEveryMethodHasARule(t *testing.T) {
	if open := start(t).MethodsWithoutRule(); len(open) != 0 {
		t.Errorf("methods without an access rule: %v", open)
	}
}
