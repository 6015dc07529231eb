package cosmos_test

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

// TestNothingIsLostOrDoubledInAStorm: everybody adds up while every fault strikes at random. LONG=1 makes it longer.
func TestNothingIsLostOrDoubledInAStorm(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	notes := notesOf(client)
	mustCreate(t, notes, note("ann", "account", ""))
	for _, f := range passingFaults() {
		f.Op, f.Probability = emulator.OpWrite, 0.02
		e.Inject(f)
	}
	for _, status := range []int{410, 449} {
		e.Inject(emulator.Fault{Op: emulator.OpRead, Probability: 0.02, Status: status})
	}
	workers, each := 4, 25
	if os.Getenv("LONG") != "" {
		each = 500
	}
	var done, unknown atomic.Int64
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			runs := 0
			for n := range each {
				var err error
				if n%2 == 0 {
					_, err = notes.Update(t.Context(), cosmos.PK("ann"), "account", cosmos.Operation{}, increment(&runs))
				} else {
					err = grantWithMarker(t, notes)
				}
				switch {
				case err == nil:
					done.Add(1)
				case fault.ReasonOf(err) == cosmos.ReasonOutcomeUnknown && n%2 == 0: // a marker always tells
					unknown.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	e.ClearFaults()
	doc := mustRead(t, notes, "ann", "account")
	if least, most := done.Load(), done.Load()+unknown.Load(); int64(doc.Count) < least || int64(doc.Count) > most {
		t.Errorf("the account has %d, want %d to %d", doc.Count, least, most)
	}
	if unknown.Load() > done.Load()/4 {
		t.Errorf("the outcome of %d changes is unknown, of %d it is not", unknown.Load(), done.Load())
	}
}

// grantWithMarker adds one by a batch, and decides again when it lost a race.
func grantWithMarker(t *testing.T, notes *cosmos.Kind[noteDoc]) error {
	t.Helper()
	op := cosmos.NewOperation("ann", freshID("request"))
	return notes.Container().Decide(t.Context(), func(ctx context.Context) error {
		account, err := notes.Read(ctx, cosmos.PK("ann"), "account")
		if err != nil {
			return err
		}
		account.Count++
		answer := note("ann", "m|"+op.ID(), "")
		_, err = notes.Container().Batch(cosmos.PK("ann"), op).Replace(notes.Item(account)).CreateMarker(notes.Item(answer)).Execute(ctx)
		return err
	})
}

// TestCutReads: the SDK repeats these by itself after a second, within the time of one call.
func TestCutReads(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	notes := notesOf(client)
	subtests := map[string]func(*testing.T){}
	for name, f := range map[string]emulator.Fault{"cut before": {DropBefore: true}, "cut after": {DropAfter: true}, "408": {Status: 408}} {
		subtests[name] = func(t *testing.T) {
			owner := freshID("owner")
			mustCreate(t, notes, note(owner, "n1", ""))
			f.Op, f.PartitionKey, f.Count = emulator.OpRead, owner, 1
			e.Inject(f)
			mustRead(t, notes, owner, "n1")
		}
	}
	together(t, subtests)
}

func TestTimeToLive(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "a clock that can be moved", specs(t))
	notes := notesOf(client)
	short, long := note("ann", "short", ""), note("ann", "long", "")
	short.TTL = 60
	mustCreate(t, notes, short)
	mustCreate(t, notes, long)
	runs := 0
	e.Clock().Advance(40 * time.Second)
	if doc, err := notes.Update(t.Context(), cosmos.PK("ann"), "short", cosmos.Operation{}, increment(&runs)); err != nil || doc.TTL != 60 {
		t.Errorf("%+v, %v", doc, err)
	}
	e.Clock().Advance(40 * time.Second) // 40 s after the last write
	mustRead(t, notes, "ann", "short")
	e.Clock().Advance(40 * time.Second)
	docs, err := notes.Query(t.Context(), cosmos.PK("ann"), cosmos.SQL("SELECT * FROM c"))
	if err != nil || len(docs) != 1 || docs[0].ID != "long" {
		t.Errorf("%+v, %v", docs, err)
	}
}
