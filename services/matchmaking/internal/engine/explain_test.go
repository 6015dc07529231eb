package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/matchmaking/internal/queue"
)

// An explanation counts who fits and whom which rule keeps away, tells how the rules relax, and when the next one comes into reach.
func TestExplain(t *testing.T) {
	d := pairsQueue()
	d.Rules = d.Rules[:6]
	e := New(d)
	me := Ticket{ID: "me", Since: start, Players: []Player{member("me", 25, "tank")}}
	one := func(id string, f func(p *Player)) Ticket {
		p := member(id, 25, "tank")
		f(&p)
		return Ticket{ID: id, Since: start, Players: []Player{p}}
	}
	add(t, e, me,
		one("twin", func(*Player) {}),
		one("better", func(p *Player) { p.Rating.Mu = 29.2 }),
		one("master", func(p *Player) { p.Rating.Mu = 60 }),
		one("elsewhere", func(p *Player) { p.Latency = map[string]int{"us": 20} }),
		one("far master", func(p *Player) { p.Rating.Mu = 60; p.Latency = map[string]int{"us": 20} }),
		one("other mode", func(p *Player) { p.Attributes["mode"] = Attribute{Texts: []string{"n"}} }),
		one("blocked", func(p *Player) { p.Avoid = []string{"me"} }),
	)
	now := start.Add(time.Second)
	e.Step(now)
	x, ok := e.Explain("me", now)
	if !ok {
		t.Fatal("it is not there")
	}
	want := Explanation{
		Waited: time.Second, Needed: 3, Looked: 7, Fit: 1,
		Excluded: []Exclusion{
			{"skill", 2, 3}, {"ping", 1, 2}, {"blocks", 1, 1}, {"mode", 1, 1},
		},
		Missing: []Shortage{{"healer", 0, 2}},
		Relaxes: []Relaxation{{Rule: "skill", At: start.Add(10 * time.Second), Limit: 10}},
		Meets:   start.Add(1715 * time.Millisecond), // 3 + 0.7/s reaches 4.2 after 1.7143 s
	}
	if diff := cmp.Diff(want, x); diff != "" {
		t.Error(diff)
	}
	if _, ok := e.Explain("nobody", now); ok {
		t.Error("somebody who is not there is explained")
	}
}

// The expected wait is the median of those alike.
func TestExpected(t *testing.T) {
	e := New(duel(skill))
	for i := range 40 {
		since := start.Add(-time.Duration(i) * time.Second)
		add(t, e, solo(fmt.Sprint("a", i), 10, since), solo(fmt.Sprint("b", i), 10, since))
	}
	e.Step(start)
	add(t, e, solo("me", 50, start))
	if x, _ := e.Explain("me", start); x.Sample != alike || x.Expected <= 0 {
		t.Errorf("%+v", x)
	}
}

// Of a large pool the nearest are looked at.
func TestExplainMany(t *testing.T) {
	e := New(duel(queue.Rule{Name: "skill", Kind: queue.Spread, Limit: queue.Constant(0.5)}))
	for i := range 5000 {
		add(t, e, solo(fmt.Sprint("t", i), float64(i), start))
	}
	e.Step(start)
	x, _ := e.Explain("t2500", start)
	if diff := cmp.Diff(Explanation{Needed: 1, Looked: looked, Excluded: []Exclusion{{"skill", looked, looked}}}, x); diff != "" {
		t.Error(diff)
	}
}
