package profile_test

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"supergame/local/emulator/emulatortest"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/grpcserver/grpcservertest"
	"supergame/services/profile"
)

// TestNotReadyWithoutContainers starts before the infrastructure is there: the service says what is missing instead of ending,
// and becomes ready when it appears.
func TestNotReadyWithoutContainers(t *testing.T) {
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("needs an account without the containers")
	}
	e := emulatortest.Start(t)
	cfg := cosmos.Config{Endpoint: "https://not-ready.localhost/", Key: config.NewSecret(e.Key()), Database: "supergame"}
	client, err := cosmos.Open(t.Context(), cfg, cosmos.Options{Transport: e})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	service, err := profile.New(t.Context(), testConfig(), profile.Deps{Cosmos: client, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := grpcservertest.Start(t, service)
	waitForReady(t, server, func(status int, body string) bool {
		return status == http.StatusServiceUnavailable && strings.Contains(body, `"players"`) && strings.Contains(body, "does not exist")
	})

	specs, err := profile.Containers()
	if err != nil {
		t.Fatal(err)
	}
	cosmostest.Open(t, e, "supergame", specs)
	waitForReady(t, server, func(status int, _ string) bool { return status == http.StatusOK })
}

// waitForReady asks /readyz/profile until the answer is as expected.
func waitForReady(t *testing.T, server *grpcservertest.Server, expected func(status int, body string) bool) {
	t.Helper()
	var status int
	var body []byte
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		response, err := http.Get(server.AdminURL + "/readyz/profile")
		if err != nil {
			continue
		}
		status = response.StatusCode
		body, err = io.ReadAll(response.Body)
		response.Body.Close()
		if err == nil && expected(status, string(body)) {
			return
		}
	}
	t.Fatalf("/readyz/profile last said %d %s", status, body)
}

func TestConfig(t *testing.T) {
	key := "PROFILE_ERASURE_KEY=" + strings.Repeat("A", 43) + "="
	cfg, err := config.Load[profile.Config]([]string{key})
	if err != nil || cfg.EraseLimit < 1 {
		t.Errorf("defaults: %+v, %v", cfg, err)
	}
	for environ, want := range map[string]string{
		"PROFILE_ERASE_LIMIT=0":    "PROFILE_ERASE_LIMIT",
		"PROFILE_ERASURE_KEY=":     "PROFILE_ERASURE_KEY is not set",
		"PROFILE_ERASURE_KEY=###":  "PROFILE_ERASURE_KEY is not base64",
		"PROFILE_ERASURE_KEY=AAAA": "PROFILE_ERASURE_KEY has 3 bytes, not 32",
	} {
		if _, err := config.Load[profile.Config]([]string{key, environ}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", environ, err)
		}
	}
}

func TestNewNeedsAStore(t *testing.T) {
	if _, err := profile.New(t.Context(), testConfig(), profile.Deps{}); err == nil {
		t.Error("no error without a client")
	}
}
