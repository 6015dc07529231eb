package queue

import (
	"math"
	"time"
)

// Curve is a limit that changes with the time a ticket has waited: straight lines between its points, or with Steps each point's
// limit until the next one. Before the first point its limit holds, after the last one the last limit.
type Curve struct {
	Steps  bool
	Points []Point
}

// Point is one bend of a curve.
type Point struct {
	After Duration `json:"after"`
	Limit float64  `json:"limit"`
}

// Constant is the curve of a limit that does not change.
func Constant(limit float64) *Curve { return &Curve{Points: []Point{{Limit: limit}}} }

// Linear is the curve from one limit to another, reached after a time.
func Linear(from, to float64, after time.Duration) *Curve {
	return &Curve{Points: []Point{{Limit: from}, {After: Duration(after), Limit: to}}}
}

// At returns the limit after waiting.
func (c *Curve) At(wait time.Duration) float64 {
	last := len(c.Points) - 1
	for i := last; i >= 0; i-- {
		p := c.Points[i]
		if time.Duration(p.After) > wait {
			continue
		}
		if i == last || c.Steps {
			return p.Limit
		}
		next := c.Points[i+1]
		part := float64(wait-time.Duration(p.After)) / float64(next.After-p.After)
		return p.Limit + part*(next.Limit-p.Limit)
	}
	return c.Points[0].Limit
}

// Final returns the limit at the end.
func (c *Curve) Final() float64 { return c.Points[len(c.Points)-1].Limit }

// Reach returns the shortest wait after which a rising curve is at limit or above, and false when it never is. The wait is rounded
// up to a millisecond, so that [Curve.At] agrees.
func (c *Curve) Reach(limit float64) (time.Duration, bool) {
	for i, p := range c.Points {
		if p.Limit < limit {
			continue
		}
		if i == 0 {
			return 0, true
		}
		before := c.Points[i-1]
		if c.Steps || before.Limit >= limit {
			return time.Duration(p.After), true
		}
		part := (limit - before.Limit) / (p.Limit - before.Limit)
		wait := float64(before.After) + part*float64(p.After-before.After)
		rounded := time.Duration(math.Ceil(wait/float64(time.Millisecond))) * time.Millisecond
		if c.At(rounded) < limit {
			rounded += time.Millisecond
		}
		return min(rounded, time.Duration(p.After)), true
	}
	return 0, false
}
