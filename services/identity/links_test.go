package identity_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/identity/internal/player"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

func TestLinkAndUnlink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	second, third := secret(), secret()
	p := r.linker()
	linked, err := p.LinkIdentity(t.Context(), linkDevice(second, "r1"))
	if err != nil || linked.GetIdentity().GetIdentityId() != identityOf(second) || linked.GetIdentity().GetProvider() != "device" ||
		time.Since(linked.GetIdentity().GetLinkTime().AsTime()) > time.Minute {
		t.Fatal(linked, err)
	}
	for _, request := range []string{"r1", "", "r2"} {
		again, err := p.LinkIdentity(t.Context(), linkDevice(second, request))
		if err != nil || again.GetIdentity().GetLinkTime().AsTime() != linked.GetIdentity().GetLinkTime().AsTime() {
			t.Errorf("again as %q: %v, %v", request, again, err)
		}
	}
	_, err = p.LinkIdentity(t.Context(), linkDevice(third, "r1"))
	wantFault(t, err, fault.AlreadyExists, "REQUEST_ID_REUSED")
	if got, want := p.identities(), []string{identityOf(p.me), identityOf(second)}; !slices.Equal(got, want) {
		t.Errorf("identities %v, want %v", got, want)
	}
	if id := r.who(second); id != p.id {
		t.Errorf("the second device leads to %s, want %s", id, p.id)
	}
	unlink := func(identity, request string) error {
		_, err := p.UnlinkIdentity(t.Context(), &identityv1.UnlinkIdentityRequest{IdentityId: identity, RequestId: request})
		return err
	}
	for range 2 {
		if err := unlink(identityOf(p.me), "u1"); err != nil {
			t.Errorf("unlinking the first: %v", err)
		}
	}
	wantFault(t, unlink(identityOf(second), "u1"), fault.AlreadyExists, "REQUEST_ID_REUSED")
	wantFault(t, unlink(identityOf(p.me), ""), fault.NotFound, "IDENTITY_NOT_FOUND")
	wantFault(t, unlink(identityOf(third), ""), fault.NotFound, "IDENTITY_NOT_FOUND")
	wantFault(t, unlink(identityOf(second), ""), fault.FailedPrecondition, "LAST_IDENTITY")
	if next := r.signIn(p.me); !next.GetCreated() || next.GetPlayerId() == p.id {
		t.Errorf("the device that was unlinked leads to %v", next)
	}
	w.linksAgree(nil)
}

// A repeat that comes after the link was taken off again does not bring it back.
func TestLinkRepeatedAfterAnUnlink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.replica().linker()
	device := secret()
	if _, err := p.LinkIdentity(t.Context(), linkDevice(device, "r1")); err != nil {
		t.Fatal(err)
	}
	if err := p.unlink(device); err != nil {
		t.Fatal(err)
	}
	_, err := p.LinkIdentity(t.Context(), linkDevice(device, "r1"))
	wantFault(t, err, fault.Aborted, "UNLINKED_SINCE")
	if got := p.identities(); len(got) != 1 {
		t.Errorf("identities %v", got)
	}
}

func TestAtMostTenIdentities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.replica().linker()
	for range player.MaxLinks - 1 {
		if err := p.link(secret()); err != nil {
			t.Fatal(err)
		}
	}
	wantFault(t, p.link(secret()), fault.FailedPrecondition, "TOO_MANY_IDENTITIES")
	other := p.r.linker(secret())
	taken := p.taken(other.me)
	wantFault(t, p.resolve(taken.GetResolveToken(), p.id, true), fault.FailedPrecondition, "TOO_MANY_IDENTITIES")
	if err := p.unlink(p.me); err != nil {
		t.Fatal(err)
	}
	if err := p.resolve(taken.GetResolveToken(), p.id, true); err != nil { // the token was not used up
		t.Error(err)
	}
	w.linksAgree(nil)
}

func TestResolveLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.replica(), w.replica()
	owner := a.linker(secret())
	caller := a.linker()
	before := w.links()
	taken := caller.taken(owner.me)
	if diff := w.links(); fmt.Sprint(diff) != fmt.Sprint(before) {
		t.Errorf("a refused link changed something: %v, was %v", diff, before)
	}
	if p := taken.GetOwner(); p.GetPlayerId() != owner.id || p.GetDisplayName() != "name of "+owner.id[20:] || p.GetCountry() != "DE" {
		t.Errorf("the owner's profile: %v", p)
	}
	if p := taken.GetCaller(); p.GetPlayerId() != caller.id || p.GetDisplayName() != "name of "+caller.id[20:] {
		t.Errorf("the caller's profile: %v", p)
	}
	if life := time.Until(taken.GetExpireTime().AsTime()); life < 9*time.Minute || life > 10*time.Minute {
		t.Errorf("the token ends in %v", life)
	}
	token := taken.GetResolveToken()
	for i, l := range []*linker{caller, caller.on(b), caller} { // the same answer again
		response, err := l.ResolveLink(t.Context(), &identityv1.ResolveLinkRequest{ResolveToken: token, KeepPlayerId: caller.id})
		if err != nil || response.GetPlayerId() != caller.id || response.GetIdentity().GetIdentityId() != identityOf(owner.me) {
			t.Errorf("call %d: %v, %v", i, response, err)
		}
	}
	wantFault(t, caller.resolve(token, owner.id, false), fault.FailedPrecondition, "LINK_CHANGED") // used up
	if id := b.who(owner.me); id != caller.id {
		t.Errorf("it leads to %s, want the caller %s", id, caller.id)
	}
	if got := owner.identities(); len(got) != 1 || got[0] == identityOf(owner.me) {
		t.Errorf("the owner has %v", got)
	}
	w.linksAgree(nil)

	// The other way round: the owner keeps it, and the token is used up as well.
	taken = caller.taken(ownerDevice(t, w, owner))
	token = taken.GetResolveToken()
	for range 2 {
		if err := caller.resolve(token, owner.id, false); err != nil {
			t.Error(err)
		}
	}
	wantFault(t, caller.resolve(token, caller.id, true), fault.FailedPrecondition, "LINK_CHANGED")
	w.linksAgree(nil)
}

// ownerDevice links one more device to a player.
func ownerDevice(t *testing.T, w *world, owner *linker) string {
	t.Helper()
	device := secret()
	if err := owner.link(device); err != nil {
		t.Fatal(err)
	}
	w.linksAgree(nil)
	return device
}

func TestResolveLinkRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	owner, caller, other := r.linker(), r.linker(), r.linker()
	token := caller.taken(owner.me).GetResolveToken()
	invalid := func(err error, field string) {
		t.Helper()
		if f := fault.As(err); f == nil || f.Kind != fault.InvalidArgument || f.Fields[0].Path != field {
			t.Errorf("%v, want %s named", err, field)
		}
	}
	invalid(other.resolve(token, other.id, true), "resolve_token") // another caller
	invalid(caller.resolve(token, other.id, true), "keep_player_id")
	parts := strings.Split(token, ".")
	for i := range parts {
		changed := slices.Clone(parts)
		changed[i] = "x" + changed[i][1:]
		invalid(caller.resolve(strings.Join(changed, "."), caller.id, true), "resolve_token")
	}
	invalid(caller.resolve(token+".", caller.id, true), "resolve_token")

	// It is the owner's last one.
	err := caller.resolve(token, caller.id, false)
	wantFault(t, err, fault.FailedPrecondition, "LAST_IDENTITY")
	if f := fault.As(err); f != nil && f.Metadata["player_id"] != owner.id {
		t.Errorf("metadata %v", f.Metadata)
	}
	if id := r.who(owner.me); id != owner.id {
		t.Errorf("a refused move led the credential to %s", id)
	}
	w.linksAgree(nil)

	// The state is not as it was: linked elsewhere, or unlinked.
	if err := owner.link(secret()); err != nil {
		t.Fatal(err)
	}
	if err := owner.unlink(owner.me); err != nil {
		t.Fatal(err)
	}
	wantFault(t, caller.resolve(token, caller.id, true), fault.FailedPrecondition, "LINK_CHANGED")
	if err := caller.link(owner.me); err != nil { // it is free
		t.Error(err)
	}

	token = caller.taken(other.me).GetResolveToken()
	w.clock.Advance(10*time.Minute + time.Second)
	wantFault(t, caller.resolve(token, caller.id, true), fault.FailedPrecondition, "RESOLVE_TOKEN_EXPIRED")
	w.linksAgree(nil)
}

// Whoever takes over a player's last credential says that he knows it.
func TestResolveLinkTakesTheLastIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	owner, caller := r.linker(), r.linker()
	token := caller.taken(owner.me).GetResolveToken()
	for range 2 {
		if err := caller.resolve(token, caller.id, true); err != nil {
			t.Fatal(err)
		}
	}
	if id := r.who(owner.me); id != caller.id {
		t.Errorf("it leads to %s", id)
	}
	if got := owner.identities(); len(got) != 0 {
		t.Errorf("the owner has %v", got)
	}
	w.linksAgree(map[string]bool{owner.id: true})
}

// Nobody gets round a suspension by moving a credential.
func TestResolveLinkOfASuspendedOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	owner, caller := r.linker(secret()), r.linker()
	token := caller.taken(owner.me).GetResolveToken()
	if _, err := r.operator().suspend(owner.id, "cheating"); err != nil {
		t.Fatal(err)
	}
	wantFault(t, caller.resolve(token, caller.id, true), fault.FailedPrecondition, "OWNER_SUSPENDED")
	wantFault(t, owner.link(secret()), fault.PermissionDenied, "PLAYER_SUSPENDED")
	wantFault(t, owner.unlink(owner.me), fault.PermissionDenied, "PLAYER_SUSPENDED")
	_, err := r.SignIn(t.Context(), device(owner.me, ""))
	wantFault(t, err, fault.PermissionDenied, "PLAYER_SUSPENDED")
	w.linksAgree(nil)
}

// A first sign-in that stopped half-way is nobody's yet, and still it is not given away: it is completed, and then it is taken.
func TestLinkOfAnIdentityWhoseFirstSignInStopped(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	r := w.replica()
	for _, container := range []string{cosmosstore.Players, cosmosstore.Identities} {
		half := secret()
		op := refusal("create", container, container == cosmosstore.Identities)
		w.emulator.Inject(op)
		if _, err := r.SignIn(t.Context(), device(half, "")); err == nil {
			t.Fatal("the fault did not bite")
		}
		w.emulator.ClearFaults()
		caller := r.linker()
		taken := caller.taken(half)
		if taken.GetOwner().GetPlayerId() == caller.id {
			t.Errorf("taken %v", taken)
		}
		if id := r.who(half); id != taken.GetOwner().GetPlayerId() {
			t.Errorf("it leads to %s", id)
		}
	}
	w.linksAgree(nil)
}

func TestIdentitiesOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	p, other := r.linker(secret()), r.linker()
	console := identityv1.NewIdentityServiceClient(r.program("console"))
	list := func(c identityv1.IdentityServiceClient, id string) (*identityv1.ListIdentitiesResponse, error) {
		return c.ListIdentities(t.Context(), &identityv1.ListIdentitiesRequest{PlayerId: id})
	}
	_, err := list(other, p.id)
	wantFault(t, err, fault.PermissionDenied, "NOT_YOUR_PLAYER")
	_, err = other.UnlinkIdentity(t.Context(), &identityv1.UnlinkIdentityRequest{PlayerId: p.id, IdentityId: identityOf(p.me)})
	wantFault(t, err, fault.PermissionDenied, "NOT_YOUR_PLAYER")
	wantFault(t, other.unlink(p.me), fault.NotFound, "IDENTITY_NOT_FOUND")
	if found, err := list(console, p.id); err != nil || len(found.GetIdentities()) != 2 {
		t.Errorf("an operator: %v, %v", found, err)
	}
	_, err = list(console, "")
	if f := fault.As(err); f == nil || f.Kind != fault.InvalidArgument || f.Fields[0].Path != "player_id" {
		t.Errorf("an operator about nobody: %v", err)
	}
	_, err = list(console, someID)
	wantFault(t, err, fault.NotFound, "PLAYER_NOT_FOUND")
	if _, err := console.UnlinkIdentity(t.Context(), &identityv1.UnlinkIdentityRequest{PlayerId: p.id, IdentityId: identityOf(p.me)}); err != nil {
		t.Errorf("an operator unlinks: %v", err)
	}
	_, err = console.LinkIdentity(t.Context(), linkDevice(secret(), ""))
	wantFault(t, err, fault.PermissionDenied, "ACCESS_DENIED")
	_, err = r.LinkIdentity(t.Context(), linkDevice(secret(), ""))
	wantFault(t, err, fault.Unauthenticated, "TOKEN_MISSING")
}

// Without the profile service nobody is told that a credential is taken: he could not decide. Nothing is changed by that.
func TestTakenWithoutTheProfileService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	owner, caller := r.linker(), r.linker()
	w.profile.setFail(fault.New(fault.Unavailable, "DOWN", "down"))
	wantFault(t, caller.link(owner.me), fault.Unavailable, "DOWN")
	if err := caller.link(secret()); err != nil {
		t.Errorf("a free one: %v", err)
	}
	w.profile.setFail(nil)
	caller.taken(owner.me)
	w.linksAgree(nil)
}

// links reads both sides of every link.
func (w *world) links() (all struct {
	identities map[string]string // identity -> player
	players    []playerLinks
},
) {
	w.t.Helper()
	ctx := w.t.Context()
	rows, err := cosmos.Select[struct{ ID, PlayerID string }](ctx, w.client.Container(cosmosstore.Identities), cosmos.Key{}, cosmos.SQL("SELECT c.id, c.playerId FROM c"))
	if err != nil {
		w.t.Fatal(err)
	}
	all.identities = map[string]string{}
	for _, row := range rows {
		all.identities[row.ID] = row.PlayerID
	}
	all.players, err = cosmos.Select[playerLinks](ctx, w.client.Container(cosmosstore.Players), cosmos.Key{}, cosmos.SQL("SELECT * FROM c"))
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}
