package cosmos_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

func TestCheckNamesWhatIsMissingOrDifferent(t *testing.T) {
	client := cosmostest.StartShared(t, specs(t))
	ctx := t.Context()
	if err := client.Prepare(ctx, specs(t)); err != nil {
		t.Fatalf("prepared twice: %v", err)
	}
	wrong := specs(t)
	wrong[0].PartitionKey.Paths = []string{"/somebody"}
	wrong[0].DefaultTTL = nil
	missing := wrong[1]
	missing.ID = "absent"
	err := client.Check(ctx, append(wrong, missing))
	if !fault.Is(err, fault.FailedPrecondition) || fault.ReasonOf(err) != cosmos.ReasonNotPrepared {
		t.Fatalf("%v", err)
	}
	for _, part := range []string{"/somebody", "defaultTtl", `"absent" does not exist`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
	if strings.Contains(err.Error(), "leases") {
		t.Errorf("names what is right: %v", err)
	}
}

func TestNothingIsCreatedWithoutLeave(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "a second client", specs(t))
	other := impatient(t, e, "elsewhere", cosmos.Options{})
	if err := other.Ensure(t.Context(), specs(t)); !fault.Is(err, fault.FailedPrecondition) {
		t.Errorf("ensure: %v", err)
	}
	if err := other.Prepare(t.Context(), specs(t)); !fault.Is(err, fault.FailedPrecondition) || !strings.Contains(err.Error(), "elsewhere") {
		t.Errorf("prepare: %v", err)
	}
	if err := impatient(t, e, client.Database(), cosmos.Options{}).DropDatabase(t.Context()); !fault.Is(err, fault.FailedPrecondition) {
		t.Errorf("drop: %v", err)
	}
	if err := client.Check(t.Context(), specs(t)); err != nil {
		t.Errorf("check: %v", err)
	}
	if err := client.DropDatabase(t.Context()); err != nil {
		t.Errorf("drop: %v", err)
	}
	if err := client.Check(t.Context(), specs(t)); !fault.Is(err, fault.FailedPrecondition) {
		t.Errorf("check after drop: %v", err)
	}
}

func TestMissingRoleIsNamed(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	e.Inject(emulator.Fault{Op: emulator.OpMetadata, Status: 403, Substatus: 5301, Count: 1})
	err := client.Check(t.Context(), specs(t)[:1])
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "role") || !strings.Contains(err.Error(), "notes") {
		t.Errorf("%v", err)
	}
	if err := client.Check(t.Context(), specs(t)[:1]); err != nil {
		t.Errorf("after the assignment has arrived: %v", err)
	}
}

func TestUnreachableStore(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	e.Inject(emulator.Fault{Op: emulator.OpMetadata, Status: 503})
	begun := time.Now()
	if err := client.Check(t.Context(), specs(t)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestPreparationWaits: a service that comes before its role is not ready, says why, and becomes ready by itself.
func TestPreparationWaits(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	remove := e.Inject(emulator.Fault{Op: emulator.OpMetadata, Status: 403, Substatus: 5301})
	waiting := impatient(t, e, client.Database(), cosmos.Options{})
	p := cosmos.NewPreparation(waiting, "notes", specs(t), slog.New(slog.DiscardHandler))
	if err := p.Ready(); fault.ReasonOf(err) != cosmos.ReasonNotPrepared {
		t.Errorf("before it ran: %v", err)
	}
	ran := make(chan bool, 1)
	go func() { ran <- p.Run(t.Context()) }()
	eventually(t, "the reason is known", func() bool { return strings.Contains(fmt.Sprint(p.Ready()), "role") })
	select {
	case <-p.Done():
		t.Error("done although the containers cannot be read")
	default:
	}
	remove()
	<-p.Done()
	if ready := <-ran; !ready || p.Ready() != nil {
		t.Errorf("%v, %v", ready, p.Ready())
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if cosmos.NewPreparation(waiting, "notes", specs(t), slog.New(slog.DiscardHandler)).Run(ended) {
		t.Error("ready although its context has ended")
	}
}
