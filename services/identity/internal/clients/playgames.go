package clients

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"supergame/services/identity/internal/credential"
)

// Where Google exchanges codes and knows players.
const (
	GoogleTokens = "https://oauth2.googleapis.com/token"
	GoogleGames  = "https://games.googleapis.com"
)

// PlayGamesApp is a game in Google Play Games, and the OAuth client of its server.
type PlayGamesApp struct {
	TokenEndpoint string // GoogleTokens, but for tests
	GamesEndpoint string // GoogleGames, but for tests
	AppID         string
	ClientID      string
	ClientSecret  string
}

// PlayGames checks authorization codes: it exchanges one for an access token (RFC 6749, 4.1.3) and asks
// games/v1/applications/{id}/verify whose that is.
type PlayGames struct {
	remote *remote
	app    PlayGamesApp
}

// NewPlayGames returns a verifier of codes. It does no I/O. A nil transport is http.DefaultTransport.
func NewPlayGames(app PlayGamesApp, transport http.RoundTripper) *PlayGames {
	return &PlayGames{remote: newRemote(credential.PlayGames, transport), app: app}
}

// Verify gives the id of the player in Play Games. A code is good once.
func (p *PlayGames) Verify(ctx context.Context, code string) (credential.Subject, error) {
	token, err := p.exchange(ctx, code)
	if err != nil {
		return credential.Subject{}, err
	}
	endpoint := p.app.GamesEndpoint + "/games/v1/applications/" + url.PathEscape(p.app.AppID) + "/verify"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, http.NoBody)
	if err != nil {
		return credential.Subject{}, bare(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	status, body, err := p.remote.ask(ctx, req)
	switch {
	case err != nil:
		return credential.Subject{}, err
	case status != http.StatusOK: // the token is for another game, or its player withdrew it
		return credential.Subject{}, credential.Refused(fmt.Errorf("verify answers with status %d", status))
	}
	var answer struct {
		PlayerID string `json:"player_id"`
	}
	if err := p.remote.read(body, &answer); err != nil {
		return credential.Subject{}, err
	}
	return p.remote.subject("play-games", answer.PlayerID)
}

func (p *PlayGames) exchange(ctx context.Context, code string) (accessToken string, err error) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "client_id": {p.app.ClientID}, "client_secret": {p.app.ClientSecret},
		"redirect_uri": {""}, // as a code from a device has none
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.app.TokenEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", bare(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, body, err := p.remote.ask(ctx, req)
	if err != nil {
		return "", err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		Error       string `json:"error"`
	}
	if err := p.remote.read(body, &answer); err != nil {
		return "", err
	}
	switch {
	case status == http.StatusOK && answer.AccessToken != "":
		return answer.AccessToken, nil
	case status == http.StatusOK:
		return "", p.remote.unavailable(errors.New("the token endpoint gives no token"))
	case answer.Error == "invalid_client" || answer.Error == "unauthorized_client" || answer.Error == "redirect_uri_mismatch":
		return "", p.remote.misconfigured(status, answer.Error)
	}
	return "", credential.Refused(fmt.Errorf("the token endpoint answers with status %d, %.80q", status, answer.Error))
}
