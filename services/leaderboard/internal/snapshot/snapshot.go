// Package snapshot keeps copies of the view of the ranks in the store, so that a process that starts need not read every entry: it loads a snapshot
// and follows the change feed from where that was taken.
//
// The positions of the feed are taken before the view is walked through, and entries have versions: what changes meanwhile may stand in the
// snapshot or not, the feed shows it again. The header is written last and names the chunks with their checksums, so there is a whole snapshot or
// none. As the feed shows no deletes, and tombstones expire, a snapshot is good for half a tombstone's life.
package snapshot

import (
	"context"
	"crypto/sha256"
	"time"

	"supergame/services/platform/fault"
)

// Position is how far one range of the feed was read.
type Position struct {
	Min, Max string
	Token    string
	AsOf     time.Time // everything that was stored until then is in the view
}

// Chunk is a piece of a season.
type Chunk struct {
	ID      string
	Hash    [sha256.Size]byte
	Entries int64
}

// Season is one season of a board.
type Season struct {
	BoardID  string
	BoardUID string
	Number   int64
	KeyBytes int // of its entries
	Segments int
	Chunks   []Chunk
}

// Header describes a snapshot.
type Header struct {
	Origin     string // names the deployment that it is of
	Generation int64
	Positions  []Position
	Seasons    []Season
	CreateTime time.Time
}

// AsOf is how old the oldest part of the snapshot is; zero for none.
func (h *Header) AsOf() time.Time {
	var oldest time.Time
	for i, p := range h.Positions {
		if i == 0 || p.AsOf.Before(oldest) {
			oldest = p.AsOf
		}
	}
	return oldest
}

// State is what the store has.
type State struct {
	Header  *Header   // nil = none
	Writing int64     // the generation that somebody writes or began to write; 0 = none
	Chunks  int       // of it there are at most so many
	Old     []string  // chunks of the snapshot before, which are not removed yet
	OldAsOf time.Time // its age
	Request time.Time // when a new snapshot was asked for last
}

// Store keeps one snapshot, and the chunks of the next while it is written.
type Store interface {
	State(ctx context.Context) (State, error)
	// Reserve says that up to so many chunks of a generation are being written. False when somebody else writes one.
	Reserve(ctx context.Context, generation int64, chunks int) (bool, error)
	// Publish makes a header the snapshot, if its generation is still the one being written.
	Publish(ctx context.Context, h *Header) (bool, error)
	// Removed says that no chunks but the snapshot's own are left.
	Removed(ctx context.Context, generation int64) error
	// Request asks for a new snapshot.
	Request(ctx context.Context, now time.Time) error
}

// All knows the snapshots of all deployments.
type All interface {
	All(ctx context.Context) ([]State, error)
	Request(ctx context.Context, now time.Time) error
}

// Chunks keeps the content.
type Chunks interface {
	Put(ctx context.Context, id string, body []byte) error
	Get(ctx context.Context, id string) ([]byte, error)
	// Remove deletes a chunk, which may be gone already.
	Remove(ctx context.Context, id string) error
}

// refused is the answer about a snapshot that is not to be used.
func refused(format string, args ...any) *fault.Error {
	return fault.New(fault.FailedPrecondition, "SNAPSHOT_REFUSED", format, args...)
}
