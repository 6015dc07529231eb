package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"supergame/services/identity/internal/credential"
)

// PlayFabTitle is a title of PlayFab.
type PlayFabTitle struct {
	Endpoint  string // https://{title}.playfabapi.com, but for tests
	TitleID   string
	SecretKey string
}

// PlayFab checks entity tokens by Authentication/ValidateEntityToken, which only the title itself may call: with an entity token of its
// own, which it gets for its secret key and keeps.
type PlayFab struct {
	remote *remote
	title  PlayFabTitle
	now    func() time.Time

	mu     sync.Mutex // one request for a token at a time
	token  string
	got    time.Time // by the system's clock
	expire time.Time
}

// NewPlayFab returns a verifier of entity tokens. It does no I/O. A nil transport is http.DefaultTransport.
func NewPlayFab(title PlayFabTitle, transport http.RoundTripper, now func() time.Time) *PlayFab {
	return &PlayFab{remote: newRemote(credential.PlayFab, transport), title: title, now: now}
}

// playFabAnswer wraps every answer.
type playFabAnswer[T any] struct {
	Code  int    `json:"code"`
	Error string `json:"error"`
	Data  T      `json:"data"`
}

type playFabEntity struct {
	ID   string `json:"Id"`
	Type string `json:"Type"`
}

// playFabPlayer is a player within one title.
const playFabPlayer = "title_player_account"

// Verify gives the id of the player's title account.
func (p *PlayFab) Verify(ctx context.Context, entityToken string) (credential.Subject, error) {
	token, err := p.own(ctx, "")
	if err != nil {
		return credential.Subject{}, err
	}
	status, answer, err := p.validate(ctx, token, entityToken)
	if err == nil && status == http.StatusUnauthorized { // whose token it does not say: perhaps ours was revoked
		var next string
		if next, err = p.own(ctx, token); err == nil && next != token {
			status, answer, err = p.validate(ctx, next, entityToken)
		}
	}
	switch {
	case err != nil:
		return credential.Subject{}, err
	case status == http.StatusForbidden:
		return credential.Subject{}, p.remote.misconfigured(status, "title entity token")
	case status != http.StatusOK || answer.Code != 0 && answer.Code != http.StatusOK:
		return credential.Subject{}, credential.Refused(fmt.Errorf("playfab answers with status %d, %.80q", status, answer.Error))
	}
	return p.judge(answer.Data)
}

type playFabOwner struct {
	Entity  *playFabEntity `json:"Entity"`
	Lineage *struct {
		TitleID string `json:"TitleId"`
	} `json:"Lineage"`
}

func (p *PlayFab) judge(owner playFabOwner) (credential.Subject, error) {
	switch {
	case owner.Entity == nil:
		return credential.Subject{}, p.remote.unavailable(errors.New("its answer names no entity"))
	case owner.Entity.Type != playFabPlayer:
		return credential.Subject{}, credential.Refused(fmt.Errorf("the token is that of a %.40q", owner.Entity.Type))
	case owner.Lineage != nil && owner.Lineage.TitleID != "" && owner.Lineage.TitleID != p.title.TitleID:
		return credential.Subject{}, credential.Refused(errors.New("the token is of another title"))
	}
	return p.remote.subject("playfab:"+p.title.TitleID, owner.Entity.ID)
}

func (p *PlayFab) validate(ctx context.Context, own, entityToken string) (status int, answer playFabAnswer[playFabOwner], err error) {
	status, body, err := p.post(ctx, "/Authentication/ValidateEntityToken", "X-EntityToken", own, map[string]string{"EntityToken": entityToken})
	if err == nil {
		err = p.remote.read(body, &answer)
	}
	return status, answer, err
}

// own gives the title's entity token: the one that is known, unless it is nearly over or the one that was just refused. One that was got a
// moment ago is not the reason of a refusal, or anybody with a bad token could make us ask for ours again and again.
func (p *PlayFab) own(ctx context.Context, refused string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := p.token != refused || time.Since(p.got) < calmFor
	if p.token != "" && fresh && p.now().Before(p.expire) {
		return p.token, nil
	}
	status, body, err := p.post(ctx, "/Authentication/GetEntityToken", "X-SecretKey", p.title.SecretKey, struct{}{})
	if err != nil {
		return "", err
	}
	var answer playFabAnswer[struct {
		EntityToken     string
		TokenExpiration time.Time
	}]
	if err := p.remote.read(body, &answer); err != nil {
		return "", err
	}
	if status != http.StatusOK || answer.Data.EntityToken == "" {
		err := p.remote.misconfigured(status, answer.Error)
		p.remote.rest(err)
		return "", err
	}
	p.token, p.got, p.expire = answer.Data.EntityToken, time.Now(), p.now().Add(playFabTokenLife)
	if end := answer.Data.TokenExpiration.Add(-time.Minute); !answer.Data.TokenExpiration.IsZero() && end.Before(p.expire) {
		p.expire = end
	}
	return p.token, nil
}

// playFabTokenLife is how long the title's token is used: PlayFab's live for a day.
const playFabTokenLife = 12 * time.Hour

func (p *PlayFab) post(ctx context.Context, path, header, key string, request any) (status int, body []byte, err error) {
	text, err := json.Marshal(request)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.title.Endpoint+path, bytes.NewReader(text))
	if err != nil {
		return 0, nil, bare(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(header, key)
	return p.remote.ask(ctx, req)
}
