package emulator

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// A refusal is an answer that is not a success: status, substatus, and the words that the SDK shows.
type refusal struct {
	status     int
	substatus  int
	retryAfter time.Duration
	message    string
	charge     float64
}

func (r *refusal) Error() string { return fmt.Sprintf("%d/%d %s", r.status, r.substatus, r.message) }

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, message: fmt.Sprintf(format, args...), charge: 1}
}

func badRequest(format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, format, args...)
}

func (r *refusal) sub(substatus int) *refusal { r.substatus = substatus; return r }

func (r *refusal) costs(ru float64) *refusal { r.charge = ru; return r }

// looked says whether the refusal comes from the state of the item. Such an answer has a session token, so that a client can
// read what it was refused for.
func (r *refusal) looked() bool {
	switch r.status {
	case http.StatusConflict, http.StatusPreconditionFailed:
		return true
	case http.StatusNotFound:
		return r.substatus == 0
	}
	return false
}

func notFound() *refusal {
	return refuse(http.StatusNotFound, "Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found")
}

func preconditionFailed() *refusal {
	return refuse(http.StatusPreconditionFailed, "One of the specified pre-condition is not met. Learn more: https://aka.ms/CosmosDB/sql/errors/precondition-failed")
}

func throttled(after time.Duration) *refusal {
	r := refuse(http.StatusTooManyRequests, "Request rate is large. More Request Units may be needed, so no changes were made. Please retry this request later. Learn more: http://aka.ms/cosmosdb-error-429")
	r.substatus, r.retryAfter, r.charge = 3200, after, 0
	return r
}

// errorCodes are the words of the `code` property; the status's own name without blanks serves for the rest.
var errorCodes = map[int]string{
	http.StatusBadRequest:            "BadRequest",
	http.StatusUnauthorized:          "Unauthorized",
	http.StatusForbidden:             "Forbidden",
	http.StatusNotFound:              "NotFound",
	http.StatusMethodNotAllowed:      "MethodNotAllowed",
	http.StatusRequestTimeout:        "RequestTimeout",
	http.StatusConflict:              "Conflict",
	http.StatusGone:                  "Gone",
	http.StatusPreconditionFailed:    "PreconditionFailed",
	http.StatusRequestEntityTooLarge: "RequestEntityTooLarge",
	http.StatusTooManyRequests:       "429",
	449:                              "RetryWith",
	http.StatusInternalServerError:   "InternalServerError",
	http.StatusServiceUnavailable:    "ServiceUnavailable",
	http.StatusFailedDependency:      "FailedDependency",
}

func (r *refusal) code() string {
	if code, ok := errorCodes[r.status]; ok {
		return code
	}
	return strconv.Itoa(r.status)
}
