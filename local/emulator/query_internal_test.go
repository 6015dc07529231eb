package emulator

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"supergame/local/emulator/internal/sql"
)

// TestQueriesEnd runs what would take years.
func TestQueriesEnd(t *testing.T) {
	e, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	e.queryTime = 50 * time.Millisecond
	doc := []byte(`{"id":"1","a":[0` + strings.Repeat(",0", 1000) + `],"s":"` + strings.Repeat("a", 100_000) + `"}`)
	joins := "JOIN x1 IN c.a JOIN x2 IN c.a JOIN x3 IN c.a JOIN x4 IN c.a JOIN x5 IN c.a"
	run := func(ctx context.Context, text string) error {
		q, err := sql.Prepare(text)
		if err != nil {
			t.Fatal(err)
		}
		c := &call{e: e, ctx: ctx}
		start := time.Now()
		_, err = c.runQuery(q, sql.Input{Documents: only(doc)}, func([]byte) bool { return true })
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s took %v", text, took)
		}
		return err
	}
	var refused *refusal
	for _, text := range []string{
		"SELECT VALUE COUNT(1) FROM c " + joins,
		"SELECT VALUE x1 FROM c " + joins + " WHERE x1 = 1",
		"SELECT c.id FROM c WHERE (SELECT VALUE COUNT(1) FROM y IN c.a JOIN x1 IN c.a JOIN x2 IN c.a JOIN x3 IN c.a) > 0",
		"SELECT VALUE 1 FROM c " + joins + " JOIN x6 IN c.missing",
		"SELECT DISTINCT VALUE x1 FROM c " + joins + " ORDER BY c.id",
	} {
		if err := run(context.Background(), text); !errors.As(err, &refused) || refused.status != http.StatusRequestTimeout {
			t.Errorf("%s: %v, want 408", text, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := run(ctx, "SELECT VALUE COUNT(1) FROM c "+joins); !errors.Is(err, context.Canceled) {
		t.Errorf("behind a client that went away: %v", err)
	}
	e.queryTime = time.Minute
	if err := run(context.Background(), "SELECT VALUE c.s LIKE '"+strings.Repeat("%a", 50)+"%b' FROM c"); err != nil {
		t.Error(err)
	}
}
