// Package clientstest stands in for what the service asks of others.
package clientstest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// ContentSafety stands in for Azure AI Content Safety, as documented at
// https://learn.microsoft.com/rest/api/contentsafety/text-operations/analyze-text. It rates a text by what is written in it: "Hate4" is hate
// of severity 4, "blocked" is on a blocklist.
type ContentSafety struct {
	*httptest.Server

	t        testing.TB
	mu       sync.Mutex
	requests []Request
	next     []http.HandlerFunc
	always   http.HandlerFunc
}

// Request is one request as it came.
type Request struct {
	Method, Path, Query string
	Header              http.Header
	Body                map[string]any
	Text                string
}

// StartContentSafety serves until the test ends.
func StartContentSafety(t testing.TB) *ContentSafety {
	t.Helper()
	s := &ContentSafety{t: t}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

// Next lets handlers answer the next requests, one each.
func (s *ContentSafety) Next(handlers ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, handlers...)
}

// Always lets a handler answer every request from now on; nil = as documented again.
func (s *ContentSafety) Always(handler http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next, s.always = nil, handler
}

// Take returns the requests since the last time.
func (s *ContentSafety) Take() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.requests
	s.requests = nil
	return taken
}

func (s *ContentSafety) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away
	}
	request := Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone()}
	if err := json.Unmarshal(body, &request.Body); err != nil {
		s.t.Errorf("the request is not JSON: %v", err)
	}
	request.Text, _ = request.Body["text"].(string)
	s.mu.Lock()
	s.requests = append(s.requests, request)
	handler := s.always
	if len(s.next) > 0 {
		handler, s.next = s.next[0], s.next[1:]
	}
	s.mu.Unlock()
	if handler == nil {
		handler = func(w http.ResponseWriter, _ *http.Request) { s.answer(w, request) }
	}
	handler(w, r)
}

var rating = regexp.MustCompile(`(Hate|SelfHarm|Sexual|Violence)([0-7])`)

// answer is what the service answers to a good request.
func (s *ContentSafety) answer(w http.ResponseWriter, r Request) {
	if n := utf8.RuneCountInString(r.Text); n == 0 || n > 10_000 {
		w.Header().Set("X-Ms-Error-Code", "InvalidRequestBody")
		http.Error(w, `{"error":{"code":"InvalidRequestBody","message":"text"}}`, http.StatusBadRequest)
		return
	}
	matches, analysis := []any{}, []any{}
	blocklists, _ := r.Body["blocklistNames"].([]any)
	if len(blocklists) > 0 && strings.Contains(r.Text, "blocked") {
		matches = append(matches, map[string]any{"blocklistName": blocklists[0], "blocklistItemId": "1", "blocklistItemText": "blocked"})
	}
	categories, _ := r.Body["categories"].([]any)
	if halt, _ := r.Body["haltOnBlocklistHit"].(bool); !halt || len(matches) == 0 {
		for _, category := range []string{"Hate", "SelfHarm", "Sexual", "Violence"} {
			if len(categories) > 0 && !slices.Contains(categories, any(category)) {
				continue
			}
			severity := 0
			for _, found := range rating.FindAllStringSubmatch(r.Text, -1) {
				if level, err := strconv.Atoi(found[2]); err == nil && found[1] == category {
					severity = max(severity, level)
				}
			}
			analysis = append(analysis, map[string]any{"category": category, "severity": severity})
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if err := json.NewEncoder(w).Encode(map[string]any{"blocklistsMatch": matches, "categoriesAnalysis": analysis}); err != nil {
		s.t.Logf("the client did not wait for the answer: %v", err)
	}
}

// Reply answers with a status and a body; pairs are headers.
func Reply(status int, body string, pairs ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(pairs); i += 2 {
			w.Header().Set(pairs[i], pairs[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client may have gone
	}
}

// Stall does not answer until the client goes away.
func Stall(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// Cut ends the connection without an answer.
func Cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// Trickle begins an answer and does not end it.
func Trickle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"blocklistsMatch":[],"categoriesAnalysis":[{"category":"Hate",`) // the client may have gone
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush()
	}
	<-r.Context().Done()
}
