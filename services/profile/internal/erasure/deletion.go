// Package erasure deletes players for good: a saga over all services that goes on from wherever it was cut.
//
// Its steps, each safe to repeat and for two replicas to do at once:
//
//	revoke    identity ends the player's sessions for good and refuses his id
//	sweep 1   every service deletes what it has; this one first, whose document live goes before anything else
//	sweep 2   the same again 2 minutes later, when every write that was under way has ended: the preliminary certificate
//	sweep 3   the same after 8 days, when every message between services was delivered or given up: the final certificate
//
// The record of a deletion is named by an HMAC of the player's id and stays for ever; the id itself it holds only until the end. So a player whom a
// restored backup brings back is found again.
package erasure

import (
	"slices"
	"strings"
	"time"
)

// State is how far a deletion is.
type State uint8

// The states, in their order.
const (
	Revoking  State = iota + 1 // before the first sweep
	Erasing                    // in the first sweep
	Erased                     // the first sweep is over; from Due on in the second
	Certified                  // the second sweep is over; from Due on in the third
	Final                      // over
)

const (
	// secondAfter is how long after the end of the first sweep the second begins: every write has a deadline of much less, and identity's revocation is
	// known everywhere.
	secondAfter = 2 * time.Minute
	// finalAfter is how long after the request the third sweep begins: outboxes give up after 7 days.
	finalAfter = 8 * 24 * time.Hour
	// revocationKept is how long identity keeps the row that bears the id.
	revocationKept = 31 * 24 * time.Hour
)

// Deletion is the record of one.
type Deletion struct {
	ID           string // see [Names.ID]
	PlayerID     string // "" once it is final
	State        State
	Requester    string // "player", or "operator" and the name
	CreateTime   time.Time
	UpdateTime   time.Time
	RevokeTime   time.Time // zero = not yet
	CertifyTime  time.Time // end of the second or third sweep
	Due          time.Time // when there is something to do; zero = never again
	Participants []Progress
	Reapplied    int
}

// Progress is what one service has done.
type Progress struct {
	Service   string
	Done      bool // with the present sweep
	Stores    []Swept
	Failures  int       // in a row
	Reason    string    // of the last failure
	RetryTime time.Time // not to be asked before
}

// Swept is one container.
type Swept struct {
	Name      string
	Deleted   int64     // documents, over all sweeps
	SweepTime time.Time // when it was last looked through
	Until     time.Time // when the last tombstone in it is gone; zero = there is none
}

// Remainder is what still bears the id, by intent and for a time.
type Remainder struct {
	Service, Container, What string
	Until                    time.Time
}

// Remainders is what a certificate names besides what was deleted.
func (d *Deletion) Remainders() []Remainder {
	list := []Remainder{{
		Service: revokerName, Container: "revocations", What: "the row by which every server refuses the player's sessions and his id",
		Until: d.RevokeTime.Add(revocationKept),
	}}
	if d.State < Final {
		list = append(list, Remainder{
			Service: ownName, Container: "players", What: "the record of this deletion, for its last sweep", Until: d.CreateTime.Add(finalAfter),
		})
	}
	for _, p := range d.Participants {
		for _, s := range p.Stores {
			if !s.Until.IsZero() {
				list = append(list, Remainder{
					Service: p.Service, Container: s.Name, What: "tombstones, by which every copy learns that the player is gone", Until: s.Until,
				})
			}
		}
	}
	return list
}

// The services that the saga itself is about.
const (
	ownName     = "profile"
	revokerName = "identity"
)

// progress returns what a service has done so far.
func (d *Deletion) progress(service string) *Progress {
	i := slices.IndexFunc(d.Participants, func(p Progress) bool { return p.Service == service })
	if i < 0 {
		d.Participants = append(d.Participants, Progress{Service: service})
		i = len(d.Participants) - 1
	}
	return &d.Participants[i]
}

// succeeded records what a service has deleted.
func (d *Deletion) succeeded(service string, r Result, now time.Time) {
	p := d.progress(service)
	p.Done, p.Failures, p.Reason, p.RetryTime = p.Done || r.Done, 0, "", time.Time{}
	names := slices.Clone(r.Containers)
	for name := range r.Deleted {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		i := slices.IndexFunc(p.Stores, func(s Swept) bool { return s.Name == name })
		if i < 0 {
			p.Stores = append(p.Stores, Swept{Name: name})
			i = len(p.Stores) - 1
		}
		p.Stores[i].Deleted += r.Deleted[name]
		p.Stores[i].SweepTime = now
		if until := r.Tombstones[name]; until.After(p.Stores[i].Until) {
			p.Stores[i].Until = until
		}
	}
	slices.SortFunc(p.Stores, func(a, b Swept) int { return strings.Compare(a.Name, b.Name) })
}

// failed records that a service could not, and when to ask it again.
func (d *Deletion) failed(service, reason string, now time.Time) {
	p := d.progress(service)
	p.Failures++
	p.Reason, p.RetryTime = reason, now.Add(pause(p.Failures))
}

// pause grows with the failures in a row.
func pause(failures int) time.Duration {
	const first, most = 10 * time.Second, time.Hour
	if failures > 9 {
		return most
	}
	return min(first<<(failures-1), most)
}

// settle moves on when all services are done with the present sweep, and says when there is something to do next.
func (d *Deletion) settle(services []string, now time.Time) {
	d.UpdateTime = now
	done := d.State > Revoking
	due := time.Time{}
	for _, service := range services {
		p := d.progress(service)
		done = done && p.Done
		if at := later(p.RetryTime, now); !p.Done && (due.IsZero() || at.Before(due)) {
			due = at
		}
	}
	if !done {
		d.Due = due
		if d.State == Revoking {
			d.Due = later(d.progress(revokerName).RetryTime, now)
		}
		return
	}
	for i := range d.Participants {
		d.Participants[i].Done = false
	}
	switch d.State {
	case Erasing:
		d.State, d.Due = Erased, now.Add(secondAfter)
	case Erased:
		d.State, d.Due, d.CertifyTime = Certified, later(d.CreateTime.Add(finalAfter), now.Add(secondAfter)), now
	case Certified:
		d.State, d.Due, d.CertifyTime, d.PlayerID = Final, time.Time{}, now, ""
		for i := range d.Participants {
			d.Participants[i].Done = true
		}
	}
}

// again begins a deletion that is over anew: the player came back with a backup.
func (d *Deletion) again(playerID string, now time.Time) {
	d.PlayerID, d.State, d.CreateTime, d.UpdateTime, d.Due = playerID, Revoking, now, now, now
	d.RevokeTime, d.CertifyTime = time.Time{}, time.Time{}
	d.Reapplied++
	for i := range d.Participants {
		p := &d.Participants[i]
		p.Done, p.Failures, p.Reason, p.RetryTime = false, 0, "", time.Time{}
	}
}

// Late reports whether a deletion takes longer than it should: its first sweeps an hour, the last a day more than its 8 days.
func (d *Deletion) Late(now time.Time) bool {
	switch d.State {
	case Revoking, Erasing, Erased:
		return now.Sub(d.CreateTime) > time.Hour
	case Certified:
		return now.Sub(d.CreateTime) > finalAfter+24*time.Hour
	}
	return false
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
