package identity_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/identity/internal/credential"
	"supergame/services/identity/internal/suspension"
	"supergame/services/platform/auth"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// operator is a console.
type operator struct {
	identityv1.IdentityServiceClient
	t testing.TB
}

func (r *replica) operator() *operator {
	r.t.Helper()
	return &operator{identityv1.NewIdentityServiceClient(r.program("console")), r.t}
}

func (o *operator) suspend(playerID, reason string) (*identityv1.Suspension, error) {
	response, err := o.SuspendPlayer(context.WithoutCancel(o.t.Context()), &identityv1.SuspendPlayerRequest{PlayerId: playerID, Reason: reason})
	return response.GetSuspension(), err
}

func (o *operator) suspendUntil(playerID, request string, until *timestamppb.Timestamp) (*identityv1.Suspension, error) {
	response, err := o.SuspendPlayer(context.WithoutCancel(o.t.Context()), &identityv1.SuspendPlayerRequest{
		PlayerId: playerID, Reason: "for a time", UntilTime: until, RequestId: request,
	})
	return response.GetSuspension(), err
}

func (o *operator) lift(playerID string) (*identityv1.Suspension, error) {
	response, err := o.LiftSuspension(context.WithoutCancel(o.t.Context()), &identityv1.LiftSuspensionRequest{PlayerId: playerID, Reason: "was a mistake"})
	return response.GetSuspension(), err
}

func (o *operator) suspension(playerID string) *identityv1.Suspension {
	o.t.Helper()
	response, err := o.GetSuspension(context.WithoutCancel(o.t.Context()), &identityv1.GetSuspensionRequest{PlayerId: playerID})
	if err != nil {
		o.t.Error(err)
	}
	return response.GetSuspension()
}

// identityOf is the id of a device's identity.
func identityOf(device string) string {
	return credential.Subject{Issuer: "device", Name: device}.ID()
}

// refused says whether a replica refuses a player's access token as that of a suspended one.
func (r *replica) refused(access string) bool {
	r.t.Helper()
	_, err := r.whoAmI(access)
	return fault.ReasonOf(err) == "PLAYER_SUSPENDED" && fault.Is(err, fault.PermissionDenied)
}

// The number here is the promise: at once where the operator asked, within 5 s everywhere, with the polls as they are by default, for
// tokens that were verified and remembered before, and the same when the suspension is lifted.
func TestSuspensionBitesOnEveryReplica(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deps.Verifier = auth.Options{}
	a, b := w.replica(), w.replica()
	me := secret()
	session, other := a.signIn(me), a.signIn(secret())
	access, id := session.GetSession().GetAccessToken(), session.GetPlayerId()
	for _, r := range []*replica{a, b} {
		if _, err := r.whoAmI(access); err != nil {
			t.Fatal(err)
		}
	}
	console := a.operator()
	began := time.Now()
	if _, err := console.suspend(id, "cheating"); err != nil {
		t.Fatal(err)
	}
	if !a.refused(access) {
		t.Error("the server that answered does not know it")
	}
	_, err := a.SignIn(t.Context(), device(me, ""))
	wantFault(t, err, fault.PermissionDenied, "PLAYER_SUSPENDED")
	_, err = a.refresh(session.GetSession().GetRefreshToken())
	wantFault(t, err, fault.PermissionDenied, "PLAYER_SUSPENDED")
	eventually(t, "the suspension at the other server", func() bool { return b.refused(access) })
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	_, err = b.SignIn(t.Context(), device(me, ""))
	wantFault(t, err, fault.PermissionDenied, "PLAYER_SUSPENDED")
	_, err = b.refresh(session.GetSession().GetRefreshToken())
	wantFault(t, err, fault.PermissionDenied, "PLAYER_SUSPENDED")
	if _, err := b.whoAmI(other.GetSession().GetAccessToken()); err != nil {
		t.Errorf("another player: %v", err)
	}

	began = time.Now()
	if _, err := console.lift(id); err != nil {
		t.Fatal(err)
	}
	if _, err := a.whoAmI(access); err != nil {
		t.Errorf("the server that lifted it: %v", err)
	}
	eventually(t, "the end of it at the other server", func() bool { return !b.refused(access) })
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("lifting took %v", took)
	}
	if _, err := b.refresh(session.GetSession().GetRefreshToken()); err != nil {
		t.Errorf("the session of before: %v", err)
	}
}

func TestSuspendLiftSuspend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	me := secret()
	id := r.signIn(me).GetPlayerId()
	console := r.operator()
	if s := console.suspension(id); s.GetVersion() != 0 || s.GetSuspended() || len(s.GetHistory()) != 0 || !s.GetPropagated() {
		t.Errorf("never suspended: %v", s)
	}
	if s, err := console.lift(id); err != nil || s.GetVersion() != 0 || len(s.GetHistory()) != 0 {
		t.Errorf("lifting nothing: %v, %v", s, err)
	}
	want := func(s *identityv1.Suspension, err error, version int64, suspended bool) {
		t.Helper()
		if err != nil || s.GetVersion() != version || s.GetSuspended() != suspended || !s.GetPropagated() || s.GetPlayerId() != id {
			t.Errorf("%v, %v, want version %d, suspended %t", s, err, version, suspended)
		}
		if got := w.profile.suspension(id); got.version != version || got.suspended != suspended {
			t.Errorf("the profile service has %+v, want version %d, suspended %t", got, version, suspended)
		}
		_, err = r.SignIn(t.Context(), device(me, ""))
		if suspended != (fault.ReasonOf(err) == "PLAYER_SUSPENDED") {
			t.Errorf("signing in: %v", err)
		}
	}
	s, err := console.suspend(id, "cheating")
	want(s, err, 1, true)
	s, err = console.suspend(id, "cheating again")
	want(s, err, 2, true)
	s, err = console.lift(id)
	want(s, err, 3, false)
	s, err = console.lift(id)
	want(s, err, 3, false)
	until := timestamppb.New(time.Now().Add(time.Hour))
	s, err = console.suspendUntil(id, "", until)
	want(s, err, 4, true)
	if s.GetUntilTime().AsTime() != until.AsTime() {
		t.Errorf("until %v", s.GetUntilTime())
	}
	history := console.suspension(id).GetHistory()
	var said []string
	for _, c := range history {
		said = append(said, fmt.Sprintf("%s by %s: %s", c.GetAction(), c.GetActor(), c.GetReason()))
		if time.Since(c.GetChangeTime().AsTime()) > time.Minute {
			t.Errorf("a change at %v", c.GetChangeTime().AsTime())
		}
	}
	if got, want := strings.Join(said, "; "), "ACTION_SUSPEND by console: for a time; ACTION_LIFT by console: was a mistake; "+
		"ACTION_SUSPEND by console: cheating again; ACTION_SUSPEND by console: cheating"; got != want {
		t.Errorf("history %s, want %s", got, want)
	}
}

func TestSuspendAgainWithTheSameRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.replica(), w.replica()
	id := a.signIn(secret()).GetPlayerId()
	until := timestamppb.New(time.Now().Add(time.Hour))
	for _, r := range []*replica{a, b, a} {
		if s, err := r.operator().suspendUntil(id, "r1", until); err != nil || s.GetVersion() != 1 {
			t.Errorf("%v, %v", s, err)
		}
	}
	_, err := b.operator().suspendUntil(id, "r1", timestamppb.New(time.Now().Add(2*time.Hour)))
	wantFault(t, err, fault.AlreadyExists, "REQUEST_ID_REUSED")
	_, err = b.operator().LiftSuspension(t.Context(), &identityv1.LiftSuspensionRequest{PlayerId: id, Reason: "x", RequestId: "r1"})
	wantFault(t, err, fault.AlreadyExists, "REQUEST_ID_REUSED")
	if _, err := a.operator().lift(id); err != nil {
		t.Fatal(err)
	}
	if s, err := b.operator().suspendUntil(id, "r1", until); err != nil || s.GetSuspended() || s.GetVersion() != 2 {
		t.Errorf("a late repeat undid what came after it: %v, %v", s, err)
	}
}

func TestSuspensionOfNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	console := r.operator()
	_, err := console.suspend(someID, "x")
	wantFault(t, err, fault.NotFound, "PLAYER_NOT_FOUND")
	_, err = console.lift(someID)
	wantFault(t, err, fault.NotFound, "PLAYER_NOT_FOUND")
	_, err = console.GetSuspension(t.Context(), &identityv1.GetSuspensionRequest{PlayerId: someID})
	wantFault(t, err, fault.NotFound, "PLAYER_NOT_FOUND")
	if n := w.stored(cosmosstore.Revocations); n != 0 {
		t.Errorf("%d rows", n)
	}
	p := r.linker()
	for name, err := range map[string]error{
		"a player": func() error {
			_, err := p.SuspendPlayer(t.Context(), &identityv1.SuspendPlayerRequest{PlayerId: p.id, Reason: "x"})
			return err
		}(),
		"a game server": func() error {
			_, err := identityv1.NewIdentityServiceClient(r.program("arena-1")).LiftSuspension(t.Context(), &identityv1.LiftSuspensionRequest{PlayerId: p.id, Reason: "x"})
			return err
		}(),
		"a service": func() error {
			_, err := identityv1.NewIdentityServiceClient(r.program("profile")).GetSuspension(t.Context(), &identityv1.GetSuspensionRequest{PlayerId: p.id})
			return err
		}(),
	} {
		if fault.ReasonOf(err) != "ACCESS_DENIED" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A suspension that ends by itself ends everywhere: for tokens by the clock, at the profile service by the chore.
func TestSuspensionEndsByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	me := secret()
	session := r.signIn(me)
	id := session.GetPlayerId()
	console := r.operator()
	if _, err := console.suspendUntil(id, "", timestamppb.New(w.clock.Now().Add(5*time.Minute))); err != nil {
		t.Fatal(err)
	}
	if !r.refused(session.GetSession().GetAccessToken()) {
		t.Error("the token is good")
	}
	w.round(r)
	if s := console.suspension(id); !s.GetSuspended() || s.GetVersion() != 1 {
		t.Errorf("before its end: %v", s)
	}
	w.clock.Advance(5*time.Minute + time.Second)
	if _, err := r.whoAmI(session.GetSession().GetAccessToken()); err != nil {
		t.Errorf("after its end: %v", err)
	}
	if s := console.suspension(id); s.GetSuspended() || s.GetUntilTime() != nil {
		t.Errorf("after its end: %v", s)
	}
	for range 2 {
		w.round(r)
	}
	s := console.suspension(id)
	if s.GetVersion() != 2 || !s.GetPropagated() || s.GetHistory()[0].GetAction() != identityv1.SuspensionChange_ACTION_EXPIRE ||
		s.GetHistory()[0].GetActor() != "identity" {
		t.Errorf("after the chore: %v", s)
	}
	if got := w.profile.suspension(id); got.suspended || got.version != 2 {
		t.Errorf("the profile service has %+v", got)
	}
}

// round does the chore once, beside the one that runs on its own.
func (w *world) round(r *replica) {
	w.t.Helper()
	if err := w.suspensions(r).Round(w.t.Context()); err != nil {
		w.t.Error(err)
	}
}

// suspensions is the chore of a replica, by the test's own hand.
func (w *world) suspensions(r *replica) *suspension.Suspensions {
	return &suspension.Suspensions{
		Store: cosmosstore.NewSuspensions(w.client), Players: cosmosstore.NewPlayers(w.client), Profiles: profilesOf{w.profile},
		Revocations: r.service.Verifier(), Now: w.clock.Now, Log: w.deps.Logger,
	}
}

// The profile service is away when a player is suspended: the suspension holds, says that it was not passed on, and is by the repeat or by the chore.
func TestSuspensionIsPassedOnLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	console := r.operator()
	for _, by := range []string{"the repeat", "the chore"} {
		session := r.signIn(secret())
		id := session.GetPlayerId()
		w.profile.setFail(fault.New(fault.Unavailable, "DOWN", "down"))
		s, err := console.suspendUntil(id, "r-"+id, nil)
		if err != nil || !s.GetSuspended() || s.GetPropagated() {
			t.Fatalf("%v, %v", s, err)
		}
		if !r.refused(session.GetSession().GetAccessToken()) {
			t.Error("it does not hold")
		}
		w.profile.setFail(nil)
		if by == "the repeat" {
			if s, err = console.suspendUntil(id, "r-"+id, nil); err != nil || !s.GetPropagated() || s.GetVersion() != 1 {
				t.Errorf("the repeat: %v, %v", s, err)
			}
		} else {
			w.clock.Advance(time.Minute)
			w.round(r)
		}
		if s := console.suspension(id); !s.GetPropagated() || s.GetVersion() != 1 {
			t.Errorf("after %s: %v", by, s)
		}
		if got := w.profile.suspension(id); !got.suspended {
			t.Errorf("after %s the profile service has %+v", by, got)
		}
	}
	w.profile.calls = 3 // it says done only then
	id := r.signIn(secret()).GetPlayerId()
	if s, err := console.suspend(id, "x"); err != nil || !s.GetPropagated() {
		t.Errorf("a profile service that needs three calls: %v, %v", s, err)
	}
}

// The history is bounded, and says so by the version.
func TestSuspensionHistoryIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	id := r.signIn(secret()).GetPlayerId()
	console := r.operator()
	for range suspension.MaxHistory + 5 {
		if _, err := console.suspend(id, strings.Repeat("é", 500)); err != nil {
			t.Fatal(err)
		}
	}
	if s := console.suspension(id); s.GetVersion() != suspension.MaxHistory+5 || len(s.GetHistory()) != suspension.MaxHistory {
		t.Errorf("version %d, %d changes", s.GetVersion(), len(s.GetHistory()))
	}
}

// What is known of a player's suspensions is exported, but for the names of the staff, and erased with him.
func TestSuspensionIsExportedAndErased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	p := r.linker(secret())
	if _, err := r.operator().suspend(p.id, "cheating in ranked games"); err != nil {
		t.Fatal(err)
	}
	data := identityv1.NewPlayerDataServiceClient(r.program("profile"))
	parts := export(t, data, p.id, "", 100)
	checkExport(t, parts, map[string]int64{cosmosstore.Identities: 2, cosmosstore.Players: 1, cosmosstore.Revocations: 1})
	text := fmt.Sprint(parts)
	if !strings.Contains(text, "cheating in ranked games") || strings.Contains(text, "console") {
		t.Errorf("the export is %s", text)
	}
	r.erase(t.Context(), p.id)
	w.onlyTheRevocationBears(p.id)
	w.round(r)
	_, err := r.operator().lift(p.id)
	wantFault(t, err, fault.NotFound, "PLAYER_NOT_FOUND")
	w.onlyTheRevocationBears(p.id)
}

// 31 days after an erasure nothing that is stored bears the player's bare id: the store forgets it by itself. What stays is found by the
// HMAC alone, and servers that start then do not learn the id any more.
func TestErasedIDIsForgotten(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	r := w.replica()
	p := r.linker(secret())
	if _, err := r.operator().suspend(p.id, "x"); err != nil {
		t.Fatal(err)
	}
	r.erase(t.Context(), p.id)
	day := 24 * time.Hour
	w.emulator.Clock().Advance(29 * day)
	w.clock.Advance(29 * day)
	r = w.replica()
	eventually(t, "the erasure at a server that starts later", func() bool { return r.service.Verifier().Erased(p.id) })
	r.erase(t.Context(), p.id) // a repeat does not begin anew
	if bearing := w.bearing(p.id); len(bearing) != 1 || !strings.HasPrefix(bearing[0], "revocations ") {
		t.Errorf("while servers need it, it stands in %v", bearing)
	}
	w.emulator.Clock().Advance(2*day + time.Minute)
	w.clock.Advance(2*day + time.Minute)
	if bearing := w.bearing(p.id); len(bearing) != 0 {
		t.Errorf("the id is still there: %v", bearing)
	}
	data := identityv1.NewPlayerDataServiceClient(w.replica().program("profile"))
	checkExport(t, export(t, data, p.id, "", 100), map[string]int64{cosmosstore.Revocations: 1})
}

// bearing gives every document that holds a text anywhere.
func (w *world) bearing(text string) (found []string) {
	w.t.Helper()
	for _, spec := range specs(w.t) {
		rows, err := cosmos.Select[json.RawMessage](w.t.Context(), w.client.Container(spec.ID), cosmos.Key{}, cosmos.SQL("SELECT * FROM c"))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, row := range rows {
			if strings.Contains(string(row), text) {
				found = append(found, spec.ID+" "+string(row))
			}
		}
	}
	return found
}
