package index

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// leafSize is how many entries a leaf holds at most.
const leafSize = 256

// leaf is a sorted run of entries: their records, and of each key the 8 bytes behind those that all keys of the leaf share (which the
// group knows). It lies in the arena and holds no pointer.
type leaf struct {
	part   [leafSize]uint64
	record [leafSize]uint32
}

const leafBytes = int(unsafe.Sizeof(leaf{}))

func newLeaf(a *arena) *leaf {
	return (*leaf)(unsafe.Pointer(unsafe.SliceData(a.alloc(leafBytes))))
}

func freeLeaf(a *arena, l *leaf) {
	a.free(unsafe.Slice((*byte)(unsafe.Pointer(l)), leafBytes))
}

// partOf gives 8 bytes of a key from skip on, zeros behind its end.
func partOf(key []byte, skip int) uint64 {
	if skip+8 <= len(key) {
		return binary.BigEndian.Uint64(key[skip:])
	}
	var b [8]byte
	copy(b[:], key[skip:])
	return binary.BigEndian.Uint64(b[:])
}

// shared is how many bytes two keys of one size begin with alike.
func shared(a, b []byte) int {
	i := 0
	for ; i+8 <= len(a); i += 8 {
		if diff := binary.BigEndian.Uint64(a[i:]) ^ binary.BigEndian.Uint64(b[i:]); diff != 0 {
			return i + bits.LeadingZeros64(diff)/8
		}
	}
	for ; i < len(a) && a[i] == b[i]; i++ {
	}
	return i
}

// lowerBound is how many of n sorted parts are less than part. It takes the same steps whatever the parts are, without a branch to guess.
func (l *leaf) lowerBound(n int, part uint64) int {
	base := 0
	for n > 1 {
		half := n >> 1
		if l.part[base+half-1] < part {
			base += half
		}
		n -= half
	}
	if n == 1 && l.part[base] < part {
		base++
	}
	return base
}

// find is how many of the leaf's n keys are less than key, which begins with the leaf's shared bytes.
func (l *leaf) find(n, skip int, key []byte, records *records) int {
	part := partOf(key, skip)
	i := l.lowerBound(n, part)
	if skip+8 >= len(key) {
		return i
	}
	for ; i < n && l.part[i] == part && bytes.Compare(records.key(l.record[i]), key) < 0; i++ {
	}
	return i
}

func (l *leaf) insert(i, n int, part uint64, record uint32) {
	copy(l.part[i+1:n+1], l.part[i:n])
	copy(l.record[i+1:n+1], l.record[i:n])
	l.part[i], l.record[i] = part, record
}

func (l *leaf) remove(i, n int) {
	copy(l.part[i:n-1], l.part[i+1:n])
	copy(l.record[i:n-1], l.record[i+1:n])
}

// refill computes the parts anew.
func (l *leaf) refill(n, skip int, records *records) {
	for i, r := range l.record[:n] {
		l.part[i] = partOf(records.key(r), skip)
	}
}
