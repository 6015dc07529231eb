package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// formatVersion of the keys and values of this package. Raise it with every change that older code cannot read.
const formatVersion = "supergame-emulator 1"

const (
	memTableMemory    = 64 << 20 // reached by doubling from 256 KB, so that an empty engine stays small
	memTableDirectory = 16 << 20 // less, because as much log is read again after a kill
	baseLevelBytes    = 1 << 30  // one level below the newest tables up to here: fewer places to look, fewer copies
	tableBytes        = 16 << 20
	memoryCache       = 384 << 20 // filled as blocks are read; the tables lie in memory already
	directoryCache    = 128 << 20
	bloomBitsPerKey   = 10

	// overlapMemory is how many layers of new tables, times two, wait for one compaction. Fewer copies of what is there than with
	// the 4 of a directory; with 16 a page of the change feed, which reads all layers, costs nearly twice as much.
	overlapMemory    = 8
	overlapDirectory = 4
)

func (e *Engine) openStore() error {
	o := storeOptions()
	dir := "emulator"
	if e.inMemory() {
		o.FS = newTableFS()
		o.DisableWAL = true
		o.CacheSize = memoryCache
		o.MemTableSize = memTableMemory
		o.L0CompactionThreshold = overlapMemory
		o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	} else {
		dir = e.opts.Dir
		if o.FS = e.opts.disk; o.FS == nil {
			o.FS = vfs.Default
		}
		if err := o.FS.MkdirAll(dir, 0o750); err != nil {
			return fmt.Errorf("engine: make the data directory: %w", err)
		}
		if !e.opts.Fsync {
			o.FS = logFS{o.FS}
		}
		o.CacheSize = directoryCache
		o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
		var err error
		if e.lock, err = lockDirectory(dir, o.FS); err != nil {
			return err
		}
		o.Lock = e.lock
	}
	var err error
	if e.db, err = pebble.Open(dir, o); err != nil {
		return errors.Join(fmt.Errorf("engine: open the store: %w", err), e.unlock())
	}
	if err := e.checkFormat(); err != nil {
		return errors.Join(err, e.closeStore())
	}
	return nil
}

func storeOptions() *pebble.Options {
	o := &pebble.Options{
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                memTableDirectory,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       overlapDirectory,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               baseLevelBytes,
		MaxOpenFiles:                500,
		Logger:                      quiet{},
	}
	for i := range o.TargetFileSizes {
		o.TargetFileSizes[i] = tableBytes
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBitsPerKey)
		o.Levels[i].FilterType = pebble.TableFilter
		o.Levels[i].BlockSize = 4 << 10
		o.Levels[i].IndexBlockSize = 32 << 10
	}
	return o
}

func lockDirectory(dir string, f vfs.FS) (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(dir, f)
	switch {
	case err == nil:
		return lock, nil
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("engine: lock the data directory: %w", err)
	}
	return nil, fmt.Errorf("%w: %s: %w", ErrInUse, dir, err)
}

// Remove deletes a data directory. It refuses with [ErrInUse] while an engine has it open: what that one acknowledges afterwards
// would be gone without a word.
func Remove(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	lock, err := lockDirectory(dir, vfs.Default)
	if err != nil {
		return err
	}
	if err := lock.Close(); err != nil { // before the files go: Windows deletes none that is open
		return fmt.Errorf("engine: unlock the data directory: %w", err)
	}
	return os.RemoveAll(dir)
}

func (e *Engine) unlock() error {
	if e.lock == nil {
		return nil
	}
	return e.lock.Close()
}

func (e *Engine) closeStore() error { return errors.Join(e.db.Close(), e.unlock()) }

// checkFormat compares the version of the store, or writes it into a new one.
func (e *Engine) checkFormat() error {
	key := metaKey(metaFormat, 0)
	found, closer, err := e.db.Get(key)
	switch {
	case err == nil:
		defer closer.Close()
		if string(found) != formatVersion {
			return fmt.Errorf("%w: it says %q, this program reads %q", ErrFormat, found, formatVersion)
		}
		return nil
	case !errors.Is(err, pebble.ErrNotFound):
		return fmt.Errorf("engine: read the format version: %w", err)
	}
	it, err := e.db.NewIter(nil)
	if err != nil {
		return fmt.Errorf("engine: read the format version: %w", err)
	}
	empty := !it.First()
	if err := it.Close(); err != nil {
		return fmt.Errorf("engine: read the format version: %w", err)
	}
	if !empty {
		return fmt.Errorf("%w: it has data and no version", ErrFormat)
	}
	b := e.db.NewBatch()
	defer drop(b)
	if err := b.Set(key, []byte(formatVersion), nil); err != nil {
		return fmt.Errorf("engine: write the format version: %w", err)
	}
	return e.commit(b)
}

// quiet drops what pebble has to say, but for what ends it: a log that cannot be written any more leaves nothing to go on with.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}

func (quiet) Fatalf(format string, args ...any) {
	panic("engine: the store failed: " + fmt.Sprintf(format, args...))
}

// drop ends a batch. It has no error to tell: that of the commit is told by the commit.
func drop(b *pebble.Batch) { _ = b.Close() }
