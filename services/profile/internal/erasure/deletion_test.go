package erasure

import (
	"testing"
	"time"
)

var (
	begin    = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	services = []string{"profile", "identity"}
)

// swept is a look through one container of a service that ends its sweep.
func swept(deleted int64) Result {
	return Result{Done: true, Containers: []string{"things"}, Deleted: map[string]int64{"things": deleted}}
}

// TestSweepsFollowEachOther: a sweep ends when all services are done with it, the next begins at its time and with nobody done.
func TestSweepsFollowEachOther(t *testing.T) {
	d := &Deletion{PlayerID: "ada", State: Erasing, CreateTime: begin}
	now := begin
	for _, sweep := range []struct {
		after State
		due   time.Time
	}{
		{Erased, begin.Add(secondAfter)}, {Certified, begin.Add(finalAfter)}, {Final, time.Time{}},
	} {
		before := d.State
		d.succeeded("profile", swept(1), now)
		d.settle(services, now)
		if d.State != before || !d.Due.Equal(now) {
			t.Errorf("with one service done: %+v", d)
		}
		d.succeeded("identity", Result{Containers: []string{"more"}}, now)
		d.settle(services, now)
		if d.State != before {
			t.Errorf("with one service not done: %+v", d)
		}
		d.succeeded("identity", swept(2), now)
		d.settle(services, now)
		if d.State != sweep.after || !d.Due.Equal(sweep.due) {
			t.Errorf("state %d, due %v; want %d, %v", d.State, d.Due, sweep.after, sweep.due)
		}
		for _, p := range d.Participants {
			if p.Done != (d.State == Final) {
				t.Errorf("in state %d: %+v", d.State, p)
			}
		}
		now = d.Due
	}
	if d.PlayerID != "" {
		t.Error("the record bears the id for ever")
	}
	if stores := d.progress("identity").Stores; len(stores) != 2 || stores[0].Name != "more" || stores[1].Deleted != 6 {
		t.Errorf("identity's stores are %+v", stores)
	}
}

// TestALateSecondSweepDelaysTheThird: it comes 8 days after the request, and not before the second has settled.
func TestALateSecondSweepDelaysTheThird(t *testing.T) {
	d := &Deletion{State: Erased, CreateTime: begin}
	now := begin.Add(9 * 24 * time.Hour)
	for _, service := range services {
		d.succeeded(service, swept(0), now)
	}
	d.settle(services, now)
	if d.State != Certified || !d.Due.Equal(now.Add(secondAfter)) {
		t.Errorf("%+v", d)
	}
}

// TestFailuresAreSpacedOut: each service has pauses of its own that grow to an hour, and a success ends them.
func TestFailuresAreSpacedOut(t *testing.T) {
	d := &Deletion{State: Erasing, CreateTime: begin}
	now, last := begin, time.Duration(0)
	for i := range 20 {
		d.failed("profile", "IS_DOWN", now)
		d.settle(services, now)
		p := d.progress("profile")
		wait := p.RetryTime.Sub(now)
		if wait < last || wait < 10*time.Second || wait > time.Hour || p.Failures != i+1 || p.Reason != "IS_DOWN" {
			t.Errorf("after failure %d: %+v", i+1, p)
		}
		if !d.Due.Equal(now) {
			t.Errorf("the other service waits until %v", d.Due)
		}
		now, last = p.RetryTime, wait
	}
	d.succeeded("identity", swept(0), now)
	d.failed("profile", "IS_DOWN", now)
	if d.settle(services, now); !d.Due.Equal(now.Add(time.Hour)) {
		t.Errorf("due %v", d.Due)
	}
	d.succeeded("profile", Result{}, now)
	d.settle(services, now)
	if p := d.progress("profile"); p.Failures != 0 || p.Reason != "" || !p.RetryTime.IsZero() || p.Done || !d.Due.Equal(now) {
		t.Errorf("after a success: %+v, due %v", p, d.Due)
	}
	if got := d.waitsFor(); len(got) != 0 {
		t.Errorf("it waits for %v", got)
	}
}

// TestARevocationThatFailsHoldsUpEverything until it is tried again.
func TestARevocationThatFailsHoldsUpEverything(t *testing.T) {
	d := &Deletion{State: Revoking, CreateTime: begin, Due: begin}
	d.failed(revokerName, "IS_DOWN", begin)
	d.settle(services, begin)
	if d.State != Revoking || !d.Due.Equal(begin.Add(10*time.Second)) {
		t.Errorf("%+v", d)
	}
}

// TestAgain: a player whom a backup brought back is deleted with all sweeps, and counted on.
func TestAgain(t *testing.T) {
	d := &Deletion{State: Final, CreateTime: begin, RevokeTime: begin, CertifyTime: begin, Participants: []Progress{
		{Service: "profile", Done: true, Stores: []Swept{{Name: "things", Deleted: 3, SweepTime: begin}}},
	}}
	now := begin.Add(time.Hour)
	d.again("ada", now)
	if d.PlayerID != "ada" || d.State != Revoking || !d.Due.Equal(now) || !d.RevokeTime.IsZero() || !d.CertifyTime.IsZero() || d.Reapplied != 1 {
		t.Errorf("%+v", d)
	}
	if p := d.Participants[0]; p.Done || p.Stores[0].Deleted != 3 {
		t.Errorf("%+v", p)
	}
}

// TestRemainders: the certificate names the revocation always, and the record until the last sweep.
func TestRemainders(t *testing.T) {
	for state, want := range map[State]int{Erased: 2, Certified: 2, Final: 1} {
		d := &Deletion{State: state, CreateTime: begin, RevokeTime: begin}
		list := d.Remainders()
		if len(list) != want || list[0].Container != "revocations" || !list[0].Until.Equal(begin.Add(revocationKept)) {
			t.Errorf("in state %d: %+v", state, list)
		}
	}
}
