// Package announce tells other services about changes of players of which they keep copies: country and suspension. A change is written to the player's
// outbox in the same batch as the change itself, is delivered at once where that goes, and by a chore where it does not. Only the
// last state counts: receivers go by its version, and versions may be left out.
package announce

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"supergame/services/platform/fault"
)

// Outbox is the state of a player as others shall have it, and who has it. There is one for each player, so changes that come quickly are one message.
type Outbox struct {
	PlayerID  string
	Version   int64 // counts the changes
	Country   string
	Suspended bool

	Delivered map[string]int64 // the version that each follower has
	Since     time.Time        // when the last change came, as long as somebody does not have it; zero = everybody has it
	Due       time.Time        // when to try again; zero = nothing to do
	Failures  int              // in a row
	Dead      string           // why it was given up; "" = it was not
}

// Store keeps outboxes. Its errors are faults; a player who is not there is NOT_FOUND.
type Store interface {
	// Suspend stores in one batch whether a player is suspended and the change for the followers, when version is higher than that of the state stored.
	Suspend(ctx context.Context, playerID string, suspended bool, version int64) error
	// Get returns an outbox; NOT_FOUND when there is none.
	Get(ctx context.Context, playerID string) (Outbox, error)
	// Update reads an outbox, lets change change it, and stores it; when somebody else wrote in between it reads and changes again.
	Update(ctx context.Context, playerID string, change func(*Outbox) bool) (Outbox, error)
	// Due hands the players of all outboxes to each that have something to do at a time.
	Due(ctx context.Context, at time.Time, each func(playerID string) error) error
}

// Follower is a service that keeps copies.
type Follower interface {
	// Name is the name of the service.
	Name() string
	// Changed hands it a state.
	Changed(ctx context.Context, state Outbox) error
}

// Announcer delivers.
type Announcer struct {
	Store     Store
	Followers []Follower
	Now       func() time.Time
	Log       *slog.Logger
	GaveUp    func(context.Context) // counts messages that were given up; nil = nobody does
}

const (
	// giveUpAfter is less than the 8 days after which the deletion of a player is final.
	giveUpAfter = 7 * 24 * time.Hour
	// atOnce is how long a call that changes a player waits for the followers.
	atOnce      = time.Second
	firstPause  = 5 * time.Second
	longestWait = time.Hour
)

// SetSuspension stores whether a player is suspended, and reports whether all followers know.
func (a *Announcer) SetSuspension(ctx context.Context, playerID string, suspended bool, version int64) (done bool, err error) {
	if err := a.Store.Suspend(ctx, playerID, suspended, version); err != nil {
		return false, err
	}
	return a.deliver(ctx, playerID)
}

// Changed delivers a change that has just been written, as far as that goes at once. The chore does the rest.
func (a *Announcer) Changed(ctx context.Context, playerID string) {
	ctx, cancel := context.WithTimeout(ctx, atOnce)
	defer cancel()
	if _, err := a.deliver(ctx, playerID); err != nil {
		a.Log.DebugContext(ctx, "a change is delivered later", "player", playerID, "error", err)
	}
}

// Round delivers what is due.
func (a *Announcer) Round(ctx context.Context) error {
	if len(a.Followers) == 0 {
		return nil
	}
	var players []string
	err := a.Store.Due(ctx, a.Now(), func(playerID string) error {
		players = append(players, playerID)
		return nil
	})
	failures := make([]error, len(players)+1)
	failures[len(players)] = err
	var group errgroup.Group
	group.SetLimit(8)
	for i, playerID := range players {
		group.Go(func() error {
			_, failures[i] = a.deliver(ctx, playerID)
			return nil
		})
	}
	_ = group.Wait() // its errors are in failures
	return errors.Join(failures...)
}

// deliver sends the state to those who do not have it, and records who has it now.
func (a *Announcer) deliver(ctx context.Context, playerID string) (done bool, err error) {
	if len(a.Followers) == 0 {
		return true, nil
	}
	state, err := a.Store.Get(ctx, playerID)
	if fault.Is(err, fault.NotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	failures := a.send(ctx, state)
	if failures == nil {
		return true, nil
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	gaveUp := false
	stored, err := a.Store.Update(ctx, playerID, func(o *Outbox) bool {
		gaveUp = a.record(o, state.Version, failures)
		return true
	})
	if fault.Is(err, fault.NotFound) { // erased meanwhile
		return true, nil
	}
	if err == nil && gaveUp {
		a.Log.ErrorContext(ctx, "a change of a player was given up: a service has an old copy until the next change", "player", playerID, "reason", stored.Dead)
		if a.GaveUp != nil {
			a.GaveUp(ctx)
		}
	}
	return err == nil && a.settled(&stored), err
}

// send returns how each follower fared to whom there was something to send; nil when there was none.
func (a *Announcer) send(ctx context.Context, state Outbox) map[string]error {
	outcomes := make([]error, len(a.Followers))
	var group errgroup.Group
	var sent map[string]error
	for i, follower := range a.Followers {
		if state.Delivered[follower.Name()] >= state.Version {
			continue
		}
		if sent == nil {
			sent = map[string]error{}
		}
		sent[follower.Name()] = nil
		group.Go(func() error {
			if outcomes[i] = follower.Changed(ctx, state); fault.Is(outcomes[i], fault.NotFound) {
				outcomes[i] = nil // he is being erased there
			}
			return nil
		})
	}
	_ = group.Wait() // its errors are in outcomes
	for i, follower := range a.Followers {
		if _, was := sent[follower.Name()]; was {
			sent[follower.Name()] = outcomes[i]
		}
	}
	return sent
}

// record changes an outbox by what came of a delivery. It reports whether the rest was given up.
func (a *Announcer) record(o *Outbox, version int64, outcomes map[string]error) (gaveUp bool) {
	now := a.Now().UTC().Truncate(time.Millisecond)
	if o.Delivered == nil {
		o.Delivered = map[string]int64{}
	}
	reason := ""
	for name, err := range outcomes {
		if err == nil {
			o.Delivered[name] = max(o.Delivered[name], version)
		} else {
			reason = name + ": " + fault.ReasonOf(err)
		}
	}
	switch {
	case a.settled(o):
		o.Since, o.Due, o.Failures, o.Dead = time.Time{}, time.Time{}, 0, ""
	case reason == "": // a newer version came
		o.Due = now
	case !o.Since.IsZero() && now.Sub(o.Since) >= giveUpAfter:
		o.Due, o.Dead = time.Time{}, reason
		return true
	default:
		o.Failures++
		o.Due = now.Add(min(firstPause<<min(o.Failures-1, 12), longestWait))
	}
	return false
}

// settled reports whether every follower has the last state.
func (a *Announcer) settled(o *Outbox) bool {
	for _, follower := range a.Followers {
		if o.Delivered[follower.Name()] < o.Version {
			return false
		}
	}
	return true
}
