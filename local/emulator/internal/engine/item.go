package engine

import (
	"time"
)

// Item is one version of a document.
type Item struct {
	ID   string
	Body []byte // complete JSON with system properties; owned by the caller; nil where said
	ETag string // with its double quotes
	TS   int64  // seconds since 1970
	LSN  uint64 // of the range, when this version was written
}

// ReadOptions of Read, Feed and Scan. With a Session the view lags no further than its tokens allow.
type ReadOptions struct {
	IfNoneMatch string        // Read only: 304 when the item still has this ETag
	Session     []Token       // 404/1002 when one of them is ahead of the range
	Lag         time.Duration // see Engine.SetLag; 0 = the newest state
}

// ReadResult of Read. Range and LSN are set even when the read is refused.
type ReadResult struct {
	Item
	Position
}

// OpKind says what an Op does.
type OpKind uint8

// Kinds of operations.
const (
	OpCreate OpKind = iota + 1
	OpUpsert
	OpReplace
	OpPatch
	OpDelete
	OpRead
)

// Op is one operation of a Write.
type Op struct {
	Kind    OpKind
	ID      string // OpReplace, OpPatch, OpDelete, OpRead; ignored for OpCreate and OpUpsert, whose Body has it
	Body    []byte // OpCreate, OpUpsert, OpReplace: a JSON object; its system properties are dropped
	IfMatch string // 412 unless the stored ETag is this one or it is "*"; an OpUpsert of a missing item ignores it

	// Patch makes the new document from the complete current one, for OpPatch. It runs under the range's lock: it must not call
	// the engine, nor keep or change what it is given. An *Error it returns refuses the operation with that status.
	Patch func(current []byte) ([]byte, error)

	IfNoneMatch string // OpRead: 304 when the item still has this ETag; other kinds: "*" refuses an existing item with 412
}

// Result of one Op.
type Result struct {
	Item         // the version written or read; after OpDelete only ID is set. Body is nil with WriteOptions.NoBodies
	Created bool // OpCreate, and OpUpsert of a missing item
	OldSize int  // bytes of the version met, also when the operation was refused because of it; 0 = there was none
	NewSize int  // bytes of the version written, 0 after OpDelete
	OldETag string
	RemovedTerms,
	InsertedTerms int // by Options.Terms

	before, after []byte // for Options.Terms
}

// WriteOptions of Write.
type WriteOptions struct {
	NoBodies bool    // leave Result.Body nil for writes (OpRead still has it)
	Session  []Token // as in ReadOptions
}

// WriteResult of Write. After a refusal Results has the operations tried, the refused one last, and nothing was written.
type WriteResult struct {
	Results []Result
	Position
}
