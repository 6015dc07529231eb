package cosmos_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

// TestRivalsInsideTheClosure: the rival writes between our read and our write, every time it can.
func TestRivalsInsideTheClosure(t *testing.T) {
	t.Parallel()
	notes := startNotes(t)
	key, ctx := cosmos.PK("ann"), t.Context()
	mustCreate(t, notes, note("ann", "n1", ""))
	const rivals = 12 // more than a document remembers operations
	runs := 0
	doc, err := notes.Update(ctx, key, "n1", cosmos.Operation{}, func(doc *noteDoc) (bool, error) {
		if runs++; runs <= rivals {
			n := 0
			if _, err := notes.Update(ctx, key, "n1", cosmos.Operation{}, increment(&n)); err != nil {
				return false, err
			}
		}
		doc.Count += 100
		return true, nil
	})
	if err != nil || doc.Count != rivals+100 || runs != rivals+1 {
		t.Errorf("%+v after %d runs, %v", doc, runs, err)
	}
	if got := mustRead(t, notes, "ann", "n1"); got.Count != rivals+100 || len(got.Ops) != 8 {
		t.Errorf("stored %+v", got)
	}
}

func TestRivalCreatesAndDeletesInsideTheClosure(t *testing.T) {
	notes := startNotes(t)
	key, ctx := cosmos.PK("ann"), t.Context()
	runs := 0
	doc, err := notes.UpdateOrCreate(ctx, key, "n1", cosmos.Operation{}, func(doc *noteDoc) (bool, error) {
		switch runs++; runs {
		case 1: // we saw nothing, then it is there
			rival := note("ann", "n1", "rival")
			rival.Count = 5
			mustCreate(t, notes, rival)
		case 2: // we saw it, then it is gone
			if err := notes.Delete(ctx, key, "n1", ""); err != nil {
				return false, err
			}
		}
		doc.Owner = "ann"
		doc.Count++
		return true, nil
	})
	if err != nil || runs != 3 || doc.Count != 1 || doc.Text != "" {
		t.Errorf("%+v after %d runs, %v", doc, runs, err)
	}
	_, err = notes.Update(ctx, key, "n1", cosmos.Operation{}, func(*noteDoc) (bool, error) {
		return true, notes.Delete(ctx, key, "n1", "")
	})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("update of what a rival deleted: %v", err)
	}
}

func TestUpdateOfARequestThatCameBefore(t *testing.T) {
	notes := startNotes(t)
	key, ctx := cosmos.PK("ann"), t.Context()
	mustCreate(t, notes, note("ann", "n1", ""))
	op := cosmos.NewOperation("ann", "request-1", []byte("+1"))
	runs := 0
	for range 3 {
		doc, err := notes.Update(ctx, key, "n1", op, increment(&runs))
		if err != nil || doc.Count != 1 {
			t.Fatalf("%+v, %v", doc, err)
		}
	}
	if runs != 1 {
		t.Errorf("decided %d times", runs)
	}
	if doc, err := notes.Update(ctx, key, "n1", op.Step("second"), increment(&runs)); err != nil || doc.Count != 2 {
		t.Errorf("another step: %+v, %v", doc, err)
	}
	reused := cosmos.NewOperation("ann", "request-1", []byte("+2"))
	if _, err := notes.Update(ctx, key, "n1", reused, increment(&runs)); fault.ReasonOf(err) != cosmos.ReasonRequestIDReused {
		t.Errorf("reused: %v", err)
	}
	if doc := mustRead(t, notes, "ann", "n1"); doc.Count != 2 {
		t.Errorf("stored %+v", doc)
	}
}

func TestUpdateThatDecidesAgainstIt(t *testing.T) {
	notes := startNotes(t)
	key := cosmos.PK("ann")
	before := mustCreate(t, notes, note("ann", "n1", "x"))
	ctx, meter := metered(t.Context())
	doc, err := notes.Update(ctx, key, "n1", cosmos.Operation{}, func(doc *noteDoc) (bool, error) {
		doc.Text = "changed, but not to be stored"
		return false, nil
	})
	if err != nil || doc.ETag != before.ETag || meter.Calls() != 1 {
		t.Errorf("%+v with %d calls, %v", doc, meter.Calls(), err)
	}
	refusal := errors.New("no")
	if _, err := notes.Update(ctx, key, "n1", cosmos.Operation{}, func(*noteDoc) (bool, error) { return true, refusal }); !errors.Is(err, refusal) {
		t.Errorf("%v", err)
	}
	if _, err := notes.Update(ctx, key, "missing", cosmos.Operation{}, nil); !fault.Is(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
	if got := mustRead(t, notes, "ann", "n1"); got.Text != "x" || got.ETag != before.ETag {
		t.Errorf("stored %+v", got)
	}
}

func TestConcurrentUpdatesLoseNothing(t *testing.T) {
	notes := startNotes(t)
	const workers, each = 8, 10
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			runs := 0
			for range each {
				_, err := notes.UpdateOrCreate(t.Context(), cosmos.PK("ann"), "n1", cosmos.Operation{}, func(doc *noteDoc) (bool, error) {
					doc.Owner = "ann"
					return increment(&runs)(doc)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if doc := mustRead(t, notes, "ann", "n1"); doc.Count != workers*each {
		t.Errorf("count is %d, want %d", doc.Count, workers*each)
	}
}

// TestDecideOverTwoDocuments moves from one document to another while a rival does the same in between.
func TestDecideOverTwoDocuments(t *testing.T) {
	notes := startNotes(t)
	key := cosmos.PK("ann")
	for _, id := range []string{"from", "to"} {
		doc := note("ann", id, "")
		doc.Count = 100
		mustCreate(t, notes, doc)
	}
	move := func(ctx context.Context, amount int, inside func()) error {
		op := cosmos.NewOperation("ann", freshID("request"), []byte(fmt.Sprint(amount)))
		return notes.Container().Decide(ctx, func(ctx context.Context) error {
			docs, err := notes.Query(ctx, key, cosmos.SQL("SELECT * FROM c ORDER BY c.id"))
			if err != nil {
				return err
			}
			if inside != nil {
				inside()
			}
			if carried, err := op.AppliedTo(&docs[0].Header); carried || err != nil {
				return err
			}
			docs[0].Count -= amount
			docs[1].Count += amount
			_, err = notes.Container().Batch(key, op).Replace(notes.Item(docs[0])).Replace(notes.Item(docs[1])).Execute(ctx)
			return err
		})
	}
	rivals := 0
	err := move(t.Context(), 10, func() {
		if rivals++; rivals <= 3 {
			if err := move(t.Context(), 1, nil); err != nil {
				t.Error(err)
			}
		}
	})
	if from, to := mustRead(t, notes, "ann", "from"), mustRead(t, notes, "ann", "to"); err != nil || from.Count != 87 || to.Count != 113 {
		t.Errorf("%d and %d, %v", from.Count, to.Count, err)
	}
	refusal := fault.New(fault.Aborted, cosmos.ReasonEtagMismatch, "the client's etag is stale")
	attempts := 0
	err = notes.Container().Decide(t.Context(), func(context.Context) error {
		attempts++
		return refusal
	})
	if !errors.Is(err, refusal) || attempts != 1 {
		t.Errorf("%d attempts, %v", attempts, err)
	}
}

// TestOutcomeThatCannotBeTold: more rivals write behind a lost answer than a document remembers. The change may be there or
// not: it is never made twice, and the caller is told.
func TestOutcomeThatCannotBeTold(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	notes := notesOf(client)
	for _, tt := range []struct {
		rivals int
		after  bool // of the commit
		want   int
		reason string
	}{
		{7, true, 8, ""}, {7, false, 8, ""},
		{8, true, 9, cosmos.ReasonOutcomeUnknown}, {8, false, 8, cosmos.ReasonOutcomeUnknown},
	} {
		owner := freshID("owner")
		mustCreate(t, notes, note(owner, "n1", ""))
		e.Inject(emulator.Fault{
			Op: emulator.OpReplace, PartitionKey: owner, Count: 1, DropBefore: !tt.after, DropAfter: tt.after,
			Hook: func(ctx context.Context, _ emulator.Point) {
				runs := 0
				for range tt.rivals {
					if _, err := notes.Update(context.WithoutCancel(ctx), cosmos.PK(owner), "n1", cosmos.Operation{}, increment(&runs)); err != nil {
						t.Error(err)
					}
				}
			},
		})
		runs := 0
		_, err := notes.Update(t.Context(), cosmos.PK(owner), "n1", cosmos.Operation{}, increment(&runs))
		if fault.ReasonOf(err) != tt.reason {
			t.Errorf("%d rivals, after %v: %v", tt.rivals, tt.after, err)
		}
		if doc := mustRead(t, notes, owner, "n1"); doc.Count != tt.want {
			t.Errorf("%d rivals, after %v: count is %d, want %d", tt.rivals, tt.after, doc.Count, tt.want)
		}
	}
}
