package profile_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth/authtest"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/grpcserver/grpcservertest"
	"supergame/services/profile"
)

const (
	ada     = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	bob     = "01BX5ZZKBKACTAV9WEVGEMMVRZ"
	nobody  = "01D78XZ44G0000000000000000"
	someOps = "ops@example.com"
)

// world is the service as a client finds it: behind the server's whole chain, on a store of its own.
type world struct {
	*grpcservertest.Server
	authority *authtest.Authority
}

// start serves on a database of its own.
func start(t testing.TB) *world {
	t.Helper()
	specs, err := profile.Containers()
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, cosmostest.StartShared(t, specs))
}

// startOnWire serves on an emulator of its own, and notes what the service sends to it.
func startOnWire(t testing.TB, options ...emulatortest.Option) (*world, *wire, *emulatortest.Emulator) {
	t.Helper()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("needs an emulator in the process: it looks at requests, or orders faults")
	}
	e := emulatortest.Start(t, options...)
	w := &wire{next: e}
	cfg := cosmos.Config{
		Endpoint: "https://" + strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name())) + ".localhost/",
		Key:      config.NewSecret(e.Key()), Database: "supergame", Create: true,
	}
	client, err := cosmos.Open(t.Context(), cfg, cosmos.Options{Transport: w})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return serve(t, client), w, e
}

// testConfig is a configuration that works.
func testConfig() profile.Config {
	return profile.Config{EraseLimit: 2000, ErasureKey: config.NewSecret(base64.StdEncoding.EncodeToString(make([]byte, 32)))}
}

// loadConfig reads a configuration from an environment that has a key.
func loadConfig(environ []string) (profile.Config, error) {
	return config.Load[profile.Config](append([]string{"PROFILE_ERASURE_KEY=" + testConfig().ErasureKey.Reveal()}, environ...))
}

// inOneSecond stops the store's clock: _ts is indexed, so a replace in a later second than the write before costs 0.8 RU more.
func inOneSecond() emulatortest.Option {
	return emulatortest.WithClock(emulator.NewFrozenClock(time.Now()))
}

func serve(t testing.TB, client *cosmos.Client) *world {
	t.Helper()
	var server *grpcservertest.Server
	service, err := profile.New(t.Context(), testConfig(), profile.Deps{
		Cosmos: client, Logger: slog.New(slog.DiscardHandler),
		Erased: func(playerID string) bool { return server.Authority.Verifier().Erased(playerID) },
	})
	if err != nil {
		t.Fatal(err)
	}
	server = grpcservertest.Start(t, service)
	for end := time.Now().Add(30 * time.Second); service.Ready() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not ready: %v", service.Ready())
		}
	}
	return &world{Server: server, authority: server.Authority}
}

func (w *world) profiles(t testing.TB, token string) profilev1.ProfileServiceClient {
	return profilev1.NewProfileServiceClient(w.Dial(t, token))
}

func (w *world) playerData(t testing.TB, token string) profilev1.PlayerDataServiceClient {
	return profilev1.NewPlayerDataServiceClient(w.Dial(t, token))
}

// join makes players exist, as identity does at their first sign-in.
func (w *world) join(t testing.TB, playerIDs ...string) {
	t.Helper()
	identity := w.profiles(t, w.authority.Service("identity"))
	for _, id := range playerIDs {
		r, err := identity.EnsureProfile(session(t), &profilev1.EnsureProfileRequest{PlayerId: id})
		if err != nil || !r.GetCreated() {
			t.Fatalf("ensure %s: %v, %v", id, r, err)
		}
	}
}

// session is the context of a client that carries its session from call to call.
func session(t testing.TB) context.Context {
	return cosmos.WithSession(t.Context(), &cosmos.Session{})
}

// update builds a request.
func update(p *profilev1.Profile, paths ...string) *profilev1.UpdateProfileRequest {
	return &profilev1.UpdateProfileRequest{Profile: p, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}}
}

// wire notes the requests for documents on their way to the store, but for those of the chores, which come when they like: beats of their
// lease, and scans at low priority.
type wire struct {
	next interface {
		Do(*http.Request) (*http.Response, error)
	}

	mu       sync.Mutex
	requests []request
}

type request struct {
	method    string
	container string
	header    http.Header
	body      []byte
}

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	_, within, _ := strings.Cut(r.URL.Path, "/colls/")
	container, _, documents := strings.Cut(within, "/docs")
	if documents && !ofChores(r) {
		var body []byte
		if r.Body != nil {
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		w.mu.Lock()
		w.requests = append(w.requests, request{r.Method, container, r.Header.Clone(), body})
		w.mu.Unlock()
	}
	return w.next.Do(r)
}

// ofChores reports whether a request is not part of a call: the leases, the scans of the chores, and the change feed.
func ofChores(r *http.Request) bool {
	return strings.Contains(r.URL.Path, "/colls/profile-leases/") || r.Header.Get("x-ms-cosmos-priority-level") == "Low" ||
		r.Header.Get("A-IM") != ""
}

// take returns what was sent since the last time.
func (w *wire) take() []request {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.requests
	w.requests = nil
	return taken
}

// operation is one operation of a batch on the wire.
type operation struct {
	Type     string         `json:"operationType"`
	ID       string         `json:"id"`
	Resource map[string]any `json:"resourceBody"`
}

// batch returns the operations of a batch request; nil for any other request.
func (r request) batch(t testing.TB) []operation {
	t.Helper()
	if !strings.EqualFold(r.header.Get("x-ms-cosmos-is-batch-request"), "true") {
		return nil
	}
	var operations []operation
	if err := json.Unmarshal(r.body, &operations); err != nil {
		t.Fatalf("a batch is not JSON: %v", err)
	}
	return operations
}

// withMetadata is a context whose calls carry this metadata.
func withMetadata(t testing.TB, pairs ...string) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), pairs...)
}

// createsAlone reports whether a request creates a document, or may, by itself.
func (r request) createsAlone() bool {
	isQuery := strings.Contains(r.header.Get("Content-Type"), "query")
	isBatch := strings.EqualFold(r.header.Get("x-ms-cosmos-is-batch-request"), "true")
	return r.method == http.MethodPost && !isQuery && !isBatch
}

// id is the id of the document that an operation is about.
func (o operation) id() string {
	if id, ok := o.Resource["id"].(string); ok {
		return id
	}
	return o.ID
}
