package profile_test

import (
	"testing"

	"supergame/local/emulator/emulatortest"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
)

// walletStore is a way to the documents behind the service of startOnWire.
func walletStore(t testing.TB, e *emulatortest.Emulator) *cosmos.Client {
	t.Helper()
	client, err := cosmos.Open(t.Context(), cosmos.Config{
		Endpoint: "https://behind.localhost/", Key: config.NewSecret(e.Key()), Database: "supergame",
	}, cosmos.Options{Transport: e})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}
