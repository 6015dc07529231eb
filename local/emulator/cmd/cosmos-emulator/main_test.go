package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/local/emulator"
)

// TestMain lets the test binary be the command, so that a test can kill it.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_COSMOS_EMULATOR") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is a running command.
type process struct {
	cmd      *exec.Cmd
	endpoint string
}

func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "RUN_COSMOS_EMULATOR=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "endpoint"); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return &process{cmd, strings.TrimSpace(rest)}
		}
	}
	t.Fatalf("%v ended without an endpoint: %v", args, lines.Err())
	return nil
}

func containerAt(t *testing.T, endpoint string) *azcosmos.ContainerClient {
	t.Helper()
	cred, err := azcosmos.NewKeyCredential(emulator.WellKnownKey)
	if err != nil {
		t.Fatal(err)
	}
	client, err := azcosmos.NewClientWithKey(endpoint, cred, &azcosmos.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}, Retry: policy.RetryOptions{MaxRetries: -1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.NewContainer("db", "c")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateDatabase(context.Background(), azcosmos.DatabaseProperties{ID: "db"}, nil); err != nil {
		return c // it is there: the second start
	}
	db, err := client.NewDatabase("db")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.CreateContainer(context.Background(), azcosmos.ContainerProperties{
		ID: "c", PartitionKeyDefinition: azcosmos.PartitionKeyDefinition{Paths: []string{"/pk"}},
	}, nil); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestKill kills the process in the midst of writes, behind 2,000 acknowledged ones, and wants every one of them back, and every
// batch whole or not at all.
func TestKill(t *testing.T) {
	const acknowledged, workers = 2000, 8
	dir := t.TempDir()
	p := startProcess(t, "-https", "", "-http", "127.0.0.1:0", "-data", dir)
	c := containerAt(t, p.endpoint)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var count atomic.Int64
	var mu sync.Mutex
	written := map[string]bool{} // id of an item, or of a batch's two
	var wg sync.WaitGroup
	for w := range workers {
		key := fmt.Sprint("k", w)
		pk := azcosmos.NewPartitionKeyString(key)
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprint(w, "-", i)
				var err error
				if i%10 == 9 {
					b := c.NewTransactionalBatch(pk)
					b.CreateItem(fmt.Appendf(nil, `{"id":"%s","pk":"%s","twin":"%s-b"}`, id, key, id), nil)
					b.CreateItem(fmt.Appendf(nil, `{"id":"%s-b","pk":"%s","twin":"%s"}`, id, key, id), nil)
					_, err = c.ExecuteTransactionalBatch(ctx, b, nil)
				} else {
					_, err = c.CreateItem(ctx, pk, fmt.Appendf(nil, `{"id":"%s","pk":"%s"}`, id, key), nil)
				}
				if err != nil {
					return // killed
				}
				mu.Lock()
				written[id+" "+key] = true
				mu.Unlock()
				if count.Add(1) == acknowledged {
					if err := p.cmd.Process.Kill(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	_ = p.cmd.Wait()
	if len(written) < acknowledged {
		t.Fatalf("only %d writes were acknowledged", len(written))
	}
	p = startProcess(t, "-https", "", "-http", "127.0.0.1:0", "-data", dir)
	c = containerAt(t, p.endpoint)
	found := map[string]bool{}
	pager := c.NewQueryItemsPager("SELECT * FROM c", azcosmos.NewPartitionKey(), &azcosmos.QueryOptions{PageSizeHint: -1})
	twins := map[string]string{}
	for pager.More() {
		page, err := pager.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Items {
			var doc struct{ ID, PK, Twin string }
			if err := json.Unmarshal(row, &doc); err != nil {
				t.Fatal(err)
			}
			found[doc.ID+" "+doc.PK] = true
			if doc.Twin != "" {
				twins[doc.ID] = doc.Twin
			}
		}
	}
	lost := 0
	for id := range written {
		if !found[id] {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d acknowledged writes are lost", lost, len(written))
	}
	for id, twin := range twins {
		if twins[twin] != id {
			t.Errorf("half a batch: %s without %s", id, twin)
		}
	}
	t.Logf("%d acknowledged, %d found", len(written), len(found))
}

func TestStopsOnInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	ca := filepath.Join(t.TempDir(), "ca.pem")
	var out bytes.Buffer
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"-https", "localhost:0", "-http", "localhost:0", "-compute", "localhost:0", "-ca", ca}, &out)
	}()
	deadline := time.Now().Add(5 * time.Second)
	for {
		if b, err := os.ReadFile(ca); err == nil && bytes.Contains(b, []byte("BEGIN CERTIFICATE")) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no certificate authority was written")
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("stopped with %v", err)
	}
	for _, want := range []string{"HTTPS", "compute gateway", "endpoint", "key", "try:", "stopping"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output says nothing of %s:\n%s", want, out.String())
		}
	}
}

func TestClearErrors(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	for want, args := range map[string][]string{
		"is in use by another process": {"-https", busy.Addr().String()},
		"-compute":                     {"-https", "127.0.0.1:0", "-compute", "256.0.0.1:1"},
		"neither -https nor -http":     {"-https", ""},
		"unexpected argument":          {"serve"},
		"base64":                       {"-https", "127.0.0.1:0", "-key", "no key!"},
		"consistency level":            {"-https", "127.0.0.1:0", "-consistency", "Never"},
		"certificate authority":        {"-https", "127.0.0.1:0", "-ca", filepath.Join(t.TempDir(), "missing", "ca.pem")},
	} {
		if err := run(context.Background(), args, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}
