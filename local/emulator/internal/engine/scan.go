package engine

import (
	"encoding/binary"
	"errors"
	"fmt"

	"supergame/local/emulator/internal/epk"
)

// ScanOptions of Scan.
type ScanOptions struct {
	ReadOptions
	Range    string  // id of a physical range; empty = every range within the bounds
	Min, Max string  // effective partition key bounds, upper-case hex; both empty = no bound
	Key      epk.Key // only this logical partition (or prefix of a hierarchical one), whatever Min and Max; nil = all
	After    []byte  // Cursor.Position of the page before; nil = from the beginning
}

// Cursor walks over documents in a view that does not change under it: within a physical range oldest first, by insertion (a
// replace keeps the place). Close it before the engine; it is not safe for concurrent use.
type Cursor struct {
	c         *Container
	view      view
	places    places
	parts     []Position
	docs      *documents // where places only names them
	cur       version
	at        bool // on a document
	ttl       int
	now       int64
	err       error
	closeOnce bool
}

// Scan opens a cursor: 400, 404/1002, 404/1003, 410/1002.
func (c *Container) Scan(o ScanOptions) (*Cursor, error) {
	if err := c.engine.gate.enter(); err != nil {
		return nil, err
	}
	cur, err := c.scan(&o)
	if err != nil {
		c.engine.gate.leave()
	}
	return cur, err
}

func (c *Container) scan(o *ScanOptions) (*Cursor, error) {
	b, err := c.parseBounds(o.Min, o.Max, o.Key)
	if err != nil {
		return nil, err
	}
	var from docID
	if o.After != nil {
		if len(o.After) != docIDLen {
			return nil, badRequest("the continuation is not one of this container")
		}
		from = docID(binary.BigEndian.Uint64(o.After)) + 1
	}
	v, err := c.openView(&o.ReadOptions)
	if err != nil {
		return nil, fmt.Errorf("engine: scan: %w", err)
	}
	cur := &Cursor{c: c, view: v, ttl: c.info.Load().Properties.DefaultTTL, now: c.engine.Now().Unix()}
	if err := cur.open(o, b, from); err != nil {
		cur.view.release()
		return nil, err
	}
	return cur, nil
}

func (cur *Cursor) open(o *ScanOptions, b bounds, from docID) error {
	c := cur.c
	parts, b, err := cur.view.topology.target(o.Range, b)
	if err != nil {
		return err
	}
	for _, p := range parts {
		lsn, err := c.viewLSN(cur.view.snapshot, p)
		if err != nil {
			return fmt.Errorf("engine: scan: %w", err)
		}
		if err := c.checkSession(p, lsn, o.Session); err != nil {
			return err
		}
		cur.parts = append(cur.parts, Position{Range: p.name(), LSN: lsn})
		p.durable.wait()
	}
	if c.deleted.Load() {
		return errNoOwner()
	}
	switch {
	case o.Key == nil:
		cur.places, err = c.openWalk(cur.view.snapshot, parts, b, from)
	case len(o.Key) == 0 || len(o.Key) == len(c.info.Load().Properties.Key.Paths):
		cur.places, err = c.openPartition(cur.view.snapshot, o.Key, from)
	default:
		cur.places, err = c.openPrefix(cur.view.snapshot, o.Key, b, from)
	}
	return err
}

// Next moves to the next document and tells whether there is one. Look at Err after false.
func (cur *Cursor) Next() bool {
	for cur.err == nil {
		at, partition, value, ok := cur.places.next()
		if !ok {
			cur.err = cur.places.err()
			return false
		}
		var v version
		if value != nil {
			v, cur.err = readVersion(at, value)
		} else {
			v, cur.err = cur.fetch(at, partition)
		}
		if cur.err == nil && !v.expired(cur.ttl, cur.now) {
			cur.cur, cur.at = v, true
			return true
		}
	}
	return false
}

func (cur *Cursor) fetch(at docID, partition []byte) (version, error) {
	if cur.docs == nil {
		var err error
		if cur.docs, err = cur.c.openDocuments(cur.view.snapshot); err != nil {
			return version{}, err
		}
	}
	return cur.docs.fetch(at, partition)
}

// Err is what ended the walk early, nil at a proper end.
func (cur *Cursor) Err() error { return cur.err }

// Append appends the complete current document, as Read returns it, to dst.
func (cur *Cursor) Append(dst []byte) []byte { return cur.c.appendDocument(dst, &cur.cur) }

// Size is the length of what Append appends.
func (cur *Cursor) Size() int { return cur.c.size(&cur.cur) }

// Position is where the walk continues after the current document, for ScanOptions.After: opaque, valid after a restart, a split
// and any write. Nil before the first Next.
func (cur *Cursor) Position() []byte {
	if !cur.at {
		return nil
	}
	return cur.cur.id.append(nil)
}

// Positions are the ranges that the view spans and their LSNs in it, for session tokens.
func (cur *Cursor) Positions() []Position { return cur.parts }

// Close releases the view. A second call does nothing.
func (cur *Cursor) Close() error {
	if cur.closeOnce {
		return nil
	}
	cur.closeOnce = true
	err := cur.places.close()
	if cur.docs != nil {
		err = errors.Join(err, cur.docs.close())
	}
	cur.view.release()
	cur.c.engine.gate.leave()
	return err
}
