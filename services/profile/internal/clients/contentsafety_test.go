package clients

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/profile/internal/clients/clientstest"
	"supergame/services/profile/internal/moderation"
)

func newSafety(t *testing.T, blocklists ...string) (*ContentSafety, *clientstest.ContentSafety) {
	t.Helper()
	server := clientstest.StartContentSafety(t)
	return &ContentSafety{
		Endpoint: server.URL + "/", Blocklists: blocklists, Authorize: SubscriptionKey("the key"), Client: NewHTTPClient(),
	}, server
}

// TestSafetyRequest looks at every field of what is sent.
func TestSafetyRequest(t *testing.T) {
	c, server := newSafety(t, "names", "brands")
	got, err := c.Analyze(t.Context(), "Hate2 Sexual6 <&> \"quoted\" 🦊", moderation.Categories)
	if err != nil {
		t.Fatal(err)
	}
	want := moderation.Analysis{Severities: map[moderation.Category]int{"Hate": 2, "SelfHarm": 0, "Sexual": 6, "Violence": 0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	requests := server.Take()
	if len(requests) != 1 {
		t.Fatalf("%d requests", len(requests))
	}
	r := requests[0]
	if r.Method != http.MethodPost || r.Path != "/contentsafety/text:analyze" || r.Query != "api-version=2024-09-01" {
		t.Errorf("%s %s?%s", r.Method, r.Path, r.Query)
	}
	for name, want := range map[string]string{"Content-Type": "application/json", "Ocp-Apim-Subscription-Key": "the key", "Authorization": ""} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("header %s is %q, want %q", name, got, want)
		}
	}
	body := map[string]any{
		"text": "Hate2 Sexual6 <&> \"quoted\" 🦊", "categories": []any{"Hate", "SelfHarm", "Sexual", "Violence"},
		"blocklistNames": []any{"names", "brands"}, "haltOnBlocklistHit": true, "outputType": "FourSeverityLevels",
	}
	if diff := cmp.Diff(body, r.Body); diff != "" {
		t.Error(diff)
	}

	c.Authorize = Bearer(func(context.Context) (string, error) { return "a.b.c", nil })
	if _, err := c.Analyze(t.Context(), "x", []moderation.Category{"Sexual"}); err != nil {
		t.Fatal(err)
	}
	r = server.Take()[0]
	if r.Header.Get("Authorization") != "Bearer a.b.c" || r.Header.Get("Ocp-Apim-Subscription-Key") != "" {
		t.Errorf("headers %v", r.Header)
	}
	if diff := cmp.Diff([]any{"Sexual"}, r.Body["categories"]); diff != "" {
		t.Error(diff)
	}
}

func TestSafetyBlocklist(t *testing.T) {
	c, _ := newSafety(t, "names")
	got, err := c.Analyze(t.Context(), "a blocked word", moderation.Categories)
	if err != nil || !got.Blocked {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = c.Analyze(t.Context(), "a good word", nil)
	if err != nil || got.Blocked || len(got.Severities) != 0 {
		t.Errorf("blocklists alone: %+v, %v", got, err)
	}
}

const good = `{"blocklistsMatch":[],"categoriesAnalysis":[{"category":"Hate","severity":0}]}`

// TestSafetyWrongAnswers: whatever is not the documented answer is an error, and comes well before the caller's deadline.
func TestSafetyWrongAnswers(t *testing.T) {
	for what, handler := range map[string]http.HandlerFunc{
		"400":                   clientstest.Reply(400, `{"error":{"code":"InvalidRequestBody"}}`, "X-Ms-Error-Code", "InvalidRequestBody"),
		"401":                   clientstest.Reply(401, `{"error":{"code":"401"}}`),
		"403":                   clientstest.Reply(403, "no"),
		"404":                   clientstest.Reply(404, `{"error":{"code":"NotFound","message":"blocklist"}}`),
		"500":                   clientstest.Reply(500, "oops"),
		"503":                   clientstest.Reply(503, ""),
		"a redirect":            clientstest.Reply(307, "", "Location", "https://elsewhere.example/"),
		"204":                   clientstest.Reply(204, ""),
		"201 with an answer":    clientstest.Reply(201, good),
		"cut":                   clientstest.Cut,
		"HTML":                  clientstest.Reply(200, "<html>sign in</html>"),
		"nothing":               clientstest.Reply(200, ""),
		"null":                  clientstest.Reply(200, "null"),
		"an empty object":       clientstest.Reply(200, "{}"),
		"an array":              clientstest.Reply(200, "[]"),
		"truncated":             clientstest.Reply(200, good[:len(good)-3]),
		"shorter than said":     clientstest.Reply(200, good[:20], "Content-Length", "200"),
		"more behind it":        clientstest.Reply(200, good+good),
		"no category":           clientstest.Reply(200, `{"blocklistsMatch":[],"categoriesAnalysis":[]}`),
		"another category":      clientstest.Reply(200, `{"categoriesAnalysis":[{"category":"Weather","severity":0}]}`),
		"no severity":           clientstest.Reply(200, `{"categoriesAnalysis":[{"category":"Hate"}]}`),
		"a severity of null":    clientstest.Reply(200, `{"categoriesAnalysis":[{"category":"Hate","severity":null}]}`),
		"a severity as text":    clientstest.Reply(200, `{"categoriesAnalysis":[{"category":"Hate","severity":"0"}]}`),
		"a negative severity":   clientstest.Reply(200, `{"categoriesAnalysis":[{"category":"Hate","severity":-1}]}`),
		"a severity beyond all": clientstest.Reply(200, `{"categoriesAnalysis":[{"category":"Hate","severity":8}]}`),
		"half a severity":       clientstest.Reply(200, `{"categoriesAnalysis":[{"category":"Hate","severity":0.5}]}`),
		"oversized":             clientstest.Reply(200, good+strings.Repeat(" ", 1<<20)),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c, server := newSafety(t)
			server.Always(handler)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			start := time.Now()
			got, err := c.Analyze(ctx, "a text that nobody may log", []moderation.Category{"Hate"})
			if err == nil {
				t.Errorf("taken for %+v", got)
			} else if strings.Contains(err.Error(), "a text") || strings.Contains(err.Error(), "the key") {
				t.Errorf("the error gives the text or the key away: %v", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if n := len(server.Take()); n > maxTries {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// TestSafetyDeadline: one who does not answer, or does not end, is given up at the deadline.
func TestSafetyDeadline(t *testing.T) {
	for what, handler := range map[string]http.HandlerFunc{
		"stalls": clientstest.Stall, "trickles": clientstest.Trickle,
		"asks for more time than there is": clientstest.Reply(429, "", "Retry-After", "30"),
		"goes on asking":                   clientstest.Reply(429, ""),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c, server := newSafety(t)
			server.Always(handler)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			start := time.Now()
			if got, err := c.Analyze(ctx, "x", []moderation.Category{"Hate"}); err == nil {
				t.Errorf("taken for %+v", got)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
			if what == "asks for more time than there is" && len(server.Take()) != 1 {
				t.Error("it was asked again sooner than it wants")
			}
		})
	}
}

// TestSafetyRetries: what passes is tried again, and not sooner than the service asks for.
func TestSafetyRetries(t *testing.T) {
	for what, test := range map[string]struct {
		first   []http.HandlerFunc
		atLeast time.Duration
	}{
		"throttled, in seconds":   {[]http.HandlerFunc{clientstest.Reply(429, "", "Retry-After", "1")}, time.Second},
		"throttled, says no time": {[]http.HandlerFunc{clientstest.Reply(429, "")}, 0},
		"500 and 503":             {[]http.HandlerFunc{clientstest.Reply(500, ""), clientstest.Reply(503, "")}, 0},
		"cut, then shorter":       {[]http.HandlerFunc{clientstest.Cut, clientstest.Reply(200, good[:9], "Content-Length", "99")}, 0},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c, server := newSafety(t)
			server.Next(test.first...)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			start := time.Now()
			got, err := c.Analyze(ctx, "Hate2", []moderation.Category{"Hate"})
			if err != nil || got.Severities["Hate"] != 2 {
				t.Errorf("%+v, %v", got, err)
			}
			if took := time.Since(start); took < test.atLeast {
				t.Errorf("asked again after %v, want %v", took, test.atLeast)
			}
			if n := len(server.Take()); n != len(test.first)+1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestSafetyDown(t *testing.T) {
	c, server := newSafety(t)
	server.Close()
	if got, err := c.Analyze(t.Context(), "x", []moderation.Category{"Hate"}); err == nil {
		t.Errorf("taken for %+v", got)
	}
}

// TestSafetyWithoutToken: no credential, no request.
func TestSafetyWithoutToken(t *testing.T) {
	c, server := newSafety(t)
	broken := errors.New("no identity")
	c.Authorize = Bearer(func(context.Context) (string, error) { return "", broken })
	if _, err := c.Analyze(t.Context(), "x", moderation.Categories); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if n := len(server.Take()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestSafetyFollowsNoRedirect: the text and the key go to the endpoint and nowhere else.
func TestSafetyFollowsNoRedirect(t *testing.T) {
	c, server := newSafety(t)
	elsewhere := clientstest.StartContentSafety(t)
	server.Always(clientstest.Reply(http.StatusTemporaryRedirect, "", "Location", elsewhere.URL+"/contentsafety/text:analyze"))
	if _, err := c.Analyze(t.Context(), "x", moderation.Categories); err == nil {
		t.Error("a redirect is an answer")
	}
	if n := len(elsewhere.Take()); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

// TestSafetyLongText: every part is rated, and the worst counts.
func TestSafetyLongText(t *testing.T) {
	c, server := newSafety(t)
	text := strings.Repeat("good words 🦊 ", 2500) + "Violence4 " + strings.Repeat("x", 12_000) + " Violence2"
	got, err := c.Analyze(t.Context(), text, moderation.Categories)
	if err != nil || got.Severities["Violence"] != 4 {
		t.Errorf("%+v, %v", got, err)
	}
	var joined strings.Builder
	for _, r := range server.Take() {
		joined.WriteString(r.Text)
	}
	if joined.String() != text {
		t.Error("the parts together are not the text")
	}
	server.Next(nil, nil, clientstest.Reply(400, ""))
	if _, err := c.Analyze(t.Context(), text, moderation.Categories); err == nil {
		t.Error("a part that is not rated is taken for harmless")
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-1": 0, "1.5": 0, "soon": 0, "99999999999": 0, "Sun, 01 Mar 2026 10:00:09 GMT": 9 * time.Second,
		"Sun, 01 Mar 2026 09:00:00 GMT": 0,
	} {
		header := http.Header{}
		header.Set("Retry-After", text)
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func FuzzReadAnalysis(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{"blocklistsMatch":[{}],"categoriesAnalysis":[]}`))
	f.Add([]byte(`{"categoriesAnalysis":[{"category":"Hate","severity":null}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := readAnalysis(body, []moderation.Category{"Hate"})
		if err != nil || a.Blocked {
			return
		}
		if severity, rated := a.Severities["Hate"]; !rated || severity < 0 || severity > maxSeverity {
			t.Errorf("%s is taken for %+v", body, a)
		}
	})
}
