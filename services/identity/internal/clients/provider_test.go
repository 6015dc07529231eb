package clients

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// provider stands in for an OpenID Connect provider: discovery and keys over HTTP.
type provider struct {
	*httptest.Server
	issuer string // as discovery says
	keys   atomic.Pointer[map[string]crypto.Signer]
	down   atomic.Bool
	fetch  atomic.Int32 // of the keys
	ask    atomic.Int32 // for the configuration
}

func newProvider(t testing.TB, keys map[string]crypto.Signer) *provider {
	t.Helper()
	p := &provider{}
	p.keys.Store(&keys)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.ask.Add(1)
		p.answer(w, map[string]any{
			"issuer": p.issuer, "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "HS256", "none"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.fetch.Add(1)
		list := []map[string]string{}
		for kid, key := range *p.keys.Load() {
			list = append(list, jwkOf(t, kid, key))
		}
		p.answer(w, map[string]any{"keys": list})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	p.issuer = p.URL
	return p
}

func (p *provider) answer(w http.ResponseWriter, body any) {
	if p.down.Load() {
		http.Error(w, "down", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func jwkOf(t testing.TB, kid string, key crypto.Signer) map[string]string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		return map[string]string{"kty": "RSA", "kid": kid, "alg": "RS256", "n": encode(public.N.Bytes()), "e": encode(big.NewInt(int64(public.E)).Bytes())}
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return map[string]string{"kty": "EC", "crv": "P-256", "kid": kid, "alg": "ES256", "x": encode(point[1:33]), "y": encode(point[33:])}
	}
	t.Fatalf("a %T", key.Public())
	return nil
}

// sign makes a token; the algorithm follows the key.
func sign(t testing.TB, kid string, key crypto.Signer, claims jwt.MapClaims) string {
	t.Helper()
	var method jwt.SigningMethod = jwt.SigningMethodES256
	if _, ok := key.(*rsa.PrivateKey); ok {
		method = jwt.SigningMethodRS256
	}
	return signWith(t, method, kid, key, claims)
}

func signWith(t testing.TB, method jwt.SigningMethod, kid string, key any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	if kid != "" {
		token.Header["kid"] = kid
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (p *provider) claims() jwt.MapClaims {
	now := time.Now()
	return jwt.MapClaims{
		"iss": p.issuer, "aud": "game", "sub": "alice", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "nonce": "n-1", "oid": "object-1",
	}
}

// with changes claims; nil takes one away.
func with(claims jwt.MapClaims, changes map[string]any) jwt.MapClaims {
	for name, value := range changes {
		if value == nil {
			delete(claims, name)
		} else {
			claims[name] = value
		}
	}
	return claims
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// publicBytes is what an attacker who confuses the algorithms takes for the shared key.
func publicBytes(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return der
}
