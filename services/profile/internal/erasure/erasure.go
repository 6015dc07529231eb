package erasure

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
)

// Caller is who asks.
type Caller struct {
	Subject string
	Player  bool // Subject is a player; otherwise an operator
}

// Erasures deletes players.
type Erasures struct {
	Store        Store
	Players      Players
	Revoker      Revoker
	Participants []Participant // this service first
	Names        Names
	Tokens       pagetoken.Codec
	Now          func() time.Time
	Log          *slog.Logger
}

// Delete records a deletion and carries out as much of it as there is time for. What fails after the record is no error: it is tried again.
func (e *Erasures) Delete(ctx context.Context, caller Caller, playerID string) (Deletion, error) {
	if playerID == "" && caller.Player {
		playerID = caller.Subject
	}
	switch {
	case playerID == "":
		return Deletion{}, fault.Invalid("player_id", "is empty; only a player may leave his own id out")
	case caller.Player && caller.Subject != playerID:
		return Deletion{}, fault.New(fault.PermissionDenied, "NOT_YOUR_PROFILE", "a player deletes himself only")
	}
	d, err := e.begin(ctx, caller, playerID)
	if err != nil {
		return Deletion{}, err
	}
	return e.drive(ctx, d), nil
}

// begin returns the record, and makes it when there is none.
func (e *Erasures) begin(ctx context.Context, caller Caller, playerID string) (Deletion, error) {
	id := e.Names.ID(playerID)
	d, err := e.Store.Get(ctx, id)
	if !fault.Is(err, fault.NotFound) {
		return d, err
	}
	exists, err := e.Players.Exists(ctx, playerID)
	if err != nil {
		return Deletion{}, err
	}
	if !exists {
		return Deletion{}, fault.New(fault.NotFound, "PLAYER_NOT_FOUND", "there is no player %s", playerID).With("player_id", playerID)
	}
	requester := "player"
	if !caller.Player {
		requester = "operator " + caller.Subject
	}
	if err := e.Store.Create(ctx, e.newDeletion(playerID, requester)); err != nil {
		return Deletion{}, err
	}
	return e.Store.Get(ctx, id)
}

func (e *Erasures) newDeletion(playerID, requester string) Deletion {
	now := e.now()
	return Deletion{
		ID: e.Names.ID(playerID), PlayerID: playerID, State: Revoking, Requester: requester, CreateTime: now, UpdateTime: now, Due: now,
	}
}

// Get returns the deletion of a player.
func (e *Erasures) Get(ctx context.Context, playerID string) (Deletion, error) {
	return e.Store.Get(ctx, e.Names.ID(playerID))
}

// Check returns the deletion that a receipt is for.
func (e *Erasures) Check(ctx context.Context, receipt string) (Deletion, error) {
	id, err := e.Names.OfReceipt(receipt)
	if err != nil {
		return Deletion{}, err
	}
	return e.Store.Get(ctx, id)
}

// reserve is what a call keeps of its time to answer.
const reserve = 500 * time.Millisecond

// drive carries a deletion on until there is nothing to do for now, or no time left.
func (e *Erasures) drive(ctx context.Context, d Deletion) Deletion {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-reserve))
		defer cancel()
	}
	d, err := e.advance(ctx, d)
	if err != nil && ctx.Err() == nil {
		e.Log.WarnContext(ctx, "a deletion could not be carried on and will be tried again", "deletion", d.ID, "error", err)
	}
	return d
}

// advance does what is due, step by step, until nothing is. Its errors are those of the records; what services fail with is recorded.
func (e *Erasures) advance(ctx context.Context, d Deletion) (Deletion, error) {
	for ctx.Err() == nil && !d.Due.IsZero() && !e.now().Before(d.Due) {
		next, err := e.step(ctx, d)
		if err != nil {
			return d, err
		}
		d = next
	}
	return d, ctx.Err()
}

// step asks each service once that has something to do.
func (e *Erasures) step(ctx context.Context, d Deletion) (Deletion, error) {
	if d.State == Revoking {
		return e.revoke(ctx, d)
	}
	asked := false
	for _, p := range e.Participants {
		if ctx.Err() != nil {
			return d, ctx.Err()
		}
		if at := d.progress(p.Name()); at.Done || e.now().Before(at.RetryTime) {
			continue
		}
		asked = true
		result, failure := p.Erase(ctx, d.PlayerID)
		next, err := e.record(ctx, d, p.Name(), result, failure)
		if err != nil {
			return d, err
		}
		if d = next; d.Due.IsZero() || d.PlayerID == "" {
			return d, nil
		}
	}
	if asked {
		return d, nil
	}
	return e.Store.Update(ctx, d.ID, func(stored *Deletion) bool { // a service was taken out of the configuration
		if stored.State != d.State || stored.Due.After(e.now()) {
			return false
		}
		stored.settle(e.services(), e.now())
		return true
	})
}

// record stores what a service did. A result that belongs to a sweep which another replica has ended counts for nothing but the documents.
func (e *Erasures) record(ctx context.Context, d Deletion, service string, result Result, failure error) (Deletion, error) {
	if failure != nil && ctx.Err() != nil {
		return d, failure // it is we who had no time
	}
	return e.Store.Update(ctx, d.ID, func(stored *Deletion) bool {
		now := e.now()
		if stored.State == Final && stored.PlayerID == "" {
			return false
		}
		if stored.State != d.State {
			result.Done = false
		}
		switch {
		case failure == nil:
			stored.succeeded(service, result, now)
		case stored.State == d.State && !stored.progress(service).Done:
			stored.failed(service, reasonOf(failure), now)
		}
		if stored.State == d.State {
			stored.settle(e.services(), now)
		}
		return true
	})
}

// revoke ends the sessions; nothing is deleted before, as the player would come back by a session that is open.
func (e *Erasures) revoke(ctx context.Context, d Deletion) (Deletion, error) {
	failure := e.Revoker.Revoke(ctx, d.PlayerID)
	if failure != nil && ctx.Err() != nil {
		return d, failure
	}
	return e.Store.Update(ctx, d.ID, func(stored *Deletion) bool {
		now := e.now()
		if stored.State != Revoking {
			return false
		}
		if failure != nil {
			stored.failed(revokerName, reasonOf(failure), now)
		} else {
			p := stored.progress(revokerName)
			p.Failures, p.Reason, p.RetryTime = 0, "", time.Time{}
			stored.State, stored.RevokeTime = Erasing, now
		}
		stored.settle(e.services(), now)
		return true
	})
}

func (e *Erasures) services() []string {
	names := make([]string, len(e.Participants))
	for i, p := range e.Participants {
		names[i] = p.Name()
	}
	return names
}

// Round carries on every deletion that has something to do. One that fails does not hold up the others.
func (e *Erasures) Round(ctx context.Context) error {
	var list []Deletion
	err := e.Store.Due(ctx, e.now(), func(d Deletion) error {
		list = append(list, d)
		return nil
	})
	failures := make([]error, len(list)+1)
	failures[len(list)] = err
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, d := range list {
		group.Go(func() error {
			_, failures[i] = e.advance(ctx, d)
			return nil
		})
	}
	_ = group.Wait() // its errors are in failures
	return errors.Join(failures...)
}

// atOnce is how many deletions a round carries on at the same time, so that one that waits for a slow service does not hold up all.
const atOnce = 8

// Overdue counts the deletions that take longer than they should, and logs each.
func (e *Erasures) Overdue(ctx context.Context) (int, error) {
	late, now := 0, e.now()
	err := e.Store.Due(ctx, now.AddDate(100, 0, 0), func(d Deletion) error {
		if !d.Late(now) {
			return nil
		}
		late++
		e.Log.ErrorContext(ctx, "a deletion takes longer than it should", "deletion", d.ID, "since", d.CreateTime, "waits_for", d.waitsFor())
		return nil
	})
	return late, err
}

// waitsFor names the services that fail, with their reasons.
func (d *Deletion) waitsFor() []string {
	var list []string
	for _, p := range d.Participants {
		if p.Failures > 0 {
			list = append(list, p.Service+": "+p.Reason)
		}
	}
	return list
}

// now has the resolution that is stored.
func (e *Erasures) now() time.Time { return e.Now().UTC().Truncate(time.Millisecond) }

// reasonOf is what the record keeps of a failure: a word, and no text that may hold an id.
func reasonOf(err error) string {
	if reason := fault.ReasonOf(err); reason != "" {
		return reason
	}
	return fault.KindOf(err).String()
}
