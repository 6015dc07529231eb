package clients

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// passingError is a failure that another try may not meet.
type passingError struct {
	cause error
	after time.Duration // how long the service asks to wait; 0 = it does not say
}

// Error gives the cause's words.
func (e *passingError) Error() string { return e.cause.Error() }

// Unwrap gives the cause.
func (e *passingError) Unwrap() error { return e.cause }

const (
	maxTries   = 3
	firstPause = 50 * time.Millisecond
)

// waitToRetry waits before another try: as long as the service asks for, or a while that doubles. It reports false at once when there
// is no time for that, or were enough tries.
func waitToRetry(ctx context.Context, try int, after time.Duration) bool {
	if try+1 >= maxTries {
		return false
	}
	pause := after
	if pause == 0 {
		pause = firstPause << try
		pause += rand.N(pause)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= pause {
		return false
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// retryAfter reads how long an answer asks to wait (RFC 9110, 10.2.3: seconds, or a date); 0 = it does not say.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second //nolint:gosec // 31 bits
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
