package cosmosstore

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/profile/internal/profile"
)

// dataDirVariable makes this test binary an emulator on a folder, for the test that kills it.
const dataDirVariable = "PROFILE_TEST_EMULATOR_DATA"

func TestMain(m *testing.M) {
	if dir := os.Getenv(dataDirVariable); dir != "" {
		if err := emulate(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// emulate serves the folder until the process is killed.
func emulate(dir string) error {
	e, err := emulator.New(emulator.Options{DataDir: dir})
	if err != nil {
		return err
	}
	addr, err := e.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(addr)
	select {}
}

// startKillable starts an emulator in a process of its own, and gives a store on it.
func startKillable(t *testing.T, dir string) (*Store, *exec.Cmd) {
	t.Helper()
	client, command := startKillableClient(t, dir)
	return New(client), command
}

// startKillableClient is startKillable for any store.
func startKillableClient(t *testing.T, dir string) (*cosmos.Client, *exec.Cmd) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), dataDirVariable+"="+dir)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may be dead already
		_ = command.Wait()
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the emulator did not start: %v", err)
	}
	client, err := cosmos.Open(t.Context(), cosmos.Config{
		Endpoint: "http://" + strings.TrimSpace(addr), Key: config.NewSecret(emulator.WellKnownKey), Database: "supergame", Create: true,
	}, cosmos.Options{CallTimeout: 10 * time.Second, Patience: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if err := client.Prepare(t.Context(), specs(t)); err != nil {
		t.Fatal(err)
	}
	return client, command
}

// TestKill ends the store's process in the middle of updates of both parts: what was acknowledged is there afterwards, and no
// update is half there.
func TestKill(t *testing.T) {
	t.Parallel()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("kills the store, which only the embedded emulator lets one do")
	}
	dir := t.TempDir()
	s, process := startKillable(t, dir)
	mustCreate(newSession(t), t, s, ada)
	var acknowledged int
	ctx, cancel := context.WithTimeout(newSession(t), 10*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			if _, err := s.Update(ctx, edits["both"], mark(edits["both"], "a")); err != nil {
				return
			}
			acknowledged++
			if acknowledged == 40 {
				_ = process.Process.Kill() // while the next update is on its way
			}
		}
	})
	wg.Wait()
	_ = process.Process.Kill() // also when an update has failed before: on a busy machine
	_ = process.Wait()         // killed: it has an error

	s, _ = startKillable(t, dir)
	got, err := s.GetFull(newSession(t), ada)
	if err != nil {
		t.Fatal(err)
	}
	name, setting := traces(got)[0], traces(got)[1]
	if name != setting {
		t.Errorf("half an update: the name has %d traces, the settings have %d", len(name), len(setting))
	}
	if n := len(name); n < acknowledged || n > acknowledged+1 {
		t.Errorf("%d updates are there, %d were acknowledged", n, acknowledged)
	}
	edit := profile.Edit{PlayerID: ada, Touches: profile.Parts{Public: true}}
	if _, err := s.Update(newSession(t), edit, mark(edit, "z")); err != nil {
		t.Errorf("an update after the restart: %v", err)
	}
}
