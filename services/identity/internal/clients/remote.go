package clients

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"supergame/services/identity/internal/credential"
	"supergame/services/platform/fault"
)

// ticketTimeout is the time of one request, shorter than the usual deadline of a call, so that the caller hears who did not answer.
const ticketTimeout = 3 * time.Second

// maxAnswer is how many bytes of an answer are read: those that are looked for are far smaller.
const maxAnswer = 64 << 10

// remote is the HTTP side of a platform that checks credentials one by one. Requests carry secrets, so it follows no redirects, and no
// URL or body gets into an error.
//
// As calm does for documents, it leaves a platform alone for a moment that does not answer: meanwhile callers hear at once that it
// is unavailable, and nobody waits for a timeout behind others.
type remote struct {
	name   string
	client *http.Client
	pause  time.Duration // after a failure

	mu     sync.Mutex
	failed time.Time // when it last did
	cause  error
}

func newRemote(name string, transport http.RoundTripper) *remote {
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &remote{
		name: name, pause: calmFailure,
		client: &http.Client{
			Transport: transport, Timeout: ticketTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// ask makes a request. The answer's status is below 500 and neither a redirect nor 408 or 429: all of that is Unavailable
// (PROVIDER_UNAVAILABLE), like no answer.
func (r *remote) ask(ctx context.Context, req *http.Request) (status int, body []byte, err error) {
	if err := r.resting(); err != nil {
		return 0, nil, r.unavailable(err)
	}
	status, body, err = r.once(req.WithContext(ctx))
	switch {
	case ctx.Err() != nil: // the caller's time is up; it says nothing of the platform
		return 0, nil, ctx.Err()
	case err != nil:
		r.rest(err)
		return 0, nil, r.unavailable(err)
	}
	return status, body, nil
}

func (r *remote) once(req *http.Request) (status int, body []byte, err error) {
	response, err := r.client.Do(req)
	if err != nil {
		return 0, nil, bare(err)
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	status = response.StatusCode
	switch {
	case err != nil:
		return 0, nil, bare(err)
	case len(body) > maxAnswer:
		return 0, nil, fmt.Errorf("it answers with more than %d bytes", maxAnswer)
	case status >= http.StatusInternalServerError, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout,
		status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
		return 0, nil, fmt.Errorf("it answers with status %d", status)
	}
	return status, body, nil
}

// bare takes the URL out of an error: a secret may stand in it.
func bare(err error) error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		return withURL.Err
	}
	return err
}

func (r *remote) resting() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cause != nil && time.Since(r.failed) < r.pause {
		return fmt.Errorf("it did not answer a moment ago: %w", r.cause)
	}
	return nil
}

func (r *remote) rest(cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed, r.cause = time.Now(), cause
}

func (r *remote) unavailable(cause error) error {
	return fault.New(fault.Unavailable, "PROVIDER_UNAVAILABLE", "the provider %s does not answer, try again", r.name).
		With("provider", r.name).After(2 * time.Second).Because(cause)
}

// read decodes an answer. One that makes no sense is that of a platform that does not answer.
func (r *remote) read(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return r.unavailable(errors.New("its answer is not the JSON that was expected"))
	}
	return nil
}

// misconfigured is for answers that say that this deployment, not the player, is at fault: to him it is a provider that does not work
// now, and the log says why.
func (r *remote) misconfigured(status int, what string) error {
	return r.unavailable(fmt.Errorf("it refuses this deployment's own credentials (status %d, %s): check the configuration", status, what))
}

// subject is a subject of the platform, whose issuer is a name and no URL, as those of OpenID Connect are.
func (r *remote) subject(issuer, name string) (credential.Subject, error) {
	if n := len(name); n == 0 || n > 255 {
		return credential.Subject{}, r.unavailable(fmt.Errorf("its name for the player has %d bytes", n))
	}
	return credential.Subject{Provider: r.name, Issuer: issuer, Name: name}, nil
}
