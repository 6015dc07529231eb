package emulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/local/emulator/emulatortest"
)

// newClient gives an SDK client that talks to e in process and retries nothing of its own accord.
func newClient(t testing.TB, e *emulatortest.Emulator) *azcosmos.Client {
	t.Helper()
	return newClientWith(t, e.Endpoint(), e.Key(), e)
}

func newClientWith(t testing.TB, endpoint, key string, transport policy.Transporter) *azcosmos.Client {
	t.Helper()
	cred, err := azcosmos.NewKeyCredential(key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := azcosmos.NewClientWithKey(endpoint, cred, &azcosmos.ClientOptions{
		ClientOptions: azcore.ClientOptions{Transport: transport, Retry: policy.RetryOptions{MaxRetries: -1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// newContainer makes database "db" and container "c" with the partition key /pk, or what the properties say.
func newContainer(t testing.TB, client *azcosmos.Client, properties azcosmos.ContainerProperties, o *azcosmos.CreateContainerOptions) *azcosmos.ContainerClient {
	t.Helper()
	ctx := context.Background()
	if properties.ID == "" {
		properties.ID = "c"
	}
	if len(properties.PartitionKeyDefinition.Paths) == 0 {
		properties.PartitionKeyDefinition = azcosmos.PartitionKeyDefinition{Paths: []string{"/pk"}, Kind: azcosmos.PartitionKeyKindHash, Version: 2}
	}
	if _, err := client.CreateDatabase(ctx, azcosmos.DatabaseProperties{ID: "db"}, nil); err != nil && status(err) != http.StatusConflict {
		t.Fatal(err)
	}
	db, err := client.NewDatabase("db")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.CreateContainer(ctx, properties, o); err != nil {
		t.Fatal(err)
	}
	c, err := db.NewContainer(properties.ID)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func startContainer(t testing.TB, opts ...emulatortest.Option) (*emulatortest.Emulator, *azcosmos.ContainerClient) {
	t.Helper()
	e := emulatortest.Start(t, opts...)
	return e, newContainer(t, newClient(t, e), azcosmos.ContainerProperties{}, nil)
}

// status gives the HTTP status of an SDK error, 0 when it is none.
func status(err error) int {
	var r *azcore.ResponseError
	if errors.As(err, &r) {
		return r.StatusCode
	}
	return 0
}

func substatus(err error) string {
	var r *azcore.ResponseError
	if errors.As(err, &r) && r.RawResponse != nil {
		return r.RawResponse.Header.Get("x-ms-substatus")
	}
	return ""
}

// rawResponse gives the HTTP response of an SDK error, nil when it has none.
func rawResponse(err error) *http.Response {
	var r *azcore.ResponseError
	if errors.As(err, &r) {
		return r.RawResponse
	}
	return nil
}

func wantStatus(t testing.TB, err error, want int) {
	t.Helper()
	if got := status(err); got != want {
		t.Fatalf("status %d (%v), want %d", got, err, want)
	}
}

func item(id, pk string, more ...any) []byte {
	doc := map[string]any{"id": id, "pk": pk}
	for i := 0; i+1 < len(more); i += 2 {
		doc[more[i].(string)] = more[i+1]
	}
	b, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return b
}

func decode(t testing.TB, b []byte) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatalf("%q: %v", b, err)
	}
	return doc
}

var pk = azcosmos.NewPartitionKeyString

func TestItems(t *testing.T) {
	_, c := startContainer(t)
	ctx := context.Background()
	content := &azcosmos.ItemOptions{EnableContentResponseOnWrite: true}

	created, err := c.CreateItem(ctx, pk("p"), item("1", "p", "n", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if created.RawResponse.StatusCode != http.StatusCreated || len(created.Value) != 0 || created.ETag == "" || created.SessionToken == nil {
		t.Errorf("create: %d %q etag %q session %v", created.RawResponse.StatusCode, created.Value, created.ETag, created.SessionToken)
	}
	_, err = c.CreateItem(ctx, pk("p"), item("1", "p"), nil)
	wantStatus(t, err, http.StatusConflict)

	read, err := c.ReadItem(ctx, pk("p"), "1", nil)
	if err != nil {
		t.Fatal(err)
	}
	doc := decode(t, read.Value)
	for _, name := range []string{"id", "pk", "n", "_rid", "_self", "_etag", "_ts", "_attachments"} {
		if doc[name] == nil {
			t.Errorf("read: no %s in %s", name, read.Value)
		}
	}
	if read.ETag != created.ETag || doc["_etag"] != string(created.ETag) || read.RequestCharge != 1 {
		t.Errorf("read: etag %s, create had %s, %v RU", read.ETag, created.ETag, read.RequestCharge)
	}
	if date := read.RawResponse.Header.Get("Date"); date == "" {
		t.Error("read: no Date")
	}

	replaced, err := c.ReplaceItem(ctx, pk("p"), "1", item("1", "p", "n", 2), &azcosmos.ItemOptions{IfMatchEtag: &created.ETag, EnableContentResponseOnWrite: true})
	if err != nil {
		t.Fatal(err)
	}
	if decode(t, replaced.Value)["n"] != 2.0 || replaced.ETag == created.ETag {
		t.Errorf("replace: %s", replaced.Value)
	}
	_, err = c.ReplaceItem(ctx, pk("p"), "1", item("1", "p"), &azcosmos.ItemOptions{IfMatchEtag: &created.ETag})
	wantStatus(t, err, http.StatusPreconditionFailed)
	_, err = c.ReplaceItem(ctx, pk("p"), "2", item("2", "p"), nil)
	wantStatus(t, err, http.StatusNotFound)

	for i, want := range []int{http.StatusCreated, http.StatusOK} {
		up, err := c.UpsertItem(ctx, pk("p"), item("3", "p", "n", i), content)
		if err != nil || up.RawResponse.StatusCode != want {
			t.Errorf("upsert %d: %v, %v", i, up.RawResponse, err)
		}
	}
	deleted, err := c.DeleteItem(ctx, pk("p"), "1", &azcosmos.ItemOptions{IfMatchEtag: &replaced.ETag})
	if err != nil || deleted.RawResponse.StatusCode != http.StatusNoContent {
		t.Errorf("delete: %v", err)
	}
	_, err = c.ReadItem(ctx, pk("p"), "1", nil)
	wantStatus(t, err, http.StatusNotFound)
	_, err = c.ReadItem(ctx, pk("other"), "3", nil)
	wantStatus(t, err, http.StatusNotFound)
	_, err = c.DeleteItem(ctx, pk("p"), "1", nil)
	wantStatus(t, err, http.StatusNotFound)
}

func TestItemsRefused(t *testing.T) {
	_, c := startContainer(t)
	ctx := context.Background()
	for _, tc := range []struct {
		name string
		body string
		key  azcosmos.PartitionKey
		want int
	}{
		{"key of header and body differ", `{"id":"1","pk":"b"}`, pk("a"), http.StatusBadRequest},
		{"key missing in the body", `{"id":"1"}`, pk("a"), http.StatusBadRequest},
		{"no key in the header", `{"id":"1","pk":"a"}`, azcosmos.NewPartitionKey(), http.StatusBadRequest},
		{"no id", `{"pk":"a"}`, pk("a"), http.StatusBadRequest},
		{"empty id", `{"id":"","pk":"a"}`, pk("a"), http.StatusBadRequest},
		{"id is a number", `{"id":1,"pk":"a"}`, pk("a"), http.StatusBadRequest},
		{"id is too long", `{"id":"` + strings.Repeat("x", 1024) + `","pk":"a"}`, pk("a"), http.StatusBadRequest},
		{"not JSON", `{"id":`, pk("a"), http.StatusBadRequest},
		{"an array", `[]`, pk("a"), http.StatusBadRequest},
		{"two values", `{"id":"1","pk":"a"}{}`, pk("a"), http.StatusBadRequest},
		{"too large", `{"id":"1","pk":"a","s":"` + strings.Repeat("x", 2<<20) + `"}`, pk("a"), http.StatusRequestEntityTooLarge},
		{"far too large", `{"id":"1","pk":"a","s":"` + strings.Repeat("x", 5<<20) + `"}`, pk("a"), http.StatusRequestEntityTooLarge},
		{"key too long", `{"id":"1","pk":"` + strings.Repeat("k", 2049) + `"}`, pk(strings.Repeat("k", 2049)), http.StatusBadRequest},
		{"two components", `{"id":"1","pk":"a"}`, pk("a").AppendString("b"), http.StatusBadRequest},
	} {
		_, err := c.CreateItem(ctx, tc.key, []byte(tc.body), nil)
		if got := status(err); got != tc.want {
			t.Errorf("%s: %d, want %d (%v)", tc.name, got, tc.want, err)
		}
	}
	client := newClient(t, emulatortest.Start(t))
	missing, err := client.NewContainer("no", "such")
	if err != nil {
		t.Fatal(err)
	}
	_, err = missing.ReadItem(ctx, pk("a"), "1", nil)
	wantStatus(t, err, http.StatusNotFound)
}

func TestItemsUnderEveryKindOfKey(t *testing.T) {
	_, c := startContainer(t)
	ctx := context.Background()
	for i, tc := range []struct {
		value string
		key   azcosmos.PartitionKey
	}{
		{`"s"`, pk("s")}, {`""`, pk("")}, {`1.5`, azcosmos.NewPartitionKeyNumber(1.5)}, {`true`, azcosmos.NewPartitionKeyBool(true)},
		{`null`, azcosmos.NullPartitionKey}, {`"鱀"`, pk("鱀")},
	} {
		id := fmt.Sprint(i)
		if _, err := c.CreateItem(ctx, tc.key, []byte(`{"id":"`+id+`","pk":`+tc.value+`}`), nil); err != nil {
			t.Errorf("%s: create: %v", tc.value, err)
			continue
		}
		if _, err := c.ReadItem(ctx, tc.key, id, nil); err != nil {
			t.Errorf("%s: read: %v", tc.value, err)
		}
	}
}

func TestPatchItem(t *testing.T) {
	_, c := startContainer(t)
	ctx := context.Background()
	if _, err := c.CreateItem(ctx, pk("p"), item("1", "p", "n", 1, "state", "open"), nil); err != nil {
		t.Fatal(err)
	}
	var p azcosmos.PatchOperations
	p.SetCondition("from c where c.state = 'open'")
	p.AppendIncrement("/n", 41)
	p.AppendSet("/state", "closed")
	done, err := c.PatchItem(ctx, pk("p"), "1", p, &azcosmos.ItemOptions{EnableContentResponseOnWrite: true})
	if err != nil {
		t.Fatal(err)
	}
	if doc := decode(t, done.Value); doc["n"] != 42.0 || doc["state"] != "closed" {
		t.Errorf("patched: %s", done.Value)
	}
	_, err = c.PatchItem(ctx, pk("p"), "1", p, nil)
	wantStatus(t, err, http.StatusPreconditionFailed)
	p.SetCondition("where c.n")
	_, err = c.PatchItem(ctx, pk("p"), "1", p, nil)
	wantStatus(t, err, http.StatusBadRequest)
	stale := azcore.ETag(`"stale"`)
	var q azcosmos.PatchOperations
	q.AppendRemove("/state")
	_, err = c.PatchItem(ctx, pk("p"), "1", q, &azcosmos.ItemOptions{IfMatchEtag: &stale})
	wantStatus(t, err, http.StatusPreconditionFailed)
	_, err = c.PatchItem(ctx, pk("p"), "absent", q, nil)
	wantStatus(t, err, http.StatusNotFound)
	q.AppendSet("/pk", "other")
	_, err = c.PatchItem(ctx, pk("p"), "1", q, nil)
	wantStatus(t, err, http.StatusBadRequest)
	var many azcosmos.PatchOperations
	for range 11 {
		many.AppendIncrement("/n", 1)
	}
	_, err = c.PatchItem(ctx, pk("p"), "1", many, nil)
	wantStatus(t, err, http.StatusBadRequest)
	read, err := c.ReadItem(ctx, pk("p"), "1", nil)
	if err != nil || decode(t, read.Value)["n"] != 42.0 {
		t.Errorf("after refused patches: %s, %v", read.Value, err)
	}
}
