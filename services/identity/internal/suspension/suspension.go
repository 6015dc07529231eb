// Package suspension keeps players out and lets them in again, by order of an operator or when the time has come.
//
// A suspension is one row of the revocations that every server follows, so it bites within seconds wherever a token is shown. The
// profile service has a copy for others to see; the row is marked as pending until it has the newest version, and whoever finds the
// mark, the call itself, its repeat or the chore ([Suspensions.Round]), passes the row on. Versions make late and repeated calls harmless.
package suspension

import (
	"context"
	"log/slog"
	"time"

	"supergame/services/identity/internal/player"
	"supergame/services/platform/fault"
)

// Action is what a change does.
type Action string

// The actions.
const (
	Suspend Action = "suspend"
	Lift    Action = "lift"
	Expire  Action = "expire"
)

// MaxHistory is how many changes a row remembers.
const MaxHistory = 50

// Itself is the actor of what happens without an operator.
const Itself = "identity"

// Change is one change: who did what, when and why.
type Change struct {
	Action Action
	Time   time.Time
	Actor  string
	Reason string
	Until  time.Time // zero = it does not end by itself
}

// Row is the suspension of one player.
type Row struct {
	PlayerID   string
	Version    int64 // of the newest change, from 1
	Lifted     bool
	Until      time.Time // zero = it does not end by itself
	CreateTime time.Time
	Pending    bool      // the profile service may not have this version
	Due        time.Time // when the chore shall look at the row; zero = never
	History    []Change  // the oldest first
}

// Suspended says whether the player is kept out.
func (r *Row) Suspended(now time.Time) bool {
	return r.Version > 0 && !r.Lifted && (r.Until.IsZero() || now.Before(r.Until))
}

// Change makes a change.
func (r *Row) Change(c Change) {
	if r.Version == 0 {
		r.CreateTime = c.Time
	}
	r.Version++
	r.Lifted, r.Until = c.Action != Suspend, c.Until
	r.Pending, r.Due = true, c.Time
	if r.History = append(r.History, c); len(r.History) > MaxHistory {
		r.History = r.History[len(r.History)-MaxHistory:]
	}
}

// passed notes that the profile service has a version, and says whether that changed anything.
func (r *Row) passed(version int64) bool {
	if r.Version != version || !r.Pending {
		return false
	}
	r.Pending, r.Due = false, time.Time{}
	if !r.Lifted {
		r.Due = r.Until
	}
	return true
}

// Store keeps rows.
type Store interface {
	// Get gives a row with version 0 for a player who was never suspended.
	Get(ctx context.Context, playerID string) (Row, error)
	// Apply applies a rule to the stored row and writes it when it returns true; it may apply it several times, and not at all for a
	// request that was applied before: AlreadyExists (REQUEST_ID_REUSED) when that was with another content. It gives the row as it then is. Where
	// there is none, the rule gets a row with version 0 if create says so; NotFound else.
	Apply(ctx context.Context, playerID string, r player.Request, create bool, rule func(*Row) bool) (Row, error)
	// Due hands the rows to each whose time has come.
	Due(ctx context.Context, now time.Time, each func(Row) error) error
}

// Profiles is the profile service.
type Profiles interface {
	// SetSuspension passes a version on. Done: it needs no further call. Known is false when there is no such profile.
	SetSuspension(ctx context.Context, playerID string, suspended bool, version int64) (done, known bool, err error)
}

// Revocations is the list of revocations as this server knows it.
type Revocations interface {
	// Refresh reads what is new.
	Refresh(ctx context.Context) error
}

// Suspensions changes suspensions.
type Suspensions struct {
	Store       Store
	Players     player.Store
	Profiles    Profiles
	Revocations Revocations
	Now         func() time.Time
	Log         *slog.Logger
}

// Order is what an operator wants.
type Order struct {
	PlayerID string
	Actor    string
	Reason   string
	Until    time.Time // zero = until it is lifted
	Request  player.Request
}

// Suspend keeps a player out.
func (s *Suspensions) Suspend(ctx context.Context, o Order) (Row, error) {
	now := s.Now()
	if !o.Until.IsZero() && !now.Before(o.Until) {
		return Row{}, fault.Invalid("until_time", "is not in the future")
	}
	return s.change(ctx, o, func(r *Row) bool {
		r.Change(Change{Action: Suspend, Time: now, Actor: o.Actor, Reason: o.Reason, Until: o.Until})
		return true
	})
}

// Lift lets a player in again. One who is not suspended stays as he is.
func (s *Suspensions) Lift(ctx context.Context, o Order) (Row, error) {
	now := s.Now()
	return s.change(ctx, o, func(r *Row) bool {
		if !r.Suspended(now) {
			return false
		}
		r.Change(Change{Action: Lift, Time: now, Actor: o.Actor, Reason: o.Reason})
		return true
	})
}

// Get gives the suspension of a player.
func (s *Suspensions) Get(ctx context.Context, playerID string) (Row, error) {
	if err := s.exists(ctx, playerID); err != nil {
		return Row{}, err
	}
	return s.Store.Get(ctx, playerID)
}

func (s *Suspensions) exists(ctx context.Context, playerID string) error {
	p, err := player.Read(ctx, s.Players, playerID)
	if err == nil && p.Revoked {
		err = player.NotFound(playerID)
	}
	return err
}

func (s *Suspensions) change(ctx context.Context, o Order, rule func(*Row) bool) (Row, error) {
	if err := s.exists(ctx, o.PlayerID); err != nil {
		return Row{}, err
	}
	row, err := s.Store.Apply(ctx, o.PlayerID, o.Request, true, rule)
	if err != nil || row.Version == 0 {
		return row, err
	}
	if err := s.Revocations.Refresh(ctx); err != nil { // the poll will tell
		s.Log.WarnContext(ctx, "this server does not see a suspension at once", "player_id", o.PlayerID, "error", err)
	}
	s.Log.InfoContext(ctx, "suspension", "player_id", o.PlayerID, "version", row.Version, "lifted", row.Lifted, "actor", o.Actor)
	return s.pass(ctx, row), nil
}
