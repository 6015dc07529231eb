package engine

import (
	"cmp"
	"math"
	mathbits "math/bits"
	"slices"

	"supergame/services/matchmaking/internal/queue"
)

// The sizes of a search.
const (
	window      = 64     // candidates of an exact fill: one bit each
	quickBudget = 400    // choices of a ticket in a search while rules still relax
	exactBudget = 20_000 // choices when nothing does
	quickSides  = 20_000 // choices of a side, of all divisions of one search
	exactSides  = 200_000
	toilBudget  = 1_000_000 // choices of all searches of a step that find nothing, before the others are cut short
)

// filler looks for the match of one anchor. It keeps its memory between anchors and the match that it found last.
type filler struct {
	e          *Engine
	walk       walk
	anchor     *ticket
	region     int
	now        int64
	size       int  // players of the match that is looked for
	budget     int  // choices of a ticket that are left to a search
	sideBudget int  // choices of a side that are left to it
	steps      int  // choices made for this anchor
	hurried    bool // a search was cut short for the toil of others

	// The candidates, in the order in which they are tried, and which of them accept one another.
	candidates []*ticket
	costs      []cost
	rows       [window]uint64
	known      uint64
	bySize     [queue.MaxPlayers + 1]uint64 // candidates of each party size
	talents    [1 << queue.MaxRoles]uint64  // candidates of whom somebody plays one of a set of roles
	taken      []uint8                      // of each party size, how many are chosen
	quotas     []int                        // by class, how many more candidates are wanted
	whole      bool                         // the candidates are all compatible tickets that there are

	chosen []*ticket
	counts []int16    // by set of roles, how many chosen players can play nothing else
	shared [][]uint64 // by depth, what all chosen tickets share by each rule of kind intersect
	seater seater

	// What was found.
	found   []*ticket
	at      int // its region
	sides   []int
	quality Quality
}

// cost is what a candidate adds to a match, the lower the better.
type cost struct {
	t     *ticket
	value float64
}

func (f *filler) init(e *Engine) {
	*f = filler{e: e}
	p := e.plan
	f.taken = make([]uint8, p.def.MaxParty+1)
	f.counts = make([]int16, len(p.together))
	f.shared = make([][]uint64, p.total+2)
	for i := range f.shared {
		f.shared[i] = make([]uint64, len(p.sets))
	}
	f.seater.init(p)
}

// around looks for the best match with an anchor now, in the regions that it accepts from the nearest on, until one is good enough.
func (f *filler) around(t *ticket, now int64) bool {
	e := f.e
	e.at(t, now)
	f.anchor, f.now = t, now
	f.found, f.steps, f.hurried = f.found[:0], 0, false
	f.quality = Quality{Total: -1}
	if e.plan.latency == nil {
		return f.try(0)
	}
	var order [16]int
	regions := order[:0]
	for r := range t.latency {
		if e.near(t, r) {
			regions = append(regions, r)
		}
	}
	slices.SortStableFunc(regions, func(a, b int) int { return cmp.Compare(t.latency[a], t.latency[b]) })
	ok := false
	for _, r := range regions {
		if f.try(r) {
			ok = true
			if f.quality.Total >= e.plan.def.GoodEnough {
				break
			}
		}
	}
	return ok
}

// expanded reports whether nothing relaxes any more for the anchor.
func (f *filler) expanded() bool { return f.now-f.anchor.since >= f.e.plan.expanded }

// try looks for a match in one region and keeps it if it is better than what is kept.
func (f *filler) try(region int) bool {
	f.region = region
	p := f.e.plan
	sizes := p.total
	if p.def.FreeForAll != nil {
		sizes = f.enough()
	}
	if p.total > large {
		return f.along(sizes)
	}
	f.gather(false)
	if f.search(sizes, quickBudget) {
		return true
	}
	budget := quickBudget
	switch tired := f.budget < 0 || f.sideBudget < 0; {
	case p.pairs || f.whole && (!tired || !f.expanded()):
		return false // a longer search would find nothing else
	case f.expanded() && f.e.toil > toilBudget:
		f.hurried = true
	case f.expanded():
		budget = exactBudget
	}
	if !f.whole {
		f.gather(true)
	}
	return f.search(sizes, budget)
}

// enough returns how few players make a free-for-all, by the waiting time of the anchor.
func (f *filler) enough() int {
	p := f.e.plan
	if p.fewest == nil {
		return p.total
	}
	return share(p.fewest, f.now-f.anchor.since)
}

// gather collects the anchor's nearest compatible tickets: of each class a few more than a match could use, or wide, a fair part of
// the window.
func (f *filler) gather(wide bool) {
	e, a := f.e, f.anchor
	kinds := a.home.kinds
	f.quotas = f.quotas[:0]
	for _, k := range kinds {
		quota := k.most + 2
		if wide {
			quota = window
			if len(kinds) > 1 {
				quota = max(2, window/len(kinds))
			}
		}
		f.quotas = append(f.quotas, quota)
	}
	f.costs = f.costs[:0]
	f.whole = true
	f.walk.start(f.e, a.home, f.region, a)
	for {
		t, class, far, ok := f.walk.peek()
		if !ok || far > a.spread {
			break
		}
		if len(f.costs) == window {
			f.whole = false
			break
		}
		f.walk.advance()
		e.at(t, f.now)
		if t.size+a.size > e.plan.total || !e.near(t, f.region) || !e.accept(a, t) {
			continue
		}
		f.costs = append(f.costs, cost{t, f.cost(t)})
		if f.quotas[class]--; f.quotas[class] == 0 {
			f.walk.stop(class)
			f.whole = false
		}
	}
	slices.SortStableFunc(f.costs, func(a, b cost) int { return cmp.Compare(a.value, b.value) })
	f.index()
}

// thrift is how much the larger of two parties is preferred for each player more: small ones are what others need to be completed with.
const thrift = 0.02

// cost says how much worse than a twin of the anchor, here and just come, a ticket is.
func (f *filler) cost(t *ticket) float64 {
	p := f.e.plan
	w := p.def.Weights
	value := w.Closeness * math.Abs(t.rating-f.anchor.rating) / (2 * p.model.Beta)
	if p.latency != nil {
		value += w.Latency * float64(t.latency[f.region]) / p.latency.Limit.Final()
	}
	return value - w.Waiting*f.e.patience(t, f.now) - thrift*float64(t.size-1)
}

// patience is how much of the time that a queue takes to expand a ticket has waited, at most 1.
func (e *Engine) patience(t *ticket, now int64) float64 {
	const floor = 10e9
	return min(1, float64(max(0, now-t.since))/max(float64(e.plan.expanded), floor))
}

// index prepares the candidates for the search.
func (f *filler) index() {
	f.candidates = f.candidates[:0]
	f.known = 0
	clear(f.bySize[:f.e.plan.def.MaxParty+1])
	roles := len(f.e.plan.roles)
	if roles > 0 {
		clear(f.talents[:1<<roles])
	}
	for i, c := range f.costs {
		f.candidates = append(f.candidates, c.t)
		f.bySize[c.t.size] |= 1 << i
		for _, mask := range c.t.masks {
			for role := range roles {
				if mask&(1<<role) != 0 {
					f.talents[1<<role] |= 1 << i
				}
			}
		}
	}
}

// search looks for the largest match of at least so many players among the candidates.
func (f *filler) search(least, budget int) bool {
	p := f.e.plan
	all := ^uint64(0) >> (window - len(f.candidates))
	most := min(p.total, f.players(all)+f.anchor.size)
	for f.size = most; f.size >= max(least, 2); f.size-- {
		f.allow(budget)
		f.chosen = f.chosen[:0]
		clear(f.taken)
		clear(f.counts)
		if len(p.sets) > 0 {
			copy(f.shared[0], everything(len(p.sets)))
		}
		found := f.push(f.anchor) && f.pick(all, f.size-f.anchor.size)
		f.steps += budget - f.budget
		if found {
			return true
		}
		if p.def.FreeForAll == nil {
			break
		}
	}
	return false
}

// allow gives a search its budgets.
func (f *filler) allow(budget int) {
	f.budget, f.sideBudget = budget, quickSides
	if budget > quickBudget {
		f.sideBudget = exactSides
	}
}

// everything is the set that holds all values, n times.
func everything(n int) []uint64 {
	sets := make([]uint64, n)
	for i := range sets {
		sets[i] = ^uint64(0)
	}
	return sets
}

// players counts those of a set of candidates.
func (f *filler) players(set uint64) int {
	n := mathbits.OnesCount64(set & f.bySize[1])
	for size := 2; size <= f.e.plan.def.MaxParty; size++ {
		if f.bySize[size] != 0 {
			n += size * mathbits.OnesCount64(set&f.bySize[size])
		}
	}
	return n
}

// pick completes the match with needed more players out of a set of candidates.
func (f *filler) pick(set uint64, needed int) bool {
	if needed == 0 {
		return f.complete()
	}
	for set != 0 {
		if f.budget--; f.budget < 0 || f.sideBudget < 0 || f.players(set) < needed || !f.possible(set) {
			return false
		}
		i := mathbits.TrailingZeros64(set)
		set &^= 1 << i
		t := f.candidates[i]
		if t.size > needed || !f.push(t) {
			continue
		}
		if f.pick(set&f.row(i), needed-t.size) {
			return true
		}
		f.pop()
	}
	return false
}

// possible reports whether what is chosen and a set of candidates hold the party sizes and the talents of a match.
func (f *filler) possible(set uint64) bool {
	p := f.e.plan
	for i, role := range p.roles {
		have := mathbits.OnesCount64(set&f.talents[1<<i]) * p.def.MaxParty
		for _, t := range f.chosen {
			for _, mask := range t.masks {
				have += int(mask>>i) & 1
			}
		}
		if have < role.Count*len(p.sides) {
			return false
		}
	}
	if p.compositions == nil || set&^f.bySize[1] == 0 && len(f.chosen) == int(f.taken[1]) || p.def.FreeForAll != nil {
		return true
	}
	return slices.ContainsFunc(p.compositions, func(way []uint8) bool {
		for size := 1; size < len(way); size++ {
			missing := int(way[size]) - int(f.taken[size])
			if missing < 0 || missing > mathbits.OnesCount64(set&f.bySize[size]) {
				return false
			}
		}
		return true
	})
}

// row returns the candidates that a candidate accepts.
func (f *filler) row(i int) uint64 {
	if f.known&(1<<i) == 0 {
		f.known |= 1 << i
		f.rows[i] = 0
		for j, t := range f.candidates {
			if i != j && f.e.accept(f.candidates[i], t) {
				f.rows[i] |= 1 << j
			}
		}
	}
	return f.rows[i]
}

// push adds a ticket to the chosen ones unless their roles or sets then cannot make a match.
func (f *filler) push(t *ticket) bool {
	p := f.e.plan
	if p.roles != nil {
		count(f.counts, t.masks, 1)
		if !fits(f.counts, p.together) {
			count(f.counts, t.masks, -1)
			return false
		}
	}
	if len(p.sets) > 0 && !f.narrow(t) {
		if p.roles != nil {
			count(f.counts, t.masks, -1)
		}
		return false
	}
	f.chosen = append(f.chosen, t)
	f.taken[t.size]++
	return true
}

// narrow reckons what the chosen tickets share with one more, and reports whether that is enough for all of them.
func (f *filler) narrow(t *ticket) bool {
	depth := len(f.chosen)
	for i, rule := range f.e.plan.sets {
		set := f.shared[depth][i] & t.sets[i]
		f.shared[depth+1][i] = set
		n := bits(set)
		if n < share(rule, f.now-t.since) {
			return false
		}
		for _, other := range f.chosen {
			if n < share(rule, f.now-other.since) {
				return false
			}
		}
	}
	return true
}

func (f *filler) pop() {
	t := f.chosen[len(f.chosen)-1]
	f.chosen = f.chosen[:len(f.chosen)-1]
	f.taken[t.size]--
	if f.e.plan.roles != nil {
		count(f.counts, t.masks, -1)
	}
}

// complete divides the chosen tickets into sides and keeps the match if it is the best so far. It reports whether they make a match.
func (f *filler) complete() bool {
	if !f.seater.seat(f) {
		return false
	}
	quality := f.rate()
	if quality.Total > f.quality.Total {
		f.quality, f.at = quality, f.region
		f.found = append(f.found[:0], f.chosen...)
		f.sides = append(f.sides[:0], f.seater.best...)
	}
	return true
}

// rate returns the quality of the match of the chosen tickets as they are seated.
func (f *filler) rate() Quality {
	p := f.e.plan
	q := Quality{Closeness: p.model.Closeness(f.seater.strengths(f.chosen)), Latency: 1}
	slow := 0.0
	for _, t := range f.chosen {
		q.Waiting += f.e.patience(t, f.now)
		if p.latency != nil {
			slow += float64(t.latency[f.region])
		}
	}
	n := float64(len(f.chosen))
	q.Waiting /= n
	if p.latency != nil {
		q.Latency = max(0, 1-slow/n/p.latency.Limit.Final())
	}
	w := p.def.Weights
	if sum := w.Closeness + w.Latency + w.Waiting; sum > 0 {
		q.Total = (w.Closeness*q.Closeness + w.Latency*q.Latency + w.Waiting*q.Waiting) / sum
	}
	return q
}
