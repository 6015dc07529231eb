package engine

import "sort"

// blockSize is how many entries a block holds before it is split.
const blockSize = 128

// entry is a ticket in a list: its rating and its number in the engine's table, which also tells equal ratings apart. It holds no
// pointer, so that the collector has nothing to do with lists.
type entry struct {
	key float64
	id  int32
}

// before orders entries.
func (e entry) before(o entry) bool {
	return e.key < o.key || e.key == o.key && e.id < o.id
}

// list keeps tickets in the order of their ratings: blocks of up to 128, found by a binary search over their heads. Insert and
// remove touch one block; a neighbor is a step away. Blocks that became empty stay until there are too many of them.
type list struct {
	heads  []entry // at most the least that a block holds
	blocks [][]entry
	empty  int
	n      int
}

// block returns the index of the block that an entry belongs to; -1 when the list has none.
func (l *list) block(x entry) int {
	i := sort.Search(len(l.heads), func(i int) bool { return x.before(l.heads[i]) })
	if i == 0 && len(l.heads) > 0 {
		return 0
	}
	return i - 1
}

// within returns the place of an entry in a block: of the first that does not come before it.
func within(block []entry, x entry) int {
	low, high := 0, len(block)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if block[middle].before(x) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// insert adds a ticket.
func (l *list) insert(t *ticket) {
	x := entry{t.rating, t.id}
	l.n++
	i := l.block(x)
	if i < 0 {
		l.heads = append(l.heads, x)
		l.blocks = append(l.blocks, append(make([]entry, 0, blockSize/4), x))
		return
	}
	block := l.blocks[i]
	if len(block) == 0 {
		l.empty--
	}
	j := within(block, x)
	block = append(block, entry{})
	copy(block[j+1:], block[j:])
	block[j] = x
	l.blocks[i] = block
	if j == 0 {
		l.heads[i] = x
	}
	if len(block) >= blockSize {
		l.split(i)
	}
}

// split makes two blocks of one.
func (l *list) split(i int) {
	block := l.blocks[i]
	half := len(block) / 2
	right := append(make([]entry, 0, blockSize), block[half:]...)
	l.blocks[i] = block[:half]
	l.blocks = append(l.blocks, nil)
	copy(l.blocks[i+2:], l.blocks[i+1:])
	l.blocks[i+1] = right
	l.heads = append(l.heads, entry{})
	copy(l.heads[i+2:], l.heads[i+1:])
	l.heads[i+1] = right[0]
}

// remove takes a ticket out that is in the list.
func (l *list) remove(t *ticket) {
	x := entry{t.rating, t.id}
	i := l.block(x)
	block := l.blocks[i]
	j := within(block, x)
	copy(block[j:], block[j+1:])
	l.blocks[i] = block[:len(block)-1]
	l.n--
	if len(block) > 1 {
		return
	}
	l.empty++
	for len(l.blocks) > 0 && len(l.blocks[0]) == 0 {
		l.blocks[0] = nil
		l.blocks, l.heads = l.blocks[1:], l.heads[1:]
		l.empty--
	}
	if l.empty > 32+len(l.blocks)/64 {
		l.compact()
	}
}

// compact drops the empty blocks.
func (l *list) compact() {
	n := 0
	for i, block := range l.blocks {
		if len(block) > 0 {
			l.blocks[n], l.heads[n] = block, l.heads[i]
			n++
		}
	}
	clear(l.blocks[n:])
	l.blocks, l.heads, l.empty = l.blocks[:n], l.heads[:n], 0
}

// place is a position in a list.
type place struct{ block, index int }

// find returns the places left and right of where a ticket stands or would stand. The ticket itself is at neither.
func (l *list) find(t *ticket) (left, right place) {
	x := entry{t.rating, t.id}
	i := l.block(x)
	if i < 0 {
		return place{-1, -1}, place{0, 0}
	}
	j := within(l.blocks[i], x)
	left, right = place{i, j - 1}, place{i, j}
	if j < len(l.blocks[i]) && l.blocks[i][j].id == t.id {
		right.index++
	}
	return left, right
}

// down returns the entry at p, or the nearest one before it, and its place; ok is false at the beginning.
func (l *list) down(p place) (entry, place, bool) {
	for p.block >= 0 {
		if p.index >= 0 {
			return l.blocks[p.block][p.index], p, true
		}
		p.block--
		if p.block >= 0 {
			p.index = len(l.blocks[p.block]) - 1
		}
	}
	return entry{}, p, false
}

// up is down's mirror image.
func (l *list) up(p place) (entry, place, bool) {
	for p.block < len(l.blocks) {
		if p.index < len(l.blocks[p.block]) {
			return l.blocks[p.block][p.index], p, true
		}
		p = place{p.block + 1, 0}
	}
	return entry{}, p, false
}
