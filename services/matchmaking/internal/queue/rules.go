package queue

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// direction is how a curve may move, so that a rule only relaxes.
type direction bool

const (
	rises direction = false
	falls direction = true
)

// demand says which fields a kind of rule needs and takes.
type demand struct {
	once, attribute, limit, optionalLimit, until bool
	low, high                                    float64
	moves                                        direction
}

var demands = map[Kind]demand{
	Spread:    {once: true, limit: true, until: true, high: 1e6},
	TeamMean:  {once: true, limit: true, until: true, high: 1e6},
	Latency:   {once: true, limit: true, low: 1, high: 10_000},
	Equal:     {attribute: true, until: true},
	Intersect: {attribute: true, limit: true, optionalLimit: true, until: true, low: 1, high: MaxValues, moves: falls},
	Differ:    {attribute: true, limit: true, until: true, high: 1e12},
	Roles:     {once: true},
	Parties:   {once: true, limit: true, until: true, high: MaxPlayers},
	Avoid:     {once: true, until: true},
	Backfill:  {once: true},
}

func (c *check) rules(d *Definition) {
	if len(d.Rules) > MaxRules {
		c.wrong("rules", "must be at most %d", MaxRules)
		return
	}
	names, kinds := map[string]bool{}, map[Kind]bool{}
	for i := range d.Rules {
		rule := &d.Rules[i]
		path := fmt.Sprintf("rules[%d]", i)
		if !namePattern.MatchString(rule.Name) {
			c.wrong(path+".name", "must match %s", namePattern)
		} else if names[rule.Name] {
			c.wrong(path+".name", "there are two rules %q", rule.Name)
		}
		names[rule.Name] = true
		needs, known := demands[rule.Kind]
		if !known {
			c.wrong(path+".kind", "rule %q: there is no kind %q", rule.Name, rule.Kind)
			continue
		}
		if needs.once && kinds[rule.Kind] {
			c.wrong(path+".kind", "rule %q: there is already a rule of kind %s", rule.Name, rule.Kind)
		}
		kinds[rule.Kind] = true
		c.fieldsOf(path, rule, needs)
		switch rule.Kind {
		case Intersect:
			if len(rule.Values) == 0 {
				c.wrong(path+".values", "rule %q: is required", rule.Name)
			}
			c.values(path, rule)
			if rule.Limit != nil && len(rule.Limit.Points) > 0 && math.Ceil(rule.Limit.Points[0].Limit) > float64(len(rule.Values)) {
				c.wrong(path+".limit[0].limit", "rule %q: there are only %d values to share", rule.Name, len(rule.Values))
			}
		case Latency:
			c.values(path, rule)
		case Roles:
			c.roles(path, rule, d)
		}
	}
}

// fieldsOf holds the fields of a rule against what its kind demands.
func (c *check) fieldsOf(path string, rule *Rule, needs demand) {
	switch {
	case needs.attribute && !namePattern.MatchString(rule.Attribute):
		c.wrong(path+".attribute", "rule %q: must match %s", rule.Name, namePattern)
	case !needs.attribute && rule.Attribute != "":
		c.wrong(path+".attribute", "rule %q: kind %s has none", rule.Name, rule.Kind)
	}
	switch {
	case rule.Limit == nil && needs.limit && !needs.optionalLimit:
		c.wrong(path+".limit", "rule %q: is required", rule.Name)
	case rule.Limit != nil && !needs.limit:
		c.wrong(path+".limit", "rule %q: kind %s has none", rule.Name, rule.Kind)
	case rule.Limit != nil:
		c.curve(path+".limit", rule.Name, rule.Limit, needs.moves)
		for j, p := range rule.Limit.Points {
			if p.Limit < needs.low || p.Limit > needs.high {
				c.wrong(fmt.Sprintf("%s.limit[%d].limit", path, j), "rule %q: must be between %v and %v", rule.Name, needs.low, needs.high)
			}
		}
	}
	switch {
	case rule.Until != 0 && !needs.until:
		c.wrong(path+".until", "rule %q: kind %s is never dropped", rule.Name, rule.Kind)
	case rule.Until < 0 || time.Duration(rule.Until) > 24*time.Hour:
		c.wrong(path+".until", "rule %q: must be between 0 and 24h", rule.Name)
	}
	if rule.From < 0 || time.Duration(rule.From) > 24*time.Hour || rule.From != 0 && rule.Kind != Backfill {
		c.wrong(path+".from", "rule %q: is a time span of kind %s, up to 24h", rule.Name, Backfill)
	}
	if len(rule.Values) > 0 && rule.Kind != Intersect && rule.Kind != Latency {
		c.wrong(path+".values", "rule %q: kind %s has none", rule.Name, rule.Kind)
	}
	if len(rule.Roles) > 0 && rule.Kind != Roles {
		c.wrong(path+".roles", "rule %q: kind %s has none", rule.Name, rule.Kind)
	}
}

// curve demands points in the order of time whose limits relax.
func (c *check) curve(path, rule string, curve *Curve, moves direction) {
	if rule != "" {
		rule = fmt.Sprintf("rule %q: ", rule)
	}
	if len(curve.Points) == 0 || len(curve.Points) > MaxPoints {
		c.wrong(path, "%smust have 1 to %d points", rule, MaxPoints)
		return
	}
	for i, p := range curve.Points {
		at := fmt.Sprintf("%s[%d]", path, i)
		if !finite(p.Limit) {
			c.wrong(at+".limit", "%smust be a number", rule)
		}
		if p.After < 0 || time.Duration(p.After) > 24*time.Hour {
			c.wrong(at+".after", "%smust be between 0 and 24h", rule)
		}
		if i == 0 {
			continue
		}
		before := curve.Points[i-1]
		if p.After <= before.After {
			c.wrong(at+".after", "%smust be later than the point before", rule)
		}
		if moves == rises && p.Limit < before.Limit || moves == falls && p.Limit > before.Limit {
			c.wrong(at+".limit", "%sa rule only relaxes while a ticket waits", rule)
		}
	}
}

func (c *check) values(path string, rule *Rule) {
	if len(rule.Values) > MaxValues {
		c.wrong(path+".values", "rule %q: must be at most %d", rule.Name, MaxValues)
	}
	for i, value := range rule.Values {
		if value == "" || len(value) > 100 {
			c.wrong(fmt.Sprintf("%s.values[%d]", path, i), "rule %q: must have 1 to 100 bytes", rule.Name)
		}
		if slices.Contains(rule.Values[:i], value) {
			c.wrong(fmt.Sprintf("%s.values[%d]", path, i), "rule %q: %q stands there twice", rule.Name, value)
		}
	}
}

func (c *check) roles(path string, rule *Rule, d *Definition) {
	if d.FreeForAll != nil {
		c.wrong(path+".kind", "rule %q: a free-for-all has no roles", rule.Name)
	}
	if len(rule.Roles) < 1 || len(rule.Roles) > MaxRoles {
		c.wrong(path+".roles", "rule %q: must be 1 to %d", rule.Name, MaxRoles)
	}
	total := 0
	for i, role := range rule.Roles {
		at := fmt.Sprintf("%s.roles[%d]", path, i)
		if !namePattern.MatchString(role.Name) {
			c.wrong(at+".name", "rule %q: must match %s", rule.Name, namePattern)
		}
		if slices.ContainsFunc(rule.Roles[:i], func(other Role) bool { return other.Name == role.Name }) {
			c.wrong(at+".name", "rule %q: there are two roles %q", rule.Name, role.Name)
		}
		if role.Count < 1 || role.Count > MaxPlayers {
			c.wrong(at+".count", "rule %q: must be between 1 and %d", rule.Name, MaxPlayers)
			return
		}
		total += role.Count
	}
	for _, team := range d.Teams {
		if total > team.Players && team.Players > 0 {
			c.wrong(path+".roles", "rule %q: %d roles do not fit into team %s of %d players", rule.Name, total, team.Name, team.Players)
		}
	}
}
