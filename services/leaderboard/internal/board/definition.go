package board

import (
	"reflect"
	"slices"
	"strconv"
	"time"

	"supergame/services/platform/fault"
)

// Defaults of a definition.
const (
	DefaultReview    = 24 * time.Hour
	DefaultRetention = 90 * 24 * time.Hour
	DefaultSubmits   = 60 // of one player in a minute
)

const maxColumns = 5

// shortestSeason keeps a schedule from making seasons faster than their archives can be written.
const shortestSeason = 5 * time.Minute

// Normalize fills in what a definition leaves open.
func (b *Board) Normalize() {
	if b.Review == 0 {
		b.Review = DefaultReview
	}
	if b.Retention == 0 {
		b.Retention = DefaultRetention
	}
	if b.SubmitsPerMinute == 0 {
		b.SubmitsPerMinute = DefaultSubmits
	}
	if !b.PlayersSubmit && !b.ServersSubmit {
		b.ServersSubmit = true
	}
}

// Validate refuses a definition that could not work, beyond what the proto's own rules say. Now is when its schedule is tried.
func (b *Board) Validate(now time.Time) error {
	for _, check := range []func() error{b.validateColumns, b.validateSegments, b.validateRewards} {
		if err := check(); err != nil {
			return err
		}
	}
	return b.validateSchedule(now)
}

// Complete refuses a definition that lacks what a new board needs. A request to change one may leave it out.
func (b *Board) Complete() error {
	if b.Operator < Best || b.Operator > Count {
		return fault.Invalid("leaderboard.operator", "is needed")
	}
	if len(b.Columns) < 1 || len(b.Columns) > maxColumns {
		return fault.Invalid("leaderboard.columns", "are %d, not 1 to %d", len(b.Columns), maxColumns)
	}
	return nil
}

func (b *Board) validateColumns() error {
	if b.Operator == Count && len(b.Columns) != 1 {
		return fault.Invalid("leaderboard.columns", "are %d; a board that counts has one", len(b.Columns))
	}
	names := map[string]bool{}
	for i, c := range b.Columns {
		path := indexed("leaderboard.columns", i)
		if names[c.Name] {
			return fault.Invalid(path+".name", "%q is there twice", c.Name)
		}
		names[c.Name] = true
		if c.Min != nil && c.Max != nil && *c.Min > *c.Max {
			return fault.Invalid(path+".min_value", "is more than max_value")
		}
		if b.Operator == Count && (c.Min != nil || c.Max != nil) {
			return fault.Invalid(path+".min_value", "bounds what is submitted; a board that counts takes no numbers")
		}
	}
	return nil
}

func (b *Board) validateSegments() error {
	names := map[string]bool{}
	for i, g := range b.Segments {
		path := indexed("leaderboard.segments", i)
		if names[g.Name] {
			return fault.Invalid(path+".name", "%q is there twice", g.Name)
		}
		names[g.Name] = true
		if g.Source == FromSubmission && b.PlayersSubmit && len(g.Values) == 0 {
			return fault.Invalid(path+".values", "are needed where players submit: else anybody makes up groups")
		}
	}
	return nil
}

func (b *Board) validateRewards() error {
	names := map[string]bool{}
	for i, tier := range b.Rewards {
		path := indexed("leaderboard.rewards", i)
		if names[tier.Name] {
			return fault.Invalid(path+".tier", "%q is there twice", tier.Name)
		}
		names[tier.Name] = true
		if (tier.MaxRank > 0) == (tier.MaxPercentile > 0) {
			return fault.Invalid(path+".max_rank", "or max_percentile is needed, and not both")
		}
		if i == 0 {
			continue
		}
		before := b.Rewards[i-1]
		if before.MaxRank > 0 && tier.MaxRank > 0 && tier.MaxRank <= before.MaxRank ||
			before.MaxPercentile > 0 && tier.MaxPercentile > 0 && tier.MaxPercentile <= before.MaxPercentile {
			return fault.Invalid(path, "reaches no further than the tier before it, so nobody gets it")
		}
	}
	if len(b.Rewards) > 0 && b.Schedule == nil {
		return fault.Invalid("leaderboard.rewards", "are granted when a season ends; this board has no schedule")
	}
	return nil
}

// triedBoundaries is how many seasons of a schedule are tried; a fault in its rhythm shows within a week of days or a year of months.
const triedBoundaries = 60

func (b *Board) validateSchedule(now time.Time) error {
	if b.Schedule == nil {
		return nil
	}
	c, err := parseSchedule(*b.Schedule)
	if err != nil {
		return err
	}
	shortest := max(shortestSeason, b.Grace+shortestSeason)
	at := c.next(now)
	if at.IsZero() {
		return fault.Invalid(fieldSchedule, "never comes")
	}
	for range triedBoundaries {
		next := c.next(at)
		if next.IsZero() {
			return nil
		}
		if next.Sub(at) < shortest {
			return fault.Invalid(fieldSchedule, "makes a season of %v from %s on; the shortest is %v (5 minutes and the grace)",
				next.Sub(at), at.Format(time.RFC3339), shortest)
		}
		at = next
	}
	return nil
}

func indexed(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// Same reports whether two definitions say the same, whatever the store added: then making one where the other is there is a repeat.
func (b *Board) Same(other *Board) bool {
	x, y := *b, *other
	for _, d := range []*Board{&x, &y} {
		d.UID, d.ETag, d.Season, d.CreateTime, d.UpdateTime = "", "", 0, time.Time{}, time.Time{}
		d.Start, d.End, d.NextEnd, d.Keep, d.LastKeep = time.Time{}, time.Time{}, time.Time{}, 0, 0
		if len(d.Segments) == 0 {
			d.Segments = nil
		}
		if len(d.Rewards) == 0 {
			d.Rewards = nil
		}
	}
	return reflect.DeepEqual(x, y)
}

// The fields that [Board.Update] may change, by their names in the proto.
var updatable = map[string]func(to, from *Board){
	"display_name": func(to, from *Board) { to.DisplayName = from.DisplayName },
	"submitters": func(to, from *Board) {
		to.PlayersSubmit, to.ServersSubmit = from.PlayersSubmit, from.ServersSubmit
	},
	"schedule":           func(to, from *Board) { to.Schedule = from.Schedule },
	"grace":              func(to, from *Board) { to.Grace = from.Grace },
	"review":             func(to, from *Board) { to.Review = from.Review },
	"retention":          func(to, from *Board) { to.Retention = from.Retention },
	"keep_attempts":      func(to, from *Board) { to.KeepAttempts = from.KeepAttempts },
	"submits_per_minute": func(to, from *Board) { to.SubmitsPerMinute = from.SubmitsPerMinute },
	"rewards":            func(to, from *Board) { to.Rewards = from.Rewards },
}

// CheckMask refuses a mask that names a field that is unknown, fixed at creation, or nothing at all.
func CheckMask(mask []string) error {
	if len(mask) == 0 {
		return fault.Invalid("update_mask", "names no field")
	}
	for _, path := range mask {
		if updatable[path] == nil {
			return fault.Invalid("update_mask", "%q cannot be changed: fields that are fixed at creation need a new board", path)
		}
	}
	return nil
}

// Update takes the fields of a mask from another definition.
func (b *Board) Update(from *Board, mask []string, now time.Time) error {
	if err := CheckMask(mask); err != nil {
		return err
	}
	changed := *b
	for _, path := range mask {
		updatable[path](&changed, from)
	}
	changed.Normalize()
	err := changed.Validate(now)
	if err != nil {
		return err
	}
	if slices.Contains(mask, "schedule") { // it starts with the next season
		if changed.NextEnd, err = changed.scheduledEnd(); err != nil {
			return err
		}
	}
	changed.UpdateTime = now
	*b = changed
	return nil
}

// scheduledEnd is the end of the season after the open one. A board that had no schedule, or has none any more, gets its end with the next
// season: the open one keeps its own.
func (b *Board) scheduledEnd() (time.Time, error) {
	if b.End.IsZero() {
		return time.Time{}, nil
	}
	return b.NextBoundary(b.End)
}

// TierOf is the tier that a place earns among so many entries; nil = none. A place behind one that earns none earns none either.
func TierOf(tiers []Tier, rank, total int64) *Tier {
	i := slices.IndexFunc(tiers, func(t Tier) bool {
		if t.MaxRank > 0 {
			return rank <= t.MaxRank
		}
		return float64(rank) <= t.MaxPercentile/100*float64(total)
	})
	if i < 0 {
		return nil
	}
	return &tiers[i]
}
