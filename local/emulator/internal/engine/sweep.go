package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// sweepBatch is how many expired items are removed under one lock.
const sweepBatch = 100

func (e *Engine) sweepLoop() {
	defer e.stopped.Done()
	tick := time.NewTicker(e.opts.SweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-e.stop:
			return
		case <-tick.C:
			// An error here is one of the store, which the next write reports to somebody who can act on it.
			_, _ = e.Sweep()
		}
	}
}

// Sweep removes every expired item now and returns how many; they were invisible already.
func (e *Engine) Sweep() (int, error) {
	if err := e.gate.enter(); err != nil {
		return 0, err
	}
	defer e.gate.leave()
	var all []*Container
	e.mu.RLock()
	for _, d := range e.databases {
		for _, c := range d.containers {
			if c.info.Load().Properties.DefaultTTL != 0 {
				all = append(all, c)
			}
		}
	}
	e.mu.RUnlock()
	removed := 0
	for _, c := range all {
		n, err := c.sweep()
		removed += n
		if err != nil {
			return removed, fmt.Errorf("engine: sweep: %w", err)
		}
	}
	return removed, nil
}

// sweep finds what may have expired: items with a ttl of their own by their list, the others by age, from the oldest end of each log.
func (c *Container) sweep() (int, error) {
	now := c.engine.Now().Unix()
	removed, err := c.sweepOwn(now)
	if ttl := c.info.Load().Properties.DefaultTTL; ttl > 0 && err == nil {
		for num := range c.parts.Load().next {
			n, sweepErr := c.sweepLog(num, (now-int64(ttl)+1)*1000)
			removed += n
			if err = sweepErr; err != nil {
				break
			}
		}
	}
	return removed, err
}

func (c *Container) sweepOwn(now int64) (int, error) {
	lower := prefix(nil, c.num, kindExpiry)
	upper := binary.BigEndian.AppendUint64(bytes.Clone(lower), uint64(max(now+1, 0)))
	return c.sweepKeys(lower, upper, func(key, _ []byte) (place, bool, error) {
		if len(key) < prefixLen+8+docIDLen {
			return place{}, false, errCorrupt
		}
		at := key[prefixLen+8:]
		return place{docID(binary.BigEndian.Uint64(at)), bytes.Clone(at[docIDLen:])}, true, nil
	})
}

// sweepLog looks at the entries of a log that are older than a time in ms.
func (c *Container) sweepLog(num uint16, before int64) (int, error) {
	lower := c.logPrefix(nil, num)
	return c.sweepKeys(lower, after(lower), func(key, value []byte) (place, bool, error) {
		_, e, err := c.readLogEntry(key, value)
		switch {
		case err != nil || e.time >= before:
			return place{}, false, err
		case e.ownTTL:
			return place{}, true, nil
		}
		return place{e.id, bytes.Clone(e.partition)}, true, nil
	})
}

// sweepKeys walks over keys until read says stop, and removes the items at the places it names if they have expired.
func (c *Container) sweepKeys(lower, upper []byte, read func(key, value []byte) (place, bool, error)) (int, error) {
	it, err := c.engine.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return 0, err
	}
	var found []place
	removed := 0
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		var p place
		p, more, readErr := read(it.Key(), it.Value())
		if err = readErr; err != nil || !more {
			break
		}
		if p.partition != nil {
			found = append(found, p)
		}
		if len(found) == sweepBatch {
			var n int
			n, err = c.expire(found)
			removed += n
			found = found[:0]
		}
	}
	if err == nil {
		var n int
		n, err = c.expire(found)
		removed += n
	}
	return removed, errors.Join(err, it.Close())
}

// expire removes the items at some places that have expired, a part at a time.
func (c *Container) expire(found []place) (int, error) {
	removed := 0
	for len(found) > 0 {
		p := c.parts.Load().of(found[0].partition)
		n, taken, err := c.expireIn(p, found)
		removed += n
		if err != nil {
			return removed, err
		}
		found = found[taken:]
	}
	return removed, nil
}

// expireIn handles the places at the head of found that are in one part, and returns how many those are.
func (c *Container) expireIn(p *part, found []place) (removed, taken int, err error) {
	w := writePool.Get().(*write)
	defer w.release()
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.deleted.Load() {
		return 0, len(found), nil
	}
	if p.gone {
		return 0, 0, nil
	}
	w.c = c
	w.begin(p)
	defer drop(w.b)
	for ; taken < len(found) && p.holds(found[taken].partition[:c.width]); taken++ {
		w.partition = append(w.partition[:0], found[taken].partition...)
		done, err := w.expireAt(found[taken].id)
		if err != nil {
			return 0, taken, err
		}
		if done {
			removed++
		}
	}
	if removed == 0 {
		return 0, taken, nil
	}
	return removed, taken, c.engine.commit(w.b)
}

func (w *write) expireAt(at docID) (bool, error) {
	v, closer, buf, err := w.c.fetch(w.r, w.partition, at, w.keyBuf)
	w.keyBuf = buf
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer closer.Close()
	if !v.expired(w.defaultTTL, w.ts) {
		return false, nil
	}
	id, err := v.storedID()
	if err != nil {
		return false, err
	}
	return true, w.remove(id, v)
}
