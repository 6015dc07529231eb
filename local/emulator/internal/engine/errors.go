package engine

import (
	"errors"
	"fmt"
)

// Statuses of an Error: the numbers the service answers with.
const (
	StatusNotModified        = 304
	StatusBadRequest         = 400
	StatusNotFound           = 404
	StatusConflict           = 409
	StatusGone               = 410
	StatusPreconditionFailed = 412
	StatusTooLarge           = 413
)

// Sub-statuses of an Error, where the service gives one.
const (
	SubSessionNotAvailable = 1002 // with 404: the token names an LSN that this replica has not reached
	SubRangeGone           = 1002 // with 410: the range was split, its parent's id is no longer served
	SubPartitionKeyWrong   = 1001 // with 400: the document's partition key is not the one of the request
	SubOwnerNotFound       = 1003 // with 404: the database or the container, not the item, is missing
)

// Error is a refusal: every error of this package that is the caller's to handle is one.
type Error struct {
	Status    int // one of the Status constants
	SubStatus int // 0 when there is none
	Op        int // index of the refused operation within a Write, else 0
	Message   string
}

func (e *Error) Error() string {
	if e.SubStatus != 0 {
		return fmt.Sprintf("%d/%d: %s", e.Status, e.SubStatus, e.Message)
	}
	return fmt.Sprintf("%d: %s", e.Status, e.Message)
}

// Status gives the status of err when an *Error is in its chain, 0 for nil and for any other error.
func Status(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// Errors of Open that a caller can tell apart with errors.Is.
var (
	ErrFormat = errors.New("engine: the data directory is of another format version")
	ErrInUse  = errors.New("engine: the data directory is in use by another process")
	ErrClosed = errors.New("engine: closed")
)

func refuse(status, sub int, format string, args ...any) *Error {
	return &Error{Status: status, SubStatus: sub, Message: fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) *Error {
	return refuse(StatusBadRequest, 0, format, args...)
}
