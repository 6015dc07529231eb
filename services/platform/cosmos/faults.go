package cosmos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"supergame/services/platform/fault"
)

// Reasons of the faults this package makes. The service's own refusals are these; a store gives better ones where it knows more.
const (
	ReasonNotFound        = "NOT_FOUND"
	ReasonAlreadyExists   = "ALREADY_EXISTS"
	ReasonEtagMismatch    = "ETAG_MISMATCH"
	ReasonTooLarge        = "TOO_LARGE"
	ReasonThrottled       = "THROTTLED"
	ReasonRequestIDReused = "REQUEST_ID_REUSED"
	ReasonSchemaTooNew    = "SCHEMA_TOO_NEW"
	ReasonUnavailable     = "STORE_UNAVAILABLE"
	ReasonOutcomeUnknown  = "OUTCOME_UNKNOWN"
	ReasonContention      = "CONTENTION"
	ReasonNotPrepared     = "CONTAINERS_NOT_READY"

	reasonBadRequest = "STORE_BAD_REQUEST"
)

// Headers of the service, in canonical form so that looking them up does not allocate.
const (
	headerSubstatus  = "X-Ms-Substatus"
	headerRetryAfter = "X-Ms-Retry-After-Ms"
	headerCharge     = "X-Ms-Request-Charge"
	headerActivity   = "X-Ms-Activity-Id"
	headerSession    = "X-Ms-Session-Token"
	headerKey        = "X-Ms-Documentdb-Partitionkey"
)

// Statuses and substatuses that package net/http does not name.
const (
	statusRetryWith            = 449
	subSessionNotAvailable     = 1002
	subOwnerMissing            = 1003
	subKeyMismatch             = 1001
	subPartitionSizeExceeded   = 1014
	subRoleAssignmentMissing   = 5301
	defaultRetryAfterThrottled = time.Second
)

// refusal is an SDK error made sense of.
type refusal struct {
	fault     *fault.Error
	transient bool          // another try may succeed
	stale     bool          // the replica has not seen the session's token yet
	after     time.Duration // how long the service asks to wait before that
	status    int           // HTTP status, 0 when there was no answer
	sub       int
}

// refuse classifies an error of the SDK. The caller's context has priority: what failed because he went away says so.
func refuse(ctx context.Context, err error) refusal {
	if ctx.Err() != nil {
		return refusal{fault: contextFault(ctx.Err()).Because(err)}
	}
	var response *azcore.ResponseError
	if errors.As(err, &response) {
		return refuseStatus(response)
	}
	var own *fault.Error
	if errors.As(err, &own) {
		return refusal{fault: own}
	}
	// What is left is the network, the sign-in, or the time limit of this one call.
	return refusal{transient: true, fault: unavailable(err)}
}

func contextFault(err error) *fault.Error {
	if errors.Is(err, context.Canceled) {
		return fault.New(fault.Canceled, "CANCELED", "the call was canceled")
	}
	return fault.New(fault.DeadlineExceeded, "DEADLINE_EXCEEDED", "the time of the call ran out")
}

func unavailable(err error) *fault.Error {
	return fault.New(fault.Unavailable, ReasonUnavailable, "the store does not answer, try again").Because(err)
}

func refuseStatus(response *azcore.ResponseError) refusal {
	r := refusal{status: response.StatusCode}
	if response.RawResponse != nil {
		header := response.RawResponse.Header
		r.sub, _ = strconv.Atoi(header.Get(headerSubstatus))
		if ms, err := strconv.ParseFloat(header.Get(headerRetryAfter), 64); err == nil && ms > 0 {
			r.after = time.Duration(ms * float64(time.Millisecond))
		}
	}
	r.stale = r.status == http.StatusNotFound && r.sub == subSessionNotAvailable
	r.transient = transientStatus(r.status) || r.stale
	r.fault = statusFault(r.status, r.sub, r.after).Because(&answer{response})
	return r
}

// answer is the SDK's error on one line, for the log: its own text is a page.
type answer struct {
	*azcore.ResponseError
}

// Error says what was asked and what the service said, with the activity id that its support asks for.
func (a *answer) Error() string {
	text := fmt.Sprintf("status %d", a.StatusCode)
	raw := a.RawResponse
	if raw == nil {
		return text
	}
	if sub := raw.Header.Get(headerSubstatus); sub != "" {
		text += "/" + sub
	}
	if raw.Request != nil && raw.Request.URL != nil {
		text += " to " + raw.Request.Method + " " + raw.Request.URL.Path
	}
	if id := raw.Header.Get(headerActivity); id != "" {
		text += ", activity " + id
	}
	if message := serviceMessage(raw); message != "" {
		text += ": " + message
	}
	return text
}

// Unwrap gives the SDK's error.
func (a *answer) Unwrap() error { return a.ResponseError }

// maxMessage bounds what is logged of the service's words.
const maxMessage = 300

// serviceMessage is the first line of what the service says.
func serviceMessage(raw *http.Response) string {
	body, err := runtime.Payload(raw)
	if err != nil {
		return ""
	}
	var said struct{ Message string }
	if json.Unmarshal(body, &said) != nil {
		return ""
	}
	line, _, _ := strings.Cut(said.Message, "\r\n")
	if len(line) > maxMessage {
		line = line[:maxMessage]
	}
	return line
}

// transientStatus lists what another try may mend. 429 is not among them: the SDK has tried five times, honoring what the
// service asked for, and the caller should hear about it.
func transientStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusGone, statusRetryWith, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// statusFault is the table from the service's answers to faults.
func statusFault(status, sub int, after time.Duration) *fault.Error {
	switch status {
	case http.StatusNotFound:
		switch sub {
		case subSessionNotAvailable:
			return fault.New(fault.Unavailable, ReasonUnavailable, "no replica has the caller's last write yet, try again")
		case subOwnerMissing: // says nothing about the document: nobody may take his player for gone because of it
			return fault.New(fault.Unavailable, ReasonNotPrepared, "the database or the container is not there")
		}
		return fault.New(fault.NotFound, ReasonNotFound, "there is no such document")
	case http.StatusConflict:
		return fault.New(fault.AlreadyExists, ReasonAlreadyExists, "the document exists")
	case http.StatusPreconditionFailed:
		return fault.New(fault.Aborted, ReasonEtagMismatch, "the document was changed by somebody else, read it again")
	case http.StatusRequestEntityTooLarge:
		return fault.New(fault.InvalidArgument, ReasonTooLarge, "the document is larger than 2 MB")
	case http.StatusTooManyRequests:
		if after <= 0 {
			after = defaultRetryAfterThrottled
		}
		return fault.New(fault.ResourceExhausted, ReasonThrottled, "the store is busy, try again later").After(after)
	case http.StatusForbidden:
		return forbidden(sub)
	case http.StatusUnauthorized:
		return fault.New(fault.Internal, "STORE_UNAUTHORIZED", "the store refuses our key or token: check COSMOS_KEY, or the clock")
	case http.StatusBadRequest:
		if sub == subKeyMismatch {
			return fault.New(fault.Internal, "KEY_MISMATCH", "the document's partition key is not the one it was written under")
		}
		return fault.New(fault.Internal, reasonBadRequest, "the store does not understand us")
	case http.StatusFailedDependency:
		return fault.New(fault.Aborted, "BATCH_FAILED", "another operation of the batch failed")
	}
	if transientStatus(status) {
		return fault.New(fault.Unavailable, ReasonUnavailable, "the store cannot answer now, try again")
	}
	return fault.New(fault.Internal, "STORE_STATUS", "unexpected status %d/%d of the store", status, sub)
}

// forbidden explains a 403. Its text is for the log: role assignments take minutes to reach a new identity.
func forbidden(sub int) *fault.Error {
	switch sub {
	case subPartitionSizeExceeded:
		return fault.New(fault.ResourceExhausted, "PARTITION_FULL", "the partition holds 20 GB, the most there may be")
	case subRoleAssignmentMissing:
		return fault.New(fault.Unavailable, "STORE_ROLE_MISSING",
			"the store refuses this identity: it lacks the data-plane role for the container, or the assignment has not arrived yet")
	}
	return fault.New(fault.Unavailable, "STORE_FORBIDDEN",
		"the store refuses this identity or address: check the data-plane role assignments and the firewall")
}
