package emulator_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
)

// TestRestart stops an emulator in the middle of a query and of a change feed and goes on with another one on the same folder.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	open := func() (*emulator.Emulator, *azcosmos.ContainerClient) {
		e, err := emulator.New(emulator.Options{DataDir: dir, Partitions: 2})
		if err != nil {
			t.Fatal(err)
		}
		c, err := newClientWith(t, e.Endpoint(), e.Key(), e).NewContainer("db", "c")
		if err != nil {
			t.Fatal(err)
		}
		return e, c
	}
	e, c := open()
	throughput := azcosmos.NewManualThroughputProperties(1200)
	newContainer(t, newClientWith(t, e.Endpoint(), e.Key(), e), azcosmos.ContainerProperties{}, &azcosmos.CreateContainerOptions{ThroughputProperties: &throughput})
	fill(t, c, 10, 3)
	before, err := c.ReadItem(ctx, pk("k1"), "k1-01", nil)
	if err != nil {
		t.Fatal(err)
	}
	query := &azcosmos.QueryOptions{PageSizeHint: 4}
	f := &follower{c: c, seen: map[string]float64{}}
	f.drain(t)
	var got []string
	for page := 0; ; page++ {
		resp, err := c.NewQueryItemsPager("SELECT * FROM c", azcosmos.NewPartitionKey(), query).NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range resp.Items {
			got = append(got, decode(t, row)["id"].(string))
		}
		if query.ContinuationToken = resp.ContinuationToken; query.ContinuationToken == nil {
			break
		}
		if page%3 == 0 {
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			e, c = open()
		}
	}
	slices.Sort(got)
	if distinct := len(slices.Compact(slices.Clone(got))); len(got) != 30 || distinct != 30 {
		t.Errorf("a query through restarts: %d items, %d different, of 30", len(got), distinct)
	}
	after, err := c.ReadItem(ctx, pk("k1"), "k1-01", &azcosmos.ItemOptions{SessionToken: before.SessionToken})
	if err != nil || string(after.Value) != string(before.Value) {
		t.Errorf("after the restart: %s, %v\nbefore: %s", after.Value, err, before.Value)
	}
	offer, err := c.ReadThroughput(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ru, ok := offer.ThroughputProperties.ManualThroughput(); !ok || ru != 1200 {
		t.Errorf("throughput %d", ru)
	}
	f.c = c
	if n := f.drain(t); n != 0 {
		t.Errorf("%d changes after the restart though nothing changed", n)
	}
	if err := upsert(c, "k1", "new"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UpsertItem(ctx, pk("k1"), item("new", "k1", "n", 7), nil); err != nil {
		t.Fatal(err)
	}
	if n := f.drain(t); n != 1 || f.seen["new"] != 7 {
		t.Errorf("%d changes after the restart, %v", n, f.seen["new"])
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTwoEmulatorsOnOneFolder(t *testing.T) {
	dir := t.TempDir()
	emulatortest.Start(t, emulatortest.WithDataDir(dir))
	if _, err := emulator.New(emulator.Options{DataDir: dir}); !errors.Is(err, emulator.ErrDataInUse) {
		t.Errorf("a second emulator on a folder in use: %v", err)
	}
}

func TestClosed(t *testing.T) {
	e, err := emulator.New(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := newContainer(t, newClientWith(t, e.Endpoint(), e.Key(), e), azcosmos.ContainerProperties{}, nil)
	for range 2 {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	req, err := http.NewRequest(http.MethodGet, e.Endpoint()+c.ID(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := e.Do(req); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed emulator answers: %v, %v", resp, err)
	}
}
