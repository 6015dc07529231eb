package engine

import (
	"cmp"
	"math"
	"slices"
	"time"

	"supergame/services/matchmaking/internal/queue"
)

// looked is how many other tickets an explanation looks at, the nearest by rating.
const looked = 4096

// Explanation says why a ticket still waits.
type Explanation struct {
	Waited   time.Duration
	Needed   int // how many more players a match needs
	Looked   int // how many other tickets were looked at: all, or the 4096 nearest by rating among those it could ever meet
	Fit      int // how many of them it could be in a match with now
	Excluded []Exclusion
	Missing  []Shortage   // roles of which too few players wait among those who fit
	Relaxes  []Relaxation // in the order in which it happens; empty when nothing relaxes any more
	Meets    time.Time    // when the next one that does not fit now will; zero when waiting changes nothing
	Expected time.Duration
	Sample   int // from how many tickets like it the expected wait, a median from start to match, is taken; 0 = unknown
}

// Exclusion counts the tickets that a rule keeps away: those that only it does, and all that it does.
type Exclusion struct {
	Rule        string
	Alone, With int
}

// Shortage is a role for which too few fit.
type Shortage struct {
	Role       string
	Have, Need int
}

// Relaxation is a step on the way of a rule's curve.
type Relaxation struct {
	Rule    string
	At      time.Time
	Limit   float64 // what it allows from then on
	Dropped bool    // the rule no longer counts then
}

// Explain tells about a waiting ticket; ok is false when there is none of that id. The rule that keeps most away comes first.
func (e *Engine) Explain(id string, now time.Time) (x Explanation, ok bool) {
	t := e.lookUp(id)
	if t == nil {
		return Explanation{}, false
	}
	moment := now.UnixNano()
	x.Waited = time.Duration(max(0, moment-t.since))
	x.Needed = e.plan.total - t.size
	x.Expected, x.Sample = e.waits.expect(t)
	x.Relaxes = e.relaxes(t, moment)
	e.at(t, moment)
	c := census{e: e, t: t, now: moment, counts: map[string]*Exclusion{}, talents: make([]int, len(e.plan.roles)), meets: never}
	c.talent(t)
	e.others(t, c.look)
	x.Looked, x.Fit = c.looked, c.fit
	for _, exclusion := range c.counts {
		x.Excluded = append(x.Excluded, *exclusion)
	}
	slices.SortFunc(x.Excluded, func(a, b Exclusion) int {
		return cmp.Or(cmp.Compare(b.With, a.With), cmp.Compare(b.Alone, a.Alone), cmp.Compare(a.Rule, b.Rule))
	})
	for i, role := range e.plan.roles {
		if need := role.Count * len(e.plan.sides); c.talents[i] < need {
			x.Missing = append(x.Missing, Shortage{Role: role.Name, Have: c.talents[i], Need: need})
		}
	}
	if c.meets != never {
		x.Meets = time.Unix(0, c.meets).In(now.Location())
	}
	return x, true
}

// others calls look with the tickets that an explanation looks at.
func (e *Engine) others(t *ticket, look func(*ticket)) {
	if e.index.n <= looked {
		for _, o := range e.table {
			if o != nil && o != t {
				look(o)
			}
		}
		return
	}
	seen := map[*ticket]bool{t: true}
	w := &e.fill.walk
	for r := range t.home.regions {
		w.start(e, t.home, r, t)
		for len(seen) <= looked {
			o, _, _, ok := w.peek()
			if !ok {
				break
			}
			w.advance()
			if !seen[o] {
				seen[o] = true
				look(o)
			}
		}
	}
}

// census counts who fits and what keeps the rest away.
type census struct {
	e           *Engine
	t           *ticket
	now         int64
	looked, fit int
	counts      map[string]*Exclusion
	talents     []int // by role, who plays it among those who fit
	meets       int64
}

func (c *census) look(o *ticket) {
	c.looked++
	c.e.at(o, c.now)
	rules := c.e.objections(c.t, o)
	if len(rules) == 0 {
		c.fit++
		c.talent(o)
		return
	}
	for _, rule := range rules {
		exclusion := c.counts[rule]
		if exclusion == nil {
			exclusion = &Exclusion{Rule: rule}
			c.counts[rule] = exclusion
		}
		exclusion.With++
		if len(rules) == 1 {
			exclusion.Alone++
		}
	}
	if c.t.key != o.key {
		return
	}
	for r := range max(1, len(c.t.latency)) {
		if moment := c.e.meeting(c.t, o, r); moment > c.now {
			c.meets = min(c.meets, moment)
		}
	}
}

func (c *census) talent(t *ticket) {
	for i := range c.talents {
		for _, mask := range t.masks {
			c.talents[i] += int(mask>>i) & 1
		}
	}
}

// objections lists every rule that keeps two tickets apart now, and "size" for parties that are too large for one match.
func (e *Engine) objections(a, b *ticket) []string {
	p := e.plan
	var list []string
	waitA, waitB := a.stamp-a.since, b.stamp-b.since
	if a.size+b.size > p.total {
		list = append(list, "size")
	}
	if d := math.Abs(a.rating - b.rating); d > a.spread || d > b.spread {
		list = append(list, p.spread.Name)
	}
	if p.latency != nil && !slices.ContainsFunc(e.numbers(len(a.latency)), func(r int) bool { return e.near(a, r) && e.near(b, r) }) {
		list = append(list, p.latency.Name)
	}
	for _, rule := range p.hard {
		mine, _ := shared(a, rule)
		if other, _ := shared(b, rule); mine != other {
			list = append(list, rule.Name)
		}
	}
	for i, rule := range p.soft {
		if a.equals[i] != b.equals[i] && (!dropped(rule, waitA) || !dropped(rule, waitB)) {
			list = append(list, rule.Name)
		}
	}
	for i, rule := range p.numbers {
		if d := math.Abs(a.numbers[i] - b.numbers[i]); d > limit(rule, waitA) || d > limit(rule, waitB) {
			list = append(list, rule.Name)
		}
	}
	for i, rule := range p.sets {
		if n := bits(a.sets[i] & b.sets[i]); n < share(rule, waitA) || n < share(rule, waitB) {
			list = append(list, rule.Name)
		}
	}
	if rule := p.avoid; rule != nil && (!dropped(rule, waitA) && avoids(a, b) || !dropped(rule, waitB) && avoids(b, a)) {
		list = append(list, rule.Name)
	}
	return list
}

// numbers lists 0 to n-1.
func (e *Engine) numbers(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// relaxes lists the bends that lie before a ticket.
func (e *Engine) relaxes(t *ticket, now int64) []Relaxation {
	var list []Relaxation
	add := func(name string, curve *queue.Curve, until queue.Duration) {
		for i := range points(curve) {
			point := curve.Points[i]
			if moment := t.since + int64(point.After); moment > now && (until == 0 || point.After < until) {
				list = append(list, Relaxation{Rule: name, At: time.Unix(0, moment).UTC(), Limit: point.Limit})
			}
		}
		if moment := t.since + int64(until); until > 0 && moment > now {
			list = append(list, Relaxation{Rule: name, At: time.Unix(0, moment).UTC(), Dropped: true})
		}
	}
	for i := range e.plan.def.Rules {
		rule := &e.plan.def.Rules[i]
		add(rule.Name, rule.Limit, rule.Until)
	}
	if f := e.plan.def.FreeForAll; f != nil {
		add("size", f.Min, 0)
	}
	slices.SortStableFunc(list, func(a, b Relaxation) int { return a.At.Compare(b.At) })
	return list
}

// points counts those of a curve that may not be there.
func points(curve *queue.Curve) int {
	if curve == nil || len(curve.Points) == 1 {
		return 0
	}
	return len(curve.Points)
}
