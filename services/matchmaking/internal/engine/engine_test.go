package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/matchmaking/internal/queue"
	"supergame/services/matchmaking/internal/rating"
	"supergame/services/platform/fault"
)

// duel is one against one under some rules.
func duel(rules ...queue.Rule) queue.Definition {
	return queue.Definition{ID: "duel", Teams: []queue.Team{{Name: "side", Players: 1, Count: 2}}, Rules: rules}
}

// skill is the usual rule of ratings: 2 apart at first, 10 after 16 s.
var skill = queue.Rule{Name: "skill", Kind: queue.Spread, Limit: queue.Linear(2, 10, 16*time.Second)}

// solo is a ticket of one player.
func solo(id string, mu float64, since time.Time) Ticket {
	return Ticket{ID: id, Since: since, Players: []Player{{ID: "p-" + id, Rating: rating.Rating{Mu: mu, Sigma: 3}}}}
}

// add adds tickets that must fit.
func add(t *testing.T, e *Engine, tickets ...Ticket) {
	t.Helper()
	for _, ticket := range tickets {
		if misfit := e.Add(ticket); misfit != nil {
			t.Fatalf("%s: %v", ticket.ID, misfit.Err)
		}
	}
}

// lists are the ticket ids of matches.
func lists(matches []Match) [][]string {
	var all [][]string
	for _, m := range matches {
		ids := slices.Clone(m.Tickets)
		slices.Sort(ids)
		all = append(all, ids)
	}
	return all
}

// Two tickets whose ratings are 6 apart meet when the younger one's limit has grown to 6: 8 s after he came, to the millisecond.
func TestTheMomentOfMeeting(t *testing.T) {
	e := New(duel(skill))
	add(t, e, solo("a", 20, start))
	if matches, next := e.Step(start); len(matches) > 0 || !next.IsZero() {
		t.Fatalf("%v; alone it asks to be called at %v", matches, next)
	}
	came := start.Add(3 * time.Second)
	add(t, e, solo("b", 26, came))
	_, next := e.Step(came)
	if want := came.Add(8 * time.Second); !next.Equal(want) {
		t.Fatalf("it asks for %v, not %v", next.Sub(start), want.Sub(start))
	}
	if matches, _ := e.Step(next.Add(-time.Millisecond)); len(matches) > 0 {
		t.Fatal("too early")
	}
	matches, next := e.Step(next)
	if diff := cmp.Diff([][]string{{"a", "b"}}, lists(matches)); diff != "" || !next.IsZero() {
		t.Fatal(diff, next)
	}
	m := matches[0]
	if m.Spread != 6 || m.Quality.Closeness <= 0 || m.Quality.Closeness >= 1 || m.Teams[0].Name != "side-1" || m.Teams[1].Seats[0].Player == "" {
		t.Errorf("%+v", m)
	}
}

// A match that is not good enough waits as long as collect says for a better partner, who then is taken.
func TestCollect(t *testing.T) {
	d := duel(skill)
	d.GoodEnough = 0.85
	for _, better := range []bool{false, true} {
		e := New(d)
		add(t, e, solo("a", 20, start), solo("b", 22, start))
		matches, next := e.Step(start)
		if len(matches) != 0 || !next.Equal(start.Add(50*time.Millisecond)) {
			t.Fatalf("%v at %v", matches, next)
		}
		want := [][]string{{"a", "b"}}
		if better {
			later := start.Add(20 * time.Millisecond)
			add(t, e, solo("c", 20.1, later))
			matches, _ = e.Step(later)
			want = [][]string{{"a", "c"}}
		} else {
			matches, _ = e.Step(next)
		}
		if diff := cmp.Diff(want, lists(matches)); diff != "" {
			t.Error(diff)
		}
	}
}

// What no match could hold is refused with the name of the rule.
func TestMisfits(t *testing.T) {
	d := queue.Definition{
		ID: "squads", Teams: []queue.Team{{Name: "team", Players: 2, Count: 2}},
		Rules: []queue.Rule{
			{Name: "ping", Kind: queue.Latency, Limit: queue.Linear(50, 100, time.Second)},
			{Name: "mode", Kind: queue.Equal, Attribute: "mode"},
			{Name: "maps", Kind: queue.Intersect, Attribute: "maps", Values: []string{"x", "y"}},
			{Name: "level", Kind: queue.Differ, Attribute: "level", Limit: queue.Constant(1)},
			{Name: "roles", Kind: queue.Roles, Roles: []queue.Role{{Name: "tank", Count: 1}, {Name: "healer", Count: 1}}},
		},
	}
	player := func(id, role, mode string, maps ...string) Player {
		return Player{
			ID: id, Rating: rating.Rating{Mu: 25, Sigma: 3}, Roles: []string{role}, Latency: map[string]int{"eu": 20},
			Attributes: map[string]Attribute{"mode": {Texts: []string{mode}}, "maps": {Texts: maps}},
		}
	}
	good := player("a", "tank", "m", "x")
	change := func(f func(p *Player)) []Player {
		p := player("a", "tank", "m", "x")
		f(&p)
		return []Player{p}
	}
	for name, test := range map[string]struct {
		players []Player
		rule    string
	}{
		"good":            {[]Player{good, player("b", "healer", "m", "x", "y")}, ""},
		"nobody":          {nil, "size"},
		"too many":        {[]Player{good, good, good}, "size"},
		"no number":       {change(func(p *Player) { p.Rating.Mu = 1e300 }), "rating"},
		"far":             {change(func(p *Player) { p.Latency["eu"] = 101 }), "ping"},
		"regions differ":  {[]Player{good, change(func(p *Player) { p.Roles = []string{"healer"}; p.Latency = map[string]int{"us": 1} })[0]}, "ping"},
		"no mode":         {change(func(p *Player) { delete(p.Attributes, "mode") }), "mode"},
		"modes differ":    {[]Player{good, player("b", "healer", "n", "x")}, "mode"},
		"unknown map":     {change(func(p *Player) { p.Attributes["maps"] = Attribute{Texts: []string{"q"}} }), "maps"},
		"maps differ":     {[]Player{good, player("b", "healer", "m", "y")}, "maps"},
		"no role":         {change(func(p *Player) { p.Roles = []string{"jester"} }), "roles"},
		"two tanks":       {[]Player{good, player("b", "tank", "m", "x")}, "roles"},
		"level no number": {change(func(p *Player) { p.Attributes["level"] = Attribute{Number: 1e300} }), "level"},
	} {
		misfit := New(d).Add(Ticket{ID: "t", Since: start, Players: test.players})
		switch {
		case test.rule == "" && misfit != nil:
			t.Errorf("%s: %v", name, misfit.Err)
		case test.rule != "" && (misfit == nil || misfit.Rule != test.rule || misfit.Ticket != "t"):
			t.Errorf("%s: %+v", name, misfit)
		case test.rule != "" && (fault.KindOf(misfit.Err) != fault.FailedPrecondition || fault.As(misfit.Err).Metadata["rule"] != test.rule):
			t.Errorf("%s: %v", name, misfit.Err)
		}
	}
}

// A new definition meets the waiting tickets at the next step, with their own clocks; who no longer fits is named.
func TestRedefine(t *testing.T) {
	e := New(duel(skill))
	far := solo("far", 90, start)
	far.Players[0].Latency = map[string]int{"eu": 300}
	near := []Ticket{solo("a", 20, start), solo("b", 28, start)}
	for i := range near {
		near[i].Players[0].Latency = map[string]int{"eu": 30}
	}
	add(t, e, far, near[0], near[1])
	e.Step(start)
	misfits := e.Redefine(duel(
		queue.Rule{Name: "skill", Kind: queue.Spread, Limit: queue.Linear(0, 8, time.Second)},
		queue.Rule{Name: "ping", Kind: queue.Latency, Limit: queue.Constant(100)},
	))
	if len(misfits) != 1 || misfits[0].Ticket != "far" || misfits[0].Rule != "ping" || e.Len() != 2 {
		t.Fatalf("%+v", misfits)
	}
	matches, _ := e.Step(start.Add(time.Second))
	if diff := cmp.Diff([][]string{{"a", "b"}}, lists(matches)); diff != "" || matches[0].Region != "eu" || matches[0].Latency != 30 {
		t.Error(diff, matches)
	}
}

// A match whose keeper could not write it: its tickets come back with their clocks and are matched again.
func TestComeBack(t *testing.T) {
	e := New(duel(skill))
	a, b := solo("a", 20, start), solo("b", 21, start)
	add(t, e, a, b)
	matches, _ := e.Step(start)
	if len(matches) != 1 || e.Len() != 0 || e.Remove("a") {
		t.Fatal(matches)
	}
	add(t, e, b, solo("c", 21, start.Add(time.Minute)), a, a)
	if matches, _ = e.Step(start.Add(time.Minute)); len(matches) != 1 || e.Len() != 1 || !slices.Contains(matches[0].Tickets, "a") {
		t.Errorf("%+v", matches)
	}
}

// The region is one that all accept; the nearest one where there is a choice.
func TestRegions(t *testing.T) {
	e := New(duel(queue.Rule{Name: "ping", Kind: queue.Latency, Limit: queue.Linear(50, 150, 10*time.Second)}))
	at := func(id string, eu, us int) Ticket {
		ticket := solo(id, 25, start)
		ticket.Players[0].Latency = map[string]int{"eu": eu, "us": us}
		return ticket
	}
	add(t, e, at("a", 20, 120), at("b", 130, 20), at("c", 40, 45))
	matches, _ := e.Step(start)
	want := map[string]string{"a": "eu", "b": "us"}
	if len(matches) != 1 || !slices.Contains(matches[0].Tickets, "c") {
		t.Fatalf("%+v", matches)
	}
	for _, id := range matches[0].Tickets {
		if region, ok := want[id]; ok && region != matches[0].Region {
			t.Errorf("%s plays in %s", id, matches[0].Region)
		}
	}
	// Who is left and d are both within 120 of us only, which both accept after 7 s.
	came := start.Add(time.Second)
	add(t, e, at("d", 400, 120))
	if matches, next := e.Step(came); len(matches) != 0 || next.Before(start.Add(7*time.Second)) || next.After(start.Add(8*time.Second)) {
		t.Errorf("%+v, %v", matches, next.Sub(start))
	}
}

// A free-for-all starts with fewer players the longer the oldest waits, and takes all whom it can.
func TestFreeForAll(t *testing.T) {
	for _, most := range []int{10, 100} { // by search, and along the ratings
		d := queue.Definition{ID: "royale", FreeForAll: &queue.FreeForAll{Max: most, Min: queue.Linear(float64(most), float64(most)/2, 10*time.Second)}}
		e := New(d)
		n := most * 3 / 4
		for i := range n {
			add(t, e, solo(fmt.Sprint("t", i), float64(i%7), start))
		}
		now := start
		var matches []Match
		for steps := 0; len(matches) == 0; steps++ {
			var next time.Time
			if matches, next = e.Step(now); len(matches) == 0 {
				if next.IsZero() || steps > 100 {
					t.Fatalf("of %d: it does not ask to be called: %v", most, next)
				}
				now = next
			}
		}
		if wait := now.Sub(start); wait < 4500*time.Millisecond || wait > 6500*time.Millisecond || len(matches[0].Tickets) != n || len(matches[0].Teams) != n {
			t.Errorf("of %d: after %v %d play, not %d", most, wait, len(matches[0].Tickets), n)
		}
	}
}

// What players say does not stay when they are gone, and cannot fill the memory while they are there.
func TestNothingStays(t *testing.T) {
	d := duel(queue.Rule{Name: "mode", Kind: queue.Equal, Attribute: "mode"}, queue.Rule{Name: "ping", Kind: queue.Latency, Limit: queue.Constant(100)})
	e := New(d)
	for i := range 200 {
		ticket := solo(fmt.Sprint("t", i), 25, start)
		ticket.Players[0].Attributes = map[string]Attribute{"mode": {Texts: []string{ticket.ID}}}
		ticket.Players[0].Latency = map[string]int{"eu": 20, fmt.Sprint("r", i): 5}
		add(t, e, ticket)
		e.Step(start)
		e.Remove(ticket.ID)
	}
	if len(e.partitions) != 0 || len(e.regions) > maxRegions || len(e.table) != 1 || len(e.heap) != 0 {
		t.Errorf("%d partitions, %d regions, a table of %d, %d in the heap", len(e.partitions), len(e.regions), len(e.table), len(e.heap))
	}
	listed := duel(queue.Rule{Name: "ping", Kind: queue.Latency, Limit: queue.Constant(100), Values: []string{"eu"}})
	elsewhere := solo("a", 25, start)
	elsewhere.Players[0].Latency = map[string]int{"moon": 5}
	if misfit := New(listed).Add(elsewhere); misfit == nil || misfit.Rule != "ping" {
		t.Errorf("%+v", misfit)
	}
}

// Asymmetric teams: one against four.
func TestAsymmetric(t *testing.T) {
	e := New(queue.Definition{ID: "hunt", Teams: []queue.Team{{Name: "hunter", Players: 1}, {Name: "prey", Players: 4}}})
	party := solo("party", 25, start)
	for i := range 3 {
		party.Players = append(party.Players, Player{ID: fmt.Sprint("m", i), Rating: rating.Rating{Mu: 25, Sigma: 3}})
	}
	add(t, e, party, solo("a", 25, start))
	matches, _ := e.Step(start)
	if len(matches) != 1 || len(matches[0].Teams[0].Seats) != 1 || len(matches[0].Teams[1].Seats) != 4 || matches[0].Quality.Closeness != 1 {
		t.Errorf("%+v", matches)
	}
}

// Of two thousand who come together nearly all are matched, at once or while the rules relax; the teams are nearly even, no rule is broken
// and nobody plays twice.
func TestCrowd(t *testing.T) {
	for _, shape := range shapes {
		e := New(shape.queue)
		r := rand.New(rand.NewPCG(7, 7))
		waiting := map[string]Ticket{}
		for i := range 2000 {
			ticket := shape.draw(r, i)
			waiting[ticket.ID] = ticket
			add(t, e, ticket)
		}
		closeness, n := 0.0, 0
		for now, next := start, start; !next.IsZero() && next.Before(start.Add(time.Minute)); now = next {
			var matches []Match
			if matches, next = e.Step(now); next.Equal(now) {
				t.Fatalf("%s: it asks for the same moment again", shape.name)
			}
			for _, m := range matches {
				if err := wrong(shape.queue, m, waiting, now); err != nil {
					t.Fatalf("%s: %v", shape.name, err)
				}
				for _, id := range m.Tickets {
					delete(waiting, id)
				}
				closeness += m.Quality.Closeness
				n++
			}
		}
		if closeness /= float64(n); closeness < 0.85 || len(waiting) > 120 || len(waiting) != e.Len() {
			t.Errorf("%s: closeness %v, %d left of 2000", shape.name, closeness, len(waiting))
		}
	}
}
