package cosmos_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

func TestBatchIsAllOrNothing(t *testing.T) {
	notes := startNotes(t)
	key, ctx := cosmos.PK("ann"), t.Context()
	live := mustCreate(t, notes, note("ann", "live", ""))
	gone := mustCreate(t, notes, note("ann", "gone", ""))
	changed := mustCreate(t, notes, note("ann", "changed", "old"))
	changed.Text = "new"
	created, upserted := note("ann", "created", "c"), note("ann", "upserted", "u")
	batch := notes.Container().Batch(key, cosmos.Operation{}).Read("live").Replace(notes.Item(changed)).
		Create(notes.Item(created)).Upsert(notes.Item(upserted)).Delete("gone", gone.ETag)
	if batch.Len() != 5 {
		t.Errorf("Len() = %d", batch.Len())
	}
	mctx, meter := metered(ctx)
	out, err := batch.Execute(mctx)
	if err != nil || out.Replayed || len(out.Bodies) != 5 {
		t.Fatalf("%+v, %v", out, err)
	}
	if meter.Calls() != 1 || meter.Charge() <= 0 {
		t.Errorf("%d calls, %v RU", meter.Calls(), meter.Charge())
	}
	if doc, err := notes.Decode(out.Bodies[0]); err != nil || doc.ETag != live.ETag {
		t.Errorf("read in the batch: %+v, %v", doc, err)
	}
	for _, doc := range []*noteDoc{changed, created, upserted} {
		if stored := mustRead(t, notes, "ann", doc.ID); stored.ETag != doc.ETag || stored.Text != doc.Text {
			t.Errorf("stored %+v, document says %+v", stored, doc)
		}
	}
	if _, err := notes.Read(ctx, key, "gone"); !fault.Is(err, fault.NotFound) {
		t.Errorf("deleted: %v", err)
	}
	changed.Text = "newer" // its etag is good for one more
	if err := notes.Replace(ctx, key, cosmos.Operation{}, changed); err != nil {
		t.Error(err)
	}
}

func TestRefusedBatchNamesItsOperation(t *testing.T) {
	notes := startNotes(t)
	key, ctx := cosmos.PK("ann"), t.Context()
	there := mustCreate(t, notes, note("ann", "there", "old"))
	stale := *there
	stale.ETag = `"00000000-0000-0000-0000-000000000000"`
	tests := []struct {
		name   string
		add    func(*cosmos.Batch)
		kind   fault.Kind
		verb   string
		status int
	}{
		{"read", func(b *cosmos.Batch) { b.Read("missing") }, fault.NotFound, "read", 404},
		{"create", func(b *cosmos.Batch) { b.Create(notes.Item(note("ann", "there", ""))) }, fault.AlreadyExists, "create", 409},
		{"replace", func(b *cosmos.Batch) { b.Replace(notes.Item(&stale)) }, fault.Aborted, "replace", 412},
		{"upsert", func(b *cosmos.Batch) { b.Upsert(notes.Item(&stale)) }, fault.Aborted, "upsert", 412},
		{"delete", func(b *cosmos.Batch) { b.Delete("missing", "") }, fault.NotFound, "delete", 404},
		{"delete stale", func(b *cosmos.Batch) { b.Delete("there", stale.ETag) }, fault.Aborted, "delete", 412},
	}
	for _, tt := range tests {
		first := note("ann", "first", "")
		batch := notes.Container().Batch(key, cosmos.Operation{}).Create(notes.Item(first))
		tt.add(batch)
		_, err := batch.Create(notes.Item(note("ann", "last", ""))).Execute(ctx)
		var cause *cosmos.BatchError
		if !fault.Is(err, tt.kind) || !errors.As(err, &cause) || cause.Index != 1 || cause.Verb != tt.verb || cause.Status != tt.status {
			t.Errorf("%s: %v", tt.name, err)
		}
		if first.ETag != "" {
			t.Errorf("%s: the document says it is stored", tt.name)
		}
		if _, err := notes.Read(ctx, key, "first"); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: half a batch was stored: %v", tt.name, err)
		}
	}
}

func TestBatchThatIsNone(t *testing.T) {
	notes := startNotes(t)
	ctx, meter := metered(t.Context())
	c, key := notes.Container(), cosmos.PK("ann")
	if out, err := c.Batch(key, cosmos.Operation{}).Execute(ctx); err != nil || out.Replayed {
		t.Errorf("empty: %+v, %v", out, err)
	}
	full := c.Batch(key, cosmos.Operation{})
	for i := range cosmos.MaxBatch + 1 {
		full.Create(notes.Item(note("ann", fmt.Sprint(i), "")))
	}
	if _, err := full.Execute(ctx); fault.ReasonOf(err) != cosmos.ReasonTooLarge {
		t.Errorf("too many operations: %v", err)
	}
	if _, err := c.Batch(key, cosmos.Operation{}).Replace(notes.Item(note("ann", "n", ""))).Execute(ctx); !fault.Is(err, fault.Internal) {
		t.Errorf("replace without an etag: %v", err)
	}
	if meter.Calls() != 0 {
		t.Errorf("%d calls were made", meter.Calls())
	}
}

// grant adds n to an account and keeps the answer in a marker, as what adds up has to.
func grant(t *testing.T, notes *cosmos.Kind[noteDoc], op cosmos.Operation, n int) (answer *noteDoc, replayed bool, err error) {
	t.Helper()
	account, err := notes.Read(t.Context(), cosmos.PK("ann"), "account")
	if err != nil {
		t.Fatal(err)
	}
	account.Count += n
	answer = note("ann", "m|"+op.ID(), fmt.Sprint("balance ", account.Count))
	out, err := notes.Container().Batch(cosmos.PK("ann"), op).Replace(notes.Item(account)).CreateMarker(notes.Item(answer)).Execute(t.Context())
	return answer, out.Replayed, err
}

func TestMarkerGivesTheFirstAnswer(t *testing.T) {
	notes := startNotes(t)
	mustCreate(t, notes, note("ann", "account", ""))
	op := cosmos.NewOperation("ann", "request-1", []byte("5"))
	if answer, replayed, err := grant(t, notes, op, 5); err != nil || replayed || answer.Text != "balance 5" {
		t.Fatalf("%+v, %v, %v", answer, replayed, err)
	}
	if answer, replayed, err := grant(t, notes, cosmos.NewOperation("ann", "request-2"), 3); err != nil || replayed || answer.Text != "balance 8" {
		t.Fatalf("%+v, %v, %v", answer, replayed, err)
	}
	if answer, replayed, err := grant(t, notes, op, 5); err != nil || !replayed || answer.Text != "balance 5" {
		t.Errorf("the same request: %+v, %v, %v", answer, replayed, err)
	}
	if _, _, err := grant(t, notes, cosmos.NewOperation("ann", "request-1", []byte("6")), 6); fault.ReasonOf(err) != cosmos.ReasonRequestIDReused {
		t.Errorf("a reused request id: %v", err)
	}
	if account := mustRead(t, notes, "ann", "account"); account.Count != 8 {
		t.Errorf("balance %d", account.Count)
	}
}

// TestBatchBehindALostAnswer: rivals change and delete what our batch wrote, before we know that we wrote it.
func TestBatchBehindALostAnswer(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	notes := notesOf(client)
	key, ctx := cosmos.PK("ann"), t.Context()
	first, second, third := note("ann", "first", ""), note("ann", "second", ""), note("ann", "third", "")
	e.Inject(emulator.Fault{Op: emulator.OpBatch, Count: 1, DropAfter: true, Hook: func(ctx context.Context, _ emulator.Point) {
		ctx = context.WithoutCancel(ctx)
		runs := 0
		if _, err := notes.Update(ctx, key, "second", cosmos.Operation{}, increment(&runs)); err != nil {
			t.Error(err)
		}
		if err := notes.Delete(ctx, key, "third", ""); err != nil {
			t.Error(err)
		}
	}})
	out, err := notes.Container().Batch(key, cosmos.Operation{}).
		Create(notes.Item(first)).Create(notes.Item(second)).Create(notes.Item(third)).Execute(ctx)
	if err != nil || !out.Replayed || first.ETag == "" || second.Count != 1 {
		t.Errorf("%+v, %v: %+v, %+v", out, err, first, second)
	}
	second.Text = "with the etag it has now"
	if err := notes.Replace(ctx, key, cosmos.Operation{}, second); err != nil {
		t.Error(err)
	}
	refused := note("ann", "first", "another's")
	e.Inject(emulator.Fault{Op: emulator.OpBatch, Count: 1, DropBefore: true})
	if _, err := notes.Container().Batch(key, cosmos.Operation{}).Create(notes.Item(refused)).Execute(ctx); !fault.Is(err, fault.AlreadyExists) {
		t.Errorf("a conflict that is not ours: %v", err)
	}
}
