package simulation

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"supergame/services/matchmaking/internal/engine"
	"supergame/services/matchmaking/internal/queue"
	"supergame/services/matchmaking/internal/rating"
)

// Population says which tickets to generate.
type Population struct {
	Seed    uint64
	Tickets int
	Rate    float64   // tickets a second, at random moments
	Parties []float64 // how often a party has 1, 2, ... players; empty: all play alone
	Regions []string
}

// Generate draws tickets that have all that the rules of the definitions ask about, so that one population can be run under each.
//
// Ratings are normal around the scale's mu, as wide as its sigma; of attributes that must be equal one value is four times as common as
// the other; sets are random, never empty; numbers are between 1 and 100; roles are as frequent as a team needs them, one player in four
// plays a second one. A player is near his home region (10 to 60 ms), and 70 to 220 ms from the others. One in fifty avoids somebody.
func Generate(p Population, queues ...queue.Definition) []Arrival {
	r := rand.New(rand.NewPCG(p.Seed, 0x6d61746368))
	list := make([]Arrival, p.Tickets)
	now := 0.0
	for i := range list {
		now += r.ExpFloat64() / p.Rate
		at := time.Duration(now * float64(time.Second))
		ticket := engine.Ticket{ID: fmt.Sprint("t", i), Since: epoch.Add(at)}
		size := p.size(r)
		home, mode := r.IntN(max(1, len(p.Regions))), draw(r, queues)
		for j := range size {
			ticket.Players = append(ticket.Players, p.player(r, fmt.Sprintf("p%d-%d", i, j), i, home, mode, queues))
		}
		list[i] = Arrival{Ticket: ticket, At: at}
	}
	return list
}

func (p *Population) size(r *rand.Rand) int {
	total := 0.0
	for _, part := range p.Parties {
		total += part
	}
	at := r.Float64() * total
	for i, part := range p.Parties {
		if at -= part; at < 0 {
			return i + 1
		}
	}
	return 1
}

// draw draws the values that a party shares.
func draw(r *rand.Rand, queues []queue.Definition) map[string]engine.Attribute {
	values := map[string]engine.Attribute{}
	for _, q := range queues {
		for _, rule := range q.Rules {
			if _, drawn := values[rule.Attribute]; drawn {
				continue
			}
			switch rule.Kind {
			case queue.Equal:
				values[rule.Attribute] = engine.Attribute{Texts: []string{[]string{"a", "a", "a", "a", "b"}[r.IntN(5)]}}
			case queue.Intersect:
				texts := []string{rule.Values[r.IntN(len(rule.Values))]}
				for _, value := range rule.Values {
					if value != texts[0] && r.IntN(2) == 0 {
						texts = append(texts, value)
					}
				}
				values[rule.Attribute] = engine.Attribute{Texts: texts}
			case queue.Differ:
				values[rule.Attribute] = engine.Attribute{Number: 1 + math.Floor(r.Float64()*100)}
			}
		}
	}
	return values
}

func (p *Population) player(r *rand.Rand, id string, i, home int, values map[string]engine.Attribute, queues []queue.Definition) engine.Player {
	scale := queues[0].WithDefaults().Rating
	player := engine.Player{ID: id, Attributes: values}
	player.Rating = rating.Rating{Mu: scale.Mu + scale.Sigma*r.NormFloat64(), Sigma: scale.Sigma * (0.2 + 0.6*r.Float64())}
	for j, name := range p.Regions {
		ms := 70 + r.IntN(150)
		if j == home {
			ms = 10 + r.IntN(50)
		}
		player.Latency = put(player.Latency, name, ms)
	}
	var parts []string
	for _, q := range queues {
		if rule := q.Rule(queue.Roles); rule != nil && parts == nil {
			for _, role := range rule.Roles {
				for range role.Count {
					parts = append(parts, role.Name)
				}
			}
		}
	}
	if parts != nil {
		player.Roles = []string{parts[r.IntN(len(parts))]}
		if second := parts[r.IntN(len(parts))]; r.IntN(4) == 0 && second != player.Roles[0] {
			player.Roles = append(player.Roles, second)
		}
	}
	if i > 0 && r.IntN(50) == 0 {
		player.Avoid = []string{fmt.Sprintf("p%d-0", max(0, i-1-r.IntN(100)))}
	}
	return player
}
