package cosmos

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// observer is the innermost policy of the SDK's pipeline: it sees every HTTP request, also those of the SDK's own retries
// and of calls that give back neither charge nor session token (ReadManyItems, the change feed).
type observer struct{}

// Do sends the session token with a request for documents and takes charge and token from the answer.
func (observer) Do(req *policy.Request) (*http.Response, error) {
	raw := req.Raw()
	c, _ := raw.Context().Value(callKey{}).(*call)
	if c == nil || !isForDocuments(raw.URL.Path) {
		return req.Next()
	}
	c.before(raw.Header)
	sent := time.Now()
	resp, err := req.Next()
	if err == nil && resp != nil {
		c.clock.saw(resp.Header, sent, time.Now())
	}
	c.after(resp, err)
	return resp, err
}

func isForDocuments(path string) bool { return strings.Contains(path, "/docs") }

type callKey struct{}

// call is one SDK call in progress, possibly several HTTP requests and, for ReadManyItems, several at once.
type call struct {
	container string
	session   *Session
	meter     *Meter
	clock     *clock
	key       string // JSON of the partition key, where the SDK's own would be none
	bare      bool   // send no session token

	mu       sync.Mutex
	charge   float64
	requests int
	sent     bool // a session token
	doubtful bool // a request may have been carried out although no answer says so
	status   int  // of the last answer
	last     *http.Response
}

func (c *call) before(header http.Header) {
	if c.key != "" {
		header.Set(headerKey, c.key)
	}
	if c.bare {
		return
	}
	if token := c.session.header(c.container); token != "" {
		header.Set(headerSession, token)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sent = true
	}
}

func (c *call) sentToken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent
}

func (c *call) after(resp *http.Response, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	if err != nil || resp == nil {
		c.doubtful, c.status, c.last = true, 0, nil
		return
	}
	c.status, c.last = resp.StatusCode, resp
	c.doubtful = c.doubtful || transientStatus(resp.StatusCode)
	if charge, err := strconv.ParseFloat(resp.Header.Get(headerCharge), 64); err == nil {
		c.charge += charge
		c.meter.Add(charge)
	}
	if carriesToken(resp) {
		c.session.learn(c.container, resp.Header.Get(headerSession))
	}
}

// carriesToken says whether an answer's session token may be believed: of successes, and of refusals that looked at the
// item.
func carriesToken(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusConflict, http.StatusPreconditionFailed:
		return true
	case http.StatusNotFound:
		return resp.Header.Get(headerSubstatus) != strconv.Itoa(subSessionNotAvailable)
	}
	return resp.StatusCode < http.StatusBadRequest
}
