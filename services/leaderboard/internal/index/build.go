package index

import (
	"bytes"
	"slices"
)

// buildFill is how full a built leaf is: room for what comes, without waste.
const buildFill = leafSize * 7 / 8

// Build fills an empty index at once, which is several times as fast as [Index.Apply] for each entry. Next gives the entries, in any order,
// each player once, and false at the end; their slices are copied.
func (x *Index) Build(next func() (Entry, bool)) {
	var placed []uint32
	for e, ok := next(); ok; e, ok = next() {
		h := x.ids.hash(e.Player)
		r := x.records.add(e.Player)
		x.ids.insert(h, r, &x.records)
		x.records.set(r, e)
		if len(e.Key) > 0 {
			placed = append(placed, r)
		}
	}
	x.sortByKey(placed)
	x.all.build(placed)
	for i := range x.segments {
		values := map[uint32][]uint32{}
		for _, r := range placed {
			if ordinal := x.records.segment(r, i); ordinal != 0 {
				values[ordinal] = append(values[ordinal], r)
			}
		}
		for ordinal, list := range values {
			t := newTree(x)
			t.build(list)
			x.segments[i][ordinal] = t
		}
	}
}

// sortByKey sorts records. It compares the first bytes of the keys where they tell, without a visit to the records.
func (x *Index) sortByKey(list []uint32) {
	type item struct {
		part   uint64
		record uint32
	}
	items := make([]item, len(list))
	for i, r := range list {
		items[i] = item{partOf(x.records.key(r), 0), r}
	}
	slices.SortFunc(items, func(a, b item) int {
		switch {
		case a.part < b.part:
			return -1
		case a.part > b.part:
			return 1
		}
		return bytes.Compare(x.records.key(a.record), x.records.key(b.record))
	})
	for i := range items {
		list[i] = items[i].record
	}
}

// build makes the tree of records that are sorted by key.
func (t *tree) build(list []uint32) {
	size := t.keyBytes()
	t.n = len(list)
	for len(list) > 0 {
		g := &group{}
		for len(g.leaves) < groupSize*3/4 && len(list) > 0 {
			n := min(buildFill, len(list))
			l := newLeaf(t.index.arena)
			copy(l.record[:], list[:n])
			g.insertLeaf(len(g.leaves), l, t.index.records.key(list[0]), n)
			t.tighten(g, len(g.leaves)-1)
			g.n += n
			list = list[n:]
		}
		before := 0
		if n := len(t.groups); n > 0 {
			before = t.before[n-1] + t.groups[n-1].n
		}
		t.groups = append(t.groups, g)
		t.firsts = append(t.firsts, g.low(0, size)...)
		t.before = append(t.before, before)
	}
}

// Parts is how many parts [Index.EachOf] cuts the players into.
const Parts = idShards

// EachOf hands the known players of one part to do, until it returns false. A player is always in the same part, so who walks over all parts, with
// changes in between, misses nobody who was there from the beginning. The slices are valid during the call.
func (x *Index) EachOf(part int, do func(Entry) bool) {
	for _, cell := range x.ids.shards[part].cells {
		if cell != 0 && !do(x.records.view(cell-1)) {
			return
		}
	}
}
