package clients

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"supergame/services/identity/internal/credential"
	"supergame/services/platform/fault"
)

const (
	secretKey  = "the-secret-of-this-deployment"
	goodTicket = "0102030405060708090a"
)

const (
	steamPath    = "/ISteamUserAuth/AuthenticateUserTicket/v1/"
	tokenPath    = "/token"
	gamesPath    = "/games/v1/applications/12345/verify"
	entityPath   = "/Authentication/GetEntityToken"
	validatePath = "/Authentication/ValidateEntityToken"
)

// verifier is one of them, with the path that says yes or no, and tickets.
type verifier struct {
	credential.Tickets
	p    *platform
	path string // of the last question
	rest *remote
	good func() string // a ticket that is good now
	want credential.Subject
}

func verifiers(t *testing.T) map[string]verifier {
	t.Helper()
	a, b, c := newPlatform(t), newPlatform(t), newPlatform(t)
	steam, playGames, playFab := a.steam(nil), b.playGames(), c.playFab()
	n := 0
	always := func() string { return goodTicket }
	return map[string]verifier{
		"steam": {steam, a, steamPath, steam.remote, always, credential.Subject{Provider: "steam", Issuer: "steam", Name: "76561197960287930"}},
		"play-games": {playGames, b, gamesPath, playGames.remote, func() string { n++; return fmt.Sprint("good-", n) },
			credential.Subject{Provider: "play-games", Issuer: "play-games", Name: "a_1234567890"}},
		"playfab": {playFab, c, validatePath, playFab.remote, always, credential.Subject{Provider: "playfab", Issuer: "playfab:AB12", Name: "B055D3AD"}},
	}
}

func refused(t *testing.T, what string, err error, why string) {
	t.Helper()
	f := fault.As(err)
	if f == nil || f.Kind != fault.Unauthenticated || f.Reason != "CREDENTIAL_REFUSED" || f.Metadata["why"] != why {
		t.Errorf("%s: %v, want it refused, why %q", what, err, why)
	}
	discreet(t, what, err)
}

func away(t *testing.T, what string, err error) {
	t.Helper()
	if f := fault.As(err); f == nil || f.Kind != fault.Unavailable || f.Reason != "PROVIDER_UNAVAILABLE" || f.RetryAfter <= 0 || f.Metadata["provider"] == "" {
		t.Errorf("%s: %v, want UNAVAILABLE with a time to retry", what, err)
	}
	discreet(t, what, err)
}

// discreet checks that an error, which goes to the log with its causes, holds no secret.
func discreet(t *testing.T, what string, err error) {
	t.Helper()
	for _, secret := range []string{secretKey, goodTicket, "title-token", "ya29.access", "good-"} {
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error gives a secret away: %v", what, err)
		}
	}
}

func TestTickets(t *testing.T) {
	t.Parallel()
	for name, v := range verifiers(t) {
		for range 2 {
			if got, err := v.Verify(t.Context(), v.good()); err != nil || got != v.want {
				t.Errorf("%s: %+v, %v, want %+v", name, got, err, v.want)
			}
		}
		for _, bad := range []string{"ffff030405060708090a", "bad", "\x00", "a b&key=x", ""} {
			_, err := v.Verify(t.Context(), bad)
			refused(t, name+" with "+fmt.Sprintf("%q", bad), err, "")
		}
	}
}

// Whatever else the remote side does is no answer: not yes, and not no either.
func TestTicketsOfAPlatformThatIsOutOfOrder(t *testing.T) {
	t.Parallel()
	for name, v := range verifiers(t) {
		v.rest.pause = 0
		other := newPlatform(t)
		other.on("/stolen", says(200, steamYes("1", "1", false, false)))
		for what, answer := range map[string]http.HandlerFunc{
			"500": says(500, `{}`),
			"503": says(503, "down"),
			"429": says(429, `{}`),
			"408": says(408, `{}`),
			"a redirect": func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other.URL+"/stolen", http.StatusFound)
			},
			"a 307": func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other.URL+"/stolen", http.StatusTemporaryRedirect)
			},
			"no JSON":          says(200, "<html>"),
			"nothing":          says(200, ""),
			"an empty object":  says(200, "{}"),
			"an array":         says(200, "[]"),
			"other types":      says(200, `{"response":{"params":{"steamid":7}},"player_id":7,"data":{"Entity":7}}`),
			"an oversized one": says(200, `{"x":"`+strings.Repeat("a", maxAnswer)+`"}`),
			"a cut one": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100")
				_, _ = io.WriteString(w, `{"res`)
			},
			"a closed connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			"an endless name":     says(200, strings.ReplaceAll(`{"response":{"params":{"result":"OK","steamid":"N","ownersteamid":"N"}},"player_id":"N","data":{"Entity":{"Id":"N","Type":"title_player_account"}}}`, "N", strings.Repeat("7", 300))),
			"no name":             says(200, `{"response":{"params":{"result":"OK"}},"player_id":"","data":{"Entity":{"Id":"","Type":"title_player_account"}}}`),
		} {
			v.p.on(v.path, answer)
			_, err := v.Verify(t.Context(), v.good())
			away(t, name+" answers with "+what, err)
		}
		if n := other.count("/stolen"); n != 0 {
			t.Errorf("%s: redirects were followed %d times", name, n)
		}
	}
}

// A platform that hangs costs a caller some seconds, and those behind him nothing; a caller whose own time is up hears that.
func TestTicketsOfAPlatformThatHangs(t *testing.T) {
	t.Parallel()
	for name, v := range verifiers(t) {
		v.p.slow.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err := v.Verify(ctx, v.good())
		cancel()
		if err == nil || fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: the caller's time was up: %v", name, err)
		}
		v.rest.client.Timeout = 50 * time.Millisecond
		v.rest.pause = time.Minute
		_, err = v.Verify(t.Context(), v.good())
		away(t, name+" hangs", err)
		v.p.slow.Store(false)
		began := time.Now()
		_, err = v.Verify(t.Context(), v.good())
		away(t, name+" a moment later", err)
		if took := time.Since(began); took > 40*time.Millisecond {
			t.Errorf("%s: the next one waited %v", name, took)
		}
		v.rest.pause = 0
		if _, err := v.Verify(t.Context(), v.good()); err != nil {
			t.Errorf("%s is back: %v", name, err)
		}
	}
}

func TestTicketsOfAPlatformThatIsGone(t *testing.T) {
	t.Parallel()
	for name, v := range verifiers(t) {
		v.p.Close()
		_, err := v.Verify(t.Context(), v.good())
		away(t, name, err)
	}
}

// The deployment's own credentials are wrong: no player can do anything about that, and none is told that his own are.
func TestTicketsWithAWrongConfiguration(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	steam := p.steam(func(app *SteamApp) { app.Key = "wrong" })
	_, err := steam.Verify(t.Context(), goodTicket)
	away(t, "steam", err)
	playGames := p.playGames()
	playGames.app.ClientSecret = "wrong"
	_, err = playGames.Verify(t.Context(), "good")
	away(t, "play-games", err)
	playFab := p.playFab()
	playFab.title.SecretKey = "wrong"
	_, err = playFab.Verify(t.Context(), goodTicket)
	away(t, "playfab", err)
	for range 5 {
		_, _ = playFab.Verify(t.Context(), goodTicket)
	}
	if n := p.count(entityPath); n != 1 {
		t.Errorf("the title's token was asked for %d times", n)
	}
}

func TestSteamLetsInWhomThePolicyLetsIn(t *testing.T) {
	t.Parallel()
	const player, owner = "76561197960287930", "76561197960287931"
	for _, tt := range []struct {
		name   string
		answer string
		policy func(*SteamApp)
		why    string // "" = lets in
	}{
		{"VAC ban", steamYes(player, player, true, false), nil, "VAC_BANNED"},
		{"VAC ban, allowed", steamYes(player, player, true, false), func(a *SteamApp) { a.AllowVACBanned = true }, ""},
		{"publisher ban", steamYes(player, player, false, true), nil, "PUBLISHER_BANNED"},
		{"publisher ban, VAC allowed", steamYes(player, player, true, true), func(a *SteamApp) { a.AllowVACBanned = true }, "PUBLISHER_BANNED"},
		{"publisher ban, allowed", steamYes(player, player, false, true), func(a *SteamApp) { a.AllowPublisherBanned = true }, ""},
		{"borrowed", steamYes(player, owner, false, false), nil, "FAMILY_SHARING"},
		{"borrowed, allowed", steamYes(player, owner, false, false), func(a *SteamApp) { a.AllowBorrowed = true }, ""},
		{"no owner said", steamYes(player, "", false, false), nil, "FAMILY_SHARING"},
	} {
		p := newPlatform(t)
		steam := p.steam(tt.policy)
		p.on(steamPath, says(200, tt.answer))
		got, err := steam.Verify(t.Context(), goodTicket)
		if tt.why != "" {
			refused(t, tt.name, err, tt.why)
		} else if err != nil || got.Name != player { // the player, also where another owns the game
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
	p := newPlatform(t)
	steam := p.steam(nil)
	for name, answer := range map[string]string{
		"an error inside":    `{"response":{"params":{"error":{"errorcode":102,"errordesc":"Ticket for other app"}}}}`,
		"another result":     `{"response":{"params":{"result":"FAIL","steamid":"1"}}}`,
		"no and yes at once": `{"response":{"params":{"result":"OK","steamid":"1","ownersteamid":"1"},"error":{"errorcode":101}}}`,
	} {
		p.on(steamPath, says(200, answer))
		_, err := steam.Verify(t.Context(), goodTicket)
		refused(t, name, err, "")
	}
	_, err := steam.Verify(t.Context(), "abc") // half a byte
	refused(t, "an odd number of digits", err, "")
}

func TestPlayFabTakesPlayersOfTheTitleOnly(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	playFab := p.playFab()
	for name, answer := range map[string]string{
		"another title":    playFabYes("title_player_account", "XY99"),
		"a title":          playFabYes("title", "AB12"),
		"a master account": playFabYes("master_player_account", "AB12"),
		"a character":      playFabYes("character", "AB12"),
		"a code inside":    `{"code":400,"error":"EntityTokenExpired","data":{"Entity":{"Id":"x","Type":"title_player_account"}}}`,
	} {
		p.on(validatePath, says(200, answer))
		_, err := playFab.Verify(t.Context(), goodTicket)
		refused(t, name, err, "")
	}
}

// The title's own token is got once, got anew when it is refused or over, and not again and again because of bad tokens of players.
func TestPlayFabKeepsTheTitlesToken(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	playFab := p.playFab()
	now := time.Now()
	playFab.now = func() time.Time { return now }
	verify := func() {
		t.Helper()
		if _, err := playFab.Verify(t.Context(), goodTicket); err != nil {
			t.Error(err)
		}
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(verify)
	}
	wg.Wait()
	if n := p.count(entityPath); n != 1 {
		t.Errorf("asked for %d times", n)
	}
	now = now.Add(playFabTokenLife + time.Second)
	verify()
	if n := p.count(entityPath); n != 2 {
		t.Errorf("after it was over, asked for %d times", n)
	}
	playFab.token = "revoked"
	_, err := playFab.Verify(t.Context(), goodTicket)
	refused(t, "a title's token that was got a moment ago", err, "")
	if n := p.count(entityPath); n != 2 {
		t.Errorf("asked for %d times", n)
	}
	playFab.got = time.Now().Add(-calmFor)
	verify()
	if n := p.count(entityPath); n != 3 {
		t.Errorf("after it was revoked, asked for %d times", n)
	}
}

// No answer of a platform makes a verifier panic, or let somebody in without a name.
func FuzzTicketAnswers(f *testing.F) {
	for _, seed := range []string{steamYes("1", "1", false, false), playFabYes("title_player_account", "AB12"), `{"player_id":"x"}`, `{"response":null}`, `[]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		steam := NewSteam(SteamApp{}, nil)
		var answer steamAnswer
		if steam.remote.read(body, &answer) == nil {
			if got, err := steam.judge(answer); err == nil && got.Name == "" {
				t.Error("nobody was let in by Steam")
			}
		}
		playFab := NewPlayFab(PlayFabTitle{TitleID: "AB12"}, nil, time.Now)
		var owner playFabAnswer[playFabOwner]
		if playFab.remote.read(body, &owner) == nil {
			if got, err := playFab.judge(owner.Data); err == nil && got.Name == "" {
				t.Error("nobody was let in by PlayFab")
			}
		}
	})
}
