// Package fault is the one error type that travels through the kit.
//
// A room that decides something creates a fault with a [Kind] (what sort of failure, in the sense of
// https://google.aip.dev/193), a Reason (a stable UPPER_SNAKE_CASE word a client may switch on) and a message for people.
// Rooms above add context with fmt.Errorf("...: %w", err) and never change the kind. grpcserver holds the only table from
// kinds to gRPC codes; nothing else knows the wire.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of failure an error is. The zero Kind is [Internal], so that an error nobody classified is never
// shown to a caller as his own.
type Kind uint8

// The kinds, one for each status a caller can act upon.
const (
	Internal           Kind = iota // a defect of ours; its text is hidden from callers
	InvalidArgument                // the request is wrong whatever the state
	NotFound                       // the thing named does not exist, or the caller may not know that it does
	AlreadyExists                  // the thing to create is there
	FailedPrecondition             // the state does not allow it; a retry will not help until it changes
	Aborted                        // lost a race (stale etag); read again and retry
	PermissionDenied               // the caller is known and may not
	Unauthenticated                // the caller is not known
	ResourceExhausted              // over a quota or rate; RetryAfter says when to come back
	OutOfRange                     // past the end of what there is
	Unimplemented                  // not offered here
	Unavailable                    // passing trouble; retry with the same request_id
	DeadlineExceeded               // the time ran out; the outcome may be unknown
	Canceled                       // the caller went away
	DataLoss                       // stored data do not make sense
)

var kindNames = [...]string{
	"internal", "invalid argument", "not found", "already exists", "failed precondition", "aborted", "permission denied",
	"unauthenticated", "resource exhausted", "out of range", "unimplemented", "unavailable", "deadline exceeded",
	"canceled", "data loss",
}

// String names the kind in lower-case words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Field names one field of a request and what is wrong with it.
type Field struct {
	Path        string // as in the proto: "profile.display_name"
	Description string // a sentence for the caller's developer
}

// Error is a classified failure. Build it with [New] or [Invalid]; copy-and-change with the With methods.
type Error struct {
	Kind       Kind
	Reason     string            // UPPER_SNAKE_CASE, stable, e.g. REQUEST_ID_REUSED
	Message    string            // for people; safe to show to the caller unless Kind is Internal
	Fields     []Field           // for InvalidArgument: which fields
	RetryAfter time.Duration     // for ResourceExhausted and Unavailable: when a retry makes sense; 0 = unsaid
	Metadata   map[string]string // small facts a client may use, e.g. the id of what is in the way
	Detail     any               // a protobuf message for the caller, where facts do not do; of a fault without Fields only
	Cause      error             // what lies below, for the log
}

// New returns a fault. The format is the message for people.
func New(kind Kind, reason, format string, args ...any) *Error {
	return &Error{Kind: kind, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Invalid returns an InvalidArgument fault about one field of the request, or with the path "" about the request as a whole.
func Invalid(path, format string, args ...any) *Error {
	description := fmt.Sprintf(format, args...)
	message := description
	if path != "" {
		message = path + ": " + description
	}
	return &Error{
		Kind: InvalidArgument, Reason: "INVALID_FIELD", Message: message,
		Fields: []Field{{Path: path, Description: description}},
	}
}

// Because returns a copy of e that carries the cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// After returns a copy of e that tells the caller when to retry.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// With returns a copy of e with one more metadata pair.
func (e *Error) With(key, value string) *Error {
	c := *e
	c.Metadata = make(map[string]string, len(e.Metadata)+1)
	for k, v := range e.Metadata {
		c.Metadata[k] = v
	}
	c.Metadata[key] = value
	return &c
}

// WithDetail returns a copy of e that carries a message of a proto to the caller. This package does not look at it.
func (e *Error) WithDetail(message any) *Error {
	c := *e
	c.Detail = message
	return &c
}

// Error gives kind, message and cause on one line, for the log.
func (e *Error) Error() string {
	s := e.Kind.String() + ": " + e.Message
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// As returns the outermost fault in err's chain, or nil when there is none.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// KindOf returns the kind of the outermost fault in err's chain: [Internal] for an error that has none.
// KindOf(nil) is Internal too; ask only about errors.
func KindOf(err error) Kind {
	if e := As(err); e != nil {
		return e.Kind
	}
	return Internal
}

// ReasonOf returns the reason of the outermost fault in err's chain, or "".
func ReasonOf(err error) string {
	if e := As(err); e != nil {
		return e.Reason
	}
	return ""
}

// Is reports whether err carries a fault of this kind. An error without a fault is of no kind.
func Is(err error, kind Kind) bool {
	e := As(err)
	return e != nil && e.Kind == kind
}
