package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"supergame/services/platform/auth"
	"supergame/services/platform/auth/authtest"
	"supergame/services/platform/fault"
)

const player = "01J0000000000000000000000A"

// forge signs any header and claims with any method and key, as an attacker would.
func forge(t *testing.T, method jwt.SigningMethod, key any, header, claims map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, jwt.MapClaims(claims))
	for name, value := range header {
		token.Header[name] = value
	}
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func wireClaims(a *authtest.Authority, change map[string]any) map[string]any {
	claims := map[string]any{
		"iss": a.Config().Issuer, "aud": a.Config().Audience, "sub": player, "role": "player", "sid": "s1",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	for name, value := range change {
		if value == nil {
			delete(claims, name)
		} else {
			claims[name] = value
		}
	}
	return claims
}

func TestVerifyRefusesEachBadTokenForItsReason(t *testing.T) {
	a := authtest.New(t)
	kid := map[string]any{"kid": a.Key().ID}
	der, err := x509.MarshalPKIXPublicKey(a.Key().Private.Public())
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(change map[string]any) string {
		return forge(t, jwt.SigningMethodES256, a.Key().Private, kid, wireClaims(a, change))
	}
	good := signed(nil)
	parts := strings.Split(good, ".")
	otherPayload, err := json.Marshal(wireClaims(a, map[string]any{"role": "operator"}))
	if err != nil {
		t.Fatal(err)
	}
	hour := time.Hour
	tests := map[string]struct {
		token, reason string
	}{
		"empty":  {"", auth.ReasonTokenMalformed},
		"no jwt": {"hello", auth.ReasonTokenMalformed},
		"keys in the header": {forge(t, jwt.SigningMethodEdDSA, edwards, map[string]any{
			"kid": "other", "jku": "https://evil.example/keys", "x5u": "https://evil.example/chain",
			"jwk": map[string]any{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(edwards.Public().(ed25519.PublicKey))},
		}, wireClaims(a, nil)), auth.ReasonTokenKey},
		"four parts":          {good + ".x", auth.ReasonTokenMalformed},
		"no base64":           {"!." + parts[1] + "." + parts[2], auth.ReasonTokenMalformed},
		"huge":                {strings.Repeat("a", 9000), auth.ReasonTokenMalformed},
		"critical extension":  {forge(t, jwt.SigningMethodES256, a.Key().Private, map[string]any{"kid": a.Key().ID, "crit": []string{"x"}}, wireClaims(a, nil)), auth.ReasonTokenMalformed},
		"none":                {forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid, wireClaims(a, nil)), auth.ReasonTokenAlgorithm},
		"HS256, public PEM":   {forge(t, jwt.SigningMethodHS256, publicPEM, kid, wireClaims(a, nil)), auth.ReasonTokenAlgorithm},
		"HS256, public DER":   {forge(t, jwt.SigningMethodHS256, der, kid, wireClaims(a, nil)), auth.ReasonTokenAlgorithm},
		"EdDSA for an EC key": {forge(t, jwt.SigningMethodEdDSA, edwards, kid, wireClaims(a, nil)), auth.ReasonTokenAlgorithm},
		"other algorithm":     {forge(t, unknownMethod{}, nil, kid, wireClaims(a, nil)), auth.ReasonTokenAlgorithm},
		"no kid":              {forge(t, jwt.SigningMethodES256, a.Key().Private, nil, wireClaims(a, nil)), auth.ReasonTokenKey},
		"unknown kid":         {forge(t, jwt.SigningMethodES256, a.Key().Private, map[string]any{"kid": "other"}, wireClaims(a, nil)), auth.ReasonTokenKey},
		"kid is no string":    {forge(t, jwt.SigningMethodES256, a.Key().Private, map[string]any{"kid": 7}, wireClaims(a, nil)), auth.ReasonTokenKey},
		"other key":           {forge(t, jwt.SigningMethodES256, other, kid, wireClaims(a, nil)), auth.ReasonTokenSignature},
		"no signature":        {parts[0] + "." + parts[1] + ".", auth.ReasonTokenSignature},
		"other payload":       {parts[0] + "." + base64.RawURLEncoding.EncodeToString(otherPayload) + "." + parts[2], auth.ReasonTokenSignature},
		"issuer":              {signed(map[string]any{"iss": "https://else"}), auth.ReasonTokenIssuer},
		"no issuer":           {signed(map[string]any{"iss": nil}), auth.ReasonTokenClaims},
		"audience":            {signed(map[string]any{"aud": "else"}), auth.ReasonTokenAudience},
		"no audience":         {signed(map[string]any{"aud": nil}), auth.ReasonTokenClaims},
		"expired":             {signed(map[string]any{"exp": time.Now().Add(-hour).Unix()}), auth.ReasonTokenExpired},
		"no expiry":           {signed(map[string]any{"exp": nil}), auth.ReasonTokenClaims},
		"not yet valid":       {signed(map[string]any{"nbf": time.Now().Add(hour).Unix()}), auth.ReasonTokenNotYetValid},
		"issued ahead":        {signed(map[string]any{"iat": time.Now().Add(hour).Unix()}), auth.ReasonTokenNotYetValid},
		"no subject":          {signed(map[string]any{"sub": nil}), auth.ReasonTokenClaims},
		"no role":             {signed(map[string]any{"role": nil}), auth.ReasonTokenClaims},
		"unknown role":        {signed(map[string]any{"role": "root"}), auth.ReasonTokenClaims},
		"player, no session":  {signed(map[string]any{"sid": nil}), auth.ReasonTokenClaims},
		"subject is a number": {signed(map[string]any{"sub": 7}), auth.ReasonTokenMalformed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for range 2 { // a refusal is not remembered as a success
				caller, err := a.Verifier().Verify(t.Context(), test.token)
				if caller != nil || !fault.Is(err, fault.Unauthenticated) || fault.ReasonOf(err) != test.reason {
					t.Fatalf("got %v, %v (%s); want UNAUTHENTICATED %s", caller, err, fault.ReasonOf(err), test.reason)
				}
			}
		})
	}
	if _, err := a.Verifier().Verify(t.Context(), good); err != nil {
		t.Errorf("the good token the others are made of: %v", err)
	}
}

// unknownMethod is an algorithm that the JWT library does not know.
type unknownMethod struct{}

func (unknownMethod) Verify(string, []byte, any) error { return nil }
func (unknownMethod) Sign(string, any) ([]byte, error) { return []byte("x"), nil }
func (unknownMethod) Alg() string                      { return "XX999" }

func TestVerifyReturnsTheCaller(t *testing.T) {
	a := authtest.New(t)
	for _, role := range []auth.Role{auth.RolePlayer, auth.RoleGameServer, auth.RoleOperator, auth.RoleService} {
		claims := a.Claims(role, "who")
		claims.NotBefore = time.Now()
		for range 2 { // verified, then remembered
			caller, err := a.Verifier().Verify(t.Context(), a.Sign(claims))
			if err != nil {
				t.Fatal(err)
			}
			want := auth.Caller{Subject: "who", Role: role, Session: claims.Session, TokenID: claims.ID, ExpireTime: claims.ExpireTime.Truncate(time.Second)}
			if !caller.ExpireTime.Equal(want.ExpireTime) {
				t.Errorf("ExpireTime = %v, want %v", caller.ExpireTime, want.ExpireTime)
			}
			want.ExpireTime = caller.ExpireTime
			if *caller != want {
				t.Errorf("caller = %+v, want %+v", *caller, want)
			}
		}
	}
}

// fixed is a source that a test steers by hand.
type fixed struct {
	mu      sync.Mutex
	keys    []auth.Key
	pages   map[string]auth.RevocationPage // by cursor
	err     error
	keyAsks int
	asks    []string // the cursors
}

func (f *fixed) Keys(context.Context) ([]auth.Key, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keyAsks++
	return f.keys, f.err
}

func (f *fixed) Revocations(_ context.Context, cursor string) (auth.RevocationPage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asks = append(f.asks, cursor)
	if f.err != nil {
		return auth.RevocationPage{}, f.err
	}
	page, ok := f.pages[cursor]
	if !ok {
		return page, fault.Invalid("cursor", "is not known")
	}
	return page, nil
}

// clock is a time that moves by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var config = auth.Config{Issuer: "i", Audience: "a"}

func newKey(t *testing.T, id string) (auth.SigningKey, auth.Key) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return auth.SigningKey{ID: id, Private: private}, auth.Key{ID: id, Public: private.Public()}
}

func issue(t *testing.T, key auth.SigningKey, c *clock) string {
	t.Helper()
	token, err := auth.Sign(key, auth.Claims{
		Issuer: "i", Audience: "a", Subject: player, Role: auth.RolePlayer, Session: "s1", IssueTime: c.Now(), ExpireTime: c.Now().Add(15 * time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func setup(source auth.Source, c *clock) *auth.Verifier {
	return auth.NewVerifier(config, source, auth.Options{Now: c.Now, Logger: slog.New(slog.DiscardHandler)})
}

func wantReason(t *testing.T, v *auth.Verifier, token string, kind fault.Kind, reason string) {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	if !fault.Is(err, kind) || fault.ReasonOf(err) != reason {
		t.Errorf("got %v (%s), want %s %s", err, fault.ReasonOf(err), kind, reason)
	}
}

func TestRememberedTokenExpires(t *testing.T) {
	c := &clock{now: time.Now()}
	private, public := newKey(t, "k1")
	v := setup(&fixed{keys: []auth.Key{public}, pages: map[string]auth.RevocationPage{"": {}}}, c)
	token := issue(t, private, c)
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if caller, err := v.Remembered(token); caller == nil || err != nil {
		t.Errorf("the token is not remembered: %v, %v", caller, err)
	}
	c.advance(16 * time.Minute)
	if caller, err := v.Remembered(token); caller != nil || err != nil {
		t.Errorf("the token is remembered past its end: %v, %v", caller, err)
	}
	wantReason(t, v, token, fault.Unauthenticated, auth.ReasonTokenExpired)
}

func TestUnknownKeysAreAskedForAtMostOnceInAWhile(t *testing.T) {
	c := &clock{now: time.Now()}
	first, firstPublic := newKey(t, "k1")
	second, secondPublic := newKey(t, "k2")
	source := &fixed{err: errors.New("down")}
	v := setup(source, c)

	wantReason(t, v, issue(t, first, c), fault.Unavailable, auth.ReasonKeysUnavailable)
	source.keys, source.err = []auth.Key{firstPublic}, nil
	wantReason(t, v, issue(t, first, c), fault.Unavailable, auth.ReasonKeysUnavailable) // too soon to ask again
	c.advance(6 * time.Second)
	if _, err := v.Verify(t.Context(), issue(t, first, c)); err != nil {
		t.Errorf("after the source is back: %v", err)
	}
	for range 50 {
		wantReason(t, v, issue(t, second, c), fault.Unauthenticated, auth.ReasonTokenKey)
	}
	if source.keyAsks != 2 {
		t.Errorf("the source was asked %d times, want 2", source.keyAsks)
	}
	source.keys = append(source.keys, secondPublic) // rotated
	c.advance(6 * time.Second)
	if _, err := v.Verify(t.Context(), issue(t, second, c)); err != nil {
		t.Errorf("after the rotation: %v", err)
	}
}

func TestWithdrawnKeyEndsWhatItVerified(t *testing.T) {
	c := &clock{now: time.Now()}
	private, public := newKey(t, "k1")
	source := &fixed{keys: []auth.Key{public}, pages: map[string]auth.RevocationPage{"": {}}}
	v := setup(source, c)
	token := issue(t, private, c)
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	source.keys = nil
	if err := v.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantReason(t, v, token, fault.Unauthenticated, auth.ReasonTokenKey)

	public.ExpireTime = c.Now().Add(time.Minute) // a key ends before its tokens do
	source.keys = []auth.Key{public}
	if err := v.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if caller, err := setup(source, c).Verify(t.Context(), token); err != nil || !caller.ExpireTime.Equal(public.ExpireTime) {
		t.Errorf("seen for the first time: %+v, %v: want a caller until the key ends", caller, err)
	}
	c.advance(2 * time.Minute)
	wantReason(t, v, token, fault.Unauthenticated, auth.ReasonTokenKey)
}

// A key is withdrawn while a token of it is being verified: the token is not remembered beyond that.
func TestKeyWithdrawnWhileItsTokenIsVerified(t *testing.T) {
	c := &clock{now: time.Now()}
	private, public := newKey(t, "k1")
	source := &fixed{keys: []auth.Key{public}, pages: map[string]auth.RevocationPage{"": {}}}
	var inBetween func() // called by the check of the times, which comes behind the signature
	v := auth.NewVerifier(config, source, auth.Options{Now: func() time.Time {
		if act := inBetween; act != nil {
			inBetween = nil
			act()
		}
		return c.Now()
	}})
	if err := v.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	token := issue(t, private, c)
	withdrawn := false
	inBetween = func() {
		source.keys, withdrawn = nil, true
		if err := v.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if _, err := v.Verify(t.Context(), token); err != nil || !withdrawn {
		t.Fatalf("%v, withdrawn %t", err, withdrawn)
	}
	wantReason(t, v, token, fault.Unauthenticated, auth.ReasonTokenKey)
}

func BenchmarkVerifyRemembered(b *testing.B) {
	a := authtest.New(b)
	token := a.Player(player)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Verifier().Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyNew(b *testing.B) {
	a := authtest.New(b)
	verifier := auth.NewVerifier(a.Config(), a, auth.Options{CacheSize: 1})
	tokens := []string{a.Player(player), a.Player(player)}
	if err := verifier.Refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := verifier.Verify(b.Context(), tokens[i%2]); err != nil {
			b.Fatal(err)
		}
	}
}
