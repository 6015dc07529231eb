package identity_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/identity/internal/signing"
	"supergame/services/platform/auth"
	"supergame/services/platform/config"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcclient"
)

// kids are the key ids that a replica publishes.
func (r *replica) kids() map[string]time.Time {
	r.t.Helper()
	response, err := r.GetKeys(r.t.Context(), &identityv1.GetKeysRequest{})
	if err != nil {
		r.t.Fatal(err)
	}
	kids := map[string]time.Time{}
	for _, k := range response.GetKeys() {
		if key, err := auth.ParseJWK([]byte(k.GetJwk())); err != nil || key.ID != k.GetKid() {
			r.t.Errorf("key %s: %v", k.GetJwk(), err)
		}
		kids[k.GetKid()] = k.GetExpireTime().AsTime()
	}
	return kids
}

func kidOf(t testing.TB, access string) string {
	t.Helper()
	header, _, _ := strings.Cut(access, ".")
	var h struct{ Alg, Kid string }
	text, err := decodeBase64(header)
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	if err != nil || h.Alg != "ES256" {
		t.Fatalf("header %s: %v", text, err)
	}
	return h.Kid
}

// A key is replaced without a restart: the next one is published a day before, and tokens of the old one stay good.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.KeyPeriod = 2 * signing.Lead
	a, b := w.replica(), w.replica()
	if ka, kb := a.kids(), b.kids(); len(ka) == 0 || len(ka) > 2 || len(kb) == 0 {
		t.Fatalf("keys %v and %v", ka, kb)
	}
	session := a.signIn(secret()).GetSession()
	used := map[string]bool{kidOf(t, session.GetAccessToken()): true}
	for range 8 {
		before := b.kids()
		w.clock.Advance(signing.Lead / 2)
		// Each asks for itself, as its loop does every minute; then both know the same.
		a.kids()
		b.kids()
		if len(a.kids()) != len(b.kids()) {
			t.Errorf("replicas publish %v and %v", a.kids(), b.kids())
		}
		next, err := a.refresh(session.GetRefreshToken())
		if err != nil {
			t.Fatal(err)
		}
		kid := kidOf(t, next.GetSession().GetAccessToken())
		if _, published := before[kid]; !published {
			t.Errorf("%s signs and was not published half a day before", kid)
		}
		if _, err := b.whoAmI(next.GetSession().GetAccessToken()); err != nil {
			t.Errorf("another replica refuses the token: %v", err)
		}
		used[kid] = true
		session = next.GetSession()
	}
	if len(used) < 2 || len(used) > 4 {
		t.Errorf("%d keys in four days", len(used))
	}
}

func TestReplicasThatStartAtOnceAgreeOnAKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	replicas := make([]*replica, 4)
	done := make(chan int)
	for i := range replicas {
		go func() { replicas[i] = w.replica(); done <- i }()
	}
	for range replicas {
		<-done
	}
	access := replicas[0].signIn(secret()).GetSession().GetAccessToken()
	for _, r := range replicas {
		if _, err := r.whoAmI(access); err != nil {
			t.Error(err)
		}
	}
}

func TestJWKS(t *testing.T) {
	t.Parallel()
	r := newWorld(t).replica()
	handler := r.service.AdminHandlers()["GET /.well-known/jwks.json"]
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil))
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), &set); err != nil || recorder.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", recorder.Code, recorder.Body, err)
	}
	kids := r.kids()
	if len(set.Keys) != len(kids) || recorder.Header().Get("Cache-Control") == "" {
		t.Errorf("%d keys, %v", len(set.Keys), recorder.Header())
	}
	for _, k := range set.Keys {
		if _, known := kids[k["kid"]]; !known || k["kty"] != "EC" || k["crv"] != "P-256" || k["alg"] != "ES256" || k["use"] != "sig" || k["d"] != "" {
			t.Errorf("key %v", k)
		}
	}
}

// start builds a service on the world that nobody serves.
func (w *world) start(cfg identity.Config) (*identity.Service, error) {
	deps := w.deps
	deps.Cosmos = w.client
	deps.DialProfile = func(grpcclient.TokenSource) (grpc.ClientConnInterface, error) { return (*grpc.ClientConn)(nil), nil }
	return identity.New(context.Background(), cfg, deps)
}

func TestAWrongSealingKeyEndsTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	access := w.replica().signIn(secret()).GetSession().GetAccessToken()
	cfg := w.cfg
	cfg.SealingKey = randomKey()
	service, err := w.start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := service.Run(ctx); err == nil || !strings.Contains(err.Error(), "IDENTITY_SEALING_KEY") {
		t.Errorf("Run ended with %v", err)
	}
	if service.Ready() == nil {
		t.Error("it says that it is ready")
	}
	w.cfg.SealingKey, w.cfg.SealingKeyBefore = cfg.SealingKey, w.cfg.SealingKey
	if _, err := w.replica().whoAmI(access); err != nil {
		t.Errorf("with the key before: %v", err)
	}
	if n := w.stored(cosmosstore.SigningKeys); n > 2 {
		t.Errorf("%d signing keys", n)
	}
}

func TestNotReadyWithoutContainers(t *testing.T) {
	t.Parallel()
	w := newFaultyWorld(t)
	w.emulator.Inject(refusal("metadata", cosmosstore.Revocations, false))
	service, err := w.start(w.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Ready(); !fault.Is(err, fault.Unavailable) {
		t.Errorf("before Run: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- service.Run(ctx) }()
	eventually(t, "readiness behind the trouble", func() bool { return service.Ready() == nil })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	key := "IDENTITY_SEALING_KEY=" + strings.Repeat("A", 43) + "="
	refresh := "IDENTITY_REFRESH_KEY=" + strings.Repeat("_", 42) + "8"
	good := []string{
		key, refresh, "IDENTITY_ERASURE_KEY=" + strings.Repeat("A", 43),
		`IDENTITY_OIDC=[{"name":"entra","issuer":"https://issuer.example/v2.0","audiences":["game"],"skewSeconds":30}]`,
		`IDENTITY_WORKLOADS={"issuer":"https://sts.example/tenant/","discovery":"https://login.example/tenant","audiences":["api://identity"]}`,
		`IDENTITY_CLIENTS=[{"name":"profile","role":"service","objectId":"o-1"},{"name":"arena","role":"game-server","keySha256":"` + strings.Repeat("ab", 32) + `"}]`,
	}
	cfg, err := config.Load[identity.Config](good)
	if err != nil {
		t.Fatal(err)
	}
	if !cfg.Device || cfg.AccessTokenLife != 30*time.Minute || len(cfg.Providers) != 1 || len(cfg.Clients) != 2 || cfg.Workloads.Issuer.Issuer == "" {
		t.Errorf("%+v", cfg)
	}
	for bad, says := range map[string]string{
		"IDENTITY_SEALING_KEY=":                     "IDENTITY_SEALING_KEY is not set",
		"IDENTITY_SEALING_KEY=###":                  "IDENTITY_SEALING_KEY is not base64",
		"IDENTITY_SEALING_KEY=AAAA":                 "IDENTITY_SEALING_KEY has 3 bytes, not 32",
		"IDENTITY_SEALING_KEY_BEFORE=AAAA":          "IDENTITY_SEALING_KEY_BEFORE has 3 bytes",
		"IDENTITY_REFRESH_KEY=AAAA":                 "IDENTITY_REFRESH_KEY has 3 bytes",
		"IDENTITY_ERASURE_KEY=":                     "IDENTITY_ERASURE_KEY is not set",
		"IDENTITY_ERASURE_KEY=AAAA":                 "IDENTITY_ERASURE_KEY has 3 bytes",
		"IDENTITY_ACCESS_TOKEN_LIFE=61m":            "IDENTITY_ACCESS_TOKEN_LIFE is 1h1m0s, not between",
		"IDENTITY_ACCESS_TOKEN_LIFE=14m":            "IDENTITY_ACCESS_TOKEN_LIFE",
		"IDENTITY_REFRESH_TOKEN_LIFE=1m":            "IDENTITY_REFRESH_TOKEN_LIFE",
		"IDENTITY_KEY_PERIOD=24h":                   "IDENTITY_KEY_PERIOD",
		"IDENTITY_OIDC={}":                          "IDENTITY_OIDC cannot be understood",
		`IDENTITY_OIDC=[{"nam":"x"}]`:               `unknown field "nam"`,
		`IDENTITY_OIDC=[] []`:                       "something follows",
		`IDENTITY_OIDC=[{"name":"A"}]`:              `name "A" does not match`,
		`IDENTITY_OIDC=[{"name":"a","issuer":"x"}]`: `issuer "x" is not an https address`,
		`IDENTITY_OIDC=[{"name":"a","issuer":"http://x.example","audiences":["g"]}]`:                                                              "is not an https address",
		`IDENTITY_OIDC=[{"name":"a","issuer":"https://x.example"}]`:                                                                               "audiences is empty",
		`IDENTITY_OIDC=[{"name":"a","issuer":"https://x.example","audiences":[""]}]`:                                                              "an audience is empty",
		`IDENTITY_OIDC=[{"name":"a","issuer":"https://x.example","audiences":["g"],"skewSeconds":601}]`:                                           "skewSeconds is 601",
		`IDENTITY_OIDC=[{"name":"a","issuer":"https://x.example","audiences":["g"]},{"name":"a","issuer":"https://y.example","audiences":["g"]}]`: `name "a" stands there twice`,
		`IDENTITY_OIDC=[{"name":"a","issuer":"https://x.example","audiences":["g"]},{"name":"b","issuer":"https://x.example","audiences":["g"]}]`: "would be the same",
		`IDENTITY_WORKLOADS={"issuer":"https://x.example"}`:                                                                                       "IDENTITY_WORKLOADS audiences is empty",
		`IDENTITY_WORKLOADS={"audiences":["api://identity"]}`:                                                                                     `IDENTITY_WORKLOADS issuer "" is not`,
		`IDENTITY_CLIENTS=[{"name":"a","role":"player","objectId":"o"}]`:                                                                          `role "player" is not`,
		`IDENTITY_CLIENTS=[{"name":"a","role":"service"}]`:                                                                                        "could not sign in",
		`IDENTITY_CLIENTS=[{"name":"a","role":"service","keySha256":"abc"}]`:                                                                      "64 hexadecimal digits",
		`IDENTITY_CLIENTS=[{"name":"a","role":"service","objectId":"o"},{"name":"a","role":"service","objectId":"p"}]`:                            "stands there twice",
		`IDENTITY_CLIENTS=[{"name":"a","role":"service","objectId":"o"},{"name":"b","role":"service","objectId":"o"}]`:                            "that of another client",
		`IDENTITY_CLIENTS=[{"name":"A/b","role":"service","objectId":"o"}]`:                                                                       "does not match",
	} {
		_, err := config.Load[identity.Config](append(append([]string{}, good...), bad))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want it to say %q", bad, err, says)
		}
	}
}
