package cosmosstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/moderation"
	"supergame/services/profile/internal/profile"
)

func newReviewStore(t testing.TB) *Reviews {
	t.Helper()
	return NewReviews(cosmostest.StartShared(t, specs(t)))
}

func newFaultyReviewStore(t *testing.T) (*Reviews, *emulatortest.Emulator) {
	t.Helper()
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
	return NewReviews(client), e
}

// doubtful is a review as the rules open it.
func doubtful(playerID, text string) moderation.Review {
	return moderation.Review{
		PlayerID: playerID, Field: moderation.DisplayName, Text: text, Why: "Hate", Severity: 2, State: moderation.StatePending, CreateTime: joined,
	}
}

func openReview(t testing.TB, s *Reviews, r moderation.Review) moderation.Review {
	t.Helper()
	opened, err := s.Open(newSession(t), r)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// decideReview is a decision to store.
func decideReview(state moderation.State, by string) func(*moderation.Review) (bool, error) {
	return func(r *moderation.Review) (bool, error) {
		r.State, r.DecidedBy, r.DecideTime = state, by, changed
		return true, nil
	}
}

// storedReviews returns the documents of the container, system properties too.
func storedReviews(t *testing.T, s *Reviews) []map[string]any {
	t.Helper()
	rows, err := cosmos.Select[map[string]any](newSession(t), s.container, cosmos.Key{}, cosmos.SQL("SELECT * FROM c"))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

var ignoreReviewETag = cmpopts.IgnoreFields(moderation.Review{}, "ETag")

func TestGoldenReview(t *testing.T) {
	text, err := os.ReadFile("testdata/review.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	s := newReviewStore(t)
	golden := doubtful(ada, "a doubtful name")
	golden.State, golden.DecideTime, golden.DecidedBy, golden.Note = moderation.StateRemoved, changed, "ops@example.com", "a note"
	golden.Replacement, golden.TextRemoved, golden.ID = "Player", true, "9f0000000000000000000000000000aa"
	doc, err := s.kind.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(golden, doc.review()); diff != "" {
		t.Errorf("read: %s", diff)
	}

	opened := openReview(t, s, doubtful(ada, "a doubtful name"))
	_, err = s.Update(newSession(t), moderation.Edit{ID: opened.ID}, func(r *moderation.Review) (bool, error) {
		*r = golden
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	stored := storedReviews(t, s)[0]
	dropSystemProperties(stored)
	if ops := stored["ops"].([]any); len(ops) != 2 {
		t.Errorf("the document carries %d operations, want those of two writes", len(ops))
	}
	stored["ops"], want["id"] = []any{}, opened.ID
	if diff := cmp.Diff(want, stored); diff != "" {
		t.Errorf("written: %s", diff)
	}
	if want := "13e63a74bd9fee39b531248ca6fc71ba"; opened.ID != want {
		t.Errorf("the id is %s, want %s: ids never change", opened.ID, want)
	}
}

func TestOpenReview(t *testing.T) {
	s := newReviewStore(t)
	first := openReview(t, s, doubtful(ada, "x"))
	want := doubtful(ada, "x")
	want.ID = first.ID
	if diff := cmp.Diff(want, first, ignoreReviewETag); diff != "" {
		t.Error(diff)
	}
	later := doubtful(ada, "x")
	later.CreateTime, later.Why = changed, "Sexual"
	if diff := cmp.Diff(first, openReview(t, s, later)); diff != "" {
		t.Errorf("a second time: %s", diff)
	}
	otherField := doubtful(ada, "x")
	otherField.Field = "handle"
	ids := map[string]bool{first.ID: true}
	for _, r := range []moderation.Review{doubtful(bob, "x"), doubtful(ada, "X"), doubtful(ada, "x "), otherField} {
		ids[openReview(t, s, r).ID] = true
	}
	if len(ids) != 5 || len(storedReviews(t, s)) != 5 {
		t.Errorf("%d ids, %d documents, want 5", len(ids), len(storedReviews(t, s)))
	}
}

func TestOpenReviewUnderFaults(t *testing.T) {
	subtests := map[string]func(*testing.T){}
	for name, failure := range passing {
		subtests[name] = func(t *testing.T) {
			s, e := newFaultyReviewStore(t)
			for range 2 {
				failure.Op, failure.Container, failure.Count = emulator.OpCreate, ReviewsContainer, 1
				e.Inject(failure)
				if r := openReview(t, s, doubtful(ada, "x")); r.State != moderation.StatePending || r.ETag == "" {
					t.Errorf("got %+v", r)
				}
			}
			if n := len(storedReviews(t, s)); n != 1 {
				t.Errorf("%d documents", n)
			}
		}
	}
	together(t, subtests)
}

// TestOpenReviewThenDecided loses the answer of the creation, and lets an operator decide before it is asked again: his decision is what
// the opener hears.
func TestOpenReviewThenDecided(t *testing.T) {
	s, e := newFaultyReviewStore(t)
	id := reviewID(ada, moderation.DisplayName, "x")
	e.Inject(emulator.Fault{Op: emulator.OpCreate, Container: ReviewsContainer, Count: 1, DropAfter: true, Hook: func(context.Context, emulator.Point) {
		if _, err := s.Update(newSession(t), moderation.Edit{ID: id}, decideReview(moderation.StateRemoving, "ops")); err != nil {
			t.Error(err)
		}
	}})
	if r := openReview(t, s, doubtful(ada, "x")); r.State != moderation.StateRemoving || r.ID != id {
		t.Errorf("got %+v", r)
	}
}

// TestOpenReviewAtOnce: several devices bring the same text.
func TestOpenReviewAtOnce(t *testing.T) {
	s := newReviewStore(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := s.Open(newSession(t), doubtful(ada, "x")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(storedReviews(t, s)); n != 1 {
		t.Errorf("%d documents", n)
	}
}

func TestUpdateReviewUnderFaults(t *testing.T) {
	subtests := map[string]func(*testing.T){}
	for name, failure := range passing {
		for _, requestID := range []string{"", "r1"} {
			subtests[name+" "+requestID] = func(t *testing.T) {
				s, e := newFaultyReviewStore(t)
				opened := openReview(t, s, doubtful(ada, "x"))
				once := failure // the subtests run side by side
				once.Op, once.Container, once.Count = emulator.OpReplace, ReviewsContainer, 1
				e.Inject(once)
				edit := moderation.Edit{ID: opened.ID, Caller: "operator ops", RequestID: requestID, Content: []byte("c")}
				r, err := s.Update(newSession(t), edit, decideReview(moderation.StateAccepted, "ops"))
				if err != nil || r.State != moderation.StateAccepted || r.ETag == opened.ETag {
					t.Errorf("%+v, %v", r, err)
				}
				if ops := storedReviews(t, s)[0]["ops"].([]any); len(ops) != 2 {
					t.Errorf("written %d times", len(ops))
				}
			}
		}
	}
	together(t, subtests)
}

// TestUpdateReviewRival: the rival writes from inside the decision. It is decided again, on what he wrote.
func TestUpdateReviewRival(t *testing.T) {
	s := newReviewStore(t)
	opened := openReview(t, s, doubtful(ada, "x"))
	var seen []moderation.State
	_, err := s.Update(newSession(t), moderation.Edit{ID: opened.ID}, func(r *moderation.Review) (bool, error) {
		if seen = append(seen, r.State); len(seen) == 1 {
			if _, err := s.Update(newSession(t), moderation.Edit{ID: opened.ID}, decideReview(moderation.StateAccepted, "rival")); err != nil {
				t.Error(err)
			}
		}
		if r.State != moderation.StatePending {
			return false, fault.New(fault.FailedPrecondition, "REVIEW_DECIDED", "")
		}
		return decideReview(moderation.StateRemoving, "ops")(r)
	})
	if fault.ReasonOf(err) != "REVIEW_DECIDED" || !slices.Equal(seen, []moderation.State{"pending", "accepted"}) {
		t.Errorf("%v after %v", err, seen)
	}
	if r, err := s.Get(newSession(t), opened.ID); err != nil || r.DecidedBy != "rival" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestReviewRequestIDs(t *testing.T) {
	s := newReviewStore(t)
	opened := openReview(t, s, doubtful(ada, "x"))
	edit := moderation.Edit{ID: opened.ID, Caller: "operator ops", RequestID: "r1", Content: []byte("accept")}
	decisions := 0
	for range 3 {
		_, err := s.Update(newSession(t), edit, func(r *moderation.Review) (bool, error) {
			decisions++
			return decideReview(moderation.StateAccepted, "ops")(r)
		})
		if err != nil {
			t.Error(err)
		}
	}
	if decisions != 1 {
		t.Errorf("decided %d times", decisions)
	}
	edit.Content = []byte("remove")
	if _, err := s.Update(newSession(t), edit, decideReview(moderation.StateRemoving, "ops")); fault.ReasonOf(err) != cosmos.ReasonRequestIDReused {
		t.Errorf("another content: %v", err)
	}
}

func TestMissingReview(t *testing.T) {
	s := newReviewStore(t)
	id := reviewID(ada, moderation.DisplayName, "x")
	_, errGet := s.Get(newSession(t), id)
	_, errUpdate := s.Update(newSession(t), moderation.Edit{ID: id}, decideReview(moderation.StateAccepted, "ops"))
	for _, err := range []error{errGet, errUpdate} {
		if f := fault.As(err); f == nil || f.Kind != fault.NotFound || f.Reason != "REVIEW_NOT_FOUND" || f.Metadata["review_id"] != id {
			t.Errorf("got %v", err)
		}
	}
}

func TestListReviews(t *testing.T) {
	s := newReviewStore(t)
	want := map[string]int{"": 60, "pending": 40, "accepted": 20, "removed": 0, "pending of ada": 20, " of ada": 30}
	for i := range 60 {
		player := []string{ada, bob}[i%2]
		opened := openReview(t, s, doubtful(player, fmt.Sprint("text ", i)))
		if i%6 >= 4 {
			if _, err := s.Update(newSession(t), moderation.Edit{ID: opened.ID}, decideReview(moderation.StateAccepted, "ops")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for what, filter := range map[string]moderation.Filter{
		"": {}, "pending": {State: "pending"}, "accepted": {State: "accepted"}, "removed": {State: "removed"},
		"pending of ada": {State: "pending", PlayerID: ada}, " of ada": {PlayerID: ada},
	} {
		ids, position := map[string]bool{}, ""
		for pages := 0; pages == 0 || position != ""; pages++ {
			page, next, err := s.List(newSession(t), filter, 7, position)
			if err != nil || len(page) > 7 || pages > 60 {
				t.Fatalf("%q: page %d has %d: %v", what, pages, len(page), err)
			}
			for _, r := range page {
				if ids[r.ID] || filter.State != "" && r.State != filter.State || filter.PlayerID != "" && r.PlayerID != filter.PlayerID {
					t.Errorf("%q: %+v", what, r)
				}
				ids[r.ID] = true
			}
			position = next
		}
		if len(ids) != want[what] {
			t.Errorf("%q: %d reviews, want %d", what, len(ids), want[what])
		}
	}
	if _, _, err := s.List(newSession(t), moderation.Filter{}, 7, "nonsense"); !fault.Is(err, fault.InvalidArgument) {
		t.Errorf("a position that is none: %v", err)
	}
	scanned := 0
	err := s.Scan(newSession(t), moderation.StatePending, func(r moderation.Review) error {
		scanned++
		return nil
	})
	if err != nil || scanned != 40 {
		t.Errorf("scanned %d, %v", scanned, err)
	}
}

// TestReviewTTL: what is decided goes away in time, what is not stays.
func TestReviewTTL(t *testing.T) {
	s := newReviewStore(t)
	opened := openReview(t, s, doubtful(ada, "x"))
	for _, step := range []struct {
		state moderation.State
		ttl   any
	}{{moderation.StatePending, nil}, {moderation.StateRemoving, nil}, {moderation.StateRemoved, 90.0 * 24 * 60 * 60}} {
		if step.state != moderation.StatePending {
			if _, err := s.Update(newSession(t), moderation.Edit{ID: opened.ID}, decideReview(step.state, "ops")); err != nil {
				t.Fatal(err)
			}
		}
		if ttl := storedReviews(t, s)[0]["ttl"]; ttl != step.ttl {
			t.Errorf("%s: ttl is %v, want %v", step.state, ttl, step.ttl)
		}
	}
}

// silentAnalyzer does not answer.
type silentAnalyzer struct{}

func (silentAnalyzer) Analyze(context.Context, string, []moderation.Category) (moderation.Analysis, error) {
	return moderation.Analysis{}, errors.New("silent")
}

// TestKillBetweenReviewAndName ends the store's process while names are queued and stored: the name that is visible afterwards is in the
// queue, and so is every one that was acknowledged.
func TestKillBetweenReviewAndName(t *testing.T) {
	t.Parallel()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("kills the store, which only the embedded emulator lets one do")
	}
	dir := t.TempDir()
	client, process := startKillableClient(t, dir)
	mustCreate(newSession(t), t, New(client), ada)
	players := &profile.Profiles{Store: New(client), Now: time.Now, Moderator: &moderation.Moderator{
		Analyzer: silentAnalyzer{}, Policy: moderation.Policy{Timeout: time.Second, Unanswered: moderation.ThenReview},
		Reviews: &moderation.Reviews{Store: NewReviews(client), Now: time.Now}, Log: slog.New(slog.DiscardHandler),
	}}
	var acknowledged []string
	ctx, cancel := context.WithTimeout(newSession(t), 10*time.Second)
	defer cancel()
	for i := 0; ; i++ {
		update := profile.Update{Player: profile.Player{Profile: profile.Profile{DisplayName: fmt.Sprint("name ", i)}}, Mask: []string{"display_name"}}
		if i == 30 {
			time.AfterFunc(time.Millisecond, func() { _ = process.Process.Kill() }) // between two writes, or in one
		}
		if _, err := players.Update(ctx, profile.Caller{Subject: ada, Player: true}, update); err != nil {
			break
		}
		acknowledged = append(acknowledged, update.Player.DisplayName)
	}
	_ = process.Wait() // killed: it has an error

	client, _ = startKillableClient(t, dir)
	visible, err := New(client).Get(newSession(t), ada)
	if err != nil {
		t.Fatal(err)
	}
	if len(acknowledged) < 30 {
		t.Errorf("only %d names were acknowledged", len(acknowledged))
	}
	for _, name := range append(acknowledged, visible.DisplayName) {
		r, err := NewReviews(client).Get(newSession(t), reviewID(ada, moderation.DisplayName, name))
		if err != nil || r.State != moderation.StatePending || r.Text != name || r.Why != moderation.Unanswered {
			t.Errorf("%q: %+v, %v", name, r, err)
		}
	}
}
