package board

import (
	"strings"
	"time"
	_ "time/tzdata" // zones are the same on every machine, also where the system has none

	"github.com/robfig/cron/v3"

	"supergame/services/platform/fault"
)

// calendar is a parsed [Schedule].
type calendar struct {
	spec     *cron.SpecSchedule // in the local time of zone, as if that had no changes of the clock
	zone     *time.Location
	lastDays bool // only the last day of a month: `L`
}

const (
	fieldSchedule = "leaderboard.schedule.cron"
	fieldZone     = "leaderboard.schedule.time_zone"
	// horizon bounds the search for a season's end: a 29 February comes again after 8 years at the latest.
	horizon = 9 * 366 * 24 * time.Hour
)

// parseSchedule reads a schedule. Faults name the field.
func parseSchedule(s Schedule) (*calendar, error) {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil || s.Zone == "" || s.Zone == "Local" {
		return nil, fault.Invalid(fieldZone, "is not a time zone of the IANA database, such as Europe/Berlin")
	}
	fields := strings.Fields(s.Cron)
	if len(fields) != 5 {
		return nil, fault.Invalid(fieldSchedule, "has %d fields, not the five minute, hour, day of month, month, day of week", len(fields))
	}
	c := &calendar{zone: zone}
	if fields[2] == "L" {
		fields[2], c.lastDays = "28-31", true
		if fields[4] != "*" && fields[4] != "?" {
			return nil, fault.Invalid(fieldSchedule, "has both the last day of the month and a day of the week")
		}
	}
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	parsed, err := parser.Parse(strings.Join(fields, " "))
	if err != nil {
		return nil, fault.Invalid(fieldSchedule, "is not a cron expression: %v", err)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fault.Invalid(fieldSchedule, "is not a cron expression of five fields")
	}
	spec.Location = time.UTC
	c.spec = spec
	return c, nil
}

// next returns the first boundary after an instant, in UTC; zero when there is none, as for a 30 February.
//
// The cron is read on the wall clock of the zone, one without changes, and each of its times is then looked up on the real one: a time that
// a change skips is the first instant after the gap, one that comes twice is the first of the two. So a boundary happens once a
// time of the cron, whatever the clock does.
func (c *calendar) next(after time.Time) time.Time {
	wall := wallOf(after, c.zone).Add(-maxShift)
	for end := wall.Add(horizon); ; {
		next := c.spec.Next(wall)
		if next.IsZero() { // the parser looks five years ahead
			next = c.spec.Next(wall.AddDate(4, 0, 0))
		}
		if wall = next; wall.IsZero() || wall.After(end) {
			return time.Time{}
		}
		if c.lastDays && wall.AddDate(0, 0, 1).Day() != 1 {
			continue
		}
		if instant := instantOf(wall, c.zone); instant.After(after) {
			return instant
		}
	}
}

// maxShift is more than any clock was ever changed by at once: Samoa left out a day in 2011.
const maxShift = 25 * time.Hour

// wallOf is what the clock of a zone shows, as a time in UTC.
func wallOf(t time.Time, zone *time.Location) time.Time {
	local := t.In(zone)
	return time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), time.UTC)
}

// instantOf is the first instant at which the clock of a zone shows wall, or the end of the gap that wall lies in.
func instantOf(wall time.Time, zone *time.Location) time.Time {
	// Walk over the periods of constant offset around it; there are two or three.
	for t := wall.Add(-maxShift).In(zone); ; {
		start, end := t.ZoneBounds()
		_, offset := t.Zone()
		instant := wall.Add(-time.Duration(offset) * time.Second)
		begun := start.IsZero() || !instant.Before(start)
		if begun && (end.IsZero() || instant.Before(end)) {
			return instant.UTC()
		}
		if !begun { // the period before ended earlier, this one begins later: wall lies between
			return start.UTC()
		}
		t = end.In(zone)
	}
}

// NextBoundary is when the season that runs at an instant ends: zero = never.
func (b *Board) NextBoundary(after time.Time) (time.Time, error) {
	if b.Schedule == nil {
		return time.Time{}, nil
	}
	c, err := parseSchedule(*b.Schedule)
	if err != nil {
		return time.Time{}, err
	}
	return c.next(after), nil
}
