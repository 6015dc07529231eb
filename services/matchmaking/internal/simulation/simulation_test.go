package simulation

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/matchmaking/internal/queue"
)

// duel is one against one: ratings at first 2 and after 8 s 10 apart, for at most 20 s.
func duel() queue.Definition {
	return queue.Definition{
		ID: "duel", Teams: []queue.Team{{Name: "side", Players: 1, Count: 2}}, Timeout: queue.Duration(20 * time.Second),
		Rules: []queue.Rule{{Name: "skill", Kind: queue.Spread, Limit: queue.Linear(2, 10, 8*time.Second)}},
	}
}

// everything is a queue that asks about all that a ticket has.
func everything() queue.Definition {
	return queue.Definition{
		ID: "squads", Teams: []queue.Team{{Name: "team", Players: 3, Count: 2}},
		Rules: []queue.Rule{
			{Name: "skill", Kind: queue.Spread, Limit: queue.Linear(10, 40, 10*time.Second)},
			{Name: "ping", Kind: queue.Latency, Limit: queue.Linear(60, 200, 10*time.Second)},
			{Name: "mode", Kind: queue.Equal, Attribute: "mode", Until: queue.Duration(20 * time.Second)},
			{Name: "maps", Kind: queue.Intersect, Attribute: "maps", Values: []string{"x", "y"}, Until: queue.Duration(20 * time.Second)},
			{Name: "level", Kind: queue.Differ, Attribute: "level", Limit: queue.Linear(20, 100, 10*time.Second)},
			{Name: "roles", Kind: queue.Roles, Roles: []queue.Role{{Name: "tank", Count: 1}, {Name: "healer", Count: 1}}},
			{Name: "blocks", Kind: queue.Avoid},
		},
	}
}

// recording is a small evening: a and b meet at once, c waits 3 s for d, e is alone, f gives up, g is no ticket for this queue.
const recording = `
{"id":"a","at":"0s","players":[{"id":"pa","mu":20,"sigma":3}]}
{"id":"b","at":"0s","players":[{"id":"pb","mu":21,"sigma":3}]}
{"id":"d","at":"2s","players":[{"id":"pd","mu":35,"sigma":3}]}
{"id":"c","at":"1s","players":[{"id":"pc","mu":40,"sigma":3}]}
{"id":"e","at":"3s","players":[{"id":"pe","mu":90,"sigma":3}]}
{"id":"f","at":"4s","gives_up_at":"9s","players":[{"id":"pf","mu":-50,"sigma":3}]}
{"id":"g","at":"4s","players":[{"id":"pg","mu":20,"sigma":3},{"id":"ph","mu":20,"sigma":3}]}
`

func TestRun(t *testing.T) {
	arrivals, err := Read(strings.NewReader(recording))
	if err != nil {
		t.Fatal(err)
	}
	r := Run(duel(), arrivals, 25*time.Millisecond)
	want := Result{
		Queue: "duel", Tickets: 7, Matched: 4, Expired: 1, Cancelled: 1, Refused: map[string]int{"size": 1}, Matches: 2,
		// d accepts a difference of 5 after 3 s, c has waited one more.
		Waits:   []time.Duration{0, 0, 3 * time.Second, 4 * time.Second},
		Spreads: []float64{1, 5}, Latencies: []int{0, 0}, Closeness: r.Closeness, Quality: r.Quality, Steps: r.Steps, Lasted: 23 * time.Second,
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	if r.Closeness <= 0 || r.Closeness >= 1 || r.Steps > 20 {
		t.Errorf("%+v", r)
	}
}

// The table of two runs says what changed. An empty run has nothing to measure.
func TestTable(t *testing.T) {
	arrivals, err := Read(strings.NewReader(recording))
	if err != nil {
		t.Fatal(err)
	}
	wider := duel()
	wider.ID, wider.Rules[0].Limit = "wider", queue.Constant(5)
	var out strings.Builder
	if err := Table(&out, Run(duel(), arrivals, time.Millisecond), Run(wider, arrivals, time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"before: duel after: wider difference", "tickets 7 7 0", "expired 14.29 % 14.29 % 0.00 %", "wait p90 4.00 s 1.00 s -3.00 s",
		"rating spread max 5.000 5.000 0.000", "duel: rule size refuses 1 tickets that no match could hold",
	} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), line) {
			t.Errorf("there is no %q in\n%s", line, out.String())
		}
	}
	out.Reset()
	if err := Table(&out, Run(duel(), nil, time.Millisecond)); err != nil || !strings.Contains(out.String(), "-") {
		t.Error(out.String(), err)
	}
}

// Of every ticket it is told what became of it, the same each time; also under rules about everything.
func TestRunAccounts(t *testing.T) {
	for _, def := range []queue.Definition{duel(), everything()} {
		population := Population{Seed: 5, Tickets: 1500, Rate: 20, Parties: []float64{6, 3}, Regions: []string{"eu", "us"}}
		if def.Teams[0].Players == 1 {
			population.Parties = nil
		}
		one, two := Run(def, Generate(population, def), 25*time.Millisecond), Run(def, Generate(population, def), 25*time.Millisecond)
		if diff := cmp.Diff(one, two); diff != "" {
			t.Error(diff)
		}
		if one.Matched+one.Expired+one.Cancelled+one.refused() != 1500 || len(one.Waits) != one.Matched || one.Matched < 1000 {
			t.Errorf("%s: %d matched, %d expired, %d cancelled, %v refused of 1500", def.ID, one.Matched, one.Expired, one.Cancelled, one.Refused)
		}
	}
}

// A recording of generated tickets gives the same run.
func TestRecording(t *testing.T) {
	arrivals := Generate(Population{Seed: 3, Tickets: 300, Rate: 5, Parties: []float64{1, 1, 1}, Regions: []string{"eu", "us"}}, everything())
	arrivals[7].GivesUpAt = arrivals[7].At + time.Second
	arrivals[8].Ticket.FreshOnly = true
	var out bytes.Buffer
	if err := Write(&out, arrivals); err != nil {
		t.Fatal(err)
	}
	again, err := Read(&out)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(arrivals, again); diff != "" {
		t.Error(diff)
	}
}

// What is not a recording is refused by line.
func TestReadRefuses(t *testing.T) {
	for text, says := range map[string]string{
		`{"id":"a"}` + "\n" + `{"id":"a"}`:          "line 2",
		`{"id":""}`:                                 "line 1",
		`{"id":"a","at":"-1s"}`:                     "at must be",
		`{"id":"a","at":"5000h"}`:                   "at must be",
		`{"id":"a","at":"2s","gives_up_at":"1s"}`:   "gives up",
		`{"id":"a","color":1}`:                      "color",
		`{"id":"a"} {}`:                             "behind",
		"\n\n[]":                                    "line 3",
		`{"id":"` + strings.Repeat("a", longest):    "too long",
		`{"id":"a","players":[{"id":"x","mu":""}]}`: "line 1",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

// FuzzRead: no text makes it panic, and what it takes it writes so that it reads the same; the engine bears every ticket.
func FuzzRead(f *testing.F) {
	f.Add([]byte(recording))
	f.Add([]byte(`{"id":"x","players":[{"id":"p","mu":1e308,"sigma":-1,"latency":{"eu":-5},"texts":{"mode":["a"]},"numbers":{"level":1e300}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		arrivals, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := Write(&out, arrivals); err != nil {
			t.Fatal(err)
		}
		again, err := Read(bytes.NewReader(out.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		var second bytes.Buffer
		if err := Write(&second, again); err != nil || !bytes.Equal(out.Bytes(), second.Bytes()) {
			t.Fatalf("%s\n%s", out.Bytes(), second.Bytes())
		}
		for _, def := range []queue.Definition{duel(), everything()} {
			if r := Run(def, arrivals, time.Second); r.Matched+r.Expired+r.Cancelled+r.refused() != len(arrivals) {
				t.Fatalf("%+v", r)
			}
		}
	})
}
