// Package queue holds the definition of a queue as data: who plays whom, under which rules, and how the rules relax while somebody
// waits. It knows what makes a definition wrong ([Definition.Validate]) and how it is written down ([Parse], [Definition.JSON]); it
// matches nobody: that is the engine's work.
//
// # Consent
//
// Every rule of a match holds for each of its tickets at that ticket's own waiting time. Where a rule has a curve, two tickets may
// differ by what both accept, so by the limit of the one that has waited less. Rules only relax: what a ticket accepts once, it
// accepts until its definition changes.
//
// A party counts as one: its rating and its numbers are the means of its players, its latency to a region is the highest, its set is what
// all of them have in common, and what must be equal is equal among them. What they differ by among themselves no rule minds.
package queue

import "time"

// Bounds of a definition.
const (
	MaxPlayers           = 100 // of one match
	MaxAcceptancePlayers = 48  // of one match that its players are asked to accept
	MaxRules             = 20
	MaxPoints            = 16 // of one curve
	MaxRoles             = 6
	MaxValues            = 64 // of one set
)

// Definition is one queue. The zero value of an optional field means its default, which [Definition.WithDefaults] fills in.
type Definition struct {
	ID         string      `json:"id"`
	Version    int64       `json:"version,omitempty,string"` // given by the store; a file need not say it
	Teams      []Team      `json:"teams,omitempty"`          // this or FreeForAll
	FreeForAll *FreeForAll `json:"free_for_all,omitempty"`
	MaxParty   int         `json:"max_party,omitempty"` // default: the largest team, in a free-for-all one

	Rules   []Rule  `json:"rules,omitempty"`
	Rating  Scale   `json:"rating,omitzero"`
	Weights Weights `json:"weights,omitzero"`

	// A match of at least this quality (0 to 1) is made at once; for a lesser one a ticket waits up to Collect for a better one.
	GoodEnough float64  `json:"good_enough,omitempty"`
	Collect    Duration `json:"collect,omitempty"` // default 50 ms

	Timeout     Duration    `json:"timeout,omitempty"`      // how long a ticket searches; default 5 min
	Gather      Duration    `json:"gather,omitempty"`       // how long a party has to join; default 30 s
	Idle        Duration    `json:"idle,omitempty"`         // nobody watches for so long: the ticket rests; 0 = never
	MaxDuration Duration    `json:"max_duration,omitempty"` // of a match without a result; default 2 h
	Acceptance  *Acceptance `json:"acceptance,omitempty"`
	Allocation  *Allocation `json:"allocation,omitempty"`

	Group  string `json:"group,omitempty"`   // queues of one group share their pools; default: the queue alone. Fixed at creation
	PoolBy string `json:"pool_by,omitempty"` // the attribute by whose value tickets part for good; default none. Fixed at creation
}

// Team is one side of a match, or Count equal ones.
type Team struct {
	Name    string `json:"name"`
	Players int    `json:"players"`
	Count   int    `json:"count,omitempty"` // default 1; of several the names are numbered: red-1, red-2
}

// FreeForAll is a match of everybody against everybody: each player is a side of his own.
type FreeForAll struct {
	Max int    `json:"max"`          // players of a full match, 2 to 100
	Min *Curve `json:"min,omitzero"` // how few are enough, by the waiting time of the oldest ticket; falls. Default: a full match only
}

// Kind says what a rule demands.
type Kind string

// The kinds of rules. Those marked "once" stand at most once in a definition.
const (
	Spread    Kind = "rating_spread" // once: the ratings of any two tickets differ by at most the limit
	TeamMean  Kind = "team_rating"   // once: the mean ratings of any two teams differ by at most the limit
	Latency   Kind = "latency"       // once: one region to which every player has at most the limit in ms
	Equal     Kind = "equal"         // all tickets have the same value of the attribute
	Intersect Kind = "intersect"     // all tickets share at least the limit (default 1) of the attribute's values
	Differ    Kind = "difference"    // the attribute's numbers of any two tickets differ by at most the limit
	Roles     Kind = "roles"         // once: each team is made of these roles
	Parties   Kind = "party_balance" // once: the sizes of the teams' largest parties differ by at most the limit
	Avoid     Kind = "avoid"         // once: nobody meets a player whom he avoids, nor one who avoids him
	Backfill  Kind = "backfill"      // once: a ticket fills a gap of a running match after waiting From, unless it asks for a fresh one
)

// Rule is one demand on a match. Which fields count depends on its kind.
type Rule struct {
	Name      string   `json:"name"` // unique; explanations and failures name it
	Kind      Kind     `json:"kind"`
	Attribute string   `json:"attribute,omitempty"` // equal, intersect, difference
	Values    []string `json:"values,omitempty"`    // intersect: what a ticket may choose from; latency: the regions, default any up to 64
	Roles     []Role   `json:"roles,omitempty"`     // roles: what a team needs; who is left over plays anything
	Limit     *Curve   `json:"limit,omitzero"`      // rating_spread, team_rating, latency, intersect, difference, party_balance
	Until     Duration `json:"until,omitempty"`     // the rule is dropped for a ticket that has waited so long; 0 = never. Not: roles, backfill, latency
	From      Duration `json:"from,omitempty"`      // backfill
}

// Role is a part that a team needs.
type Role struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// Scale says in which units ratings are: what a newcomer has and how far apart two players are of whom the better one wins about
// four games in five (Beta).
type Scale struct {
	Mu    float64 `json:"mu,omitempty"`    // default 25
	Sigma float64 `json:"sigma,omitempty"` // default mu / 3
	Beta  float64 `json:"beta,omitempty"`  // default sigma / 2
}

// Weights says what counts how much in the quality of a match. Only their ratios matter.
type Weights struct {
	Closeness float64 `json:"closeness,omitempty"` // default 0.7, when all three are 0
	Latency   float64 `json:"latency,omitempty"`   // default 0.2
	Waiting   float64 `json:"waiting,omitempty"`   // default 0.1
}

// Acceptance asks each player of a match before it stands.
type Acceptance struct {
	Timeout Duration `json:"timeout"`
}

// Allocation says where the servers of matches come from.
type Allocation struct {
	Provider string   `json:"provider"`           // static, agones or playfab
	Target   string   `json:"target"`             // the list's name, the fleet or the build
	Deadline Duration `json:"deadline,omitempty"` // a match without a server ends after it; default 60 s
}

// Side is one team of a match as it is filled.
type Side struct {
	Name    string
	Players int
}

// Sides lists the sides of a full match: the teams, or of a free-for-all one for each player.
func (d *Definition) Sides() []Side {
	var sides []Side
	if d.FreeForAll != nil {
		for i := range d.FreeForAll.Max {
			sides = append(sides, Side{Name: numbered("player", i), Players: 1})
		}
		return sides
	}
	for _, team := range d.Teams {
		for i := range max(team.Count, 1) {
			name := team.Name
			if team.Count > 1 {
				name = numbered(team.Name, i)
			}
			sides = append(sides, Side{Name: name, Players: team.Players})
		}
	}
	return sides
}

// Players returns how many play in a full match.
func (d *Definition) Players() int {
	if d.FreeForAll != nil {
		return d.FreeForAll.Max
	}
	n := 0
	for _, team := range d.Teams {
		n += team.Players * max(team.Count, 1)
	}
	return n
}

// Rule returns the first rule of a kind, or nil.
func (d *Definition) Rule(kind Kind) *Rule {
	for i := range d.Rules {
		if d.Rules[i].Kind == kind {
			return &d.Rules[i]
		}
	}
	return nil
}

// WithDefaults returns the definition with every default written out.
func (d Definition) WithDefaults() Definition {
	if d.MaxParty == 0 {
		d.MaxParty = 1
		for _, team := range d.Teams {
			d.MaxParty = max(d.MaxParty, team.Players)
		}
	}
	set(&d.Rating.Mu, 25)
	set(&d.Rating.Sigma, d.Rating.Mu/3)
	set(&d.Rating.Beta, d.Rating.Sigma/2)
	if d.Weights == (Weights{}) {
		d.Weights = Weights{Closeness: 0.7, Latency: 0.2, Waiting: 0.1}
	}
	set(&d.Collect, Duration(50*time.Millisecond))
	set(&d.Timeout, Duration(5*time.Minute))
	set(&d.Gather, Duration(30*time.Second))
	set(&d.MaxDuration, Duration(2*time.Hour))
	if d.Group == "" {
		d.Group = d.ID
	}
	if d.Allocation != nil {
		allocation := *d.Allocation
		set(&allocation.Deadline, Duration(time.Minute))
		d.Allocation = &allocation
	}
	return d
}

// set gives a field that nobody set its default.
func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
