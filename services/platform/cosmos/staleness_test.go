package cosmos_test

import (
	"context"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

// withSession is the context of a call that came with the wire form of a session.
func withSession(t *testing.T, wire string) (context.Context, *cosmos.Session) {
	t.Helper()
	s, ok := cosmos.ParseSession(wire)
	if !ok {
		t.Fatalf("%q is not a session", wire)
	}
	return cosmos.WithSession(t.Context(), s), s
}

// TestReadYourWritesAcrossReplicas: what one client wrote another reads, when the session travels, and only then.
func TestReadYourWritesAcrossReplicas(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "staleness on demand", specs(t))
	writer := notesOf(client)
	reader := notesOf(cosmostest.Open(t, e, client.Database(), specs(t)))
	key := cosmos.PK("ann")
	mustCreate(t, writer, note("ann", "n1", "old"))
	e.Clock().Advance(time.Minute)
	e.SetStaleness(emulator.Staleness{Lag: 30 * time.Second})

	ctx, written := withSession(t, "")
	runs := 0
	if _, err := writer.Update(ctx, key, "n1", cosmos.Operation{}, increment(&runs)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Create(ctx, key, cosmos.Operation{}, note("ann", "n2", "")); err != nil {
		t.Fatal(err)
	}
	if doc, err := reader.Read(t.Context(), key, "n1"); err != nil || doc.Count != 0 {
		t.Fatalf("without a session: %+v, %v: the emulator does not lag", doc, err)
	}
	ctx, read := withSession(t, written.Encode())
	if doc, err := reader.Read(ctx, key, "n1"); err != nil || doc.Count != 1 {
		t.Errorf("read: %+v, %v", doc, err)
	}
	if docs, err := reader.Query(ctx, key, cosmos.SQL("SELECT * FROM c")); err != nil || len(docs) != 2 {
		t.Errorf("query: %d documents, %v", len(docs), err)
	}
	refs := []cosmos.Ref{{Key: key, ID: "n1"}, {Key: key, ID: "n2"}}
	if docs, err := reader.ReadMany(ctx, refs); err != nil || len(docs) != 2 {
		t.Errorf("read many: %d documents, %v", len(docs), err)
	}
	if docs, err := reader.ReadMany(t.Context(), refs); err != nil || len(docs) != 1 {
		t.Errorf("read many without a session: %d documents, %v", len(docs), err)
	}
	if read.Stale() {
		t.Error("the session is marked stale")
	}
}

// TestConflictsAreSettledOnALaggingReplica: without a session in the context, the read behind a conflict must still see
// what the conflict is about.
func TestConflictsAreSettledOnALaggingReplica(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "staleness on demand", specs(t))
	notes := notesOf(client)
	e.SetStaleness(emulator.Staleness{Lag: time.Hour})
	for write, run := range writes {
		if write != "create" && write != "update or create" {
			continue // the others begin with a read, which is theirs to make under a session
		}
		owner := freshID("owner")
		e.Inject(emulator.Fault{Op: emulator.OpCreate, PartitionKey: owner, Count: 1, DropAfter: true})
		if runs, err := run(t.Context(), notes, owner); err != nil || runs != 1 {
			t.Errorf("%s: decided %d times, %v", write, runs, err)
		}
	}
	ctx, _ := withSession(t, "")
	owner := freshID("owner")
	if err := notes.Create(ctx, cosmos.PK(owner), cosmos.Operation{}, note(owner, "note", "")); err != nil {
		t.Fatal(err)
	}
	runs := 0
	for range 3 {
		_, err := notes.UpdateOrCreate(t.Context(), cosmos.PK(owner), "note", cosmos.Operation{}, func(doc *noteDoc) (bool, error) {
			doc.Owner = owner
			return increment(&runs)(doc)
		})
		if err != nil {
			t.Error(err)
		}
	}
	if doc, err := notes.Read(ctx, cosmos.PK(owner), "note"); err != nil || doc.Count != 3 {
		t.Errorf("%+v, %v", doc, err)
	}
}

// TestNoReplicaHasTheWrite: the read is answered without the token, and says so.
func TestNoReplicaHasTheWrite(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	notes := notesOf(client)
	ctx, session := withSession(t, "")
	if err := notes.Create(ctx, cosmos.PK("ann"), cosmos.Operation{}, note("ann", "n1", "")); err != nil {
		t.Fatal(err)
	}
	e.Inject(emulator.Fault{Op: emulator.OpRead, Count: 2, Status: 404, Substatus: 1002}) // the first try and the SDK's second
	if _, err := notes.Read(ctx, cosmos.PK("ann"), "n1"); err != nil || !session.Stale() {
		t.Errorf("stale %v, %v", session.Stale(), err)
	}
	e.Inject(emulator.Fault{Op: emulator.OpRead, Status: 404, Substatus: 1002})
	hasty := notesOf(impatient(t, e, client.Database(), cosmos.Options{Patience: 100 * time.Millisecond}))
	if _, err := hasty.Read(ctx, cosmos.PK("ann"), "n1"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("never: %v", err)
	}
}

// TestAMadeUpSession costs its maker a fresh read, nothing else.
func TestAMadeUpSession(t *testing.T) {
	client, _ := cosmostest.StartEmulator(t, "the emulator's form of session tokens", specs(t))
	notes := notesOf(client)
	ctx, session := withSession(t, "")
	if err := notes.Create(ctx, cosmos.PK("ann"), cosmos.Operation{}, note("ann", "n1", "x")); err != nil {
		t.Fatal(err)
	}
	for _, wire := range cosmos.SessionsOfTheFuture(session) {
		ctx, s := withSession(t, wire)
		if doc, err := notes.Read(ctx, cosmos.PK("ann"), "n1"); err != nil || doc.Text != "x" || !s.Stale() {
			t.Errorf("%+v, stale %v, %v", doc, s.Stale(), err)
		}
		runs := 0
		if _, err := notes.Update(ctx, cosmos.PK("ann"), "n1", cosmos.Operation{}, increment(&runs)); err != nil {
			t.Error(err)
		}
	}
}

// TestANotFoundIsRemembered: who was told by a write that a document is gone does not read it afterwards.
func TestANotFoundIsRemembered(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "staleness on demand", specs(t))
	notes, key := notesOf(client), cosmos.PK("ann")
	mustCreate(t, notes, note("ann", "n1", ""))
	e.SetStaleness(emulator.Staleness{Lag: time.Hour})
	if err := notes.Delete(t.Context(), key, "n1", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := notes.Read(t.Context(), key, "n1"); err != nil {
		t.Fatalf("without a session: %v: the emulator does not lag", err)
	}
	ctx, _ := withSession(t, "")
	if err := notes.Delete(ctx, key, "n1", ""); !fault.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
	if doc, err := notes.Read(ctx, key, "n1"); !fault.Is(err, fault.NotFound) {
		t.Errorf("the deleted document is read: %v, %v", doc != nil, err)
	}
}
