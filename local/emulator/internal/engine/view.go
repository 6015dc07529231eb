package engine

import (
	"bytes"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"supergame/local/emulator/internal/epk"
)

// view is an unmoving state of the store, for reads of more than one key.
type view struct {
	snapshot *pebble.Snapshot
	topology *topology
	release  func()
}

// openView takes a state in which no part of the container is missing: a part is announced before it is written to.
func (c *Container) openView(o *ReadOptions) (view, error) {
	for {
		t := c.parts.Load()
		switch l, err := c.lagging(o, t.live...); {
		case err != nil:
			return view{}, err
		case l != nil:
			return view{snapshot: l.snapshot, topology: t, release: l.release}, nil
		}
		s := c.engine.db.NewSnapshot()
		if c.parts.Load() == t {
			return view{snapshot: s, topology: t, release: func() { _ = s.Close() }}, nil // it only fails when closed twice
		}
		_ = s.Close()
	}
}

// bounds are effective partition keys in binary: lo <= key < hi.
type bounds struct{ lo, hi []byte }

func (b bounds) hold(key []byte) bool {
	return bytes.Compare(b.lo, key) <= 0 && bytes.Compare(key, b.hi) < 0
}

func (b bounds) clip(p *part) bounds {
	if bytes.Compare(b.lo, p.lo) < 0 {
		b.lo = p.lo
	}
	if bytes.Compare(b.hi, p.hi) > 0 {
		b.hi = p.hi
	}
	return b
}

// parseBounds reads bounds in hex and, when key is not nil, narrows them to the key's.
func (c *Container) parseBounds(lo, hi string, key epk.Key) (bounds, error) {
	if hi == "" {
		hi = maxBound
	}
	if key != nil {
		var err error
		if lo, hi, err = c.info.Load().Properties.Key.Bounds(key); err != nil {
			return bounds{}, badRequest("%s", err)
		}
	}
	var b bounds
	var err error
	if b.lo, err = epk.Binary(lo); err != nil {
		return b, badRequest("%s", err)
	}
	if b.hi, err = epk.Binary(hi); err != nil {
		return b, badRequest("%s", err)
	}
	return b, nil
}

// target gives the parts a scan or a feed goes over, and the bounds clipped to them.
func (t *topology) target(rangeID string, b bounds) ([]*part, bounds, error) {
	if rangeID == "" {
		return t.within(b.lo, b.hi), b, nil
	}
	p, err := t.named(rangeID)
	if err != nil {
		return nil, b, err
	}
	return []*part{p}, b.clip(p), nil
}

// documents fetches documents of a view one after the other. One iterator serves all: seeks that go forward, as they mostly do, cost
// less than reads from scratch.
type documents struct {
	c   *Container
	it  *pebble.Iterator
	buf []byte
}

func (c *Container) openDocuments(s *pebble.Snapshot) (*documents, error) {
	lower := prefix(nil, c.num, kindDocument)
	it, err := s.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: after(lower)})
	if err != nil {
		return nil, fmt.Errorf("engine: open documents: %w", err)
	}
	return &documents{c: c, it: it}, nil
}

// fetch gives the document at a place. The version shares memory until the next fetch.
func (d *documents) fetch(at docID, partition []byte) (version, error) {
	d.buf = d.c.documentKey(d.buf[:0], at, partition)
	if !d.it.SeekGE(d.buf) || !bytes.Equal(d.it.Key(), d.buf) {
		if err := d.it.Error(); err != nil {
			return version{}, err
		}
		return version{}, errCorrupt // a view has what its own indexes name
	}
	value, err := d.it.ValueAndErr()
	if err != nil {
		return version{}, err
	}
	return readVersion(at, value)
}

func (d *documents) close() error { return d.it.Close() }
