package cosmos_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

func TestLifeOfADocument(t *testing.T) {
	notes := startNotes(t)
	key, ctx := cosmos.PK("ann"), t.Context()
	doc := mustCreate(t, notes, note("ann", "n1", "first"))
	if doc.ETag == "" || doc.Type != "note" || doc.SchemaVersion != 1 || len(doc.Ops) != 1 {
		t.Errorf("created %+v", doc.Header)
	}
	read := mustRead(t, notes, "ann", "n1")
	if read.Text != "first" || read.ETag != doc.ETag || read.Timestamp == 0 {
		t.Errorf("read %+v", read)
	}
	stale := *read
	read.Text = "second"
	if err := notes.Replace(ctx, key, cosmos.Operation{}, read); err != nil {
		t.Fatal(err)
	}
	stale.Text = "third"
	if err := notes.Replace(ctx, key, cosmos.Operation{}, &stale); fault.ReasonOf(err) != cosmos.ReasonEtagMismatch {
		t.Errorf("replace of a stale version: %v", err)
	}
	if stale.Text != "third" || stale.ETag != doc.ETag {
		t.Errorf("a refused replace changed its argument: %+v", stale)
	}
	if err := notes.Delete(ctx, key, "n1", doc.ETag); fault.ReasonOf(err) != cosmos.ReasonEtagMismatch {
		t.Errorf("delete of a stale version: %v", err)
	}
	if got := mustRead(t, notes, "ann", "n1"); got.Text != "second" || got.ETag != read.ETag {
		t.Errorf("read %+v", got)
	}
	if err := notes.Delete(ctx, key, "n1", read.ETag); err != nil {
		t.Fatal(err)
	}
	if _, err := notes.Read(ctx, key, "n1"); !fault.Is(err, fault.NotFound) {
		t.Errorf("read of a deleted document: %v", err)
	}
	if err := notes.Delete(ctx, key, "n1", ""); !fault.Is(err, fault.NotFound) {
		t.Errorf("delete of a deleted document: %v", err)
	}
	if err := notes.Replace(ctx, key, cosmos.Operation{}, read); !fault.Is(err, fault.NotFound) {
		t.Errorf("replace of a deleted document: %v", err)
	}
}

func TestCreateOfWhatExists(t *testing.T) {
	notes := startNotes(t)
	key, ctx := cosmos.PK("ann"), t.Context()
	op := cosmos.NewOperation("ann", "request-1", []byte("first"))
	if err := notes.Create(ctx, key, op, note("ann", "n1", "first")); err != nil {
		t.Fatal(err)
	}
	if err := notes.Create(ctx, key, cosmos.Operation{}, note("ann", "n1", "other")); fault.ReasonOf(err) != cosmos.ReasonAlreadyExists {
		t.Errorf("create by somebody else: %v", err)
	}
	again := note("ann", "n1", "what the retry says")
	if err := notes.Create(ctx, key, op, again); err != nil || again.Text != "first" || again.ETag == "" {
		t.Errorf("create by the same request: %+v, %v", again, err)
	}
	reused := cosmos.NewOperation("ann", "request-1", []byte("second"))
	err := notes.Create(ctx, key, reused, note("ann", "n1", "second"))
	if fault.ReasonOf(err) != cosmos.ReasonRequestIDReused || !fault.Is(err, fault.AlreadyExists) {
		t.Errorf("create by a reused request id: %v", err)
	}
}

func TestReadIsOneCallAndOneRU(t *testing.T) {
	cosmostest.NeedsPrices(t)
	notes := startNotes(t)
	mustCreate(t, notes, note("ann", "n1", strings.Repeat("x", 500)))
	ctx, meter := metered(t.Context())
	if _, err := notes.Read(ctx, cosmos.PK("ann"), "n1"); err != nil {
		t.Fatal(err)
	}
	if meter.Calls() != 1 || meter.Charge() < 0.99 || meter.Charge() > 1.05 {
		t.Errorf("%d calls, %v RU", meter.Calls(), meter.Charge())
	}
	runs := 0
	ctx, meter = metered(t.Context())
	if _, err := notes.Update(ctx, cosmos.PK("ann"), "n1", cosmos.Operation{}, increment(&runs)); err != nil {
		t.Fatal(err)
	}
	if meter.Calls() != 2 || runs != 1 || meter.Charge() < 10 {
		t.Errorf("update: %d calls, %v RU, %d runs", meter.Calls(), meter.Charge(), runs)
	}
}

func TestReadMany(t *testing.T) {
	notes := startPartitioned(t)
	var refs []cosmos.Ref
	for _, owner := range []string{"ann", "bob", "cem", "dörte"} {
		mustCreate(t, notes, note(owner, "n", "of "+owner))
		refs = append(refs, cosmos.Ref{Key: cosmos.PK(owner), ID: "n"})
	}
	missing := cosmos.Ref{Key: cosmos.PK("zoe"), ID: "n"}
	for _, n := range []int{0, 1, 4} {
		ctx, meter := metered(t.Context())
		docs, err := notes.ReadMany(ctx, slices.Concat(refs[:n], []cosmos.Ref{missing}))
		if err != nil {
			t.Fatal(err)
		}
		var owners []string
		for _, doc := range docs {
			owners = append(owners, doc.Owner)
			if doc.ETag == "" || doc.Text != "of "+doc.Owner {
				t.Errorf("read %+v", doc)
			}
		}
		slices.Sort(owners)
		if len(owners) != n || len(slices.Compact(owners)) != n {
			t.Errorf("%d of %d read: %q", len(owners), n, owners)
		}
		if meter.Calls() != 1 || meter.Charge() <= 0 {
			t.Errorf("%d calls, %v RU", meter.Calls(), meter.Charge())
		}
	}
	if docs, err := notes.ReadMany(t.Context(), nil); err != nil || docs != nil {
		t.Errorf("%v, %v", docs, err)
	}
}

func TestUnknownPropertiesSurvive(t *testing.T) {
	notes := startNotes(t)
	type newerNote struct {
		noteDoc
		Color string `json:"color"`
	}
	newer := cosmos.NewKind[newerNote](notes.Container(), "note", 1)
	key, ctx := cosmos.PK("ann"), t.Context()
	written := &newerNote{noteDoc: *note("ann", "n1", "x"), Color: "green"}
	if err := newer.Create(ctx, key, cosmos.Operation{}, written); err != nil {
		t.Fatal(err)
	}
	runs := 0
	for range 2 {
		if _, err := notes.Update(ctx, key, "n1", cosmos.Operation{}, increment(&runs)); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := newer.Read(ctx, key, "n1")
	if err != nil || doc.Color != "green" || doc.Count != 2 {
		t.Errorf("after an update by the older program: %+v, %v", doc, err)
	}
}

func TestNewerSchemaIsNotRewritten(t *testing.T) {
	notes := startNotes(t)
	newer := cosmos.NewKind[noteDoc](notes.Container(), "note", 2)
	key, ctx := cosmos.PK("ann"), t.Context()
	mustCreate(t, newer, note("ann", "n1", "by the newer program"))
	runs := 0
	_, err := notes.Update(ctx, key, "n1", cosmos.Operation{}, increment(&runs))
	if fault.ReasonOf(err) != cosmos.ReasonSchemaTooNew || !fault.Is(err, fault.FailedPrecondition) {
		t.Errorf("update: %v", err)
	}
	doc := mustRead(t, notes, "ann", "n1")
	if err := notes.Replace(ctx, key, cosmos.Operation{}, doc); fault.ReasonOf(err) != cosmos.ReasonSchemaTooNew {
		t.Errorf("replace: %v", err)
	}
	if _, err := notes.Container().Batch(key, cosmos.Operation{}).Replace(notes.Item(doc)).Execute(ctx); fault.ReasonOf(err) != cosmos.ReasonSchemaTooNew {
		t.Errorf("batch: %v", err)
	}
	mustCreate(t, notes, note("ann", "n2", "by the older program"))
	raised, err := newer.Update(ctx, key, "n2", cosmos.Operation{}, increment(&runs))
	if err != nil || raised.SchemaVersion != 2 {
		t.Errorf("raised: %+v, %v", raised, err)
	}
}

func TestAnotherTypeIsRefused(t *testing.T) {
	notes := startNotes(t)
	mustCreate(t, notes, note("ann", "n1", "x"))
	others := cosmos.NewKind[noteDoc](notes.Container(), "letter", 1)
	if _, err := others.Read(t.Context(), cosmos.PK("ann"), "n1"); !fault.Is(err, fault.DataLoss) {
		t.Errorf("read: %v", err)
	}
}

func TestBadIDs(t *testing.T) {
	notes := startNotes(t)
	ctx, meter := metered(t.Context())
	key := cosmos.PK("ann")
	for _, id := range []string{"", "a/b", `a\b`, "a?b", "a#b", "\x00", "\xff", strings.Repeat("x", 1024)} {
		_, err := notes.Read(ctx, key, id)
		errs := []error{
			err, notes.Create(ctx, key, cosmos.Operation{}, note("ann", id, "")), notes.Delete(ctx, key, id, ""),
		}
		_, err = notes.Container().Batch(key, cosmos.Operation{}).Read(id).Execute(ctx)
		for i, err := range append(errs, err) {
			if !fault.Is(err, fault.InvalidArgument) {
				t.Errorf("id %.20q, case %d: %v", id, i, err)
			}
		}
	}
	if meter.Calls() != 0 {
		t.Errorf("%d calls were made", meter.Calls())
	}
}

func TestStrangeNamesWork(t *testing.T) {
	notes := startNotes(t)
	for _, name := range []string{"日本", "emoji \U0001f600", `quote " and '`, "100% + &=", "a|b;c,d", "ünï"} {
		key := cosmos.PK(name)
		mustCreate(t, notes, note(name, name, "x"))
		if doc := mustRead(t, notes, name, name); doc.Owner != name {
			t.Errorf("read %+v", doc)
		}
		out, err := notes.Container().Batch(key, cosmos.Operation{}).Read(name).Delete(name, "").Execute(t.Context())
		if err != nil || len(out.Bodies) != 2 || !json.Valid(out.Bodies[0]) {
			t.Errorf("batch on %q: %+v, %v", name, out, err)
		}
	}
	control := "tab\tnul\x00"
	mustCreate(t, notes, note(control, "n", "x"))
	if doc := mustRead(t, notes, control, "n"); doc.Owner != control {
		t.Errorf("read %+v", doc)
	}
}

func TestTooLarge(t *testing.T) {
	notes := startNotes(t)
	err := notes.Create(t.Context(), cosmos.PK("ann"), cosmos.Operation{}, note("ann", "n1", strings.Repeat("x", 2<<20)))
	if fault.ReasonOf(err) != cosmos.ReasonTooLarge || !fault.Is(err, fault.InvalidArgument) {
		t.Errorf("2 MB: %v", err)
	}
}
