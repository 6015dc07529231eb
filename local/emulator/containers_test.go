package emulator_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
	"github.com/google/go-cmp/cmp"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
)

func TestContainerEchoesWhatItWasGiven(t *testing.T) {
	e := emulatortest.Start(t)
	client := newClient(t, e)
	ttl, analytical := int32(3600), int32(-1)
	given := azcosmos.ContainerProperties{
		ID:                                 "c",
		PartitionKeyDefinition:             azcosmos.PartitionKeyDefinition{Paths: []string{"/a", "/b/c"}, Kind: azcosmos.PartitionKeyKindMultiHash, Version: 2},
		DefaultTimeToLive:                  &ttl,
		AnalyticalStoreTimeToLiveInSeconds: &analytical,
		IndexingPolicy: &azcosmos.IndexingPolicy{
			Automatic: true, IndexingMode: azcosmos.IndexingModeConsistent,
			IncludedPaths:    []azcosmos.IncludedPath{{Path: "/n/?"}},
			ExcludedPaths:    []azcosmos.ExcludedPath{{Path: "/*"}},
			CompositeIndexes: [][]azcosmos.CompositeIndex{{{Path: "/n", Order: azcosmos.CompositeIndexAscending}, {Path: "/m", Order: azcosmos.CompositeIndexDescending}}},
		},
		UniqueKeyPolicy:          &azcosmos.UniqueKeyPolicy{UniqueKeys: []azcosmos.UniqueKey{{Paths: []string{"/email"}}}},
		ConflictResolutionPolicy: &azcosmos.ConflictResolutionPolicy{Mode: azcosmos.ConflictResolutionModeLastWriteWins, ResolutionPath: "/_ts"},
	}
	c := newContainer(t, client, given, nil)
	read, err := c.Read(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := *read.ContainerProperties
	if got.ResourceID == "" || got.ETag == nil || got.SelfLink == "" || got.LastModified.IsZero() {
		t.Errorf("system properties: %+v", got)
	}
	got.ResourceID, got.ETag, got.SelfLink, got.LastModified = "", nil, "", time.Time{}
	if diff := cmp.Diff(given, got); diff != "" {
		t.Errorf("container (-given +read):\n%s", diff)
	}
	given.DefaultTimeToLive = nil
	if _, err := c.Replace(context.Background(), given, nil); err != nil {
		t.Errorf("replace: %v", err)
	}
	given.PartitionKeyDefinition.Paths = []string{"/a", "/other"}
	_, err = c.Replace(context.Background(), given, nil)
	wantStatus(t, err, http.StatusBadRequest)
}

func TestDatabasesAndContainersRefused(t *testing.T) {
	e := emulatortest.Start(t)
	client := newClient(t, e)
	ctx := context.Background()
	newContainer(t, client, azcosmos.ContainerProperties{}, nil)
	db, err := client.NewDatabase("db")
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CreateDatabase(ctx, azcosmos.DatabaseProperties{ID: "db"}, nil)
	wantStatus(t, err, http.StatusConflict)
	_, err = client.CreateDatabase(ctx, azcosmos.DatabaseProperties{ID: "a/b"}, nil)
	wantStatus(t, err, http.StatusBadRequest)
	key := azcosmos.PartitionKeyDefinition{Paths: []string{"/pk"}}
	for name, tc := range map[string]struct {
		properties azcosmos.ContainerProperties
		throughput azcosmos.ThroughputProperties
		want       int
	}{
		"exists":          {azcosmos.ContainerProperties{ID: "c", PartitionKeyDefinition: key}, azcosmos.NewManualThroughputProperties(400), 409},
		"no key":          {azcosmos.ContainerProperties{ID: "d"}, azcosmos.NewManualThroughputProperties(400), 400},
		"throughput":      {azcosmos.ContainerProperties{ID: "d", PartitionKeyDefinition: key}, azcosmos.NewManualThroughputProperties(399), 400},
		"autoscale":       {azcosmos.ContainerProperties{ID: "d", PartitionKeyDefinition: key}, azcosmos.NewAutoscaleThroughputProperties(1500), 400},
		"indexing policy": {azcosmos.ContainerProperties{ID: "d", PartitionKeyDefinition: key, IndexingPolicy: &azcosmos.IndexingPolicy{IncludedPaths: []azcosmos.IncludedPath{{Path: "n"}}}}, azcosmos.NewManualThroughputProperties(400), 400},
	} {
		_, err := db.CreateContainer(ctx, tc.properties, &azcosmos.CreateContainerOptions{ThroughputProperties: &tc.throughput})
		if got := status(err); got != tc.want {
			t.Errorf("%s: %d, want %d (%v)", name, got, tc.want, err)
		}
	}
	if _, err := db.Delete(ctx, nil); err != nil {
		t.Fatal(err)
	}
	_, err = db.Read(ctx, nil)
	wantStatus(t, err, http.StatusNotFound)
}

func TestDatabaseNotModified(t *testing.T) {
	e := emulatortest.Start(t)
	client := newClient(t, e)
	made, err := client.CreateDatabase(context.Background(), azcosmos.DatabaseProperties{ID: "db"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	db, err := client.NewDatabase("db")
	if err != nil {
		t.Fatal(err)
	}
	stale := azcore.ETag(`"stale"`)
	_, err = db.Delete(context.Background(), &azcosmos.DeleteDatabaseOptions{IfMatchEtag: &stale})
	wantStatus(t, err, http.StatusPreconditionFailed)
	if _, err = db.Delete(context.Background(), &azcosmos.DeleteDatabaseOptions{IfMatchEtag: &made.ETag}); err != nil {
		t.Error(err)
	}
}

func TestUniqueKeys(t *testing.T) {
	e := emulatortest.Start(t)
	c := newContainer(t, newClient(t, e), azcosmos.ContainerProperties{
		UniqueKeyPolicy: &azcosmos.UniqueKeyPolicy{UniqueKeys: []azcosmos.UniqueKey{{Paths: []string{"/email"}}}},
	}, nil)
	ctx := context.Background()
	for i, tc := range []struct {
		pk, email string
		want      int
	}{{"p", "x", 0}, {"p", "x", http.StatusConflict}, {"q", "x", 0}, {"p", "y", 0}} {
		_, err := c.CreateItem(ctx, pk(tc.pk), item(fmt.Sprint(i), tc.pk, "email", tc.email), nil)
		if got := status(err); got != tc.want {
			t.Errorf("%d: %d, want %d", i, got, tc.want)
		}
	}
}

func TestThrottling(t *testing.T) {
	clock := emulator.NewFrozenClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	e := emulatortest.Start(t, emulatortest.WithThrottle(), emulatortest.WithClock(clock), emulatortest.WithPartitions(2))
	throughput := azcosmos.NewManualThroughputProperties(400)
	c := newContainer(t, newClient(t, e), azcosmos.ContainerProperties{}, &azcosmos.CreateContainerOptions{ThroughputProperties: &throughput})
	ctx := context.Background()
	hot := func(key string) (spent float64, err error) {
		for range 1000 {
			resp, err := c.UpsertItem(ctx, pk(key), item("1", key), nil)
			if err != nil {
				return spent, err
			}
			spent += float64(resp.RequestCharge)
		}
		return spent, nil
	}
	spent, err := hot("p")
	if status(err) != http.StatusTooManyRequests || substatus(err) != "3200" {
		t.Fatalf("after %.0f RU: %v", spent, err)
	}
	if spent < 200 || spent > 215 {
		t.Errorf("a partition with half of 400 RU/s served %.0f RU in one second", spent)
	}
	other := ""
	for i := 0; other == "" && i < 64; i++ { // a key of the other partition is not affected
		if key := fmt.Sprint(i); upsert(c, key, "1") == nil {
			other = key
		}
	}
	if other == "" {
		t.Error("the other partition is throttled as well")
	}
	clock.Advance(time.Second)
	if err := upsert(c, "p", "1"); err != nil {
		t.Errorf("in the next second: %v", err)
	}
	clock.Advance(time.Second)
	if _, err := c.ReplaceThroughput(ctx, azcosmos.NewManualThroughputProperties(1000), nil); err != nil {
		t.Fatal(err)
	}
	if spent, err = hot("p"); status(err) != http.StatusTooManyRequests || spent < 480 || spent > 515 {
		t.Errorf("with 1000 RU/s a partition served %.0f RU: %v", spent, err)
	}
}

// TestThrottlingOfOthers: throughput that containers of a database share, and the maximum of autoscale.
func TestThrottlingOfOthers(t *testing.T) {
	clock := emulator.NewFrozenClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	e := emulatortest.Start(t, emulatortest.WithThrottle(), emulatortest.WithClock(clock))
	client := newClient(t, e)
	ctx := context.Background()
	shared := azcosmos.NewManualThroughputProperties(400)
	if _, err := client.CreateDatabase(ctx, azcosmos.DatabaseProperties{ID: "db"}, &azcosmos.CreateDatabaseOptions{ThroughputProperties: &shared}); err != nil {
		t.Fatal(err)
	}
	one := newContainer(t, client, azcosmos.ContainerProperties{ID: "one"}, nil)
	two := newContainer(t, client, azcosmos.ContainerProperties{ID: "two"}, nil)
	autoscale := azcosmos.NewAutoscaleThroughputProperties(1000)
	own := newContainer(t, client, azcosmos.ContainerProperties{ID: "own"}, &azcosmos.CreateContainerOptions{ThroughputProperties: &autoscale})
	spend := func(c *azcosmos.ContainerClient) (n int) {
		for upsert(c, "p", fmt.Sprint(n)) == nil {
			n++
		}
		return n
	}
	if n := spend(one); n < 50 || n > 75 {
		t.Errorf("%d creates of about 6 RU from 400 RU/s", n)
	}
	if n := spend(two); n != 0 {
		t.Errorf("%d creates from a budget that is spent", n)
	}
	if n := spend(own); n < 130 || n > 180 {
		t.Errorf("%d creates of about 6 RU from an autoscale maximum of 1000 RU/s", n)
	}
	if _, err := one.ReadThroughput(ctx, nil); status(err) != http.StatusNotFound {
		t.Errorf("a container without throughput of its own: %v", err)
	}
}

func TestLatency(t *testing.T) {
	e := emulatortest.Start(t, emulatortest.WithOptions(emulator.Options{Latency: time.Minute}))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.Endpoint(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := e.Do(req)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, %v", resp, err)
	}
}
