// Command conformance runs the emulator tests of the Azure SDK for Go (emulator_*_test.go of azcosmos) against this emulator: on a
// private copy of the SDK from the module cache, because those tests stand inside of its package.
//
//	go run ./local/emulator/conformance            against an emulator of its own on ports 8081 and 8903
//	go run ./local/emulator/conformance -ca FILE   against one that runs there already
//
// It exits with 1 when a test fails or is skipped.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"supergame/local/emulator"
)

const (
	sdkModule      = "github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
	gatewayAddress = "localhost:8081" // both are written into the tests
	computeAddress = "localhost:8903"
)

// trustFile makes the copy trust the emulator's certificate on every system: two of the tests use the default transport.
const trustFile = `package azcosmos

import (
	"crypto/x509"
	"os"
)

func init() {
	ca, err := os.ReadFile(os.Getenv("CONFORMANCE_CA"))
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	x509.SetFallbackRoots(pool)
}
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ca := flag.String("ca", "", "certificate authority (PEM) of an emulator that is running; empty starts one")
	run := flag.String("run", "", "only the tests that match this expression")
	keep := flag.Bool("keep", false, "keep the copy of the SDK")
	flag.Parse()
	err := conform(ctx, *ca, *run, *keep)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func conform(ctx context.Context, ca, only string, keep bool) error {
	dir, err := os.MkdirTemp("", "azcosmos-")
	if err != nil {
		return err
	}
	if keep {
		fmt.Println("copy of the SDK:", dir)
	} else {
		defer func() { _ = os.RemoveAll(dir) }()
	}
	if ca == "" {
		ca = filepath.Join(dir, "emulator-ca.pem")
		e, err := start(ca) //nolint:contextcheck // the listeners live until Close
		if err != nil {
			return err
		}
		defer func() { _ = e.Close() }()
	} else if ca, err = filepath.Abs(ca); err != nil {
		return err
	}
	sdk, err := locate(ctx)
	if err != nil {
		return err
	}
	copied := filepath.Join(dir, "azcosmos")
	if err := copyTree(copied, sdk); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(copied, "conformance_trust_test.go"), []byte(trustFile), 0o600); err != nil {
		return err
	}
	names, err := testNames(copied, only)
	if err != nil {
		return err
	}
	return test(ctx, copied, ca, names)
}

func start(ca string) (*emulator.Emulator, error) {
	e, err := emulator.New(emulator.Options{Consistency: "Strong"})
	if err != nil {
		return nil, err
	}
	pem, err := e.CACertificate()
	if err == nil {
		err = os.WriteFile(ca, pem, 0o600)
	}
	if err == nil {
		_, err = e.ListenTLS(gatewayAddress)
	}
	if err == nil {
		_, err = e.ListenCompute(computeAddress)
	}
	if err != nil {
		_ = e.Close()
		return nil, fmt.Errorf("start an emulator on %s and %s: %w", gatewayAddress, computeAddress, err)
	}
	return e, nil
}

// locate finds the SDK where go.mod has it.
func locate(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", sdkModule).Output()
	if err != nil {
		return "", fmt.Errorf("find %s in the module cache (run this inside of the module): %w", sdkModule, err)
	}
	return strings.TrimSpace(string(out)), nil
}

func copyTree(dst, src string) error {
	return filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(dst, rel), 0o755)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dst, rel), b, 0o600) // the module cache is read-only, go.mod must not be
	})
}

var testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// testNames lists the tests that need an emulator.
func testNames(dir, only string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "emulator_*test.go"))
	if err != nil {
		return nil, err
	}
	match, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
			if match.MatchString(m[1]) {
				names = append(names, m[1])
			}
		}
	}
	if len(names) == 0 {
		return nil, errors.New("the SDK has no such emulator tests")
	}
	slices.Sort(names)
	return names, nil
}

var verdict = regexp.MustCompile(`(?m)^--- (PASS|FAIL|SKIP): (Test\w+)`)

// test runs the tests and counts.
func test(ctx context.Context, dir, ca string, names []string) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-v", "-run", "^("+strings.Join(names, "|")+")$", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "EMULATOR=true", "GOWORK=off", "GOFLAGS=-mod=mod", "CONFORMANCE_CA="+ca, "GODEBUG=x509usefallbackroots=1")
	out, runErr := cmd.CombinedOutput()
	fmt.Print(string(out))
	count := map[string]int{}
	seen := map[string]bool{}
	var bad []string
	for _, m := range verdict.FindAllStringSubmatch(string(out), -1) {
		count[m[1]]++
		seen[m[2]] = true
		if m[1] != "PASS" {
			bad = append(bad, m[2])
		}
	}
	for _, name := range names {
		if !seen[name] {
			bad = append(bad, name+" (did not run)")
		}
	}
	fmt.Printf("\nemulator tests of the SDK: %d of %d pass, %d fail, %d skipped\n", count["PASS"], len(names), count["FAIL"], count["SKIP"])
	if len(bad) > 0 {
		return fmt.Errorf("not passed: %s", strings.Join(bad, ", "))
	}
	return runErr
}
