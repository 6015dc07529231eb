package index

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unsafe"
)

// A record, in bytes: id 16, version 8, flags 1, length of inline 1, then the key, the ordinals of the segments of 4 bytes each, inline.
const (
	atVersion = 16
	atFlags   = 24
	atInline  = 25 // its length
	atKey     = 26

	flagPlaced = 1

	maxKey    = 64
	maxInline = 32
)

// chunkRecords is how many records a chunk holds.
const (
	chunkShift   = 10
	chunkRecords = 1 << chunkShift
)

// records are the players that an index knows, by number.
type records struct {
	shape  Shape
	stride int
	arena  *arena
	chunks []unsafe.Pointer // to the first record of each
	next   uint32
	unused []uint32
}

func newRecords(shape Shape, a *arena) records {
	return records{shape: shape, stride: atKey + shape.KeyBytes + 4*shape.Segments + shape.Inline, arena: a}
}

func (s *records) at(r uint32) []byte {
	from := int(r&(chunkRecords-1)) * s.stride
	return unsafe.Slice((*byte)(unsafe.Add(s.chunks[r>>chunkShift], from)), s.stride)
}

// add makes a record without a place.
func (s *records) add(p Player) uint32 {
	var r uint32
	if n := len(s.unused); n > 0 {
		r, s.unused = s.unused[n-1], s.unused[:n-1]
	} else {
		if int(s.next>>chunkShift) == len(s.chunks) {
			s.chunks = append(s.chunks, unsafe.Pointer(unsafe.SliceData(s.arena.alloc(chunkRecords*s.stride))))
		}
		r = s.next
		s.next++
	}
	b := s.at(r)
	clear(b)
	copy(b, p[:])
	return r
}

func (s *records) free(r uint32) {
	clear(s.at(r))
	s.unused = append(s.unused, r)
}

func (s *records) set(r uint32, e Entry) {
	b := s.at(r)
	binary.LittleEndian.PutUint64(b[atVersion:], uint64(e.Version)) //nolint:gosec // the bits
	b[atFlags] = 0
	if len(e.Key) > 0 {
		b[atFlags] = flagPlaced
		copy(b[atKey:], e.Key)
	}
	for i := range s.shape.Segments {
		binary.LittleEndian.PutUint32(b[atKey+s.shape.KeyBytes+4*i:], segmentOf(e, i))
	}
	s.setInline(r, e.Inline)
}

func (s *records) setInline(r uint32, inline []byte) {
	b := s.at(r)
	b[atInline] = byte(copy(b[s.stride-s.shape.Inline:], inline)) //nolint:gosec // at most maxInline
}

func (s *records) setVersion(r uint32, version int64) {
	binary.LittleEndian.PutUint64(s.at(r)[atVersion:], uint64(version)) //nolint:gosec // the bits
}

func (s *records) version(r uint32) int64 {
	return int64(binary.LittleEndian.Uint64(s.at(r)[atVersion:])) //nolint:gosec // the bits
}

func (s *records) is(r uint32, p Player) bool { return Player(s.at(r)[:16]) == p }

func (s *records) player(r uint32) Player { return Player(s.at(r)[:16]) }

func (s *records) placed(r uint32) bool { return s.at(r)[atFlags] == flagPlaced }

// key is the record's key: a part of the record.
func (s *records) key(r uint32) []byte { return s.at(r)[atKey : atKey+s.shape.KeyBytes] }

func (s *records) segment(r uint32, i int) uint32 {
	return binary.LittleEndian.Uint32(s.at(r)[atKey+s.shape.KeyBytes+4*i:])
}

// view is the record as an entry whose slices are parts of the record.
func (s *records) view(r uint32) Entry {
	var e Entry
	s.fill(r, &e)
	return e
}

// fill is view into an entry that was used before: its segments are overwritten, not made anew.
func (s *records) fill(r uint32, e *Entry) {
	b := s.at(r)
	e.Player, e.Version = Player(b[:16]), int64(binary.LittleEndian.Uint64(b[atVersion:])) //nolint:gosec // the bits
	e.Key, e.Inline = nil, nil
	if b[atFlags] == flagPlaced {
		e.Key = b[atKey : atKey+s.shape.KeyBytes]
	}
	if s.shape.Segments > 0 {
		e.Segments = e.Segments[:0]
		for i := range s.shape.Segments {
			e.Segments = append(e.Segments, binary.LittleEndian.Uint32(b[atKey+s.shape.KeyBytes+4*i:]))
		}
	}
	if n := int(b[atInline]); n > 0 {
		e.Inline = b[s.stride-s.shape.Inline:][:n]
	}
}

// entry is view with slices of its own.
func (s *records) entry(r uint32) Entry {
	e := s.view(r)
	e.Key, e.Inline = bytes.Clone(e.Key), slices.Clone(e.Inline)
	return e
}
