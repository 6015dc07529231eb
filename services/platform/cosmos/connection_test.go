package cosmos_test

import (
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

// TestStoreThatComesLater: a service that starts before its store, or before its role, goes on as soon as it is there. The
// bare SDK would repeat the first failure for five minutes.
func TestStoreThatComesLater(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	mustCreate(t, notesOf(client), note("ann", "n1", "x"))
	for name, f := range map[string]emulator.Fault{
		"role missing": {Status: 403, Substatus: 5301},
		"wrong time":   {Status: 401},
		"not found":    {Status: 404},
	} {
		f.Op = emulator.OpAccount
		remove := e.Inject(f)
		c := impatient(t, e, client.Database(), cosmos.Options{Patience: time.Second})
		notes := notesOf(c)
		for range 3 {
			if _, err := notes.Read(t.Context(), cosmos.PK("ann"), "n1"); err == nil || fault.As(err) == nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := c.Check(t.Context(), specs(t)); fault.ReasonOf(err) != cosmos.ReasonNotPrepared {
			t.Errorf("%s: %v", name, err)
		}
		remove()
		eventually(t, name+": the store is there", func() bool { return c.Check(t.Context(), specs(t)) == nil })
		if doc := mustRead(t, notes, "ann", "n1"); doc.Text != "x" {
			t.Errorf("%s: %+v", name, doc)
		}
	}
}

// TestAccountThatDoesNotAnswer: the first call keeps its time limit, although the SDK's first contact has none.
func TestAccountThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	remove := e.Inject(emulator.Fault{Op: emulator.OpAccount, Latency: 5 * time.Second})
	defer remove()
	notes := notesOf(impatient(t, e, client.Database(), cosmos.Options{Patience: 100 * time.Millisecond}))
	begun := time.Now()
	_, err := notes.Read(t.Context(), cosmos.PK("ann"), "n1")
	if took := time.Since(begun); !fault.Is(err, fault.Unavailable) || took > 2*time.Second {
		t.Errorf("%v after %v", err, took)
	}
}

// TestAccountThatDoesNotAnswerOnce: one first contact that hangs does not keep the service from the next.
func TestAccountThatDoesNotAnswerOnce(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	mustCreate(t, notesOf(client), note("ann", "n1", "x"))
	e.Inject(emulator.Fault{Op: emulator.OpAccount, Latency: 40 * time.Second, Count: 1})
	notes := notesOf(impatient(t, e, client.Database(), cosmos.Options{Patience: 300 * time.Millisecond}))
	eventually(t, "the store is there", func() bool {
		_, err := notes.Read(t.Context(), cosmos.PK("ann"), "n1")
		return err == nil
	})
}
