package sql

import (
	"math"
	"time"
)

// dateLayout is how the date functions write: UTC with seven digits of a second.
const dateLayout = "2006-01-02T15:04:05.0000000Z"

// instant reads an ISO 8601 date by the rules of IS_DATETIME: YYYY-MM-DD, then optionally T or a space with hh:mm:ss
// and up to seven digits of a second, then optionally Z.
func instant(v value) (time.Time, bool) {
	if v.kind != kindString {
		return time.Time{}, false
	}
	s := v.bytes()
	if n := len(s); n > 0 && s[n-1] == 'Z' {
		s = s[:n-1]
	}
	if len(s) < 10 || len(s) > 27 {
		return time.Time{}, false
	}
	date, ok := numbersIn(s[:10], "dddd-dd-dd")
	if !ok {
		return time.Time{}, false
	}
	clock := []int{0, 0, 0}
	nanos := 0
	if len(s) > 10 {
		if len(s) < 19 || s[10] != 'T' && s[10] != ' ' {
			return time.Time{}, false
		}
		if clock, ok = numbersIn(s[11:19], "dd:dd:dd"); !ok {
			return time.Time{}, false
		}
		if nanos, ok = fraction(s[19:]); !ok {
			return time.Time{}, false
		}
	}
	return calendar(date[0], date[1], date[2], clock[0], clock[1], clock[2], nanos)
}

// numbersIn reads digits where the pattern has d and equal bytes elsewhere.
func numbersIn(s []byte, pattern string) ([]int, bool) {
	out := []int{0}
	for i := range len(pattern) {
		switch {
		case pattern[i] == 'd' && isDigit(s[i]):
			out[len(out)-1] = out[len(out)-1]*10 + int(s[i]-'0')
		case pattern[i] != 'd' && s[i] == pattern[i]:
			out = append(out, 0)
		default:
			return nil, false
		}
	}
	return out, true
}

// fraction reads nothing, or a point and one to seven digits, as nanoseconds.
func fraction(s []byte) (int, bool) {
	if len(s) == 0 {
		return 0, true
	}
	if s[0] != '.' || len(s) < 2 || len(s) > 8 {
		return 0, false
	}
	n := 0
	for i := 1; i <= 9; i++ {
		n *= 10
		if i < len(s) {
			if !isDigit(s[i]) {
				return 0, false
			}
			n += int(s[i] - '0')
		}
	}
	return n, true
}

// calendar makes a date of its parts; not ok if there is no such date.
func calendar(year, month, day, hour, minute, second, nanos int) (time.Time, bool) {
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	ok := t.Year() == year && int(t.Month()) == month && t.Day() == day &&
		t.Hour() == hour && t.Minute() == minute && t.Second() == second && t.Nanosecond() == nanos
	return t, ok && year >= 1 && year <= 9999
}

// dateText is a date as a value, undefined outside the years 1 to 9999.
func dateText(t time.Time) value {
	if y := t.Year(); y < 1 || y > 9999 {
		return undefined
	}
	return text(t.UTC().AppendFormat(nil, dateLayout))
}

// datePart is a unit of the calendar or of the clock.
type datePart uint8

const (
	noPart datePart = iota
	partYear
	partMonth
	partDay
	partHour
	partMinute
	partSecond
	partMilli
	partMicro
	partNano
)

var dateParts = map[string]datePart{
	"year": partYear, "yyyy": partYear, "yy": partYear,
	"month": partMonth, "mm": partMonth, "m": partMonth,
	"day": partDay, "dd": partDay, "d": partDay,
	"hour": partHour, "hh": partHour,
	"minute": partMinute, "mi": partMinute, "n": partMinute,
	"second": partSecond, "ss": partSecond, "s": partSecond,
	"millisecond": partMilli, "ms": partMilli,
	"microsecond": partMicro, "mcs": partMicro,
	"nanosecond": partNano, "ns": partNano,
}

func partOf(v value) datePart {
	if v.kind != kindString {
		return noPart
	}
	return dateParts[string(v.bytes())]
}

// seconds is the length of the parts from day to second, and perSecond how many of the finer ones a second has.
func (p datePart) seconds() int64 {
	return map[datePart]int64{partDay: 86400, partHour: 3600, partMinute: 60, partSecond: 1}[p]
}

func (p datePart) perSecond() int64 {
	return map[datePart]int64{partMilli: 1e3, partMicro: 1e6, partNano: 1e9}[p]
}

// of reads the part out of a date; the finer ones count from the last whole second.
func (p datePart) of(t time.Time) int {
	switch p {
	case partYear:
		return t.Year()
	case partMonth:
		return int(t.Month())
	case partDay:
		return t.Day()
	case partHour:
		return t.Hour()
	case partMinute:
		return t.Minute()
	case partSecond:
		return t.Second()
	case partMilli:
		return t.Nanosecond() / 1e6
	case partMicro:
		return t.Nanosecond() / 1e3
	default:
		return t.Nanosecond()
	}
}

// longestShift bounds DateTimeAdd: more of any unit leaves the years 1 to 9999 or does not fit the arithmetic.
const longestShift = 1 << 53

// add shifts a date. A day that the month lacks becomes its last one.
func (p datePart) add(t time.Time, n int64) (time.Time, bool) {
	if n > longestShift || n < -longestShift {
		return t, false
	}
	switch p {
	case partYear:
		return addMonths(t, 12*n)
	case partMonth:
		return addMonths(t, n)
	case partDay, partHour, partMinute, partSecond:
		s := p.seconds()
		if n > math.MaxInt64/4/s || n < math.MinInt64/4/s {
			return t, false
		}
		return inRange(time.Unix(t.Unix()+n*s, int64(t.Nanosecond())))
	default:
		per := p.perSecond()
		return inRange(time.Unix(t.Unix()+n/per, int64(t.Nanosecond())+n%per*(1e9/per)))
	}
}

func inRange(t time.Time) (time.Time, bool) {
	t = t.UTC()
	return t, t.Year() >= 1 && t.Year() <= 9999
}

func addMonths(t time.Time, n int64) (time.Time, bool) {
	months := int64(t.Year())*12 + int64(t.Month()) - 1 + n
	year, month := floorDiv(months, 12), months-floorDiv(months, 12)*12+1
	if year < 1 || year > 9999 {
		return t, false
	}
	last := time.Date(int(year), time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	h, m, s := t.Clock()
	return time.Date(int(year), time.Month(month), min(t.Day(), last), h, m, s, t.Nanosecond(), time.UTC), true
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// crossed counts the boundaries of the part between two dates.
func (p datePart) crossed(from, to time.Time) float64 {
	switch p {
	case partYear:
		return float64(to.Year() - from.Year())
	case partMonth:
		return float64((to.Year()-from.Year())*12 + int(to.Month()) - int(from.Month()))
	case partDay, partHour, partMinute, partSecond:
		s := p.seconds()
		return float64(floorDiv(to.Unix(), s) - floorDiv(from.Unix(), s))
	default:
		fine := int64(p.of(to) - p.of(from))
		return float64(to.Unix()-from.Unix())*float64(p.perSecond()) + float64(fine)
	}
}
