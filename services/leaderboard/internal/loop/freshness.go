package loop

import (
	"slices"
	"sync"
	"time"

	"supergame/services/leaderboard/internal/query"
)

// Range is a part of the container whose changes come in the order of its log: a physical partition.
type Range struct{ Min, Max string }

func (r Range) overlaps(other Range) bool { return r.Min < other.Max && other.Min < r.Max }

// Beat is a heartbeat that the feed showed.
type Beat struct {
	Range Range     // for which it was written
	Owner string    // the process that wrote it
	At    time.Time // when, by that one's clock
	Store time.Time // when, by the store's clock, in whole seconds
}

// Freshness knows how old the view is. A poll of the feed that shows nothing says that this copy of the store is drained, not that it is current;
// a heartbeat that comes through the feed says that everything that was stored before it has come too. So the view is as old as the oldest, over
// all ranges, of the newest heartbeats seen.
type Freshness struct {
	Owner     string // this process
	Estimated bool   // there are no heartbeats
	Now       func() time.Time

	mu      sync.Mutex
	ranges  map[Range]seen
	drained map[int]time.Time // by position of the feed: when a poll began that showed nothing
	ready   bool
}

// seen is the newest heartbeat of a range.
type seen struct {
	at, store time.Time
	own       bool // one of this process was seen
}

// SetRanges tells which ranges there are now. One that is new, as behind a split, is as old as those it came from.
func (f *Freshness) SetRanges(list []Range) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := map[Range]seen{}
	for _, r := range list {
		if known, ok := f.ranges[r]; ok {
			now[r] = known
			continue
		}
		var inherited seen
		first := true
		for old, state := range f.ranges {
			if !old.overlaps(r) {
				continue
			}
			if first || state.at.Before(inherited.at) {
				inherited.at = state.at
			}
			if first || state.store.Before(inherited.store) {
				inherited.store = state.store
			}
			inherited.own = state.own && (first || inherited.own)
			first = false
		}
		now[r] = inherited
	}
	f.ranges = now
}

// Ranges are the ranges there are.
func (f *Freshness) Ranges() []Range {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]Range, 0, len(f.ranges))
	for r := range f.ranges {
		list = append(list, r)
	}
	return list
}

// Saw takes a heartbeat. It reports false when it is of a range that is not known: the container was split.
func (f *Freshness) Saw(b Beat) (known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	state, known := f.ranges[b.Range]
	if !known {
		return false
	}
	// A clock that is ahead promises nothing beyond the second in which the store took it.
	if limit := b.Store.Add(time.Second); b.At.After(limit) {
		b.At = limit
	}
	if b.At.After(state.at) {
		state.at = b.At
	}
	if b.Store.After(state.store) {
		state.store = b.Store
	}
	state.own = state.own || b.Owner == f.Owner
	f.ranges[b.Range] = state
	return true
}

// Drained takes the beginning of a poll that showed nothing.
func (f *Freshness) Drained(position int, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.drained == nil {
		f.drained = map[int]time.Time{}
	}
	f.drained[position] = at
}

// Missing are the ranges of which no heartbeat of this process was seen.
func (f *Freshness) Missing() []Range {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Range
	for r, state := range f.ranges {
		if !state.own {
			list = append(list, r)
		}
	}
	return list
}

// CaughtUp reports whether the view has everything that was stored before this process looked. Once it has, it stays so: how old the view is
// then, each answer says.
func (f *Freshness) CaughtUp(positions int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ready {
		return true
	}
	f.ready = positions > 0 && len(f.ranges) > 0
	if f.Estimated {
		f.ready = f.ready && len(f.drained) == positions
	} else {
		for _, state := range f.ranges {
			f.ready = f.ready && state.own
		}
	}
	return f.ready
}

// View is how fresh the view is.
func (f *Freshness) View() query.Freshness {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Estimated {
		return query.Freshness{AsOf: oldest(f.drained, func(t time.Time) time.Time { return t }), Estimated: true}
	}
	return query.Freshness{AsOf: oldest(f.ranges, func(s seen) time.Time { return s.at })}
}

// Store is like View by the store's clock, in whole seconds: everything that was stored in the seconds before it has come. Zero without
// heartbeats.
func (f *Freshness) Store() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return oldest(f.ranges, func(s seen) time.Time { return s.store })
}

func oldest[K comparable, V any](m map[K]V, of func(V) time.Time) time.Time {
	var times []time.Time
	for _, v := range m {
		times = append(times, of(v))
	}
	if len(times) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(times, time.Time.Compare)
}
