package clients

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// platform stands in for one of the platforms: each path answers as the test says, and good requests as the documents do.
type platform struct {
	*httptest.Server
	t testing.TB

	mu      sync.Mutex
	answers map[string]http.HandlerFunc // by path
	asked   map[string]int
	slow    atomic.Bool
	release chan struct{}
}

func newPlatform(t testing.TB) *platform {
	t.Helper()
	p := &platform{t: t, answers: map[string]http.HandlerFunc{}, asked: map[string]int{}, release: make(chan struct{})}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.slow.Load() {
			select {
			case <-p.release:
			case <-r.Context().Done():
			}
			return
		}
		p.mu.Lock()
		p.asked[r.URL.Path]++
		answer := p.answers[r.URL.Path]
		p.mu.Unlock()
		if answer == nil {
			http.NotFound(w, r)
			return
		}
		answer(w, r)
	}))
	t.Cleanup(func() {
		close(p.release)
		p.Close()
	})
	return p
}

func (p *platform) on(path string, answer http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[path] = answer
}

func (p *platform) count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

// says answers with a status and a body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// steam stands in for partner.steam-api.com.
func (p *platform) steam(change func(*SteamApp)) *Steam {
	p.on(steamPath, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.Method != http.MethodGet || q.Get("key") != secretKey || q.Get("appid") != "480" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if q.Get("ticket") != goodTicket || q.Get("identity") != "supergame" {
			says(200, `{"response":{"error":{"errorcode":101,"errordesc":"Invalid ticket"}}}`)(w, r)
			return
		}
		says(200, steamYes("76561197960287930", "76561197960287930", false, false))(w, r)
	})
	app := SteamApp{Endpoint: p.URL, AppID: 480, Key: secretKey, Identity: "supergame"}
	if change != nil {
		change(&app)
	}
	return NewSteam(app, nil)
}

func steamYes(id, owner string, vac, publisher bool) string {
	return fmt.Sprintf(`{"response":{"params":{"result":"OK","steamid":%q,"ownersteamid":%q,"vacbanned":%t,"publisherbanned":%t}}}`, id, owner, vac, publisher)
}

// playGames stands in for oauth2.googleapis.com and games.googleapis.com.
func (p *platform) playGames() *PlayGames {
	var used sync.Map
	p.on(tokenPath, func(w http.ResponseWriter, r *http.Request) {
		switch code := r.PostFormValue("code"); {
		case r.Method != http.MethodPost || r.PostFormValue("client_id") != "client" || r.PostFormValue("client_secret") != secretKey:
			says(401, `{"error":"invalid_client","error_description":"Unauthorized"}`)(w, r)
		case r.PostFormValue("grant_type") != "authorization_code" || !r.PostForm.Has("redirect_uri"):
			says(400, `{"error":"unsupported_grant_type"}`)(w, r)
		case !strings.HasPrefix(code, "good"):
			says(400, `{"error":"invalid_grant","error_description":"Malformed auth code."}`)(w, r)
		default:
			if _, again := used.LoadOrStore(code, true); again {
				says(400, `{"error":"invalid_grant"}`)(w, r)
				return
			}
			says(200, `{"access_token":"ya29.access","expires_in":3599,"token_type":"Bearer","scope":"https://www.googleapis.com/auth/games_lite"}`)(w, r)
		}
	})
	p.on(gamesPath, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.Header.Get("Authorization") != "Bearer ya29.access" {
			says(401, `{"error":{"code":401}}`)(w, r)
			return
		}
		says(200, `{"kind":"games#applicationVerifyResponse","player_id":"a_1234567890"}`)(w, r)
	})
	return NewPlayGames(PlayGamesApp{TokenEndpoint: p.URL + tokenPath, GamesEndpoint: p.URL, AppID: "12345", ClientID: "client", ClientSecret: secretKey}, nil)
}

// playFab stands in for {title}.playfabapi.com.
func (p *platform) playFab() *PlayFab {
	p.on(entityPath, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get("X-SecretKey") != secretKey {
			says(401, `{"code":401,"status":"Unauthorized","error":"NotAuthenticated","errorCode":1074}`)(w, r)
			return
		}
		expire := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
		says(200, `{"code":200,"status":"OK","data":{"EntityToken":"title-token","TokenExpiration":"`+expire+`","Entity":{"Id":"AB12","Type":"title","TypeString":"title"}}}`)(w, r)
	})
	p.on(validatePath, func(w http.ResponseWriter, r *http.Request) {
		var request struct{ EntityToken string }
		err := json.NewDecoder(r.Body).Decode(&request)
		switch {
		case err != nil || r.Method != http.MethodPost:
			w.WriteHeader(http.StatusBadRequest)
		case r.Header.Get("X-EntityToken") != "title-token":
			says(401, `{"code":401,"status":"Unauthorized","error":"EntityTokenInvalid","errorCode":1335}`)(w, r)
		case request.EntityToken != goodTicket:
			says(400, `{"code":400,"status":"BadRequest","error":"EntityTokenInvalid","errorCode":1335}`)(w, r)
		default:
			says(200, playFabYes("title_player_account", "AB12"))(w, r)
		}
	})
	return NewPlayFab(PlayFabTitle{Endpoint: p.URL, TitleID: "AB12", SecretKey: secretKey}, nil, time.Now)
}

func playFabYes(kind, title string) string {
	return fmt.Sprintf(`{"code":200,"status":"OK","data":{"Entity":{"Id":"B055D3AD","Type":%q,"TypeString":%q},"IdentityProvider":"Steam",`+
		`"Lineage":{"TitleId":%q,"TitlePlayerAccountId":"B055D3AD","MasterPlayerAccountId":"M1"}}}`, kind, kind, title)
}
