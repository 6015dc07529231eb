package profile_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
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
	cfg, err := config.Load[profile.Config](environ)
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
	}
}

// TestThrottledThenFine: a short wait that Content Safety asks for is kept, and the name is rated after it.
func TestThrottledThenFine(t *testing.T) {
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

// TestNameOutlivesFailedQueue: the review cannot be written, so the name is not stored either; the same request works afterwards.
func TestNameOutlivesFailedQueue(t *testing.T) {
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

func listReviews(r *profilev1.ListReviewsRequest) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewModerationServiceClient(c).ListReviews(ctx, r)
		return err
	}
}

func getReview(id string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewModerationServiceClient(c).GetReview(ctx, &profilev1.GetReviewRequest{ReviewId: id})
		return err
	}
}

func decideReview(r *profilev1.DecideReviewRequest) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewModerationServiceClient(c).DecideReview(ctx, r)
		return err
	}
}

func TestBadModerationInput(t *testing.T) {
	m := startModerated(t)
	m.join(t, ada)
	if err := m.rename(t, ada, "Hate2"); err != nil {
		t.Fatal(err)
	}
	id := m.queue(t, reviewPending)[0].GetReviewId()
	operator := m.Dial(t, m.authority.Operator(someOps))
	type request = profilev1.DecideReviewRequest
	for what, test := range map[string]struct {
		call        call
		field, part string
	}{
		"unknown state":         {listReviews(&profilev1.ListReviewsRequest{State: 99}), "state", ""},
		"not a player":          {listReviews(&profilev1.ListReviewsRequest{PlayerId: "x"}), "player_id", ""},
		"negative page":         {listReviews(&profilev1.ListReviewsRequest{PageSize: -1}), "page_size", ""},
		"page of 201":           {listReviews(&profilev1.ListReviewsRequest{PageSize: 201}), "page_size", ""},
		"made up token":         {listReviews(&profilev1.ListReviewsRequest{PageToken: "nonsense"}), "page_token", ""},
		"token too long":        {listReviews(&profilev1.ListReviewsRequest{PageToken: strings.Repeat("a", 16385)}), "page_token", ""},
		"empty id":              {getReview(""), "review_id", ""},
		"id with a slash":       {getReview(id[:31] + "/"), "review_id", ""},
		"id in large letters":   {getReview(strings.ToUpper("a" + id[1:])), "review_id", ""},
		"id too long":           {getReview(id + "0"), "review_id", ""},
		"no decision":           {decideReview(&request{ReviewId: id}), "decision", ""},
		"unknown decision":      {decideReview(&request{ReviewId: id, Decision: 7}), "decision", ""},
		"decide nothing":        {decideReview(&request{Decision: acceptReview}), "review_id", ""},
		"accept and replace":    {decideReview(&request{ReviewId: id, Decision: acceptReview, Replacement: "x"}), "replacement", "removal"},
		"replace by itself":     {decideReview(&request{ReviewId: id, Decision: removeReview, Replacement: "Hate2"}), "replacement", "to be removed"},
		"replacement of spaces": {decideReview(&request{ReviewId: id, Decision: removeReview, Replacement: "  "}), "replacement", ""},
		"replacement too long":  {decideReview(&request{ReviewId: id, Decision: removeReview, Replacement: strings.Repeat("x", 33)}), "replacement", "32"},
		"replacement with NUL":  {decideReview(&request{ReviewId: id, Decision: removeReview, Replacement: "a\x00"}), "replacement", "U+0000"},
		"replacement far off":   {decideReview(&request{ReviewId: id, Decision: removeReview, Replacement: strings.Repeat("x", 1025)}), "replacement", ""},
		"note too long":         {decideReview(&request{ReviewId: id, Decision: acceptReview, Note: strings.Repeat("x", 1025)}), "note", ""},
		"etag too long":         {decideReview(&request{ReviewId: id, Decision: acceptReview, Etag: strings.Repeat("x", 129)}), "etag", ""},
		"request id with /":     {decideReview(&request{ReviewId: id, Decision: acceptReview, RequestId: "a/b"}), "request_id", ""},
	} {
		t.Run(what, func(t *testing.T) { wantBadField(t, test.call(session(t), operator), test.field, test.part) })
	}
	if queue := m.queue(t, reviewPending); len(queue) != 1 || m.shown(t, ada) != "Hate2" {
		t.Errorf("a refused call changed something: %v", queue)
	}
	missing := strings.Repeat("0", 32)
	for what, err := range map[string]error{
		"look": getReview(missing)(session(t), operator), "decide": decideReview(&request{ReviewId: missing, Decision: removeReview})(session(t), operator),
	} {
		if f := fault.As(err); f == nil || f.Kind != fault.NotFound || f.Reason != "REVIEW_NOT_FOUND" || f.Metadata["review_id"] != missing {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := decideReview(&request{ReviewId: id, Decision: acceptReview, Etag: "old"})(session(t), operator); fault.ReasonOf(err) != "ETAG_MISMATCH" {
		t.Errorf("a stale etag: %v", err)
	}
}

// TestOperatorsReviewAlone: nobody else sees the queue, or decides.
func TestOperatorsReviewAlone(t *testing.T) {
	w := start(t)
	for name, token := range map[string]string{
		"nobody": "", "a player": w.authority.Player(ada), "a game server": w.authority.GameServer("eu-1"), "identity": w.authority.Service("identity"),
		"a player called as an operator": w.authority.Sign(w.authority.Claims(auth.RolePlayer, ada)),
	} {
		conn := w.Dial(t, token)
		want := fault.PermissionDenied
		if token == "" {
			want = fault.Unauthenticated
		}
		for what, c := range map[string]call{
			"list": listReviews(&profilev1.ListReviewsRequest{}), "look": getReview(strings.Repeat("0", 32)),
			"decide": decideReview(&profilev1.DecideReviewRequest{ReviewId: strings.Repeat("0", 32), Decision: acceptReview}),
		} {
			if err := c(session(t), conn); !fault.Is(err, want) {
				t.Errorf("%s by %s: %v", what, name, err)
			}
		}
	}
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

// TestModerationCosts pins what moderation adds, and that it adds nothing to a name that passes.
func TestModerationCosts(t *testing.T) {
	// In one second of the store: _ts is indexed, so a replace in the next one costs 0.8 RU more.
	_, e := cosmostest.StartEmulator(t, "a clock that stands still", nil, emulatortest.WithClock(emulator.NewFrozenClock(time.Now())))
	m := serveModerated(t, e, 0)
	m.join(t, ada)
	player, operator := m.Dial(t, m.authority.Player(ada)), m.Dial(t, m.authority.Operator(someOps))
	rename := func(name string) call { return change(&profilev1.Profile{DisplayName: name}, "display_name") }
	var id string
	pick := func(t *testing.T) string {
		if id == "" {
			id = m.queue(t, reviewPending)[0].GetReviewId()
		}
		return id
	}
	for _, test := range []struct {
		what     string
		as       *grpc.ClientConn
		call     func() call
		charge   float64
		requests int
	}{
		{"a name that passes", player, func() call { return rename("Ada") }, 1 + 9.9, 2},
		{"a name that is refused", player, func() call { return rename("Hate6") }, 0, 0},
		{"a name to review", player, func() call { return rename("Hate2") }, 6.55 + 1 + 9.9, 3},
		{"a name to review, queued before", player, func() call { return rename("Hate2") }, 1 + 1 + 1, 3},
		{"ListReviews of one", operator, func() call { return listReviews(&profilev1.ListReviewsRequest{State: reviewPending}) }, 2.95, 1},
		{"GetReview", operator, func() call { return getReview(pick(t)) }, 1, 1},
		{"DecideReview, remove", operator, func() call {
			return decideReview(&profilev1.DecideReviewRequest{ReviewId: pick(t), Decision: removeReview})
		}, 1 + 10.7 + 2*(1+9.9), 6},
		{"DecideReview, again", operator, func() call {
			return decideReview(&profilev1.DecideReviewRequest{ReviewId: pick(t), Decision: removeReview})
		}, 2, 2},
		{"a name that was removed", player, func() call { return rename("Hate2") }, 2, 2},
	} {
		run := test.call()
		m.wire.take()
		meter := &cosmos.Meter{}
		err := run(cosmos.WithMeter(session(t), meter), test.as)
		if err != nil && fault.ReasonOf(err) != "TEXT_REFUSED" {
			t.Errorf("%s: %v", test.what, err)
		}
		sent := len(m.wire.take())
		if diff := meter.Charge() - test.charge; diff < -0.02 || diff > 0.02 || sent != test.requests {
			t.Errorf("%s: %.2f RU in %d requests, want %.2f in %d", test.what, meter.Charge(), sent, test.charge, test.requests)
		}
		t.Logf("%-35s %6.2f RU %d requests", test.what, meter.Charge(), sent)
	}
}

func TestModerationConfig(t *testing.T) {
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "words.txt")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "PROFILE_WORDS_FILE=" + name
	}
	endpoint := "PROFILE_CONTENT_SAFETY_ENDPOINT=https://games.cognitiveservices.azure.com"
	for what, test := range map[string]struct {
		environ  []string
		variable string // that is wrong; "" = none
	}{
		"nothing":                {nil, ""},
		"an endpoint":            {[]string{endpoint}, ""},
		"words":                  {[]string{file("[mine]\ntoad\n")}, ""},
		"no words":               {[]string{file("")}, ""},
		"all":                    {[]string{endpoint + "/", "PROFILE_CONTENT_SAFETY_REFUSE=Hate=6", "PROFILE_CONTENT_SAFETY_REVIEW=off", "PROFILE_CONTENT_SAFETY_TIMEOUT=10s", "PROFILE_CONTENT_SAFETY_UNANSWERED=refuse"}, ""},
		"blocklists alone":       {[]string{endpoint, "PROFILE_CONTENT_SAFETY_REFUSE=off", "PROFILE_CONTENT_SAFETY_REVIEW=off", "PROFILE_CONTENT_SAFETY_BLOCKLISTS=a,b"}, ""},
		"nothing to ask":         {[]string{endpoint, "PROFILE_CONTENT_SAFETY_REFUSE=off", "PROFILE_CONTENT_SAFETY_REVIEW=off"}, "PROFILE_CONTENT_SAFETY_REFUSE"},
		"not a category":         {[]string{endpoint, "PROFILE_CONTENT_SAFETY_REFUSE=Spam=4"}, "PROFILE_CONTENT_SAFETY_REFUSE"},
		"not a severity":         {[]string{endpoint, "PROFILE_CONTENT_SAFETY_REVIEW=Hate=1"}, "PROFILE_CONTENT_SAFETY_REVIEW"},
		"review behind refuse":   {[]string{endpoint, "PROFILE_CONTENT_SAFETY_REVIEW=Hate=4"}, "PROFILE_CONTENT_SAFETY_REVIEW"},
		"no time":                {[]string{endpoint, "PROFILE_CONTENT_SAFETY_TIMEOUT=1ms"}, "PROFILE_CONTENT_SAFETY_TIMEOUT"},
		"too much time":          {[]string{endpoint, "PROFILE_CONTENT_SAFETY_TIMEOUT=1m"}, "PROFILE_CONTENT_SAFETY_TIMEOUT"},
		"not a time":             {[]string{endpoint, "PROFILE_CONTENT_SAFETY_TIMEOUT=soon"}, "PROFILE_CONTENT_SAFETY_TIMEOUT"},
		"neither":                {[]string{endpoint, "PROFILE_CONTENT_SAFETY_UNANSWERED=accept"}, "PROFILE_CONTENT_SAFETY_UNANSWERED"},
		"a key for nothing":      {[]string{"PROFILE_CONTENT_SAFETY_KEY=secret-value"}, "PROFILE_CONTENT_SAFETY_KEY"},
		"in the clear":           {[]string{"PROFILE_CONTENT_SAFETY_ENDPOINT=http://games.example"}, "PROFILE_CONTENT_SAFETY_ENDPOINT"},
		"in the clear, here":     {[]string{"PROFILE_CONTENT_SAFETY_ENDPOINT=http://localhost:5000"}, ""},
		"with a path":            {[]string{endpoint + "/contentsafety"}, "PROFILE_CONTENT_SAFETY_ENDPOINT"},
		"not an address":         {[]string{"PROFILE_CONTENT_SAFETY_ENDPOINT=games"}, "PROFILE_CONTENT_SAFETY_ENDPOINT"},
		"no such file":           {[]string{"PROFILE_WORDS_FILE=/nowhere/words.txt"}, "PROFILE_WORDS_FILE"},
		"a file that is no list": {[]string{file("good\n[bad\n")}, "PROFILE_WORDS_FILE"},
	} {
		_, err := config.Load[profile.Config](test.environ)
		switch {
		case test.variable == "" && err != nil, test.variable != "" && (err == nil || !strings.HasPrefix(err.Error(), test.variable+" ")):
			t.Errorf("%s: %v, want a complaint about %q", what, err, test.variable)
		case err != nil && strings.Contains(err.Error(), "secret-value"):
			t.Errorf("%s: the error gives the key away: %v", what, err)
		}
	}
}

// TestContentSafetyNeedsACredential: an endpoint without a key and without an identity is an error at the start.
func TestContentSafetyNeedsACredential(t *testing.T) {
	cfg, err := config.Load[profile.Config]([]string{"PROFILE_CONTENT_SAFETY_ENDPOINT=https://games.example"})
	if err != nil {
		t.Fatal(err)
	}
	client := cosmostest.StartShared(t, nil)
	if _, err := profile.New(t.Context(), cfg, profile.Deps{Cosmos: client}); err == nil || !strings.Contains(err.Error(), "PROFILE_CONTENT_SAFETY_KEY") {
		t.Errorf("got %v", err)
	}
	token := func(context.Context) (string, error) { return "t", nil }
	if _, err := profile.New(t.Context(), cfg, profile.Deps{Cosmos: client, ContentSafetyToken: token}); err != nil {
		t.Errorf("with an identity: %v", err)
	}
}

// TestOwnWords: a game's own list takes the place of the one that is built in.
func TestOwnWords(t *testing.T) {
	name := filepath.Join(t.TempDir(), "words.txt")
	if err := os.WriteFile(name, []byte("[animals]\ntoad\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := startModerated(t, "PROFILE_WORDS_FILE="+name)
	m.join(t, ada)
	wantTextRefused(t, "a word of the list", m.rename(t, ada, "My Toad"), "animals")
	if err := m.rename(t, ada, "toadstool"); err != nil {
		t.Errorf("not a word of the list: %v", err)
	}
}
