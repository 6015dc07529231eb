package moderation_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
	"supergame/services/profile/internal/cosmosstore"
	"supergame/services/profile/internal/moderation"
)

const ada = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

// board is where players show texts, one each.
type board struct {
	mu     sync.Mutex
	texts  map[string]string
	before func() error // runs before a text is removed
	calls  int
}

func (b *board) Normalize(replacement string) (string, error) {
	if replacement == "bad" {
		return "", fault.Invalid("replacement", "is bad")
	}
	return replacement, nil
}

func (b *board) Remove(_ context.Context, playerID, text, replacement string) (bool, error) {
	b.calls++
	if b.before != nil {
		if err := b.before(); err != nil {
			return false, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.texts[playerID] != text {
		return false, nil
	}
	b.texts[playerID] = replacement
	return true, nil
}

// desk is a queue of reviews with a clock, in front of a board.
type desk struct {
	*moderation.Reviews
	*board
	clock     time.Time
	moderator *moderation.Moderator
}

type silent struct{}

func (silent) Analyze(context.Context, string, []moderation.Category) (moderation.Analysis, error) {
	return moderation.Analysis{}, errors.New("silent")
}

func newDesk(t *testing.T, client *cosmos.Client) *desk {
	t.Helper()
	d := &desk{board: &board{texts: map[string]string{}}, clock: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)}
	log := slog.New(slog.DiscardHandler)
	d.Reviews = &moderation.Reviews{
		Store: cosmosstore.NewReviews(client), Removers: map[moderation.Field]moderation.Remover{moderation.DisplayName: d.board},
		Tokens: pagetoken.New(nil), Now: func() time.Time { return d.clock }, Log: log,
	}
	d.moderator = &moderation.Moderator{
		Analyzer: silent{}, Policy: moderation.Policy{Timeout: time.Second, Unanswered: moderation.ThenReview}, Reviews: d.Reviews, Log: log,
	}
	return d
}

func reviewSpecs(t *testing.T) []cosmos.ContainerSpec {
	t.Helper()
	text, err := os.ReadFile("../../containers.json")
	if err != nil {
		t.Fatal(err)
	}
	specs, err := cosmos.ParseSpecs(text)
	if err != nil {
		t.Fatal(err)
	}
	return specs
}

func startDesk(t *testing.T) *desk {
	t.Helper()
	return newDesk(t, cosmostest.StartShared(t, reviewSpecs(t)))
}

// show brings a text as a player does: checked, and then shown.
func (d *desk) show(t *testing.T, text string) error {
	t.Helper()
	err := d.check(t, text)
	if err == nil {
		d.texts[ada] = text
	}
	return err
}

func (d *desk) check(t *testing.T, text string) error {
	t.Helper()
	return d.moderator.Check(newContext(t), moderation.Text{PlayerID: ada, Field: moderation.DisplayName, Path: "profile.display_name", Text: text})
}

func newContext(t *testing.T) context.Context {
	return cosmos.WithSession(t.Context(), &cosmos.Session{})
}

// only returns the one review there is.
func (d *desk) only(t *testing.T) moderation.Review {
	t.Helper()
	found, next, err := d.List(newContext(t), moderation.Filter{}, 10, "")
	if err != nil || len(found) != 1 || next != "" {
		t.Fatalf("%+v, %q, %v", found, next, err)
	}
	return found[0]
}

func wantReason(t *testing.T, what string, err error, kind fault.Kind, reason string) {
	t.Helper()
	if !fault.Is(err, kind) || fault.ReasonOf(err) != reason {
		t.Errorf("%s: %v, want %v %s", what, err, kind, reason)
	}
}

func TestAccept(t *testing.T) {
	d := startDesk(t)
	if err := d.show(t, "x"); err != nil {
		t.Fatal(err)
	}
	decision := moderation.Decision{ID: d.only(t).ID, Operator: "ops", Note: "fine"}
	r, err := d.Decide(newContext(t), decision)
	if err != nil || r.State != moderation.StateAccepted || r.DecidedBy != "ops" || r.Note != "fine" || !r.DecideTime.Equal(d.clock) {
		t.Errorf("%+v, %v", r, err)
	}
	if d.texts[ada] != "x" || d.calls != 0 {
		t.Errorf("%q is shown, %d removals", d.texts[ada], d.calls)
	}
	if err := d.show(t, "x"); err != nil {
		t.Errorf("an accepted text again: %v", err)
	}
	decision.Operator = "other"
	if again, err := d.Decide(newContext(t), decision); err != nil || again != r {
		t.Errorf("the same decision again: %+v, %v", again, err)
	}
	decision.Remove = true
	_, err = d.Decide(newContext(t), decision)
	wantReason(t, "another decision", err, fault.FailedPrecondition, "REVIEW_DECIDED")
	if f := fault.As(err); f == nil || f.Metadata["state"] != "accepted" || f.Metadata["decided_by"] != "ops" {
		t.Errorf("the refusal does not say what was decided: %+v", f)
	}
}

func TestRemove(t *testing.T) {
	for what, test := range map[string]struct {
		shown, want string
		removed     bool
	}{
		"shown": {"x", "Player", true}, "changed since": {"y", "y", false}, "never stored": {"", "", false},
	} {
		t.Run(what, func(t *testing.T) {
			d := startDesk(t)
			if err := d.show(t, "x"); err != nil {
				t.Fatal(err)
			}
			d.texts[ada] = test.shown
			decision := moderation.Decision{ID: d.only(t).ID, Operator: "ops", Remove: true, Replacement: "Player", RequestID: "r1"}
			for range 3 {
				r, err := d.Decide(newContext(t), decision)
				if err != nil || r.State != moderation.StateRemoving || r.TextRemoved != test.removed || r.Replacement != "Player" {
					t.Errorf("%+v, %v", r, err)
				}
				if d.texts[ada] != test.want {
					t.Errorf("%q is shown", d.texts[ada])
				}
			}
			wantReason(t, "the text again", d.show(t, "x"), fault.InvalidArgument, moderation.ReasonRefused)

			d.clock = d.clock.Add(moderation.Settle - time.Millisecond)
			if err := d.Finish(newContext(t)); err != nil || d.only(t).State != moderation.StateRemoving {
				t.Errorf("finished early: %+v, %v", d.only(t), err)
			}
			d.clock = d.clock.Add(time.Millisecond)
			if err := d.Finish(newContext(t)); err != nil {
				t.Error(err)
			}
			if r := d.only(t); r.State != moderation.StateRemoved || r.TextRemoved != test.removed || r.DecidedBy != "ops" {
				t.Errorf("finished: %+v", r)
			}
			wantReason(t, "the text again, later", d.show(t, "x"), fault.InvalidArgument, moderation.ReasonRefused)
			if r, err := d.Decide(newContext(t), decision); err != nil || r.State != moderation.StateRemoved {
				t.Errorf("the same request again: %+v, %v", r, err)
			}
		})
	}
}

// TestTextBehindItsRemoval: a call was let through, and is paused before it stores the text. An operator decides meanwhile; then the call
// goes on. The text does not stay.
func TestTextBehindItsRemoval(t *testing.T) {
	d := startDesk(t)
	if err := d.check(t, "x"); err != nil {
		t.Fatal(err)
	}
	r, err := d.Decide(newContext(t), moderation.Decision{ID: d.only(t).ID, Operator: "ops", Remove: true})
	if err != nil || r.TextRemoved {
		t.Fatalf("%+v, %v", r, err)
	}
	d.texts[ada] = "x" // the paused write
	d.clock = d.clock.Add(moderation.Settle)
	if err := d.Finish(newContext(t)); err != nil {
		t.Error(err)
	}
	if r := d.only(t); d.texts[ada] != "" || r.State != moderation.StateRemoved || !r.TextRemoved {
		t.Errorf("%q is shown, %+v", d.texts[ada], r)
	}
}

// TestInterruptedRemoval: the decision stands, its execution fails. It is done when the call is repeated, or by the chore.
func TestInterruptedRemoval(t *testing.T) {
	for _, how := range []string{"repeated", "chore", "chore, at once", "chore, twice at once"} {
		t.Run(how, func(t *testing.T) {
			d := startDesk(t)
			if err := d.show(t, "x"); err != nil {
				t.Fatal(err)
			}
			broken := fault.New(fault.Unavailable, "STORE_UNAVAILABLE", "down")
			d.before = func() error { return broken }
			decision := moderation.Decision{ID: d.only(t).ID, Operator: "ops", Remove: true, RequestID: "r1"}
			_, err := d.Decide(newContext(t), decision)
			wantReason(t, "interrupted", err, fault.Unavailable, "STORE_UNAVAILABLE")
			if r := d.only(t); r.State != moderation.StateRemoving || r.DecidedBy != "ops" {
				t.Errorf("the decision is not stored: %+v", r)
			}
			if err := d.Finish(newContext(t)); !errors.Is(err, broken) {
				t.Errorf("the chore: %v", err)
			}
			d.before = nil
			if how == "chore, at once" {
				if err := d.Finish(newContext(t)); err != nil || d.texts[ada] != "" || d.only(t).State != moderation.StateRemoving {
					t.Errorf("%q is shown, %v", d.texts[ada], err)
				}
			}
			d.clock = d.clock.Add(moderation.Settle)
			switch how {
			case "repeated":
				_, err = d.Decide(newContext(t), decision)
			case "chore, twice at once":
				rival := true
				d.before = func() error {
					if rival {
						rival = false
						return d.Finish(newContext(t))
					}
					return nil
				}
				fallthrough
			default:
				err = d.Finish(newContext(t))
			}
			if r := d.only(t); err != nil || d.texts[ada] != "" || r.State != moderation.StateRemoved || !r.TextRemoved {
				t.Errorf("%q is shown, %+v, %v", d.texts[ada], r, err)
			}
		})
	}
}

// racer lets a rival decide from inside the decision.
type racer struct {
	*board
	rival func()
}

func (r *racer) Normalize(replacement string) (string, error) {
	if rival := r.rival; rival != nil {
		r.rival = nil
		rival()
	}
	return replacement, nil
}

// TestTwoOperators: the one who comes second changes nothing, in the queue or in the text.
func TestTwoOperators(t *testing.T) {
	d := startDesk(t)
	if err := d.show(t, "x"); err != nil {
		t.Fatal(err)
	}
	id := d.only(t).ID
	d.Removers[moderation.DisplayName] = &racer{board: d.board, rival: func() {
		if _, err := d.Decide(newContext(t), moderation.Decision{ID: id, Operator: "first"}); err != nil {
			t.Error(err)
		}
	}}
	_, err := d.Decide(newContext(t), moderation.Decision{ID: id, Operator: "second", Remove: true})
	wantReason(t, "the second", err, fault.FailedPrecondition, "REVIEW_DECIDED")
	if r := d.only(t); r.State != moderation.StateAccepted || r.DecidedBy != "first" || d.texts[ada] != "x" || d.calls != 0 {
		t.Errorf("%+v, %q is shown", r, d.texts[ada])
	}
}

func TestBadDecisions(t *testing.T) {
	d := startDesk(t)
	if err := d.show(t, "x"); err != nil {
		t.Fatal(err)
	}
	before := d.only(t)
	decide := func(change func(*moderation.Decision)) error {
		decision := moderation.Decision{ID: before.ID, Operator: "ops", Remove: true}
		change(&decision)
		_, err := d.Decide(newContext(t), decision)
		return err
	}
	wantReason(t, "missing", decide(func(d *moderation.Decision) { d.ID = "00000000000000000000000000000000" }), fault.NotFound, "REVIEW_NOT_FOUND")
	wantReason(t, "stale", decide(func(d *moderation.Decision) { d.ETag = "old" }), fault.Aborted, "ETAG_MISMATCH")
	wantReason(t, "a bad replacement", decide(func(d *moderation.Decision) { d.Replacement = "bad" }), fault.InvalidArgument, "INVALID_FIELD")
	wantReason(t, "the text itself", decide(func(d *moderation.Decision) { d.Replacement = "x" }), fault.InvalidArgument, "INVALID_FIELD")
	wantReason(t, "accepted and replaced", decide(func(d *moderation.Decision) { d.Remove, d.Replacement = false, "y" }), fault.InvalidArgument, "INVALID_FIELD")
	remover := d.Removers[moderation.DisplayName]
	delete(d.Removers, moderation.DisplayName)
	wantReason(t, "a field of a later version", decide(func(*moderation.Decision) {}), fault.FailedPrecondition, "REVIEW_FIELD_UNKNOWN")
	d.Removers[moderation.DisplayName] = remover
	if after := d.only(t); after != before {
		t.Errorf("a refused decision changed something: %+v", after)
	}
	if err := decide(func(d *moderation.Decision) { d.ETag, d.RequestID = before.ETag, "r1" }); err != nil {
		t.Error(err)
	}
	wantReason(t, "another content", decide(func(d *moderation.Decision) { d.Remove, d.RequestID = false, "r1" }), fault.AlreadyExists, cosmos.ReasonRequestIDReused)
}

// TestDecideUnderFaults lets each write of a removal fail in each way.
func TestDecideUnderFaults(t *testing.T) {
	var group sync.WaitGroup
	for name, failure := range map[string]emulator.Fault{
		"429": {Status: 429, Substatus: 3200, RetryAfter: time.Millisecond}, "449": {Status: 449}, "410": {Status: 410, Substatus: 1002}, "500": {Status: 500},
		"503": {Status: 503}, "cut before": {DropBefore: true}, "cut after": {DropAfter: true}, "503 after": {Status: 503, After: true},
	} {
		for write := range 3 { // the decision, the note that the text is gone, the end
			group.Go(func() {
				t.Run(name, func(t *testing.T) {
					client, e := cosmostest.StartEmulator(t, "faults on order", reviewSpecs(t))
					d := newDesk(t, client)
					if err := d.show(t, "x"); err != nil {
						t.Fatal(err)
					}
					decision := moderation.Decision{ID: d.only(t).ID, Operator: "ops", Remove: true, RequestID: "r1"}
					failure.Op, failure.Container, failure.Count, failure.Skip = emulator.OpReplace, cosmosstore.ReviewsContainer, 1, write
					e.Inject(failure)
					if r, err := d.Decide(newContext(t), decision); err != nil || r.State != moderation.StateRemoving || !r.TextRemoved {
						t.Errorf("%+v, %v", r, err)
					}
					d.clock = d.clock.Add(moderation.Settle)
					if err := d.Finish(newContext(t)); err != nil {
						t.Error(err)
					}
					if r := d.only(t); r.State != moderation.StateRemoved || !r.TextRemoved || d.texts[ada] != "" {
						t.Errorf("%+v", r)
					}
				})
			})
		}
	}
	group.Wait()
}

// TestCheckWithoutQueue: where the text cannot be queued, it is not let through.
func TestCheckWithoutQueue(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "faults on order", reviewSpecs(t))
	d := newDesk(t, client)
	e.Inject(emulator.Fault{Op: emulator.OpCreate, Container: cosmosstore.ReviewsContainer, DropBefore: true})
	ctx, cancel := context.WithTimeout(newContext(t), 400*time.Millisecond)
	defer cancel()
	err := d.moderator.Check(ctx, moderation.Text{PlayerID: ada, Field: moderation.DisplayName, Path: "p", Text: "x"})
	if err == nil || fault.Is(err, fault.InvalidArgument) {
		t.Errorf("got %v", err)
	}
	e.ClearFaults()
	if err := d.show(t, "x"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if r := d.only(t); r.State != moderation.StatePending || r.Why != moderation.Unanswered {
		t.Errorf("%+v", r)
	}
}
