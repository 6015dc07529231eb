package profile_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/profile"
)

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
		_, err := loadConfig(test.environ)
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
	cfg, err := loadConfig([]string{
		"PROFILE_CONTENT_SAFETY_ENDPOINT=https://games.example",
	})
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
