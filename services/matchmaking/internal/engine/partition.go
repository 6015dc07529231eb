package engine

import (
	"math"
	"slices"
)

// partition holds the tickets that agree in all attributes that must be equal for good.
type partition struct {
	key     string
	n       int
	classes map[class]int
	kinds   []kind
	regions [][]*list // by region and class; nil where there is nobody yet
}

// class is a kind of party: its size and the roles that somebody of it plays.
type class struct {
	size  int
	plays uint8
}

// kind is what the tickets of a class have in common.
type kind struct {
	class
	most int // how many of them fit into one match
}

func (e *Engine) partition(key string) *partition {
	home, ok := e.partitions[key]
	if !ok {
		home = &partition{key: key, classes: map[class]int{}}
		e.partitions[key] = home
	}
	return home
}

// classOf returns the number of a ticket's class.
func (p *partition) classOf(e *Engine, t *ticket) int {
	c := class{size: t.size}
	for _, mask := range t.masks {
		c.plays |= mask
	}
	number, ok := p.classes[c]
	if !ok {
		number = len(p.kinds)
		p.classes[c] = number
		most := e.plan.total / t.size
		if t.size == 1 && t.masks != nil {
			most = int(e.plan.together[c.plays])
		}
		p.kinds = append(p.kinds, kind{c, most})
	}
	return number
}

// insert files a ticket in every region that it may ever accept.
func (p *partition) insert(e *Engine, t *ticket) {
	p.n++
	t.class = p.classOf(e, t)
	p.each(e, t, func(l *list) { l.insert(t) })
}

// remove is insert's opposite. A partition that is empty is forgotten: its key is what players say.
func (p *partition) remove(e *Engine, t *ticket) {
	p.each(e, t, func(l *list) { l.remove(t) })
	if p.n--; p.n == 0 {
		delete(e.partitions, p.key)
	}
}

// each calls f with every list that a ticket belongs to.
func (p *partition) each(e *Engine, t *ticket, f func(*list)) {
	if e.plan.latency == nil {
		f(p.list(0, t.class))
		return
	}
	furthest := e.plan.latency.Limit.Final()
	for r, ms := range t.latency {
		if ms != beyond && float64(ms) <= furthest {
			f(p.list(r, t.class))
		}
	}
}

// list returns the list of a region and a class.
func (p *partition) list(region, class int) *list {
	for len(p.regions) <= region {
		p.regions = append(p.regions, nil)
	}
	for len(p.regions[region]) <= class {
		p.regions[region] = append(p.regions[region], nil)
	}
	if p.regions[region][class] == nil {
		p.regions[region][class] = &list{}
	}
	return p.regions[region][class]
}

// walk visits the tickets of a region outwards from a rating, the nearest first: a heap of strands, two for each class.
type walk struct {
	table  []*ticket
	rating float64
	from   []strand
}

// strand is one direction in one class: the entry that comes next, its place and its distance.
type strand struct {
	list  *list
	class int
	next  entry
	at    place
	down  bool
	far   float64
}

// before orders strands by what comes next.
func (s *strand) before(o *strand) bool {
	switch {
	case s.far != o.far:
		return s.far < o.far
	case s.class != o.class:
		return s.class < o.class
	}
	return s.down && !o.down
}

// start begins a walk around a ticket, which it does not visit.
func (w *walk) start(e *Engine, home *partition, region int, t *ticket) {
	w.table, w.rating, w.from = e.table, t.rating, w.from[:0]
	if region >= len(home.regions) {
		return
	}
	for class, l := range home.regions[region] {
		if l == nil || l.n == 0 {
			continue
		}
		left, right := l.find(t)
		for _, s := range [2]strand{{list: l, class: class, at: left, down: true}, {list: l, class: class, at: right}} {
			if s.load(w.rating) {
				w.from = append(w.from, s)
			}
		}
	}
	w.order()
}

// load reads the entry that the strand has come to.
func (s *strand) load(rating float64) bool {
	var ok bool
	if s.down {
		s.next, s.at, ok = s.list.down(s.at)
	} else {
		s.next, s.at, ok = s.list.up(s.at)
	}
	if ok {
		s.far = math.Abs(s.next.key - rating)
	}
	return ok
}

// peek returns the nearest ticket that was not visited, its class and its distance; ok is false at the end.
func (w *walk) peek() (t *ticket, class int, far float64, ok bool) {
	if len(w.from) == 0 {
		return nil, 0, 0, false
	}
	s := &w.from[0]
	return w.table[s.next.id], s.class, s.far, true
}

// advance goes past the ticket that peek returned.
func (w *walk) advance() {
	s := &w.from[0]
	if s.down {
		s.at.index--
	} else {
		s.at.index++
	}
	if !s.load(w.rating) {
		last := len(w.from) - 1
		w.from[0] = w.from[last]
		w.from = w.from[:last]
	}
	w.sink(0)
}

// stop drops the strands of a class of which enough was seen.
func (w *walk) stop(class int) {
	w.from = slices.DeleteFunc(w.from, func(s strand) bool { return s.class == class })
	w.order()
}

// order makes a heap of the strands.
func (w *walk) order() {
	for i := len(w.from)/2 - 1; i >= 0; i-- {
		w.sink(i)
	}
}

// sink lets a strand down to where it belongs.
func (w *walk) sink(i int) {
	for {
		child := 2*i + 1
		if child >= len(w.from) {
			return
		}
		if child+1 < len(w.from) && w.from[child+1].before(&w.from[child]) {
			child++
		}
		if !w.from[child].before(&w.from[i]) {
			return
		}
		w.from[i], w.from[child] = w.from[child], w.from[i]
		i = child
	}
}
