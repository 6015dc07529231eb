package clients

import (
	"context"
	"crypto"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"supergame/services/identity/internal/credential"
	"supergame/services/platform/fault"
)

func (p *provider) trusted() *OIDC {
	return NewOIDC(Provider{Name: "stand-in", Issuer: p.issuer, Audiences: []string{"game", "other-game"}, Skew: time.Minute}, nil, time.Now)
}

func TestVerify(t *testing.T) {
	t.Parallel()
	ec, rs := ecKey(t), rsaKey(t)
	p := newProvider(t, map[string]crypto.Signer{"ec": ec, "rsa": rs})
	o := p.trusted()
	want := credential.Subject{Provider: "stand-in", Issuer: p.issuer, Name: "alice"}
	now := time.Now()
	claims := func(changes map[string]any) jwt.MapClaims { return with(p.claims(), changes) }
	good := sign(t, "ec", ec, p.claims())
	for name, tt := range map[string]struct {
		token, nonce string
		refused      bool
	}{
		"ES256":                           {good, "", false},
		"RS256":                           {sign(t, "rsa", rs, p.claims()), "", false},
		"without kid":                     {sign(t, "", ec, p.claims()), "", false},
		"nonce":                           {good, "n-1", false},
		"second audience":                 {sign(t, "ec", ec, claims(map[string]any{"aud": []string{"x", "other-game"}})), "", false},
		"party":                           {sign(t, "ec", ec, claims(map[string]any{"aud": []string{"x", "game"}, "azp": "game"})), "", false},
		"expired within the skew":         {sign(t, "ec", ec, claims(map[string]any{"exp": now.Add(-30 * time.Second).Unix()})), "", false},
		"not yet valid within the skew":   {sign(t, "ec", ec, claims(map[string]any{"nbf": now.Add(30 * time.Second).Unix()})), "", false},
		"another nonce":                   {good, "n-2", true},
		"nonce missing":                   {sign(t, "ec", ec, claims(map[string]any{"nonce": nil})), "n-1", true},
		"another issuer":                  {sign(t, "ec", ec, claims(map[string]any{"iss": "https://evil.example"})), "", true},
		"no issuer":                       {sign(t, "ec", ec, claims(map[string]any{"iss": nil})), "", true},
		"another audience":                {sign(t, "ec", ec, claims(map[string]any{"aud": "bank"})), "", true},
		"no audience":                     {sign(t, "ec", ec, claims(map[string]any{"aud": nil})), "", true},
		"another party":                   {sign(t, "ec", ec, claims(map[string]any{"aud": []string{"x", "game"}, "azp": "x"})), "", true},
		"expired":                         {sign(t, "ec", ec, claims(map[string]any{"exp": now.Add(-2 * time.Minute).Unix()})), "", true},
		"never expires":                   {sign(t, "ec", ec, claims(map[string]any{"exp": nil})), "", true},
		"not yet valid":                   {sign(t, "ec", ec, claims(map[string]any{"nbf": now.Add(2 * time.Minute).Unix()})), "", true},
		"issued in the future":            {sign(t, "ec", ec, claims(map[string]any{"iat": now.Add(2 * time.Minute).Unix()})), "", true},
		"no subject":                      {sign(t, "ec", ec, claims(map[string]any{"sub": nil})), "", true},
		"endless subject":                 {sign(t, "ec", ec, claims(map[string]any{"sub": strings.Repeat("a", 256)})), "", true},
		"another key of this kid":         {sign(t, "ec", ecKey(t), p.claims()), "", true},
		"unknown key":                     {sign(t, "new", ecKey(t), p.claims()), "", true},
		"alg none":                        {signWith(t, jwt.SigningMethodNone, "ec", jwt.UnsafeAllowNoneSignatureType, p.claims()), "", true},
		"HS256 with the public key":       {signWith(t, jwt.SigningMethodHS256, "ec", publicBytes(t, ec), p.claims()), "", true},
		"signature cut":                   {good[:len(good)-4], "", true},
		"signature of another":            {good[:strings.LastIndexByte(good, '.')] + sign(t, "ec", ec, jwt.MapClaims{})[:3], "", true},
		"not a token":                     {"nonsense", "", true},
		"empty parts":                     {"..", "", true},
		"claims that are not an object":   {"e30.W10.e30", "", true},
		"NUL":                             {"\x00.\x00.\x00", "", true},
		"expiry that is not a number":     {sign(t, "ec", ec, claims(map[string]any{"exp": "soon"})), "", true},
		"not-before that is not a number": {sign(t, "ec", ec, claims(map[string]any{"nbf": "soon"})), "", true},
	} {
		got, err := o.Verify(t.Context(), tt.token, tt.nonce)
		switch {
		case tt.refused && (!fault.Is(err, fault.Unauthenticated) || fault.ReasonOf(err) != "CREDENTIAL_REFUSED"):
			t.Errorf("%s: %v, %v, want it refused", name, got, err)
		case !tt.refused && (err != nil || got != want):
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if n := p.ask.Load(); n != 1 {
		t.Errorf("the configuration was asked for %d times", n)
	}
	if n := p.fetch.Load(); n > 2 {
		t.Errorf("bad tokens made the keys be fetched %d times", n)
	}
}

func TestProviderDown(t *testing.T) {
	t.Parallel()
	key := ecKey(t)
	p := newProvider(t, map[string]crypto.Signer{"ec": key})
	o := p.trusted()
	o.client.Transport.(*calm).failure = 0
	token := sign(t, "ec", key, p.claims())
	unavailable := func(what string, err error) {
		t.Helper()
		if f := fault.As(err); f == nil || f.Kind != fault.Unavailable || f.Reason != "PROVIDER_UNAVAILABLE" || f.RetryAfter <= 0 {
			t.Errorf("%s: %v, want UNAVAILABLE with a time to retry", what, err)
		}
	}
	p.down.Store(true)
	_, err := o.Verify(t.Context(), token, "")
	unavailable("nothing known of the provider", err)

	p.down.Store(false)
	if _, err := o.current(t.Context()); err != nil {
		t.Fatalf("the provider is back: %v", err)
	}
	p.down.Store(true)
	_, err = o.Verify(t.Context(), token, "")
	unavailable("its keys are not known", err)
	p.down.Store(false)
	if _, err := o.Verify(t.Context(), token, ""); err != nil {
		t.Errorf("the provider is back: %v", err)
	}
	p.down.Store(true)
	if _, err := o.Verify(t.Context(), token, ""); err != nil {
		t.Errorf("a key that is known: %v", err)
	}
	gone := NewOIDC(Provider{Name: "gone", Issuer: "http://127.0.0.1:1", Audiences: []string{"game"}}, nil, time.Now)
	_, err = gone.Verify(t.Context(), token, "")
	unavailable("connection refused", err)
}

// A provider that does not answer is left in peace, however many tokens come: before anything is known of it, and later.
func TestProviderDownIsNotAskedByEveryToken(t *testing.T) {
	t.Parallel()
	key := ecKey(t)
	p := newProvider(t, map[string]crypto.Signer{"ec": key})
	o := p.trusted()
	calmed := o.client.Transport.(*calm)
	calmed.pause, calmed.failure = 0, time.Hour
	token := sign(t, "ec", key, p.claims())
	storm := func(what string, token string, asked *atomic.Int32) {
		t.Helper()
		before := asked.Load()
		for range 20 {
			if _, err := o.Verify(t.Context(), token, ""); !fault.Is(err, fault.Unavailable) {
				t.Fatalf("%s: %v", what, err)
			}
		}
		if n := asked.Load() - before; n != 1 {
			t.Errorf("%s: asked %d times", what, n)
		}
	}
	p.down.Store(true)
	storm("nothing known of the provider", token, &p.ask)
	p.down.Store(false)
	clear(calmed.known)
	if _, err := o.Verify(t.Context(), token, ""); err != nil {
		t.Fatal(err)
	}
	p.down.Store(true)
	storm("unknown keys", sign(t, "unknown", ecKey(t), p.claims()), &p.fetch)
}

func TestProviderSlow(t *testing.T) {
	t.Parallel()
	slow := roundTrip(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	o := NewOIDC(Provider{Name: "slow", Issuer: "https://slow.example", Audiences: []string{"game"}}, slow, time.Now)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := o.Verify(ctx, "x.y.z", ""); err == nil || time.Since(began) > time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestProviderRotatesItsKeys(t *testing.T) {
	t.Parallel()
	old, fresh := ecKey(t), ecKey(t)
	p := newProvider(t, map[string]crypto.Signer{"old": old})
	o := p.trusted()
	calmed := o.client.Transport.(*calm)
	if _, err := o.Verify(t.Context(), sign(t, "old", old, p.claims()), ""); err != nil {
		t.Fatal(err)
	}
	p.keys.Store(&map[string]crypto.Signer{"old": old, "fresh": fresh})
	token := sign(t, "fresh", fresh, p.claims())
	for range 20 { // anybody can send tokens with unknown keys
		if _, err := o.Verify(t.Context(), token, ""); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("within the pause: %v", err)
		}
	}
	if n := p.fetch.Load(); n != 1 {
		t.Errorf("unknown keys made the keys be fetched %d times", n)
	}
	calmed.pause = 0
	// The library may still give the answer of its last question to the next one.
	_, err := o.Verify(t.Context(), token, "")
	for deadline := time.Now().Add(5 * time.Second); err != nil && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		_, err = o.Verify(t.Context(), token, "")
	}
	if err != nil {
		t.Errorf("after the pause: %v", err)
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	key := ecKey(t)
	p := newProvider(t, map[string]crypto.Signer{"ec": key})
	p.issuer = "https://sts.example/tenant/"
	config := Provider{Name: "entra", Issuer: p.issuer, Discovery: p.URL, Audiences: []string{"game"}}
	o := NewOIDC(config, nil, time.Now)
	subject, err := o.Verify(t.Context(), sign(t, "ec", key, p.claims()), "")
	if err != nil || subject.Issuer != p.issuer {
		t.Errorf("discovery elsewhere: %v, %v", subject, err)
	}
	_, err = o.Verify(t.Context(), sign(t, "ec", key, with(p.claims(), map[string]any{"iss": p.URL})), "")
	if !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the discovery address as issuer: %v", err)
	}
	config.Issuer, config.Discovery = p.URL, ""
	if _, err = NewOIDC(config, nil, time.Now).Verify(t.Context(), sign(t, "ec", key, p.claims()), ""); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a provider that says it is another: %v", err)
	}
}

func TestDiscoveryIsAskedForOnceAtATimeAndAgainLater(t *testing.T) {
	t.Parallel()
	key := ecKey(t)
	p := newProvider(t, map[string]crypto.Signer{"ec": key})
	var mu sync.Mutex
	now := time.Now()
	o := NewOIDC(Provider{Name: "stand-in", Issuer: p.issuer, Audiences: []string{"game"}, Skew: 3 * time.Hour}, nil, func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	})
	calmed := o.client.Transport.(*calm)
	calmed.pause, calmed.failure = 0, 0
	token := sign(t, "ec", key, p.claims())
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := o.Verify(t.Context(), token, ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := p.ask.Load(); n != 1 {
		t.Errorf("the configuration was asked for %d times at once", n)
	}
	later := func(d time.Duration, down bool, want int32) {
		t.Helper()
		mu.Lock()
		now = now.Add(d)
		mu.Unlock()
		p.down.Store(down)
		if _, err := o.Verify(t.Context(), token, ""); err != nil {
			t.Errorf("after %v: %v", d, err)
		}
		o.settle()
		if n := p.ask.Load(); n != want {
			t.Errorf("after %v: asked %d times, want %d", d, n, want)
		}
	}
	later(discoveryLife-time.Second, false, 1)
	later(time.Second, true, 2) // it does not answer: what is known stays good
	later(time.Second, true, 2)
	later(discoveryRetry, false, 3)
}

// aged is a verifier whose clock the test moves, and the paths at which the provider does not answer.
func (p *provider) aged(t *testing.T) (o *OIDC, age func(time.Duration), down *sync.Map) {
	t.Helper()
	down = &sync.Map{}
	transport := roundTrip(func(r *http.Request) (*http.Response, error) {
		if _, is := down.Load(r.URL.Path); is {
			return nil, errors.New("down")
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	var late atomic.Int64
	o = NewOIDC(Provider{Name: "stand-in", Issuer: p.issuer, Audiences: []string{"game"}, Skew: 10 * time.Hour}, transport, func() time.Time {
		return time.Now().Add(time.Duration(late.Load()))
	})
	calmed := o.client.Transport.(*calm)
	calmed.pause, calmed.failure = 0, 0
	return o, func(d time.Duration) { late.Add(int64(d)) }, down
}

// settle waits until a question that is under way is answered.
func (o *OIDC) settle() {
	o.mu.Lock()
	asking := o.asking
	o.mu.Unlock()
	if asking != nil {
		<-asking
	}
}

func TestKnownKeysOutliveTroubleButNotTheirWithdrawal(t *testing.T) {
	t.Parallel()
	key := ecKey(t)
	p := newProvider(t, map[string]crypto.Signer{"ec": key})
	o, age, down := p.aged(t)
	token := sign(t, "ec", key, p.claims())
	verify := func() error {
		_, err := o.Verify(t.Context(), token, "")
		o.settle()
		return err
	}
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	down.Store("/keys", true)
	age(discoveryLife)
	for range 3 {
		if err := verify(); err != nil {
			t.Errorf("its keys cannot be fetched: %v", err)
		}
	}
	down.Clear()
	p.keys.Store(&map[string]crypto.Signer{"fresh": ecKey(t)})
	age(discoveryRetry)
	_ = verify() // asks, and is not waited for
	if err := verify(); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("its key was withdrawn: %v", err)
	}
}

// Nobody waits for a provider that is known, however slow it is to tell about itself again.
func TestDiscoveryAgainIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	key := ecKey(t)
	p := newProvider(t, map[string]crypto.Signer{"ec": key})
	var slow atomic.Bool
	transport := roundTrip(func(r *http.Request) (*http.Response, error) {
		if slow.Load() {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	var late atomic.Int64
	o := NewOIDC(Provider{Name: "slow", Issuer: p.issuer, Audiences: []string{"game"}, Skew: 3 * time.Hour}, transport, func() time.Time {
		return time.Now().Add(time.Duration(late.Load()))
	})
	o.client.Transport.(*calm).pause = 0
	token := sign(t, "ec", key, p.claims())
	if _, err := o.Verify(t.Context(), token, ""); err != nil {
		t.Fatal(err)
	}
	slow.Store(true)
	late.Store(int64(discoveryLife))
	ctx, cancel := context.WithTimeout(t.Context(), providerTimeout/2)
	defer cancel()
	if _, err := o.Verify(ctx, token, ""); err != nil {
		t.Errorf("err = %v", err)
	}
}

// Who can change answers on their way could give keys of his own.
func TestKeysBehindPlainHTTPAreRefused(t *testing.T) {
	t.Parallel()
	answers := roundTrip(func(*http.Request) (*http.Response, error) {
		recorder := httptest.NewRecorder()
		_, err := recorder.WriteString(`{"issuer":"https://provider.example","jwks_uri":"http://provider.example/keys"}`)
		return recorder.Result(), err
	})
	o := NewOIDC(Provider{Name: "careless", Issuer: "https://provider.example", Audiences: []string{"game"}}, answers, time.Now)
	if _, err := o.Verify(t.Context(), "x.y.z", ""); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "not protected") {
		t.Errorf("err = %v", err)
	}
}

func TestWorkloads(t *testing.T) {
	t.Parallel()
	key := ecKey(t)
	p := newProvider(t, map[string]crypto.Signer{"ec": key})
	w := NewWorkloads(p.trusted(), "oid")
	if id, err := w.ObjectID(t.Context(), sign(t, "ec", key, p.claims())); err != nil || id != "object-1" {
		t.Errorf("%q, %v", id, err)
	}
	for name, changes := range map[string]map[string]any{
		"no object":              {"oid": nil},
		"empty object":           {"oid": ""},
		"object of another type": {"oid": 7},
		"for somebody else":      {"aud": "bank"},
	} {
		if id, err := w.ObjectID(t.Context(), sign(t, "ec", key, with(p.claims(), changes))); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
}

func TestAProviderThatTalksTooMuch(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	endless := roundTrip(func(r *http.Request) (*http.Response, error) {
		response, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			response.Body = http.MaxBytesReader(nil, struct {
				*strings.Reader
				noClose
			}{Reader: strings.NewReader(strings.Repeat(" ", maxDocument+1))}, maxDocument+1)
		}
		return response, err
	})
	o := NewOIDC(Provider{Name: "endless", Issuer: p.issuer, Audiences: []string{"game"}}, endless, time.Now)
	if _, err := o.Verify(t.Context(), "x.y.z", ""); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "more than") {
		t.Errorf("err = %v", err)
	}
}

type noClose struct{}

func (noClose) Close() error { return nil }
