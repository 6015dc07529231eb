package cosmos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"supergame/services/platform/fault"
)

// answered is an error as the SDK gives it for an answer of the service.
func answered(status int, sub, after string) error {
	header := http.Header{}
	if sub != "" {
		header.Set(headerSubstatus, sub)
	}
	if after != "" {
		header.Set(headerRetryAfter, after)
	}
	response := &http.Response{StatusCode: status, Header: header, Body: http.NoBody, Request: &http.Request{Method: http.MethodGet}}
	return fmt.Errorf("wrapped: %w", &azcore.ResponseError{StatusCode: status, RawResponse: response})
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name      string
		err       error
		kind      fault.Kind
		reason    string
		transient bool
		after     time.Duration // of the fault
	}{
		{"not found", answered(404, "0", ""), fault.NotFound, ReasonNotFound, false, 0},
		{"session not available", answered(404, "1002", ""), fault.Unavailable, ReasonUnavailable, true, 0},
		{"conflict", answered(409, "", ""), fault.AlreadyExists, ReasonAlreadyExists, false, 0},
		{"etag", answered(412, "", ""), fault.Aborted, ReasonEtagMismatch, false, 0},
		{"too large", answered(413, "", ""), fault.InvalidArgument, ReasonTooLarge, false, 0},
		{"throttled", answered(429, "3200", "250"), fault.ResourceExhausted, ReasonThrottled, false, 250 * time.Millisecond},
		{"throttled, no advice", answered(429, "", ""), fault.ResourceExhausted, ReasonThrottled, false, time.Second},
		{"our bad request", answered(400, "", ""), fault.Internal, reasonBadRequest, false, 0},
		{"key mismatch", answered(400, "1001", ""), fault.Internal, "KEY_MISMATCH", false, 0},
		{"unauthorized", answered(401, "", ""), fault.Internal, "STORE_UNAUTHORIZED", false, 0},
		{"role missing", answered(403, "5301", ""), fault.Unavailable, "STORE_ROLE_MISSING", false, 0},
		{"firewall", answered(403, "", ""), fault.Unavailable, "STORE_FORBIDDEN", false, 0},
		{"partition full", answered(403, "1014", ""), fault.ResourceExhausted, "PARTITION_FULL", false, 0},
		{"request timeout", answered(408, "", ""), fault.Unavailable, ReasonUnavailable, true, 0},
		{"gone", answered(410, "1002", ""), fault.Unavailable, ReasonUnavailable, true, 0},
		{"retry with", answered(449, "", ""), fault.Unavailable, ReasonUnavailable, true, 0},
		{"server error", answered(500, "", ""), fault.Unavailable, ReasonUnavailable, true, 0},
		{"bad gateway", answered(502, "", ""), fault.Unavailable, ReasonUnavailable, true, 0},
		{"unavailable", answered(503, "", "40"), fault.Unavailable, ReasonUnavailable, true, 0},
		{"gateway timeout", answered(504, "", ""), fault.Unavailable, ReasonUnavailable, true, 0},
		{"unheard of", answered(418, "", ""), fault.Internal, "STORE_STATUS", false, 0},
		{"cut connection", fmt.Errorf("read: %w", io.ErrUnexpectedEOF), fault.Unavailable, ReasonUnavailable, true, 0},
		{"time of one call", context.DeadlineExceeded, fault.Unavailable, ReasonUnavailable, true, 0},
		{"a fault of ours", fault.New(fault.DataLoss, "X", "x"), fault.DataLoss, "X", false, 0},
	}
	for _, tt := range tests {
		r := refuse(t.Context(), tt.err)
		if r.fault.Kind != tt.kind || r.fault.Reason != tt.reason || r.transient != tt.transient || r.fault.RetryAfter != tt.after {
			t.Errorf("%s: %v %s, transient %v, after %v", tt.name, r.fault.Kind, r.fault.Reason, r.transient, r.fault.RetryAfter)
		}
		if tt.name != "a fault of ours" && !errors.Is(r.fault, tt.err) && fault.As(r.fault).Cause == nil {
			t.Errorf("%s: the cause is lost", tt.name)
		}
	}
	if got := refuse(t.Context(), answered(503, "", "40")).after; got != 40*time.Millisecond {
		t.Errorf("asked to wait %v", got)
	}
}

func TestRefusalOfAnEndedCall(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if r := refuse(canceled, answered(503, "", "")); r.fault.Kind != fault.Canceled || r.transient {
		t.Errorf("%+v", r)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if r := refuse(late, errors.New("cut")); r.fault.Kind != fault.DeadlineExceeded || r.transient {
		t.Errorf("%+v", r)
	}
}
