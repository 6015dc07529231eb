package engine

import (
	"math"
	"slices"
	"time"

	"supergame/services/matchmaking/internal/queue"
)

// form makes the match that the filler found and takes its tickets out.
func (e *Engine) form(now int64) Match {
	f, p := &e.fill, e.plan
	m := Match{
		Region: e.regions[f.at], Quality: f.quality, FormedAt: time.Unix(0, now).UTC(),
		Tickets: cut(&e.ids, len(f.found)),
	}
	low, high := math.Inf(1), math.Inf(-1)
	for i, t := range f.found {
		m.Tickets[i] = t.source.ID
		low, high = min(low, t.rating), max(high, t.rating)
		if p.latency != nil {
			m.Latency = max(m.Latency, int(t.latency[f.at]))
		}
		e.waits.add(t, now)
		e.take(t)
	}
	m.Spread = high - low
	m.Teams = e.seated()
	m.Common = e.common()
	return m
}

// seated lists the sides with their players.
func (e *Engine) seated() []Team {
	f, p := &e.fill, e.plan
	sides := len(p.sides)
	if p.def.FreeForAll != nil {
		sides = 0
		for _, t := range f.found {
			sides += t.size
		}
	}
	teams := cut(&e.teams, sides)
	if p.def.FreeForAll != nil {
		n := 0
		for _, t := range f.found {
			for i := range t.source.Players {
				seats := cut(&e.seats, 1)
				seats[0] = Seat{Ticket: t.source.ID, Player: t.source.Players[i].ID}
				teams[n] = Team{Name: p.sides[n].Name, Seats: seats}
				n++
			}
		}
		return teams
	}
	for side := range teams {
		seats := cut(&e.seats, p.sides[side].Players)
		n := 0
		var likes [][]string
		for i, t := range f.found {
			if f.sides[i] != side {
				continue
			}
			for j := range t.source.Players {
				seats[n] = Seat{Ticket: t.source.ID, Player: t.source.Players[j].ID}
				n++
				if p.roles != nil {
					likes = append(likes, t.source.Players[j].Roles)
				}
			}
		}
		if p.roles != nil {
			for i, role := range cast(p.roles, nil, likes) {
				seats[i].Role = role
			}
		}
		teams[side] = Team{Name: p.sides[side].Name, Seats: seats}
	}
	return teams
}

// cast gives players roles that they play, as many as are needed; whoever gets none plays anything. It asks the players in order for
// what they like best and lets one who has a role move on to his next so that another finds one. filled are places taken already.
func cast(roles []queue.Role, filled map[string]int, likes [][]string) []string {
	at := make([]int, len(likes)) // the role of each player, -1 = none
	for i := range at {
		at[i] = -1
	}
	room := make([]int, len(roles))
	for r, role := range roles {
		room[r] = role.Count - filled[role.Name]
	}
	var seek func(i int, seen []bool) bool
	seek = func(i int, seen []bool) bool {
		for _, name := range likes[i] {
			r := slices.IndexFunc(roles, func(role queue.Role) bool { return role.Name == name })
			if r < 0 || seen[r] {
				continue
			}
			seen[r] = true
			if room[r] > 0 {
				room[r]--
				at[i] = r
				return true
			}
			for j := range at {
				if at[j] == r && j != i && seek(j, seen) {
					at[i] = r
					return true
				}
			}
		}
		return false
	}
	for i := range likes {
		seek(i, make([]bool, len(roles)))
	}
	names := make([]string, len(likes))
	for i, r := range at {
		if r >= 0 {
			names[i] = roles[r].Name
		}
	}
	return names
}

// common lists what the tickets found share by each rule of kind intersect.
func (e *Engine) common() []Common {
	var list []Common
	for i, rule := range e.plan.sets {
		set := ^uint64(0)
		for _, t := range e.fill.found {
			set &= t.sets[i]
		}
		var values []string
		for j, value := range rule.Values {
			if set&(1<<j) != 0 {
				values = append(values, value)
			}
		}
		list = append(list, Common{Rule: rule.Name, Values: values})
	}
	return list
}
