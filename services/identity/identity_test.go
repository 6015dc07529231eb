package identity_test

import (
	"sync"
	"testing"
	"time"

	"supergame/local/emulator"
	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/identity/internal/player"
	"supergame/services/identity/internal/revocation"
	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
)

func wantFault(t testing.TB, err error, kind fault.Kind, reason string) {
	t.Helper()
	if fault.KindOf(err) != kind || fault.ReasonOf(err) != reason || err == nil {
		t.Errorf("err = %v (%s), want %s (%s)", err, fault.ReasonOf(err), kind, reason)
	}
}

func TestEveryMethodHasARule(t *testing.T) {
	t.Parallel()
	if without := newWorld(t).replica().server.MethodsWithoutRule(); len(without) > 0 {
		t.Errorf("no rule: %v", without)
	}
}

func TestSignInWithADevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	me := secret()
	first := r.signIn(me)
	if !first.GetCreated() || len(first.GetPlayerId()) != 26 {
		t.Fatalf("first sign-in: %v", first)
	}
	again := r.signIn(me)
	if again.GetCreated() || again.GetPlayerId() != first.GetPlayerId() {
		t.Errorf("second sign-in: created %t, player %s, want %s", again.GetCreated(), again.GetPlayerId(), first.GetPlayerId())
	}
	if again.GetSession().GetRefreshToken() == first.GetSession().GetRefreshToken() {
		t.Error("two sign-ins share a session")
	}
	if other := r.signIn(secret()); other.GetPlayerId() == first.GetPlayerId() {
		t.Error("two devices share a player")
	}
	for _, s := range []*identityv1.Session{first.GetSession(), again.GetSession()} {
		if subject, err := r.whoAmI(s.GetAccessToken()); err != nil || subject != first.GetPlayerId() {
			t.Errorf("the access token says %q, %v", subject, err)
		}
	}
	if life := time.Until(first.GetSession().GetAccessTokenExpireTime().AsTime()); life < 29*time.Minute || life > 30*time.Minute {
		t.Errorf("the access token lives %v", life)
	}
	if life := time.Until(first.GetSession().GetRefreshTokenExpireTime().AsTime()); life < 719*time.Hour || life > 720*time.Hour {
		t.Errorf("the refresh token lives %v", life)
	}
	if w.profile.players() != 2 {
		t.Errorf("%d profiles", w.profile.players())
	}
}

func TestSignInSwitchedOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Device = false
	_, err := w.replica().SignIn(t.Context(), device(secret(), ""))
	wantFault(t, err, fault.FailedPrecondition, "PROVIDER_DISABLED")
}

func TestSignInAgainWithTheSameRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.replica(), w.replica()
	me := secret()
	first, err := a.SignIn(t.Context(), device(me, "request-1"))
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(player.SignInWindow - time.Minute)
	again, err := b.SignIn(t.Context(), device(me, "request-1"))
	if err != nil {
		t.Fatal(err)
	}
	if again.GetSession().GetRefreshToken() != first.GetSession().GetRefreshToken() || !again.GetCreated() {
		t.Errorf("repeated within the window: created %t, another session %t", again.GetCreated(),
			again.GetSession().GetRefreshToken() != first.GetSession().GetRefreshToken())
	}
	other, err := b.SignIn(t.Context(), device(secret(), "request-1"))
	if err != nil || other.GetPlayerId() == first.GetPlayerId() {
		t.Errorf("another device with the same request: %v, %v", other, err)
	}
	w.clock.Advance(2 * time.Minute)
	late, err := b.SignIn(t.Context(), device(me, "request-1"))
	if err != nil || late.GetSession().GetRefreshToken() == first.GetSession().GetRefreshToken() || late.GetCreated() {
		t.Errorf("repeated after the window: %v, %v", late, err)
	}
	if err := b.signOut(late.GetSession().GetRefreshToken()); err != nil {
		t.Fatal(err)
	}
	fresh, err := a.SignIn(t.Context(), device(me, "request-1"))
	if err != nil || fresh.GetSession().GetRefreshToken() == late.GetSession().GetRefreshToken() {
		t.Errorf("repeated after a sign-out: %v, %v", fresh, err)
	}
	if _, err := a.refresh(fresh.GetSession().GetRefreshToken()); err != nil {
		t.Errorf("the session after a sign-out cannot be used: %v", err)
	}
}

// The repeat reaches a replica whose clock is a little behind, on the other side of the border of two windows.
func TestSignInAgainOnAClockThatIsBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	border := time.Now().Truncate(player.SignInWindow).Add(player.SignInWindow)
	w.clock.Advance(time.Until(border))
	a := w.replica()
	behind := &clock{offset: time.Until(border) - 5*time.Second}
	w.deps.Now = behind.Now
	b := w.replica()
	me := secret()
	first, err := a.SignIn(t.Context(), device(me, "request-1"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.SignIn(t.Context(), device(me, "request-1"))
	if err != nil || again.GetSession().GetRefreshToken() != first.GetSession().GetRefreshToken() {
		t.Errorf("another session: %v, %v", again, err)
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	me := secret()
	mine, other := r.signIn(me), r.signIn(me)
	tokens := []string{mine.GetSession().GetRefreshToken()}
	for range 3 {
		next, err := r.refresh(tokens[len(tokens)-1])
		if err != nil || next.GetPlayerId() != mine.GetPlayerId() {
			t.Fatal(next, err)
		}
		if _, err := r.whoAmI(next.GetSession().GetAccessToken()); err != nil {
			t.Error(err)
		}
		tokens = append(tokens, next.GetSession().GetRefreshToken())
	}
	last := len(tokens) - 1
	w.clock.Advance(player.RepeatWindow - 5*time.Second)
	again, err := r.refresh(tokens[last-1])
	if err != nil || again.GetSession().GetRefreshToken() != tokens[last] {
		t.Errorf("the token just used gives %v, %v, want the same successor", again, err)
	}
	_, err = r.refresh(tokens[last-2])
	wantFault(t, err, fault.Unauthenticated, "REFRESH_REFUSED")
	_, err = r.refresh(tokens[last])
	wantFault(t, err, fault.Unauthenticated, "REFRESH_REFUSED")
	eventually(t, "the end of the session's access tokens", func() bool {
		_, err := r.whoAmI(again.GetSession().GetAccessToken())
		return fault.ReasonOf(err) == "SESSION_REVOKED"
	})
	if _, err := r.refresh(other.GetSession().GetRefreshToken()); err != nil {
		t.Errorf("a stolen token ended another session: %v", err)
	}
}

func TestRefreshRepeatedTooLateEndsTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	first := r.signIn(secret()).GetSession().GetRefreshToken()
	second, err := r.refresh(first)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(player.RepeatWindow + time.Second)
	_, err = r.refresh(first)
	wantFault(t, err, fault.Unauthenticated, "REFRESH_REFUSED")
	_, err = r.refresh(second.GetSession().GetRefreshToken())
	wantFault(t, err, fault.Unauthenticated, "REFRESH_REFUSED")
}

func TestRefreshTwiceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	replicas := []*replica{w.replica(), w.replica()}
	token := replicas[0].signIn(secret()).GetSession().GetRefreshToken()
	for range 5 {
		successors := make([]string, 8)
		var wg sync.WaitGroup
		for i := range successors {
			wg.Go(func() {
				next, err := replicas[i%2].refresh(token)
				if err != nil {
					t.Error(err)
				}
				successors[i] = next.GetSession().GetRefreshToken()
			})
		}
		wg.Wait()
		for _, s := range successors {
			if s != successors[0] {
				t.Fatal("one token has two successors")
			}
		}
		token = successors[0]
	}
}

func TestRefreshExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	token := r.signIn(secret()).GetSession().GetRefreshToken()
	w.clock.Advance(w.cfg.RefreshTokenLife + time.Second)
	_, err := r.refresh(token)
	wantFault(t, err, fault.Unauthenticated, "REFRESH_REFUSED")
}

func TestRefreshAfterTheKeyChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.replica().signIn(secret()).GetSession().GetRefreshToken()
	w.cfg.RefreshKey, w.cfg.RefreshKeyBefore = randomKey(), w.cfg.RefreshKey
	r := w.replica()
	next, err := r.refresh(token)
	if err != nil {
		t.Fatal(err)
	}
	w.cfg.RefreshKeyBefore = randomKey()
	r = w.replica()
	if _, err := r.refresh(next.GetSession().GetRefreshToken()); err != nil {
		t.Errorf("a token of the new key: %v", err)
	}
	_, err = r.refresh(token)
	wantFault(t, err, fault.Unauthenticated, "REFRESH_REFUSED")
}

// The number here is the promise: within 5 s, with the polls as they are by default.
func TestSignOutBitesOnEveryReplica(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deps.Verifier = auth.Options{}
	a, b := w.replica(), w.replica()
	session := a.signIn(secret()).GetSession()
	other := a.signIn(secret()).GetSession()
	for _, r := range []*replica{a, b} {
		if _, err := r.whoAmI(session.GetAccessToken()); err != nil { // verified, and cached, before
			t.Fatal(err)
		}
	}
	for range 2 { // safe to repeat
		if err := a.signOut(session.GetRefreshToken()); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	_, err := b.refresh(session.GetRefreshToken())
	wantFault(t, err, fault.Unauthenticated, "REFRESH_REFUSED")
	for _, r := range []*replica{a, b} {
		eventually(t, "the end of the access token", func() bool {
			_, err := r.whoAmI(session.GetAccessToken())
			return fault.ReasonOf(err) == "SESSION_REVOKED"
		})
		if _, err := r.whoAmI(other.GetAccessToken()); err != nil {
			t.Errorf("another session: %v", err)
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	wantFault(t, a.signOut("made.up.1.token"), fault.Unauthenticated, "REFRESH_REFUSED")
}

// A sign-out that was cut and is repeated an hour later ends the access tokens that were given out in between, too: for as long as they
// live.
func TestSignOutRepeatedMuchLater(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	w.cfg.AccessTokenLife = time.Hour
	r := w.replica()
	token := r.signIn(secret()).GetSession().GetRefreshToken()
	w.emulator.Inject(refusal(emulator.OpReplace, cosmosstore.Players, false))
	if err := r.signOut(token); err == nil {
		t.Fatal("the fault did not bite")
	}
	w.clock.Advance(revocation.SessionTTL - time.Minute)
	next, err := r.refresh(token)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.signOut(next.GetSession().GetRefreshToken()); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Minute)
	eventually(t, "the end of the access token", func() bool {
		_, err := r.whoAmI(next.GetSession().GetAccessToken())
		return fault.ReasonOf(err) == "SESSION_REVOKED"
	})
}

// An identity that its player does not list leads nowhere: it was being taken off him. Its next sign-in is the first one of a new player.
func TestSignInByAnUnlinkedIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	me := secret()
	session := r.signIn(me)
	err := cosmosstore.NewPlayers(w.client).Update(t.Context(), session.GetPlayerId(), func(p *player.Player) bool { p.Links = nil; return true })
	if err != nil {
		t.Fatal(err)
	}
	next, err := r.SignIn(t.Context(), device(me, ""))
	if err != nil || !next.GetCreated() || next.GetPlayerId() == session.GetPlayerId() {
		t.Errorf("%v, %v, want a new player", next, err)
	}
	if _, err := r.refresh(session.GetSession().GetRefreshToken()); err != nil {
		t.Errorf("the session that is open: %v", err)
	}
}

func TestSignInDropsTheOldestSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	me := secret()
	var tokens []string
	for range player.MaxFamilies + 1 {
		w.clock.Advance(time.Millisecond) // which of two is older can be told
		tokens = append(tokens, r.signIn(me).GetSession().GetRefreshToken())
	}
	_, err := r.refresh(tokens[0])
	wantFault(t, err, fault.Unauthenticated, "REFRESH_REFUSED")
	for _, token := range tokens[1:] {
		if _, err := r.refresh(token); err != nil {
			t.Error(err)
		}
	}
}

func TestSignInClient(t *testing.T) {
	t.Parallel()
	r := newWorld(t).replica()
	for name, want := range map[string]string{"profile": "ROLE_SERVICE", "arena-1": "ROLE_GAME_SERVER", "console": "ROLE_OPERATOR"} {
		response, err := r.SignInClient(t.Context(), clientKey(name, testKey))
		if err != nil || response.GetRole().String() != want || response.GetClientId() != name {
			t.Errorf("%s: %v, %v", name, response, err)
			continue
		}
		if subject, err := r.whoAmI(response.GetAccessToken()); err != nil || subject != name {
			t.Errorf("%s: the token says %q, %v", name, subject, err)
		}
	}
	_, err := r.SignInClient(t.Context(), clientKey("profile", testKey+"x"))
	wantFault(t, err, fault.Unauthenticated, "CREDENTIAL_REFUSED")
	_, err = r.SignInClient(t.Context(), clientKey("nobody", testKey))
	wantFault(t, err, fault.Unauthenticated, "CREDENTIAL_REFUSED")
}

func TestAccessRules(t *testing.T) {
	t.Parallel()
	r := newWorld(t).replica()
	calls := map[string]func(identityv1.IdentityServiceClient, identityv1.PlayerDataServiceClient) error{
		"RevokePlayer": func(c identityv1.IdentityServiceClient, _ identityv1.PlayerDataServiceClient) error {
			_, err := c.RevokePlayer(t.Context(), &identityv1.RevokePlayerRequest{PlayerId: someID})
			return err
		},
		"ErasePlayer": func(_ identityv1.IdentityServiceClient, c identityv1.PlayerDataServiceClient) error {
			_, err := c.ErasePlayer(t.Context(), &identityv1.ErasePlayerRequest{PlayerId: someID})
			return err
		},
		"ListRevocations": func(c identityv1.IdentityServiceClient, _ identityv1.PlayerDataServiceClient) error {
			_, err := c.ListRevocations(t.Context(), &identityv1.ListRevocationsRequest{})
			return err
		},
	}
	anybody, playerConn := r.dial(""), r.dial(r.signIn(secret()).GetSession().GetAccessToken())
	for name, call := range calls {
		if err := call(identityv1.NewIdentityServiceClient(anybody), identityv1.NewPlayerDataServiceClient(anybody)); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s without a token: %v", name, err)
		}
		if err := call(identityv1.NewIdentityServiceClient(playerConn), identityv1.NewPlayerDataServiceClient(playerConn)); !fault.Is(err, fault.PermissionDenied) {
			t.Errorf("%s as a player: %v", name, err)
		}
		for _, who := range []string{"arena-1", "console", "leaderboard"} {
			conn := r.program(who)
			err := call(identityv1.NewIdentityServiceClient(conn), identityv1.NewPlayerDataServiceClient(conn))
			if allowed := name == "ListRevocations" && who == "leaderboard"; allowed != (err == nil) || !allowed && !fault.Is(err, fault.PermissionDenied) {
				t.Errorf("%s as %s: %v", name, who, err)
			}
		}
	}
}
