package cosmos_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"supergame/local/emulator/emulatortest"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

func fill(t *testing.T, notes *cosmos.Kind[noteDoc], owners []string, each int) {
	t.Helper()
	for _, owner := range owners {
		batch := notes.Container().Batch(cosmos.PK(owner), cosmos.Operation{})
		for i := range each {
			doc := note(owner, fmt.Sprintf("n%02d", i), "of "+owner)
			doc.Count = i
			batch.Create(notes.Item(doc))
		}
		if _, err := batch.Execute(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// startPartitioned gives notes in a container of several physical partitions; on an account it has as many as it has.
func startPartitioned(t *testing.T) *cosmos.Kind[noteDoc] {
	t.Helper()
	client, _ := cosmostest.Start(t, specs(t), emulatortest.WithPartitions(3))
	return notesOf(client)
}

func TestQueryOfOnePartition(t *testing.T) {
	notes := startNotes(t)
	fill(t, notes, []string{"ann", "bob"}, 10)
	ctx, meter := metered(t.Context())
	docs, err := notes.Query(ctx, cosmos.PK("ann"), cosmos.SQL("SELECT * FROM c WHERE c.count >= @least ORDER BY c.count DESC").With("@least", 4))
	if err != nil || len(docs) != 6 || docs[0].Count != 9 || docs[5].Count != 4 || docs[0].Owner != "ann" || docs[0].ETag == "" {
		t.Errorf("%d documents, %v", len(docs), err)
	}
	if meter.Calls() < 1 || meter.Charge() <= 0 {
		t.Errorf("%d calls, %v RU", meter.Calls(), meter.Charge())
	}
	docs[0].Text = "from a query"
	if err := notes.Replace(ctx, cosmos.PK("ann"), cosmos.Operation{}, docs[0]); err != nil {
		t.Errorf("replace of what a query gave: %v", err)
	}
	counts, err := cosmos.Select[int](ctx, notes.Container(), cosmos.PK("ann"), cosmos.SQL("SELECT VALUE c.count FROM c WHERE c.count < 3"))
	slices.Sort(counts)
	if err != nil || !slices.Equal(counts, []int{0, 1, 2}) {
		t.Errorf("%v, %v", counts, err)
	}
}

func TestPages(t *testing.T) {
	notes := startPartitioned(t)
	fill(t, notes, []string{"ann", "bob", "cem"}, 10)
	for name, key := range map[string]cosmos.Key{"one partition": cosmos.PK("bob"), "all partitions": {}} {
		seen := map[string]bool{}
		options := cosmos.PageOptions{Size: 4}
		for pages := 0; ; pages++ {
			page, err := notes.QueryPage(t.Context(), key, cosmos.SQL("SELECT * FROM c"), options)
			if err != nil || len(page.Items) > 4 || pages > 40 {
				t.Fatalf("%s: page %d has %d items, %v", name, pages, len(page.Items), err)
			}
			for _, doc := range page.Items {
				if seen[doc.Owner+doc.ID] {
					t.Errorf("%s: %s %s twice", name, doc.Owner, doc.ID)
				}
				seen[doc.Owner+doc.ID] = true
			}
			if options.Continuation = page.Continuation; page.Continuation == "" {
				break
			}
		}
		if want := map[string]int{"one partition": 10, "all partitions": 30}[name]; len(seen) != want {
			t.Errorf("%s: %d documents, want %d", name, len(seen), want)
		}
	}
	type row struct{ ID string }
	page, err := cosmos.SelectPage[row](t.Context(), notes.Container(), cosmos.PK("ann"), cosmos.SQL("SELECT c.id FROM c"), cosmos.PageOptions{Size: 3})
	if err != nil || len(page.Items) != 3 || page.Items[0].ID == "" || page.Continuation == "" {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestForeignContinuation(t *testing.T) {
	notes := startNotes(t)
	for _, token := range []string{"nonsense", "line\r\nbreak", `{"x":1}`, "\x00", "日本"} {
		_, err := notes.QueryPage(t.Context(), cosmos.PK("ann"), cosmos.SQL("SELECT * FROM c"), cosmos.PageOptions{Continuation: token})
		if !fault.Is(err, fault.InvalidArgument) {
			t.Errorf("continuation %q: %v", token, err)
		}
	}
	if _, err := notes.Query(t.Context(), cosmos.PK("ann"), cosmos.SQL("SELEKT")); !fault.Is(err, fault.Internal) {
		t.Errorf("a query of ours that is none: %v", err)
	}
}

func TestScanSeesEveryPartition(t *testing.T) {
	notes := startPartitioned(t)
	owners := []string{"ann", "bob", "cem", "dan"}
	fill(t, notes, owners, 5)
	seen := map[string]int{}
	statement := cosmos.SQL("SELECT * FROM c WHERE c.type = @type").With("@type", "note")
	err := notes.Scan(t.Context(), statement, func(doc *noteDoc) error {
		seen[doc.Owner]++
		return nil
	})
	if err != nil || len(seen) != len(owners) {
		t.Errorf("%v, %v", seen, err)
	}
	for _, owner := range owners {
		if seen[owner] != 5 {
			t.Errorf("%s: %d", owner, seen[owner])
		}
	}
	stop := errors.New("enough")
	if err := notes.Scan(t.Context(), statement, func(*noteDoc) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}
