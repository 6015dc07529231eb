package engine

import (
	"cmp"
	"slices"
)

// along fills a match that is too large for a search: the compatible tickets stand in a row by rating, and from several starts
// whoever accepts all before him is taken, until the match is full. Of a free-for-all that cannot be filled the largest part of at
// least so many players is taken.
func (f *filler) along(least int) bool {
	p := f.e.plan
	row, self := f.lineUp()
	f.allow(exactBudget)
	players := f.anchor.size
	for _, t := range row {
		if t != f.anchor {
			players += t.size
		}
	}
	if players < least {
		return false
	}
	best, most := 0, 0
	for _, start := range f.starts(self) {
		n := f.take(row[start:])
		if n == p.total && f.complete() {
			return true
		}
		if n > most {
			best, most = start, n
		}
	}
	if p.def.FreeForAll == nil || most < least {
		return false
	}
	f.take(row[best:])
	return f.complete()
}

// lineUp collects up to four matches full of the anchor's nearest compatible tickets, and says where the anchor stands among them.
func (f *filler) lineUp() (row []*ticket, self int) {
	e, a := f.e, f.anchor
	f.candidates = append(f.candidates[:0], a)
	f.walk.start(f.e, a.home, f.region, a)
	for len(f.candidates) < 4*e.plan.total {
		t, _, far, ok := f.walk.peek()
		if !ok || far > a.spread {
			break
		}
		f.walk.advance()
		e.at(t, f.now)
		if t.size+a.size <= e.plan.total && e.near(t, f.region) && e.accept(a, t) {
			f.candidates = append(f.candidates, t)
		}
	}
	slices.SortFunc(f.candidates, func(a, b *ticket) int { return cmp.Or(cmp.Compare(a.rating, b.rating), cmp.Compare(a.seq, b.seq)) })
	return f.candidates, slices.Index(f.candidates, a)
}

// starts lists where in the row a match may begin: at the anchor, which is best when all below it are taken, then around it, then with
// it on top. While rules still relax there are nine, later all.
func (f *filler) starts(self int) []int {
	step := max(1, f.e.plan.total/8)
	if f.expanded() {
		step = 1
	}
	lowest := max(0, self-f.e.plan.total+1)
	var starts []int
	for at := self; at > lowest; at -= step {
		starts = append(starts, at)
	}
	return append(starts, lowest)
}

// take chooses the anchor and then whoever fits in the order of a row, and returns how many players that makes.
func (f *filler) take(row []*ticket) int {
	p := f.e.plan
	f.size = p.total
	f.chosen = f.chosen[:0]
	clear(f.taken)
	clear(f.counts)
	for i := range p.sets {
		f.shared[0][i] = ^uint64(0)
	}
	if !f.push(f.anchor) {
		return 0
	}
	n := f.anchor.size
	for _, t := range row {
		if n == p.total {
			break
		}
		if t == f.anchor || n+t.size > p.total {
			continue
		}
		if slices.ContainsFunc(f.chosen, func(o *ticket) bool { return !f.e.accept(o, t) }) {
			continue
		}
		if f.push(t) {
			n += t.size
		}
	}
	return n
}
