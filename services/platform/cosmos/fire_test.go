package cosmos_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

// passingFaults is all that may befall a request and is gone at the next one.
func passingFaults() map[string]emulator.Fault {
	faults := map[string]emulator.Fault{
		"cut before":    {DropBefore: true},
		"cut after":     {DropAfter: true},
		"429":           {Status: 429, Substatus: 3200, RetryAfter: 5 * time.Millisecond},
		"410/1002 once": {Status: 410, Substatus: 1002},
	}
	for _, status := range []int{408, 410, 449, 500, 502, 503, 504} {
		faults[fmt.Sprint(status, " before")] = emulator.Fault{Status: status}
		faults[fmt.Sprint(status, " after")] = emulator.Fault{Status: status, After: true}
	}
	return faults
}

// writes are the ways to change a document. Each brings the count of "note" from 1 to 2 (or makes it with 2) and says how
// often it decided.
var writes = map[string]func(ctx context.Context, notes *cosmos.Kind[noteDoc], owner string) (runs int, err error){
	"create": func(ctx context.Context, notes *cosmos.Kind[noteDoc], owner string) (int, error) {
		doc := note(owner, "note", "new")
		doc.Count = 2
		err := notes.Create(ctx, cosmos.PK(owner), cosmos.Operation{}, doc)
		return 1, errors.Join(err, complete(doc))
	},
	"replace": func(ctx context.Context, notes *cosmos.Kind[noteDoc], owner string) (int, error) {
		doc, err := notes.Read(ctx, cosmos.PK(owner), "note")
		if err != nil {
			return 0, err
		}
		doc.Count++
		err = notes.Replace(ctx, cosmos.PK(owner), cosmos.Operation{}, doc)
		return 1, errors.Join(err, complete(doc))
	},
	"update": func(ctx context.Context, notes *cosmos.Kind[noteDoc], owner string) (runs int, err error) {
		doc, err := notes.Update(ctx, cosmos.PK(owner), "note", cosmos.Operation{}, increment(&runs))
		return runs, errors.Join(err, complete(doc))
	},
	"update or create": func(ctx context.Context, notes *cosmos.Kind[noteDoc], owner string) (runs int, err error) {
		doc, err := notes.UpdateOrCreate(ctx, cosmos.PK(owner), "note", cosmos.Operation{}, func(doc *noteDoc) (bool, error) {
			runs++
			doc.Owner, doc.Count = owner, doc.Count+2
			return true, nil
		})
		return runs, errors.Join(err, complete(doc))
	},
	"batch": func(ctx context.Context, notes *cosmos.Kind[noteDoc], owner string) (int, error) {
		doc, err := notes.Read(ctx, cosmos.PK(owner), "note")
		if err != nil {
			return 0, err
		}
		doc.Count++
		_, err = notes.Container().Batch(cosmos.PK(owner), cosmos.Operation{}).Read("note").Replace(notes.Item(doc)).
			Create(notes.Item(note(owner, "second", ""))).Execute(ctx)
		return 1, errors.Join(err, complete(doc))
	},
	"batch with marker": func(ctx context.Context, notes *cosmos.Kind[noteDoc], owner string) (int, error) {
		doc, err := notes.Read(ctx, cosmos.PK(owner), "note")
		if err != nil {
			return 0, err
		}
		doc.Count++
		op := cosmos.NewOperation(owner, "request", []byte("content"))
		marker := note(owner, "m|"+op.ID(), "the answer")
		_, err = notes.Container().Batch(cosmos.PK(owner), op).Replace(notes.Item(doc)).CreateMarker(notes.Item(marker)).Execute(ctx)
		return 1, errors.Join(err, complete(marker))
	},
	"delete": func(ctx context.Context, notes *cosmos.Kind[noteDoc], owner string) (int, error) {
		doc, err := notes.Read(ctx, cosmos.PK(owner), "note")
		if err != nil {
			return 0, err
		}
		return 1, notes.Delete(ctx, cosmos.PK(owner), "note", doc.ETag)
	},
}

// complete checks that a write left its document as one that was read.
func complete(doc *noteDoc) error {
	if doc == nil || doc.ETag == "" || doc.Type != "note" {
		return fmt.Errorf("the document is not as it was stored: %+v", doc)
	}
	return nil
}

// TestEveryWriteUnderEveryFault: one correct answer and exactly one effect.
func TestEveryWriteUnderEveryFault(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	notes := notesOf(client)
	subtests := map[string]func(*testing.T){}
	for write, run := range writes {
		for name, f := range passingFaults() {
			subtests[write+"/"+strings.ReplaceAll(name, "/", " ")] = func(t *testing.T) {
				owner := freshID("owner")
				if write != "create" && write != "update or create" {
					doc := note(owner, "note", "")
					doc.Count = 1
					mustCreate(t, notes, doc)
				}
				f.Op, f.PartitionKey, f.Count = emulator.OpWrite, owner, 1
				met := false
				f.Hook = func(context.Context, emulator.Point) { met = true }
				e.Inject(f)
				runs, err := run(t.Context(), notes, owner)
				if err != nil {
					t.Fatalf("%v", err)
				}
				if !met {
					t.Fatal("the fault met nothing")
				}
				if runs != 1 {
					t.Errorf("decided %d times", runs)
				}
				doc, err := notes.Read(t.Context(), cosmos.PK(owner), "note")
				if write == "delete" {
					if !fault.Is(err, fault.NotFound) {
						t.Errorf("read: %+v, %v", doc, err)
					}
					return
				}
				if err != nil || doc.Count != 2 {
					t.Errorf("read: %+v, %v", doc, err)
				}
			}
		}
	}
	together(t, subtests)
}

// TestReadsUnderEveryFault: reads, queries and reads of many answer when the fault has passed.
func TestReadsUnderEveryFault(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	notes := notesOf(client)
	mustCreate(t, notes, note("ann", "n1", "x"))
	mustCreate(t, notes, note("bob", "n1", "x"))
	for name, f := range passingFaults() {
		if f.DropBefore || f.DropAfter || f.Status == 408 {
			continue // the SDK itself repeats these reads, after a second
		}
		f.Count = 1
		f.Op = emulator.OpRead
		e.Inject(f)
		if _, err := notes.Read(t.Context(), cosmos.PK("ann"), "n1"); err != nil {
			t.Errorf("read under %s: %v", name, err)
		}
		f.Op = emulator.OpQuery
		e.Inject(f)
		if docs, err := notes.Query(t.Context(), cosmos.PK("ann"), cosmos.SQL("SELECT * FROM c")); err != nil || len(docs) != 1 {
			t.Errorf("query under %s: %v, %v", name, docs, err)
		}
		e.Inject(f)
		refs := []cosmos.Ref{{Key: cosmos.PK("ann"), ID: "n1"}, {Key: cosmos.PK("bob"), ID: "n1"}}
		if docs, err := notes.ReadMany(t.Context(), refs); err != nil || len(docs) != 2 {
			t.Errorf("read many under %s: %v, %v", name, docs, err)
		}
	}
	if left := e.Faults(); len(left) > 0 {
		t.Errorf("faults that met nothing: %+v", left)
	}
}

// TestARivalBehindALostAnswer: our write commits, a rival writes over it, then our answer is lost. The retry is refused
// with 412 although we succeeded.
func TestARivalBehindALostAnswer(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	notes := notesOf(client)
	rival := func(owner string) func(context.Context, emulator.Point) {
		return func(ctx context.Context, _ emulator.Point) {
			runs := 0
			if _, err := notes.Update(context.WithoutCancel(ctx), cosmos.PK(owner), "note", cosmos.Operation{}, increment(&runs)); err != nil {
				t.Errorf("rival: %v", err)
			}
		}
	}
	for write, run := range writes {
		if write == "delete" {
			continue // nothing is left that a rival could change
		}
		t.Run(write, func(t *testing.T) {
			owner := freshID("owner")
			if write != "create" && write != "update or create" {
				doc := note(owner, "note", "")
				doc.Count = 1
				mustCreate(t, notes, doc)
			}
			e.Inject(emulator.Fault{Op: emulator.OpWrite, PartitionKey: owner, Count: 1, DropAfter: true, Hook: rival(owner)})
			runs, err := run(t.Context(), notes, owner)
			if err != nil || runs != 1 {
				t.Fatalf("decided %d times, %v", runs, err)
			}
			if doc := mustRead(t, notes, owner, "note"); doc.Count != 3 {
				t.Errorf("count is %d, want ours and the rival's: 3", doc.Count)
			}
		})
	}
}

// TestALostAnswerThatTheSDKHides: HTTP/2 reports a lost connection by errors that the SDK does not recognize and repeats by
// itself, writes too.
func TestALostAnswerThatTheSDKHides(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	notes := notesOf(client)
	subtests := map[string]func(*testing.T){}
	for write, run := range writes {
		subtests[write] = func(t *testing.T) {
			lossy := &lossyTransport{next: e}
			under := notesOf(impatient(t, e, client.Database(), cosmos.Options{Transport: lossy}))
			owner := freshID("owner")
			if write != "create" && write != "update or create" {
				doc := note(owner, "note", "")
				doc.Count = 1
				mustCreate(t, notes, doc)
			}
			lossy.losses.Store(1)
			runs, err := run(t.Context(), under, owner)
			if err != nil || runs != 1 {
				t.Fatalf("decided %d times, %v", runs, err)
			}
			if write == "delete" {
				return
			}
			if doc := mustRead(t, notes, owner, "note"); doc.Count != 2 {
				t.Errorf("count is %d", doc.Count)
			}
		}
	}
	together(t, subtests)
}

// lossyTransport carries out a write and loses its answer.
type lossyTransport struct {
	next   policy.Transporter
	losses atomic.Int32
}

func (l *lossyTransport) Do(req *http.Request) (*http.Response, error) {
	resp, err := l.next.Do(req)
	isWrite := req.Method != http.MethodGet && !strings.HasSuffix(req.URL.Path, "/colls") && req.Header.Get("X-Ms-Documentdb-Query") == ""
	if err == nil && isWrite && l.losses.Add(-1) >= 0 {
		_ = resp.Body.Close()
		return nil, errors.New("http2: client connection lost")
	}
	return resp, err
}

func TestGivingUp(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	notes := notesOf(client)
	mustCreate(t, notes, note("ann", "n1", ""))
	hasty := notesOf(impatient(t, e, client.Database(), cosmos.Options{Patience: 500 * time.Millisecond, CallTimeout: 300 * time.Millisecond}))
	if _, err := hasty.Read(t.Context(), cosmos.PK("ann"), "n1"); err != nil {
		t.Fatal(err)
	}
	runs := 0
	tests := []struct {
		name  string
		fault emulator.Fault
		kind  fault.Kind
	}{
		{"unavailable", emulator.Fault{Status: 503}, fault.Unavailable},
		{"retry with", emulator.Fault{Status: 449}, fault.Unavailable},
		{"cut", emulator.Fault{DropBefore: true}, fault.Unavailable},
		{"no answer", emulator.Fault{Latency: 10 * time.Second}, fault.Unavailable},
		{"throttled", emulator.Fault{Status: 429, RetryAfter: time.Millisecond}, fault.ResourceExhausted},
		{"throttled for long", emulator.Fault{Status: 429, RetryAfter: 3 * time.Second}, fault.ResourceExhausted},
		{"forbidden", emulator.Fault{Status: 403, Substatus: 5301}, fault.Unavailable},
		{"lost races", emulator.Fault{Status: 412}, fault.Aborted},
	}
	for _, tt := range tests {
		tt.fault.Op = emulator.OpReplace
		remove := e.Inject(tt.fault)
		begun := time.Now()
		_, err := hasty.Update(t.Context(), cosmos.PK("ann"), "n1", cosmos.Operation{}, increment(&runs))
		remove()
		if !fault.Is(err, tt.kind) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.kind == fault.ResourceExhausted && fault.As(err).RetryAfter <= 0 {
			t.Errorf("%s: no advice when to come back: %v", tt.name, err)
		}
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("%s: took %v", tt.name, took)
		}
	}
}

func TestACallerWhoGoesAway(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	notes := notesOf(client)
	e.Inject(emulator.Fault{Op: emulator.OpRead, Latency: 10 * time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := notes.Read(ctx, cosmos.PK("ann"), "n1"); !fault.Is(err, fault.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := notes.Read(ctx, cosmos.PK("ann"), "n1"); !fault.Is(err, fault.DeadlineExceeded) {
		t.Errorf("late: %v", err)
	}
}

var _ policy.Transporter = (*emulatortest.Emulator)(nil)
