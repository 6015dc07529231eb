package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// lookup reads an item of a logical partition in a view: nil when there is none. The version shares the memory that closer holds.
// buf is for keys and comes back, grown perhaps.
func (c *Container) lookup(r pebble.Reader, partition []byte, id string, buf []byte) (*version, io.Closer, []byte, error) {
	buf = c.idKey(buf[:0], partition, id)
	hash := c.engine.locations.hash(buf)
	if at := c.engine.locations.find(hash); at != 0 {
		v, closer, next, err := c.fetch(r, partition, at, buf)
		buf = next
		switch {
		case err == nil && v.hasID(id):
			return v, closer, buf, nil
		case err == nil:
			err = closer.Close()
		case errors.Is(err, pebble.ErrNotFound):
			err = nil
		}
		if err != nil {
			return nil, nil, buf, err
		}
	}
	for last := docID(0); ; {
		buf = c.idKey(buf[:0], partition, id)
		value, closer, err := r.Get(buf)
		if errors.Is(err, pebble.ErrNotFound) {
			return nil, nil, buf, nil
		}
		if err != nil {
			return nil, nil, buf, err
		}
		at := docID(binary.BigEndian.Uint64(value))
		if err := closer.Close(); err != nil {
			return nil, nil, buf, err
		}
		v, closer, next, err := c.fetch(r, partition, at, buf)
		buf = next
		if err == nil {
			c.engine.locations.store(hash, at)
		}
		if !errors.Is(err, pebble.ErrNotFound) {
			return v, closer, buf, err
		}
		// Between the two reads the item went and perhaps came anew, at another place. In an unmoving view that cannot be.
		if at == last {
			return nil, nil, buf, errCorrupt
		}
		last = at
	}
}

// fetch reads the document at a place.
func (c *Container) fetch(r pebble.Reader, partition []byte, at docID, buf []byte) (*version, io.Closer, []byte, error) {
	buf = c.documentKey(buf[:0], at, partition)
	value, closer, err := r.Get(buf)
	if err != nil {
		return nil, nil, buf, err
	}
	v, err := readVersion(at, value)
	if err != nil {
		return nil, nil, buf, errors.Join(err, closer.Close())
	}
	return &v, closer, buf, nil
}

// id is that of the item that operation i is about.
func (w *write) id(i int) string {
	if id := w.docs[i].id; id != "" {
		return id
	}
	return w.ops[i].ID
}

// independent tells whether no operation meets what another one has done: each has an id of its own, and there is no unique key
// for them to meet at. It leaves the operations in w.order, by id.
func (w *write) independent() bool {
	w.order = w.order[:0]
	if len(w.ops) < 2 {
		return len(w.ops) == 1 // a sweep has none, and may meet an item twice
	}
	if len(w.c.info.Load().Properties.UniqueKeys) > 0 {
		return false
	}
	for i := range w.ops {
		w.order = append(w.order, i)
	}
	slices.SortFunc(w.order, func(a, b int) int { return strings.Compare(w.id(a), w.id(b)) })
	for i := 1; i < len(w.order); i++ {
		if w.id(w.order[i]) == w.id(w.order[i-1]) {
			w.order = w.order[:0]
			return false
		}
	}
	return true
}

// findAll looks the ids of several independent operations up with one iterator, which goes forward only: ids that fall into one gap
// between those that are there cost one seek together.
func (w *write) findAll() (err error) {
	if len(w.order) == 0 {
		return nil
	}
	w.found = append(w.found[:0], make([]docID, len(w.ops))...)
	lower := w.c.idKey(nil, w.partition, "")
	it, err := w.c.engine.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: after(lower)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	began, valid := false, true
	for _, i := range w.order {
		w.keyBuf = w.c.idKey(w.keyBuf[:0], w.partition, w.id(i))
		if !began || valid && bytes.Compare(it.Key(), w.keyBuf) < 0 {
			began, valid = true, it.SeekGE(w.keyBuf)
		}
		if !valid {
			return it.Error()
		}
		if bytes.Equal(it.Key(), w.keyBuf) {
			w.found[i] = docID(binary.BigEndian.Uint64(it.Value()))
		}
	}
	return nil
}

// current reads what operation i meets. An expired item is removed on the way, as if it had been swept.
func (w *write) current(i int) (*version, io.Closer, error) {
	v, closer, err := w.meet(i)
	if err != nil || v == nil || !v.expired(w.defaultTTL, w.ts) {
		return v, closer, err
	}
	return nil, nil, errors.Join(w.remove(w.id(i), v), closer.Close())
}

func (w *write) meet(i int) (v *version, closer io.Closer, err error) {
	switch {
	case len(w.found) == 0:
		v, closer, w.keyBuf, err = w.c.lookup(w.r, w.partition, w.id(i), w.keyBuf)
	case w.found[i] != 0:
		v, closer, w.keyBuf, err = w.c.fetch(w.r, w.partition, w.found[i], w.keyBuf)
	}
	return v, closer, err
}
