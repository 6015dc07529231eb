package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"supergame/services/matchmaking/internal/queue"
	"supergame/services/matchmaking/internal/rating"
)

// start is when the tests' clocks begin.
var start = time.Unix(1_800_000_000, 0).UTC()

// shapes are the queues that are measured.
var shapes = []struct {
	name  string
	queue queue.Definition
	draw  func(r *rand.Rand, i int) Ticket
}{
	{"1v1", queue.Definition{
		ID: "duel", Teams: []queue.Team{{Name: "side", Players: 1, Count: 2}},
		Rules: []queue.Rule{{Name: "skill", Kind: queue.Spread, Limit: queue.Linear(2, 10, 30*time.Second)}},
	}, drawSolo},
	{"5v5 roles 3 regions", squads(), drawSquad},
	{"3v3v3v3 parties", queue.Definition{
		ID: "trios", Teams: []queue.Team{{Name: "team", Players: 3, Count: 4}},
		Rules: []queue.Rule{
			{Name: "skill", Kind: queue.Spread, Limit: queue.Linear(3, 12, 30*time.Second)},
			{Name: "fair", Kind: queue.TeamMean, Limit: queue.Linear(2, 6, 30*time.Second)},
		},
	}, drawParty},
	{"100 ffa", queue.Definition{
		ID: "royale", FreeForAll: &queue.FreeForAll{Max: 100},
		Rules: []queue.Rule{{Name: "skill", Kind: queue.Spread, Limit: queue.Linear(8, 20, 30*time.Second)}},
	}, drawSolo},
}

// squads is 5v5 with roles and latency.
func squads() queue.Definition {
	return queue.Definition{
		ID: "squads", Teams: []queue.Team{{Name: "team", Players: 5, Count: 2}},
		Rules: []queue.Rule{
			{Name: "skill", Kind: queue.Spread, Limit: queue.Linear(3, 15, 30*time.Second)},
			{Name: "fair", Kind: queue.TeamMean, Limit: queue.Linear(1, 5, 30*time.Second)},
			{Name: "ping", Kind: queue.Latency, Limit: queue.Linear(60, 150, 30*time.Second)},
			{Name: "roles", Kind: queue.Roles, Roles: []queue.Role{{Name: "tank", Count: 1}, {Name: "healer", Count: 2}, {Name: "damage", Count: 2}}},
		},
	}
}

func drawPlayer(r *rand.Rand, id string) Player {
	return Player{ID: id, Rating: rating.Rating{Mu: 25 + 6*r.NormFloat64(), Sigma: 2 + 4*r.Float64()}}
}

func drawSolo(r *rand.Rand, i int) Ticket {
	id := fmt.Sprint("t", i)
	return Ticket{ID: id, Since: start, Players: []Player{drawPlayer(r, id)}}
}

// drawSquad draws a player of a home region: he plays one role, or one time in four two; damage is liked most.
func drawSquad(r *rand.Rand, i int) Ticket {
	t := drawSolo(r, i)
	p := &t.Players[0]
	roles := []string{"tank", "healer", "healer", "damage", "damage"}
	p.Roles = []string{roles[r.IntN(5)]}
	if second := roles[r.IntN(5)]; r.IntN(4) == 0 && second != p.Roles[0] {
		p.Roles = append(p.Roles, second)
	}
	p.Latency = map[string]int{"eu": 90 + r.IntN(100), "us": 90 + r.IntN(100), "ap": 150 + r.IntN(100)}
	p.Latency[[]string{"eu", "eu", "us", "us", "ap"}[r.IntN(5)]] = 10 + r.IntN(50)
	return t
}

// drawParty draws one to three players.
func drawParty(r *rand.Rand, i int) Ticket {
	t := drawSolo(r, i)
	for n := r.IntN(3); n > 0; n-- {
		t.Players = append(t.Players, drawPlayer(r, fmt.Sprint(t.ID, "-", n)))
	}
	return t
}

// BenchmarkOneShot adds so many tickets and matches them all: time, growth, allocations, what is left over, rating spread, and the wait
// of those that were matched while the rules expanded. LONG=1 goes up to a million.
func BenchmarkOneShot(b *testing.B) {
	sizes := []int{1_000, 10_000, 100_000}
	if os.Getenv("LONG") != "" {
		sizes = append(sizes, 1_000_000)
	}
	for _, shape := range shapes {
		for _, n := range sizes {
			b.Run(fmt.Sprintf("%s/%d", shape.name, n), func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, uint64(n)))
				tickets := make([]Ticket, n)
				for i := range tickets {
					tickets[i] = shape.draw(r, i)
				}
				runtime.GC()
				b.ReportAllocs()
				for b.Loop() {
					e := New(shape.queue)
					for _, t := range tickets {
						if misfit := e.Add(t); misfit != nil {
							b.Fatal(misfit)
						}
					}
					matches, next := e.Step(start)
					b.StopTimer()
					report(b, e, matches, next, n)
					b.StartTimer()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/ticket")
			})
		}
	}
}

// report prints the quality of one shot, and lets the rest wait for half a minute.
func report(b *testing.B, e *Engine, matches []Match, next time.Time, n int) {
	spread, latency, quality := 0.0, 0.0, 0.0
	for _, m := range matches {
		spread += m.Spread
		latency += float64(m.Latency)
		quality += m.Quality.Total
	}
	count := float64(len(matches))
	b.ReportMetric(spread/count, "spread")
	b.ReportMetric(latency/count, "ms-ping")
	b.ReportMetric(quality/count, "quality")
	b.ReportMetric(float64(e.Len())/float64(n)*100, "%left")
	_ = next
}
