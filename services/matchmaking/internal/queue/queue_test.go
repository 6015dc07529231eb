package queue

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"supergame/services/platform/fault"
)

// squads uses everything a definition may say.
func squads() Definition {
	return Definition{
		ID: "squads", Version: 3,
		Teams: []Team{{Name: "red", Players: 5, Count: 2}},
		Rules: []Rule{
			{Name: "skill", Kind: Spread, Limit: Linear(5, 20, 30*time.Second)},
			{Name: "fair", Kind: TeamMean, Limit: Constant(2)},
			{Name: "ping", Kind: Latency, Limit: &Curve{Steps: true, Points: []Point{{0, 60}, {Duration(10 * time.Second), 120}}}},
			{Name: "mode", Kind: Equal, Attribute: "mode"},
			{Name: "maps", Kind: Intersect, Attribute: "maps", Values: []string{"canyon", "docks", "mill"}, Limit: Constant(1)},
			{Name: "level", Kind: Differ, Attribute: "level", Limit: Constant(10), Until: Duration(time.Minute)},
			{Name: "roles", Kind: Roles, Roles: []Role{{"tank", 1}, {"healer", 2}, {"damage", 2}}},
			{Name: "parties", Kind: Parties, Limit: Linear(1, 4, time.Minute)},
			{Name: "blocks", Kind: Avoid, Until: Duration(2 * time.Minute)},
			{Name: "running", Kind: Backfill, From: Duration(5 * time.Second)},
		},
		Rating: Scale{Mu: 25, Sigma: 8, Beta: 4}, Weights: Weights{Closeness: 0.5, Latency: 0.3, Waiting: 0.2},
		GoodEnough: 0.9, Collect: Duration(100 * time.Millisecond), Timeout: Duration(3 * time.Minute), Gather: Duration(20 * time.Second),
		Idle: Duration(30 * time.Second), MaxDuration: Duration(time.Hour), MaxParty: 3,
		Acceptance: &Acceptance{Timeout: Duration(15 * time.Second)},
		Allocation: &Allocation{Provider: "agones", Target: "fleet-squads", Deadline: Duration(45 * time.Second)},
		Group:      "ranked", PoolBy: "platform",
	}
}

// TestGolden pins the JSON form: what an operator wrote down stays readable.
func TestGolden(t *testing.T) {
	royale := Definition{ID: "royale", FreeForAll: &FreeForAll{Max: 100, Min: Linear(100, 60, time.Minute)}}
	for file, d := range map[string]Definition{"squads.v1.json": squads(), "royale.v1.json": royale} {
		path := filepath.Join("testdata", file)
		text, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if os.Getenv("GOLDEN") != "" {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(text)); diff != "" {
			t.Error(diff)
		}
		read, err := Parse(want)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, read); diff != "" {
			t.Error(diff)
		}
	}
}

// Each mistake is refused, and the refusal names the field and the rule.
func TestWrong(t *testing.T) {
	duel := func() Definition { return Definition{ID: "duel", Teams: []Team{{Name: "side", Players: 1, Count: 2}}} }
	rule := func(r Rule) func(*Definition) { return func(d *Definition) { d.Rules = append(d.Rules, r) } }
	for name, test := range map[string]struct {
		change func(*Definition)
		path   string
		says   string
	}{
		"id":                {func(d *Definition) { d.ID = "Duel!" }, "id", ""},
		"no teams":          {func(d *Definition) { d.Teams = nil }, "teams", ""},
		"one side":          {func(d *Definition) { d.Teams[0].Count = 1 }, "teams", "2 sides"},
		"too many":          {func(d *Definition) { d.Teams[0].Players = 60 }, "teams", "120 players"},
		"huge count":        {func(d *Definition) { d.Teams[0].Count = 1 << 40 }, "teams[0].count", ""},
		"huge team":         {func(d *Definition) { d.Teams[0].Players = 1 << 62 }, "teams[0].players", ""},
		"twins":             {func(d *Definition) { d.Teams = []Team{{Name: "a", Players: 1}, {Name: "a", Players: 1}} }, "teams", "named a"},
		"numbered twins":    {func(d *Definition) { d.Teams = []Team{{"a", 1, 2}, {"a-2", 1, 1}} }, "teams", "named a-2"},
		"both":              {func(d *Definition) { d.FreeForAll = &FreeForAll{Max: 4} }, "teams", ""},
		"ffa size":          {func(d *Definition) { d.Teams, d.FreeForAll = nil, &FreeForAll{Max: 101} }, "free_for_all.max", ""},
		"ffa min":           {func(d *Definition) { d.Teams, d.FreeForAll = nil, &FreeForAll{Max: 9, Min: Constant(10)} }, "free_for_all.min[0].limit", ""},
		"ffa min rises":     {func(d *Definition) { d.Teams, d.FreeForAll = nil, &FreeForAll{Max: 9, Min: Linear(2, 3, time.Second)} }, "free_for_all.min[1].limit", ""},
		"party":             {func(d *Definition) { d.MaxParty = 2 }, "max_party", ""},
		"good enough":       {func(d *Definition) { d.GoodEnough = 1.5 }, "good_enough", ""},
		"collect":           {func(d *Definition) { d.Collect = Duration(time.Minute) }, "collect", ""},
		"acceptance size":   {func(d *Definition) { d.Teams[0].Players = 25; d.Acceptance = &Acceptance{Duration(time.Second)} }, "acceptance", "48"},
		"acceptance":        {func(d *Definition) { d.Acceptance = &Acceptance{} }, "acceptance.timeout", ""},
		"provider":          {func(d *Definition) { d.Allocation = &Allocation{Provider: "k8s", Target: "x"} }, "allocation.provider", ""},
		"kind":              {rule(Rule{Name: "x", Kind: "vibes"}), "rules[0].kind", `"x"`},
		"no limit":          {rule(Rule{Name: "skill", Kind: Spread}), "rules[0].limit", `"skill"`},
		"tightens":          {rule(Rule{Name: "skill", Kind: Spread, Limit: Linear(5, 4, time.Second)}), "rules[0].limit[1].limit", `"skill"`},
		"back in time":      {rule(Rule{Name: "skill", Kind: Spread, Limit: &Curve{Points: []Point{{5, 1}, {5, 2}}}}), "rules[0].limit[1].after", `"skill"`},
		"no points":         {rule(Rule{Name: "skill", Kind: Spread, Limit: &Curve{}}), "rules[0].limit", `"skill"`},
		"negative":          {rule(Rule{Name: "skill", Kind: Spread, Limit: Constant(-1)}), "rules[0].limit[0].limit", `"skill"`},
		"attribute":         {rule(Rule{Name: "mode", Kind: Equal}), "rules[0].attribute", `"mode"`},
		"unknown attribute": {rule(Rule{Name: "ping", Kind: Latency, Attribute: "a", Limit: Constant(50)}), "rules[0].attribute", `"ping"`},
		"values":            {rule(Rule{Name: "maps", Kind: Intersect, Attribute: "maps"}), "rules[0].values", `"maps"`},
		"values twice":      {rule(Rule{Name: "maps", Kind: Intersect, Attribute: "maps", Values: []string{"a", "a"}}), "rules[0].values[1]", `"maps"`},
		"too much to share": {rule(Rule{Name: "maps", Kind: Intersect, Attribute: "maps", Values: []string{"a"}, Limit: Constant(2)}), "rules[0].limit[0].limit", `"maps"`},
		"roles too many":    {rule(Rule{Name: "roles", Kind: Roles, Roles: []Role{{"tank", 2}}}), "rules[0].roles", `"roles"`},
		"huge role":         {rule(Rule{Name: "roles", Kind: Roles, Roles: []Role{{"tank", 1 << 62}, {"a", 1 << 62}}}), "rules[0].roles[0].count", `"roles"`},
		"regions twice":     {rule(Rule{Name: "ping", Kind: Latency, Limit: Constant(50), Values: []string{"eu", "eu"}}), "rules[0].values[1]", `"ping"`},
		"values of a rule":  {rule(Rule{Name: "skill", Kind: Spread, Limit: Constant(50), Values: []string{"eu"}}), "rules[0].values", `"skill"`},
		"latency dropped":   {rule(Rule{Name: "ping", Kind: Latency, Limit: Constant(50), Until: Duration(time.Second)}), "rules[0].until", `"ping"`},
		"from":              {rule(Rule{Name: "blocks", Kind: Avoid, From: Duration(time.Second)}), "rules[0].from", `"blocks"`},
		"same name": {func(d *Definition) {
			d.Rules = []Rule{{Name: "x", Kind: Avoid}, {Name: "x", Kind: Backfill}}
		}, "rules[1].name", `"x"`},
		"twice": {func(d *Definition) {
			d.Rules = []Rule{{Name: "x", Kind: Avoid}, {Name: "y", Kind: Avoid}}
		}, "rules[1].kind", `"y"`},
	} {
		d := duel()
		test.change(&d)
		e := fault.As(d.Validate())
		if e == nil || e.Kind != fault.InvalidArgument || e.Reason != "INVALID_QUEUE" {
			t.Errorf("%s: %v", name, e)
			continue
		}
		if e.Fields[0].Path != test.path || !strings.Contains(e.Fields[0].Description, test.says) {
			t.Errorf("%s: %+v, want %s with %s", name, e.Fields, test.path, test.says)
		}
	}
	d := duel()
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
	d = squads()
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `{}`, `{"id":"a","unknown":1}`, `{"id":"a"} {}`, `{"id":"a","collect":5}`,
		`{"id":"a","teams":[{"name":"x","players":1,"count":2}],"rules":[{"name":"s","kind":"rating_spread","limit":{"points":[]}}]}`,
		`{"id":"a","teams":[{"name":"x","players":1,"count":2}],"rules":[{"name":"s","kind":"rating_spread","limit":"5"}]}`,
	} {
		if _, err := Parse([]byte(text)); fault.As(err) == nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// The limit at the wait that Reach returns is reached, and a millisecond before it was not.
func TestCurve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Curve{Steps: rapid.Bool().Draw(t, "steps")}
		after, limit := time.Duration(0), 0.0
		for range rapid.IntRange(1, 6).Draw(t, "points") {
			c.Points = append(c.Points, Point{Duration(after), limit})
			after += time.Duration(rapid.IntRange(1, 60_000).Draw(t, "ms")) * time.Millisecond
			limit += rapid.Float64Range(0, 100).Draw(t, "rise")
		}
		aim := rapid.Float64Range(-1, limit+10).Draw(t, "aim")
		wait, ok := c.Reach(aim)
		switch {
		case !ok:
			if c.Final() >= aim {
				t.Fatalf("%v reaches %v", c, aim)
			}
		case c.At(wait) < aim:
			t.Fatalf("%v at %v is %v, short of %v", c, wait, c.At(wait), aim)
		case wait > 2*time.Millisecond && c.At(wait-2*time.Millisecond) > aim+1e-6:
			t.Fatalf("%v is past %v long before %v", c, aim, wait)
		}
	})
}

func TestSides(t *testing.T) {
	d := Definition{Teams: []Team{{Name: "hunter", Players: 1}, {Name: "prey", Players: 4}}}
	if diff := cmp.Diff([]Side{{"hunter", 1}, {"prey", 4}}, d.Sides()); diff != "" || d.Players() != 5 {
		t.Error(diff)
	}
	f := Definition{FreeForAll: &FreeForAll{Max: 3}}
	if diff := cmp.Diff([]Side{{"player-1", 1}, {"player-2", 1}, {"player-3", 1}}, f.Sides()); diff != "" {
		t.Error(diff)
	}
	if d := squads().WithDefaults(); d.MaxParty != 3 || d.Collect != Duration(100*time.Millisecond) {
		t.Error("a default overwrites what is said")
	}
	if d := d.WithDefaults(); d.MaxParty != 4 || d.Rating.Beta != 25.0/6 || d.Timeout == 0 {
		t.Errorf("%+v", d)
	}
}

// FuzzParse: no text makes the parser panic, and what it takes it writes back the same.
func FuzzParse(f *testing.F) {
	d := squads()
	text, _ := d.JSON()
	f.Add(text)
	f.Add([]byte(`{"id":"a","free_for_all":{"max":2,"min":{"steps":[{"after":"0s","limit":2}]}},"collect":"-9223372036854775808ns"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(text)
		if err != nil {
			return
		}
		written, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(written)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		second, err := again.JSON()
		if err != nil || string(second) != string(written) {
			t.Fatalf("%s\n%s", written, second)
		}
		full := d.WithDefaults()
		if err := full.Validate(); err != nil {
			t.Fatalf("the defaults are wrong: %v", err)
		}
	})
}
