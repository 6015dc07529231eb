package player

import "time"

const (
	// MaxFamilies bounds the sessions of one player: one more drops the one that was refreshed longest ago. As many that ended are
	// remembered. It keeps the document small, and with it the cost of every refresh.
	MaxFamilies = 10
	// RepeatWindow is how long the refresh token just used gives its successor again.
	RepeatWindow = 60 * time.Second
	// SignInWindow is how long the same sign-in opens the same family.
	SignInWindow = 10 * time.Minute
	// EndedWindow is how long an ended family is remembered: longer than SignInWindow, and than any access token of it lives.
	EndedWindow = 65 * time.Minute
)

// Family is one session: the chain of its refresh tokens, of which one is current.
type Family struct {
	ID         string
	N          int64 // the number of the current token, from 1
	OpenTime   time.Time
	RotateTime time.Time // when N became current
	ExpireTime time.Time // when N ends if it is not used
	EndTime    time.Time // zero while the session is open
}

// Live says whether the family's current token can be used.
func (f *Family) Live(now time.Time) bool { return f.EndTime.IsZero() && now.Before(f.ExpireTime) }

// Family finds a family, or gives nil.
func (p *Player) Family(id string) *Family {
	for i := range p.Families {
		if p.Families[i].ID == id {
			return &p.Families[i]
		}
	}
	return nil
}

// Open finds the family of a sign-in or starts it, and says whether it is new. The names are those that the sign-in may give to its
// family, in the order to try: a live one that was opened within SignInWindow is the same sign-in again; else the first unused one is
// taken. It gives nil when every name was used by sessions that are over.
func (p *Player) Open(names []string, now time.Time, life time.Duration) (f *Family, opened bool) {
	unused := ""
	for _, name := range names {
		known := p.Family(name)
		if known == nil {
			if unused == "" {
				unused = name
			}
			continue
		}
		if known.Live(now) && now.Sub(known.OpenTime) <= SignInWindow {
			return known, false
		}
	}
	if unused == "" {
		return nil, false
	}
	return p.add(Family{ID: unused, N: 1, OpenTime: now, RotateTime: now, ExpireTime: now.Add(life)}, now), true
}

// add forgets what is over, makes room among the families of the new one's sort, live or ended, and adds it. The sorts do not push
// each other out: nobody loses a session because others ended.
func (p *Player) add(f Family, now time.Time) *Family {
	kept := p.Families[:0]
	for _, old := range p.Families {
		if old.Live(now) || (!old.EndTime.IsZero() && now.Sub(old.EndTime) < EndedWindow) {
			kept = append(kept, old)
		}
	}
	p.Families = kept
	for p.drop(f.Live(now), now) {
	}
	p.Families = append(p.Families, f)
	return &p.Families[len(p.Families)-1]
}

// drop removes the family of one sort that was refreshed longest ago, if there are as many as there may be.
func (p *Player) drop(live bool, now time.Time) bool {
	oldest, n := -1, 0
	for i := range p.Families {
		f := &p.Families[i]
		if f.Live(now) != live {
			continue
		}
		if n++; oldest < 0 || f.RotateTime.Before(p.Families[oldest].RotateTime) {
			oldest = i
		}
	}
	if n < MaxFamilies {
		return false
	}
	p.Families = append(p.Families[:oldest], p.Families[oldest+1:]...)
	return true
}

// missing writes down a session that is not there as one that ended. It may be that the player was read as he was some time ago, and
// the session is new: then the write is refused, and the rule is applied again to the player as he is.
func (p *Player) missing(id string, n int64, now time.Time) *Family {
	return p.add(Family{ID: id, N: n, OpenTime: now, RotateTime: now, ExpireTime: now, EndTime: now}, now)
}

// Outcome is what became of a refresh token.
type Outcome uint8

// The outcomes of [Player.Refresh].
const (
	Unknown  Outcome = iota // no such family: it expired long ago or was dropped
	Expired                 // the token was not used in time
	Ended                   // the session is over
	Rotated                 // the token was current: it has a successor now
	Repeated                // the token was used a moment ago: the same successor again
	Stolen                  // the token is too old or was never given out: the session ends here
)

// Refresh uses up token n of a family. The family is nil for a player who is revoked; changed says whether there is something to store.
func (p *Player) Refresh(id string, n int64, now time.Time, life time.Duration) (outcome Outcome, f *Family, changed bool) {
	if p.Revoked {
		return Ended, nil, false
	}
	f = p.Family(id)
	switch {
	case f == nil:
		return Unknown, p.missing(id, n, now), true
	case !f.EndTime.IsZero():
		return Ended, f, false
	case !f.Live(now):
		f.EndTime = now
		return Expired, f, true
	case n == f.N:
		f.N, f.RotateTime, f.ExpireTime = f.N+1, now, now.Add(life)
		return Rotated, f, true
	case n == f.N-1 && now.Sub(f.RotateTime) <= RepeatWindow:
		return Repeated, f, false
	default:
		f.EndTime = now
		return Stolen, f, true
	}
}

// End ends a session and says whether that changed anything.
func (p *Player) End(id string, now time.Time) bool {
	if p.Revoked {
		return false
	}
	f := p.Family(id)
	switch {
	case f == nil:
		p.missing(id, 1, now)
		return true
	case !f.EndTime.IsZero():
		return false
	default:
		f.EndTime = now
		return true
	}
}
