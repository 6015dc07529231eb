package auth_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/platform/auth"
)

func TestJWKRoundTrip(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []auth.Key{{ID: "ec", Public: &ec.PublicKey}, {ID: "ed", Public: edwards}} {
		text, err := auth.MarshalJWK(key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := auth.ParseJWK(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(key, got); diff != "" {
			t.Errorf("%s came back changed: %s", text, diff)
		}
	}
}

func TestParseJWKRefuses(t *testing.T) {
	x := strings.Repeat("A", 43)
	for name, text := range map[string]string{
		"no json":         `{`,
		"RSA":             `{"kty":"RSA","n":"AQAB","e":"AQAB"}`,
		"symmetric":       `{"kty":"oct","x":"` + x + `"}`,
		"P-384":           `{"kty":"EC","crv":"P-384","x":"` + x + `","y":"` + x + `"}`,
		"off the curve":   `{"kty":"EC","crv":"P-256","x":"` + x + `","y":"` + x + `"}`,
		"short x":         `{"kty":"EC","crv":"P-256","x":"AA","y":"` + x + `"}`,
		"no y":            `{"kty":"EC","crv":"P-256","x":"` + x + `"}`,
		"for encryption":  `{"kty":"OKP","crv":"Ed25519","x":"` + x + `","use":"enc"}`,
		"other algorithm": `{"kty":"OKP","crv":"Ed25519","x":"` + x + `","alg":"ES256"}`,
	} {
		if key, err := auth.ParseJWK([]byte(text)); err == nil {
			t.Errorf("%s: accepted as %+v", name, key)
		}
	}
}

func TestSignRefusesOtherKeys(t *testing.T) {
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	large, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []auth.SigningKey{{ID: "none"}, {ID: "rsa", Private: old}, {ID: "p384", Private: large}} {
		if _, err := auth.Sign(key, auth.Claims{ExpireTime: time.Now()}); err == nil || !strings.Contains(err.Error(), key.ID) {
			t.Errorf("signing with %s: %v", key.ID, err)
		}
	}
	if _, err := auth.MarshalJWK(auth.Key{ID: "rsa", Public: &old.PublicKey}); err == nil {
		t.Error("an RSA key was written")
	}
}

func FuzzParseJWK(f *testing.F) {
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","x":"` + strings.Repeat("A", 43) + `","kid":"k"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := auth.ParseJWK(text)
		if err != nil {
			return
		}
		if _, err := auth.MarshalJWK(key); err != nil {
			t.Errorf("%s was read but cannot be written: %v", text, err)
		}
	})
}
