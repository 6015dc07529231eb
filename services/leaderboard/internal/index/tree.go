package index

import (
	"bytes"
)

const (
	groupSize  = 256 // leaves of a group at most
	mergeBelow = 64  // a leaf with fewer entries joins a neighbor
	mergeInto  = 192 // with which it has at most so many
)

// tree is a sorted list of records that knows how many stand before each.
type tree struct {
	index  *Index
	groups []*group
	firsts []byte // the lowest key of each group
	before []int  // how many entries stand before each group
	n      int
}

// group is a run of leaves. All keys of leaf i are at least lows[i] and less than lows[i+1], or the next group's first.
type group struct {
	leaves []*leaf
	lows   []byte   // a key for each leaf
	sizes  []uint16 // entries of each leaf
	skips  []uint8  // how many bytes the keys of a leaf share with its low
	n      int
}

func newTree(x *Index) *tree { return &tree{index: x} }

func (t *tree) keyBytes() int { return t.index.shape.KeyBytes }

// lastNotAfter is the last of n sorted keys that is not after key, or 0.
func lastNotAfter(keys []byte, size int, key []byte) int {
	low, high := 0, len(keys)/size // keys[low] <= key < keys[high], but for the ends
	for high-low > 1 {
		mid := int(uint(low+high) >> 1) //nolint:gosec // not negative
		if bytes.Compare(keys[mid*size:(mid+1)*size], key) <= 0 {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// low is the lower bound of a leaf's keys.
func (g *group) low(i, size int) []byte { return g.lows[i*size : (i+1)*size] }

// entriesBefore is how many entries of the group stand before a leaf.
func (g *group) entriesBefore(leaf int) int {
	sum := 0
	for _, n := range g.sizes[:leaf] {
		sum += int(n)
	}
	return sum
}

// rank is how many entries stand before a key.
func (t *tree) rank(key []byte) int {
	if t.n == 0 {
		return 0
	}
	size := t.keyBytes()
	gi := lastNotAfter(t.firsts, size, key)
	g := t.groups[gi]
	li := lastNotAfter(g.lows, size, key)
	return t.before[gi] + g.entriesBefore(li) + t.position(g, li, key)
}

// position is how many entries of a leaf stand before a key that is not less than those of the leaves before.
func (t *tree) position(g *group, li int, key []byte) int {
	low, skip, n := g.low(li, t.keyBytes()), int(g.skips[li]), int(g.sizes[li])
	if same := shared(low, key); same < skip { // it lies beside all of them
		if key[same] < low[same] {
			return 0
		}
		return n
	}
	return g.leaves[li].find(n, skip, key, &t.index.records)
}

// insert adds a record under its key, which no other record of the tree has.
func (t *tree) insert(key []byte, record uint32) {
	t.n++
	size := t.keyBytes()
	if len(t.groups) == 0 {
		t.start(key, record)
		return
	}
	gi := lastNotAfter(t.firsts, size, key)
	g := t.groups[gi]
	li := lastNotAfter(g.lows, size, key)
	t.admit(gi, li, key)
	n, skip := int(g.sizes[li]), int(g.skips[li])
	i := g.leaves[li].find(n, skip, key, &t.index.records)
	g.leaves[li].insert(i, n, partOf(key, skip), record)
	g.sizes[li]++
	t.count(gi, 1)
	if n+1 == leafSize {
		last := i == n && gi == len(t.groups)-1 && li == len(g.leaves)-1
		t.split(gi, li, last)
	}
}

// start makes the first leaf.
func (t *tree) start(key []byte, record uint32) {
	l := newLeaf(t.index.arena)
	l.part[0], l.record[0] = partOf(key, len(key)), record
	g := &group{leaves: []*leaf{l}, lows: bytes.Clone(key), sizes: []uint16{1}, skips: []uint8{uint8(len(key))}, n: 1} //nolint:gosec // at most maxKey
	t.groups, t.firsts, t.before = []*group{g}, bytes.Clone(key), []int{0}
}

// admit makes a leaf ready for a key: its low is not above it, and its shared bytes are the key's too.
func (t *tree) admit(gi, li int, key []byte) {
	g, size := t.groups[gi], t.keyBytes()
	low := g.low(li, size)
	same := shared(low, key)
	if bytes.Compare(key, low) < 0 { // only in the very first leaf
		copy(low, key)
		copy(t.firsts[gi*size:], key)
	}
	if same < int(g.skips[li]) {
		g.skips[li] = uint8(same) //nolint:gosec // less than it was
		g.leaves[li].refill(int(g.sizes[li]), same, &t.index.records)
	}
}

// count adds to the number of entries of a group.
func (t *tree) count(gi, d int) {
	t.groups[gi].n += d
	for i := gi + 1; i < len(t.before); i++ {
		t.before[i] += d
	}
}

// split makes two of a full leaf. At the end of the tree, where keys come in order, the left one stays almost full.
func (t *tree) split(gi, li int, atEnd bool) {
	g, records := t.groups[gi], &t.index.records
	left, n := g.leaves[li], int(g.sizes[li])
	keep := n / 2
	if atEnd {
		keep = n - n/16
	}
	right := newLeaf(t.index.arena)
	copy(right.part[:], left.part[keep:n])
	copy(right.record[:], left.record[keep:n])
	low := records.key(right.record[0])
	g.insertLeaf(li+1, right, low, n-keep)
	g.sizes[li] = uint16(keep) //nolint:gosec // at most leafSize
	t.tighten(g, li)
	t.tighten(g, li+1)
	if len(g.leaves) == groupSize {
		t.splitGroup(gi)
	}
}

// tighten finds how many bytes the keys of a leaf share: those that its low shares with its last one.
func (t *tree) tighten(g *group, li int) {
	n := int(g.sizes[li])
	l, low := g.leaves[li], g.low(li, t.keyBytes())
	skip := shared(low, t.index.records.key(l.record[n-1]))
	g.skips[li] = uint8(skip) //nolint:gosec // at most maxKey
	l.refill(n, skip, &t.index.records)
}

func (g *group) insertLeaf(i int, l *leaf, low []byte, n int) {
	size := len(low)
	g.leaves = append(g.leaves, nil)
	copy(g.leaves[i+1:], g.leaves[i:])
	g.leaves[i] = l
	g.sizes = append(g.sizes, 0)
	copy(g.sizes[i+1:], g.sizes[i:])
	g.sizes[i] = uint16(n) //nolint:gosec // at most leafSize
	g.skips = append(g.skips, 0)
	copy(g.skips[i+1:], g.skips[i:])
	g.lows = append(g.lows, low...)
	copy(g.lows[(i+1)*size:], g.lows[i*size:])
	copy(g.lows[i*size:], low)
}

func (g *group) removeLeaf(i, size int) {
	g.leaves = append(g.leaves[:i], g.leaves[i+1:]...)
	g.sizes = append(g.sizes[:i], g.sizes[i+1:]...)
	g.skips = append(g.skips[:i], g.skips[i+1:]...)
	g.lows = append(g.lows[:i*size], g.lows[(i+1)*size:]...)
}

// splitGroup makes two of a full group.
func (t *tree) splitGroup(gi int) {
	const half = groupSize / 2
	size := t.keyBytes()
	left := t.groups[gi]
	right := &group{
		leaves: append([]*leaf(nil), left.leaves[half:]...), lows: bytes.Clone(left.lows[half*size:]),
		sizes: append([]uint16(nil), left.sizes[half:]...), skips: append([]uint8(nil), left.skips[half:]...),
	}
	left.leaves, left.lows, left.sizes, left.skips = left.leaves[:half], left.lows[:half*size], left.sizes[:half], left.skips[:half]
	moved := right.entriesBefore(len(right.leaves))
	right.n, left.n = moved, left.n-moved
	t.insertGroup(gi+1, right)
}

func (t *tree) insertGroup(i int, g *group) {
	size := t.keyBytes()
	t.groups = append(t.groups, nil)
	copy(t.groups[i+1:], t.groups[i:])
	t.groups[i] = g
	t.firsts = append(t.firsts, g.low(0, size)...)
	copy(t.firsts[(i+1)*size:], t.firsts[i*size:])
	copy(t.firsts[i*size:], g.low(0, size))
	t.before = append(t.before, 0)
	copy(t.before[i+1:], t.before[i:])
	t.before[i] = t.before[i-1] + t.groups[i-1].n
}

// remove takes out the record of a key, which is there.
func (t *tree) remove(key []byte) {
	size := t.keyBytes()
	gi := lastNotAfter(t.firsts, size, key)
	g := t.groups[gi]
	li := lastNotAfter(g.lows, size, key)
	n := int(g.sizes[li])
	i := g.leaves[li].find(n, int(g.skips[li]), key, &t.index.records)
	g.leaves[li].remove(i, n)
	g.sizes[li]--
	t.n--
	t.count(gi, -1)
	switch {
	case n == 1:
		t.dropLeaf(gi, li)
	case n-1 < mergeBelow:
		t.merge(gi, li)
	}
}

// dropLeaf takes out an empty leaf.
func (t *tree) dropLeaf(gi, li int) {
	g, size := t.groups[gi], t.keyBytes()
	freeLeaf(t.index.arena, g.leaves[li])
	g.removeLeaf(li, size)
	if len(g.leaves) == 0 {
		t.groups = append(t.groups[:gi], t.groups[gi+1:]...)
		t.firsts = append(t.firsts[:gi*size], t.firsts[(gi+1)*size:]...)
		t.before = append(t.before[:gi], t.before[gi+1:]...)
		return
	}
	copy(t.firsts[gi*size:], g.low(0, size))
}

// merge joins a small leaf with a neighbor of its group where they fit into one.
func (t *tree) merge(gi, li int) {
	g := t.groups[gi]
	if li+1 == len(g.leaves) || li > 0 && g.sizes[li-1] < g.sizes[li+1] {
		li--
	}
	if li < 0 {
		return
	}
	left, right := g.leaves[li], g.leaves[li+1]
	n, m := int(g.sizes[li]), int(g.sizes[li+1])
	if n+m > mergeInto {
		return
	}
	copy(left.record[n:], right.record[:m])
	g.sizes[li] = uint16(n + m) //nolint:gosec // at most mergeInto
	freeLeaf(t.index.arena, right)
	g.removeLeaf(li+1, t.keyBytes())
	t.tighten(g, li)
}
