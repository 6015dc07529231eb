package emulator_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
)

// follower reads a change feed as a client does that may be stopped at any point: it keeps the token only.
type follower struct {
	c     *azcosmos.ContainerClient
	token *string
	seen  map[string]float64 // id -> n of the last version
}

// drain reads until nothing is left and gives the number of items it met.
func (f *follower) drain(t testing.TB) (n int) {
	t.Helper()
	for range 1000 {
		o := &azcosmos.ChangeFeedOptions{MaxItemCount: 3, Continuation: f.token}
		if f.token == nil {
			o.FeedRange = &azcosmos.FeedRange{MinInclusive: "", MaxExclusive: "FF"}
		}
		resp, err := f.c.ReadChangeFeed(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range resp.Items {
			doc := decode(t, row)
			if doc["_lsn"] == nil {
				t.Errorf("no _lsn in %s", row)
			}
			f.seen[doc["id"].(string)] = doc["n"].(float64)
			n++
		}
		token := resp.ContinuationToken
		f.token = &token
		if resp.RawResponse.StatusCode == http.StatusNotModified && len(resp.Items) == 0 {
			return n
		}
	}
	t.Fatal("the feed has no end")
	return n
}

func TestChangeFeed(t *testing.T) {
	e, c := startContainer(t, emulatortest.WithPartitions(2))
	ctx := context.Background()
	f := &follower{c: c, seen: map[string]float64{}}
	want := map[string]float64{}
	write := func(id, key string, n int) {
		t.Helper()
		if _, err := c.UpsertItem(ctx, pk(key), item(id, key, "n", n), nil); err != nil {
			t.Fatal(err)
		}
		want[id] = float64(n)
	}
	for i := range 20 {
		write(fmt.Sprint(i), fmt.Sprint(i), i)
	}
	if n := f.drain(t); n != 20 {
		t.Errorf("%d changes, want 20", n)
	}
	if n := f.drain(t); n != 0 {
		t.Errorf("%d changes behind a 304 though nothing changed", n)
	}
	for round := range 4 {
		for i := range 20 {
			write(fmt.Sprint(i), fmt.Sprint(i), 100*round+i)
			if i%7 == 3 {
				f.drain(t)
			}
		}
		if _, err := e.Split(ctx, "db", "c", ""); err != nil {
			t.Fatal(err)
		}
		f = &follower{c: newClientContainer(t, e), token: f.token, seen: f.seen} // restarted with nothing but its token
	}
	f.drain(t)
	for id, n := range want {
		if f.seen[id] != n {
			t.Errorf("item %s: the follower has version %v, the last is %v", id, f.seen[id], n)
		}
	}
	if n := f.drain(t); n != 0 {
		t.Errorf("%d changes behind the last 304", n)
	}
}

func newClientContainer(t testing.TB, e *emulatortest.Emulator) *azcosmos.ContainerClient {
	t.Helper()
	c, err := newClient(t, e).NewContainer("db", "c")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChangeFeedSince(t *testing.T) {
	clock := emulator.NewFrozenClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	_, c := startContainer(t, emulatortest.WithClock(clock))
	ctx := context.Background()
	for i := range 4 {
		if _, err := c.CreateItem(ctx, pk("p"), item(fmt.Sprint(i), "p"), nil); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Hour)
	}
	since := time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)
	resp, err := c.ReadChangeFeed(ctx, &azcosmos.ChangeFeedOptions{StartFrom: &since, FeedRange: &azcosmos.FeedRange{MaxExclusive: "FF"}})
	if err != nil || resp.Count != 2 {
		t.Errorf("%d items since the third, %v", resp.Count, err)
	}
}

// TestStaleness: a read may see the past, but never less than its session token has seen.
func TestStaleness(t *testing.T) {
	e, c := startContainer(t)
	ctx := context.Background()
	first, err := c.CreateItem(ctx, pk("p"), item("1", "p", "n", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	e.SetStaleness(emulator.Staleness{Lag: time.Hour})
	done, err := c.ReplaceItem(ctx, pk("p"), "1", item("1", "p", "n", 2), nil)
	if err != nil {
		t.Fatal(err)
	}
	stale, err := c.ReadItem(ctx, pk("p"), "1", nil)
	if err != nil || decode(t, stale.Value)["n"] != 1.0 {
		t.Errorf("a read without a token does not lag: %s, %v", stale.Value, err)
	}
	fresh, err := c.ReadItem(ctx, pk("p"), "1", &azcosmos.ItemOptions{SessionToken: done.SessionToken})
	if err != nil || decode(t, fresh.Value)["n"] != 2.0 {
		t.Errorf("a read with its token lags: %s, %v", fresh.Value, err)
	}
	older, err := c.ReadItem(ctx, pk("p"), "1", &azcosmos.ItemOptions{SessionToken: first.SessionToken})
	if err != nil || decode(t, older.Value)["n"] != 1.0 {
		t.Errorf("a read with the token of an older write does not lag: %s, %v", older.Value, err)
	}
	for token, want := range map[string]float64{*first.SessionToken: 1, *done.SessionToken: 2} {
		pager := c.NewQueryItemsPager("SELECT VALUE c.n FROM c", pk("p"), &azcosmos.QueryOptions{SessionToken: &token})
		page, err := pager.NextPage(ctx)
		if err != nil || len(page.Items) != 1 || string(page.Items[0]) != fmt.Sprint(want) {
			t.Errorf("a query with token %s: %s, %v", token, page.Items, err)
		}
	}
	e.SetStaleness(emulator.Staleness{})
	now, err := c.ReadItem(ctx, pk("p"), "1", nil)
	if err != nil || decode(t, now.Value)["n"] != 2.0 {
		t.Errorf("without staleness: %s, %v", now.Value, err)
	}
}

func TestSessionTokens(t *testing.T) {
	_, c := startContainer(t)
	ctx := context.Background()
	done, err := c.CreateItem(ctx, pk("p"), item("1", "p"), nil)
	if err != nil {
		t.Fatal(err)
	}
	future := "0:-1#999999"
	_, err = c.ReadItem(ctx, pk("p"), "1", &azcosmos.ItemOptions{SessionToken: &future})
	if status(err) != http.StatusNotFound || substatus(err) != "1002" {
		t.Errorf("a token from the future: %v", err)
	}
	bad := "nonsense"
	_, err = c.ReadItem(ctx, pk("p"), "1", &azcosmos.ItemOptions{SessionToken: &bad})
	wantStatus(t, err, http.StatusBadRequest)
	if _, err = c.ReadItem(ctx, pk("p"), "1", &azcosmos.ItemOptions{SessionToken: done.SessionToken}); err != nil {
		t.Errorf("its own token: %v", err)
	}
}

func TestTimeToLive(t *testing.T) {
	e := emulatortest.Start(t)
	minute := int32(60)
	c := newContainer(t, newClient(t, e), azcosmos.ContainerProperties{DefaultTimeToLive: &minute}, nil)
	ctx := context.Background()
	for id, ttl := range map[string]any{"short": 10, "default": nil, "never": -1} {
		body := item(id, "p")
		if ttl != nil {
			body = item(id, "p", "ttl", ttl)
		}
		if _, err := c.CreateItem(ctx, pk("p"), body, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		advance time.Duration
		alive   string
	}{{0, "default never short"}, {15 * time.Second, "default never"}, {time.Minute, "never"}, {1000 * time.Hour, "never"}} {
		e.Clock().Advance(step.advance)
		var alive []string
		for _, id := range []string{"default", "never", "short"} {
			if read(c, "p", id) == nil {
				alive = append(alive, id)
			}
		}
		if got := fmt.Sprint(alive); got != "["+step.alive+"]" {
			t.Errorf("after %v more: %s, want %s", step.advance, got, step.alive)
		}
	}
}
