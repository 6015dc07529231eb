package cosmos_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"supergame/local/emulator/emulatortest"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

// noteDoc is the document of these tests.
type noteDoc struct {
	cosmos.Header
	Owner string `json:"owner"`
	Text  string `json:"text,omitempty"`
	Count int    `json:"count"`
}

const containersJSON = `[
  {"id": "notes",
   "partitionKey": {"paths": ["/owner"], "kind": "Hash", "version": 2},
   "indexingPolicy": {"automatic": true, "indexingMode": "consistent",
     "includedPaths": [{"path": "/count/?"}], "excludedPaths": [{"path": "/*"}]},
   "defaultTtl": -1},
  {"id": "leases",
   "partitionKey": {"paths": ["/id"], "kind": "Hash", "version": 2},
   "indexingPolicy": {"automatic": false, "indexingMode": "none"}}
]`

func specs(t testing.TB) []cosmos.ContainerSpec {
	t.Helper()
	list, err := cosmos.ParseSpecs([]byte(containersJSON))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func notesOf(c *cosmos.Client) *cosmos.Kind[noteDoc] {
	return cosmos.NewKind[noteDoc](c.Container("notes"), "note", 1)
}

// startNotes gives notes in a database of their own, on the emulator that the tests share or on an account.
func startNotes(t testing.TB) *cosmos.Kind[noteDoc] {
	t.Helper()
	return notesOf(cosmostest.StartShared(t, specs(t)))
}

// impatient is one more client on the emulator, that gives up soon.
func impatient(t testing.TB, e *emulatortest.Emulator, database string, options cosmos.Options) *cosmos.Client {
	t.Helper()
	if options.Transport == nil {
		options.Transport = e
	}
	c, err := cosmos.Open(t.Context(), cosmos.Config{
		Endpoint: "https://" + database + ".localhost/", Key: config.NewSecret(e.Key()), Database: database,
	}, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

var serial atomic.Int64

// freshID is an id that no other test uses.
func freshID(prefix string) string { return fmt.Sprintf("%s-%d", prefix, serial.Add(1)) }

func note(owner, id, text string) *noteDoc {
	return &noteDoc{Header: cosmos.Header{ID: id}, Owner: owner, Text: text}
}

func mustCreate(t testing.TB, notes *cosmos.Kind[noteDoc], doc *noteDoc) *noteDoc {
	t.Helper()
	if err := notes.Create(t.Context(), cosmos.PK(doc.Owner), cosmos.Operation{}, doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func mustRead(t testing.TB, notes *cosmos.Kind[noteDoc], owner, id string) *noteDoc {
	t.Helper()
	doc, err := notes.Read(t.Context(), cosmos.PK(owner), id)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// metered gives a context with its meter.
func metered(ctx context.Context) (context.Context, *cosmos.Meter) {
	m := &cosmos.Meter{}
	return cosmos.WithMeter(ctx, m), m
}

// eventually waits for what happens in another goroutine.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("%s: not within 10 s", what)
}

// together runs subtests at the same time, however few processors there are: they wait more than they compute.
func together(t *testing.T, subtests map[string]func(*testing.T)) {
	t.Helper()
	var group sync.WaitGroup
	for name, run := range subtests {
		group.Go(func() { t.Run(name, run) })
	}
	group.Wait()
}

// increment is a change that adds up, so that doing it twice shows.
func increment(runs *int) func(*noteDoc) (bool, error) {
	return func(doc *noteDoc) (bool, error) {
		*runs++
		doc.Count++
		return true, nil
	}
}
