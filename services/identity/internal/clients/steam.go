package clients

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"supergame/services/identity/internal/credential"
)

// SteamAPI is where Steam checks tickets for publishers.
const SteamAPI = "https://partner.steam-api.com"

// SteamApp is a game on Steam, and whom it lets in.
type SteamApp struct {
	Endpoint string // SteamAPI, but for tests
	AppID    uint32
	Key      string // the publisher's Web API key
	// Identity is what the game passes to GetAuthTicketForWebApi: a ticket made for another service is refused then. Empty = not checked.
	Identity string

	AllowBorrowed        bool // players who have the game from somebody's library
	AllowVACBanned       bool
	AllowPublisherBanned bool
}

// Steam checks tickets by ISteamUserAuth/AuthenticateUserTicket/v1.
type Steam struct {
	remote *remote
	app    SteamApp
}

// NewSteam returns a verifier of tickets. It does no I/O. A nil transport is http.DefaultTransport.
func NewSteam(app SteamApp, transport http.RoundTripper) *Steam {
	return &Steam{remote: newRemote(credential.Steam, transport), app: app}
}

// steamAnswer is Steam's answer, with status 200 in either case. The error has been seen in both places.
type steamAnswer struct {
	Response struct {
		Params *struct {
			Result          string      `json:"result"`
			SteamID         string      `json:"steamid"`
			OwnerSteamID    string      `json:"ownersteamid"`
			VACBanned       bool        `json:"vacbanned"`
			PublisherBanned bool        `json:"publisherbanned"`
			Error           *steamError `json:"error"`
		} `json:"params"`
		Error *steamError `json:"error"`
	} `json:"response"`
}

type steamError struct {
	Code        int    `json:"errorcode"`
	Description string `json:"errordesc"`
}

// steamID is a 64-bit id in decimal digits.
var steamID = regexp.MustCompile(`^[0-9]{1,20}$`)

// Verify gives the player's Steam id.
func (s *Steam) Verify(ctx context.Context, ticket string) (credential.Subject, error) {
	if _, err := hex.DecodeString(ticket); err != nil {
		return credential.Subject{}, credential.Refused(errors.New("the ticket is not whole bytes in hexadecimal digits"))
	}
	query := url.Values{"key": {s.app.Key}, "appid": {strconv.FormatUint(uint64(s.app.AppID), 10)}, "ticket": {ticket}}
	if s.app.Identity != "" {
		query.Set("identity", s.app.Identity)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.app.Endpoint+"/ISteamUserAuth/AuthenticateUserTicket/v1/?"+query.Encode(), http.NoBody)
	if err != nil {
		return credential.Subject{}, bare(err)
	}
	status, body, err := s.remote.ask(ctx, req)
	switch {
	case err != nil:
		return credential.Subject{}, err
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return credential.Subject{}, s.remote.misconfigured(status, "publisher key or app id")
	case status != http.StatusOK:
		return credential.Subject{}, credential.Refused(fmt.Errorf("steam answers with status %d", status))
	}
	var answer steamAnswer
	if err := s.remote.read(body, &answer); err != nil {
		return credential.Subject{}, err
	}
	return s.judge(answer)
}

func (s *Steam) judge(answer steamAnswer) (credential.Subject, error) {
	params, refusal := answer.Response.Params, answer.Response.Error
	if params != nil && params.Error != nil {
		refusal = params.Error
	}
	switch {
	case refusal != nil:
		return credential.Subject{}, credential.Refused(fmt.Errorf("steam error %d: %.80q", refusal.Code, refusal.Description))
	case params == nil:
		return credential.Subject{}, s.remote.unavailable(errors.New("its answer says neither yes nor no"))
	case params.Result != "OK":
		return credential.Subject{}, credential.Refused(fmt.Errorf("steam result %.80q", params.Result))
	case !steamID.MatchString(params.SteamID) || params.SteamID == "0":
		return credential.Subject{}, s.remote.unavailable(errors.New("its answer has no Steam id"))
	case params.PublisherBanned && !s.app.AllowPublisherBanned:
		return credential.Subject{}, credential.Refused(errors.New("banned by the publisher")).With("why", "PUBLISHER_BANNED")
	case params.VACBanned && !s.app.AllowVACBanned:
		return credential.Subject{}, credential.Refused(errors.New("banned by Valve Anti-Cheat")).With("why", "VAC_BANNED")
	case params.OwnerSteamID != params.SteamID && !s.app.AllowBorrowed:
		return credential.Subject{}, credential.Refused(errors.New("the game is borrowed")).With("why", "FAMILY_SHARING")
	}
	return s.remote.subject("steam", params.SteamID)
}
