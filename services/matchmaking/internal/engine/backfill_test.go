package engine

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/matchmaking/internal/queue"
	"supergame/services/matchmaking/internal/rating"
	"supergame/services/platform/fault"
)

// pairsQueue is two against two, with every rule that a running match has to mind.
func pairsQueue() queue.Definition {
	return queue.Definition{
		ID: "pairs", Teams: []queue.Team{{Name: "team", Players: 2, Count: 2}},
		Rules: []queue.Rule{
			{Name: "skill", Kind: queue.Spread, Limit: queue.Linear(3, 10, 10*time.Second)},
			{Name: "ping", Kind: queue.Latency, Limit: queue.Constant(100)},
			{Name: "mode", Kind: queue.Equal, Attribute: "mode"},
			{Name: "maps", Kind: queue.Intersect, Attribute: "maps", Values: []string{"x", "y"}},
			{Name: "roles", Kind: queue.Roles, Roles: []queue.Role{{Name: "tank", Count: 1}, {Name: "healer", Count: 1}}},
			{Name: "blocks", Kind: queue.Avoid},
			{Name: "running", Kind: queue.Backfill, From: queue.Duration(2 * time.Second)},
		},
	}
}

// member is a player for pairsQueue.
func member(id string, mu float64, roles ...string) Player {
	return Player{
		ID: id, Rating: rating.Rating{Mu: mu, Sigma: 3}, Roles: roles, Latency: map[string]int{"eu": 30},
		Attributes: map[string]Attribute{"mode": {Texts: []string{"m"}}, "maps": {Texts: []string{"x", "y"}}},
	}
}

// running lacks a healer in its second team.
func running() Backfill {
	return Backfill{
		ID: "match-1", Since: start, Region: "eu", Leavers: []string{"gone"},
		Rosters: []Roster{
			{Players: []Player{member("r1", 25, "tank"), member("r2", 26, "healer")}, Roles: []string{"tank", "healer"}},
			{Players: []Player{member("r3", 25, "tank", "healer")}, Roles: []string{"tank"}, Open: 1},
		},
	}
}

// Whoever may not fill the gap does not, whatever the reason; then comes who may.
func TestBackfill(t *testing.T) {
	change := func(f func(p *Player)) Player {
		p := member("x", 25, "healer")
		f(&p)
		return p
	}
	avoided := running()
	avoided.Rosters[0].Players[0].Avoid = []string{"x"}
	now := start.Add(5 * time.Second)
	for name, test := range map[string]struct {
		ticket Ticket
		into   Backfill
		fills  bool
	}{
		"fits":        {Ticket{Players: []Player{member("x", 25, "healer")}}, running(), true},
		"either role": {Ticket{Players: []Player{member("x", 25, "tank", "healer")}}, running(), true},
		"wrong role":  {Ticket{Players: []Player{member("x", 25, "tank")}}, running(), false},
		"fresh only":  {Ticket{FreshOnly: true, Players: []Player{member("x", 25, "healer")}}, running(), false},
		"too new":     {Ticket{Since: now.Add(-time.Second), Players: []Player{member("x", 25, "healer")}}, running(), false},
		"left before": {Ticket{Players: []Player{member("gone", 25, "healer")}}, running(), false},
		"too good":    {Ticket{Players: []Player{member("x", 33, "healer")}}, running(), false},
		"far away":    {Ticket{Players: []Player{change(func(p *Player) { p.Latency = map[string]int{"us": 10} })}}, running(), false},
		"other mode":  {Ticket{Players: []Player{change(func(p *Player) { p.Attributes["mode"] = Attribute{Texts: []string{"n"}} })}}, running(), false},
		"avoids":      {Ticket{Players: []Player{change(func(p *Player) { p.Avoid = []string{"r2"} })}}, running(), false},
		"avoided":     {Ticket{Players: []Player{member("x", 25, "healer")}}, avoided, false},
		"a party":     {Ticket{Players: []Player{member("x", 25, "healer"), member("y", 25, "tank")}}, running(), false},
	} {
		e := New(pairsQueue())
		if err := e.AddBackfill(test.into); err != nil {
			t.Fatal(err)
		}
		test.ticket.ID = "t"
		if test.ticket.Since.IsZero() {
			test.ticket.Since = start
		}
		add(t, e, test.ticket)
		matches, _ := e.Step(now)
		if filled := len(matches) == 1; filled != test.fills {
			t.Errorf("%s: %+v", name, matches)
		}
		if test.fills && (matches[0].Backfill != "match-1" || matches[0].Teams[1].Seats[0].Role != "healer" || len(matches[0].Teams[0].Seats) != 0 ||
			matches[0].Region != "eu" || e.Len() != 0 || e.RemoveBackfill("match-1")) {
			t.Errorf("%s: %+v", name, matches)
		}
	}
}

// A ticket that may not yet fill a gap is looked at again when it may, without being asked for.
func TestBackfillLater(t *testing.T) {
	e := New(pairsQueue())
	if err := e.AddBackfill(running()); err != nil {
		t.Fatal(err)
	}
	add(t, e, Ticket{ID: "t", Since: start, Players: []Player{member("x", 29, "healer")}})
	now := start
	for range 100 {
		matches, next := e.Step(now)
		if len(matches) > 0 {
			// The rating is 4 from the furthest: a limit of 4 after 1.43 s, but fills are from 2 s on.
			if wait := now.Sub(start); wait < 2*time.Second || wait > 3*time.Second {
				t.Errorf("after %v", wait)
			}
			return
		}
		if next.IsZero() {
			break
		}
		now = next
	}
	t.Error("never")
}

// The oldest running match is filled first, and before new matches are made.
func TestBackfillFirst(t *testing.T) {
	e := New(pairsQueue())
	older, younger := running(), running()
	younger.ID, younger.Since = "match-0", start.Add(time.Second)
	for _, b := range []Backfill{younger, older} {
		if err := e.AddBackfill(b); err != nil {
			t.Fatal(err)
		}
	}
	for i, role := range []string{"healer", "healer", "tank", "tank"} {
		id := string(rune('a' + i))
		add(t, e, Ticket{ID: id, Since: start, Players: []Player{member(id, 25, role)}})
	}
	matches, _ := e.Step(start.Add(5 * time.Second))
	var filled []string
	for _, m := range matches {
		filled = append(filled, m.Backfill)
	}
	if diff := cmp.Diff([]string{"match-1", "match-0"}, filled); diff != "" {
		t.Error(diff)
	}
}

// A new definition under which a running match cannot be filled names it.
func TestBackfillRedefined(t *testing.T) {
	e := New(pairsQueue())
	if err := e.AddBackfill(running()); err != nil {
		t.Fatal(err)
	}
	d := pairsQueue()
	d.Rules = append(d.Rules, queue.Rule{Name: "weather", Kind: queue.Equal, Attribute: "weather"})
	misfits := e.Redefine(d)
	if len(misfits) != 1 || misfits[0].Ticket != "match-1" || misfits[0].Rule != "weather" || e.RemoveBackfill("match-1") {
		t.Errorf("%+v", misfits)
	}
	if err := e.AddBackfill(running()); err == nil {
		t.Error("it takes it all the same")
	}
}

func TestBackfillMisfits(t *testing.T) {
	for name, change := range map[string]func(*Backfill){
		"sides":       func(b *Backfill) { b.Rosters = b.Rosters[:1] },
		"too many":    func(b *Backfill) { b.Rosters[1].Open = 2 },
		"negative":    func(b *Backfill) { b.Rosters[1].Open = -1 },
		"nobody":      func(b *Backfill) { b.Rosters = []Roster{{Open: 2}, {Open: 2}} },
		"other modes": func(b *Backfill) { b.Rosters[0].Players[0].Attributes["mode"] = Attribute{Texts: []string{"n"}} },
		"region":      func(b *Backfill) { b.Region = "moon" },
		"no mode":     func(b *Backfill) { delete(b.Rosters[0].Players[0].Attributes, "mode") },
	} {
		b := running()
		change(&b)
		d := pairsQueue()
		d.Rule(queue.Latency).Values = []string{"eu", "us"}
		if err := New(d).AddBackfill(b); !fault.Is(err, fault.FailedPrecondition) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
