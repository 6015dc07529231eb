package profile_test

import (
	"context"
	"testing"
	"time"

	"supergame/local/emulator"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

func (m *moderated) claim(t *testing.T, playerID, handle string) error {
	t.Helper()
	return claimHandle("", handle, "")(session(t), m.Dial(t, m.authority.Player(playerID)))
}

// handleOf is the handle that others see.
func (m *moderated) handleOf(t *testing.T, playerID string) string {
	t.Helper()
	r, err := m.profiles(t, m.authority.Operator(someOps)).GetProfile(session(t), &profilev1.GetProfileRequest{PlayerId: playerID})
	if err != nil {
		t.Fatal(err)
	}
	return r.GetProfile().GetHandle()
}

// TestHandlesAreModerated refuses one, queues another, and takes that one away by an operator's decision: the player does not get it back, and
// nobody else gets one that looks like it.
func TestHandlesAreModerated(t *testing.T) {
	m := startModerated(t)
	m.join(t, ada, bob)
	if err := m.claim(t, ada, "Hate4"); fault.ReasonOf(err) != "TEXT_REFUSED" || fault.As(err).Fields[0].Path != "handle" {
		t.Errorf("a handle that is refused: %v", err)
	}
	if err := m.claim(t, ada, "Hate2.ada"); err != nil {
		t.Fatal(err)
	}
	queue := m.queue(t, reviewPending)
	if len(queue) != 1 || queue[0].GetField() != "handle" || queue[0].GetText() != "Hate2.ada" {
		t.Fatalf("the queue holds %v", queue)
	}
	desk := m.desk(t)
	request := &profilev1.DecideReviewRequest{ReviewId: queue[0].GetReviewId(), Decision: removeReview, Replacement: "player-1", RequestId: "r1"}
	_, err := desk.DecideReview(session(t), request)
	if f := fault.As(err); f == nil || f.Kind != fault.InvalidArgument || len(f.Fields) != 1 || f.Fields[0].Path != "replacement" {
		t.Errorf("a replacement: %v", err)
	}
	if name := m.handleOf(t, ada); name != "Hate2.ada" {
		t.Errorf("after a decision that was refused %q is shown", name)
	}
	request.Replacement = ""
	for range 2 {
		r, err := desk.DecideReview(session(t), request)
		if err != nil || !r.GetReview().GetTextRemoved() || r.GetReview().GetState() != reviewRemoving {
			t.Errorf("%v, %v", r, err)
		}
	}
	if name := m.handleOf(t, ada); name != "" {
		t.Errorf("%q is shown", name)
	}
	server := m.profiles(t, m.authority.GameServer("eu-1"))
	if _, err := server.LookupHandle(session(t), &profilev1.LookupHandleRequest{Handle: "Hate2.ada"}); fault.ReasonOf(err) != "HANDLE_NOT_FOUND" {
		t.Errorf("lookup: %v", err)
	}
	if err := m.claim(t, ada, "Hate2.ada"); fault.ReasonOf(err) != "TEXT_REFUSED" || fault.As(err).Metadata["category"] != "Removed" {
		t.Errorf("the handle again: %v", err)
	}
	if err := m.claim(t, bob, "Hate2.adа"); err == nil {
		t.Error("bob got it with a Cyrillic а")
	}
	if err := m.claim(t, bob, "HATE2.ADA"); fault.ReasonOf(err) != "HANDLE_TAKEN" {
		t.Errorf("bob, the same in capitals: %v", err)
	}
	if err := m.claim(t, ada, "ada"); err != nil || m.handleOf(t, ada) != "ada" {
		t.Errorf("another handle: %v", err)
	}
	if r, err := desk.DecideReview(session(t), request); err != nil || m.handleOf(t, ada) != "ada" {
		t.Errorf("the decision again takes her new handle: %v, %v", r, err)
	}
}

// TestAHandleThatComesLateIsTakenAway: the decision comes between the check of a handle and its claim. The service goes down; the next one, minutes
// later, takes the handle away, and ends the review.
func TestAHandleThatComesLateIsTakenAway(t *testing.T) {
	_, e := cosmostest.StartEmulator(t, "two services, one after the other", nil)
	t.Run("before", func(t *testing.T) {
		m := serveModerated(t, e, 0)
		m.join(t, ada)
		e.Inject(emulator.Fault{Op: emulator.OpReplace, Container: "players", Count: 1, Hook: func(context.Context, emulator.Point) {
			r := &profilev1.DecideReviewRequest{ReviewId: m.queue(t, reviewPending)[0].GetReviewId(), Decision: removeReview}
			if err := decideReview(r)(session(t), m.Dial(t, m.authority.Operator(someOps))); err != nil {
				t.Error(err)
			}
		}})
		if err := m.claim(t, ada, "Hate2"); err != nil {
			t.Error(err)
		}
		if name, queue := m.handleOf(t, ada), m.queue(t, reviewRemoving); name != "Hate2" || len(queue) != 1 {
			t.Errorf("%q is shown, the queue is %v", name, queue)
		}
	})
	t.Run("after", func(t *testing.T) {
		m := serveModerated(t, e, 3*time.Minute)
		end := time.Now().Add(30 * time.Second)
		for len(m.queue(t, profilev1.ReviewState_REVIEW_STATE_REMOVED)) == 0 && time.Now().Before(end) {
			time.Sleep(20 * time.Millisecond)
		}
		if name, queue := m.handleOf(t, ada), m.queue(t, 0); name != "" || len(queue) != 1 || !queue[0].GetTextRemoved() {
			t.Errorf("%q is shown, the queue is %v", name, queue)
		}
	})
}

// TestCostOfRemovingAHandle pins what it costs to take a handle away.
func TestCostOfRemovingAHandle(t *testing.T) {
	_, e := cosmostest.StartEmulator(t, "a clock that stands still", nil, inOneSecond())
	m := serveModerated(t, e, 0)
	m.join(t, ada)
	if err := m.claim(t, ada, "Hate2"); err != nil {
		t.Fatal(err)
	}
	request := &profilev1.DecideReviewRequest{ReviewId: m.queue(t, reviewPending)[0].GetReviewId(), Decision: removeReview}
	m.wire.take()
	meter := &cosmos.Meter{}
	if err := decideReview(request)(cosmos.WithMeter(session(t), meter), m.Dial(t, m.authority.Operator(someOps))); err != nil {
		t.Fatal(err)
	}
	sent := len(m.wire.take())
	// The review twice, as with a name; the profile twice, once with its `due`; and the one look that the handle has.
	if want := 56.9; meter.Charge() < want-0.02 || meter.Charge() > want+0.02 || sent != 10 {
		t.Errorf("%.2f RU in %d requests, want %.2f in 10", meter.Charge(), sent, want)
	}
	cosmostest.Record(t, "DecideReview, remove a handle", meter.Charge(), sent)
}
