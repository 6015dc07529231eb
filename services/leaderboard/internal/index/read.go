package index

// Tree is one ranked list of an index.
type Tree struct {
	t *tree
	x *Index
}

// In returns the list of a value of a segment, or of [Everybody]. A value that nobody has is an empty list.
func (x *Index) In(segment int, ordinal uint32) Tree {
	if segment == Everybody {
		return Tree{x.all, x}
	}
	if t := x.segments[segment][ordinal]; t != nil {
		return Tree{t, x}
	}
	return Tree{newTree(x), x}
}

// Len is how many have a place.
func (l Tree) Len() int { return l.t.n }

// Before is how many stand before a key, which need not be anybody's.
func (l Tree) Before(key []byte) int { return l.t.rank(key) }

// Rank is how many stand before a player; false when he is not in the list.
func (l Tree) Rank(p Player) (int, bool) {
	r, ok := l.x.find(p)
	if !ok || !l.has(r) {
		return 0, false
	}
	return l.t.rank(l.x.records.key(r)), true
}

// has reports whether a record stands in the list.
func (l Tree) has(r uint32) bool {
	if !l.x.records.placed(r) {
		return false
	}
	if l.t == l.x.all {
		return true
	}
	for i := range l.x.segments {
		if ordinal := l.x.records.segment(r, i); ordinal != 0 && l.x.segments[i][ordinal] == l.t {
			return true
		}
	}
	return false
}

// Range hands the entries from a place on (0 = the best) to do, in order, at most n, until it returns false. The slices of an entry are
// valid during the call.
func (l Tree) Range(from, n int, do func(Entry) bool) {
	if from < 0 || from >= l.t.n || n <= 0 {
		return
	}
	var e Entry
	gi, li, i := l.t.locate(from)
	for ; gi < len(l.t.groups); gi, li = gi+1, 0 {
		g := l.t.groups[gi]
		for ; li < len(g.leaves); li, i = li+1, 0 {
			run := g.leaves[li].record[i:g.sizes[li]]
			run = run[:min(n, len(run))]
			l.x.records.touch(run)
			for _, r := range run {
				if l.x.records.fill(r, &e); !do(e) {
					return
				}
			}
			if n -= len(run); n == 0 {
				return
			}
		}
	}
}

// locate finds the leaf and the position in it of a place, which exists.
func (t *tree) locate(place int) (gi, li, i int) {
	low, high := 0, len(t.before)
	for high-low > 1 {
		mid := int(uint(low+high) >> 1) //nolint:gosec // not negative
		if t.before[mid] <= place {
			low = mid
		} else {
			high = mid
		}
	}
	place -= t.before[low]
	for _, n := range t.groups[low].sizes {
		if place < int(n) {
			break
		}
		place -= int(n)
		li++
	}
	return low, li, place
}

// batch is how many searches are made side by side: enough to hide the misses of the cache, few enough to stay in it.
const batch = 64

// Ranks is [Tree.Rank] for many players: -1 for one who is not in the list. The searches go step by step side by side, so that the
// misses of the cache overlap; that makes each two to three times as fast. It appends to dst.
func (l Tree) Ranks(players []Player, dst []int) []int {
	for len(players) > 0 {
		n := min(len(players), batch)
		dst = l.ranks(players[:n], dst)
		players = players[n:]
	}
	return dst
}

// search is one of a batch.
type search struct {
	hash    uint64
	key     []byte // nil = not in the list
	record  uint32
	known   bool
	leaf    *leaf
	part    uint64
	before  int
	n, base int
	skip    int
}

func (l Tree) ranks(players []Player, dst []int) []int {
	var all [batch]search
	list := all[:len(players)]
	var read uint64
	for i, p := range players {
		list[i].hash = l.x.ids.hash(p)
		read += l.x.ids.touch(list[i].hash)
	}
	touched.Store(read)
	for i, p := range players {
		s := &list[i]
		s.record, s.known = l.x.ids.find(s.hash, p, &l.x.records)
	}
	for i := range list {
		if s := &list[i]; s.known && l.has(s.record) {
			s.key = l.x.records.key(s.record)
			l.t.descend(s)
		}
	}
	for left := leafSize; left > 1; left >>= 1 {
		for i := range list {
			list[i].step()
		}
	}
	for i := range list {
		dst = append(dst, l.finish(&list[i]))
	}
	return dst
}

// descend finds the leaf of a search.
func (t *tree) descend(s *search) {
	size := t.keyBytes()
	gi := lastNotAfter(t.firsts, size, s.key)
	g := t.groups[gi]
	li := lastNotAfter(g.lows, size, s.key)
	s.leaf, s.n, s.skip = g.leaves[li], int(g.sizes[li]), int(g.skips[li])
	s.before = t.before[gi] + g.entriesBefore(li)
	s.part = partOf(s.key, s.skip)
}

// step halves what is left of a search, as leaf.lowerBound does.
func (s *search) step() {
	if s.n <= 1 {
		return
	}
	half := s.n >> 1
	if s.leaf.part[s.base+half-1] < s.part {
		s.base += half
	}
	s.n -= half
}

// finish gives the rank.
func (l Tree) finish(s *search) int {
	if s.key == nil {
		return -1
	}
	for s.n > 1 {
		s.step()
	}
	if s.n == 1 && s.leaf.part[s.base] < s.part {
		s.base++
	}
	// Of those with the same part it is the one with the record.
	for s.leaf.record[s.base] != s.record {
		s.base++
	}
	return s.before + s.base
}

// touch reads records that are needed soon, one independent of the other, so that the misses of the cache overlap.
func (s *records) touch(list []uint32) {
	var read uint64
	for _, r := range list {
		b := s.at(r)
		read += uint64(b[0]) + uint64(b[len(b)-1]) // it may lie on two lines
	}
	touched.Store(read)
}

// touch reads the cell where the probe of a hash begins, so that it is in the cache soon.
func (s *ids) touch(h uint64) uint64 {
	d := s.shardOf(h)
	if len(d.cells) == 0 {
		return 0
	}
	i := d.cellOf(h)
	return uint64(d.cells[i]) + uint64(d.tags[i])
}
