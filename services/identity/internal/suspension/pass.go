package suspension

import (
	"context"
	"time"

	"supergame/services/identity/internal/player"
	"supergame/services/platform/fault"
)

const (
	// passTries is how often one call asks the profile service, which may need several calls until it is done.
	passTries = 3
	// passPause is the pause between two of them.
	passPause = 50 * time.Millisecond
	// passTimeout bounds all of that: the operator shall have his answer.
	passTimeout = 2 * time.Second
	// passAgain is when the chore looks at a row again that could not be passed on.
	passAgain = 15 * time.Second
	// passUnknown is how long a player may be without a profile, because his first sign-in is not complete, until there is nobody to pass on to.
	passUnknown = time.Hour
)

// pass passes a pending row on, if it can be, and gives the row as it then is. That it cannot is no failure of the change: the mark
// stays, and the chore goes on.
func (s *Suspensions) pass(ctx context.Context, row Row) Row {
	if !row.Pending {
		return row
	}
	if !s.told(ctx, row) {
		return row
	}
	now, err := s.Store.Apply(ctx, row.PlayerID, player.Request{}, false, func(r *Row) bool { return r.passed(row.Version) })
	if err != nil {
		s.Log.WarnContext(ctx, "a suspension was passed on, and that cannot be noted", "player_id", row.PlayerID, "error", err)
		return row
	}
	return now
}

// told says whether the profile service has the version, or a newer one, or there is nobody to tell it about.
func (s *Suspensions) told(ctx context.Context, row Row) bool {
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	for try := range passTries {
		if try > 0 {
			select {
			case <-ctx.Done():
				return false
			case <-time.After(passPause):
			}
		}
		done, known, err := s.Profiles.SetSuspension(ctx, row.PlayerID, !row.Lifted, row.Version)
		switch {
		case err != nil:
			s.Log.WarnContext(ctx, "a suspension cannot be passed on now", "player_id", row.PlayerID, "version", row.Version, "error", err)
			return false
		case done:
			return true
		case !known:
			changed := row.History[len(row.History)-1].Time
			return s.Now().Sub(changed) > passUnknown
		}
	}
	return false
}

// Round is the chore: it ends suspensions whose time is over and passes on what is pending. Safe to run on several replicas at once. One
// row's trouble does not keep it from the others.
func (s *Suspensions) Round(ctx context.Context) error {
	return s.Store.Due(ctx, s.Now(), func(row Row) error {
		err := s.attend(ctx, row)
		if err != nil && !fault.Is(err, fault.NotFound) { // not found: erased meanwhile
			s.Log.WarnContext(ctx, "a suspension cannot be looked after now", "player_id", row.PlayerID, "error", err)
		}
		return ctx.Err()
	})
}

func (s *Suspensions) attend(ctx context.Context, row Row) (err error) {
	now := s.Now()
	row, err = s.Store.Apply(ctx, row.PlayerID, player.Request{}, false, func(r *Row) bool {
		if r.Lifted || r.Until.IsZero() || now.Before(r.Until) {
			return false
		}
		r.Change(Change{Action: Expire, Time: now, Actor: Itself})
		return true
	})
	if err != nil {
		return err
	}
	if row = s.pass(ctx, row); !row.Pending {
		return nil
	}
	_, err = s.Store.Apply(ctx, row.PlayerID, player.Request{}, false, func(r *Row) bool {
		if !r.Pending || r.Version != row.Version {
			return false
		}
		r.Due = now.Add(passAgain)
		return true
	})
	return err
}
