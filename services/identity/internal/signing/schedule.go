package signing

import "time"

const (
	// Lead is how long a key is published before it signs, so that every server has it by then.
	Lead = 24 * time.Hour
	// MaxTokenLife is the longest that an access token may live.
	MaxTokenLife = time.Hour
	// skew is how far the clocks of servers may be apart.
	skew = 5 * time.Minute
)

// Schedule says when keys change: time is cut into periods of equal length, counted from the zero time, with one key each.
type Schedule struct {
	Period time.Duration // at least 2 * Lead
}

// start is when the period began that t is in.
func (s Schedule) start(t time.Time) time.Time { return t.UTC().Truncate(s.Period) }

// id names the key of a period, e.g. 20261119T000000Z-168h0m0s. The length is in it, because another length, configured later, needs a key
// of its own for a period that begins at the same time: this one ends with its period.
func (s Schedule) id(start time.Time) string {
	return start.Format("20060102T150405Z") + "-" + s.Period.String()
}

// due gives the keys that should be made now: that of this period, and that of the next one once Lead is reached.
func (s Schedule) due(now time.Time, have []Sealed) []Sealed {
	var due []Sealed
	start := s.start(now)
	for _, start := range []time.Time{start, start.Add(s.Period)} {
		if start.Sub(now) > Lead || has(have, s.id(start)) {
			continue
		}
		k := Sealed{ID: s.id(start), CreateTime: now, SignFrom: start}
		if start.Before(now.Add(Lead)) {
			k.SignFrom = late(now, have)
			if start.After(k.SignFrom) {
				k.SignFrom = start
			}
		}
		// A key signs for Lead longer than its period, so that a late successor can still be published first.
		k.ExpireTime = start.Add(s.Period + Lead + MaxTokenLife + skew)
		if end := k.SignFrom.Add(Lead + MaxTokenLife + skew); end.After(k.ExpireTime) {
			k.ExpireTime = end
		}
		due = append(due, k)
		have = append(have, k)
	}
	return due
}

// late is when a key that is made too late may sign: after Lead if another key can sign until then, else at once.
func late(now time.Time, have []Sealed) time.Time {
	for _, k := range have {
		if !k.SignFrom.After(now) && k.ExpireTime.After(now.Add(Lead+MaxTokenLife+skew)) {
			return now.Add(Lead)
		}
	}
	return now
}

func has(keys []Sealed, id string) bool {
	for _, k := range keys {
		if k.ID == id {
			return true
		}
	}
	return false
}

// signer chooses the key to sign with: the newest that may.
func signer(keys []Key, now time.Time) (Key, bool) {
	var best Key
	for _, k := range keys {
		usable := !k.SignFrom.After(now.Add(skew)) && k.ExpireTime.After(now.Add(MaxTokenLife+skew))
		if usable && (best.Private == nil || k.SignFrom.After(best.SignFrom)) {
			best = k
		}
	}
	return best, best.Private != nil
}
