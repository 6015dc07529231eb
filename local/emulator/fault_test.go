package emulator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/local/emulator"
)

func TestFaultsAnswerAsOrdered(t *testing.T) {
	e, c := startContainer(t)
	ctx := context.Background()
	if _, err := c.CreateItem(ctx, pk("p"), item("1", "p"), nil); err != nil {
		t.Fatal(err)
	}
	for _, f := range []emulator.Fault{
		{Status: 408}, {Status: 410, Substatus: 1002}, {Status: 410, Substatus: 1007}, {Status: 429, Substatus: 3200, RetryAfter: 250 * time.Millisecond},
		{Status: 449}, {Status: 500}, {Status: 503}, {Status: 404, Substatus: 1002},
	} {
		f.Op, f.Count = emulator.OpReplace, 1
		if f.Status == http.StatusNotFound {
			f.Count = 2 // the SDK itself tries once more
		}
		e.Inject(f)
		_, err := c.ReplaceItem(ctx, pk("p"), "1", item("1", "p", "n", f.Status), nil)
		wantStatus(t, err, f.Status)
		if f.Substatus != 0 && substatus(err) != fmt.Sprint(f.Substatus) {
			t.Errorf("%d: substatus %q, want %d", f.Status, substatus(err), f.Substatus)
		}
		var r *azcore.ResponseError
		if errors.As(err, &r) && f.RetryAfter > 0 && r.RawResponse.Header.Get("x-ms-retry-after-ms") != "250" {
			t.Errorf("%d: retry after %q", f.Status, r.RawResponse.Header.Get("x-ms-retry-after-ms"))
		}
		read, err := c.ReadItem(ctx, pk("p"), "1", nil)
		if err != nil || decode(t, read.Value)["n"] != nil {
			t.Fatalf("%d: the refused write is visible, or the fault stayed: %v", f.Status, err)
		}
	}
}

func TestFaultsMeetWhatTheyName(t *testing.T) {
	e, c := startContainer(t)
	ctx := context.Background()
	b := c.NewTransactionalBatch(pk("p"))
	b.CreateItem(item("in-batch", "p"), nil)
	for _, tc := range []struct {
		name  string
		fault emulator.Fault
		met   func() error
		other func() error
	}{
		{"operation", emulator.Fault{Op: emulator.OpUpsert, Status: 500}, func() error { return upsert(c, "p", "1") }, func() error { return read(c, "p", "1") }},
		{"id", emulator.Fault{ID: "1", Status: 500}, func() error { return upsert(c, "p", "1") }, func() error { return upsert(c, "p", "2") }},
		{"partition key", emulator.Fault{PartitionKey: "p", Status: 500}, func() error { return upsert(c, "p", "1") }, func() error { return upsert(c, "q", "1") }},
		{"partition key as JSON", emulator.Fault{PartitionKey: `["p"]`, Status: 500}, func() error { return upsert(c, "p", "1") }, func() error { return upsert(c, "q", "1") }},
		{"container", emulator.Fault{Container: "c", Status: 500}, func() error { return upsert(c, "p", "1") }, nil},
		{"id in a batch", emulator.Fault{Op: emulator.OpBatch, ID: "in-batch", Status: 500}, func() error {
			_, err := c.ExecuteTransactionalBatch(ctx, b, nil)
			return err
		}, func() error { return upsert(c, "p", "in-batch") }},
		{"writes", emulator.Fault{Op: emulator.OpWrite, Status: 500}, func() error { return upsert(c, "p", "1") }, func() error { return read(c, "p", "1") }},
	} {
		remove := e.Inject(tc.fault)
		if got := status(tc.met()); got != 500 {
			t.Errorf("%s: %d, want 500", tc.name, got)
		}
		if tc.other != nil {
			if got := status(tc.other()); got == 500 {
				t.Errorf("%s: meets another request as well", tc.name)
			}
		}
		remove()
		if got := status(tc.met()); got == 500 {
			t.Errorf("%s: is still there after it was removed", tc.name)
		}
	}
	e.Inject(emulator.Fault{Op: emulator.OpUpsert, Skip: 1, Count: 2, Status: 503})
	var got []int
	for range 4 {
		got = append(got, status(upsert(c, "p", "1")))
	}
	if fmt.Sprint(got) != "[0 503 503 0]" {
		t.Errorf("skip 1, count 2: %v", got)
	}
}

func upsert(c *azcosmos.ContainerClient, key, id string) error {
	_, err := c.UpsertItem(context.Background(), pk(key), item(id, key), nil)
	return err
}

func read(c *azcosmos.ContainerClient, key, id string) error {
	_, err := c.ReadItem(context.Background(), pk(key), id, nil)
	return err
}

func TestFaultsByProbabilityRepeat(t *testing.T) {
	run := func() string {
		e, c := startContainer(t)
		e.Inject(emulator.Fault{Op: emulator.OpUpsert, Probability: 0.5, Status: 503})
		var got []int
		for range 20 {
			got = append(got, status(upsert(c, "p", "1")))
		}
		return fmt.Sprint(got)
	}
	one, two := run(), run()
	if one != two {
		t.Errorf("two runs with one seed differ:\n%s\n%s", one, two)
	}
	if !bytes.Contains([]byte(one), []byte("503")) || !bytes.Contains([]byte(one), []byte(" 0")) {
		t.Errorf("a probability of one half gives %s", one)
	}
}

func TestDropBeforeAndAfterTheCommit(t *testing.T) {
	e, c := startContainer(t)
	ctx := context.Background()
	e.Inject(emulator.Fault{Op: emulator.OpCreate, DropBefore: true, Count: 1})
	_, err := c.CreateItem(ctx, pk("p"), item("1", "p"), nil)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("drop before: %v", err)
	}
	wantStatus(t, read(c, "p", "1"), http.StatusNotFound)

	e.Inject(emulator.Fault{Op: emulator.OpCreate, DropAfter: true, Count: 1})
	_, err = c.CreateItem(ctx, pk("p"), item("1", "p"), nil)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("drop after: %v", err)
	}
	if err := read(c, "p", "1"); err != nil {
		t.Errorf("drop after: the write is lost: %v", err)
	}
	e.Inject(emulator.Fault{Op: emulator.OpReplace, After: true, Status: 408, Count: 1})
	_, err = c.ReplaceItem(ctx, pk("p"), "1", item("1", "p", "n", 1), nil)
	wantStatus(t, err, http.StatusRequestTimeout)
	if got, err := c.ReadItem(ctx, pk("p"), "1", nil); err != nil || decode(t, got.Value)["n"] != 1.0 {
		t.Errorf("408 after the commit: the write is lost: %v", err)
	}
}

// TestHooksInterleave lets a rival write between a reader's decision and its write.
func TestHooksInterleave(t *testing.T) {
	e, c := startContainer(t)
	ctx := context.Background()
	first, err := c.CreateItem(ctx, pk("p"), item("1", "p"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var at emulator.Point
	e.Inject(emulator.Fault{Op: emulator.OpReplace, Count: 1, Hook: func(ctx context.Context, p emulator.Point) {
		at = p
		if _, err := c.ReplaceItem(ctx, pk("p"), "1", item("1", "p", "by", "rival"), nil); err != nil {
			t.Errorf("the rival: %v", err)
		}
	}})
	_, err = c.ReplaceItem(ctx, pk("p"), "1", item("1", "p"), &azcosmos.ItemOptions{IfMatchEtag: &first.ETag})
	wantStatus(t, err, http.StatusPreconditionFailed)
	if at.Op != emulator.OpReplace || at.ID != "1" || at.PartitionKey != `["p"]` || at.Container != "c" || at.Status != 0 {
		t.Errorf("the hook saw %+v", at)
	}
	var after int
	e.Inject(emulator.Fault{Op: emulator.OpCreate, Count: 1, After: true, Hook: func(_ context.Context, p emulator.Point) { after = p.Status }})
	_, err = c.CreateItem(ctx, pk("p"), item("1", "p"), nil)
	wantStatus(t, err, http.StatusConflict)
	if after != http.StatusConflict {
		t.Errorf("behind the commit the hook saw %d", after)
	}
}

func TestLatencyHonoursTheContext(t *testing.T) {
	e, c := startContainer(t)
	e.Inject(emulator.Fault{Op: emulator.OpUpsert, Latency: time.Minute})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := c.UpsertItem(ctx, pk("p"), item("1", "p"), nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	e.ClearFaults()
	wantStatus(t, read(c, "p", "1"), http.StatusNotFound)
}

func TestAdminEndpoints(t *testing.T) {
	e, c := startContainer(t)
	do := func(method, path, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, e.Endpoint()+"_emulator/"+path, bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
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
		return resp.StatusCode, string(text)
	}
	code, text := do("POST", "faults", `{"op":"upsert","status":429,"substatus":3200,"retryAfter":"1ms","latency":"1ms"}`)
	if code != 200 {
		t.Fatalf("%d %s", code, text)
	}
	wantStatus(t, upsert(c, "p", "1"), 429)
	if _, text := do("GET", "faults", ""); !bytes.Contains([]byte(text), []byte(`"retryAfter":"1ms"`)) {
		t.Errorf("faults: %s", text)
	}
	number := fmt.Sprintf("%.0f", decode(t, []byte(text))["number"])
	if code, _ := do("DELETE", "faults/"+number, ""); code != 204 {
		t.Errorf("remove: %d", code)
	}
	if code, _ := do("DELETE", "faults/"+number, ""); code != 404 {
		t.Errorf("remove twice: %d", code)
	}
	if err := upsert(c, "p", "1"); err != nil {
		t.Error(err)
	}
	before := e.Clock().Now()
	if code, text := do("POST", "clock", `{"advance":"36h"}`); code != 200 || e.Clock().Now().Sub(before) < 36*time.Hour {
		t.Errorf("clock: %d %s", code, text)
	}
	for path, body := range map[string]string{
		"faults": `{"op":"upsert","stauts":1}`, "clock": `{"advance":"-1h"}`, "split": `{"database":"none","container":"c"}`,
		"roles": `[{"principal":"x","role":"king","scope":"/"}]`,
	} {
		if code, _ := do("POST", path, body); code != 400 {
			t.Errorf("%s with %s: %d, want 400", path, body, code)
		}
	}
	if code, text := do("POST", "split", `{"database":"db","container":"c"}`); code != 200 {
		t.Errorf("split: %d %s", code, text)
	}
	if err := read(c, "p", "1"); err != nil {
		t.Errorf("after a split: %v", err)
	}
}
