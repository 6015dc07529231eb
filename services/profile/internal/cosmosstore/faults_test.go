package cosmosstore

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/profile"
)

// newFaultyStore gives a store on an emulator of its own.
func newFaultyStore(t *testing.T) (*Store, *emulatortest.Emulator) {
	t.Helper()
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	return New(client), e
}

// together runs subtests at the same time, however few processors there are: they wait more than they compute.
func together(t *testing.T, subtests map[string]func(*testing.T)) {
	t.Helper()
	var group sync.WaitGroup
	for name, run := range subtests {
		group.Go(func() { t.Run(name, run) })
	}
	group.Wait()
}

// passing are failures that go by: one request fails, the next does not.
var passing = map[string]emulator.Fault{
	"408":                   {Status: 408},
	"410":                   {Status: 410, Substatus: 1002},
	"429":                   {Status: 429, Substatus: 3200, RetryAfter: time.Millisecond},
	"449":                   {Status: 449},
	"500":                   {Status: 500},
	"503":                   {Status: 503},
	"cut before the commit": {DropBefore: true},
	"cut after the commit":  {DropAfter: true},
	"503 after the commit":  {Status: 503, After: true},
	"408 after the commit":  {Status: 408, After: true},
}

// writes says how the writing request of each edit looks on the wire.
var writes = map[string]emulator.Fault{
	"public":                    {Op: emulator.OpReplace},
	"public with a request id":  {Op: emulator.OpReplace},
	"private":                   {Op: emulator.OpReplace},
	"private with a request id": {Op: emulator.OpReplace},
	"both":                      {Op: emulator.OpBatch, Skip: 1}, // the first batch reads
	"both, with a request id":   {Op: emulator.OpBatch, Skip: 1},
}

// meet makes a failure meet the requests of another fault.
func meet(which, failure emulator.Fault) emulator.Fault {
	failure.Op, failure.Skip, failure.Container, failure.Count = which.Op, which.Skip, Players, 1
	return failure
}

// wantOneWrite checks that the documents carry one operation more than at their creation: every write leaves its own.
func wantOneWrite(t *testing.T, s *Store, e profile.Edit) {
	t.Helper()
	for id, touched := range map[string]bool{idProfile: e.Touches.Public, idPrivate: e.Touches.Private} {
		want := 1
		if touched {
			want = 2
		}
		if ops := storedDocument(t, s, ada, id)["ops"].([]any); len(ops) != want {
			t.Errorf("%s was written %d times, want %d", id, len(ops), want)
		}
	}
}

func TestUpdateUnderFaults(t *testing.T) {
	subtests := map[string]func(*testing.T){}
	for what, edit := range edits {
		for failureName, failure := range passing {
			subtests[what+" "+failureName] = func(t *testing.T) {
				s, e := newFaultyStore(t)
				ctx := newSession(t)
				mustCreate(ctx, t, s, ada)
				e.Inject(meet(writes[what], failure))
				got, err := s.Update(ctx, edit, mark(edit, "a"))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(expected(edit, "a"), traces(got)); diff != "" {
					t.Errorf("answer: %s", diff)
				}
				wantTraces(t, s, edit, "a")
				wantOneWrite(t, s, edit)
				wantVersions(t, s, edit, got)
			}
		}
	}
	together(t, subtests)
}

// TestLostAnswerThenRival loses the answer of a write that was carried out, and lets a rival write before it is tried again: the
// change is not made a second time, and the rival's stays.
func TestLostAnswerThenRival(t *testing.T) {
	rival := edits["both"]
	for what, edit := range edits {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s, e := newFaultyStore(t)
			ctx := newSession(t)
			mustCreate(ctx, t, s, ada)
			lost := meet(writes[what], emulator.Fault{DropAfter: true})
			lost.Hook = func(context.Context, emulator.Point) {
				if _, err := s.Update(newSession(t), rival, mark(rival, "r")); err != nil {
					t.Error(err)
				}
			}
			e.Inject(lost)
			decisions := 0
			got, err := s.Update(ctx, edit, func(p *profile.Player) (profile.Parts, error) {
				decisions++
				return mark(edit, "a")(p)
			})
			if err != nil || decisions != 1 {
				t.Fatalf("%v after %d decisions, want 1", err, decisions)
			}
			want := [2]string{"r", "r"}
			for i, mine := range expected(edit, "a") {
				want[i] = mine + want[i]
			}
			stored, err := s.GetFull(newSession(t), ada)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, traces(stored)); diff != "" {
				t.Error(diff)
			}
			wantVersions(t, s, edit, got)
		})
	}
}

func TestReadsUnderFaults(t *testing.T) {
	t.Parallel()
	subtests := map[string]func(*testing.T){}
	for failureName, failure := range passing {
		if failure.After || failure.DropAfter {
			continue // a read commits nothing
		}
		subtests[failureName] = func(t *testing.T) {
			s, e := newFaultyStore(t)
			ctx := newSession(t)
			mustCreate(ctx, t, s, ada)
			for _, op := range []emulator.Op{emulator.OpRead, emulator.OpBatch, emulator.OpQuery} {
				e.Inject(meet(emulator.Fault{Op: op}, failure))
			}
			var wg sync.WaitGroup // at once, as the SDK waits a second before it repeats a read
			wg.Go(func() {
				if public, err := s.Get(ctx, ada); err != nil || public.PlayerID != ada {
					t.Errorf("public part: %v, %v", public, err)
				}
			})
			wg.Go(func() {
				if full, err := s.GetFull(ctx, ada); err != nil || full.PlayerID != ada {
					t.Errorf("both parts: %v, %v", full, err)
				}
			})
			wg.Go(func() {
				if many, err := s.GetMany(ctx, []string{ada, bob}); err != nil || len(many) != 1 {
					t.Errorf("many: %v, %v", many, err)
				}
			})
			wg.Wait()
		}
	}
	together(t, subtests)
}

// TestMissingUnderFaults: the first answer of a read is lost, the second says that there is nothing. That is still the answer.
func TestMissingUnderFaults(t *testing.T) {
	s, e := newFaultyStore(t)
	e.Inject(emulator.Fault{Op: emulator.OpBatch, Container: Players, Count: 1, DropAfter: true})
	if _, err := s.GetFull(newSession(t), ada); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
		t.Errorf("got %v", err)
	}
}

func TestCreateUnderFaults(t *testing.T) {
	subtests := map[string]func(*testing.T){}
	for failureName, failure := range passing {
		subtests[failureName] = func(t *testing.T) {
			s, e := newFaultyStore(t)
			ctx := newSession(t)
			e.Inject(meet(emulator.Fault{Op: emulator.OpBatch}, failure))
			if made, err := s.Create(ctx, newcomer(ada)); !made || err != nil {
				t.Errorf("%v, %v, although this call created the player", made, err)
			}
			e.Inject(meet(emulator.Fault{Op: emulator.OpBatch}, failure))
			if made, err := s.Create(ctx, newcomer(ada)); made || err != nil {
				t.Errorf("a second time: %v, %v", made, err)
			}
			got, err := s.GetFull(ctx, ada)
			if diff := cmp.Diff(newcomer(ada), got, ignoreETags); diff != "" || err != nil {
				t.Error(diff, err)
			}
		}
	}
	together(t, subtests)
}
