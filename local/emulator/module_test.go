package emulator_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const studioModule = `module studio.example/game

go 1.26.0

require supergame v0.0.0

replace supergame => %ROOT%
`

const studioMain = `package main

import (
	"net/http"

	"supergame/local/emulator"
)

func main() {
	e, err := emulator.New(emulator.Options{})
	if err != nil {
		panic(err)
	}
	defer e.Close()
	var _ interface{ Do(*http.Request) (*http.Response, error) } = e
}
`

// TestAnotherModuleUsesTheEmulator builds and runs a module that imports only this package, by the replace line of the README,
// with nothing but the module cache.
func TestAnotherModuleUsesTheEmulator(t *testing.T) {
	if testing.Short() {
		t.Skip("links a program")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"go.mod": strings.ReplaceAll(studioModule, "%ROOT%", filepath.ToSlash(root)), "go.sum": string(sums), "main.go": studioMain,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "run", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
