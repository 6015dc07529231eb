// Package index ranks the entries of one season of a board in memory: the rank of a player, the player at a rank, windows and counts, among
// all and within each value of a segment.
//
// An entry's place is its key, bytes that sort with the best first (board.Key). What the index knows of a player is one record; where the
// records stand is told by a counted tree of two levels over sorted leaves, one tree for all entries and one for each value of a segment:
//
//	ids       player id -> record           open addressing, in shards, so that none grows for long
//	records   id, version, key, segments    fixed size, in chunks
//	tree      group -> leaf -> record       a leaf holds up to 256 entries; groups count the entries of their leaves
//
// A leaf compares 8 bytes of each key: those behind the bytes that all its keys share. So also where thousands have the same score a search
// stays within the leaf and does not visit records, which is a cache miss each. Everything that grows with the number of entries lies in
// arenas without pointers, so the garbage collector has nothing to follow; on Linux they ask for huge pages, which halves the time of a
// search at ten million entries.
//
// The index applies an entry only when its version is greater than the one it knows, so the order, the delay and the number of times in
// which entries arrive do not matter. It remembers the versions of players who have no place (hidden, deleted) for that reason.
//
// An Index is not safe for concurrent use while it is changed; readers may share it.
package index

import (
	"bytes"
	"fmt"
)

// Player is a player's id: the 16 bytes of a ULID.
type Player [16]byte

// Shape is what all entries of an index have in common.
type Shape struct {
	KeyBytes int // the size of every key, 8 to 64
	Segments int // how many segments an entry may have a value of
	Inline   int // the most bytes that an entry carries beside its key
}

// Entry is what the index knows of a player.
type Entry struct {
	Player   Player
	Version  int64
	Key      []byte   // nil = he has no place
	Segments []uint32 // for each segment the ordinal of his value, 0 = none
	Inline   []byte
}

// Everybody is the tree of all entries, as [Index.In] takes it.
const Everybody = -1

// Index ranks entries.
type Index struct {
	shape    Shape
	arena    *arena
	records  records
	ids      ids
	all      *tree
	segments []map[uint32]*tree // by segment, by ordinal of the value
}

// New returns an empty index. It panics on a shape that makes no sense.
func New(shape Shape) *Index {
	if shape.KeyBytes < 8 || shape.KeyBytes > maxKey || shape.Segments < 0 || shape.Inline < 0 || shape.Inline > maxInline {
		panic(fmt.Sprintf("index: impossible shape %+v", shape))
	}
	x := &Index{shape: shape, arena: &arena{}, segments: make([]map[uint32]*tree, shape.Segments)}
	x.records = newRecords(shape, x.arena)
	x.ids = newIDs(x.arena)
	x.all = newTree(x)
	for i := range x.segments {
		x.segments[i] = map[uint32]*tree{}
	}
	return x
}

// Close gives the memory back. Nothing may use the index after it.
func (x *Index) Close() { x.arena.close() }

// Bytes is how much memory the index uses for its entries. What it has reserved beyond that is not touched yet.
func (x *Index) Bytes() int { return x.arena.size - len(x.arena.rest) }

// Known is how many players the index knows, with a place or without.
func (x *Index) Known() int { return x.ids.n }

// Version is the version that the index knows of a player; 0 = none.
func (x *Index) Version(p Player) int64 {
	r, ok := x.find(p)
	if !ok {
		return 0
	}
	return x.records.version(r)
}

// Apply takes an entry when its version is greater than the one known, and reports whether it did.
func (x *Index) Apply(e Entry) bool {
	if len(e.Key) != 0 && len(e.Key) != x.shape.KeyBytes || len(e.Segments) > x.shape.Segments {
		panic("index: an entry of another shape")
	}
	h := x.ids.hash(e.Player)
	r, known := x.ids.find(h, e.Player, &x.records)
	if known {
		if e.Version <= x.records.version(r) {
			return false
		}
		if x.keeps(r, e) {
			x.records.setVersion(r, e.Version)
			x.records.setInline(r, e.Inline)
			return true
		}
		x.unplace(r)
	} else {
		r = x.records.add(e.Player)
		x.ids.insert(h, r, &x.records)
	}
	x.records.set(r, e)
	x.place(r)
	return true
}

// keeps reports whether an entry stays where the record stands.
func (x *Index) keeps(r uint32, e Entry) bool {
	if !x.records.placed(r) || !bytes.Equal(x.records.key(r), e.Key) {
		return false
	}
	for i := range x.shape.Segments {
		if x.records.segment(r, i) != segmentOf(e, i) {
			return false
		}
	}
	return true
}

func segmentOf(e Entry, i int) uint32 {
	if i < len(e.Segments) {
		return e.Segments[i]
	}
	return 0
}

// place puts a record into its trees.
func (x *Index) place(r uint32) {
	if !x.records.placed(r) {
		return
	}
	key := x.records.key(r)
	x.all.insert(key, r)
	for i := range x.segments {
		ordinal := x.records.segment(r, i)
		if ordinal == 0 {
			continue
		}
		t := x.segments[i][ordinal]
		if t == nil {
			t = newTree(x)
			x.segments[i][ordinal] = t
		}
		t.insert(key, r)
	}
}

// unplace takes a record out of its trees.
func (x *Index) unplace(r uint32) {
	if !x.records.placed(r) {
		return
	}
	key := x.records.key(r)
	x.all.remove(key)
	for i := range x.segments {
		if ordinal := x.records.segment(r, i); ordinal != 0 {
			x.segments[i][ordinal].remove(key)
		}
	}
}

// Forget drops what is known of a player, his version too: an entry that arrives late would then be taken.
func (x *Index) Forget(p Player) {
	h := x.ids.hash(p)
	r, known := x.ids.find(h, p, &x.records)
	if !known {
		return
	}
	x.unplace(r)
	x.ids.remove(h, r, &x.records)
	x.records.free(r)
}

func (x *Index) find(p Player) (uint32, bool) {
	return x.ids.find(x.ids.hash(p), p, &x.records)
}

// Entry returns what is known of a player; false when nothing is. The slices are copies.
func (x *Index) Entry(p Player) (Entry, bool) {
	r, ok := x.find(p)
	if !ok {
		return Entry{}, false
	}
	return x.records.entry(r), true
}

// Each hands every known player to do, with a place or without, in no order, until it returns false. The slices are valid during the call.
func (x *Index) Each(do func(Entry) bool) {
	x.ids.each(func(r uint32) bool { return do(x.records.view(r)) })
}
