package engine

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"supergame/local/emulator/internal/epk"
)

// gatedFS is a disk whose log cannot be written while the gate is held.
type gatedFS struct {
	vfs.FS
	gate *sync.RWMutex
}

func (f gatedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	if err == nil && strings.HasSuffix(name, ".log") {
		file = gatedFile{file, f.gate}
	}
	return file, err
}

type gatedFile struct {
	vfs.File
	gate *sync.RWMutex
}

func (f gatedFile) Write(p []byte) (int, error) {
	f.gate.RLock()
	defer f.gate.RUnlock()
	return f.File.Write(p)
}

// TestNobodySeesWhatACrashCouldUndo: a commit is visible inside the engine before its record has left the process. Whoever meets it
// there, to read it or to be refused because of it, is answered only when the record is safe.
func TestNobodySeesWhatACrashCouldUndo(t *testing.T) {
	var gate sync.RWMutex
	e := open(t, Options{Dir: "data", disk: gatedFS{vfs.NewMem(), &gate}})
	c := container(t, e, plain, 1)
	first := put(t, c, "p", Op{Kind: OpCreate, Body: doc("a", "p")})
	key := epk.Strings("p")
	write := func(ops ...Op) error {
		_, err := c.Write(key, ops, WriteOptions{})
		return err
	}
	seers := map[string]func() error{
		"read": func() error {
			got, err := c.Read(key, "a", ReadOptions{})
			if err == nil && got.Item.LSN != 2 {
				err = fmt.Errorf("read LSN %d", got.Item.LSN)
			}
			return err
		},
		"feed": func() error {
			page, err := c.Feed(FeedOptions{After: 1})
			if err == nil && page.LSN != 2 {
				err = fmt.Errorf("the feed is at %d", page.LSN)
			}
			return err
		},
		"scan": func() error {
			cursor, err := c.Scan(ScanOptions{Key: key})
			if err == nil {
				err = cursor.Close()
			}
			return err
		},
		"read in a batch": func() error { return write(Op{Kind: OpRead, ID: "a"}) },
		"refused by its etag": func() error {
			err := write(Op{Kind: OpReplace, ID: "a", Body: doc("a", "p"), IfMatch: first.Results[0].ETag})
			if Status(err) != StatusPreconditionFailed {
				return fmt.Errorf("not refused: %w", err)
			}
			return nil
		},
	}
	type outcome struct {
		who string
		err error
	}
	gate.Lock()
	done := make(chan outcome, len(seers)+1)
	go func() {
		done <- outcome{"the writer", write(Op{Kind: OpReplace, ID: "a", Body: doc("a", "p", `,"n":2`)})}
	}()
	for c.parts.Load().live[0].durable.applied.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	for who, see := range seers {
		go func() { done <- outcome{who, see()} }()
	}
	awaited := cap(done)
	select {
	case early := <-done:
		t.Errorf("%s was answered (%v) while a crash could undo it", early.who, early.err)
		awaited--
	case <-time.After(50 * time.Millisecond):
	}
	gate.Unlock()
	for range awaited {
		if o := <-done; o.err != nil {
			t.Errorf("%s: %v", o.who, o.err)
		}
	}
}
