package engine

import (
	"math"
	"slices"
	"time"

	"supergame/services/matchmaking/internal/queue"
	"supergame/services/matchmaking/internal/rating"
)

// large is from how many players on a match is filled without looking back.
const large = 48

// plan is a definition made ready for reckoning.
type plan struct {
	def    queue.Definition
	model  rating.Model
	sides  []queue.Side
	twin   []int       // by side: the first side of the same size
	total  int         // players of a full match
	least  int         // players of the smallest match there ever is
	fewest *queue.Rule // how many players are enough, by the wait; nil = a full match
	pairs  bool        // one against one and nobody else: every compatible pair is a match

	spread, mean, latency, parties, avoid, backfill *queue.Rule
	hard, soft, sets, numbers                       []*queue.Rule // equal for good, equal until, intersect, difference
	plain                                           bool          // no rule about pairs but spread

	roles    []queue.Role
	capacity [][]int16 // by side and set of roles: how many players who can play nothing else fit
	together []int16   // the same for all sides together

	bends    []int64 // the waits, ascending, at which a curve bends or a rule is dropped
	expanded int64   // the last of them: from then on nothing relaxes
	moving   bool    // a rule about teams relaxes in a line, so there is no one moment to wait for

	compositions [][]uint8 // how many tickets of each party size can make a full match; nil = too many to list
}

func newPlan(def queue.Definition) *plan {
	p := &plan{def: def.WithDefaults()}
	scale := p.def.Rating
	p.model = rating.NewModel(scale.Mu, scale.Sigma, scale.Beta)
	p.sides = p.def.Sides()
	p.total = p.def.Players()
	p.least = p.total
	for i, side := range p.sides {
		p.twin = append(p.twin, slices.IndexFunc(p.sides[:i+1], func(s queue.Side) bool { return s.Players == side.Players }))
	}
	for i := range p.def.Rules {
		p.sort(&p.def.Rules[i])
	}
	if f := p.def.FreeForAll; f != nil && f.Min != nil {
		p.bend(f.Min, 0)
		p.fewest = &queue.Rule{Limit: f.Min}
		p.moving = p.moving || len(f.Min.Points) > 1 && !f.Min.Steps
		p.least = min(p.total, int(math.Ceil(f.Min.Final())))
	}
	slices.Sort(p.bends)
	p.bends = slices.Compact(p.bends)
	if len(p.bends) > 0 {
		p.expanded = p.bends[len(p.bends)-1]
	}
	p.pairs = p.total == 2 && p.mean == nil && p.parties == nil && p.least == 2
	p.plain = p.avoid == nil && len(p.soft)+len(p.numbers)+len(p.sets) == 0
	p.compositions = compositions(p.sides, p.def.MaxParty)
	return p
}

// sort puts a rule where it is asked for.
func (p *plan) sort(rule *queue.Rule) {
	p.bend(rule.Limit, rule.Until)
	switch rule.Kind {
	case queue.Spread:
		p.spread = rule
	case queue.TeamMean:
		p.mean = rule
	case queue.Parties:
		p.parties = rule
	case queue.Latency:
		p.latency = rule
	case queue.Avoid:
		p.avoid = rule
	case queue.Backfill:
		p.backfill = rule
		p.wake(rule.From)
	case queue.Equal:
		if rule.Until == 0 {
			p.hard = append(p.hard, rule)
		} else {
			p.soft = append(p.soft, rule)
		}
	case queue.Intersect:
		p.sets = append(p.sets, rule)
	case queue.Differ:
		p.numbers = append(p.numbers, rule)
	case queue.Roles:
		p.cast(rule.Roles)
	}
	if (rule == p.mean || rule == p.parties || rule.Kind == queue.Intersect) && rule.Limit != nil && len(rule.Limit.Points) > 1 && !rule.Limit.Steps {
		p.moving = true
	}
}

// bend notes when a rule relaxes.
func (p *plan) bend(curve *queue.Curve, until queue.Duration) {
	if curve != nil && len(curve.Points) > 1 {
		for _, point := range curve.Points {
			p.wake(point.After)
		}
	}
	p.wake(until)
}

func (p *plan) wake(after queue.Duration) {
	if after > 0 {
		p.bends = append(p.bends, int64(after))
	}
}

// cast reckons how many players of limited talents fit into a team: by the marriage theorem a team can be cast exactly when for no
// set of roles more players than this can play nothing outside of it.
func (p *plan) cast(roles []queue.Role) {
	p.roles = roles
	p.together = make([]int16, 1<<len(roles))
	needed := 0
	for _, role := range roles {
		needed += role.Count
	}
	for _, side := range p.sides {
		capacity := make([]int16, 1<<len(roles))
		for set := range capacity {
			fits := side.Players - needed // who plays anything
			for i, role := range roles {
				if set&(1<<i) != 0 {
					fits += role.Count
				}
			}
			capacity[set] = int16(fits)
			p.together[set] += int16(fits)
		}
		p.capacity = append(p.capacity, capacity)
	}
}

// limit returns what a rule allows after waiting: no limit once it is dropped.
func limit(rule *queue.Rule, wait int64) float64 {
	if rule == nil || dropped(rule, wait) {
		return math.Inf(1)
	}
	return rule.Limit.At(time.Duration(wait))
}

// final returns what a rule allows in the end.
func final(rule *queue.Rule) float64 {
	if rule == nil || rule.Until > 0 {
		return math.Inf(1)
	}
	return rule.Limit.Final()
}

// never is a moment that does not come.
const never = int64(math.MaxInt64)

// reach returns after which wait a rising rule allows a difference.
func reach(rule *queue.Rule, difference float64) int64 {
	if rule == nil {
		return 0
	}
	wait, ok := rule.Limit.Reach(difference)
	switch {
	case !ok && rule.Until == 0:
		return never
	case !ok || rule.Until > 0 && int64(wait) > int64(rule.Until):
		return int64(rule.Until)
	}
	return int64(wait)
}

// dropped reports whether a rule no longer counts for a ticket.
func dropped(rule *queue.Rule, wait int64) bool { return rule.Until > 0 && wait >= int64(rule.Until) }

// compositions lists by party size how many tickets of each size make a full match, or nil when there are more than 512 ways or
// only single players.
func compositions(sides []queue.Side, largest int) [][]uint8 {
	if largest < 2 {
		return nil
	}
	ways := [][]uint8{make([]uint8, largest+1)}
	for _, side := range sides {
		var next [][]uint8
		seen := map[string]bool{}
		for _, way := range ways {
			if !split(side.Players, min(largest, side.Players), way, func(w []uint8) bool {
				if !seen[string(w)] {
					seen[string(w)] = true
					next = append(next, slices.Clone(w))
				}
				return len(next) <= 512
			}) {
				return nil
			}
		}
		ways = next
	}
	return ways
}

// split calls yield with each way to make a side of n players out of parties of at most size, added to way.
func split(n, size int, way []uint8, yield func([]uint8) bool) bool {
	if n == 0 {
		return yield(way)
	}
	for s := min(n, size); s >= 1; s-- {
		way[s]++
		ok := split(n-s, s, way, yield)
		way[s]--
		if !ok {
			return false
		}
	}
	return true
}
