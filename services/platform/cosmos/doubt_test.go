package cosmos_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

// afterwards loses the answer of the next batch or deletion of ann's, after a rival did something behind it.
func afterwards(op emulator.Op, rival func(context.Context)) emulator.Fault {
	return emulator.Fault{Op: op, PartitionKey: "ann", Count: 1, DropAfter: true, Hook: func(ctx context.Context, _ emulator.Point) {
		rival(context.WithoutCancel(ctx))
	}}
}

// TestBatchWhoseTraceIsDeleted: the answer of a batch is lost, and a rival deletes what would tell first that it was carried out.
func TestBatchWhoseTraceIsDeleted(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	notes, key := notesOf(client), cosmos.PK("ann")
	remove := func(ids ...string) func(context.Context) {
		return func(ctx context.Context) {
			for _, id := range ids {
				if err := notes.Delete(ctx, key, id, ""); err != nil {
					t.Error(err)
				}
			}
		}
	}
	bury := func(ctx context.Context) { // more rivals than a document remembers
		for range 9 {
			runs := 0
			if _, err := notes.Update(ctx, key, "a", cosmos.Operation{}, increment(&runs)); err != nil {
				t.Error(err)
			}
		}
	}
	tests := []struct {
		name   string
		rival  func(context.Context)
		batch  func(b *cosmos.Batch, x, y *noteDoc)
		reason string // "" = success
	}{
		{"the first of two", remove("a"), func(b *cosmos.Batch, x, y *noteDoc) { b.Replace(notes.Item(x)).Replace(notes.Item(y)) }, ""},
		{"the first is buried", bury, func(b *cosmos.Batch, x, y *noteDoc) { b.Replace(notes.Item(x)).Replace(notes.Item(y)) }, ""},
		{"the only one is buried", bury, func(b *cosmos.Batch, x, _ *noteDoc) { b.Replace(notes.Item(x)) }, cosmos.ReasonOutcomeUnknown},
		{"the only one", remove("a"), func(b *cosmos.Batch, x, _ *noteDoc) { b.Replace(notes.Item(x)) }, cosmos.ReasonNotFound},
		{
			"all but a deletion", remove("a"),
			func(b *cosmos.Batch, x, _ *noteDoc) { b.Replace(notes.Item(x)).Delete("b", "") }, cosmos.ReasonOutcomeUnknown,
		},
		{"nothing but deletions", func(context.Context) {}, func(b *cosmos.Batch, _, _ *noteDoc) { b.Delete("a", "") }, cosmos.ReasonOutcomeUnknown},
		{"nothing but reads", remove("a"), func(b *cosmos.Batch, _, _ *noteDoc) { b.Read("a") }, cosmos.ReasonNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x, y := mustCreate(t, notes, note("ann", "a", "")), mustCreate(t, notes, note("ann", "b", ""))
			t.Cleanup(func() {
				for _, id := range []string{"a", "b"} {
					_ = notes.Delete(context.Background(), key, id, "") // where it is left
				}
			})
			x.Text, y.Text = "ours", "ours"
			e.Inject(afterwards(emulator.OpBatch, tt.rival))
			batch := notes.Container().Batch(key, cosmos.Operation{})
			tt.batch(batch, x, y)
			_, err := batch.Execute(t.Context())
			if fault.ReasonOf(err) != tt.reason {
				t.Fatalf("%v, want %q", err, tt.reason)
			}
			if tt.reason != "" {
				return
			}
			if stored := mustRead(t, notes, "ann", "b"); stored.Text != "ours" || stored.ETag != y.ETag || len(stored.Ops) != 2 {
				t.Errorf("stored %+v, document says %+v", stored, y)
			}
		})
	}
}

// TestDeleteBehindALostAnswer: a rival creates the document again before we know that we deleted it.
func TestDeleteBehindALostAnswer(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	notes, key := notesOf(client), cosmos.PK("ann")
	doc := mustCreate(t, notes, note("ann", "a", ""))
	e.Inject(afterwards(emulator.OpDelete, func(ctx context.Context) {
		if err := notes.Create(ctx, key, cosmos.Operation{}, note("ann", "a", "the rival's")); err != nil {
			t.Error(err)
		}
	}))
	err := notes.Delete(t.Context(), key, "a", doc.ETag)
	if fault.ReasonOf(err) != cosmos.ReasonOutcomeUnknown || cosmos.IsLostRace(err) {
		t.Errorf("%v", err)
	}
	if stored := mustRead(t, notes, "ann", "a"); stored.Text != "the rival's" {
		t.Errorf("stored %+v", stored)
	}
	if err := notes.Delete(t.Context(), key, "a", doc.ETag); fault.ReasonOf(err) != cosmos.ReasonEtagMismatch {
		t.Errorf("a conflict that is none of ours: %v", err)
	}
}

// TestALostReadOpensNoDoubt: the read that settles a conflict is tried again itself. The conflict stands all the same.
func TestALostReadOpensNoDoubt(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	notes, key := notesOf(client), cosmos.PK("ann")
	doc := mustCreate(t, notes, note("ann", "a", ""))
	for i := range 9 { // more than a document remembers
		runs := 0
		if _, err := notes.Update(t.Context(), key, "a", cosmos.NewOperation("rival", fmt.Sprint(i)), increment(&runs)); err != nil {
			t.Fatal(err)
		}
	}
	for what, write := range map[string]func(op cosmos.Operation) error{
		cosmos.ReasonAlreadyExists: func(op cosmos.Operation) error { return notes.Create(t.Context(), key, op, note("ann", "a", "")) },
		cosmos.ReasonEtagMismatch:  func(op cosmos.Operation) error { return notes.Replace(t.Context(), key, op, doc) },
	} {
		e.Inject(emulator.Fault{Op: emulator.OpRead, Status: 410, Count: 1})
		if err := write(cosmos.NewOperation("ann", "request")); fault.ReasonOf(err) != what {
			t.Errorf("%v, want %s", err, what)
		}
	}
	if left := e.Faults(); len(left) > 0 {
		t.Errorf("faults that met nothing: %+v", left)
	}
}

// TestABeatWhoseAnswerIsLost: the holder keeps the lease, unless another took it meanwhile.
func TestABeatWhoseAnswerIsLost(t *testing.T) {
	for _, taken := range []bool{false, true} {
		t.Run(fmt.Sprint("taken: ", taken), func(t *testing.T) {
			client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
			clock := newTestClock()
			hasty := impatient(t, e, client.Database(), cosmos.Options{Patience: 20 * time.Millisecond})
			holder, rival := newLease(hasty, clock, "holder"), newLease(client, clock, "rival")
			rival.Patience = time.Second
			try(t, holder, true)
			lost := e.Inject(emulator.Fault{Op: emulator.OpReplace, Count: 1, DropAfter: true})
			away := e.Inject(emulator.Fault{Op: emulator.OpRead, Status: 503})
			if held, err := holder.Try(t.Context()); !held || err == nil {
				t.Fatalf("without an answer: held %v, %v", held, err)
			}
			lost()
			away()
			if taken {
				try(t, rival, false)
				clock.Advance(time.Second)
				try(t, rival, true)
			}
			try(t, holder, !taken)
			if taken {
				try(t, rival, true)
			}
		})
	}
}

// TestNoContentionInDoubt: a race was lost, then the answer of the next try, and the store is away. That is not contention, which
// says that nothing was written.
func TestNoContentionInDoubt(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	notes, key := notesOf(client), cosmos.PK("ann")
	mustCreate(t, notes, note("ann", "a", ""))
	hasty := notesOf(impatient(t, e, client.Database(), cosmos.Options{Patience: 500 * time.Millisecond, CallTimeout: 100 * time.Millisecond}))
	runs := 0
	_, err := hasty.Update(t.Context(), key, "a", cosmos.Operation{}, func(doc *noteDoc) (bool, error) {
		rivals := 0
		switch runs++; runs {
		case 1:
			if _, err := notes.Update(t.Context(), key, "a", cosmos.Operation{}, increment(&rivals)); err != nil {
				return false, err
			}
		case 2:
			e.Inject(emulator.Fault{Op: emulator.OpReplace, DropAfter: true})
			e.Inject(emulator.Fault{Op: emulator.OpRead, DropBefore: true})
		}
		doc.Count += 10
		return true, nil
	})
	e.ClearFaults()
	if !fault.Is(err, fault.Unavailable) || runs != 2 {
		t.Errorf("after %d runs: %v", runs, err)
	}
	if doc := mustRead(t, notes, "ann", "a"); doc.Count != 11 {
		t.Errorf("stored %+v", doc)
	}
}
