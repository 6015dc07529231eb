package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"supergame/local/run/world"
)

// TestMain takes the embedded emulator, whatever account the other tests run against: this is about the local run.
func TestMain(m *testing.M) {
	_ = os.Unsetenv("COSMOS_ENDPOINT")
	os.Exit(m.Run())
}

// startWorld starts the kit on free ports, and returns it with its data folder.
func startWorld(t *testing.T) (w *world.World, data string) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "data")
	w, err := world.Start(t.Context(), world.Options{GRPC: "127.0.0.1:0", Admin: "127.0.0.1:0", Cosmos: "localhost:0", Data: data})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
	})
	return w, data
}

// ctl runs one command line and gives what it printed.
func ctl(t *testing.T, args ...string) (out, notes string, err error) {
	t.Helper()
	var o, n bytes.Buffer
	err = run(t.Context(), args, &o, &n)
	return o.String(), n.String(), err
}

func TestTokensOfEveryRole(t *testing.T) {
	w, data := startWorld(t)
	for _, role := range []string{"player", "game-server", "operator"} {
		out, notes, err := ctl(t, "token", "-role", role, "-grpc", w.GRPC, "-data", data)
		if err != nil {
			t.Errorf("%s: %v", role, err)
		}
		if strings.Count(out, ".") != 2 || strings.Count(out, "\n") != 1 || !strings.Contains(notes, "valid until") {
			t.Errorf("%s: printed %q and %q, want one JWT", role, out, notes)
		}
	}
}

func TestQueryPrintsRowsAndTheirCharge(t *testing.T) {
	w, data := startWorld(t)
	if _, _, err := ctl(t, "token", "-grpc", w.GRPC); err != nil {
		t.Fatal(err)
	}
	where := []string{"-cosmos", w.Cosmos, "-data", data}
	out, notes, err := ctl(t, append(append([]string{"query"}, where...), "SELECT VALUE c.type FROM c")...)
	if err != nil {
		t.Fatal(err)
	}
	if out != "\"live\"\n\"profile\"\n\"private\"\n" || !strings.HasPrefix(notes, "3 rows, ") || !strings.HasSuffix(notes, " RU\n") {
		t.Errorf("printed %q and %q", out, notes)
	}
	_, _, err = ctl(t, append(append([]string{"query"}, where...), "SELECT nonsense FROM")...)
	if err == nil || !strings.Contains(err.Error(), "players") {
		t.Errorf("a query that cannot be parsed: %v", err)
	}
	_, _, err = ctl(t, append(append([]string{"query", "-container", "nowhere"}, where...), "SELECT * FROM c")...)
	if err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a container that is not there: %v", err)
	}
}

func TestMistakesAreToldWithAWayOut(t *testing.T) {
	for want, args := range map[string][]string{
		"no command":        {},
		`no command "tokn"`: {"tokn"},
		`no role "king"`:    {"token", "-role", "king"},
		"start `make run`":  {"query", "-data", t.TempDir(), "SELECT * FROM c"},
		"takes 1 argument":  {"query"},
		"takes 0 argument":  {"token", "player"},
	} {
		_, _, err := ctl(t, args...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", args, err, want)
		}
	}
}
