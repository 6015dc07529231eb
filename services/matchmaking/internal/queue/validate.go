package queue

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"supergame/services/platform/fault"
)

var (
	idPattern   = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
	namePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)
)

// check collects what is wrong.
type check struct {
	fields []fault.Field
}

func (c *check) wrong(path, format string, args ...any) {
	c.fields = append(c.fields, fault.Field{Path: path, Description: fmt.Sprintf(format, args...)})
}

// within demands an optional time span between two bounds.
func (c *check) within(path string, d Duration, low, high time.Duration) {
	if d != 0 && (time.Duration(d) < low || time.Duration(d) > high) {
		c.wrong(path, "must be between %v and %v", low, high)
	}
}

// Validate returns nil or one fault, INVALID_QUEUE, whose fields name all that is wrong: the path, and of a rule also its name.
func (d *Definition) Validate() error {
	var c check
	c.queue(d)
	c.sides(d)
	c.rules(d)
	if len(c.fields) == 0 {
		return nil
	}
	first := c.fields[0]
	e := fault.New(fault.InvalidArgument, "INVALID_QUEUE", "%s: %s", first.Path, first.Description)
	e.Fields = c.fields
	return e
}

func (c *check) queue(d *Definition) {
	if !idPattern.MatchString(d.ID) {
		c.wrong("id", "must match %s", idPattern)
	}
	if d.Version < 0 {
		c.wrong("version", "must not be negative")
	}
	if d.Group != "" && !idPattern.MatchString(d.Group) {
		c.wrong("group", "must match %s", idPattern)
	}
	if d.PoolBy != "" && !namePattern.MatchString(d.PoolBy) {
		c.wrong("pool_by", "must match %s", namePattern)
	}
	c.numbers(d)
	c.within("collect", d.Collect, time.Millisecond, 10*time.Second)
	c.within("timeout", d.Timeout, time.Second, 24*time.Hour)
	c.within("gather", d.Gather, time.Second, 10*time.Minute)
	c.within("idle", d.Idle, 5*time.Second, time.Hour)
	c.within("max_duration", d.MaxDuration, time.Minute, 24*time.Hour)
	if d.Acceptance != nil {
		if d.Acceptance.Timeout == 0 {
			c.wrong("acceptance.timeout", "is required")
		}
		c.within("acceptance.timeout", d.Acceptance.Timeout, time.Second, 10*time.Minute)
	}
	if a := d.Allocation; a != nil {
		if !slices.Contains([]string{"static", "agones", "playfab"}, a.Provider) {
			c.wrong("allocation.provider", "must be static, agones or playfab")
		}
		if a.Target == "" || len(a.Target) > 200 {
			c.wrong("allocation.target", "must have 1 to 200 bytes")
		}
		c.within("allocation.deadline", a.Deadline, time.Second, 10*time.Minute)
	}
}

func (c *check) numbers(d *Definition) {
	if !finite(d.GoodEnough) || d.GoodEnough < 0 || d.GoodEnough > 1 {
		c.wrong("good_enough", "must be between 0 and 1")
	}
	for _, weight := range []struct {
		path  string
		value float64
	}{{"weights.closeness", d.Weights.Closeness}, {"weights.latency", d.Weights.Latency}, {"weights.waiting", d.Weights.Waiting}} {
		if !finite(weight.value) || weight.value < 0 || weight.value > 1000 {
			c.wrong(weight.path, "must be between 0 and 1000")
		}
	}
	if !finite(d.Rating.Mu) || d.Rating.Mu < 0 || d.Rating.Mu > 1e6 {
		c.wrong("rating.mu", "must be between 0 and 1000000")
	}
	if !finite(d.Rating.Sigma) || d.Rating.Sigma < 0 || d.Rating.Sigma > 1e6 {
		c.wrong("rating.sigma", "must be between 0 and 1000000")
	}
	if !finite(d.Rating.Beta) || d.Rating.Beta < 0 || d.Rating.Beta > 1e6 {
		c.wrong("rating.beta", "must be between 0 and 1000000")
	}
}

func (c *check) sides(d *Definition) {
	switch {
	case d.FreeForAll != nil && len(d.Teams) > 0:
		c.wrong("teams", "a free-for-all has no teams")
	case d.FreeForAll != nil:
		c.freeForAll(d.FreeForAll)
	case len(d.Teams) == 0:
		c.wrong("teams", "there must be teams or a free-for-all")
	case len(d.Teams) > MaxPlayers:
		c.wrong("teams", "must be at most %d", MaxPlayers)
	default:
		c.teams(d)
	}
	if players := d.Players(); d.Acceptance != nil && players > MaxAcceptancePlayers {
		c.wrong("acceptance", "a match that its players accept has at most %d of them, not %d", MaxAcceptancePlayers, players)
	}
	largest := 0
	for _, team := range d.Teams {
		largest = max(largest, team.Players)
	}
	if d.FreeForAll != nil {
		largest = d.FreeForAll.Max - 1
	}
	if d.MaxParty < 0 || d.MaxParty > max(largest, 1) {
		c.wrong("max_party", "must be between 1 and %d", max(largest, 1))
	}
}

func (c *check) freeForAll(f *FreeForAll) {
	if f.Max < 2 || f.Max > MaxPlayers {
		c.wrong("free_for_all.max", "must be between 2 and %d", MaxPlayers)
	}
	if f.Min == nil {
		return
	}
	c.curve("free_for_all.min", "", f.Min, falls)
	for i, p := range f.Min.Points {
		if p.Limit < 2 || p.Limit > float64(f.Max) {
			c.wrong(fmt.Sprintf("free_for_all.min[%d].limit", i), "must be between 2 and free_for_all.max")
		}
	}
}

func (c *check) teams(d *Definition) {
	sides, players := 0, 0
	seen := map[string]bool{}
	for i, team := range d.Teams {
		path := fmt.Sprintf("teams[%d]", i)
		if !namePattern.MatchString(team.Name) {
			c.wrong(path+".name", "must match %s", namePattern)
		}
		if team.Players < 1 || team.Players > MaxPlayers-1 {
			c.wrong(path+".players", "must be between 1 and %d", MaxPlayers-1)
			return
		}
		if team.Count < 0 || team.Count > MaxPlayers {
			c.wrong(path+".count", "must be between 1 and %d", MaxPlayers)
			return
		}
		sides += max(team.Count, 1)
		players += team.Players * max(team.Count, 1)
	}
	if sides < 2 || players > MaxPlayers {
		c.wrong("teams", "a match has at least 2 sides and at most %d players, not %d sides and %d players", MaxPlayers, sides, players)
		return
	}
	for _, side := range d.Sides() {
		if seen[side.Name] {
			c.wrong("teams", "two sides are named %s", side.Name)
		}
		seen[side.Name] = true
	}
}
