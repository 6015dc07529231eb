package engine

import (
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options of Open. The zero value is an empty engine in memory with the machine's clock.
type Options struct {
	Dir        string           // data directory, made if missing; empty = everything in memory, gone after Close
	Now        func() time.Time // clock of _ts and TTL, may be moved in both directions; nil = time.Now
	Seed       uint64           // resource ids are a function of Seed and of the order of creation
	Partitions int              // physical ranges of a new container that does not ask for a number; 0 = 1
	Fsync      bool             // survive power loss; without it an acknowledged write survives kill -9 of the process
	SweepEvery time.Duration    // real time between removals of expired items; 0 = 1 s, negative = only by Sweep
	Terms      TermCounter      // nil = Result.RemovedTerms and InsertedTerms stay 0

	disk vfs.FS // what Dir is on; nil = the machine's, tests have one that loses power
}

// TermCounter counts what a write changes in the index of a container: terms of before that are not in after, and the reverse.
// before is nil for a create, after for a delete; both are complete documents with their system properties. It runs after the
// commit, outside every lock, and must not keep the slices.
type TermCounter func(info *ContainerInfo, before, after []byte) (removed, inserted int)
