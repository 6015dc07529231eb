package emulator_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

func statuses(r azcosmos.TransactionalBatchResponse) (out []int32) {
	for _, result := range r.OperationResults {
		out = append(out, result.StatusCode)
	}
	return out
}

func TestBatch(t *testing.T) {
	_, c := startContainer(t)
	ctx := context.Background()
	seed, err := c.CreateItem(ctx, pk("p"), item("seed", "p", "n", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	var p azcosmos.PatchOperations
	p.AppendIncrement("/n", 1)
	b := c.NewTransactionalBatch(pk("p"))
	b.CreateItem(item("a", "p"), nil)
	b.UpsertItem(item("b", "p"), nil)
	b.PatchItem("seed", p, &azcosmos.TransactionalBatchItemOptions{IfMatchETag: &seed.ETag})
	b.ReplaceItem("a", item("a", "p", "n", 2), nil)
	b.ReadItem("seed", nil)
	b.DeleteItem("b", nil)
	done, err := c.ExecuteTransactionalBatch(ctx, b, &azcosmos.TransactionalBatchOptions{EnableContentResponseOnWrite: true})
	if err != nil || !done.Success {
		t.Fatalf("batch: %v, %v", statuses(done), err)
	}
	if got, want := fmt.Sprint(statuses(done)), "[201 201 200 200 200 204]"; got != want {
		t.Errorf("statuses %s, want %s", got, want)
	}
	if doc := decode(t, done.OperationResults[4].ResourceBody); doc["n"] != 2.0 {
		t.Errorf("a read behind a patch sees %v", doc)
	}
	var sum float64
	for i, r := range done.OperationResults {
		sum += float64(r.RequestCharge)
		if r.RequestCharge <= 0 {
			t.Errorf("operation %d costs %v", i, r.RequestCharge)
		}
	}
	if math.Abs(sum-float64(done.RequestCharge)) > 0.05 {
		t.Errorf("the operations cost %.2f, the batch %.2f", sum, done.RequestCharge)
	}
}

func TestBatchRefusedLeavesNothing(t *testing.T) {
	_, c := startContainer(t)
	ctx := context.Background()
	if _, err := c.CreateItem(ctx, pk("p"), item("there", "p"), nil); err != nil {
		t.Fatal(err)
	}
	stale := azcore.ETag(`"stale"`)
	var unmet azcosmos.PatchOperations
	unmet.SetCondition("from c where c.id = 'other'")
	unmet.AppendSet("/x", 1)
	for _, tc := range []struct {
		name string
		add  func(b *azcosmos.TransactionalBatch)
		want int32
	}{
		{"create of what is there", func(b *azcosmos.TransactionalBatch) { b.CreateItem(item("there", "p"), nil) }, http.StatusConflict},
		{"read of what is missing", func(b *azcosmos.TransactionalBatch) { b.ReadItem("missing", nil) }, http.StatusNotFound},
		{"delete of what is missing", func(b *azcosmos.TransactionalBatch) { b.DeleteItem("missing", nil) }, http.StatusNotFound},
		{"replace with a stale etag", func(b *azcosmos.TransactionalBatch) {
			b.ReplaceItem("there", item("there", "p"), &azcosmos.TransactionalBatchItemOptions{IfMatchETag: &stale})
		}, http.StatusPreconditionFailed},
		{"condition that does not hold", func(b *azcosmos.TransactionalBatch) { b.PatchItem("there", unmet, nil) }, http.StatusPreconditionFailed},
		{"another partition key", func(b *azcosmos.TransactionalBatch) { b.CreateItem(item("x", "q"), nil) }, http.StatusBadRequest},
	} {
		b := c.NewTransactionalBatch(pk("p"))
		b.CreateItem(item("fresh", "p"), nil)
		b.UpsertItem(item("there", "p", "changed", true), nil)
		tc.add(&b)
		b.CreateItem(item("last", "p"), nil)
		done, err := c.ExecuteTransactionalBatch(ctx, b, nil)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		want := fmt.Sprint([]int32{424, 424, tc.want, 424})
		if got := fmt.Sprint(statuses(done)); got != want || done.Success || done.RawResponse.StatusCode != http.StatusMultiStatus {
			t.Errorf("%s: %d %s, want 207 %s", tc.name, done.RawResponse.StatusCode, got, want)
		}
		for _, id := range []string{"fresh", "last"} {
			_, err := c.ReadItem(ctx, pk("p"), id, nil)
			if status(err) != http.StatusNotFound {
				t.Errorf("%s: %s is there: %v", tc.name, id, err)
			}
		}
		if read, err := c.ReadItem(ctx, pk("p"), "there", nil); err != nil || decode(t, read.Value)["changed"] != nil {
			t.Errorf("%s: an upsert of the refused batch is visible: %v", tc.name, err)
		}
	}
}

func TestBatchLimits(t *testing.T) {
	_, c := startContainer(t)
	ctx := context.Background()
	b := c.NewTransactionalBatch(pk("p"))
	_, err := c.ExecuteTransactionalBatch(ctx, b, nil)
	if err == nil {
		t.Error("an empty batch is accepted")
	}
	for i := range 101 {
		b.CreateItem(item(fmt.Sprint(i), "p"), nil)
	}
	_, err = c.ExecuteTransactionalBatch(ctx, b, nil)
	wantStatus(t, err, http.StatusBadRequest)
	large := c.NewTransactionalBatch(pk("p"))
	for i := range 3 {
		large.CreateItem(item(fmt.Sprint(i), "p", "s", strings.Repeat("x", 800<<10)), nil)
	}
	_, err = c.ExecuteTransactionalBatch(ctx, large, nil)
	wantStatus(t, err, http.StatusRequestEntityTooLarge)
	hundred := c.NewTransactionalBatch(pk("p"))
	for i := range 100 {
		hundred.CreateItem(item(fmt.Sprint(i), "p"), nil)
	}
	if done, err := c.ExecuteTransactionalBatch(ctx, hundred, nil); err != nil || !done.Success || len(done.OperationResults) != 100 {
		t.Errorf("100 operations: %v, %v", statuses(done), err)
	}
}
