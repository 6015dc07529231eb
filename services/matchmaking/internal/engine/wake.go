package engine

import (
	"slices"
	"time"
)

// How often a ticket is looked at when no moment can be reckoned.
const (
	pause = int64(250 * time.Millisecond) // at most so often, while neighbors come into reach; later an eighth of the wait
	often = int64(time.Second)            // so often, while a rule about teams relaxes; later an eighth of the wait
	slow  = int64(30 * time.Second)       // at least so often, when fully expanded among compatible neighbors
)

// scan is how many neighbors are asked when the next moment is reckoned.
const scan = 128

// wakeAfter returns when to look at a ticket again that found no match now. What arrives later is looked at itself.
func (e *Engine) wakeAfter(t *ticket, now int64) int64 {
	wake := never
	bend := never
	for _, wait := range e.plan.bends {
		if wait > now-t.since {
			bend = t.since + wait
			break
		}
	}
	if bend != never && len(e.backfills) > 0 {
		wake = min(bend, now+often)
	}
	regions := len(t.latency)
	if e.plan.latency == nil {
		regions = 1
	}
	for r := range regions {
		if e.plan.latency != nil && e.nearAfter(t, r) == never {
			continue
		}
		if e.plan.pairs {
			wake = min(wake, e.nextPartner(t, r, now))
		} else {
			wake = min(wake, e.nextChance(t, r, now, bend))
		}
	}
	return wake
}

// nextPartner returns the moment at which a ticket and some other first accept one another: neighbors are asked from the nearest
// on, until those further away cannot be in reach earlier.
func (e *Engine) nextPartner(t *ticket, region int, now int64) int64 {
	best := never
	w := &e.fill.walk
	w.start(e, t.home, region, t)
	for n := 0; ; n++ {
		other, _, far, ok := w.peek()
		if !ok {
			return best
		}
		wait := reach(e.plan.spread, far)
		if wait == never || t.since+wait >= best {
			return best
		}
		if n == scan {
			return min(best, max(t.since+wait, now+often))
		}
		w.advance()
		if moment := e.meeting(t, other, region); moment != never {
			best = min(best, max(moment, now+1))
		}
	}
}

// nextChance returns when a ticket may be in a match of more than two: not before so many others, and so many of each role, accept it
// as a match needs.
func (e *Engine) nextChance(t *ticket, region int, now, bend int64) int64 {
	c := &e.chance
	c.look(e, t, region)
	enough := c.enough(e.plan, t)
	switch {
	case enough == never:
		return never // only an arrival can change that
	case enough > now:
		return enough
	}
	wait := (now - t.since) / 8
	wake := bend
	if i, _ := slices.BinarySearch(c.moments, now+1); i < len(c.moments) {
		wake = min(wake, max(c.moments[i], now+pause, now+wait))
	}
	if c.further != never {
		wake = min(wake, max(c.further, now+pause, now+wait))
	}
	if bend != never && e.plan.moving {
		wake = min(wake, now+max(often, wait))
	}
	if bend == never {
		// Fully expanded: others may go away that are nearer and in the way.
		wake = min(wake, now+min(often<<min(t.retries, 10), slow))
		t.retries++
	}
	return wake
}

// chance is what a ticket's neighbors promise.
type chance struct {
	moments []int64  // by player: from when on his ticket and the one asked about accept one another; ascending
	further int64    // from when on at the earliest somebody does who was not asked; never = all were
	cast    []talent // by role, the same for those who play it
	quotas  []int
}

// talent is what the neighbors who play a role promise.
type talent struct {
	moments []int64
	further int64
}

// look asks the nearest tickets, of each class about twice as many as a match can hold.
func (c *chance) look(e *Engine, t *ticket, region int) {
	p := e.plan
	c.moments, c.further, c.quotas = c.moments[:0], never, c.quotas[:0]
	for len(c.cast) < len(p.roles) {
		c.cast = append(c.cast, talent{})
	}
	for i := range c.cast {
		c.cast[i] = talent{moments: c.cast[i].moments[:0], further: never}
	}
	for _, k := range t.home.kinds {
		c.quotas = append(c.quotas, 2*k.most+2)
	}
	w := &e.fill.walk
	w.start(e, t.home, region, t)
	for n := 0; ; n++ {
		other, class, far, ok := w.peek()
		if !ok {
			break
		}
		wait := reach(p.spread, far)
		if wait == never {
			break
		}
		if n == scan {
			c.skip(^uint8(0), t.since+wait)
			break
		}
		w.advance()
		c.note(p, other, e.meeting(t, other, region))
		if c.quotas[class]--; c.quotas[class] == 0 {
			w.stop(class)
			c.skip(t.home.kinds[class].plays, t.since+wait)
		}
	}
	slices.Sort(c.moments)
	for i := range p.roles {
		slices.Sort(c.cast[i].moments)
	}
}

// skip notes that somebody who plays some of these roles was not asked.
func (c *chance) skip(plays uint8, moment int64) {
	c.further = min(c.further, moment)
	for i := range c.cast {
		if plays&(1<<i) != 0 {
			c.cast[i].further = min(c.cast[i].further, moment)
		}
	}
}

// note remembers when a ticket comes into reach.
func (c *chance) note(p *plan, t *ticket, moment int64) {
	if moment == never {
		return
	}
	for range t.size {
		c.moments = append(c.moments, moment)
	}
	for i := range p.roles {
		for _, mask := range t.masks {
			if mask&(1<<i) != 0 {
				c.cast[i].moments = append(c.cast[i].moments, moment)
			}
		}
	}
}

// enough returns the moment before which there cannot be a match.
func (c *chance) enough(p *plan, t *ticket) int64 {
	enough := nth(c.moments, c.further, p.least-t.size)
	for i, role := range p.roles {
		need := role.Count * len(p.sides)
		for _, mask := range t.masks {
			need -= int(mask>>i) & 1
		}
		enough = max(enough, nth(c.cast[i].moments, c.cast[i].further, need))
	}
	return enough
}

// nth returns when the n-th of some players comes into reach at the earliest; further says when one of whom nothing is known may.
func nth(moments []int64, further int64, n int) int64 {
	switch {
	case n <= 0:
		return 0
	case n > len(moments):
		return further
	}
	return min(moments[n-1], further)
}
