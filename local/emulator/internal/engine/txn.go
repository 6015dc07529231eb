package engine

import (
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// remove deletes an item with everything that points to it.
func (w *write) remove(id string, v *version) error {
	c := w.c
	w.dirty = true
	for _, u := range c.storedUnique(v) {
		w.keyBuf = c.uniqueKey(w.keyBuf[:0], w.partition, u.number, u.sum)
		if err := w.b.Delete(w.keyBuf, nil); err != nil {
			return err
		}
	}
	if err := w.retire(v); err != nil {
		return err
	}
	w.keyBuf = c.documentKey(w.keyBuf[:0], v.id, w.partition)
	if err := w.b.Delete(w.keyBuf, nil); err != nil {
		return err
	}
	w.keyBuf = c.idKey(w.keyBuf[:0], w.partition, id)
	if err := w.b.Delete(w.keyBuf, nil); err != nil {
		return err
	}
	w.keyBuf = c.partitionKey(w.keyBuf[:0], w.partition, v.id)
	return w.b.Delete(w.keyBuf, nil)
}

// retire takes a version out of the change log and of the list of expiries. An entry of the log is set once and deleted once, so
// that it goes together with its tombstone as soon as they meet, and readers of the log need not step over both.
func (w *write) retire(v *version) error {
	w.keyBuf = w.c.logKey(w.keyBuf[:0], v.part, v.lsn, v.op)
	if err := w.b.SingleDelete(w.keyBuf, nil); err != nil {
		return err
	}
	if v.ttl <= 0 {
		return nil
	}
	w.keyBuf = w.c.expiryKey(w.keyBuf[:0], v.ts+v.ttl, v.id, w.partition)
	return w.b.Delete(w.keyBuf, nil)
}

// put writes the document of operation i in the place of old, or in a new place.
func (w *write) put(i int, old *version) error {
	c, d, res := w.c, &w.docs[i], &w.results[i]
	v := version{lsn: w.lsn, part: w.p.num, op: byte(i), ts: w.ts, ttl: d.ttl, user: d.user}
	w.dirty = true
	if old != nil {
		v.id = old.id
	} else {
		v.id = newDocID(w.p.num, w.lsn, i)
	}
	if err := w.putUnique(d, &v, old); err != nil {
		return err
	}
	if old != nil {
		if err := w.retire(old); err != nil {
			return err
		}
	} else if err := w.putPlace(d.id, &v); err != nil {
		return err
	}
	w.keyBuf = c.documentKey(w.keyBuf[:0], v.id, w.partition)
	w.valueBuf = v.append(w.valueBuf[:0])
	if err := w.b.Set(w.keyBuf, w.valueBuf, nil); err != nil {
		return err
	}
	if err := w.putLog(&v); err != nil {
		return err
	}
	res.Item, res.Created, res.NewSize = c.item(d.id, &v, !w.noBodies), old == nil, c.size(&v)
	if c.engine.opts.Terms != nil {
		if res.after = res.Body; res.after == nil {
			res.after = w.complete(&v)
		}
	}
	return nil
}

// putPlace makes a new document findable by id and by order of insertion.
func (w *write) putPlace(id string, v *version) error {
	w.keyBuf = w.c.idKey(w.keyBuf[:0], w.partition, id)
	w.c.engine.locations.store(w.c.engine.locations.hash(w.keyBuf), v.id)
	w.valueBuf = v.id.append(w.valueBuf[:0])
	if err := w.b.Set(w.keyBuf, w.valueBuf, nil); err != nil {
		return err
	}
	w.keyBuf = w.c.partitionKey(w.keyBuf[:0], w.partition, v.id)
	return w.b.Set(w.keyBuf, nil, nil)
}

// putLog writes the entries of the change log and of the list of expiries.
func (w *write) putLog(v *version) error {
	w.keyBuf = w.c.logKey(w.keyBuf[:0], v.part, v.lsn, v.op)
	w.valueBuf = logEntry{time: w.logTime, ownTTL: v.ttl != 0, id: v.id, partition: w.partition}.append(w.valueBuf[:0])
	if err := w.b.Set(w.keyBuf, w.valueBuf, nil); err != nil {
		return err
	}
	if v.ttl <= 0 {
		return nil
	}
	w.keyBuf = w.c.expiryKey(w.keyBuf[:0], v.ts+v.ttl, v.id, w.partition)
	return w.b.Set(w.keyBuf, nil, nil)
}

// putUnique claims a document's unique values and gives up those of the old version: 409 when another item has one.
func (w *write) putUnique(d *document, v, old *version) error {
	if len(d.unique) == 0 {
		return nil
	}
	if old != nil {
		for _, u := range w.c.storedUnique(old) {
			w.keyBuf = w.c.uniqueKey(w.keyBuf[:0], w.partition, u.number, u.sum)
			if err := w.b.Delete(w.keyBuf, nil); err != nil {
				return err
			}
		}
	}
	for _, u := range d.unique { // all of them before the first is written: an evicted holder takes its own values along
		if err := w.free(u, v.id); err != nil {
			return err
		}
	}
	w.valueBuf = v.id.append(w.valueBuf[:0])
	for _, u := range d.unique {
		w.keyBuf = w.c.uniqueKey(w.keyBuf[:0], w.partition, u.number, u.sum)
		if err := w.b.Set(w.keyBuf, w.valueBuf, nil); err != nil {
			return err
		}
	}
	return nil
}

// free makes sure that nobody else holds a unique value.
func (w *write) free(u uniqueSum, by docID) error {
	w.keyBuf = w.c.uniqueKey(w.keyBuf[:0], w.partition, u.number, u.sum)
	value, closer, err := w.r.Get(w.keyBuf)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	holder := docID(binary.BigEndian.Uint64(value))
	if err := closer.Close(); err != nil {
		return err
	}
	if holder == by {
		return nil
	}
	return w.evict(holder)
}

// evict removes the holder of a unique value if it has expired: 409 when it has not.
func (w *write) evict(holder docID) error {
	v, closer, buf, err := w.c.fetch(w.r, w.partition, holder, w.keyBuf)
	w.keyBuf = buf
	if err != nil {
		return err
	}
	defer closer.Close()
	if !v.expired(w.defaultTTL, w.ts) {
		return errUnique()
	}
	id, err := v.storedID()
	if err != nil {
		return err
	}
	return w.remove(id, v)
}

// storedID reads the id of a stored version.
func (v *version) storedID() (string, error) {
	ms, err := members(nil, append(append(make([]byte, 0, len(v.user)+1), v.user...), '}'))
	if err != nil {
		return "", errCorrupt
	}
	return documentID(ms)
}
