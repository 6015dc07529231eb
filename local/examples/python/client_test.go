// Package python_test runs the example as a reader would.
package python_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"supergame/local/run/world"
)

// python returns the interpreter to use, or skips the test where it cannot run the example.
func python(t *testing.T) string {
	t.Helper()
	name := os.Getenv("PYTHON")
	if name == "" {
		name = "python3"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("needs Python 3: %v", err)
	}
	if out, err := exec.CommandContext(t.Context(), path, "-c", "import grpc, grpc_tools").CombinedOutput(); err != nil {
		t.Skipf("needs pip install grpcio grpcio-tools: %s", lastLine(out))
	}
	return path
}

func TestClient(t *testing.T) {
	interpreter := python(t)
	w, err := world.Start(t.Context(), world.Options{GRPC: "127.0.0.1:0", Admin: "127.0.0.1:0", Cosmos: "localhost:0", Environ: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
	})
	device := filepath.Join(t.TempDir(), "device")
	first := runClient(t, interpreter, "--address", w.GRPC, "--name", "  Ada   Lovelace ", "--device-file", device)
	second := runClient(t, interpreter, "--address", w.GRPC, "--name", "Countess", "--device-file", device)

	if !strings.Contains(first, "A new player") || !strings.Contains(second, "Welcome back") {
		t.Errorf("the player is not found again:\n%s\n%s", first, second)
	}
	ulid := regexp.MustCompile(`[0-7][0-9A-HJKMNP-TV-Z]{25}`)
	if a, b := ulid.FindString(first), ulid.FindString(second); a == "" || a != b {
		t.Errorf("the players are %q and %q", a, b)
	}
	for text, parts := range map[string][]string{
		first:  {"Name '', settings {}", "Name 'Ada Lovelace', settings {'starts': '1'}", "ABORTED"},
		second: {"Name 'Ada Lovelace', settings {'starts': '1'}", "Name 'Countess', settings {'starts': '2'}", "ABORTED"},
	} {
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("the client does not say %q:\n%s", part, text)
			}
		}
	}
}

func TestClientWithoutServices(t *testing.T) {
	interpreter := python(t)
	command := exec.CommandContext(t.Context(), interpreter, "client.py", "--address", "127.0.0.1:1", "--device-file", filepath.Join(t.TempDir(), "device"))
	out, err := command.CombinedOutput()
	if err == nil || !strings.HasPrefix(lastLine(out), "UNAVAILABLE: ") {
		t.Errorf("%v: %s", err, out)
	}
}

func runClient(t *testing.T, interpreter string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, interpreter, append([]string{"client.py"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
