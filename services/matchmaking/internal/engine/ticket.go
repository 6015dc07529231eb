package engine

import (
	"math"
	"slices"
	"strings"

	"supergame/services/matchmaking/internal/queue"
	"supergame/services/matchmaking/internal/rating"
	"supergame/services/platform/fault"
)

// beyond is the latency to a region that is out of reach.
const beyond = int32(math.MaxInt32)

// ticket is a Ticket made ready for reckoning.
type ticket struct {
	source Ticket
	seq    uint64 // the order in which tickets came
	id     int32  // its number in the table of those that wait
	hash   uint32 // of its id
	since  int64
	size   int
	rating float64 // the mean of its players
	sum    rating.Team
	masks  []uint8 // by player: the roles he plays; nil without roles

	key     string // what must be equal for good
	home    *partition
	class   int
	latency []int32 // by region: the highest of its players
	*traits
	wary bool // somebody of it avoids somebody

	wake    int64 // when it is looked at again; never
	slot    int   // its place in the heap; -1 = in none
	retries int   // how often it was looked at after it was fully expanded
	gone    bool

	// What it accepts at the moment stamp.
	stamp  int64
	spread float64
	ping   float64
}

// traits are what rules about attributes ask for, by rule; nil without such rules.
type traits struct {
	equals  []string
	sets    []uint64
	numbers []float64
}

// refuse says why a queue takes a ticket in no case, and names the rule.
func refuse(rule, format string, args ...any) *Misfit {
	return &Misfit{
		Rule: rule,
		Err:  fault.New(fault.FailedPrecondition, "TICKET_DOES_NOT_FIT", "rule "+rule+": "+format, args...).With("rule", rule),
	}
}

// prepare checks a ticket against the plan and compiles it.
func (e *Engine) prepare(source Ticket) (*ticket, *Misfit) {
	p := e.plan
	n := len(source.Players)
	if n < 1 || n > p.def.MaxParty {
		return nil, refuse("size", "a party has 1 to %d players, not %d", p.def.MaxParty, n)
	}
	t := &ticket{source: source, since: source.Since.UnixNano(), size: n, slot: -1, stamp: math.MinInt64}
	if len(p.soft)+len(p.sets)+len(p.numbers) > 0 {
		t.traits = &traits{}
	}
	for i := range source.Players {
		player := &source.Players[i]
		if r := player.Rating; !(math.Abs(r.Mu) <= 1e6) || !(r.Sigma >= 0 && r.Sigma <= 1e6) {
			return nil, refuse("rating", "%v is not a rating", r)
		}
		t.sum.Mu += player.Rating.Mu
		t.sum.Variance += player.Rating.Sigma * player.Rating.Sigma
		t.wary = t.wary || len(player.Avoid) > 0
	}
	t.sum.Players = n
	t.rating = t.sum.Mu / float64(n)
	for _, step := range []func(*ticket) *Misfit{e.prepareRoles, e.prepareLatency, e.prepareEquals, e.prepareSets, e.prepareNumbers} {
		if misfit := step(t); misfit != nil {
			return nil, misfit
		}
	}
	return t, nil
}

func (e *Engine) prepareRoles(t *ticket) *Misfit {
	p := e.plan
	if p.roles == nil {
		return nil
	}
	rule := p.def.Rule(queue.Roles).Name
	t.masks = make([]uint8, t.size)
	for i, player := range t.source.Players {
		for _, name := range player.Roles {
			if at := slices.IndexFunc(p.roles, func(r queue.Role) bool { return r.Name == name }); at >= 0 {
				t.masks[i] |= 1 << at
			}
		}
		if t.masks[i] == 0 && p.capacity[largest(p.sides)][0] == 0 {
			return refuse(rule, "player %s plays none of the roles", player.ID)
		}
	}
	counts := make([]int16, len(p.together))
	count(counts, t.masks, 1)
	if !slices.ContainsFunc(p.capacity, func(capacity []int16) bool { return fits(counts, capacity) }) {
		return refuse(rule, "no team has places for the roles of this party")
	}
	return nil
}

// largest returns the index of the largest side.
func largest(sides []queue.Side) int {
	at := 0
	for i, side := range sides {
		if side.Players > sides[at].Players {
			at = i
		}
	}
	return at
}

// count adds players by their roles to the counts of all sets of roles.
func count(counts []int16, masks []uint8, n int16) {
	for _, mask := range masks {
		for set := range counts {
			if int(mask)&^set == 0 {
				counts[set] += n
			}
		}
	}
}

// fits reports whether players can be cast.
func fits(counts, capacity []int16) bool {
	for set, n := range counts {
		if n > capacity[set] {
			return false
		}
	}
	return true
}

func (e *Engine) prepareLatency(t *ticket) *Misfit {
	rule := e.plan.latency
	if rule == nil {
		return nil
	}
	for i, player := range t.source.Players {
		names := make([]string, 0, len(player.Latency))
		for name := range player.Latency {
			names = append(names, name)
		}
		slices.Sort(names) // regions are numbered in an order that does not depend on chance
		for _, name := range names {
			r := e.region(name)
			if r < 0 {
				continue
			}
			for len(t.latency) <= r {
				t.latency = append(t.latency, beyond)
			}
			if ms := int32(min(max(player.Latency[name], 0), 1e6)); i == 0 {
				t.latency[r] = ms
			} else if t.latency[r] != beyond {
				t.latency[r] = max(t.latency[r], ms)
			}
		}
		for r := range t.latency {
			if _, ok := player.Latency[e.regions[r]]; !ok {
				t.latency[r] = beyond
			}
		}
	}
	if limit := rule.Limit.Final(); !slices.ContainsFunc(t.latency, func(ms int32) bool { return float64(ms) <= limit }) {
		return refuse(rule.Name, "no region is within %v ms of all players", limit)
	}
	return nil
}

// shared returns the one text that all players of a ticket have as an attribute.
func shared(t *ticket, rule *queue.Rule) (string, *Misfit) {
	value := ""
	for i, player := range t.source.Players {
		texts := player.Attributes[rule.Attribute].Texts
		if len(texts) != 1 {
			return "", refuse(rule.Name, "player %s has %d values of %s, not one", player.ID, len(texts), rule.Attribute)
		}
		if i > 0 && texts[0] != value {
			return "", refuse(rule.Name, "the party differs in %s", rule.Attribute)
		}
		value = texts[0]
	}
	return value, nil
}

func (e *Engine) prepareEquals(t *ticket) *Misfit {
	var key strings.Builder
	for _, rule := range e.plan.hard {
		value, misfit := shared(t, rule)
		if misfit != nil {
			return misfit
		}
		key.WriteString(value)
		key.WriteByte(0)
	}
	for _, rule := range e.plan.soft {
		value, misfit := shared(t, rule)
		if misfit != nil {
			return misfit
		}
		t.equals = append(t.equals, value)
	}
	t.key = key.String()
	return nil
}

func (e *Engine) prepareSets(t *ticket) *Misfit {
	for _, rule := range e.plan.sets {
		set := ^uint64(0)
		for _, player := range t.source.Players {
			own := uint64(0)
			for _, text := range player.Attributes[rule.Attribute].Texts {
				at := slices.Index(rule.Values, text)
				if at < 0 {
					return refuse(rule.Name, "%q is not among the values of %s", text, rule.Attribute)
				}
				own |= 1 << at
			}
			set &= own
		}
		if needed := finalShare(rule); bits(set) < needed {
			return refuse(rule.Name, "the party shares %d values of %s, and %d are needed", bits(set), rule.Attribute, needed)
		}
		t.sets = append(t.sets, set)
	}
	return nil
}

func (e *Engine) prepareNumbers(t *ticket) *Misfit {
	for _, rule := range e.plan.numbers {
		sum := 0.0
		for _, player := range t.source.Players {
			number := player.Attributes[rule.Attribute].Number
			if !(math.Abs(number) <= 1e12) {
				return refuse(rule.Name, "%v is not a number of %s", number, rule.Attribute)
			}
			sum += number
		}
		t.numbers = append(t.numbers, sum/float64(t.size))
	}
	return nil
}

// at brings what a ticket accepts up to a moment.
func (e *Engine) at(t *ticket, now int64) {
	if t.stamp == now {
		return
	}
	t.stamp = now
	t.spread = limit(e.plan.spread, now-t.since)
	t.ping = limit(e.plan.latency, now-t.since)
}
