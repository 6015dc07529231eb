package identity_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity"
	"supergame/services/platform/config"
	"supergame/services/platform/fault"
)

// remotes stands in for Steam, PlayFab and Google at once: a ticket `..aa` is alice's, `..bb` bob's, and anything else nobody's.
type remotes struct {
	*httptest.Server
	down atomic.Bool
}

func newRemotes(t testing.TB) *remotes {
	t.Helper()
	m := &remotes{}
	names := map[string]string{"00112233445566aa": "1001", "00112233445566bb": "1002"}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		body, _ := io.ReadAll(r.Body)
		var name string
		for ticket, known := range names {
			if strings.Contains(string(body)+r.URL.RawQuery+r.Header.Get("Authorization"), ticket) {
				name = known
			}
		}
		answer := ""
		switch {
		case strings.HasPrefix(r.URL.Path, "/ISteamUserAuth") && name == "":
			answer = `{"response":{"error":{"errorcode":101,"errordesc":"Invalid ticket"}}}`
		case strings.HasPrefix(r.URL.Path, "/ISteamUserAuth"):
			answer = fmt.Sprintf(`{"response":{"params":{"result":"OK","steamid":%q,"ownersteamid":%q,"vacbanned":false,"publisherbanned":false}}}`, name, name)
		case r.URL.Path == "/Authentication/GetEntityToken":
			answer = `{"code":200,"data":{"EntityToken":"title"}}`
		case name == "":
			w.WriteHeader(http.StatusBadRequest)
			answer = `{"code":400,"error":"invalid_grant"}`
		case r.URL.Path == "/Authentication/ValidateEntityToken":
			answer = fmt.Sprintf(`{"code":200,"data":{"Entity":{"Id":%q,"Type":"title_player_account"}}}`, name)
		case r.URL.Path == "/token":
			answer = fmt.Sprintf(`{"access_token":%q}`, strings.NewReplacer("1001", "00112233445566aa", "1002", "00112233445566bb").Replace(name))
		default:
			answer = fmt.Sprintf(`{"player_id":%q}`, name)
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(m.Close)
	return m
}

// xboxVerifier is what a deployment with the documents would bring.
type xboxVerifier struct{}

func (xboxVerifier) Verify(_ context.Context, token string) (string, error) {
	if !strings.HasSuffix(token, "aa") && !strings.HasSuffix(token, "bb") {
		return "", fault.New(fault.Unauthenticated, "CREDENTIAL_REFUSED", "the credential was refused")
	}
	return "xuid-" + token, nil
}

func (m *remotes) configure(w *world) {
	w.cfg.PlayFab = identity.PlayFab{TitleID: "ab12", SecretKey: config.NewSecret("playfab-secret"), Endpoint: m.URL}
	w.cfg.Steam = identity.Steam{AppID: 480, PublisherKey: config.NewSecret("steam-secret"), Endpoint: m.URL}
	w.cfg.PlayGames = identity.PlayGames{
		AppID: "12345", ClientID: "client", ClientSecret: config.NewSecret("google-secret"), TokenEndpoint: m.URL + "/token", GamesEndpoint: m.URL,
	}
	w.deps.Xbox = xboxVerifier{}
}

// platformRequests are requests with a ticket of each platform.
func platformRequests(ticket string) map[string]*identityv1.SignInRequest {
	return map[string]*identityv1.SignInRequest{
		"playfab":    {Credential: &identityv1.SignInRequest_Playfab{Playfab: &identityv1.PlayFabCredential{EntityToken: ticket}}},
		"steam":      {Credential: &identityv1.SignInRequest_Steam{Steam: &identityv1.SteamCredential{Ticket: ticket}}},
		"play-games": {Credential: &identityv1.SignInRequest_PlayGames{PlayGames: &identityv1.PlayGamesCredential{ServerAuthCode: ticket}}},
		"xbox":       {Credential: &identityv1.SignInRequest_Xbox{Xbox: &identityv1.XboxCredential{Token: ticket}}},
	}
}

func TestSignInByAPlatform(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, request := range platformRequests("00112233445566aa") {
		_, err := w.replica().SignIn(t.Context(), request)
		wantFault(t, err, fault.FailedPrecondition, "PROVIDER_DISABLED")
		if f := fault.As(err); f != nil && f.Metadata["provider"] != name {
			t.Errorf("%s: metadata %v", name, f.Metadata)
		}
	}
	m := newRemotes(t)
	m.configure(w)
	r := w.replica()
	players := map[string]bool{}
	alice, bob, nobody := platformRequests("00112233445566aa"), platformRequests("00112233445566bb"), platformRequests("00112233445566cc")
	for name := range alice {
		first, err := r.SignIn(t.Context(), alice[name])
		if err != nil || !first.GetCreated() {
			t.Errorf("%s: %v, %v", name, first, err)
		}
		again, err := r.SignIn(t.Context(), alice[name])
		if err != nil || again.GetPlayerId() != first.GetPlayerId() || again.GetCreated() {
			t.Errorf("%s again: %v, %v", name, again, err)
		}
		other, err := r.SignIn(t.Context(), bob[name])
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		players[first.GetPlayerId()], players[other.GetPlayerId()] = true, true
		_, err = r.SignIn(t.Context(), nobody[name])
		wantFault(t, err, fault.Unauthenticated, "CREDENTIAL_REFUSED")
	}
	if len(players) != 8 { // the same name at two platforms is two players
		t.Errorf("%d players", len(players))
	}
	m.down.Store(true)
	for name, request := range alice {
		if name == "xbox" {
			continue
		}
		_, err := r.SignIn(t.Context(), request)
		wantFault(t, err, fault.Unavailable, "PROVIDER_UNAVAILABLE")
	}
}

func TestLinkEveryPlatform(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	newRemotes(t).configure(w)
	one := newStandIn(t)
	w.cfg.Providers = identity.Providers{{Name: "one", Issuer: identity.Issuer{Issuer: one.URL, Audiences: []string{"game"}}}}
	r := w.replica()
	p := r.linker()
	const ticket = "00112233445566aa"
	want := map[string]bool{"device": true}
	for name, request := range map[string]*identityv1.LinkIdentityRequest{
		"playfab":    {Credential: &identityv1.LinkIdentityRequest_Playfab{Playfab: &identityv1.PlayFabCredential{EntityToken: ticket}}},
		"steam":      {Credential: &identityv1.LinkIdentityRequest_Steam{Steam: &identityv1.SteamCredential{Ticket: ticket}}},
		"play-games": {Credential: &identityv1.LinkIdentityRequest_PlayGames{PlayGames: &identityv1.PlayGamesCredential{ServerAuthCode: ticket}}},
		"xbox":       {Credential: &identityv1.LinkIdentityRequest_Xbox{Xbox: &identityv1.XboxCredential{Token: ticket}}},
		"one": {Credential: &identityv1.LinkIdentityRequest_Oidc{
			Oidc: &identityv1.OidcCredential{Provider: "one", IdToken: one.token(t, "game", "alice", "")},
		}},
	} {
		linked, err := p.LinkIdentity(t.Context(), request)
		if err != nil || linked.GetIdentity().GetProvider() != name {
			t.Errorf("%s: %v, %v", name, linked, err)
		}
		want[name] = true
	}
	for name, request := range platformRequests(ticket) {
		if session, err := r.SignIn(t.Context(), request); err != nil || session.GetPlayerId() != p.id {
			t.Errorf("%s leads to %v, %v", name, session, err)
		}
	}
	listed, err := p.ListIdentities(t.Context(), &identityv1.ListIdentitiesRequest{})
	if err != nil || len(listed.GetIdentities()) != len(want) {
		t.Errorf("%v, %v", listed, err)
	}
	for _, i := range listed.GetIdentities() {
		if !want[i.GetProvider()] {
			t.Errorf("%v", i)
		}
	}
	_, err = p.LinkIdentity(t.Context(), &identityv1.LinkIdentityRequest{
		Credential: &identityv1.LinkIdentityRequest_Steam{Steam: &identityv1.SteamCredential{Ticket: "00112233445566cc"}},
	})
	wantFault(t, err, fault.Unauthenticated, "CREDENTIAL_REFUSED")
	w.linksAgree(nil)
}

// lines keeps what is logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Neither a ticket nor a secret of the configuration gets into the log, whatever goes wrong.
func TestPlatformsDoNotLogSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := newRemotes(t)
	m.configure(w)
	log := &lines{}
	w.deps.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := w.replica()
	for _, down := range []bool{false, true} {
		m.down.Store(down)
		for _, request := range platformRequests("00112233445566cc") {
			if _, err := r.SignIn(t.Context(), request); err == nil {
				t.Error("somebody signed in")
			}
		}
	}
	m.Close()
	r = w.replica()
	for _, request := range platformRequests("00112233445566cc") {
		_, _ = r.SignIn(t.Context(), request)
	}
	w.deps.Logger.Info("the configuration", "cfg", w.cfg, "text", fmt.Sprintf("%+v %#v", w.cfg, w.cfg))
	log.mu.Lock()
	defer log.mu.Unlock()
	if !strings.Contains(log.text.String(), "PROVIDER_UNAVAILABLE") && !strings.Contains(log.text.String(), "does not answer") {
		t.Error("the log does not tell")
	}
	for _, s := range []string{"00112233445566cc", "playfab-secret", "steam-secret", "google-secret"} {
		if strings.Contains(log.text.String(), s) {
			t.Errorf("%q is in the log", s)
		}
	}
}

func TestConfigOfPlatforms(t *testing.T) {
	t.Parallel()
	keys := []string{
		"IDENTITY_SEALING_KEY=" + strings.Repeat("A", 43), "IDENTITY_REFRESH_KEY=" + strings.Repeat("A", 43), "IDENTITY_ERASURE_KEY=" + strings.Repeat("A", 43),
	}
	cfg, err := config.Load[identity.Config](append([]string{
		`IDENTITY_PLAYFAB={"titleId":"AB12","secretKey":"playfab-secret"}`,
		`IDENTITY_STEAM={"appId":480,"publisherKey":"steam-secret","identity":"supergame","allowVacBanned":true}`,
		`IDENTITY_PLAY_GAMES={"appId":"12345","clientId":"client","clientSecret":"google-secret"}`,
	}, keys...))
	if err != nil || cfg.PlayFab.SecretKey.Reveal() != "playfab-secret" || !cfg.Steam.AllowVACBanned || cfg.PlayGames.ClientID != "client" {
		t.Errorf("%+v, %v", cfg, err)
	}
	for bad, says := range map[string]string{
		`IDENTITY_PLAYFAB={"titleId":"A/B","secretKey":"hush-hush"}`:                                                  `titleId "A/B" does not match`,
		`IDENTITY_PLAYFAB={"titleId":"AB12"}`:                                                                         "secretKey is missing",
		`IDENTITY_PLAYFAB={"titleId":"AB12","secretKey":"hush-hush","endpoint":"http://x.example"}`:                   "is not an https address",
		`IDENTITY_PLAYFAB={"title":"AB12"}`:                                                                           `unknown field "title"`,
		`IDENTITY_PLAYFAB={"secretKey":"hush-hush"`:                                                                   "IDENTITY_PLAYFAB cannot be understood",
		`IDENTITY_STEAM={"publisherKey":"hush-hush"}`:                                                                 "appId is missing",
		`IDENTITY_STEAM={"appId":-1,"publisherKey":"hush-hush"}`:                                                      "IDENTITY_STEAM cannot be understood",
		`IDENTITY_STEAM={"appId":480}`:                                                                                "publisherKey is missing",
		`IDENTITY_STEAM={"appId":480,"publisherKey":"hush-hush","endpoint":"x"}`:                                      "is not an https address",
		`IDENTITY_STEAM={"appId":480,"publisherKey":["hush-hush"]}`:                                                   "IDENTITY_STEAM cannot be understood",
		`IDENTITY_PLAY_GAMES={"appId":"x","clientId":"c","clientSecret":"hush-hush"}`:                                 `appId "x" does not match`,
		`IDENTITY_PLAY_GAMES={"appId":"1","clientSecret":"hush-hush"}`:                                                "clientId is missing",
		`IDENTITY_PLAY_GAMES={"appId":"1","clientId":"c"}`:                                                            "clientSecret is missing",
		`IDENTITY_PLAY_GAMES={"appId":"1","clientId":"c","clientSecret":"hush-hush","tokenEndpoint":"http://x.test"}`: "tokenEndpoint",
		`IDENTITY_PLAY_GAMES={"appId":"1","clientId":"c","clientSecret":"hush-hush","gamesEndpoint":"http://x.test"}`: "gamesEndpoint",
		`IDENTITY_OIDC=[{"name":"steam","issuer":"https://x.example","audiences":["g"]}]`:                             "or is that of a platform",
	} {
		_, err := config.Load[identity.Config](append([]string{bad}, keys...))
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hush-hush") {
			t.Errorf("%s: %v, want it to say %q", bad, err, says)
		}
	}
}
