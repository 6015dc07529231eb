package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"supergame/local/emulator"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/grpcclient"
)

// TestEveryServiceAlone runs the emulator and each service from its own main, configured by the environment only, as in a
// deployment: over HTTPS to the store, over HTTP/2 to one another. Each is killed and started again in between.
func TestEveryServiceAlone(t *testing.T) {
	if os.Getenv("LONG") == "" {
		t.Skip("links four programs, which takes a while: set LONG=1")
	}
	d := deploy(t)
	first := signIn(t, d.identity.grpc)
	first.profiles = d.profiles(t)
	first.rename(t, "Ada")

	d.emulator.kill()
	d.identity.kill()
	d.profile.kill()
	d.leaderboard.kill()
	d.start(t)
	again := signIn(t, d.identity.grpc)
	again.profiles = d.profiles(t)
	if name := again.name(t); again.id != first.id || name != "Ada" {
		t.Errorf("found player %s called %q, want %s called Ada", again.id, name, first.id)
	}
}

// deployment is four programs on addresses of their own.
type deployment struct {
	bin, data string
	environ   map[string][]string // by program, besides the addresses

	emulator, identity, profile, leaderboard *program
}

func deploy(t *testing.T) *deployment {
	d := &deployment{bin: t.TempDir(), data: t.TempDir()}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", d.bin+string(filepath.Separator),
		"supergame/local/emulator/cmd/cosmos-emulator", "supergame/services/identity/cmd/identity", "supergame/services/profile/cmd/profile",
		"supergame/services/leaderboard/cmd/leaderboard")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the programs: %v\n%s", err, out)
	}
	d.emulator = &program{grpc: freeAddr(t)}
	d.identity = &program{grpc: freeAddr(t), admin: freeAddr(t)}
	d.profile = &program{grpc: freeAddr(t), admin: freeAddr(t)}
	d.leaderboard = &program{grpc: freeAddr(t), admin: freeAddr(t)}
	const key = "a key of 32 characters, as it is"
	hash := sha256.Sum256([]byte(key))
	store := []string{
		"COSMOS_ENDPOINT=https://" + d.emulator.grpc, "COSMOS_KEY=" + emulator.WellKnownKey,
		"COSMOS_CA_FILE=" + filepath.Join(d.data, "ca.pem"), "COSMOS_CREATE=true", "LOG_LEVEL=error",
	}
	d.environ = map[string][]string{
		"identity": append([]string{
			"IDENTITY_SEALING_KEY=" + key32('s'), "IDENTITY_REFRESH_KEY=" + key32('r'), "IDENTITY_ERASURE_KEY=" + key32('e'),
			"PROFILE_ENDPOINT=http://" + d.profile.grpc,
			fmt.Sprintf(`IDENTITY_CLIENTS=[{"name":"profile","role":"service","keySha256":%[1]q},{"name":"leaderboard","role":"service","keySha256":%[1]q}]`,
				hex.EncodeToString(hash[:])),
		}, store...),
		"profile": append([]string{"IDENTITY_ENDPOINT=http://" + d.identity.grpc, "PROFILE_CLIENT_KEY=" + key, "PROFILE_ERASURE_KEY=" + key32('p')}, store...),
		"leaderboard": append([]string{
			"IDENTITY_ENDPOINT=http://" + d.identity.grpc, "PROFILE_ENDPOINT=http://" + d.profile.grpc, "LEADERBOARD_CLIENT_KEY=" + key,
			"LEADERBOARD_TIE_KEY=" + key32('t'),
		}, store...),
	}
	d.start(t)
	return d
}

// key32 is a key for the tests: 32 bytes of one letter, in base64.
func key32(letter byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{letter}, 32))
}

// start starts all four and waits until the services are ready.
func (d *deployment) start(t *testing.T) {
	ca := filepath.Join(d.data, "ca.pem")
	_ = os.Remove(ca) // that of an emulator before this one
	d.run(t, d.emulator, "cosmos-emulator", "-https", d.emulator.grpc, "-data", filepath.Join(d.data, "cosmos"), "-ca", ca)
	awaitFile(t, ca)
	d.run(t, d.identity, "identity")
	d.run(t, d.profile, "profile")
	d.run(t, d.leaderboard, "leaderboard")
	awaitReady(t, d.identity)
	awaitReady(t, d.profile)
	awaitReady(t, d.leaderboard)
}

func (d *deployment) run(t *testing.T, p *program, name string, args ...string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(d.bin, name), args...)
	p.cmd.Env = append(os.Environ(), d.environ[name]...)
	p.cmd.Env = append(p.cmd.Env, "GRPC_ADDR="+p.grpc, "ADMIN_ADDR="+p.admin)
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
}

// profiles is a connection to the profile service, which has a door of its own here.
func (d *deployment) profiles(t *testing.T) profilev1.ProfileServiceClient {
	conn, err := grpcclient.Dial("http://"+d.profile.grpc, grpcclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return profilev1.NewProfileServiceClient(conn)
}

// freeAddr is an address that nobody listened on a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "localhost:" + port
}

func awaitFile(t *testing.T, path string) {
	t.Helper()
	await(t, path, func() error {
		_, err := os.Stat(path)
		return err
	})
}

func awaitReady(t *testing.T, p *program) {
	t.Helper()
	await(t, p.admin, func() error {
		response, err := http.Get("http://" + p.admin + "/readyz")
		if err != nil {
			return err
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz: %s", response.Status)
		}
		return nil
	})
}

func await(t *testing.T, what string, look func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = look(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}
