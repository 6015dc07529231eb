package engine

import (
	"fmt"
	"math"
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

// BenchmarkOneShot adds so many tickets and matches them all: the time on the clock and of the processors (the collector's included),
// its growth over n log n from the size before, allocations, the mean rating spread, latency and quality of the matches, what is left
// over, and the mean wait in ms of all who are matched within a minute. LONG=1 goes up to a million.
func BenchmarkOneShot(b *testing.B) {
	sizes := []int{1_000, 10_000, 100_000}
	if os.Getenv("LONG") != "" {
		sizes = append(sizes, 1_000_000)
	}
	for _, shape := range shapes {
		before := 0.0
		for _, n := range sizes {
			b.Run(fmt.Sprintf("%s/%d", shape.name, n), func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, uint64(n)))
				tickets := make([]Ticket, n)
				for i := range tickets {
					tickets[i] = shape.draw(r, i)
				}
				var used time.Duration
				b.ReportAllocs()
				for b.Loop() {
					b.StopTimer()
					runtime.GC()
					b.StartTimer()
					from := cpuTime()
					e := New(shape.queue)
					for _, t := range tickets {
						if misfit := e.Add(t); misfit != nil {
							b.Fatal(misfit)
						}
					}
					matches, next := e.Step(start)
					used += cpuTime() - from
					b.StopTimer()
					report(b, e, matches, next, n)
					b.StartTimer()
				}
				each := used.Seconds() / float64(b.N)
				b.ReportMetric(each, "cpu-s")
				unit := each / (float64(n) * math.Log(float64(n)))
				if before > 0 {
					b.ReportMetric(unit/before, "growth")
				}
				before = unit
			})
		}
	}
}

// report prints what the matches are worth, and lets the rest wait for a minute.
func report(b *testing.B, e *Engine, matches []Match, next time.Time, n int) {
	spread, latency, quality := 0.0, 0.0, 0.0
	matched, waited := 0, 0.0
	for _, m := range matches {
		spread += m.Spread
		latency += float64(m.Latency)
		quality += m.Quality.Total
		matched += len(m.Tickets)
	}
	count := float64(len(matches))
	b.ReportMetric(spread/count, "spread")
	b.ReportMetric(latency/count, "ping-ms")
	b.ReportMetric(quality/count, "quality")
	b.ReportMetric(float64(e.Len())/float64(n)*100, "%left")
	for !next.IsZero() && next.Before(start.Add(time.Minute)) {
		now := next
		matches, next = e.Step(now)
		for _, m := range matches {
			matched += len(m.Tickets)
			waited += float64(len(m.Tickets)) * float64(now.Sub(start).Milliseconds())
		}
	}
	b.ReportMetric(waited/float64(matched), "wait-ms")
}

// residents are pools of tickets that cannot be matched, each for another reason.
var residents = []struct {
	name  string
	queue queue.Definition
	draw  func(i int) Ticket
}{
	{"too far apart", duel(queue.Rule{Name: "skill", Kind: queue.Spread, Limit: queue.Linear(0.1, 0.9, 30*time.Second)}), func(i int) Ticket {
		return solo(fmt.Sprint("r", i), float64(i), start)
	}},
	{"modes of their own", duel(queue.Rule{Name: "mode", Kind: queue.Equal, Attribute: "mode"}), func(i int) Ticket {
		t := solo(fmt.Sprint("r", i), 25, start)
		t.Players[0].Attributes = map[string]Attribute{"mode": {Texts: []string{t.ID}}}
		return t
	}},
	{"nobody heals", squads(), func(i int) Ticket {
		t := solo(fmt.Sprint("r", i), 25+float64(i%1000)/100, start)
		t.Players[0].Roles, t.Players[0].Latency = []string{"damage"}, map[string]int{"eu": 30, "us": 90}
		return t
	}},
}

// BenchmarkResident keeps 50,000 tickets that cannot be matched for a simulated minute, during which their rules expand, while a
// hundred a second come and go: the part of a core that it costs.
func BenchmarkResident(b *testing.B) {
	const n, minute, beat = 50_000, time.Minute, 25 * time.Millisecond
	for _, pool := range residents {
		b.Run(pool.name, func(b *testing.B) {
			var used time.Duration
			for b.Loop() {
				e := New(pool.queue)
				for i := range n {
					t := pool.draw(i)
					t.Since = start.Add(-time.Duration(i) * minute / n)
					if misfit := e.Add(t); misfit != nil {
						b.Fatal(misfit)
					}
				}
				e.Step(start)
				from := cpuTime()
				for now, i := start, 0; now.Before(start.Add(minute)); now, i = now.Add(beat), i+1 {
					if i%4 == 0 { // ten tickets, every tenth of a second
						for j := range 10 {
							e.Remove(fmt.Sprint("r", n+10*(i-4)+j))
							t := pool.draw(n + 10*i + j)
							t.Since = now
							e.Add(t)
						}
					}
					e.Step(now)
				}
				used += cpuTime() - from
				if e.Len() < n {
					b.Fatalf("%d of them were matched", n-e.Len())
				}
			}
			b.ReportMetric(used.Seconds()/float64(b.N)/minute.Seconds()*100, "%core")
		})
	}
}
