package profile_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcserver/grpcservertest"
	"supergame/services/profile"
	"supergame/services/profile/internal/clients/clientstest"
)

// moderated is a world whose names go to a stand-in for Content Safety.
type moderated struct {
	*world
	wire     *wire
	emulator *emulatortest.Emulator
	safety   *clientstest.ContentSafety
}

// startModerated serves with the defaults of the configuration, and what environ changes, on an emulator of its own.
func startModerated(t *testing.T, environ ...string) *moderated {
	t.Helper()
	_, e := cosmostest.StartEmulator(t, "requests that are looked at", nil)
	return serveModerated(t, e, 0, environ...)
}

// serveModerated serves on an emulator, with a clock that is ahead.
func serveModerated(t *testing.T, e *emulatortest.Emulator, ahead time.Duration, environ ...string) *moderated {
	t.Helper()
	specs, err := profile.Containers()
	if err != nil {
		t.Fatal(err)
	}
	m := &moderated{safety: clientstest.StartContentSafety(t), emulator: e}
	environ = append([]string{"PROFILE_CONTENT_SAFETY_ENDPOINT=" + m.safety.URL, "PROFILE_CONTENT_SAFETY_KEY=the key"}, environ...)
	cfg, err := loadConfig(environ)
	if err != nil {
		t.Fatal(err)
	}
	m.wire = &wire{next: m.emulator}
	client, err := cosmos.Open(t.Context(), cosmos.Config{
		Endpoint: "https://" + strings.ToLower(strings.NewReplacer("/", "-", "_", "-", " ", "-", ",", "").Replace(t.Name())) + ".localhost/",
		Key:      config.NewSecret(m.emulator.Key()), Database: "supergame", Create: true,
	}, cosmos.Options{Transport: m.wire})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if err := client.Prepare(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	service, err := profile.New(t.Context(), cfg, profile.Deps{
		Cosmos: client, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Now().Add(ahead) },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := grpcservertest.Start(t, service)
	m.world = &world{Server: server, authority: server.Authority}
	for end := time.Now().Add(30 * time.Second); service.Ready() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not ready: %v", service.Ready())
		}
	}
	return m
}

// rename asks for a name as its player.
func (m *moderated) rename(t *testing.T, playerID, name string) error {
	t.Helper()
	return change(&profilev1.Profile{DisplayName: name}, "display_name")(session(t), m.Dial(t, m.authority.Player(playerID)))
}

// shown is the name that others see.
func (m *moderated) shown(t *testing.T, playerID string) string {
	t.Helper()
	r, err := m.profiles(t, m.authority.Operator(someOps)).GetProfile(session(t), &profilev1.GetProfileRequest{PlayerId: playerID})
	if err != nil {
		t.Fatal(err)
	}
	return r.GetProfile().GetDisplayName()
}

func (m *moderated) desk(t *testing.T) profilev1.ModerationServiceClient {
	return profilev1.NewModerationServiceClient(m.Dial(t, m.authority.Operator(someOps)))
}

// queue returns the reviews in a state.
func (m *moderated) queue(t *testing.T, state profilev1.ReviewState) []*profilev1.Review {
	t.Helper()
	r, err := m.desk(t).ListReviews(session(t), &profilev1.ListReviewsRequest{State: state})
	if err != nil {
		t.Fatal(err)
	}
	return r.GetReviews()
}

const (
	reviewPending  = profilev1.ReviewState_REVIEW_STATE_PENDING
	reviewRemoving = profilev1.ReviewState_REVIEW_STATE_REMOVING
	acceptReview   = profilev1.ReviewDecision_REVIEW_DECISION_ACCEPT
	removeReview   = profilev1.ReviewDecision_REVIEW_DECISION_REMOVE
)

func wantTextRefused(t *testing.T, what string, err error, category string) {
	t.Helper()
	f := fault.As(err)
	if f == nil || f.Kind != fault.InvalidArgument || f.Reason != "TEXT_REFUSED" || f.Metadata["category"] != category || f.Metadata["field"] != "profile.display_name" ||
		len(f.Fields) != 1 || f.Fields[0].Path != "profile.display_name" {
		t.Errorf("%s: %+v, want TEXT_REFUSED of %s about profile.display_name", what, f, category)
	}
}

// TestRefusedNames: a refused name changes nothing, and the answer has the category, not the word.
func TestRefusedNames(t *testing.T) {
	m := startModerated(t, "PROFILE_CONTENT_SAFETY_BLOCKLISTS=names")
	m.join(t, ada)
	if err := m.rename(t, ada, "good name"); err != nil {
		t.Fatal(err)
	}
	m.wire.take()
	m.safety.Take()
	for name, category := range map[string]string{
		"fuck": "profanity", "fuсk": "profanity", "ｆｕｃｋ": "profanity", "f.u.c.k": "profanity", "fu\u0301ck": "profanity", "5h1t": "profanity", "Shіt": "profanity",
	} {
		err := m.rename(t, ada, name)
		wantTextRefused(t, name, err, category)
		if strings.Contains(strings.ToLower(err.Error()), "fuck") || strings.Contains(err.Error(), name) {
			t.Errorf("%s: the answer repeats it: %v", name, err)
		}
	}
	if n := len(m.safety.Take()); n != 0 {
		t.Errorf("Content Safety was asked %d times about words of the list", n)
	}
	for name, category := range map[string]string{"Hate4": "Hate", "Sexual6": "Sexual", "a blocked one": "Blocklist", "Hate2 Violence4": "Violence"} {
		wantTextRefused(t, name, m.rename(t, ada, name), category)
	}
	if sent := m.wire.take(); len(sent) != 0 {
		t.Errorf("%d requests to the store for refused names", len(sent))
	}
	if name := m.shown(t, ada); name != "good name" {
		t.Errorf("%q is shown", name)
	}
	if err := m.rename(t, ada, ""); err != nil {
		t.Errorf("no name: %v", err)
	}
	if n := len(m.safety.Take()); n != 4 {
		t.Errorf("Content Safety was asked %d times, want 4: not for no name", n)
	}
}

// TestHowContentSafetyFails: slow, down, throttled or wrong, each call ends as is configured, in time, and nothing is lost.
func TestHowContentSafetyFails(t *testing.T) {
	reply := clientstest.Reply
	const half = `{"blocklistsMatch":[],"categoriesAnalysis":[{"category":"Hate"`
	failures := map[string]http.HandlerFunc{
		"slow": clientstest.Stall, "trickling": clientstest.Trickle, "cut": clientstest.Cut, "throttled": reply(429, "", "Retry-After", "60"),
		"500": reply(500, ""), "html": reply(200, "<html>"), "truncated": reply(200, half), "unauthorized": reply(401, "{}"),
		"severity missing": reply(200, half+`},{"category":"SelfHarm","severity":0},{"category":"Sexual","severity":0},{"category":"Violence","severity":0}]}`),
	}
	for _, then := range []string{"review", "refuse"} {
		t.Run(then, func(t *testing.T) {
			t.Parallel()
			m := startModerated(t, "PROFILE_CONTENT_SAFETY_TIMEOUT=300ms", "PROFILE_CONTENT_SAFETY_UNANSWERED="+then)
			m.join(t, ada)
			for what, handler := range failures {
				name, before := what+" "+then, m.shown(t, ada)
				m.safety.Always(handler)
				start := time.Now()
				err := m.rename(t, ada, name)
				if took := time.Since(start); took > 1500*time.Millisecond {
					t.Errorf("%s: took %v", name, took)
				}
				if then == "refuse" {
					if f := fault.As(err); f == nil || f.Kind != fault.Unavailable || f.Reason != "MODERATION_UNAVAILABLE" || f.RetryAfter <= 0 {
						t.Errorf("%s: %v", name, err)
					}
					if shown := m.shown(t, ada); shown != before {
						t.Errorf("%s: %q is shown", name, shown)
					}
				} else if shown := m.shown(t, ada); err != nil || shown != name {
					t.Errorf("%s: %v, %q is shown", name, err, shown)
				}
			}
			queued := map[string]bool{}
			for _, r := range m.queue(t, reviewPending) {
				queued[r.GetText()] = r.GetWhy() == "Unanswered" && r.GetPlayerId() == ada && r.GetField() == "display_name"
			}
			for what := range failures {
				if queued[what+" "+then] != (then == "review") {
					t.Errorf("%s %s: queued %v", what, then, queued[what+" "+then])
				}
			}
			m.safety.Always(nil)
			if err := m.rename(t, ada, "good again"); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// TestThrottledThenFine: a short wait that Content Safety asks for is kept, and the name is rated after it.
func TestThrottledThenFine(t *testing.T) {
	t.Parallel()
	m := startModerated(t)
	m.join(t, ada)
	m.safety.Next(clientstest.Reply(429, "", "Retry-After", "1"))
	if err := m.rename(t, ada, "x"); err != nil {
		t.Error(err)
	}
	if n := len(m.safety.Take()); n != 2 || len(m.queue(t, 0)) != 0 {
		t.Errorf("%d requests, queue %v", n, m.queue(t, 0))
	}
}

// TestReviewOfName walks a name through the queue.
func TestReviewOfName(t *testing.T) {
	m := startModerated(t)
	m.join(t, ada, bob)
	for _, player := range []string{ada, bob, ada} { // the last: a retry queues nothing twice
		if err := m.rename(t, player, "Hate2"); err != nil {
			t.Fatal(err)
		}
	}
	queue := m.queue(t, reviewPending)
	if len(queue) != 2 || queue[0].GetText() != "Hate2" || queue[0].GetWhy() != "Hate" || queue[0].GetSeverity() != 2 || queue[0].GetDecideTime() != nil {
		t.Fatalf("the queue is %v", queue)
	}
	ids := map[string]string{}
	for _, r := range queue {
		ids[r.GetPlayerId()] = r.GetReviewId()
	}
	desk := m.desk(t)
	accepted, err := desk.DecideReview(session(t), &profilev1.DecideReviewRequest{ReviewId: ids[bob], Decision: acceptReview, RequestId: "r1"})
	if err != nil || accepted.GetReview().GetDecidedBy() != someOps || accepted.GetReview().GetState() != profilev1.ReviewState_REVIEW_STATE_ACCEPTED {
		t.Errorf("%v, %v", accepted, err)
	}
	request := &profilev1.DecideReviewRequest{ReviewId: ids[ada], Decision: removeReview, Replacement: " Player  1 ", Note: "no", RequestId: "r1", Etag: queue[0].GetEtag()}
	for _, r := range queue {
		if r.GetPlayerId() == ada {
			request.Etag = r.GetEtag()
		}
	}
	for range 2 {
		removed, err := desk.DecideReview(session(t), request)
		if r := removed.GetReview(); err != nil || r.GetState() != reviewRemoving || !r.GetTextRemoved() || r.GetReplacement() != "Player 1" || r.GetNote() != "no" {
			t.Errorf("%v, %v", r, err)
		}
	}
	if a, b := m.shown(t, ada), m.shown(t, bob); a != "Player 1" || b != "Hate2" {
		t.Errorf("%q and %q are shown", a, b)
	}
	wantTextRefused(t, "the name again", m.rename(t, ada, "Hate2"), "Removed")
	if err := m.rename(t, bob, "Hate2"); err != nil {
		t.Errorf("the accepted name again: %v", err)
	}
	if left := m.queue(t, reviewPending); len(left) != 0 {
		t.Errorf("still to be decided: %v", left)
	}
	got, err := desk.GetReview(session(t), &profilev1.GetReviewRequest{ReviewId: ids[ada]})
	if err != nil || got.GetReview().GetState() != reviewRemoving {
		t.Errorf("%v, %v", got, err)
	}
}

// TestReviewIsWrittenFirst looks at the order on the wire: the review, which is the only document that is created outside of the player's
// partition, before anything of the profile is read or written.
func TestReviewIsWrittenFirst(t *testing.T) {
	m := startModerated(t)
	m.join(t, ada)
	m.wire.take()
	if err := m.rename(t, ada, "Hate2"); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, r := range m.wire.take() {
		var document struct{ Type string }
		if r.method == http.MethodGet {
			document.Type = "read"
		} else if err := json.Unmarshal(r.body, &document); err != nil {
			t.Fatal(err)
		}
		if r.createsAlone() != (document.Type == "review") {
			t.Errorf("creates alone: %s", r.body)
		}
		order = append(order, document.Type)
	}
	if !slices.Equal(order, []string{"review", "read", "profile"}) {
		t.Errorf("the order is %q", order)
	}
}

// TestNameOutlivesFailedQueue: the review cannot be written, so the name is not stored either; the same request works afterwards.
func TestNameOutlivesFailedQueue(t *testing.T) {
	t.Parallel()
	m := startModerated(t)
	m.join(t, ada)
	me := m.Dial(t, m.authority.Player(ada))
	request := changeNamed("r1", &profilev1.Profile{DisplayName: "Hate2"}, "display_name")
	for what, failure := range map[string]emulator.Fault{
		"the review is not written":             {Op: emulator.OpCreate, Container: "reviews", DropBefore: true},
		"the review is written, nobody says so": {Op: emulator.OpCreate, Container: "reviews", DropAfter: true},
	} {
		m.emulator.Inject(failure)
		m.emulator.Inject(emulator.Fault{Op: emulator.OpRead, Container: "reviews", DropBefore: true})
		ctx, cancel := context.WithTimeout(session(t), 400*time.Millisecond)
		if err := request(ctx, me); !again(err) {
			t.Errorf("%s: %v", what, err)
		}
		cancel()
		m.emulator.ClearFaults()
		if name := m.shown(t, ada); name != "" {
			t.Errorf("%s: %q is shown", what, name)
		}
	}
	m.emulator.Inject(emulator.Fault{Op: emulator.OpReplace, Container: "players", Count: 1, DropAfter: true})
	for range 2 {
		if err := request(session(t), me); err != nil {
			t.Error(err)
		}
	}
	if name, queue := m.shown(t, ada), m.queue(t, reviewPending); name != "Hate2" || len(queue) != 1 {
		t.Errorf("%q is shown, the queue is %v", name, queue)
	}
}

// TestRemovalUnderRival: the player changes his name between the operator's look and his write. The new name stays.
func TestRemovalUnderRival(t *testing.T) {
	m := startModerated(t)
	m.join(t, ada)
	if err := m.rename(t, ada, "Hate2"); err != nil {
		t.Fatal(err)
	}
	id := m.queue(t, reviewPending)[0].GetReviewId()
	m.emulator.Inject(emulator.Fault{Op: emulator.OpReplace, Container: "players", Count: 1, Hook: func(context.Context, emulator.Point) {
		if err := m.rename(t, ada, "a better one"); err != nil {
			t.Error(err)
		}
	}})
	r, err := m.desk(t).DecideReview(session(t), &profilev1.DecideReviewRequest{ReviewId: id, Decision: removeReview})
	if err != nil || r.GetReview().GetTextRemoved() {
		t.Errorf("%v, %v", r, err)
	}
	if name := m.shown(t, ada); name != "a better one" {
		t.Errorf("%q is shown", name)
	}
}

// TestReviewsOfErasedPlayers: they are exported, and go with the player; a removal that is under way ends without him.
func TestReviewsOfErasedPlayers(t *testing.T) {
	m := startModerated(t)
	m.join(t, ada, bob)
	for _, player := range []string{ada, bob} {
		if err := m.rename(t, player, "Hate2"); err != nil {
			t.Fatal(err)
		}
	}
	data := m.playerData(t, m.authority.Service("profile"))
	parts := receive(t, data, &profilev1.ExportPlayerRequest{PlayerId: ada})
	summary := parts[len(parts)-1].GetSummary()
	if summary.GetDocuments()["reviews"] != 1 || summary.GetDocuments()["players"] != 3 {
		t.Errorf("exported %v", summary)
	}
	erased, err := data.ErasePlayer(session(t), &profilev1.ErasePlayerRequest{PlayerId: ada})
	if err != nil || !erased.GetDone() || erased.GetDeleted()["reviews"] != 1 {
		t.Errorf("%v, %v", erased, err)
	}
	queue := m.queue(t, 0)
	if len(queue) != 1 || queue[0].GetPlayerId() != bob {
		t.Errorf("left: %v", queue)
	}
	if _, err := data.ErasePlayer(session(t), &profilev1.ErasePlayerRequest{PlayerId: bob}); err != nil {
		t.Fatal(err)
	}
	if err := m.rename(t, bob, "Hate2"); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" { // a call that the erase overtakes
		t.Errorf("a name after the erase: %v", err)
	}
	r, err := m.desk(t).DecideReview(session(t), &profilev1.DecideReviewRequest{ReviewId: m.queue(t, 0)[0].GetReviewId(), Decision: removeReview})
	if err != nil || r.GetReview().GetTextRemoved() {
		t.Errorf("a removal without its player: %v, %v", r, err)
	}
	again, err := data.ErasePlayer(session(t), &profilev1.ErasePlayerRequest{PlayerId: bob}) // the sweep behind every deadline
	if err != nil || again.GetDeleted()["reviews"] != 1 || len(m.queue(t, 0)) != 0 {
		t.Errorf("%v, %v", again, err)
	}
}

// TestRemovalIsFinished: the service goes down behind a decision. The next one, minutes later, takes away the name that came back, and ends
// the review.
func TestRemovalIsFinished(t *testing.T) {
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
		if err := m.rename(t, ada, "Hate2"); err != nil { // it is decided about before it is stored
			t.Error(err)
		}
		if name, queue := m.shown(t, ada), m.queue(t, reviewRemoving); name != "Hate2" || len(queue) != 1 {
			t.Errorf("%q is shown, the queue is %v", name, queue)
		}
	})
	t.Run("after", func(t *testing.T) {
		m := serveModerated(t, e, 3*time.Minute)
		end := time.Now().Add(30 * time.Second)
		for len(m.queue(t, profilev1.ReviewState_REVIEW_STATE_REMOVED)) == 0 && time.Now().Before(end) {
			time.Sleep(20 * time.Millisecond)
		}
		if name, queue := m.shown(t, ada), m.queue(t, 0); name != "" || len(queue) != 1 || !queue[0].GetTextRemoved() {
			t.Errorf("%q is shown, the queue is %v", name, queue)
		}
	})
}

// TestListReviewsPages: pages hold each review once, and a token belongs to its list.
func TestListReviewsPages(t *testing.T) {
	m := startModerated(t)
	m.join(t, ada)
	for i := range 9 {
		if err := m.rename(t, ada, "Hate2 "+strings.Repeat("x", i)); err != nil {
			t.Fatal(err)
		}
	}
	seen, token, first := map[string]bool{}, "", ""
	for pages := 0; pages == 0 || token != ""; pages++ {
		r, err := m.desk(t).ListReviews(session(t), &profilev1.ListReviewsRequest{State: reviewPending, PlayerId: ada, PageSize: 4, PageToken: token})
		if err != nil || len(r.GetReviews()) > 4 || pages > 9 {
			t.Fatalf("%v, %v", r, err)
		}
		for _, review := range r.GetReviews() {
			seen[review.GetText()] = true
		}
		if token = r.GetNextPageToken(); first == "" {
			first = token
		}
	}
	if len(seen) != 9 {
		t.Errorf("%d reviews", len(seen))
	}
	for what, r := range map[string]*profilev1.ListReviewsRequest{
		"another state": {PlayerId: ada, PageToken: first}, "another player": {State: reviewPending, PlayerId: bob, PageToken: first},
	} {
		if _, err := m.desk(t).ListReviews(session(t), r); fault.ReasonOf(err) != "BAD_PAGE_TOKEN" {
			t.Errorf("%s: %v", what, err)
		}
	}
}
