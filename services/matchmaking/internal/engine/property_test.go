package engine

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"supergame/services/matchmaking/internal/queue"
)

// TestAnything: whatever comes and goes under whatever rules, no match breaks a rule, no ticket is in two, and another engine that
// is told the same does the same.
func TestAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawQueue(t)
		engines := [2]*Engine{New(d), New(d)}
		waiting := map[string]Ticket{}
		now := start
		for id := range rapid.IntRange(1, 40).Draw(t, "calls") {
			switch rapid.IntRange(0, 9).Draw(t, "call") {
			default:
				ticket := drawTicket(t, d, id, now.Add(-time.Duration(rapid.IntRange(0, 5).Draw(t, "age"))*time.Second))
				one, two := engines[0].Add(ticket), engines[1].Add(ticket)
				if (one == nil) != (two == nil) {
					t.Fatal("one takes the ticket, the other does not")
				}
				if one == nil {
					waiting[ticket.ID] = ticket
				}
			case 0:
				for _, ticket := range sorted(waiting) {
					if one, two := engines[0].Remove(ticket.ID), engines[1].Remove(ticket.ID); !one || !two || engines[0].Remove(ticket.ID) {
						t.Fatal("a waiting ticket cannot be removed, or twice")
					}
					delete(waiting, ticket.ID)
					break
				}
			case 1:
				d = drawQueue(t)
				one, two := engines[0].Redefine(d), engines[1].Redefine(d)
				for i, misfit := range one {
					if misfit.Ticket != two[i].Ticket {
						t.Fatal("the two do not agree who fits")
					}
					delete(waiting, misfit.Ticket)
				}
			case 2, 3, 4:
				now = now.Add(time.Duration(rapid.IntRange(0, 8000).Draw(t, "ms")) * time.Millisecond)
				one, wake := engines[0].Step(now)
				two, again := engines[1].Step(now)
				if diff := gocmp.Diff(one, two, cmpopts.EquateEmpty()); diff != "" || !wake.Equal(again) {
					t.Fatalf("the two do not agree: %s", diff)
				}
				if !wake.IsZero() && !wake.After(now) {
					t.Fatalf("the next step is at %v, now is %v", wake, now)
				}
				for _, m := range one {
					if err := wrong(d, m, waiting, now); err != nil {
						t.Fatal(err)
					}
					for _, id := range m.Tickets {
						delete(waiting, id)
					}
				}
			}
			if engines[0].Len() != len(waiting) {
				t.Fatalf("%d wait, not %d", engines[0].Len(), len(waiting))
			}
		}
	})
}

func sorted(waiting map[string]Ticket) []Ticket {
	list := make([]Ticket, 0, len(waiting))
	for _, t := range waiting {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b Ticket) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// TestNobodyWaitsInVain: tickets that come at their own times are left alone with the engine, which is called only when it asks. In
// the end, when nothing relaxes any more, no match can be made of those that are left, in any way.
func TestNobodyWaitsInVain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawQueue(t)
		e := New(d)
		waiting := map[string]Ticket{}
		now := start
		for id := range rapid.IntRange(1, 9).Draw(t, "tickets") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			ticket := drawTicket(t, d, id, now)
			if e.Add(ticket) == nil {
				waiting[ticket.ID] = ticket
			}
			settle(t, d, e, waiting, now, now)
		}
		end := now.Add(21 * time.Second)
		settle(t, d, e, waiting, now, end)
		if left, ok := anyMatch(d, sorted(waiting), end); ok {
			t.Fatalf("%d of %d could play: %+v\nunder %+v", len(left), len(waiting), left, d)
		}
	})
}

// settle calls the engine now and whenever it asks until a moment, and checks its matches.
func settle(t *rapid.T, d queue.Definition, e *Engine, waiting map[string]Ticket, now, until time.Time) {
	for steps := 0; ; steps++ {
		if steps > 10_000 {
			t.Fatal("it asks to be called without end")
		}
		matches, next := e.Step(now)
		for _, m := range matches {
			if err := wrong(d, m, waiting, now); err != nil {
				t.Fatal(err)
			}
			for _, id := range m.Tickets {
				delete(waiting, id)
			}
		}
		if next.IsZero() || next.After(until) {
			return
		}
		now = next
	}
}

// drawDuel draws a queue of one against one by rating alone.
func drawDuel(t *rapid.T) queue.Definition {
	d := queue.Definition{ID: "duel", Teams: []queue.Team{{Name: "side", Players: 1, Count: 2}}}
	d.Rules = []queue.Rule{{Name: "skill", Kind: queue.Spread, Limit: drawCurve(t, "skill", 0, 12)}}
	return d
}

// TestDuelsOfOneMoment: of tickets that came together as many pairs are made as there are in the best of all ways.
func TestDuelsOfOneMoment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDuel(t)
		e := New(d)
		var tickets []Ticket
		for id := range rapid.IntRange(0, 12).Draw(t, "tickets") {
			ticket := drawTicket(t, d, id, start)
			tickets = append(tickets, ticket)
			e.Add(ticket)
		}
		now := start.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond)
		matches, _ := e.Step(now)
		if best := mostPairs(d, tickets, now, map[uint]int{}, 0); len(matches) != best {
			t.Fatalf("%d pairs, and there are %d", len(matches), best)
		}
	})
}

// mostPairs counts the pairs of the largest matching of those that are not used.
func mostPairs(d queue.Definition, tickets []Ticket, now time.Time, known map[uint]int, used uint) int {
	if n, ok := known[used]; ok {
		return n
	}
	best := 0
	for i := range tickets {
		if used&(1<<i) != 0 {
			continue
		}
		best = mostPairs(d, tickets, now, known, used|1<<i) // he stays alone
		for j := i + 1; j < len(tickets); j++ {
			if used&(1<<j) == 0 && paired(d, tickets[i], tickets[j], now) {
				best = max(best, 1+mostPairs(d, tickets, now, known, used|1<<i|1<<j))
			}
		}
		break
	}
	known[used] = best
	return best
}

func paired(d queue.Definition, a, b Ticket, now time.Time) bool {
	return broken(d, []Ticket{a, b}, [][]int{{0}, {1}}, "", now) == ""
}

// TestDuelsMeet: the engine, called only when it asks, makes every pair that a brute force finds within 2 ms of the moment at which
// the two first accept one another: at no moment are two left that did so 2 ms ago.
func TestDuelsMeet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDuel(t)
		e := New(d)
		waiting := map[string]Ticket{}
		now := start
		for id := range rapid.IntRange(2, 8).Draw(t, "tickets") {
			ticket := drawTicket(t, d, id, now)
			e.Add(ticket)
			waiting[ticket.ID] = ticket
			until := now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
			if id == 7 {
				until = now.Add(25 * time.Second)
			}
			settle(t, d, e, waiting, now, until)
			now = until
			left := sorted(waiting)
			for i, a := range left {
				for _, b := range left[:i] {
					if paired(d, a, b, now.Add(-2*time.Millisecond)) {
						t.Fatalf("%+v and %+v are left at %v", a, b, now.Sub(start))
					}
				}
			}
		}
	})
}

// The list holds what a sorted slice holds, and its neighbors are the slice's.
func TestList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &list{}
		var model []*ticket
		compare := func(a, b *ticket) int { return cmp.Or(cmp.Compare(a.rating, b.rating), cmp.Compare(a.id, b.id)) }
		bulk := rapid.IntRange(0, 600).Draw(t, "bulk")
		for id := range int32(bulk + rapid.IntRange(0, 60).Draw(t, "calls")) {
			if int(id) >= bulk && len(model) > 0 && rapid.IntRange(0, 3).Draw(t, "remove") > 0 {
				from := rapid.IntRange(0, len(model)-1).Draw(t, "from")
				to := min(len(model), from+rapid.IntRange(0, 200).Draw(t, "n"))
				for _, x := range model[from:to] {
					l.remove(x)
				}
				model = slices.Delete(model, from, to)
			} else {
				x := &ticket{id: id, rating: math.Floor(rapid.Float64Range(0, 50).Draw(t, "rating"))}
				at, _ := slices.BinarySearchFunc(model, x, compare)
				model = slices.Insert(model, at, x)
				l.insert(x)
			}
		}
		if l.n != len(model) {
			t.Fatalf("%d, not %d", l.n, len(model))
		}
		probe := &ticket{id: math.MaxInt32, rating: math.Floor(rapid.Float64Range(0, 50).Draw(t, "probe"))}
		if len(model) > 0 && rapid.Bool().Draw(t, "inside") {
			probe = rapid.SampledFrom(model).Draw(t, "which")
		}
		at, inside := slices.BinarySearchFunc(model, probe, compare)
		left, right := l.find(probe)
		for i := at - 1; ; i-- {
			x, p, ok := l.down(left)
			if ok != (i >= 0) || ok && x.id != model[i].id {
				t.Fatalf("going down from %d: at %d", at, i)
			}
			if !ok {
				break
			}
			left = place{p.block, p.index - 1}
		}
		if inside {
			at++
		}
		for i := at; ; i++ {
			x, p, ok := l.up(right)
			if ok != (i < len(model)) || ok && x.id != model[i].id {
				t.Fatalf("going up from %d: at %d", at, i)
			}
			if !ok {
				break
			}
			right = place{p.block, p.index + 1}
		}
	})
}

// The index finds what a map holds, also among many whose hashes are alike.
func TestIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := newIndex()
		model := map[string]*ticket{}
		var table []*ticket
		for range rapid.IntRange(1, 300).Draw(t, "calls") {
			name := fmt.Sprint(rapid.IntRange(0, 80).Draw(t, "name"))
			hash := x.hash(name)
			if rapid.Bool().Draw(t, "alike") {
				hash = uint32(len(name)) + 60 // at the end of the table
			}
			known := model[name]
			if known != nil {
				hash = known.hash
			}
			if got := x.find(table, hash, name); got != known {
				t.Fatalf("%s: %v, not %v", name, got, known)
			}
			if known != nil {
				x.remove(known)
				delete(model, name)
				continue
			}
			added := &ticket{id: int32(len(table)), hash: hash, source: Ticket{ID: name}}
			table = append(table, added)
			x.insert(added)
			model[name] = added
		}
		for name, known := range model {
			if x.find(table, known.hash, name) != known || x.n != len(model) {
				t.Fatalf("%s is lost", name)
			}
		}
	})
}
