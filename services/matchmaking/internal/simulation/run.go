package simulation

import (
	"container/heap"
	"slices"
	"time"

	"supergame/services/matchmaking/internal/engine"
	"supergame/services/matchmaking/internal/queue"
)

// Result is what became of the tickets.
type Result struct {
	Queue     string
	Tickets   int
	Matched   int
	Expired   int            // waited until the queue's timeout
	Cancelled int            // gave up before
	Refused   map[string]int // by the rule that no match could satisfy with them
	Matches   int
	Waits     []time.Duration // of the matched tickets, ascending
	Spreads   []float64       // of the matches, ascending
	Latencies []int           // of the matches: the highest of a player, ascending
	Closeness float64         // the mean over the matches
	Quality   float64         // the mean over the matches
	Steps     int
	Lasted    time.Duration // from the first arrival to the last event
}

// leaving is when a ticket gives up or expires.
type leaving struct {
	at      time.Time
	n       int // the number of the arrival, so that the order does not depend on chance
	id      string
	expires bool
}

type leavings []leaving

func (l leavings) Len() int      { return len(l) }
func (l leavings) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l leavings) Less(i, j int) bool {
	return l[i].at.Before(l[j].at) || l[i].at.Equal(l[j].at) && l[i].n < l[j].n
}
func (l *leavings) Push(x any) { *l = append(*l, x.(leaving)) }
func (l *leavings) Pop() any {
	old := *l
	last := old[len(old)-1]
	*l = old[:len(old)-1]
	return last
}

// run is a simulation under way.
type run struct {
	Result
	e       *engine.Engine
	since   map[string]time.Time
	leaving leavings
	timeout time.Duration
	tick    time.Duration
}

// Run simulates a queue. The engine is stepped when it asks for it and when tickets came, at most once in a tick, as a service does that
// reads what is new so often. It ends when nobody waits any more.
func Run(def queue.Definition, arrivals []Arrival, tick time.Duration) Result {
	full := def.WithDefaults()
	s := &run{
		Result: Result{Queue: def.ID, Tickets: len(arrivals), Refused: map[string]int{}},
		e:      engine.New(def), since: map[string]time.Time{}, timeout: time.Duration(full.Timeout), tick: max(tick, time.Millisecond),
	}
	next := time.Time{} // when the engine asks to be called
	for n := 0; n < len(arrivals) || len(s.since) > 0; {
		now := next
		if n < len(arrivals) {
			now = earlier(now, epoch.Add(arrivals[n].At))
		}
		for len(s.leaving) > 0 && !s.waits(s.leaving[0].id) {
			heap.Pop(&s.leaving)
		}
		if len(s.leaving) > 0 {
			now = earlier(now, s.leaving[0].at)
		}
		now = s.ceil(now)
		for ; n < len(arrivals) && !epoch.Add(arrivals[n].At).After(now); n++ {
			s.arrive(arrivals[n], n)
		}
		s.leave(now)
		next = s.step(now)
	}
	slices.Sort(s.Waits)
	slices.Sort(s.Spreads)
	slices.Sort(s.Latencies)
	if s.Matches > 0 {
		s.Closeness /= float64(s.Matches)
		s.Quality /= float64(s.Matches)
	}
	return s.Result
}

// earlier returns the earlier of two moments of which the first may not be set.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// ceil rounds a moment up to the next tick.
func (s *run) ceil(t time.Time) time.Time {
	return epoch.Add((t.Sub(epoch) + s.tick - 1) / s.tick * s.tick)
}

func (s *run) waits(id string) bool {
	_, ok := s.since[id]
	return ok
}

func (s *run) arrive(a Arrival, n int) {
	if misfit := s.e.Add(a.Ticket); misfit != nil {
		s.Refused[misfit.Rule]++
		return
	}
	s.since[a.Ticket.ID] = a.Ticket.Since
	l := leaving{at: a.Ticket.Since.Add(s.timeout), n: n, id: a.Ticket.ID, expires: true}
	if up := epoch.Add(a.GivesUpAt); a.GivesUpAt > 0 && up.Before(l.at) {
		l.at, l.expires = up, false
	}
	heap.Push(&s.leaving, l)
}

// leave takes those out whose time is over.
func (s *run) leave(now time.Time) {
	for len(s.leaving) > 0 && !s.leaving[0].at.After(now) {
		l := heap.Pop(&s.leaving).(leaving)
		if !s.waits(l.id) {
			continue
		}
		s.e.Remove(l.id)
		delete(s.since, l.id)
		if l.expires {
			s.Expired++
		} else {
			s.Cancelled++
		}
	}
}

func (s *run) step(now time.Time) time.Time {
	matches, next := s.e.Step(now)
	s.Steps++
	s.Lasted = now.Sub(epoch)
	for _, m := range matches {
		s.Matches++
		s.Spreads = append(s.Spreads, m.Spread)
		s.Latencies = append(s.Latencies, m.Latency)
		s.Closeness += m.Quality.Closeness
		s.Quality += m.Quality.Total
		for _, id := range m.Tickets {
			s.Matched++
			s.Waits = append(s.Waits, now.Sub(s.since[id]))
			delete(s.since, id)
		}
	}
	return next
}
