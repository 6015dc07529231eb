package identity

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"supergame/services/identity/internal/clients"
	"supergame/services/identity/internal/credential"
	"supergame/services/platform/config"
)

// PlayFab is a title of PlayFab.
type PlayFab struct {
	TitleID   string        `json:"titleId"`
	SecretKey config.Secret `json:"secretKey"`
	// Endpoint is https://{titleId}.playfabapi.com by default.
	Endpoint string `json:"endpoint,omitempty"`
}

// UnmarshalText reads the object.
func (p *PlayFab) UnmarshalText(text []byte) error {
	type plain PlayFab
	return strictJSON(text, (*plain)(p))
}

func (p PlayFab) set() bool { return p != PlayFab{} }

var titleID = regexp.MustCompile(`^[A-Za-z0-9]{1,20}$`)

func (p PlayFab) validate() error {
	switch {
	case !titleID.MatchString(p.TitleID):
		return fmt.Errorf("titleId %q does not match %s", p.TitleID, titleID)
	case p.SecretKey.IsZero():
		return errors.New("secretKey is missing")
	}
	return validateAddress("endpoint", p.title().Endpoint)
}

func (p PlayFab) title() clients.PlayFabTitle {
	title := clients.PlayFabTitle{TitleID: strings.ToUpper(p.TitleID), SecretKey: p.SecretKey.Reveal(), Endpoint: strings.TrimRight(p.Endpoint, "/")}
	if title.Endpoint == "" {
		title.Endpoint = "https://" + strings.ToLower(p.TitleID) + ".playfabapi.com"
	}
	return title
}

// Steam is a game on Steam.
type Steam struct {
	AppID        uint32        `json:"appId"`
	PublisherKey config.Secret `json:"publisherKey"`
	// Identity is what the game passes to GetAuthTicketForWebApi; a ticket made for another service is refused then.
	Identity string `json:"identity,omitempty"`
	// Who may sign in all the same: players who borrow the game (family sharing), and those whom Steam reports as banned.
	AllowFamilySharing   bool `json:"allowFamilySharing,omitempty"`
	AllowVACBanned       bool `json:"allowVacBanned,omitempty"`
	AllowPublisherBanned bool `json:"allowPublisherBanned,omitempty"`
	// Endpoint is https://partner.steam-api.com by default.
	Endpoint string `json:"endpoint,omitempty"`
}

// UnmarshalText reads the object.
func (s *Steam) UnmarshalText(text []byte) error {
	type plain Steam
	return strictJSON(text, (*plain)(s))
}

func (s Steam) set() bool { return s != Steam{} }

func (s Steam) validate() error {
	switch {
	case s.AppID == 0:
		return errors.New("appId is missing")
	case s.PublisherKey.IsZero():
		return errors.New("publisherKey is missing")
	}
	return validateAddress("endpoint", s.app().Endpoint)
}

func (s Steam) app() clients.SteamApp {
	return clients.SteamApp{
		Endpoint: strings.TrimRight(orElse(s.Endpoint, clients.SteamAPI), "/"), AppID: s.AppID, Key: s.PublisherKey.Reveal(), Identity: s.Identity,
		AllowBorrowed: s.AllowFamilySharing, AllowVACBanned: s.AllowVACBanned, AllowPublisherBanned: s.AllowPublisherBanned,
	}
}

// PlayGames is a game in Google Play Games, and the OAuth client of its game server.
type PlayGames struct {
	AppID        string        `json:"appId"`
	ClientID     string        `json:"clientId"`
	ClientSecret config.Secret `json:"clientSecret"`
	// TokenEndpoint and GamesEndpoint are Google's by default.
	TokenEndpoint string `json:"tokenEndpoint,omitempty"`
	GamesEndpoint string `json:"gamesEndpoint,omitempty"`
}

// UnmarshalText reads the object.
func (p *PlayGames) UnmarshalText(text []byte) error {
	type plain PlayGames
	return strictJSON(text, (*plain)(p))
}

func (p PlayGames) set() bool { return p != PlayGames{} }

var gamesAppID = regexp.MustCompile(`^[0-9]{1,20}$`)

func (p PlayGames) validate() error {
	switch {
	case !gamesAppID.MatchString(p.AppID):
		return fmt.Errorf("appId %q does not match %s", p.AppID, gamesAppID)
	case p.ClientID == "":
		return errors.New("clientId is missing")
	case p.ClientSecret.IsZero():
		return errors.New("clientSecret is missing")
	}
	return errors.Join(validateAddress("tokenEndpoint", p.app().TokenEndpoint), validateAddress("gamesEndpoint", p.app().GamesEndpoint))
}

func (p PlayGames) app() clients.PlayGamesApp {
	return clients.PlayGamesApp{
		TokenEndpoint: orElse(p.TokenEndpoint, clients.GoogleTokens), GamesEndpoint: strings.TrimRight(orElse(p.GamesEndpoint, clients.GoogleGames), "/"),
		AppID: p.AppID, ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal(),
	}
}

func orElse(value, usual string) string {
	if value == "" {
		return usual
	}
	return value
}

// XboxVerifier checks XSTS tokens and gives the player's id (XUID). The kit has none: what it must do is in documents under a
// non-disclosure agreement. A deployment that has them hands its own in as Deps.Xbox. Errors: Unauthenticated for a token that is not good, Unavailable when
// the platform does not answer, both as faults.
type XboxVerifier interface {
	Verify(ctx context.Context, token string) (xuid string, err error)
}

// xbox makes subjects of what a deployment's own verifier says.
type xbox struct{ verifier XboxVerifier }

// Verify gives the subject of a token.
func (x xbox) Verify(ctx context.Context, token string) (credential.Subject, error) {
	xuid, err := x.verifier.Verify(ctx, token)
	if err != nil {
		return credential.Subject{}, err
	}
	if xuid == "" {
		return credential.Subject{}, credential.Refused(errors.New("the token names nobody"))
	}
	return credential.Subject{Provider: credential.Xbox, Issuer: credential.Xbox, Name: xuid}, nil
}

func (c Config) validatePlatforms() error {
	for _, platform := range []struct {
		variable string
		set      bool
		validate func() error
	}{
		{"IDENTITY_PLAYFAB", c.PlayFab.set(), c.PlayFab.validate},
		{"IDENTITY_STEAM", c.Steam.set(), c.Steam.validate},
		{"IDENTITY_PLAY_GAMES", c.PlayGames.set(), c.PlayGames.validate},
	} {
		if !platform.set {
			continue
		}
		if err := platform.validate(); err != nil {
			return config.Invalid(platform.variable, "%v", err)
		}
	}
	return nil
}

// providers are the ways of signing in that are configured. The configuration is valid.
func (c Config) providers(deps Deps) *credential.Providers {
	providers := &credential.Providers{Device: c.Device, OIDC: map[string]credential.Verifier{}, Tickets: map[string]credential.Tickets{}}
	for _, p := range c.Providers {
		providers.OIDC[p.Name] = clients.NewOIDC(p.provider(p.Name), deps.Providers, deps.Now)
	}
	if c.PlayFab.set() {
		providers.Tickets[credential.PlayFab] = clients.NewPlayFab(c.PlayFab.title(), deps.Providers, deps.Now)
	}
	if c.Steam.set() {
		providers.Tickets[credential.Steam] = clients.NewSteam(c.Steam.app(), deps.Providers)
	}
	if c.PlayGames.set() {
		providers.Tickets[credential.PlayGames] = clients.NewPlayGames(c.PlayGames.app(), deps.Providers)
	}
	if deps.Xbox != nil {
		providers.Tickets[credential.Xbox] = xbox{deps.Xbox}
	}
	return providers
}
