package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"supergame/local/emulator/internal/epk"
)

// places yields where documents stand, in order.
type places interface {
	next() (at docID, partition []byte, value []byte, ok bool) // value is nil when the document must be fetched
	err() error
	close() error
}

// walk goes over every document of a set of parts by place, leaving out those outside the bounds.
type walk struct {
	c     *Container
	it    *pebble.Iterator
	nums  []uint16 // parts and those they came from, ascending
	b     bounds
	from  docID
	began bool
}

func (c *Container) openWalk(s *pebble.Snapshot, parts []*part, b bounds, from docID) (places, error) {
	lower := prefix(nil, c.num, kindDocument)
	it, err := s.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: after(lower)})
	if err != nil {
		return nil, fmt.Errorf("engine: scan: %w", err)
	}
	w := &walk{c: c, it: it, b: b, from: from}
	for _, p := range parts {
		w.nums = append(w.nums, p.num)
		for _, s := range p.lineage {
			w.nums = append(w.nums, s.part)
		}
	}
	slices.Sort(w.nums)
	w.nums = slices.Compact(w.nums)
	return w, nil
}

func (w *walk) next() (docID, []byte, []byte, bool) {
	ok := w.step()
	for ok {
		key := w.it.Key()[prefixLen:]
		at := docID(binary.BigEndian.Uint64(key))
		num := at.part()
		i, relevant := slices.BinarySearch(w.nums, num)
		switch {
		case relevant && w.b.hold(key[docIDLen:docIDLen+w.c.width]):
			return at, key[docIDLen:], w.it.Value(), true
		case relevant:
			ok = w.it.Next()
		case i < len(w.nums):
			ok = w.seek(firstDocID(int(w.nums[i])))
		default:
			ok = false
		}
	}
	return 0, nil, nil, false
}

func (w *walk) step() bool {
	if w.began {
		return w.it.Next()
	}
	w.began = true
	return w.seek(w.from)
}

func (w *walk) seek(at docID) bool {
	return w.it.SeekGE(at.append(prefix(nil, w.c.num, kindDocument)))
}

func (w *walk) err() error   { return w.it.Error() }
func (w *walk) close() error { return w.it.Close() }

// partitionWalk goes over one logical partition by place.
type partitionWalk struct {
	it        *pebble.Iterator
	partition []byte
	began     bool
}

func (c *Container) openPartition(s *pebble.Snapshot, key epk.Key, from docID) (places, error) {
	_, partition, err := c.locate(nil, key)
	if err != nil {
		return nil, err
	}
	all := append(prefix(nil, c.num, kindPartition), partition...)
	it, err := s.NewIter(&pebble.IterOptions{LowerBound: from.append(slices.Clip(all)), UpperBound: after(all)})
	if err != nil {
		return nil, fmt.Errorf("engine: scan: %w", err)
	}
	return &partitionWalk{it: it, partition: partition}, nil
}

func (w *partitionWalk) next() (docID, []byte, []byte, bool) {
	ok := false
	if w.began {
		ok = w.it.Next()
	} else {
		w.began = true
		ok = w.it.First()
	}
	if !ok {
		return 0, nil, nil, false
	}
	key := w.it.Key()
	return docID(binary.BigEndian.Uint64(key[len(key)-docIDLen:])), w.partition, nil, true
}

func (w *partitionWalk) err() error   { return w.it.Error() }
func (w *partitionWalk) close() error { return w.it.Close() }

// prefixWalk goes over the logical partitions below a prefix of a hierarchical key, by place across all of them.
type prefixWalk struct {
	found []place
	at    int
}

type place struct {
	id        docID
	partition []byte
}

func (c *Container) openPrefix(s *pebble.Snapshot, key epk.Key, b bounds, from docID) (places, error) {
	lower := prefix(nil, c.num, kindPartition)
	it, err := s.NewIter(&pebble.IterOptions{
		LowerBound: append(slices.Clip(lower), b.lo...), UpperBound: append(slices.Clip(lower), b.hi...),
	})
	if err != nil {
		return nil, fmt.Errorf("engine: scan: %w", err)
	}
	w := &prefixWalk{}
	begin := key.Append(nil)
	for ok := it.First(); ok; ok = it.Next() {
		k := it.Key()[prefixLen:]
		partition := k[:len(k)-docIDLen]
		id := docID(binary.BigEndian.Uint64(k[len(k)-docIDLen:]))
		if id >= from && bytes.HasPrefix(partition[c.width:], begin) {
			w.found = append(w.found, place{id, bytes.Clone(partition)})
		}
	}
	slices.SortFunc(w.found, func(a, b place) int {
		if a.id < b.id {
			return -1
		}
		return 1
	})
	return w, it.Close()
}

func (w *prefixWalk) next() (docID, []byte, []byte, bool) {
	if w.at == len(w.found) {
		return 0, nil, nil, false
	}
	p := w.found[w.at]
	w.at++
	return p.id, p.partition, nil, true
}

func (w *prefixWalk) err() error   { return nil }
func (w *prefixWalk) close() error { return nil }
