package index

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"
	"sync/atomic"
	"unsafe"
)

const (
	idShards    = 64
	firstCells  = 2 * align
	loadPercent = 80 // a shard grows when more of its cells are used
)

// ids finds records by player id. A shard is a table of open addressing with linear probing; beside each cell stands a byte of the hash, so
// that a probe visits a record, a cache miss, only when it most likely is the one.
type ids struct {
	arena  *arena
	seed   [2]uint64
	shards [idShards]shard
	n      int
}

// touched keeps the compiler from dropping the reads of [ids.touch].
var touched atomic.Uint64

type shard struct {
	cells []uint32 // record + 1; 0 = empty
	tags  []byte
	used  int
}

func newIDs(a *arena) ids {
	s := ids{arena: a}
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails, see its documentation
	s.seed = [2]uint64{binary.LittleEndian.Uint64(random[:]), binary.LittleEndian.Uint64(random[8:])}
	return s
}

// hash mixes the id with a seed of the process: nobody outside can make ids that collide.
func (s *ids) hash(p Player) uint64 {
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(p[:])^s.seed[0], binary.LittleEndian.Uint64(p[8:])^s.seed[1])
	hi, lo = bits.Mul64(hi^lo^s.seed[1], 0x9e3779b97f4a7c15)
	return hi ^ lo
}

// shardOf, tagOf and cellOf use different bits of the hash.
func (s *ids) shardOf(h uint64) *shard { return &s.shards[h>>58] }

func tagOf(h uint64) byte { return byte(h >> 50) }

func (d *shard) cellOf(h uint64) int {
	return int((h & 0xffffffff) * uint64(len(d.cells)) >> 32) //nolint:gosec // less than len
}

func (s *ids) find(h uint64, p Player, records *records) (uint32, bool) {
	d := s.shardOf(h)
	if len(d.cells) == 0 {
		return 0, false
	}
	tag := tagOf(h)
	for i := d.cellOf(h); ; {
		cell := d.cells[i]
		if cell == 0 {
			return 0, false
		}
		if d.tags[i] == tag && records.is(cell-1, p) {
			return cell - 1, true
		}
		if i++; i == len(d.cells) {
			i = 0
		}
	}
}

func (s *ids) insert(h uint64, r uint32, records *records) {
	number := int(h >> 58)
	d := &s.shards[number]
	if (d.used+1)*100 > len(d.cells)*loadPercent {
		s.grow(number, records)
	}
	d.put(h, r)
	d.used++
	s.n++
}

func (d *shard) put(h uint64, r uint32) {
	i := d.cellOf(h)
	for d.cells[i] != 0 {
		if i++; i == len(d.cells) {
			i = 0
		}
	}
	d.cells[i], d.tags[i] = r+1, tagOf(h)
}

// grow makes a shard half as large again. The shards begin with different sizes, so they do not grow all at once, and the mean load
// stays at two thirds.
func (s *ids) grow(number int, records *records) {
	d := &s.shards[number]
	old := *d
	n := len(d.cells) * 3 / 2
	if n == 0 {
		n = firstCells + firstCells*number/(2*idShards)
	}
	n = (n + align - 1) &^ (align - 1) // whole cache lines, also of tags
	d.cells = wordsOf(s.arena.alloc(4 * n))
	d.tags = s.arena.alloc(n)
	clear(d.cells)
	for _, cell := range old.cells {
		if cell != 0 {
			d.put(s.hash(records.player(cell-1)), cell-1)
		}
	}
	if len(old.cells) > 0 {
		s.arena.free(bytesOf(old.cells))
		s.arena.free(old.tags)
	}
}

// remove takes a record out and moves those behind it up, so that no probe ends early.
func (s *ids) remove(h uint64, r uint32, records *records) {
	d := s.shardOf(h)
	n := len(d.cells)
	i := d.cellOf(h)
	for d.cells[i] != r+1 {
		i = (i + 1) % n
	}
	for j := (i + 1) % n; d.cells[j] != 0; j = (j + 1) % n {
		home := d.cellOf(s.hash(records.player(d.cells[j] - 1)))
		if (j-home+n)%n >= (j-i+n)%n { // its probe passes i
			d.cells[i], d.tags[i] = d.cells[j], d.tags[j]
			i = j
		}
	}
	d.cells[i] = 0
	d.used--
	s.n--
}

func (s *ids) each(do func(r uint32) bool) {
	for i := range s.shards {
		for _, cell := range s.shards[i].cells {
			if cell != 0 && !do(cell-1) {
				return
			}
		}
	}
}

func wordsOf(b []byte) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

func bytesOf(w []uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w))), len(w)*4)
}
