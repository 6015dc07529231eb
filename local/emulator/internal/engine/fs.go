package engine

import (
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// logFS makes a sync of the write-ahead log cost nothing, while tables and manifest still reach the disk. A commit with pebble.Sync
// then waits until its record went through write(2): it belongs to the operating system, so the end of the process does not lose
// it, the end of the machine may. pebble.NoSync would not do: it leaves the record in a buffer of the process.
type logFS struct{ vfs.FS }

func (f logFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return wrapLog(name)(f.FS.Create(name, c))
}

func (f logFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return wrapLog(name)(f.FS.OpenReadWrite(name, c, o...))
}

func (f logFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return wrapLog(newname)(f.FS.ReuseForWrite(oldname, newname, c))
}

// Unwrap is how pebble finds what lies below.
func (f logFS) Unwrap() vfs.FS { return f.FS }

func wrapLog(name string) func(vfs.File, error) (vfs.File, error) {
	return func(file vfs.File, err error) (vfs.File, error) {
		if err != nil || !strings.HasSuffix(name, ".log") {
			return file, err
		}
		return logFile{file}, nil
	}
}

type logFile struct{ vfs.File }

func (logFile) Sync() error                { return nil }
func (logFile) SyncData() error            { return nil }
func (logFile) SyncTo(int64) (bool, error) { return true, nil }
