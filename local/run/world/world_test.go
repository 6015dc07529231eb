package world_test

import (
	"os"
	"path/filepath"
	"testing"

	"supergame/local/emulator"
	"supergame/local/run/world"
	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/platform/grpcclient"
)

// TestTheStoreOfTheEnvironmentIsUsed runs the world on an endpoint that is not its own, over HTTPS with a certificate authority
// from a file, as on an account or on another emulator.
func TestTheStoreOfTheEnvironmentIsUsed(t *testing.T) {
	elsewhere, err := emulator.New(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = elsewhere.Close() })
	if _, err := elsewhere.ListenTLS("localhost:0"); err != nil {
		t.Fatal(err)
	}
	pem, err := elsewhere.CACertificate()
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem, 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{
		"COSMOS_ENDPOINT=" + elsewhere.Endpoint(), "COSMOS_KEY=" + elsewhere.Key(), "COSMOS_CA_FILE=" + ca, "COSMOS_DATABASE=elsewhere",
	}

	data := filepath.Join(t.TempDir(), "data")
	first := signIn(t, start(t, data, environ))
	if again := signIn(t, start(t, data, environ)); again != first {
		t.Errorf("a second world on the same store found player %s, want %s", again, first)
	}
	if other := signIn(t, start(t, data, []string{})); other == first {
		t.Error("a world without COSMOS_ENDPOINT found the player of another store")
	}
}

// start starts a world with its data folder, whose keys open what an earlier world of the test stored.
func start(t *testing.T, data string, environ []string) *world.World {
	t.Helper()
	w, err := world.Start(t.Context(), world.Options{
		GRPC: "127.0.0.1:0", Admin: "127.0.0.1:0", Cosmos: "localhost:0", Data: data, Environ: environ,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func signIn(t *testing.T, w *world.World) string {
	t.Helper()
	conn, err := grpcclient.Dial("http://"+w.GRPC, grpcclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer, err := identityv1.NewIdentityServiceClient(conn).SignIn(t.Context(), &identityv1.SignInRequest{
		Credential: &identityv1.SignInRequest_Device{Device: &identityv1.DeviceCredential{DeviceId: "a-device-of-the-tests"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetPlayerId()
}
