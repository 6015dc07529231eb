package sql

import "fmt"

// ErrorKind says whose fault an Error is and how the service words it.
type ErrorKind uint8

// The kinds of Error. All of them are the caller's fault: 400 BadRequest.
const (
	// Syntax: the text is not a query.
	Syntax ErrorKind = iota + 1
	// Semantic: the text parses but means nothing, as an alias that nothing binds or ORDER BY over an expression.
	Semantic
	// Unsupported: the service may know it, this package does not (spatial, vector, user-defined functions).
	Unsupported
	// Parameter: a parameter is missing, is not JSON, or has the wrong type for its place.
	Parameter
	// Evaluation: the query is sound but a document makes it fail, as a scalar subquery with two rows.
	Evaluation
)

// Error is a refusal of a query. Start and End are byte offsets into the query text, both 0 when no place in the
// text is to blame.
type Error struct {
	Kind       ErrorKind
	Start, End int
	Message    string
}

// Error gives the message alone; the place is in Start and End.
func (e *Error) Error() string { return e.Message }

// Code is the code in the service's error body: SC1001 for syntax, SC2001 for names and rules, SC2005 for functions it
// does not know. The service has finer ones; clients are not known to tell them apart.
func (e *Error) Code() string {
	switch e.Kind {
	case Syntax:
		return "SC1001"
	case Semantic:
		return "SC2001"
	default:
		return "SC2005"
	}
}

func errorAt(kind ErrorKind, start, end int, format string, args ...any) *Error {
	return &Error{Kind: kind, Start: start, End: end, Message: fmt.Sprintf(format, args...)}
}
