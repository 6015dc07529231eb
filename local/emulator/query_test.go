package emulator_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/local/emulator/emulatortest"
)

// ids runs a query to its end and gives the ids page by page.
func ids(t testing.TB, c *azcosmos.ContainerClient, query string, key azcosmos.PartitionKey, o *azcosmos.QueryOptions) (pages [][]string) {
	t.Helper()
	pager := c.NewQueryItemsPager(query, key, o)
	for pager.More() {
		page, err := pager.NextPage(context.Background())
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		var got []string
		for _, row := range page.Items {
			got = append(got, fmt.Sprint(decode(t, row)["id"]))
		}
		pages = append(pages, got)
		if page.RequestCharge <= 0 || page.QueryMetrics == nil || page.ActivityID == "" {
			t.Errorf("%s: charge %v, metrics %v, activity %q", query, page.RequestCharge, page.QueryMetrics, page.ActivityID)
		}
	}
	return pages
}

func fill(t testing.TB, c *azcosmos.ContainerClient, keys, each int) {
	t.Helper()
	for i := range each {
		for k := range keys {
			key := fmt.Sprintf("k%d", k)
			if _, err := c.CreateItem(context.Background(), pk(key), item(fmt.Sprintf("%s-%02d", key, i), key, "n", i), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestQueryPages(t *testing.T) {
	_, c := startContainer(t)
	fill(t, c, 2, 10)
	five := &azcosmos.QueryOptions{PageSizeHint: 5}
	for _, tc := range []struct {
		query string
		key   azcosmos.PartitionKey
		want  string
	}{
		{"SELECT * FROM c", pk("k0"), "[5 5]"},
		{"SELECT * FROM c ORDER BY c.n DESC", pk("k0"), "[5 5]"},
		{"SELECT * FROM c WHERE c.pk = 'k1' ORDER BY c.n", azcosmos.NewPartitionKey(), "[5 5]"},
		{"SELECT * FROM c", azcosmos.NewPartitionKey(), "[5 5 5 5 0]"},
		{"SELECT * FROM c WHERE c.n < 3", azcosmos.NewPartitionKey(), "[5 1]"},
		{"SELECT * FROM c WHERE c.n > 100", azcosmos.NewPartitionKey(), "[0]"},
		{"SELECT TOP 7 * FROM c", pk("k0"), "[5 2]"},
		{"SELECT * FROM c OFFSET 2 LIMIT 6", pk("k0"), "[5 1]"},
	} {
		var sizes []int
		seen := map[string]bool{}
		for _, page := range ids(t, c, tc.query, tc.key, five) {
			sizes = append(sizes, len(page))
			for _, id := range page {
				if seen[id] {
					t.Errorf("%s: %s comes twice", tc.query, id)
				}
				seen[id] = true
			}
		}
		if got := fmt.Sprint(sizes); got != tc.want {
			t.Errorf("%s: pages of %s, want %s", tc.query, got, tc.want)
		}
	}
}

// TestQueryAcrossPartitions reads range by range, and goes on through a split.
func TestQueryAcrossPartitions(t *testing.T) {
	e, c := startContainer(t, emulatortest.WithPartitions(3))
	fill(t, c, 20, 3)
	all := slices.Concat(ids(t, c, "SELECT * FROM c", azcosmos.NewPartitionKey(), &azcosmos.QueryOptions{PageSizeHint: 7})...)
	slices.Sort(all)
	if all = slices.Compact(all); len(all) != 60 {
		t.Fatalf("%d of 60 items", len(all))
	}
	o := &azcosmos.QueryOptions{PageSizeHint: 4}
	var got []string
	for page := 0; ; page++ {
		resp, err := c.NewQueryItemsPager("SELECT * FROM c", azcosmos.NewPartitionKey(), o).NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range resp.Items {
			got = append(got, decode(t, row)["id"].(string))
		}
		if resp.ContinuationToken == nil {
			break
		}
		o.ContinuationToken = resp.ContinuationToken
		if page == 1 || page == 6 {
			if _, err := e.Split(context.Background(), "db", "c", ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, all) {
		t.Errorf("through splits: %d items, %d different", len(got), len(slices.Compact(got)))
	}
}

func TestQueryRefused(t *testing.T) {
	_, c := startContainer(t)
	ctx := context.Background()
	fill(t, c, 2, 2)
	no := false
	const gateway = "cross partition query can not be directly served by the gateway"
	for _, tc := range []struct {
		query string
		o     *azcosmos.QueryOptions
		want  string
	}{
		{"SELECT * FROM c ORDER BY c.n", nil, gateway},
		{"SELECT TOP 1 * FROM c", nil, gateway},
		{"SELECT DISTINCT c.n FROM c", nil, gateway},
		{"SELECT VALUE COUNT(1) FROM c", nil, gateway},
		{"SELECT c.n FROM c GROUP BY c.n", nil, gateway},
		{"SELECT * FROM c OFFSET 1 LIMIT 1", nil, gateway},
		{"SELECT * FROM c", &azcosmos.QueryOptions{EnableCrossPartitionQuery: &no}, "Cross partition query is required but disabled"},
		{"SELEC * FROM c", nil, "SC1001"},
		{"SELECT * FROM c WHERE", nil, "SC1001"},
		{"SELECT * FROM c WHERE x.n = 1", nil, "SC2001"},
	} {
		_, err := c.NewQueryItemsPager(tc.query, azcosmos.NewPartitionKey(), tc.o).NextPage(ctx)
		if status(err) != http.StatusBadRequest || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.query, err)
		}
	}
	_, err := c.NewQueryItemsPager("SELECT * FROM c ORDER BY c.a, c.b", pk("k0"), nil).NextPage(ctx)
	if status(err) != http.StatusBadRequest || !strings.Contains(err.Error(), "composite index") {
		t.Errorf("ORDER BY without a composite index: %v", err)
	}
	for _, token := range []string{"nonsense", base64.StdEncoding.EncodeToString([]byte(`{"v":1,"c":"other"}`))} {
		_, err := c.NewQueryItemsPager("SELECT * FROM c", pk("k0"), &azcosmos.QueryOptions{ContinuationToken: &token}).NextPage(ctx)
		wantStatus(t, err, http.StatusBadRequest)
	}
	first, err := c.NewQueryItemsPager("SELECT * FROM c", pk("k0"), &azcosmos.QueryOptions{PageSizeHint: 1}).NextPage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.NewQueryItemsPager("SELECT c.id FROM c", pk("k0"), &azcosmos.QueryOptions{ContinuationToken: first.ContinuationToken}).NextPage(ctx)
	wantStatus(t, err, http.StatusBadRequest)
}

func TestQueryUsesTheIndexingPolicy(t *testing.T) {
	e := emulatortest.Start(t)
	c := newContainer(t, newClient(t, e), azcosmos.ContainerProperties{IndexingPolicy: &azcosmos.IndexingPolicy{
		Automatic: true, IndexingMode: azcosmos.IndexingModeConsistent,
		IncludedPaths: []azcosmos.IncludedPath{{Path: "/n/?"}, {Path: "/m/?"}}, ExcludedPaths: []azcosmos.ExcludedPath{{Path: "/*"}},
		CompositeIndexes: [][]azcosmos.CompositeIndex{{{Path: "/n", Order: azcosmos.CompositeIndexAscending}, {Path: "/m", Order: azcosmos.CompositeIndexDescending}}},
	}}, nil)
	ctx := context.Background()
	for i := range 200 {
		if _, err := c.CreateItem(ctx, pk("p"), item(fmt.Sprintf("%03d", i), "p", "n", i, "m", -i, "secret", i), nil); err != nil {
			t.Fatal(err)
		}
	}
	charge := func(query string) float32 {
		t.Helper()
		page, err := c.NewQueryItemsPager(query, pk("p"), &azcosmos.QueryOptions{PopulateIndexMetrics: true}).NextPage(ctx)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if page.IndexMetrics == nil {
			t.Fatalf("%s: no index metrics", query)
		}
		text, err := base64.StdEncoding.DecodeString(*page.IndexMetrics)
		var report map[string][]struct{ IndexSpec string }
		if err != nil || json.Unmarshal(text, &report) != nil {
			t.Fatalf("%s: index metrics %q", query, *page.IndexMetrics)
		}
		return page.RequestCharge
	}
	indexed, scanned := charge("SELECT * FROM c WHERE c.n = 7"), charge("SELECT * FROM c WHERE c.secret = 7")
	if indexed > 3.5 || scanned < indexed+5 {
		t.Errorf("by the index %.2f RU, by a scan of 200 items %.2f", indexed, scanned)
	}
	for _, query := range []string{"SELECT * FROM c ORDER BY c.n, c.m DESC", "SELECT * FROM c ORDER BY c.n DESC, c.m", "SELECT * FROM c ORDER BY c.m"} {
		if _, err := c.NewQueryItemsPager(query, pk("p"), nil).NextPage(ctx); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	for _, query := range []string{"SELECT * FROM c ORDER BY c.n, c.m", "SELECT * FROM c ORDER BY c.secret"} {
		_, err := c.NewQueryItemsPager(query, pk("p"), nil).NextPage(ctx)
		if status(err) != http.StatusBadRequest {
			t.Errorf("%s: %v, want 400", query, err)
		}
	}
}

func TestReadManyItems(t *testing.T) {
	_, c := startContainer(t, emulatortest.WithPartitions(4))
	fill(t, c, 10, 2)
	var wanted []azcosmos.ItemIdentity
	for k := range 10 {
		key := fmt.Sprintf("k%d", k)
		wanted = append(wanted, azcosmos.ItemIdentity{ID: key + "-01", PartitionKey: pk(key)}, azcosmos.ItemIdentity{ID: "absent", PartitionKey: pk(key)})
	}
	got, err := c.ReadManyItems(context.Background(), wanted, nil)
	if err != nil || len(got.Items) != 10 {
		t.Errorf("%d items, %v", len(got.Items), err)
	}
}

func TestQueryResources(t *testing.T) {
	e := emulatortest.Start(t)
	client := newClient(t, e)
	newContainer(t, client, azcosmos.ContainerProperties{ID: "one"}, nil)
	newContainer(t, client, azcosmos.ContainerProperties{ID: "two"}, nil)
	db, err := client.NewDatabase("db")
	if err != nil {
		t.Fatal(err)
	}
	page, err := db.NewQueryContainersPager("SELECT * FROM c WHERE c.id = @id", &azcosmos.QueryContainersOptions{
		QueryParameters: []azcosmos.QueryParameter{{Name: "@id", Value: "two"}},
	}).NextPage(context.Background())
	if err != nil || len(page.Containers) != 1 || page.Containers[0].ID != "two" {
		t.Errorf("%+v, %v", page.Containers, err)
	}
	databases, err := client.NewQueryDatabasesPager("SELECT * FROM c", nil).NextPage(context.Background())
	if err != nil || len(databases.Databases) != 1 {
		t.Errorf("%+v, %v", databases.Databases, err)
	}
}
