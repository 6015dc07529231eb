package engine

import (
	"cmp"
	"math"
	"slices"
	"time"

	"supergame/services/matchmaking/internal/queue"
	"supergame/services/platform/fault"
)

// backfill is a Backfill made ready for reckoning.
type backfill struct {
	source  Backfill
	region  int
	center  *ticket   // stands where the players' mean rating is; is in no list
	players []*ticket // who plays, each as a ticket that accepts whatever the queue ever does
	open    []int
	sums    []float64
	sizes   []int
	counts  [][]int16
}

// AddBackfill takes a running match with open places, or says why the queue cannot fill it. One whose id is there already is
// replaced. Whoever fills it comes in a Match with its id, and the backfill has then left the engine.
func (e *Engine) AddBackfill(source Backfill) error {
	p := e.plan
	invalid := func(format string, args ...any) error {
		return fault.New(fault.FailedPrecondition, "BACKFILL_DOES_NOT_FIT", format, args...)
	}
	if len(source.Rosters) != len(p.sides) {
		return invalid("the queue has %d sides, the backfill %d", len(p.sides), len(source.Rosters))
	}
	b := &backfill{source: source}
	if p.latency != nil {
		b.region = e.region(source.Region)
	}
	if b.region < 0 {
		return invalid("the queue has no region %q", source.Region)
	}
	for i, roster := range source.Rosters {
		if roster.Open < 0 || len(roster.Players)+roster.Open > p.sides[i].Players {
			return invalid("side %s has %d players and %d open places of %d", p.sides[i].Name, len(roster.Players), roster.Open, p.sides[i].Players)
		}
		counts := make([]int16, len(p.together))
		sum := 0.0
		for j, player := range roster.Players {
			// The clock runs from so long ago that nothing is left to relax.
			player.Roles = held(roster, j)
			t, misfit := e.prepare(Ticket{ID: source.ID, Since: source.Since.Add(-time.Duration(p.expanded)), Players: []Player{player}})
			if misfit != nil {
				return misfit.Err
			}
			if len(b.players) > 0 && b.players[0].key != t.key {
				return invalid("the players differ in what must be equal")
			}
			count(counts, t.masks, 1)
			sum += player.Rating.Mu
			b.players = append(b.players, t)
		}
		b.open, b.sums, b.sizes = append(b.open, roster.Open), append(b.sums, sum), append(b.sizes, len(roster.Players))
		b.counts = append(b.counts, counts)
	}
	if len(b.players) == 0 {
		return invalid("nobody plays in it")
	}
	mean := 0.0
	for _, t := range b.players {
		mean += t.rating / float64(len(b.players))
	}
	b.center = &ticket{id: math.MaxInt32, rating: mean}
	e.backfills[source.ID] = b
	e.arrivals = true
	return nil
}

// held returns the role of a player who plays already: it is his only one.
func held(roster Roster, i int) []string {
	if i < len(roster.Roles) && roster.Roles[i] != "" {
		return []string{roster.Roles[i]}
	}
	return roster.Players[i].Roles
}

// RemoveBackfill takes a backfill out and reports whether it was there.
func (e *Engine) RemoveBackfill(id string) bool {
	_, ok := e.backfills[id]
	delete(e.backfills, id)
	return ok
}

// fillBackfills fills what running matches have open, the oldest first.
func (e *Engine) fillBackfills(now int64, matches []Match) []Match {
	if len(e.backfills) == 0 {
		return matches
	}
	list := make([]*backfill, 0, len(e.backfills))
	for _, b := range e.backfills {
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b *backfill) int {
		return cmp.Or(a.source.Since.Compare(b.source.Since), cmp.Compare(a.source.ID, b.source.ID))
	})
	for _, b := range list {
		if match, ok := e.top(b, now); ok {
			delete(e.backfills, b.source.ID)
			matches = append(matches, match)
		}
	}
	return matches
}

// top finds tickets for the open places of a running match, the nearest first, as many as it finds.
func (e *Engine) top(b *backfill, now int64) (Match, bool) {
	f := &e.fill
	f.now, f.at, f.region = now, b.region, b.region
	f.chosen, f.sides = f.chosen[:0], f.sides[:0]
	for i := range e.plan.sets {
		f.shared[0][i] = ^uint64(0)
	}
	for _, t := range b.players {
		e.at(t, now)
		for i := range e.plan.sets {
			f.shared[0][i] &= t.sets[i]
		}
	}
	home, ok := e.partitions[b.players[0].key]
	if !ok {
		return Match{}, false
	}
	f.walk.start(e, home, b.region, b.center)
	furthest, places := final(e.plan.spread), 0
	for _, n := range b.open {
		places += n
	}
	for n := 0; n < 4*scan && places > 0; n++ {
		t, _, far, ok := f.walk.peek()
		if !ok || far > furthest {
			break
		}
		f.walk.advance()
		e.at(t, now)
		if t.size > places || !e.joins(b, t, now) {
			continue
		}
		if side := e.opening(b, t, now); side >= 0 {
			b.seat(t, side, 1)
			places -= t.size
			f.chosen, f.sides = append(f.chosen, t), append(f.sides, side)
			for j := range e.plan.sets {
				f.shared[0][j] &= t.sets[j]
			}
		}
	}
	if len(f.chosen) == 0 {
		return Match{}, false
	}
	return e.fillIn(b, now), true
}

// joins reports whether a ticket may come into a running match, wherever there is room.
func (e *Engine) joins(b *backfill, t *ticket, now int64) bool {
	p, f := e.plan, &e.fill
	if t.source.FreshOnly || p.backfill != nil && now-t.since < int64(p.backfill.From) || !e.near(t, b.region) {
		return false
	}
	for _, player := range t.source.Players {
		if slices.Contains(b.source.Leavers, player.ID) {
			return false
		}
	}
	for _, list := range [][]*ticket{b.players, f.chosen} {
		if slices.ContainsFunc(list, func(o *ticket) bool { return !e.accept(o, t) }) {
			return false
		}
	}
	for i, rule := range p.sets {
		n := bits(f.shared[0][i] & t.sets[i])
		if n < share(rule, now-t.since) || slices.ContainsFunc(f.chosen, func(o *ticket) bool { return n < share(rule, now-o.since) }) {
			return false
		}
	}
	return true
}

// opening returns the side of a running match that a ticket evens out most and that has room for it, -1 for none. The difference of
// the sides' means must be within the limit, or no larger than without the ticket.
func (e *Engine) opening(b *backfill, t *ticket, now int64) int {
	p := e.plan
	best, least := -1, math.Inf(1)
	before := b.spread()
	allowed := limit(p.mean, now-t.since)
	for side, open := range b.open {
		if open < t.size || p.parties != nil && t.size > e.partyLimit(now-t.since) {
			continue
		}
		if p.roles != nil {
			count(b.counts[side], t.masks, 1)
			ok := fits(b.counts[side], p.capacity[side])
			count(b.counts[side], t.masks, -1)
			if !ok {
				continue
			}
		}
		b.seat(t, side, 1)
		spread := b.spread()
		b.seat(t, side, -1)
		if spread < least && (spread <= allowed || spread <= before) {
			best, least = side, spread
		}
	}
	return best
}

// partyLimit is the largest party that may come into a running match, of whose parties nothing is known: one more than the balance
// of parties allows.
func (e *Engine) partyLimit(wait int64) int {
	return 1 + int(min(limit(e.plan.parties, wait), queue.MaxPlayers))
}

// seat adds a ticket to a side, or with -1 takes it away.
func (b *backfill) seat(t *ticket, side, n int) {
	b.open[side] -= n * t.size
	b.sizes[side] += n * t.size
	b.sums[side] += float64(n) * t.sum.Mu
	count(b.counts[side], t.masks, int16(n))
}

// spread returns the difference of the means of the sides where somebody plays.
func (b *backfill) spread() float64 {
	low, high := math.Inf(1), math.Inf(-1)
	for i, sum := range b.sums {
		if b.sizes[i] > 0 {
			mean := sum / float64(b.sizes[i])
			low, high = min(low, mean), max(high, mean)
		}
	}
	return max(0, high-low)
}

// fillIn makes the match of the chosen tickets and a backfill.
func (e *Engine) fillIn(b *backfill, now int64) Match {
	f, p := &e.fill, e.plan
	m := Match{Backfill: b.source.ID, Region: e.regions[b.region], FormedAt: time.Unix(0, now).UTC()}
	teams := make([]Team, len(p.sides))
	likes := make([][][]string, len(p.sides))
	low, high := math.Inf(1), math.Inf(-1)
	for _, t := range b.players {
		low, high = min(low, t.rating), max(high, t.rating)
	}
	for i, side := range p.sides {
		teams[i].Name = side.Name
	}
	for i, t := range f.chosen {
		m.Tickets = append(m.Tickets, t.source.ID)
		low, high = min(low, t.rating), max(high, t.rating)
		if p.latency != nil {
			m.Latency = max(m.Latency, int(t.latency[b.region]))
		}
		side := f.sides[i]
		for _, player := range t.source.Players {
			teams[side].Seats = append(teams[side].Seats, Seat{Ticket: t.source.ID, Player: player.ID})
			likes[side] = append(likes[side], player.Roles)
		}
		m.Quality.Waiting += e.patience(t, now) / float64(len(f.chosen))
		e.waits.add(t, now)
		e.take(t)
	}
	if p.roles != nil {
		for side, list := range likes {
			for i, role := range cast(p.roles, filledRoles(b.source.Rosters[side]), list) {
				teams[side].Seats[i].Role = role
			}
		}
	}
	m.Teams, m.Spread = teams, high-low
	f.found = append(f.found[:0], f.chosen...)
	m.Common = e.common()
	e.rateFill(&m, b)
	return m
}

// filledRoles counts the roles that are taken on a side.
func filledRoles(roster Roster) map[string]int {
	filled := map[string]int{}
	for i := range roster.Players {
		if i < len(roster.Roles) {
			filled[roster.Roles[i]]++
		}
	}
	return filled
}

// rateFill reckons the quality of a running match with who joins it; its closeness counts the sides' means only.
func (e *Engine) rateFill(m *Match, b *backfill) {
	p := e.plan
	q := &m.Quality
	q.Closeness = math.Erfc(b.spread() / (2 * p.model.Beta))
	q.Latency = 1
	if p.latency != nil {
		q.Latency = max(0, 1-float64(m.Latency)/p.latency.Limit.Final())
	}
	w := p.def.Weights
	if sum := w.Closeness + w.Latency + w.Waiting; sum > 0 {
		q.Total = (w.Closeness*q.Closeness + w.Latency*q.Latency + w.Waiting*q.Waiting) / sum
	}
}
