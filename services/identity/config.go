package identity

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"

	"supergame/services/identity/internal/clients"
	"supergame/services/identity/internal/credential"
	"supergame/services/identity/internal/program"
	"supergame/services/identity/internal/signing"
	"supergame/services/platform/auth"
	"supergame/services/platform/config"
)

// Config is the service's own part of the environment.
type Config struct {
	Auth auth.Config

	SealingKey       config.Secret `env:"IDENTITY_SEALING_KEY,required" help:"32 random bytes in base64, the same on every replica: what signing keys are sealed with"`
	SealingKeyBefore config.Secret `env:"IDENTITY_SEALING_KEY_BEFORE" help:"another sealing key that opens: give the next one here to every replica before you swap the two"`
	RefreshKey       config.Secret `env:"IDENTITY_REFRESH_KEY,required" help:"32 random bytes in base64, the same on every replica: what refresh tokens are authenticated with"`
	RefreshKeyBefore config.Secret `env:"IDENTITY_REFRESH_KEY_BEFORE" help:"another refresh key that is accepted: give the next one here to every replica before you swap the two"`
	ErasureKey       config.Secret `env:"IDENTITY_ERASURE_KEY,required" help:"32 random bytes in base64, the same on every replica and for ever: what the records of erased players are named with"`

	AccessTokenLife  time.Duration `env:"IDENTITY_ACCESS_TOKEN_LIFE" envDefault:"30m" help:"how long an access token is good, from 15m to 60m"`
	RefreshTokenLife time.Duration `env:"IDENTITY_REFRESH_TOKEN_LIFE" envDefault:"720h" help:"how long a session lasts that is not refreshed, from 1h to 8760h"`
	KeyPeriod        time.Duration `env:"IDENTITY_KEY_PERIOD" envDefault:"720h" help:"how long a signing key is used, at least 48h"`

	Device    bool      `env:"IDENTITY_DEVICE_SIGN_IN" envDefault:"true" help:"true to let guests sign in with a secret of their device"`
	Providers Providers `env:"IDENTITY_OIDC" help:"the OpenID Connect providers of players: [{\"name\":\"entra\",\"issuer\":\"https://...\",\"audiences\":[\"client id\"]}]"`
	PlayFab   PlayFab   `env:"IDENTITY_PLAYFAB" help:"the title of PlayFab whose players may sign in: {\"titleId\":\"AB12\",\"secretKey\":\"...\"}"`
	Steam     Steam     `env:"IDENTITY_STEAM" help:"the game on Steam whose players may sign in: {\"appId\":480,\"publisherKey\":\"...\",\"identity\":\"supergame\"}"`
	PlayGames PlayGames `env:"IDENTITY_PLAY_GAMES" help:"the game in Google Play Games whose players may sign in: {\"appId\":\"123\",\"clientId\":\"...\",\"clientSecret\":\"...\"}"`
	Workloads Workloads `env:"IDENTITY_WORKLOADS" help:"the issuer of workload identities: {\"issuer\":\"https://...\",\"audiences\":[\"api://...\"]}"`
	Clients   Clients   `env:"IDENTITY_CLIENTS" help:"the programs that may sign in: [{\"name\":\"profile\",\"role\":\"service\",\"keySha256\":\"hex\",\"objectId\":\"...\"}]"`
}

// Issuer is an issuer of tokens that the deployment trusts.
type Issuer struct {
	// Issuer is the `iss` claim, exactly.
	Issuer string `json:"issuer"`
	// Discovery is the URL below which /.well-known/openid-configuration stands, where that is not the issuer.
	Discovery string `json:"discovery,omitempty"`
	// Audiences are the values of the `aud` claim that are accepted.
	Audiences []string `json:"audiences"`
	// SkewSeconds is how far its clock may be from ours; 60 by default, at most 600.
	SkewSeconds *int `json:"skewSeconds,omitempty"`
}

// Provider is an OpenID Connect provider of players.
type Provider struct {
	Name string `json:"name"`
	Issuer
}

// Providers is a JSON array.
type Providers []Provider

// UnmarshalText reads the array.
func (p *Providers) UnmarshalText(text []byte) error { return strictJSON(text, (*[]Provider)(p)) }

// Workloads is the issuer of workload identities.
type Workloads struct {
	Issuer
	// Claim names the workload; `oid` by default, as Microsoft Entra has it.
	Claim string `json:"claim,omitempty"`
}

// set reports whether workload identities are configured. Anything but a whole configuration is then a mistake.
func (w Workloads) set() bool {
	return w.Issuer.Issuer != "" || w.Discovery != "" || len(w.Audiences) > 0 || w.Claim != "" || w.SkewSeconds != nil
}

// UnmarshalText reads the object.
func (w *Workloads) UnmarshalText(text []byte) error {
	type plain Workloads
	return strictJSON(text, (*plain)(w))
}

// Client is a program that may sign in: with its key, with its workload identity, or with either.
type Client struct {
	Name      string `json:"name"`
	Role      string `json:"role"` // game-server, operator or service
	KeySHA256 string `json:"keySha256,omitempty"`
	ObjectID  string `json:"objectId,omitempty"`
}

// Clients is a JSON array.
type Clients []Client

// UnmarshalText reads the array.
func (c *Clients) UnmarshalText(text []byte) error { return strictJSON(text, (*[]Client)(c)) }

// strictJSON refuses what it does not know, so that a typing error is not ignored.
func strictJSON(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// Validate refuses values that make no sense.
func (c Config) Validate() error {
	if err := c.validateTimes(); err != nil {
		return err
	}
	if _, err := c.keys(); err != nil {
		return err
	}
	if err := c.Providers.validate(); err != nil {
		return config.Invalid("IDENTITY_OIDC", "%v", err)
	}
	if err := c.validatePlatforms(); err != nil {
		return err
	}
	if c.Workloads.set() {
		if err := c.Workloads.validate(); err != nil {
			return config.Invalid("IDENTITY_WORKLOADS", "%v", err)
		}
	}
	if err := c.Clients.validate(); err != nil {
		return config.Invalid("IDENTITY_CLIENTS", "%v", err)
	}
	return nil
}

func (c Config) validateTimes() error {
	for _, t := range []struct {
		variable  string
		is        time.Duration
		low, high time.Duration
	}{
		{"IDENTITY_ACCESS_TOKEN_LIFE", c.AccessTokenLife, 15 * time.Minute, signing.MaxTokenLife},
		{"IDENTITY_REFRESH_TOKEN_LIFE", c.RefreshTokenLife, time.Hour, 365 * 24 * time.Hour},
		{"IDENTITY_KEY_PERIOD", c.KeyPeriod, 2 * signing.Lead, 365 * 24 * time.Hour},
	} {
		if t.is < t.low || t.is > t.high {
			return config.Invalid(t.variable, "is %v, not between %v and %v", t.is, t.low, t.high)
		}
	}
	return nil
}

var namePattern = regexp.MustCompile(`^[a-z0-9-]{1,40}$`) // as in the proto

func (p Providers) validate() error {
	names := map[string]bool{"device": true, credential.PlayFab: true, credential.Steam: true, credential.PlayGames: true, credential.Xbox: true}
	issuers := map[string]bool{}
	for _, provider := range p {
		switch {
		case !namePattern.MatchString(provider.Name):
			return fmt.Errorf("name %q does not match %s", provider.Name, namePattern)
		case names[provider.Name]:
			return fmt.Errorf("name %q stands there twice, or is that of a platform", provider.Name)
		case issuers[provider.Issuer.Issuer]:
			return fmt.Errorf("issuer %q stands there twice: its players would be the same", provider.Issuer.Issuer)
		}
		names[provider.Name], issuers[provider.Issuer.Issuer] = true, true
		if err := provider.validate(); err != nil {
			return fmt.Errorf("provider %q: %w", provider.Name, err)
		}
	}
	return nil
}

const maxSkewSeconds = 600

func (i Issuer) validate() error {
	for property, address := range map[string]string{"issuer": i.Issuer, "discovery": i.Discovery} {
		if property == "discovery" && address == "" {
			continue
		}
		if err := validateAddress(property, address); err != nil {
			return err
		}
	}
	if len(i.Audiences) == 0 {
		return errors.New("audiences is empty: tokens for anybody would be accepted")
	}
	for _, audience := range i.Audiences {
		if audience == "" {
			return errors.New("an audience is empty")
		}
	}
	if i.SkewSeconds != nil && (*i.SkewSeconds < 0 || *i.SkewSeconds > maxSkewSeconds) {
		return fmt.Errorf("skewSeconds is %d, not between 0 and %d", *i.SkewSeconds, maxSkewSeconds)
	}
	return nil
}

func validateAddress(property, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && !localHTTP(u) {
		return fmt.Errorf("%s %q is not an https address", property, address)
	}
	return nil
}

// localHTTP allows a provider on this machine, for tests and local runs.
func localHTTP(u *url.URL) bool {
	return u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1")
}

// provider is the issuer as the client of providers takes it.
func (i Issuer) provider(name string) clients.Provider {
	skew := time.Minute
	if i.SkewSeconds != nil {
		skew = time.Duration(*i.SkewSeconds) * time.Second
	}
	return clients.Provider{Name: name, Issuer: i.Issuer, Discovery: i.Discovery, Audiences: i.Audiences, Skew: skew}
}

func (c Clients) validate() error {
	names, objects := map[string]bool{}, map[string]bool{}
	for _, client := range c {
		role := auth.Role(client.Role)
		switch {
		case !namePattern.MatchString(client.Name):
			return fmt.Errorf("name %q does not match %s", client.Name, namePattern)
		case names[client.Name]:
			return fmt.Errorf("name %q stands there twice", client.Name)
		case !role.Valid() || role == auth.RolePlayer:
			return fmt.Errorf("client %q: role %q is not game-server, operator or service", client.Name, client.Role)
		case client.KeySHA256 == "" && client.ObjectID == "":
			return fmt.Errorf("client %q has neither keySha256 nor objectId: it could not sign in", client.Name)
		case client.ObjectID != "" && objects[client.ObjectID]:
			return fmt.Errorf("client %q: its objectId is that of another client", client.Name)
		}
		if hash, err := hex.DecodeString(client.KeySHA256); err != nil || len(hash) != 32 && len(hash) != 0 {
			return fmt.Errorf("client %q: keySha256 is not 64 hexadecimal digits", client.Name)
		}
		names[client.Name], objects[client.ObjectID] = true, true
	}
	return nil
}

// programs are the clients as the noun takes them. The configuration is valid.
func (c Clients) programs() []program.Program {
	list := make([]program.Program, len(c))
	for i, client := range c {
		hash, _ := hex.DecodeString(client.KeySHA256) // checked by validate
		list[i] = program.Program{Name: client.Name, Role: client.Role, KeyHash: hash, ObjectID: client.ObjectID}
	}
	return list
}

// decodeKey reads 32 bytes of base64, standard or URL-safe, with or without padding.
func decodeKey(variable string, secret config.Secret) ([]byte, error) {
	text := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(secret.Reveal(), "="))
	key, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, config.Invalid(variable, "is not base64")
	}
	if len(key) != 32 {
		return nil, config.Invalid(variable, "has %d bytes, not 32", len(key))
	}
	return key, nil
}
