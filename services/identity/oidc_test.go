package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity"
	"supergame/services/platform/fault"
)

func decodeBase64(text string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(text) }

// standIn is an OpenID Connect provider with one key.
type standIn struct {
	*httptest.Server
	key  *ecdsa.PrivateKey
	down atomic.Bool
}

func newStandIn(t testing.TB) *standIn {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	s := &standIn{key: key}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		var body any = map[string]any{"issuer": s.URL, "jwks_uri": s.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"}}
		if r.URL.Path == "/keys" {
			body = map[string]any{"keys": []map[string]string{
				{"kty": "EC", "crv": "P-256", "kid": "k", "alg": "ES256", "x": encode(point[1:33]), "y": encode(point[33:])},
			}}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) token(t testing.TB, audience, subject, object string) string {
	t.Helper()
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": s.URL, "aud": audience, "sub": subject, "oid": object, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "nonce": "n",
	})
	token.Header["kid"] = "k"
	text, err := token.SignedString(s.key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func oidc(provider, idToken, nonce string) *identityv1.SignInRequest {
	return &identityv1.SignInRequest{Credential: &identityv1.SignInRequest_Oidc{
		Oidc: &identityv1.OidcCredential{Provider: provider, IdToken: idToken, Nonce: nonce},
	}}
}

func TestSignInWithOpenIDConnect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := newStandIn(t), newStandIn(t)
	w.cfg.Providers = identity.Providers{
		{Name: "one", Issuer: identity.Issuer{Issuer: one.URL, Audiences: []string{"game"}}},
		{Name: "two", Issuer: identity.Issuer{Issuer: two.URL, Audiences: []string{"game"}}},
	}
	r := w.replica()
	alice, err := r.SignIn(t.Context(), oidc("one", one.token(t, "game", "alice", ""), "n"))
	if err != nil || !alice.GetCreated() {
		t.Fatal(alice, err)
	}
	again, err := r.SignIn(t.Context(), oidc("one", one.token(t, "game", "alice", ""), ""))
	if err != nil || again.GetCreated() || again.GetPlayerId() != alice.GetPlayerId() {
		t.Errorf("again: %v, %v", again, err)
	}
	other, err := r.SignIn(t.Context(), oidc("two", two.token(t, "game", "alice", ""), ""))
	if err != nil || other.GetPlayerId() == alice.GetPlayerId() {
		t.Errorf("the same name at another provider: %v, %v", other, err)
	}
	for name, request := range map[string]*identityv1.SignInRequest{
		"a token of another provider": oidc("one", two.token(t, "game", "alice", ""), ""),
		"for somebody else":           oidc("one", one.token(t, "bank", "alice", ""), ""),
		"another nonce":               oidc("one", one.token(t, "game", "alice", ""), "m"),
		"our own access token":        oidc("one", alice.GetSession().GetAccessToken(), ""),
	} {
		response, err := r.SignIn(t.Context(), request)
		if !fault.Is(err, fault.Unauthenticated) || fault.ReasonOf(err) != "CREDENTIAL_REFUSED" {
			t.Errorf("%s: %v, %v", name, response, err)
		}
	}
	// What is known of a provider serves while it is down; a replica that knows nothing says so.
	one.down.Store(true)
	if _, err := r.SignIn(t.Context(), oidc("one", one.token(t, "game", "alice", ""), "")); err != nil {
		t.Errorf("known keys: %v", err)
	}
	_, err = w.replica().SignIn(t.Context(), oidc("one", one.token(t, "game", "alice", ""), ""))
	if f := fault.As(err); f == nil || f.Kind != fault.Unavailable || f.RetryAfter <= 0 {
		t.Errorf("provider down: %v", err)
	}
}

func TestSignInAsAWorkload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	platform := newStandIn(t)
	request := func(token string) *identityv1.SignInClientRequest {
		return &identityv1.SignInClientRequest{Credential: &identityv1.SignInClientRequest_Workload{Workload: &identityv1.WorkloadCredential{Token: token}}}
	}
	_, err := w.replica().SignInClient(t.Context(), request("x.y.z"))
	wantFault(t, err, fault.FailedPrecondition, "PROVIDER_DISABLED")

	w.cfg.Workloads = identity.Workloads{Issuer: identity.Issuer{Issuer: platform.URL, Audiences: []string{"api://identity"}}}
	w.cfg.Clients = append(w.cfg.Clients, identity.Client{Name: "matchmaking", Role: "service", ObjectID: "object-7"})
	r := w.replica()
	response, err := r.SignInClient(t.Context(), request(platform.token(t, "api://identity", "s", "object-7")))
	if err != nil || response.GetClientId() != "matchmaking" || response.GetRole().String() != "ROLE_SERVICE" {
		t.Fatal(response, err)
	}
	if subject, err := r.whoAmI(response.GetAccessToken()); err != nil || subject != "matchmaking" {
		t.Errorf("%q, %v", subject, err)
	}
	for name, token := range map[string]string{
		"an unknown workload": platform.token(t, "api://identity", "s", "object-8"),
		"no object":           platform.token(t, "api://identity", "s", ""),
		"for somebody else":   platform.token(t, "api://bank", "s", "object-7"),
		"of another issuer":   newStandIn(t).token(t, "api://identity", "s", "object-7"),
	} {
		response, err := r.SignInClient(t.Context(), request(token))
		if !fault.Is(err, fault.Unauthenticated) || fault.ReasonOf(err) != "CREDENTIAL_REFUSED" {
			t.Errorf("%s: %v, %v", name, response, err)
		}
	}
	_, err = r.SignInClient(t.Context(), clientKey("matchmaking", testKey)) // has no key
	wantFault(t, err, fault.Unauthenticated, "CREDENTIAL_REFUSED")
}
