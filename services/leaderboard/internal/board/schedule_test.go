package board

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"supergame/services/platform/fault"
)

func boundaries(t *testing.T, cron, zone, after string, n int) []string {
	t.Helper()
	b := Board{Schedule: &Schedule{Cron: cron, Zone: zone}}
	at, err := time.Parse(time.RFC3339, after)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for range n {
		if at, err = b.NextBoundary(at); err != nil {
			t.Fatal(err)
		}
		if at.IsZero() {
			return append(list, "never")
		}
		list = append(list, at.Format(time.RFC3339))
	}
	return list
}

// TestBoundaries holds the calendar to instants worked out by hand from the zones' published changes.
func TestBoundaries(t *testing.T) {
	for _, test := range []struct {
		what, cron, zone, after string
		want                    []string
	}{
		{"midnight in Berlin, across the gap of March", "0 0 * * *", "Europe/Berlin", "2026-03-27T23:00:00Z", []string{"2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"}},
		{"02:30 does not exist on 29 March: first instant after the gap", "30 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z", []string{"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
		{"02:30 comes twice on 25 October: the first", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", []string{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
		{"several times in one gap are one boundary", "*/20 2 * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", []string{"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"}},
		{"Lord Howe goes forward by half an hour at 02:00", "15 2 * * *", "Australia/Lord_Howe", "2026-10-02T20:00:00Z", []string{"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
		{"Lord Howe goes back by half an hour at 02:00", "45 1 * * *", "Australia/Lord_Howe", "2026-04-03T20:00:00Z", []string{"2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}},
		{"a change at midnight: Cairo's gap begins at 00:00", "0 0 * * *", "Africa/Cairo", "2026-04-22T23:00:00Z", []string{"2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"}},
		{"Samoa left out 30 December 2011", "0 12 30 12 *", "Pacific/Apia", "2011-01-01T00:00:00Z", []string{"2011-12-30T10:00:00Z", "2012-12-29T22:00:00Z"}},
		{"a leap day", "0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", []string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
		{"a leap day over the year 2100", "0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", []string{"2104-02-29T00:00:00Z"}},
		{"the 31st", "0 0 31 * *", "UTC", "2026-01-01T00:00:00Z", []string{"2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"}},
		{"the last day of a month", "0 0 L * *", "UTC", "2028-01-15T00:00:00Z", []string{"2028-01-31T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-31T00:00:00Z"}},
		{"Mondays at five", "0 5 * * 1", "America/New_York", "2026-10-30T00:00:00Z", []string{"2026-11-02T10:00:00Z", "2026-11-09T10:00:00Z"}},
		{"30 February", "0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z", []string{"never"}},
	} {
		got := boundaries(t, test.cron, test.zone, test.after, len(test.want))
		for i := range test.want {
			if i >= len(got) || got[i] != test.want[i] {
				t.Errorf("%s: %v, want %v", test.what, got, test.want)
				break
			}
		}
	}
}

func TestBadSchedules(t *testing.T) {
	for _, test := range []struct{ cron, zone, field string }{
		{"0 0 * * *", "Mars/Olympus", fieldZone},
		{"0 0 * * *", "", fieldZone},
		{"0 0 * * *", "Local", fieldZone},
		{"0 0 * * *", "../../etc/passwd", fieldZone},
		{"0 0 * *", "UTC", fieldSchedule},
		{"61 0 * * *", "UTC", fieldSchedule},
		{"0 0 L * 1", "UTC", fieldSchedule},
		{"CRON_TZ=UTC 0 0 * *", "UTC", fieldSchedule},
		{"@every 1h 0 0 0 0", "UTC", fieldSchedule},
	} {
		_, err := parseSchedule(Schedule{Cron: test.cron, Zone: test.zone})
		if !fault.Is(err, fault.InvalidArgument) || fault.As(err).Fields[0].Path != test.field {
			t.Errorf("%q in %q: %v, want a fault of %s", test.cron, test.zone, err, test.field)
		}
	}
}

// TestBoundariesGoForward walks through years of random schedules in zones with unusual clocks: every boundary is later than the one before,
// and asked for from any moment in between it is the same.
func TestBoundariesGoForward(t *testing.T) {
	zones := []string{"Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "Africa/Cairo", "America/Sao_Paulo", "Asia/Tehran", "Pacific/Apia", "Africa/Casablanca", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		b := Board{Schedule: &Schedule{
			Cron: rapid.SampledFrom([]string{"30 2 * * *", "0 0 * * *", "*/15 * * * *", "0 */2 * * *", "15 1 * * 0", "45 23 L * *"}).Draw(t, "cron"),
			Zone: rapid.SampledFrom(zones).Draw(t, "zone"),
		}}
		at := time.Unix(rapid.Int64Range(1_300_000_000, 1_900_000_000).Draw(t, "start"), 0).UTC()
		for range 20 {
			next, err := b.NextBoundary(at)
			if err != nil {
				t.Fatal(err)
			}
			if !next.After(at) {
				t.Fatalf("the boundary after %v is %v", at, next)
			}
			between := at.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(at))-1).Draw(t, "between")))
			if again, err := b.NextBoundary(between); err != nil || !again.Equal(next) {
				t.Fatalf("the boundary after %v is %v, and after %v %v", at, next, between, again)
			}
			at = next
		}
	})
}

func FuzzSchedule(f *testing.F) {
	f.Add("0 0 * * *", "Europe/Berlin")
	f.Add("*/5 2-4 L 1,2 *", "UTC")
	f.Fuzz(func(t *testing.T, cron, zone string) {
		c, err := parseSchedule(Schedule{Cron: cron, Zone: zone})
		if err != nil {
			return
		}
		at := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
		if next := c.next(at); !next.IsZero() && !next.After(at) {
			t.Errorf("the boundary after %v is %v", at, next)
		}
	})
}

// TestKeptUntil: how long a season is kept is fixed when it begins, whatever the definition says later, and long enough for its rewards.
func TestKeptUntil(t *testing.T) {
	day := 24 * time.Hour
	b := &Board{Schedule: &Schedule{Cron: "0 0 * * *", Zone: "Europe/Berlin"}, Retention: day, Review: 2 * day}
	if err := b.Begin(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	want := b.End.Add(32 * day)
	b.Retention = 100 * day
	if got := b.KeptUntil(1, b.End); !got.Equal(want) {
		t.Errorf("the open season is kept until %v, want %v", got, want)
	}
	end := b.End
	b.Retention = day
	closed, _, err := b.Roll()
	if err != nil || !closed.ExpireTime.Equal(want) {
		t.Errorf("the closed season is kept until %v, want %v, %v", closed.ExpireTime, want, err)
	}
	b.Review = 0
	if got := b.KeptUntil(1, end); got.Before(want) {
		t.Errorf("a late entry of the closed season is kept until %v, its archive until %v", got, want)
	}
}
