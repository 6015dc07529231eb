package engine

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"supergame/services/matchmaking/internal/queue"
	"supergame/services/matchmaking/internal/rating"
)

// drawCurve draws a limit that rises (or with sign -1 falls) between two bounds within 20 s.
func drawCurve(t *rapid.T, name string, low, high float64) *queue.Curve {
	from := rapid.Float64Range(low, high).Draw(t, name+" from")
	c := queue.Constant(from)
	if low < high && rapid.Bool().Draw(t, name+" relaxes") {
		c = queue.Linear(from, rapid.Float64Range(from, high).Draw(t, name+" to"), time.Duration(rapid.IntRange(1, 20).Draw(t, name+" s"))*time.Second)
		c.Steps = rapid.Bool().Draw(t, name+" steps")
	}
	return c
}

// drawUntil draws when a rule is dropped: often never.
func drawUntil(t *rapid.T, name string) queue.Duration {
	return queue.Duration(rapid.SampledFrom([]time.Duration{0, 0, 7 * time.Second}).Draw(t, name+" until"))
}

// drawQueue draws a definition of up to eight players with any rules.
func drawQueue(t *rapid.T) queue.Definition {
	d := queue.Definition{ID: "drawn"}
	switch rapid.IntRange(0, 4).Draw(t, "shape") {
	case 0:
		d.Teams = []queue.Team{{Name: "a", Players: 1, Count: 2}}
	case 1:
		d.Teams = []queue.Team{{Name: "a", Players: 2, Count: 2}}
	case 2:
		d.Teams = []queue.Team{{Name: "hunter", Players: 1}, {Name: "prey", Players: 3}}
	case 3:
		d.Teams = []queue.Team{{Name: "a", Players: 2, Count: 3}}
	case 4:
		d.FreeForAll = &queue.FreeForAll{Max: rapid.IntRange(2, 5).Draw(t, "max")}
		if rapid.Bool().Draw(t, "min") {
			d.FreeForAll.Min = queue.Linear(float64(d.FreeForAll.Max), 2, 10*time.Second)
		}
	}
	add := func(r queue.Rule) {
		if rapid.Bool().Draw(t, r.Name) {
			d.Rules = append(d.Rules, r)
		}
	}
	add(queue.Rule{Name: "skill", Kind: queue.Spread, Limit: drawCurve(t, "skill", 0, 20), Until: drawUntil(t, "skill")})
	add(queue.Rule{Name: "fair", Kind: queue.TeamMean, Limit: drawCurve(t, "fair", 0, 10), Until: drawUntil(t, "fair")})
	add(queue.Rule{Name: "ping", Kind: queue.Latency, Limit: drawCurve(t, "ping", 20, 100)})
	add(queue.Rule{Name: "mode", Kind: queue.Equal, Attribute: "mode", Until: drawUntil(t, "mode")})
	add(queue.Rule{Name: "maps", Kind: queue.Intersect, Attribute: "maps", Values: []string{"x", "y", "z"}, Until: drawUntil(t, "maps")})
	add(queue.Rule{Name: "level", Kind: queue.Differ, Attribute: "level", Limit: drawCurve(t, "level", 0, 10), Until: drawUntil(t, "level")})
	add(queue.Rule{Name: "blocks", Kind: queue.Avoid, Until: drawUntil(t, "blocks")})
	add(queue.Rule{Name: "parties", Kind: queue.Parties, Limit: drawCurve(t, "parties", 0, 2)})
	if d.FreeForAll == nil && d.Teams[0].Players == 2 {
		add(queue.Rule{Name: "roles", Kind: queue.Roles, Roles: []queue.Role{{Name: "tank", Count: 1}, {Name: "healer", Count: 1}}})
	}
	d.Collect = queue.Duration(time.Millisecond)
	d.GoodEnough = rapid.SampledFrom([]float64{0, 0.9}).Draw(t, "good")
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	return d
}

// drawTicket draws a ticket for drawQueue. There are few values of everything, so that tickets meet.
func drawTicket(t *rapid.T, d queue.Definition, id int, since time.Time) Ticket {
	ticket := Ticket{ID: fmt.Sprint("t", id), Since: since}
	maps := []string{"x", "y", "z"}[:rapid.IntRange(1, 3).Draw(t, "maps")]
	mode := rapid.SampledFrom([]string{"m", "n"}).Draw(t, "mode")
	for i := range rapid.IntRange(1, d.WithDefaults().MaxParty).Draw(t, "party") {
		p := Player{
			ID:     fmt.Sprint("p", id, "-", i),
			Rating: rating.Rating{Mu: float64(rapid.IntRange(0, 40).Draw(t, "mu")), Sigma: 5},
			Attributes: map[string]Attribute{
				"mode": {Texts: []string{mode}}, "maps": {Texts: maps}, "level": {Number: float64(rapid.IntRange(0, 12).Draw(t, "level"))},
			},
			Latency: map[string]int{"eu": rapid.IntRange(10, 120).Draw(t, "eu"), "us": rapid.IntRange(10, 120).Draw(t, "us")},
			Roles:   rapid.SampledFrom([][]string{{"tank"}, {"healer"}, {"tank", "healer"}, {"healer", "tank"}}).Draw(t, "roles"),
		}
		if rapid.IntRange(0, 4).Draw(t, "wary") == 0 {
			p.Avoid = []string{fmt.Sprint("p", rapid.IntRange(0, id+1).Draw(t, "avoids"), "-0")}
		}
		ticket.Players = append(ticket.Players, p)
	}
	return ticket
}
