// Package engine forms matches. It does no I/O and asks no clock: the same calls in the same order give the same matches.
//
//	e := engine.New(definition)
//	misfit := e.Add(ticket)              // Remove takes it out again, at any time, twice if need be
//	matches, next := e.Step(now)         // their tickets have left the engine; next is when to call again at the latest
//	explanation, ok := e.Explain(id, now)
//
// An engine holds the tickets of one queue in one pool. A ticket is known by its id; etags, states and versions are its keeper's
// matter: a match that cannot be written is dropped and its tickets are added again with the waiting clocks they had.
//
// # What a step looks at
//
// Tickets that are new and those whose wake-up has come, nothing else. A wake-up, one for each ticket in a heap, is the earlier of the
// next bend of a rule's curve and the moment at which the ticket and enough neighbors accept one another, which for straight curves
// is a division. What is due is taken oldest first, within the same second by rating, and is the anchor of a match: the rest is filled up
// from its nearest compatible tickets, found in lists ordered by rating, one for each region and each kind of party (its roles).
//
// # What is promised
//
//   - No rule of the definition is ever broken, for nobody, at any waiting time. See package queue for what a rule demands of a match.
//   - One against one: after a step no two tickets are left that accept one another, but for those that wait for a better partner
//     (at most the definition's collect). They are matched within a millisecond of the moment at which they first do.
//   - Teams: an anchor that is fully expanded (nothing relaxes any more) is filled exactly, so that a match with it is found if there is
//     one, over its 64 nearest compatible tickets (shared out between the kinds of party that the queue's roles and sizes make) within
//     a budget of 20,000 choices of a ticket and 200,000 of a side. Before, a search of 400 and 20,000 is made at every wake-up: when
//     enough others come into reach, at the bends of curves, and in between as more do, at the latest after an eighth of the
//     waiting time or a second. Who is fully expanded is looked at again at least every 30 s while he has enough compatible neighbors.
//     When searches that find nothing add up to a million choices in one step, what is left of it searches shortly and again after 250 ms.
//   - A match of more than 48 players is filled along the ratings from several starts, without looking back.
//
// # What a match is worth
//
// Its quality is the predicted closeness of its teams, its latency and how long its tickets have waited, weighted by the
// definition. Candidates are tried in the order of what they add to it.
package engine

import (
	"cmp"
	"slices"
	"time"

	"supergame/services/matchmaking/internal/queue"
	"supergame/services/platform/fault"
)

// Engine holds tickets and forms matches. It is for one goroutine at a time.
type Engine struct {
	plan       *plan
	index      index // of the tickets by id
	partitions map[string]*partition
	regions    []string
	regionAt   map[string]int
	seq        uint64
	table      []*ticket // by number; nil where one is free
	free       []int32   // numbers to give out again
	fresh      []*ticket // added since the last step
	anchors    []anchor
	heap       heap
	backfills  map[string]*backfill
	arrivals   bool // something came that a backfill may take
	fill       filler
	chance     chance
	toil       int // steps of searches that found nothing, in this step
	waits      waits

	seats []Seat
	teams []Team
	ids   []string
}

// New returns an engine for a valid definition.
func New(def queue.Definition) *Engine {
	e := &Engine{index: newIndex(), backfills: map[string]*backfill{}}
	e.define(def)
	return e
}

func (e *Engine) define(def queue.Definition) {
	e.plan = newPlan(def)
	e.partitions = map[string]*partition{}
	e.regions, e.regionAt = nil, map[string]int{}
	if e.plan.latency == nil {
		e.region("")
	}
	e.fill.init(e)
}

// Definition returns the definition with its defaults.
func (e *Engine) Definition() queue.Definition { return e.plan.def }

// Len returns how many tickets wait.
func (e *Engine) Len() int { return e.index.n }

// Add takes a ticket, or says which rule no match could satisfy with it. A ticket whose id is there already replaces it.
func (e *Engine) Add(source Ticket) *Misfit {
	t, misfit := e.prepare(source)
	if misfit != nil {
		misfit.Ticket = source.ID
		return misfit
	}
	t.hash = e.index.hash(source.ID)
	if old := e.index.find(e.table, t.hash, source.ID); old != nil {
		e.take(old)
	}
	e.put(t)
	return nil
}

// put files a prepared ticket.
func (e *Engine) put(t *ticket) {
	e.seq++
	t.seq = e.seq
	if last := len(e.free) - 1; last >= 0 {
		t.id = e.free[last]
		e.free = e.free[:last]
		e.table[t.id] = t
	} else {
		t.id = int32(len(e.table))
		e.table = append(e.table, t)
	}
	e.index.insert(t)
	t.home = e.partition(t.key)
	t.home.insert(e, t)
	e.fresh = append(e.fresh, t)
	e.arrivals = true
}

// Remove takes a ticket out and reports whether it was there.
func (e *Engine) Remove(id string) bool {
	t := e.lookUp(id)
	if t != nil {
		e.take(t)
	}
	return t != nil
}

// lookUp returns the waiting ticket of an id, or nil.
func (e *Engine) lookUp(id string) *ticket { return e.index.find(e.table, e.index.hash(id), id) }

// take removes a ticket from wherever it stands.
func (e *Engine) take(t *ticket) {
	e.index.remove(t)
	t.home.remove(e, t)
	e.heap.remove(t)
	e.table[t.id] = nil
	e.free = append(e.free, t.id)
	t.gone = true
}

// Redefine changes the queue under the waiting tickets: they keep their clocks and are all looked at in the next step. It returns
// those that no match of the new definition can hold, in the order they came; they have left the engine.
func (e *Engine) Redefine(def queue.Definition) []Misfit {
	old := slices.DeleteFunc(e.table, func(t *ticket) bool { return t == nil })
	slices.SortFunc(old, func(a, b *ticket) int { return cmp.Compare(a.seq, b.seq) })
	running := make([]Backfill, 0, len(e.backfills))
	for _, b := range e.backfills {
		running = append(running, b.source)
	}
	slices.SortFunc(running, func(a, b Backfill) int { return cmp.Compare(a.ID, b.ID) })
	e.define(def)
	e.index = newIndex()
	clear(e.backfills)
	e.fresh, e.heap, e.table, e.free = nil, nil, nil, nil
	var misfits []Misfit
	for _, t := range old {
		if misfit := e.Add(t.source); misfit != nil {
			misfits = append(misfits, *misfit)
		}
	}
	for _, b := range running {
		// A running match whose sides are no longer those of the queue takes nobody more.
		if err := e.AddBackfill(b); err != nil {
			rule := "size"
			if named := fault.As(err).Metadata["rule"]; named != "" {
				rule = named
			}
			misfits = append(misfits, Misfit{Ticket: b.ID, Rule: rule, Err: err})
		}
	}
	return misfits
}

// Step forms the matches that are due and returns the next moment at which one may be, zero when only a new ticket can change anything. now
// must not run backwards; a step that comes late finds what it would have found in time, and more.
func (e *Engine) Step(now time.Time) ([]Match, time.Time) {
	moment := now.UnixNano()
	e.toil = 0
	var matches []Match
	due := e.due(moment)
	if e.arrivals || len(due) > 0 {
		matches = e.fillBackfills(moment, matches)
		e.arrivals = false
	}
	for _, a := range due {
		t := e.table[a.id]
		if t == nil {
			continue // in a match already
		}
		if match, ok := e.match(t, moment); ok {
			matches = append(matches, match)
			continue
		}
		if t.wake != never {
			e.heap.push(t)
		}
	}
	if cap(e.anchors) > 4096 {
		e.anchors = nil // a rush does not hold its memory
	}
	if len(e.heap) == 0 {
		return matches, time.Time{}
	}
	return matches, time.Unix(0, e.heap[0].wake).In(now.Location())
}

// anchor is a ticket that is due, by its number, with what it is ordered by.
type anchor struct {
	second int64
	rating float64
	seq    uint64
	id     int32
}

// due collects the tickets to look at, in the order in which they become anchors.
func (e *Engine) due(now int64) []anchor {
	e.anchors = slices.Grow(e.anchors[:0], len(e.fresh))
	add := func(t *ticket) {
		if !t.gone {
			e.anchors = append(e.anchors, anchor{t.since / int64(time.Second), t.rating, t.seq, t.id})
		}
	}
	for _, t := range e.fresh {
		add(t)
	}
	e.fresh = nil
	for len(e.heap) > 0 && e.heap[0].wake <= now {
		add(e.heap.pop())
	}
	slices.SortFunc(e.anchors, func(a, b anchor) int {
		switch {
		case a.second != b.second:
			return cmp.Compare(a.second, b.second)
		case a.rating != b.rating:
			return cmp.Compare(a.rating, b.rating)
		}
		return cmp.Compare(a.seq, b.seq)
	})
	return e.anchors
}

// match tries to form a match around an anchor. Without one it sets when to try again.
func (e *Engine) match(t *ticket, now int64) (Match, bool) {
	if !e.fill.around(t, now) {
		e.toil += e.fill.steps
		if t.wake = e.wakeAfter(t, now); e.fill.hurried {
			t.wake = min(t.wake, now+pause)
		}
		return Match{}, false
	}
	quality := e.fill.quality
	patience := t.since + int64(e.plan.def.Collect)
	if quality.Total < e.plan.def.GoodEnough && now < patience {
		t.wake = patience
		return Match{}, false
	}
	return e.form(now), true
}

// maxRegions is how many regions there may be under a definition that does not list them: their names are what players say.
const maxRegions = 64

// region returns the number of a region, -1 for one that the definition does not list or that is one too many.
func (e *Engine) region(name string) int {
	r, ok := e.regionAt[name]
	switch rule := e.plan.latency; {
	case ok:
		return r
	case len(e.regions) >= maxRegions || rule != nil && len(rule.Values) > 0 && !slices.Contains(rule.Values, name):
		return -1
	}
	e.regions = append(e.regions, name)
	e.regionAt[name] = len(e.regions) - 1
	return len(e.regions) - 1
}

// cut takes n elements off the front of a larger allocation.
func cut[T any](from *[]T, n int) []T {
	if len(*from) < n {
		*from = make([]T, max(n, 256))
	}
	part := (*from)[:n:n]
	*from = (*from)[n:]
	return part
}
