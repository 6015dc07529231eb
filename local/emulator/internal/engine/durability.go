package engine

import (
	"sync"
	"sync/atomic"
)

// durability lets a reader see nothing that a crash could still undo. Pebble shows a commit to readers before its record has
// left the process, so a reader that met one waits, a few microseconds, until the writer was told that it is safe.
type durability struct {
	issued  atomic.Uint64 // LSN about to be visible
	applied atomic.Uint64 // LSN visible
	reached atomic.Uint64 // LSN safe

	mu      sync.Mutex
	changed sync.Cond
	waiting int // under mu
}

func (d *durability) init(lsn uint64) {
	d.changed.L = &d.mu
	d.issued.Store(lsn)
	d.applied.Store(lsn)
	d.reached.Store(lsn)
}

// reach reports that everything up to lsn is safe: the log is written in order.
func (d *durability) reach(lsn uint64) {
	d.mu.Lock()
	if lsn > d.reached.Load() {
		d.reached.Store(lsn)
	}
	if d.waiting > 0 {
		d.changed.Broadcast()
	}
	d.mu.Unlock()
}

// wait returns when everything that may have been visible by now is safe.
func (d *durability) wait() {
	target := d.issued.Load()
	if d.reached.Load() >= target {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting++
	for d.reached.Load() < min(target, d.issued.Load()) {
		d.changed.Wait()
	}
	d.waiting--
}

// revoke takes back an LSN whose batch could not be applied.
func (d *durability) revoke(lsn uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.issued.Store(lsn)
	d.changed.Broadcast()
}
