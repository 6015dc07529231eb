package engine

import (
	"slices"
	"time"
)

// How often a ticket is looked at when no moment can be reckoned.
const (
	pause = int64(250 * time.Millisecond) // at most so often, while neighbors come into reach
	often = int64(time.Second)            // while a rule about teams relaxes
	slow  = int64(30 * time.Second)       // at least, while it could be matched but for others that are nearer
)

// scan is how many neighbors are asked when the next moment is reckoned.
const scan = 256

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
	w.start(t.home, region, t)
	for n := 0; ; n++ {
		i := w.peek()
		if i < 0 {
			return best
		}
		wait := reach(e.plan.spread, w.from[i].far)
		if wait == never || t.since+wait >= best {
			return best
		}
		if n == scan {
			return min(best, max(t.since+wait, now+often))
		}
		other := w.from[i].next.t
		w.advance(i)
		if moment := e.meeting(t, other, region); moment != never {
			best = min(best, max(moment, now+1))
		}
	}
}

// nextChance returns when a ticket may be in a match of more than two: not before so many others accept it as a match needs.
func (e *Engine) nextChance(t *ticket, region int, now, bend int64) int64 {
	p := e.plan
	moments, further := e.moments(t, region)
	slices.Sort(moments)
	needed := p.least - t.size
	switch {
	case len(moments) < needed && further == never:
		return never // only an arrival can change that
	case len(moments) < needed:
		return max(further, now+pause)
	}
	if enough := min(moments[needed-1], further); enough > now {
		return enough
	}
	wake := bend
	if i, _ := slices.BinarySearch(moments, now+1); i < len(moments) {
		wake = min(wake, max(moments[i], now+pause))
	}
	if further != never {
		wake = min(wake, max(further, now+often))
	}
	if bend != never && p.moving {
		wake = min(wake, now+often)
	}
	if bend == never {
		// Fully expanded: others may go away that are nearer and in the way.
		wake = min(wake, now+min(often<<min(t.retries, 10), slow))
		t.retries++
	}
	return wake
}

// moments lists for each player of the nearest tickets from when on they and t accept one another, and from when on at the
// earliest anybody further away does.
func (e *Engine) moments(t *ticket, region int) (moments []int64, further int64) {
	w := &e.fill.walk
	w.start(t.home, region, t)
	for n := 0; ; n++ {
		i := w.peek()
		if i < 0 {
			return moments, never
		}
		wait := reach(e.plan.spread, w.from[i].far)
		if wait == never {
			return moments, never
		}
		if n == scan || len(moments) >= max(window, 2*e.plan.total) {
			return moments, t.since + wait
		}
		other := w.from[i].next.t
		w.advance(i)
		if moment := e.meeting(t, other, region); moment != never {
			for range other.size {
				moments = append(moments, moment)
			}
		}
	}
}
