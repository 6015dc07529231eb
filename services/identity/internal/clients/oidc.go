package clients

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"supergame/services/identity/internal/credential"
	"supergame/services/platform/fault"
)

// Provider is an OpenID Connect provider that a deployment trusts.
type Provider struct {
	Name      string
	Issuer    string        // the `iss` claim, exactly
	Discovery string        // where /.well-known/openid-configuration stands; empty = at the issuer
	Audiences []string      // the `aud` claim must hold one of them
	Skew      time.Duration // how far the provider's clock may be from ours
}

// discoveryLife is how long a provider's configuration and keys are used before both are asked for again: keys that were moved are
// followed then, and those that were withdrawn are forgotten. A provider that does not answer is asked again after discoveryRetry.
const (
	discoveryLife  = time.Hour
	discoveryRetry = time.Minute
)

// OIDC verifies the tokens of one provider (OpenID Connect Core 1.0, 3.1.3.7). What it needs of the provider it asks for with the first
// token, and keeps. It is safe for concurrent use.
type OIDC struct {
	provider Provider
	client   *http.Client
	now      func() time.Time

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil = nothing is known of the provider
	learned  time.Time
	asking   chan struct{} // closed when a request for the configuration is over; nil = none is under way
	failure  error         // of the last one
}

// NewOIDC returns a verifier of tokens. It does no I/O. A nil transport is http.DefaultTransport.
func NewOIDC(p Provider, transport http.RoundTripper, now func() time.Time) *OIDC {
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &OIDC{provider: p, client: &http.Client{Transport: newCalm(transport), Timeout: providerTimeout}, now: now}
}

// Verify checks an ID token: signature, iss, aud, azp, exp, nbf, iat and nonce.
func (o *OIDC) Verify(ctx context.Context, raw, nonce string) (credential.Subject, error) {
	token, err := o.verify(ctx, raw)
	if err != nil {
		return credential.Subject{}, err
	}
	if nonce != "" && subtle.ConstantTimeCompare([]byte(nonce), []byte(token.Nonce)) != 1 {
		return credential.Subject{}, credential.Refused(errors.New("another nonce stands in the token"))
	}
	if n := len(token.Subject); n == 0 || n > 255 {
		return credential.Subject{}, credential.Refused(fmt.Errorf("the sub claim has %d bytes", n))
	}
	return credential.Subject{Provider: o.provider.Name, Issuer: o.provider.Issuer, Name: token.Subject}, nil
}

// verify checks everything but nonce and subject. It tells a token that is not good from a provider that does not answer.
func (o *OIDC) verify(ctx context.Context, raw string) (*oidc.IDToken, error) {
	verifier, err := o.current(ctx)
	if err != nil {
		return nil, err
	}
	var trouble error
	token, err := verifier.Verify(context.WithValue(ctx, troubleKey{}, &trouble), raw)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case trouble != nil:
		return nil, o.unavailable(trouble)
	default:
		return nil, credential.Refused(err)
	}
	if err := o.check(token); err != nil {
		return nil, credential.Refused(err)
	}
	return token, nil
}

func (o *OIDC) check(token *oidc.IDToken) error {
	var claims struct {
		NotBefore float64 `json:"nbf"`
		Party     string  `json:"azp"`
	}
	if err := token.Claims(&claims); err != nil {
		return err
	}
	now, skew := o.now(), o.provider.Skew
	wanted := func(audience string) bool { return slices.Contains(o.provider.Audiences, audience) }
	switch {
	case !slices.ContainsFunc(token.Audience, wanted):
		return fmt.Errorf("it is for %q", token.Audience)
	case len(token.Audience) > 1 && claims.Party != "" && !wanted(claims.Party):
		return fmt.Errorf("it was issued to %q", claims.Party)
	case token.Expiry.IsZero() || !now.Before(token.Expiry.Add(skew)):
		return fmt.Errorf("it expired at %v", token.Expiry)
	case claims.NotBefore > 0 && now.Add(skew).Before(time.Unix(int64(claims.NotBefore), 0)):
		return fmt.Errorf("it is good only from %v on", time.Unix(int64(claims.NotBefore), 0))
	case now.Add(skew).Before(token.IssuedAt):
		return fmt.Errorf("it was issued in the future, at %v", token.IssuedAt)
	}
	return nil
}

func (o *OIDC) unavailable(cause error) error {
	return fault.New(fault.Unavailable, "PROVIDER_UNAVAILABLE", "the provider %s does not answer, try again", o.provider.Name).
		With("provider", o.provider.Name).After(2 * time.Second).Because(cause)
}

// current gives the verifier, after asking the provider for its configuration when there is none. An old one stays good while the
// provider is asked again, and while it does not answer.
func (o *OIDC) current(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	o.mu.Lock()
	verifier := o.verifier
	if o.asking == nil && (verifier == nil || o.now().Sub(o.learned) >= discoveryLife) {
		o.asking = make(chan struct{})
		go o.ask(context.WithoutCancel(ctx), o.asking)
	}
	asking := o.asking
	o.mu.Unlock()
	if verifier != nil {
		return verifier, nil
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-asking:
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.verifier == nil {
		return nil, o.unavailable(o.failure)
	}
	return o.verifier, nil
}

// ask reads the provider's configuration, for everybody who waits for it.
func (o *OIDC) ask(ctx context.Context, done chan struct{}) {
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, o.client), providerTimeout)
	defer cancel()
	found, err := o.discover(ctx)
	if err == nil && o.known() { // or the keys that are known would be given up for some that cannot be fetched
		err = o.reach(ctx, found.Keys)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asking, o.failure = nil, err
	o.learned = o.now()
	if err == nil {
		o.verifier = o.newVerifier(ctx, found)
	} else {
		o.learned = o.learned.Add(discoveryRetry - discoveryLife)
	}
	close(done)
}

func (o *OIDC) known() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.verifier != nil
}

// reach fetches a document; the next request for it, if it comes soon, is answered with the same.
func (o *OIDC) reach(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := o.client.Do(req)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers with %s", url, response.Status)
	}
	return nil
}

// metadata is what matters here of a provider's configuration (OpenID Connect Discovery 1.0, section 3).
type metadata struct {
	Keys       string   `json:"jwks_uri"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
}

func (o *OIDC) discover(ctx context.Context) (metadata, error) {
	at := o.provider.Issuer
	if o.provider.Discovery != "" {
		at = o.provider.Discovery
		ctx = oidc.InsecureIssuerURLContext(ctx, o.provider.Issuer) // the token's issuer is checked all the same
	}
	provider, err := oidc.NewProvider(ctx, at)
	if err != nil {
		return metadata{}, err
	}
	var found metadata
	if err := provider.Claims(&found); err != nil {
		return metadata{}, err
	}
	if strings.HasPrefix(at, "https:") && !strings.HasPrefix(found.Keys, "https:") {
		return metadata{}, fmt.Errorf("its keys at %q are not protected on their way", found.Keys)
	}
	return found, nil
}

// newVerifier takes the HTTP client out of ctx, whose end does not matter to it.
func (o *OIDC) newVerifier(ctx context.Context, m metadata) *oidc.IDTokenVerifier {
	return oidc.NewVerifier(o.provider.Issuer, keySet{oidc.NewRemoteKeySet(ctx, m.Keys)}, &oidc.Config{
		SupportedSigningAlgs: asymmetric(m.Algorithms),
		SkipClientIDCheck:    true, // there may be several audiences, and
		SkipExpiryCheck:      true, // clocks may differ: check does both
	})
}

// asymmetric leaves out `none` and what is signed with a shared key. Nothing left means RS256, as OpenID Connect has it.
func asymmetric(algorithms []string) []string {
	known := []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}
	return slices.DeleteFunc(slices.Clone(algorithms), func(a string) bool { return !slices.Contains(known, a) })
}

type troubleKey struct{}

// keySet notes when a signature could not be checked because the keys could not be fetched: the verifier above keeps only the text.
type keySet struct{ *oidc.RemoteKeySet }

func (k keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.RemoteKeySet.VerifySignature(ctx, jwt)
	if cause := errors.Unwrap(err); cause != nil { // only the error of a fetch wraps another
		if trouble, ok := ctx.Value(troubleKey{}).(*error); ok {
			*trouble = cause
		}
	}
	return payload, err
}

// Workloads verifies tokens of workload identities, e.g. the access tokens that Microsoft Entra issues to managed identities.
type Workloads struct {
	oidc  *OIDC
	claim string
}

// NewWorkloads trusts the provider; the claim names the workload (`oid` at Microsoft Entra).
func NewWorkloads(provider *OIDC, claim string) *Workloads {
	return &Workloads{oidc: provider, claim: claim}
}

// ObjectID checks a token as [OIDC.Verify] does and gives its claim.
func (w *Workloads) ObjectID(ctx context.Context, raw string) (string, error) {
	token, err := w.oidc.verify(ctx, raw)
	if err != nil {
		return "", err
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return "", credential.Refused(err)
	}
	id, ok := claims[w.claim].(string)
	if !ok || id == "" {
		return "", credential.Refused(fmt.Errorf("the token has no claim %s", w.claim))
	}
	return id, nil
}
