package sql

import (
	"math"
	"time"
)

// The date functions that read or write a date (learn.microsoft.com/cosmos-db/query, "Date and time functions").
// The current time is that of the run, so it is the same for every row.
var dateFunctions = map[string]function{
	"GETCURRENTDATETIME":        current(dateText),
	"GETCURRENTDATETIMESTATIC":  current(dateText),
	"GETCURRENTTIMESTAMP":       current(timestamp),
	"GETCURRENTTIMESTAMPSTATIC": current(timestamp),
	"GETCURRENTTICKS":           current(ticks),
	"GETCURRENTTICKSSTATIC":     current(ticks),
	"DATETIMETOTICKS":           onDate(ticks),
	"DATETIMETOTIMESTAMP":       onDate(timestamp),
	"TICKSTODATETIME":           fromCount(1e7),
	"TIMESTAMPTODATETIME":       fromCount(1e3),
	"YEAR":                      onDate(func(t time.Time) value { return number(float64(t.Year())) }),
	"MONTH":                     onDate(func(t time.Time) value { return number(float64(t.Month())) }),
	"DAY":                       onDate(func(t time.Time) value { return number(float64(t.Day())) }),
	"DATETIMEFROMPARTS":         {3, 7, dateFromParts},
	"DATETIMEPART": {2, 2, func(_ *frame, a []value) value {
		p := partOf(a[0])
		t, ok := instant(a[1])
		if p == noPart || !ok {
			return undefined
		}
		return number(float64(p.of(t)))
	}},
}

func current(fn func(time.Time) value) function {
	return function{0, 0, func(f *frame, _ []value) value { return fn(f.now.UTC()) }}
}

func onDate(fn func(time.Time) value) function {
	return function{1, 1, func(_ *frame, a []value) value {
		t, ok := instant(a[0])
		if !ok {
			return undefined
		}
		return fn(t)
	}}
}

// timestamp counts milliseconds since the Unix epoch, ticks 100 nanoseconds.
func timestamp(t time.Time) value { return integer(t.UnixMilli()) }

func ticks(t time.Time) value { return integer(t.Unix()*1e7 + int64(t.Nanosecond())/100) }

// fromCount makes a date of a count of units since the Unix epoch.
func fromCount(perSecond int64) function {
	return function{1, 1, func(_ *frame, a []value) value {
		n, ok := a[0].integer()
		if !ok {
			return undefined
		}
		s := floorDiv(n, perSecond)
		return dateText(time.Unix(s, (n-s*perSecond)*(1e9/perSecond)).UTC())
	}}
}

func dateFromParts(_ *frame, a []value) value {
	parts := [7]int{}
	for i, v := range a {
		n, ok := v.integer()
		if !ok || n < 0 || n > 9999999 {
			return undefined
		}
		parts[i] = int(n)
	}
	t, ok := calendar(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6]*100)
	if !ok {
		return undefined
	}
	return dateText(t)
}

// The date functions that calculate.
var dateArithmetic = map[string]function{
	"DATETIMEADD": {3, 3, func(_ *frame, a []value) value {
		t, ok := instant(a[2])
		if !ok {
			return undefined
		}
		return shifted(t, a[0], a[1], 1)
	}},
	"NOW": {0, 2, func(f *frame, a []value) value {
		switch len(a) {
		case 0:
			return dateText(f.now.UTC())
		case 2:
			return shifted(f.now.UTC(), a[0], a[1], 1)
		default:
			return undefined
		}
	}},
	"AGO": {2, 2, func(f *frame, a []value) value { return shifted(f.now.UTC(), a[0], a[1], -1) }},
	"DATETIMEDIFF": {3, 3, func(_ *frame, a []value) value {
		p := partOf(a[0])
		from, ok := instant(a[1])
		to, ok2 := instant(a[2])
		if p == noPart || !ok || !ok2 {
			return undefined
		}
		return number(p.crossed(from, to))
	}},
	"DATETIMEBIN": {2, 4, dateTimeBin},
}

func shifted(t time.Time, part, count value, sign int64) value {
	p := partOf(part)
	n, ok := count.integer()
	if p == noPart || !ok || n == math.MinInt64 {
		return undefined
	}
	t, ok = p.add(t, sign*n)
	if !ok {
		return undefined
	}
	return dateText(t)
}

// oldestBinStart is the Windows epoch, before which a bin cannot start.
const oldestBinStart = 1601

// dateTimeBin rounds a date down to a multiple of size units since a start, by default the Unix epoch.
func dateTimeBin(f *frame, a []value) value {
	t, ok := instant(a[0])
	p := partOf(a[1])
	if !ok || p < partDay {
		return undefined
	}
	size, start := int64(1), time.Unix(0, 0).UTC()
	if len(a) > 2 {
		if size, ok = a[2].integer(); !ok || size < 1 {
			return undefined
		}
	}
	if len(a) > 3 {
		if start, ok = instant(a[3]); !ok || start.Year() < oldestBinStart {
			return undefined
		}
	}
	return binned(f, t, start, p, size)
}

// binned counts in ticks of 100 nanoseconds, the resolution of the dates, so that all years fit 64 bits. Bins of
// nanoseconds count in those, which reaches 146 years from the start.
func binned(f *frame, t, start time.Time, p datePart, size int64) value {
	perSecond, unit := int64(1e7), p.seconds()*1e7
	switch {
	case p == partNano:
		perSecond, unit = 1e9, 1
	case unit == 0:
		unit = 1e7 / p.perSecond()
	}
	apart := t.Unix() - start.Unix()
	if apart > math.MaxInt64/2/perSecond || apart < math.MinInt64/2/perSecond {
		return f.fail(errorAt(Evaluation, 0, 0, "DateTimeBin by nanoseconds reaches no further than 146 years from the start of the bins."))
	}
	tick := int64(1e9) / perSecond
	since := apart*perSecond + int64(t.Nanosecond()-start.Nanosecond())/tick
	if size > math.MaxInt64/4/unit {
		if since < 0 {
			return undefined
		}
		return dateText(start)
	}
	bin := floorDiv(since, unit*size) * unit * size
	s := floorDiv(bin, perSecond)
	return dateText(time.Unix(start.Unix()+s, int64(start.Nanosecond())+(bin-s*perSecond)*tick).UTC())
}
