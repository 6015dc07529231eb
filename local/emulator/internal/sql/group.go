package sql

import "slices"

// groups gathers rows by the values of GROUP BY. Without GROUP BY there is
// one group, even of no rows.
type groups struct {
	sel   *selection
	byKey map[string]*group
	order []*group
	buf   []byte
	vals  []value
}

type group struct {
	keys []value
	accs []accumulator
}

func newGroups(sel *selection) *groups {
	g := &groups{sel: sel, byKey: map[string]*group{}}
	if len(sel.groupBy) == 0 {
		g.order = []*group{{accs: make([]accumulator, len(sel.aggs))}}
	}
	return g
}

// add counts the row that the frame is bound to.
func (g *groups) add(f *frame) {
	to := g.find(f)
	for i, a := range g.sel.aggs {
		to.accs[i].add(a.fn, a.arg.eval(f))
	}
}

func (g *groups) find(f *frame) *group {
	if len(g.sel.groupBy) == 0 {
		return g.order[0]
	}
	g.buf, g.vals = g.buf[:0], g.vals[:0]
	for _, x := range g.sel.groupBy {
		v := x.eval(f)
		g.vals = append(g.vals, v)
		g.buf = appendIdentity(g.buf, v)
	}
	if to, ok := g.byKey[string(g.buf)]; ok {
		return to
	}
	to := &group{accs: make([]accumulator, len(g.sel.aggs))}
	for _, v := range g.vals {
		to.keys = append(to.keys, v.clone())
	}
	g.byKey[string(g.buf)] = to
	g.order = append(g.order, to)
	return to
}

// each projects the groups, ordered by their keys as the documentation shows them. It leaves the last one in the frame.
func (g *groups) each(f *frame, fn func(value) bool) {
	slices.SortStableFunc(g.order, func(a, b *group) int { return rankElements(a.keys, b.keys) })
	for _, to := range g.order {
		f.group = to.keys
		f.aggs = make([]value, len(g.sel.aggs))
		for i, a := range g.sel.aggs {
			f.aggs[i] = to.accs[i].result(a.fn)
		}
		v := g.sel.project.eval(f)
		if f.err != nil || !v.isUndefined() && !fn(v) {
			return
		}
	}
}
