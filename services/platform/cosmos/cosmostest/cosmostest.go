// Package cosmostest gives tests a database of their own: on an emulator in the test's process, or, when COSMOS_ENDPOINT is
// set, on the account or emulator it names (with COSMOS_KEY, COSMOS_CA_FILE and so on, as package cosmos reads them).
package cosmostest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"sync"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
)

// Start gives a client on a fresh database with the containers of specs. The emulator is nil on a real account; a test that
// needs it calls [StartEmulator].
func Start(t testing.TB, specs []cosmos.ContainerSpec, options ...emulatortest.Option) (*cosmos.Client, *emulatortest.Emulator) {
	t.Helper()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		return onAccount(t, specs), nil
	}
	e := emulatortest.Start(t, options...)
	return Open(t, e, freshName(), specs), e
}

// StartEmulator is [Start] for tests that order faults, move the clock or kill: it skips them on a real account, with need
// as the reason ("faults on order").
func StartEmulator(t testing.TB, need string, specs []cosmos.ContainerSpec, options ...emulatortest.Option) (*cosmos.Client, *emulatortest.Emulator) {
	t.Helper()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skipf("needs %s, which only the embedded emulator offers", need)
	}
	return Start(t, specs, options...)
}

// NeedsPrices skips a test that pins request units when it runs on an account: one whose default consistency is strong, as that of
// Microsoft's emulator is, charges each read twice.
func NeedsPrices(t testing.TB) {
	t.Helper()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("needs the prices of reads in a session, which an account may not charge")
	}
}

// shared is the emulator of the whole test binary; it lives in memory and ends with the process.
var shared = sync.OnceValues(func() (*emulator.Emulator, error) { return emulator.New(emulator.Options{}) })

// StartShared is [Start] on one emulator for all tests of the binary, which is cheaper. Such a test must not order faults,
// move the clock or change the emulator in any other way.
func StartShared(t testing.TB, specs []cosmos.ContainerSpec) *cosmos.Client {
	t.Helper()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		return onAccount(t, specs)
	}
	e, err := shared()
	if err != nil {
		t.Fatalf("start emulator: %v", err)
	}
	return Open(t, &emulatortest.Emulator{Emulator: e}, freshName(), specs)
}

// Open gives one more client on a database of an emulator, as another replica of a service has one, with the containers of
// specs.
func Open(t testing.TB, e *emulatortest.Emulator, database string, specs []cosmos.ContainerSpec) *cosmos.Client {
	t.Helper()
	// The SDK keeps what it knows of containers by endpoint, for the whole process: a name of its own for every database.
	endpoint := "https://" + database + ".localhost/"
	cfg := cosmos.Config{Endpoint: endpoint, Key: config.NewSecret(e.Key()), Database: database, Create: true}
	return prepared(t, cfg, cosmos.Options{Transport: e}, specs)
}

func onAccount(t testing.TB, specs []cosmos.ContainerSpec) *cosmos.Client {
	t.Helper()
	cfg, err := config.Load[cosmos.Config](os.Environ())
	if err != nil {
		t.Fatalf("COSMOS_ENDPOINT is set, but the configuration is not usable: %v", err)
	}
	cfg.Create, cfg.Database = true, freshName()
	c := prepared(t, cfg, cosmos.Options{}, specs)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.DropDatabase(ctx); err != nil {
			t.Errorf("the test's database %q stays behind: %v", cfg.Database, err)
		}
	})
	return c
}

func prepared(t testing.TB, cfg cosmos.Config, options cosmos.Options, specs []cosmos.ContainerSpec) *cosmos.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := cosmos.Open(ctx, cfg, options)
	if err != nil {
		t.Fatalf("open %s: %v", cfg.Endpoint, err)
	}
	t.Cleanup(c.Close)
	if err := c.Prepare(ctx, specs); err != nil {
		t.Fatalf("prepare database %q: %v", cfg.Database, err)
	}
	return c
}

func freshName() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, see its documentation
	return "test-" + hex.EncodeToString(random[:])
}
