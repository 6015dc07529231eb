package emulator_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
)

// rest sends a request that no SDK sends, signed as the documents say.
func rest(t *testing.T, e *emulatortest.Emulator, method, path, kind, link, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, strings.TrimSuffix(e.Endpoint(), "/")+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	const date = "Sun, 01 Mar 2026 12:00:00 GMT"
	key, err := base64.StdEncoding.DecodeString(e.Key())
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.ToLower(method) + "\n" + kind + "\n" + link + "\n" + strings.ToLower(date) + "\n\n"))
	req.Header.Set("x-ms-date", date)
	req.Header.Set("Authorization", url.QueryEscape("type=master&ver=1.0&sig="+base64.StdEncoding.EncodeToString(mac.Sum(nil))))
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := e.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func TestRest(t *testing.T) {
	e, c := startContainer(t)
	made, err := c.CreateItem(context.Background(), pk("p"), item("1", "p"), nil)
	if err != nil {
		t.Fatal(err)
	}
	const coll, key = "dbs/db/colls/c", "x-ms-documentdb-partitionkey"
	for _, tc := range []struct {
		name, method, path, kind, link, body string
		headers                              []string
		status                               int
		text                                 string
	}{
		{"list databases", "GET", "/dbs", "dbs", "", "", nil, 200, `"Databases":[{`},
		{"list containers", "GET", "/dbs/db/colls", "colls", "dbs/db", "", nil, 200, `"DocumentCollections":[{`},
		{"list items", "GET", "/" + coll + "/docs", "docs", coll, "", nil, 200, `"Documents":[{`},
		{"list offers", "GET", "/offers", "offers", "", "", nil, 200, `"Offers":[{`},
		{"database known", "GET", "/dbs/db", "dbs", "dbs/db", "", []string{"If-None-Match", etagOf(t, e, "/dbs/db", "dbs", "dbs/db")}, 304, ""},
		{"item known", "GET", "/" + coll + "/docs/1", "docs", coll + "/docs/1", "", []string{key, `["p"]`, "If-None-Match", string(made.ETag)}, 304, ""},
		{"item not known", "GET", "/" + coll + "/docs/1", "docs", coll + "/docs/1", "", []string{key, `["p"]`, "If-None-Match", `"x"`}, 200, `"id":"1"`},
		{"create unless there", "POST", "/" + coll + "/docs", "docs", coll, `{"id":"1","pk":"p"}`,
			[]string{key, `["p"]`, "x-ms-documentdb-is-upsert", "True", "If-None-Match", "*"}, 412, ""},
		{"move", "PATCH", "/" + coll + "/docs/1", "docs", coll + "/docs/1", `{"operations":[{"op":"add","path":"/a","value":1},{"op":"move","from":"/a","path":"/b"}]}`,
			[]string{key, `["p"]`}, 200, `"b":1`},
		{"malformed key", "GET", "/" + coll + "/docs/1", "docs", coll + "/docs/1", "", []string{key, `["p"`}, 400, "Partition key"},
		{"missing key", "GET", "/" + coll + "/docs/1", "docs", coll + "/docs/1", "", nil, 400, "PartitionKey value must be supplied"},
		{"malformed batch", "POST", "/" + coll + "/docs", "docs", coll, `{`, []string{key, `["p"]`, "x-ms-cosmos-is-batch-request", "True", "x-ms-cosmos-batch-atomic", "True"}, 400, "batch"},
		{"batch that is not atomic", "POST", "/" + coll + "/docs", "docs", coll, `[]`, []string{key, `["p"]`, "x-ms-cosmos-is-batch-request", "True"}, 400, "atomic"},
		{"unknown kind in a batch", "POST", "/" + coll + "/docs", "docs", coll, `[{"operationType":"Merge"}]`,
			[]string{key, `["p"]`, "x-ms-cosmos-is-batch-request", "True", "x-ms-cosmos-batch-atomic", "True"}, 400, "Merge"},
		{"malformed query", "POST", "/" + coll + "/docs", "docs", coll, `SELECT`, []string{"x-ms-documentdb-isquery", "True"}, 400, "query"},
		{"query plan", "POST", "/" + coll + "/docs", "docs", coll, `{"query":"SELECT 1"}`,
			[]string{"x-ms-documentdb-isquery", "True", "x-ms-cosmos-is-query-plan-request", "True"}, 400, "Query plans"},
		{"page size", "GET", "/" + coll + "/docs", "docs", coll, "", []string{"x-ms-max-item-count", "0"}, 400, "x-ms-max-item-count"},
		{"feed token", "GET", "/" + coll + "/docs", "docs", coll, "", []string{"A-IM", "Incremental feed", "If-None-Match", "x"}, 400, "If-None-Match"},
		{"feed from now", "GET", "/" + coll + "/docs", "docs", coll, "", []string{"A-IM", "Incremental feed", "If-None-Match", "*"}, 304, ""},
		{"feed of one key", "GET", "/" + coll + "/docs", "docs", coll, "", []string{"A-IM", "Incremental feed", key, `["p"]`}, 200, `"_lsn"`},
		{"feed of a range that is gone", "GET", "/" + coll + "/docs", "docs", coll, "", []string{"A-IM", "Incremental feed", "x-ms-documentdb-partitionkeyrangeid", "77"}, 410, ""},
		{"trigger", "POST", "/" + coll + "/docs", "docs", coll, `{"id":"2","pk":"p"}`, []string{key, `["p"]`, "x-ms-documentdb-pre-trigger-include", "t"}, 400, "Triggers"},
		{"consistency", "GET", "/" + coll + "/docs/1", "docs", coll + "/docs/1", "", []string{key, `["p"]`, "x-ms-consistency-level", "Sometimes"}, 400, "consistency"},
		{"stored procedures", "GET", "/" + coll + "/sprocs", "sprocs", coll, "", nil, 404, ""},
		{"verb", "PUT", "/dbs", "dbs", "", "", nil, 405, ""},
		{"verb of ranges", "POST", "/" + coll + "/pkranges", "pkranges", coll, "", nil, 405, ""},
	} {
		resp, text := rest(t, e, tc.method, tc.path, tc.kind, tc.link, tc.body, tc.headers...)
		if resp.StatusCode != tc.status || !strings.Contains(text, tc.text) {
			t.Errorf("%s: %d %s, want %d with %q", tc.name, resp.StatusCode, text, tc.status, tc.text)
		}
		for _, h := range []string{"x-ms-activity-id", "x-ms-request-charge", "Date"} {
			if resp.Header.Get(h) == "" {
				t.Errorf("%s: no %s", tc.name, h)
			}
		}
	}
}

func etagOf(t *testing.T, e *emulatortest.Emulator, path, kind, link string) string {
	t.Helper()
	resp, _ := rest(t, e, "GET", path, kind, link, "")
	return resp.Header.Get("Etag")
}

// TestRequestCharges sends the worked example of the documents: items of 1 and 2 KB under four indexing policies.
func TestRequestCharges(t *testing.T) {
	e := emulatortest.Start(t)
	client := newClient(t, e)
	ctx := context.Background()
	four := []azcosmos.IncludedPath{{Path: "/a/?"}, {Path: "/b/?"}, {Path: "/c/?"}, {Path: "/d/?"}}
	composite := [][]azcosmos.CompositeIndex{{{Path: "/a", Order: azcosmos.CompositeIndexAscending}, {Path: "/b", Order: azcosmos.CompositeIndexAscending}}}
	near := func(what string, got float32, want float64) {
		t.Helper()
		if math.Abs(float64(got)-want) > 0.15*want {
			t.Errorf("%s: %.2f RU, want %.2f", what, got, want)
		}
	}
	for i, tc := range []struct {
		kb       int
		included []azcosmos.IncludedPath
		index    [][]azcosmos.CompositeIndex
		want     float64
	}{{1, nil, nil, 5.71}, {2, nil, nil, 7.05}, {2, four, nil, 8.57}, {2, four, composite, 8.76}} {
		c := newContainer(t, client, azcosmos.ContainerProperties{ID: fmt.Sprint("c", i), IndexingPolicy: &azcosmos.IndexingPolicy{
			Automatic: true, IndexingMode: azcosmos.IndexingModeConsistent, IncludedPaths: tc.included,
			ExcludedPaths: []azcosmos.ExcludedPath{{Path: "/*"}}, CompositeIndexes: tc.index,
		}}, nil)
		body := item("1", "p", "a", 1, "b", "two", "c", true, "d", 4.5, "pad", strings.Repeat("x", tc.kb*1024-400))
		made, err := c.CreateItem(ctx, pk("p"), body, nil)
		if err != nil {
			t.Fatal(err)
		}
		near(fmt.Sprintf("create %d", i), made.RequestCharge, tc.want)
		if i != 0 {
			continue
		}
		got, err := c.ReadItem(ctx, pk("p"), "1", nil)
		if err != nil || got.RequestCharge != 1 {
			t.Errorf("read of 1 KB: %.2f RU, %v", got.RequestCharge, err)
		}
		replaced, err := c.ReplaceItem(ctx, pk("p"), "1", body, nil)
		if err != nil {
			t.Fatal(err)
		}
		near("replace", replaced.RequestCharge, 2*4.95+2*0.2) // _ts may change: at most four terms
		var p azcosmos.PatchOperations
		p.AppendIncrement("/a", 1)
		p.AppendIncrement("/d", 1)
		patched, err := c.PatchItem(ctx, pk("p"), "1", p, nil)
		if err != nil {
			t.Fatal(err)
		}
		near("patch", patched.RequestCharge, 2*4.95+2*0.2+2*0.4)
		_, err = c.CreateItem(ctx, pk("p"), body, nil)
		near("409", chargeOf(t, err), 1)
		_, err = c.ReadItem(ctx, pk("p"), "absent", nil)
		near("404", chargeOf(t, err), 1)
		deleted, err := c.DeleteItem(ctx, pk("p"), "1", nil)
		if err != nil {
			t.Fatal(err)
		}
		near("delete", deleted.RequestCharge, 5.71)
		empty, err := c.ReadChangeFeed(ctx, &azcosmos.ChangeFeedOptions{FeedRange: &azcosmos.FeedRange{MaxExclusive: "FF"}})
		if err != nil || empty.RequestCharge != 1 {
			t.Errorf("an empty poll: %.2f RU, %v", empty.RequestCharge, err)
		}
	}
}

func chargeOf(t *testing.T, err error) float32 {
	t.Helper()
	resp := rawResponse(err)
	if resp == nil {
		t.Fatalf("no response in %v", err)
	}
	var ru float32
	if _, err := fmt.Sscan(resp.Header.Get("x-ms-request-charge"), &ru); err != nil {
		t.Fatal(err)
	}
	return ru
}

func TestStrongReadsCostDouble(t *testing.T) {
	e := emulatortest.Start(t, emulatortest.WithOptions(emulator.Options{Consistency: "Strong"}))
	c := newContainer(t, newClient(t, e), azcosmos.ContainerProperties{}, nil)
	ctx := context.Background()
	if err := upsert(c, "p", "1"); err != nil {
		t.Fatal(err)
	}
	strong, err := c.ReadItem(ctx, pk("p"), "1", nil)
	if err != nil || strong.RequestCharge != 2 {
		t.Errorf("strong: %v RU, %v", strong.RequestCharge, err)
	}
	relaxed, err := c.ReadItem(ctx, pk("p"), "1", &azcosmos.ItemOptions{ConsistencyLevel: azcosmos.ConsistencyLevelEventual.ToPtr()})
	if err != nil || relaxed.RequestCharge != 1 {
		t.Errorf("relaxed: %v RU, %v", relaxed.RequestCharge, err)
	}
}

// TestHierarchicalKeys queries by a prefix of the key over several partitions.
func TestHierarchicalKeys(t *testing.T) {
	e := emulatortest.Start(t, emulatortest.WithPartitions(4))
	c := newContainer(t, newClient(t, e), azcosmos.ContainerProperties{
		PartitionKeyDefinition: azcosmos.PartitionKeyDefinition{Paths: []string{"/tenant", "/user"}, Kind: azcosmos.PartitionKeyKindMultiHash, Version: 2},
	}, nil)
	ctx := context.Background()
	for i := range 40 {
		tenant, user := fmt.Sprint("t", i%4), fmt.Sprint("u", i)
		body := fmt.Appendf(nil, `{"id":"%d","tenant":%q,"user":%q}`, i, tenant, user)
		if _, err := c.CreateItem(ctx, pk(tenant).AppendString(user), body, nil); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for _, page := range ids(t, c, "SELECT * FROM c", pk("t1"), &azcosmos.QueryOptions{PageSizeHint: 3}) {
		n += len(page)
	}
	if n != 10 {
		t.Errorf("%d of 10 items of a tenant", n)
	}
	if _, err := c.ReadItem(ctx, pk("t1").AppendString("u1"), "1", nil); err != nil {
		t.Error(err)
	}
	_, err := c.ReadItem(ctx, pk("t1"), "1", nil)
	wantStatus(t, err, http.StatusBadRequest)
}
