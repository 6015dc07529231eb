package engine

import (
	"fmt"
	"math"
	"slices"
	"time"

	"supergame/services/matchmaking/internal/queue"
)

// What the rules demand, said a second time and as plainly as can be: what the tests hold the engine to.

// demandOf returns what a rule allows a ticket, and false when it was dropped.
func demandOf(rule queue.Rule, t Ticket, now time.Time) (float64, bool) {
	wait := now.Sub(t.Since)
	if rule.Until > 0 && wait >= time.Duration(rule.Until) {
		return 0, false
	}
	if rule.Limit == nil {
		return 1, true
	}
	return rule.Limit.At(wait), true
}

func meanOf(t Ticket, of func(Player) float64) float64 {
	sum := 0.0
	for _, p := range t.Players {
		sum += of(p)
	}
	return sum / float64(len(t.Players))
}

// broken names the first rule that a match of these tickets would break: sides tells by ticket and player where each plays, region
// where. It returns "" for a match that is right.
func broken(d queue.Definition, tickets []Ticket, sides [][]int, region string, now time.Time) string {
	if s := brokenSize(d, tickets, sides, now); s != "" {
		return s
	}
	for _, rule := range d.Rules {
		for _, t := range tickets {
			allowed, counts := demandOf(rule, t, now)
			if counts && !satisfied(d, rule, allowed, t, tickets, sides, region) {
				return rule.Name
			}
		}
	}
	return ""
}

func brokenSize(d queue.Definition, tickets []Ticket, sides [][]int, now time.Time) string {
	all := d.Sides()
	counts := make([]int, len(all))
	players := 0
	for i, t := range tickets {
		if len(sides[i]) != len(t.Players) {
			return "a player without a side"
		}
		for _, side := range sides[i] {
			if d.FreeForAll == nil && side != sides[i][0] {
				return "a party that is torn apart"
			}
			counts[side]++
			players++
		}
	}
	if f := d.FreeForAll; f != nil {
		least := float64(f.Max)
		if f.Min != nil {
			for _, t := range tickets {
				least = min(least, f.Min.At(now.Sub(t.Since)))
			}
		}
		if players > f.Max || float64(players) < least || slices.Max(counts) > 1 {
			return "size"
		}
		return ""
	}
	for i, side := range all {
		if counts[i] != side.Players {
			return "size"
		}
	}
	return ""
}

// satisfied reports whether a rule, as one ticket of a match demands it, holds.
func satisfied(d queue.Definition, rule queue.Rule, allowed float64, t Ticket, tickets []Ticket, sides [][]int, region string) bool {
	every := func(holds func(o Ticket) bool) bool {
		return !slices.ContainsFunc(tickets, func(o Ticket) bool { return !holds(o) })
	}
	mu := func(p Player) float64 { return p.Rating.Mu }
	const hair = 1e-9
	switch rule.Kind {
	case queue.Spread:
		return every(func(o Ticket) bool { return math.Abs(meanOf(t, mu)-meanOf(o, mu)) <= allowed+hair })
	case queue.Differ:
		number := func(p Player) float64 { return p.Attributes[rule.Attribute].Number }
		return every(func(o Ticket) bool { return math.Abs(meanOf(t, number)-meanOf(o, number)) <= allowed+hair })
	case queue.Latency:
		return !slices.ContainsFunc(t.Players, func(p Player) bool { ms, ok := p.Latency[region]; return !ok || float64(ms) > allowed })
	case queue.Equal:
		return every(func(o Ticket) bool {
			return slices.Equal(o.Players[0].Attributes[rule.Attribute].Texts, t.Players[0].Attributes[rule.Attribute].Texts)
		})
	case queue.Intersect:
		common := 0
		for _, value := range rule.Values {
			if every(func(o Ticket) bool {
				return !slices.ContainsFunc(o.Players, func(p Player) bool { return !slices.Contains(p.Attributes[rule.Attribute].Texts, value) })
			}) {
				common++
			}
		}
		return float64(common) >= allowed
	case queue.Avoid:
		return every(func(o Ticket) bool {
			return o.ID == t.ID || !slices.ContainsFunc(t.Players, func(p Player) bool {
				return slices.ContainsFunc(o.Players, func(q Player) bool { return slices.Contains(p.Avoid, q.ID) })
			})
		})
	case queue.TeamMean, queue.Parties:
		return sidesDiffer(d, rule.Kind, tickets, sides) <= allowed+hair
	case queue.Roles:
		return castable(d, rule, tickets, sides)
	}
	return true
}

// sidesDiffer returns the difference of the sides' mean ratings or of their largest parties.
func sidesDiffer(d queue.Definition, kind queue.Kind, tickets []Ticket, sides [][]int) float64 {
	sum, n, largest := map[int]float64{}, map[int]float64{}, map[int]float64{}
	for i, t := range tickets {
		for j, side := range sides[i] {
			sum[side] += t.Players[j].Rating.Mu
			n[side]++
			if d.FreeForAll == nil {
				largest[side] = max(largest[side], float64(len(t.Players)))
			}
		}
	}
	low, high := math.Inf(1), math.Inf(-1)
	for side := range n {
		value := sum[side] / n[side]
		if kind == queue.Parties {
			value = largest[side]
		}
		low, high = min(low, value), max(high, value)
	}
	return high - low
}

// castable tries every way to give the roles of each side to its players.
func castable(d queue.Definition, rule queue.Rule, tickets []Ticket, sides [][]int) bool {
	for side := range d.Sides() {
		var players []Player
		for i, t := range tickets {
			for j, at := range sides[i] {
				if at == side {
					players = append(players, t.Players[j])
				}
			}
		}
		var places []string
		for _, role := range rule.Roles {
			for range role.Count {
				places = append(places, role.Name)
			}
		}
		if !give(places, players) {
			return false
		}
	}
	return true
}

func give(places []string, players []Player) bool {
	if len(places) == 0 {
		return true
	}
	for i, p := range players {
		if slices.Contains(p.Roles, places[0]) && give(places[1:], slices.Delete(slices.Clone(players), i, i+1)) {
			return true
		}
	}
	return false
}

// anyMatch looks for a match among tickets in every way there is. It is for very small pools.
func anyMatch(d queue.Definition, tickets []Ticket, now time.Time) ([]Ticket, bool) {
	regions := []string{""}
	if d.Rule(queue.Latency) != nil {
		regions = []string{"eu", "us"}
	}
	all := d.Sides()
	var chosen []Ticket
	var sides [][]int
	left := make([]int, len(all))
	for i, side := range all {
		left[i] = side.Players
	}
	var try func(from int) bool
	try = func(from int) bool {
		if len(chosen) > 0 {
			for _, region := range regions {
				if broken(d, chosen, sides, region, now) == "" {
					return true
				}
			}
		}
		for i := from; i < len(tickets); i++ {
			t := tickets[i]
			for at := range all {
				places := []int{}
				if d.FreeForAll != nil {
					for side := range all {
						if left[side] > 0 && len(places) < len(t.Players) {
							places = append(places, side)
						}
					}
				} else if left[at] >= len(t.Players) {
					places = slices.Repeat([]int{at}, len(t.Players))
				}
				if len(places) < len(t.Players) {
					continue
				}
				for _, side := range places {
					left[side]--
				}
				chosen, sides = append(chosen, t), append(sides, places)
				if try(i + 1) {
					return true
				}
				chosen, sides = chosen[:len(chosen)-1], sides[:len(sides)-1]
				for _, side := range places {
					left[side]++
				}
				if d.FreeForAll != nil {
					break
				}
			}
		}
		return false
	}
	return chosen, try(0)
}

// wrong says what is wrong with a match that the engine made of waiting tickets.
func wrong(d queue.Definition, m Match, waiting map[string]Ticket, now time.Time) error {
	all := d.Sides()
	var tickets []Ticket
	var sides [][]int
	for _, id := range m.Tickets {
		t, ok := waiting[id]
		if !ok {
			return fmt.Errorf("ticket %s does not wait", id)
		}
		if slices.ContainsFunc(tickets, func(o Ticket) bool { return o.ID == id }) {
			return fmt.Errorf("ticket %s is in it twice", id)
		}
		at := make([]int, 0, len(t.Players))
		for _, p := range t.Players {
			for i, team := range m.Teams {
				for _, seat := range team.Seats {
					if seat.Player == p.ID && seat.Ticket == id {
						at = append(at, slices.IndexFunc(all, func(s queue.Side) bool { return s.Name == m.Teams[i].Name }))
					}
				}
			}
		}
		tickets, sides = append(tickets, t), append(sides, at)
	}
	if rule := broken(d, tickets, sides, m.Region, now); rule != "" {
		return fmt.Errorf("it breaks %s: %+v", rule, m)
	}
	return wrongRoles(d, m, waiting)
}

// wrongRoles says whether a seat has a role that its player does not play, or a role of a side is not taken.
func wrongRoles(d queue.Definition, m Match, waiting map[string]Ticket) error {
	rule := d.Rule(queue.Roles)
	if rule == nil {
		return nil
	}
	for _, team := range m.Teams {
		taken := map[string]int{}
		for _, seat := range team.Seats {
			taken[seat.Role]++
			for _, p := range waiting[seat.Ticket].Players {
				if p.ID == seat.Player && seat.Role != "" && !slices.Contains(p.Roles, seat.Role) {
					return fmt.Errorf("%s is made %s", p.ID, seat.Role)
				}
			}
		}
		for _, role := range rule.Roles {
			if taken[role.Name] != role.Count {
				return fmt.Errorf("team %s has %d of %s", team.Name, taken[role.Name], role.Name)
			}
		}
	}
	return nil
}
