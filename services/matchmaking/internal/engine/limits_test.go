package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"supergame/services/matchmaking/internal/queue"
)

// TestRoyale: of a match too large for a search none is left that could be made: no fifty in a row are within the limit of one another.
func TestRoyale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const players = large + 2
		limit := rapid.Float64Range(1, 20).Draw(t, "limit")
		e := New(queue.Definition{
			ID: "royale", FreeForAll: &queue.FreeForAll{Max: players},
			Rules: []queue.Rule{{Name: "skill", Kind: queue.Spread, Limit: queue.Constant(limit)}},
		})
		ratings := map[string]float64{}
		for i := range rapid.IntRange(players, 3*players).Draw(t, "tickets") {
			mu := rapid.Float64Range(0, 40).Draw(t, "mu")
			ticket := solo(fmt.Sprint("t", i), mu, start)
			ratings[ticket.ID] = mu
			e.Add(ticket)
		}
		matches, _ := e.Step(start)
		for _, m := range matches {
			if m.Spread > limit || len(m.Tickets) != players {
				t.Fatalf("%d players, %v apart", len(m.Tickets), m.Spread)
			}
			for _, id := range m.Tickets {
				delete(ratings, id)
			}
		}
		var left []float64
		for _, mu := range ratings {
			left = append(left, mu)
		}
		slices.Sort(left)
		for i := players; i <= len(left); i++ {
			if left[i-1]-left[i-players] <= limit {
				t.Fatalf("%d are left of whom %d are %v apart, within %v", len(left), players, left[i-1]-left[i-players], limit)
			}
		}
	})
}

// hermits are tickets that all accept the first one and nobody else.
func hermits(t *testing.T) *Engine {
	t.Helper()
	e := New(queue.Definition{
		ID: "pairs", Teams: []queue.Team{{Name: "team", Players: 2, Count: 2}}, Rules: []queue.Rule{{Name: "blocks", Kind: queue.Avoid}},
	})
	const n = 150
	for i := range n {
		ticket := solo(fmt.Sprint(i), 25, start)
		for j := 1; j < n && i > 0; j++ {
			ticket.Players[0].Avoid = append(ticket.Players[0].Avoid, fmt.Sprint("p-", j))
		}
		add(t, e, ticket)
	}
	return e
}

// Searches in vain end, and cost the others of their step no more than their thoroughness: those are looked at again soon.
func TestToil(t *testing.T) {
	e := hermits(t)
	began := cpuTime()
	matches, next := e.Step(start)
	if used := cpuTime() - began; len(matches) > 0 || used > 5*time.Second {
		t.Fatalf("%d matches after %v", len(matches), used)
	}
	if next.IsZero() {
		t.Fatal("the first has compatible neighbors and is never looked at again")
	}
	anchor := e.lookUp("0")
	e.toil = toilBudget + 1
	if _, ok := e.match(anchor, start.UnixNano()); ok || !e.fill.hurried || anchor.wake != start.UnixNano()+pause {
		t.Errorf("hurried: %v, again after %v", e.fill.hurried, time.Duration(anchor.wake-start.UnixNano()))
	}
}

// In vain it looks at a ticket less and less often, in the end twice a minute.
func TestBackOff(t *testing.T) {
	e := hermits(t)
	now, steps := start, 0
	for now.Before(start.Add(10 * time.Minute)) {
		_, next := e.Step(now)
		steps++
		if next.IsZero() {
			t.Fatalf("after %v it no longer asks to be called", now.Sub(start))
		}
		if wait := next.Sub(now); wait > 30*time.Second {
			t.Fatalf("it asks to be called after %v", wait)
		}
		now = next
	}
	if steps > 80 { // the others keep times of their own
		t.Errorf("%d steps in ten minutes", steps)
	}
}
