package clients

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	providerTimeout = 5 * time.Second // of one request to a provider
	calmFor         = 5 * time.Second // between two requests for the same document
	calmFailure     = time.Second     // where the first one failed
	maxDocument     = 1 << 20         // bytes of a document of a provider
)

// calm asks a provider for the same document at most once in a while, also one that does not answer: a token with an unknown key makes
// the verifier ask for the keys again, and anybody can send such tokens.
type calm struct {
	base    http.RoundTripper
	pause   time.Duration
	failure time.Duration // the pause after a failure

	mu    sync.Mutex
	known map[string]document // by URL
}

// document is what the provider answered, or that it did not.
type document struct {
	response http.Response // without its body
	body     []byte
	err      error
	asked    time.Time
}

func (d document) failed() bool {
	return d.err != nil || d.response.StatusCode >= http.StatusBadRequest
}

func newCalm(base http.RoundTripper) *calm {
	return &calm{base: base, pause: calmFor, failure: calmFailure, known: map[string]document{}}
}

func (c *calm) RoundTrip(req *http.Request) (*http.Response, error) {
	url := req.URL.String()
	c.mu.Lock()
	d, found := c.known[url]
	c.mu.Unlock()
	pause := c.pause
	if d.failed() {
		pause = c.failure
	}
	if !found || time.Since(d.asked) >= pause {
		d = c.ask(req)
		c.mu.Lock()
		c.known[url] = d
		c.mu.Unlock()
	}
	if d.err != nil {
		return nil, d.err
	}
	return d.answer(req), nil
}

func (c *calm) ask(req *http.Request) document {
	response, err := c.base.RoundTrip(req)
	if err != nil {
		return document{err: err, asked: time.Now()}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	if err != nil {
		return document{err: err, asked: time.Now()}
	}
	if len(body) > maxDocument {
		return document{err: fmt.Errorf("%s answers with more than %d bytes", req.URL, maxDocument), asked: time.Now()}
	}
	return document{response: *response, body: body, asked: time.Now()}
}

func (d document) answer(req *http.Request) *http.Response {
	response := d.response
	response.Header = response.Header.Clone()
	response.Request, response.Body = req, io.NopCloser(bytes.NewReader(d.body))
	return &response
}
