package emulator_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/local/emulator/emulatortest"
)

// TestQueriesByIDs: queries that name their items give what a scan gives, page by page and through a split.
func TestQueriesByIDs(t *testing.T) {
	e, c := startContainer(t, emulatortest.WithPartitions(3))
	fill(t, c, 8, 6)
	var or []string
	var in []string
	for k := range 8 {
		for _, i := range []int{1, 4, 77} {
			or = append(or, fmt.Sprintf("(c.id = 'k%d-%02d' AND c.pk = 'k%d')", k, i, k))
		}
		in = append(in, fmt.Sprintf("'k3-%02d'", k), fmt.Sprintf("'k4-%02d'", k))
	}
	for _, tc := range []struct {
		where string
		key   azcosmos.PartitionKey
		want  int
	}{
		{strings.Join(or, " OR "), azcosmos.NewPartitionKey(), 16},
		{"(" + strings.Join(or, " OR ") + ") AND c.n = 4", azcosmos.NewPartitionKey(), 8},
		{"c.id IN (" + strings.Join(in, ",") + ")", pk("k3"), 6},
		{"c.id IN (" + strings.Join(in, ",") + ") AND c.pk = 'k4'", azcosmos.NewPartitionKey(), 6},
		{"c.id = 'k3-01' AND c.id = 'k3-02'", pk("k3"), 0},
		{"c.id = 5", pk("k3"), 0},
		{"c.id = ''", pk("k3"), 0},
		{"c.id IN ('k3-01', 'k3-01')", pk("k3"), 1},
	} {
		o := &azcosmos.QueryOptions{PageSizeHint: 3}
		var got []string
		for page := 0; ; page++ {
			resp, err := c.NewQueryItemsPager("SELECT * FROM c WHERE "+tc.where, tc.key, o).NextPage(context.Background())
			if err != nil {
				t.Fatalf("%s: %v", tc.where, err)
			}
			for _, row := range resp.Items {
				got = append(got, decode(t, row)["id"].(string))
			}
			if o.ContinuationToken = resp.ContinuationToken; o.ContinuationToken == nil {
				break
			}
			if page == 1 {
				if _, err := e.Split(context.Background(), "db", "c", ""); err != nil {
					t.Fatal(err)
				}
			}
		}
		slices.Sort(got)
		if len(got) != tc.want || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("%s: %d items, want %d: %v", tc.where, len(got), tc.want, got)
		}
	}
	sorted := slices.Concat(ids(t, c, "SELECT * FROM c WHERE c.id IN ("+strings.Join(in, ",")+") ORDER BY c.n DESC", pk("k3"), &azcosmos.QueryOptions{PageSizeHint: 4})...)
	if want := []string{"k3-05", "k3-04", "k3-03", "k3-02", "k3-01", "k3-00"}; !slices.Equal(sorted, want) {
		t.Errorf("ORDER BY: %v", sorted)
	}
	future := "0:-1#999999,1:-1#999999,2:-1#999999,3:-1#999999,4:-1#999999,5:-1#999999,6:-1#999999,7:-1#999999,8:-1#999999"
	_, err := c.NewQueryItemsPager("SELECT * FROM c WHERE c.id = 'k3-01'", pk("k3"), &azcosmos.QueryOptions{SessionToken: &future}).NextPage(context.Background())
	if status(err) != http.StatusNotFound || substatus(err) != "1002" {
		t.Errorf("a token from the future: %v", err)
	}
}

func BenchmarkReadMany(b *testing.B) {
	_, c := startContainer(b)
	load(b, c, 20_000)
	var wanted []azcosmos.ItemIdentity
	for i := range 50 {
		id, key, _ := benchItem(i * 317)
		wanted = append(wanted, azcosmos.ItemIdentity{ID: id, PartitionKey: pk(key)})
	}
	b.ReportAllocs()
	for b.Loop() {
		got, err := c.ReadManyItems(context.Background(), wanted, nil)
		if err != nil || len(got.Items) != len(wanted) {
			b.Fatalf("%d items, %v", len(got.Items), err)
		}
	}
}
