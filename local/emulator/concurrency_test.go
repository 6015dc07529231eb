package emulator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

const (
	incrementWorkers = 16
	incrementsEach   = 50
)

// incrementBy runs rounds in which workers add to one counter by read and guarded write, and wants every increment to be there.
// write gives 412 when another worker was faster; anything else that is not a success is a spurious error.
func incrementBy(t *testing.T, write func(c *azcosmos.ContainerClient, id string, body []byte, read azcosmos.ItemResponse) (int, error)) {
	_, c := startContainer(t)
	ctx := context.Background()
	for round := range incrementRounds {
		id := fmt.Sprint(round)
		if _, err := c.CreateItem(ctx, pk("p"), item(id, "p", "n", 0), nil); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range incrementWorkers {
			wg.Go(func() {
				for done := 0; done < incrementsEach; {
					read, err := c.ReadItem(ctx, pk("p"), id, nil)
					if err != nil {
						t.Errorf("read: %v", err)
						return
					}
					var doc map[string]any
					if err := json.Unmarshal(read.Value, &doc); err != nil {
						t.Error(err)
						return
					}
					code, err := write(c, id, item(id, "p", "n", doc["n"].(float64)+1), read)
					switch code {
					case http.StatusOK:
						done++
					case http.StatusPreconditionFailed:
					default:
						t.Errorf("write: %d, %v", code, err)
						return
					}
				}
			})
		}
		wg.Wait()
		read, err := c.ReadItem(ctx, pk("p"), id, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := decode(t, read.Value)["n"]; got != float64(incrementWorkers*incrementsEach) {
			t.Errorf("round %d: %v of %d increments", round, got, incrementWorkers*incrementsEach)
		}
	}
}

func TestIncrementsByIfMatch(t *testing.T) {
	incrementBy(t, func(c *azcosmos.ContainerClient, id string, body []byte, read azcosmos.ItemResponse) (int, error) {
		_, err := c.ReplaceItem(context.Background(), pk("p"), id, body, &azcosmos.ItemOptions{IfMatchEtag: &read.ETag})
		if err != nil {
			return status(err), err
		}
		return http.StatusOK, nil
	})
}

func TestIncrementsByBatch(t *testing.T) {
	incrementBy(t, func(c *azcosmos.ContainerClient, id string, body []byte, read azcosmos.ItemResponse) (int, error) {
		b := c.NewTransactionalBatch(pk("p"))
		b.UpsertItem(item("log-"+id, "p"), nil)
		b.ReplaceItem(id, body, &azcosmos.TransactionalBatchItemOptions{IfMatchETag: &read.ETag})
		done, err := c.ExecuteTransactionalBatch(context.Background(), b, nil)
		if err != nil {
			return status(err), err
		}
		return int(done.OperationResults[1].StatusCode), nil
	})
}
