package engine_test

import (
	"fmt"
	"time"

	"supergame/services/matchmaking/internal/engine"
	"supergame/services/matchmaking/internal/queue"
	"supergame/services/matchmaking/internal/rating"
)

// Two players whose ratings are 3 apart: the queue allows 2 at first and one more each second.
func Example() {
	e := engine.New(queue.Definition{
		ID:    "duel",
		Teams: []queue.Team{{Name: "side", Players: 1, Count: 2}},
		Rules: []queue.Rule{{Name: "skill", Kind: queue.Spread, Limit: queue.Linear(2, 10, 8*time.Second)}},
	})
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for id, mu := range map[string]float64{"anna": 25, "ben": 28} {
		player := engine.Player{ID: id, Rating: rating.Rating{Mu: mu, Sigma: 3}}
		if misfit := e.Add(engine.Ticket{ID: "ticket-of-" + id, Since: now, Players: []engine.Player{player}}); misfit != nil {
			fmt.Println(misfit.Err)
		}
	}
	matches, next := e.Step(now)
	fmt.Println(len(matches), "matches, again in", next.Sub(now))
	why, _ := e.Explain("ticket-of-anna", now)
	fmt.Printf("%d of %d fit, %s keeps %d away\n", why.Fit, why.Looked, why.Excluded[0].Rule, why.Excluded[0].With)
	matches, _ = e.Step(next)
	fmt.Println(len(matches), "match of", len(matches[0].Tickets), "tickets,", matches[0].Spread, "apart")
	// Output:
	// 0 matches, again in 1s
	// 0 of 1 fit, skill keeps 1 away
	// 1 match of 2 tickets, 3 apart
}
