package sql

import (
	"encoding/json"
	"iter"
	"time"
)

// Query is a parsed and resolved query. It is immutable and safe for concurrent use.
type Query struct {
	text string
	plan *plan
}

// Text is the query as it was written.
func (q *Query) Text() string { return q.text }

// Features are the clauses and functions of a query that the gateway cannot serve across partitions.
type Features uint16

// The bits of Features.
const (
	HasOrderBy Features = 1 << iota
	HasTop
	HasOffsetLimit
	HasDistinct
	HasGroupBy
	HasAggregate
	HasJoin
	HasSubquery
)

// NotAcrossPartitions are the features that the gateway refuses in a query over several partitions ("cross
// partition query can not be directly served by the gateway").
const NotAcrossPartitions = HasOrderBy | HasTop | HasOffsetLimit | HasDistinct | HasGroupBy | HasAggregate

// Features reports what the outermost query uses; HasJoin and HasSubquery also look inside.
func (q *Query) Features() Features { return q.plan.features }

// Buffered reports whether the first row needs every document: ORDER BY, GROUP BY and aggregates. Such a query
// must be given its whole source on each page, and so must one with DISTINCT.
func (q *Query) Buffered() bool { return q.plan.buffered() }

// Star reports whether each row is a whole document as stored (SELECT * FROM c, with any filter and order).
func (q *Query) Star() bool { return q.plan.star }

// Parameters lists the parameters the query names, with their @, in order of first use.
func (q *Query) Parameters() []string { return q.plan.params }

// SortKey is one item of ORDER BY.
type SortKey struct {
	// Path is the document path in the notation of indexing policies, as "/address/city" or `/"my-key"/x`.
	Path       string
	Segments   []string
	Descending bool
}

// OrderBy lists the sort keys, empty without ORDER BY.
func (q *Query) OrderBy() []SortKey { return q.plan.sortKeys }

// FilterOp is the comparison of a Filter.
type FilterOp uint8

// The comparisons of Filter. FilterEq with several Values is IN.
const (
	FilterEq FilterOp = iota + 1
	FilterNe
	FilterLt
	FilterLe
	FilterGt
	FilterGe
	// FilterPrefix: STARTSWITH without the case flag, or LIKE with a plain prefix.
	FilterPrefix
	// FilterDefined: IS_DEFINED.
	FilterDefined
	// FilterAny: at least one of the conjunctions in Any holds.
	FilterAny
)

// Filter is a condition on one document path that every result satisfies.
type Filter struct {
	Path     string
	Segments []string
	Op       FilterOp
	Values   []Operand
	// Any is set for FilterAny only, which has no path of its own: alternatives, each a conjunction.
	Any [][]Filter
}

// Operand is a constant of the query or a parameter.
type Operand struct {
	// Param is the name of the parameter with its @, or empty.
	Param string
	// JSON is the constant, when Param is empty.
	JSON json.RawMessage
}

// Filters lists conditions that follow from WHERE on paths of the document. They are necessary, not sufficient:
// a row still needs the whole WHERE, but a document that breaks a Filter yields none.
func (q *Query) Filters() []Filter { return q.plan.filters() }

// Document is one input. Run keeps neither slice after the iteration has moved on.
type Document struct {
	// Key is where the document stands in the scan: bytes.Compare orders keys as the source yields them.
	Key []byte
	// JSON is the stored document: valid JSON, nested at most 128 levels.
	JSON []byte
}

// Param is a parameter of a request: its name with the @, and its JSON.
type Param struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// Input is what a Query runs on.
type Input struct {
	Params []Param
	// Documents is the scan, in key order; an error ends the run and is returned unchanged.
	Documents iter.Seq2[Document, error]
	// MaxRows is the most rows of this page, 0 for no bound. With ORDER BY it also bounds the memory and the sorting.
	MaxRows int
	// From is the state of the page before, or the zero State.
	From State
	// Now is the time that the date functions see.
	Now time.Time
	// Cancel ends the run with an Error when it is closed, even within one document; it may be nil.
	Cancel <-chan struct{}
	// KeepUndefined makes ORDER BY on one path return documents that lack it, first when ascending. The service
	// does so only when the indexing policy includes the path explicitly; by default they are left out.
	KeepUndefined bool
}

// State is where a page ended. The zero State is the beginning. There are three ways to resume:
//
//   - a streaming query starts its source at Key, inclusive; Row rows of that document have been given out;
//   - an ORDER BY query scans its whole source again and goes on behind (Sort, Key, Row), so it neither repeats nor
//     loses rows when documents come and go between pages;
//   - DISTINCT, GROUP BY and aggregates scan their whole source again and drop the first Rows rows.
type State struct {
	// Key is the document of the first row not yet given out (streaming), or of the last one given out (ORDER BY).
	Key []byte `json:"k,omitempty"`
	// Row counts the rows of that document already given out or skipped (streaming), or is the number of the last one
	// given out (ORDER BY); JOIN makes several.
	Row int `json:"r,omitempty"`
	// Rows counts the rows given out on all pages.
	Rows int64 `json:"n,omitempty"`
	// Skipped counts the rows dropped for OFFSET so far.
	Skipped int64 `json:"s,omitempty"`
	// Sort holds the sort values of the last row given out, each an array of one element, or of none for undefined.
	Sort []json.RawMessage `json:"o,omitempty"`
}

// Outcome is how a run ended.
type Outcome struct {
	// Done: the source or TOP or LIMIT is exhausted. Otherwise there is another row, which emit refused or MaxRows
	// kept back, and State resumes with it.
	Done bool
	// State goes on behind the last row given out. After Done it still carries the counts, for a caller who cut
	// the source of a streaming query short and knows the Key himself.
	State State
	Stats Stats
}

// Stats counts the work of one run.
type Stats struct {
	// DocumentsRead counts what the source yielded, DocumentsMatched those with at least one match of WHERE.
	DocumentsRead, DocumentsMatched int64
	// BytesRead sums the sizes of the documents read; RowsOut and BytesOut count what emit accepted.
	BytesRead, RowsOut, BytesOut int64
}
