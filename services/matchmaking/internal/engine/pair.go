package engine

import (
	"math"
	mathbits "math/bits"
	"slices"
	"time"

	"supergame/services/matchmaking/internal/queue"
)

func bits(set uint64) int { return mathbits.OnesCount64(set) }

// share returns how many common values a rule demands after waiting.
func share(rule *queue.Rule, wait int64) int {
	switch {
	case dropped(rule, wait):
		return 0
	case rule.Limit == nil:
		return 1
	}
	return int(math.Ceil(rule.Limit.At(time.Duration(wait))))
}

// finalShare returns how many it demands in the end.
func finalShare(rule *queue.Rule) int {
	switch {
	case rule.Until > 0:
		return 0
	case rule.Limit == nil:
		return 1
	}
	return int(math.Ceil(rule.Limit.Final()))
}

// near reports whether a region is within what a ticket accepts now.
func (e *Engine) near(t *ticket, region int) bool {
	return e.plan.latency == nil || region < len(t.latency) && float64(t.latency[region]) <= t.ping
}

// accept reports whether two tickets accept one another at the moment that both were brought up to. The region is not its matter.
func (e *Engine) accept(a, b *ticket) bool {
	difference := math.Abs(a.rating - b.rating)
	if difference > a.spread || difference > b.spread {
		return false
	}
	return e.plan.plain || e.objection(a, b) == nil
}

// objection returns the first rule about pairs, but for spread, that keeps two tickets apart.
func (e *Engine) objection(a, b *ticket) *queue.Rule {
	p := e.plan
	waitA, waitB := a.stamp-a.since, b.stamp-b.since
	for i, rule := range p.soft {
		if a.equals[i] != b.equals[i] && (!dropped(rule, waitA) || !dropped(rule, waitB)) {
			return rule
		}
	}
	for i, rule := range p.numbers {
		if d := math.Abs(a.numbers[i] - b.numbers[i]); d > limit(rule, waitA) || d > limit(rule, waitB) {
			return rule
		}
	}
	for i, rule := range p.sets {
		if n := bits(a.sets[i] & b.sets[i]); n < share(rule, waitA) || n < share(rule, waitB) {
			return rule
		}
	}
	if rule := p.avoid; rule != nil && (a.wary || b.wary) {
		if !dropped(rule, waitA) && avoids(a, b) || !dropped(rule, waitB) && avoids(b, a) {
			return rule
		}
	}
	return nil
}

// avoids reports whether somebody of a avoids somebody of b.
func avoids(a, b *ticket) bool {
	for i := range a.source.Players {
		for j := range b.source.Players {
			if slices.Contains(a.source.Players[i].Avoid, b.source.Players[j].ID) {
				return true
			}
		}
	}
	return false
}

// meeting returns the moment from which two tickets accept one another and a region, or never.
func (e *Engine) meeting(a, b *ticket, region int) int64 {
	p := e.plan
	moment := max(a.since, b.since)
	both := func(wait int64) bool {
		if wait == never {
			return false
		}
		moment = max(moment, a.since+wait, b.since+wait)
		return true
	}
	if !both(reach(p.spread, math.Abs(a.rating-b.rating))) {
		return never
	}
	if p.latency != nil {
		for _, t := range []*ticket{a, b} {
			wait := e.nearAfter(t, region)
			if wait == never {
				return never
			}
			moment = max(moment, t.since+wait)
		}
	}
	for i, rule := range p.soft {
		if a.equals[i] != b.equals[i] {
			both(int64(rule.Until))
		}
	}
	for i, rule := range p.numbers {
		if !both(reach(rule, math.Abs(a.numbers[i]-b.numbers[i]))) {
			return never
		}
	}
	for i, rule := range p.sets {
		if !both(shareAfter(rule, bits(a.sets[i]&b.sets[i]))) {
			return never
		}
	}
	if rule := p.avoid; rule != nil && (a.wary || b.wary) {
		for _, pair := range [][2]*ticket{{a, b}, {b, a}} {
			if !avoids(pair[0], pair[1]) {
				continue
			}
			if rule.Until == 0 {
				return never
			}
			moment = max(moment, pair[0].since+int64(rule.Until))
		}
	}
	return moment
}

// nearAfter returns after which wait a ticket accepts a region.
func (e *Engine) nearAfter(t *ticket, region int) int64 {
	if region >= len(t.latency) {
		return never
	}
	return reach(e.plan.latency, float64(t.latency[region]))
}

// shareAfter returns after which wait so many common values are enough.
func shareAfter(rule *queue.Rule, n int) int64 {
	if rule.Limit == nil {
		if n >= 1 {
			return 0
		}
	} else {
		for i, point := range rule.Limit.Points {
			if int(math.Ceil(point.Limit)) > n {
				continue
			}
			if i == 0 || rule.Limit.Steps {
				return orDropped(rule, int64(point.After))
			}
			// The falling line crosses n somewhere before this point.
			before := rule.Limit.Points[i-1]
			part := (before.Limit - float64(n)) / (before.Limit - point.Limit)
			wait := float64(before.After) + part*float64(point.After-before.After)
			ms := int64(math.Ceil(wait/1e6))*1e6 + 1e6
			return orDropped(rule, min(ms, int64(point.After)))
		}
	}
	if rule.Until > 0 {
		return int64(rule.Until)
	}
	return never
}

// orDropped returns the earlier of a wait and the one after which the rule is dropped.
func orDropped(rule *queue.Rule, wait int64) int64 {
	if rule.Until > 0 {
		return min(wait, int64(rule.Until))
	}
	return wait
}
