// Package credential says who a credential belongs to: a provider vouches for a subject, and issuer and subject together name an
// identity for ever.
package credential

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"supergame/services/platform/fault"
)

// Subject is whom a provider vouches for.
type Subject struct {
	Provider string // the provider's name in the configuration; it may change, the identity does not
	Issuer   string // who says so: "device", "steam" and the like, or the issuer URL of an OpenID Connect provider
	Name     string // the issuer's own name for him: the secret of a device, the `sub` claim of an ID token, a Steam id
}

// ID names the identity: hex SHA-256 of issuer, NUL and subject. An issuer holds no NUL, so no two subjects share one.
func (s Subject) ID() string {
	h := sha256.New()
	h.Write([]byte(s.Issuer))
	h.Write([]byte{0})
	h.Write([]byte(s.Name))
	return hex.EncodeToString(h.Sum(nil))
}

// Verifier checks the ID tokens of one OpenID Connect provider.
type Verifier interface {
	// Verify gives the subject of a token. A nonce that is not empty must stand in it. Errors: Unauthenticated
	// (CREDENTIAL_REFUSED) for a token that is not good, Unavailable when the provider does not answer.
	Verify(ctx context.Context, token, nonce string) (Subject, error)
}

// Tickets checks credentials of a platform that are one piece of text: entity tokens, tickets, authorization codes.
type Tickets interface {
	// Verify gives the subject of a ticket. Errors as those of [Verifier].
	Verify(ctx context.Context, ticket string) (Subject, error)
}

// Refused is the answer to a credential that does not prove what it claims. The cause is for the log only: a caller who guesses learns
// nothing.
func Refused(cause error) *fault.Error {
	return fault.New(fault.Unauthenticated, "CREDENTIAL_REFUSED", "the credential was refused").Because(cause)
}

// deviceIssuer is no URL, so no OpenID Connect provider has it.
const deviceIssuer = "device"

// Providers are the ways of signing in that a deployment offers.
type Providers struct {
	Device bool                // guests may sign in with a device's secret
	OIDC   map[string]Verifier // by name
	// Tickets are the platforms with a way of their own, by name: the constants below. The kit has no verifier for Xbox, whose
	// documents are not public: a deployment that has them brings one.
	Tickets map[string]Tickets
}

// The names of the platforms in Providers.Tickets.
const (
	PlayFab   = "playfab"
	Steam     = "steam"
	PlayGames = "play-games"
	Xbox      = "xbox"
)

// VerifyDevice gives the subject of a device's secret: whoever knows it is that player. FailedPrecondition (PROVIDER_DISABLED) where
// guests are not wanted.
func (p *Providers) VerifyDevice(secret string) (Subject, error) {
	if !p.Device {
		return Subject{}, Disabled("device", "guests cannot sign in here")
	}
	return Subject{Provider: "device", Issuer: deviceIssuer, Name: secret}, nil
}

// VerifyOIDC gives the subject of an ID token of the named provider. FailedPrecondition (PROVIDER_DISABLED) for a name that is not
// configured, else as [Verifier].
func (p *Providers) VerifyOIDC(ctx context.Context, provider, token, nonce string) (Subject, error) {
	v, ok := p.OIDC[provider]
	if !ok {
		return Subject{}, Disabled(provider, "no provider of this name is configured")
	}
	return v.Verify(ctx, token, nonce)
}

// VerifyTicket gives the subject of a ticket of the named platform. FailedPrecondition (PROVIDER_DISABLED) for one that is not configured,
// else as [Tickets].
func (p *Providers) VerifyTicket(ctx context.Context, platform, ticket string) (Subject, error) {
	v, ok := p.Tickets[platform]
	if !ok {
		return Subject{}, Disabled(platform, "this platform is not configured here")
	}
	return v.Verify(ctx, ticket)
}

// Disabled is the answer to a way of signing in that the deployment does not offer.
func Disabled(provider, text string) error {
	return fault.New(fault.FailedPrecondition, "PROVIDER_DISABLED", "%s", text).With("provider", provider)
}
