package engine

import (
	"io"
	"io/fs"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// chunkBytes is the unit in which tables grow and their memory is used again.
const chunkBytes = 256 << 10

// tableFS is pebble's memory file system with another home for tables. There a file is one slice that is copied whenever it grows;
// here it is chunks, and those of a deleted table serve the next one, so a compaction leaves the collector nothing to do. An
// empty file of the same name stands in the file system below.
type tableFS struct {
	vfs.FS
	mu     sync.Mutex
	tables map[string]*table
	free   [][]byte
}

func newTableFS() *tableFS { return &tableFS{FS: vfs.NewMem(), tables: map[string]*table{}} }

// maxFree bounds how much memory waits to be used again.
const maxFree = 64

// table is the content of one file. It is written from its begin to its end, and read only then.
type table struct {
	fs     *tableFS
	chunks [][]byte
	size   int
	refs   int // its name and every open handle, under fs.mu
}

func (f *tableFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	below, err := f.FS.Create(name, c)
	if err != nil || !strings.HasSuffix(name, ".sst") && !strings.HasSuffix(name, ".blob") {
		return below, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unref(f.tables[name])
	t := &table{fs: f, refs: 2}
	f.tables[name] = t
	return &tableFile{File: below, t: t}, nil
}

func (f *tableFS) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	below, err := f.FS.Open(name, o...)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.tables[name]
	if t == nil {
		return below, nil
	}
	t.refs++
	return &tableFile{File: below, t: t}, nil
}

func (f *tableFS) Remove(name string) error {
	f.mu.Lock()
	f.unref(f.tables[name])
	delete(f.tables, name)
	f.mu.Unlock()
	return f.FS.Remove(name)
}

func (f *tableFS) Stat(name string) (vfs.FileInfo, error) {
	info, err := f.FS.Stat(name)
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.tables[name]; t != nil && err == nil {
		return tableInfo{info, int64(t.size)}, nil
	}
	return info, err
}

// unref needs f.mu.
func (f *tableFS) unref(t *table) {
	if t == nil {
		return
	}
	if t.refs--; t.refs > 0 {
		return
	}
	n := min(len(t.chunks), maxFree-len(f.free))
	f.free = append(f.free, t.chunks[:n]...)
	t.chunks = nil
}

func (f *tableFS) chunk() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.free); n > 0 {
		c := f.free[n-1]
		f.free = f.free[:n-1]
		return c[:0]
	}
	return make([]byte, 0, chunkBytes)
}

// tableFile is a handle on a table.
type tableFile struct {
	vfs.File // the empty one below
	t        *table
	pos      int
}

func (f *tableFile) Write(p []byte) (int, error) {
	t := f.t
	for rest := p; len(rest) > 0; {
		if t.size%chunkBytes == 0 {
			t.chunks = append(t.chunks, t.fs.chunk())
		}
		last := &t.chunks[len(t.chunks)-1]
		n := min(len(rest), chunkBytes-len(*last))
		*last = append(*last, rest[:n]...)
		rest = rest[n:]
		t.size += n
	}
	return len(p), nil
}

// WriteAt is refused: tables are only appended to.
func (f *tableFile) WriteAt([]byte, int64) (int, error) { return 0, fs.ErrInvalid }

func (f *tableFile) ReadAt(p []byte, off int64) (int, error) {
	read := 0
	for read < len(p) && int(off)+read < f.t.size {
		at := int(off) + read
		read += copy(p[read:], f.t.chunks[at/chunkBytes][at%chunkBytes:])
	}
	if read < len(p) {
		return read, io.EOF
	}
	return read, nil
}

func (f *tableFile) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, int64(f.pos))
	f.pos += n
	if n > 0 {
		err = nil
	}
	return n, err
}

func (f *tableFile) Stat() (vfs.FileInfo, error) {
	info, err := f.File.Stat()
	return tableInfo{info, int64(f.t.size)}, err
}

// Preallocate does nothing: chunks come as they are filled.
func (f *tableFile) Preallocate(int64, int64) error { return nil }

func (f *tableFile) Close() error {
	f.t.fs.mu.Lock()
	f.t.fs.unref(f.t)
	f.t.fs.mu.Unlock()
	return f.File.Close()
}

// tableInfo is the description of the empty file, with the size of the table.
type tableInfo struct {
	vfs.FileInfo
	size int64
}

func (i tableInfo) Size() int64 { return i.size }
