package handle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"supergame/services/platform/fault"
)

// errTaken says that a reservation cannot be made, as somebody else has it.
var errTaken = errors.New("somebody else has it")

// outdatedError says that a reservation was made by a later claim of the same player.
type outdatedError struct{ by int64 }

// Error says by which.
func (e *outdatedError) Error() string { return fmt.Sprintf("the player has made claim %d", e.by) }

// Resume finishes the claim that is open at a player, if there is one, forward where that goes and else back.
func (h *Handles) Resume(ctx context.Context, playerID string) error {
	owner, err := h.Profiles.Newest(ctx, playerID)
	if err == nil {
		_, err = h.finish(ctx, owner)
	}
	if fault.ReasonOf(err) == "HANDLE_TAKEN" {
		return nil // undone is finished
	}
	return err
}

// Sweep finishes the claims that their calls did not. It is safe beside those calls and beside other sweeps.
func (h *Handles) Sweep(ctx context.Context) error {
	var failed []error
	err := h.Profiles.Due(ctx, h.now(), func(playerID string) error {
		err := h.Resume(ctx, playerID)
		if err != nil && !fault.Is(err, fault.NotFound) {
			failed = append(failed, err) // the others are not to wait for this one
		}
		return ctx.Err()
	})
	return errors.Join(append(failed, err)...)
}

// finish goes through the states of the claim that is open, until it is closed or another one is. HANDLE_TAKEN says that it was undone.
func (h *Handles) finish(ctx context.Context, o Owner) (Owner, error) {
	var refusal error
	if o.Claim == nil {
		return o, nil
	}
	number := o.Claim.Number
	for range maxTries {
		if o.Claim == nil || o.Claim.Number != number {
			return o, refusal
		}
		var err error
		switch o.Claim.State {
		case Take:
			o, err = h.take(ctx, o)
			if fault.ReasonOf(err) == "HANDLE_TAKEN" {
				refusal, err = err, nil
			}
		case Undo:
			o, err = h.undo(ctx, o)
		case Drop:
			o, err = h.drop(ctx, o)
		default:
			err = fault.New(fault.FailedPrecondition, "SCHEMA_TOO_NEW", "this program does not know the state %q of a claim", o.Claim.State)
		}
		if err != nil {
			return o, err
		}
	}
	return o, contention()
}

// take is the steps 2 and 3: it makes the reservations, and then the name the player's. When one is another's the claim is to be undone.
func (h *Handles) take(ctx context.Context, o Owner) (Owner, error) {
	name := stored(o.Claim.Name)
	err := h.reserve(ctx, o, name)
	var late *outdatedError
	switch {
	case errors.Is(err, errTaken):
		next, done, err := h.leave(ctx, o, func(next *Owner) { next.Claim.State = Undo })
		if err == nil && done {
			err = taken(name)
		}
		return next, err
	case errors.As(err, &late):
		// The claim is closed by now; or the profile is of a backup and counts what was counted before: then it counts on.
		next, _, err := h.leave(ctx, o, func(next *Owner) { next.Claims = late.by + 1 })
		return next, err
	case err != nil:
		return o, err
	}
	next, _, err := h.leave(ctx, o, func(next *Owner) { next.commit(name, h.now()) })
	return next, err
}

// leave is a step out of [Take]. When the claim is not open any more, or the player is gone, what it has reserved since then is given back.
func (h *Handles) leave(ctx context.Context, o Owner, change func(*Owner)) (next Owner, done bool, err error) {
	next, done, err = h.step(ctx, o, change)
	if gone := fault.Is(err, fault.NotFound); gone || err == nil && !done {
		next.PlayerID = o.PlayerID
		err = errors.Join(err, h.giveBack(ctx, next, stored(o.Claim.Name), o.Claim.Number))
	}
	return next, done, err
}

// commit makes the name of the open claim the player's. What is left is to release the looks of the name before.
func (o *Owner) commit(name Name, now time.Time) {
	before := stored(o.Handle)
	o.show(name.Shown, now)
	if slices.ContainsFunc(before.Keys, func(key string) bool { return !name.has(key) }) {
		o.Claim.State, o.Claim.Name = Drop, before.Shown
	} else {
		o.Claim = nil
	}
}

// step changes the player if the claim is still in the state that o shows, and reports whether it was. The answer is the player as he is now.
func (h *Handles) step(ctx context.Context, o Owner, change func(*Owner)) (Owner, bool, error) {
	claim, done := *o.Claim, false
	next, err := h.Profiles.Update(ctx, Edit{PlayerID: o.PlayerID}, func(next *Owner) (bool, error) {
		done = next.Claim != nil && next.Claim.Number == claim.Number && next.Claim.State == claim.State
		if done {
			change(next)
		}
		return done, nil
	})
	return next, done, err
}

func closeClaim(next *Owner) { next.Claim = nil }

// reserve makes the reservations of a name for the open claim, in the order of their keys, so that of two players who want the same
// ones the second stops at the first.
func (h *Handles) reserve(ctx context.Context, o Owner, name Name) error {
	for _, key := range name.Keys {
		if err := h.reserveOne(ctx, o, name, key); err != nil {
			return err
		}
	}
	return nil
}

func (h *Handles) reserveOne(ctx context.Context, o Owner, name Name, key string) error {
	ours := Reservation{Key: key, Owner: o.PlayerID, Number: o.Claim.Number}
	ours.describe(name)
	next := ours
	for range maxTries {
		made, err := h.Reservations.Put(ctx, next, 0)
		if made || err != nil {
			return err
		}
		held, err := h.Reservations.Newest(ctx, key)
		if err != nil {
			return err
		}
		next = ours
		if held == nil {
			continue
		}
		next.ETag = held.ETag
		done, err := h.mayTake(ctx, held, ours)
		if done || err != nil {
			return err
		}
		if held.Owner == o.PlayerID || held.Owner == "" {
			next.Until = held.Until
		}
	}
	return contention()
}

// describe says which name a reservation is a look of.
func (r *Reservation) describe(name Name) {
	r.Handle, r.Search = name.Shown, ""
	if r.Key == name.listed() {
		r.Search = name.Folded
	}
}

// mayTake returns nil when the reservation that is held may be replaced by ours; or reports that it is ours already.
func (h *Handles) mayTake(ctx context.Context, held *Reservation, ours Reservation) (done bool, err error) {
	switch {
	case held.Owner == ours.Owner && held.Number > ours.Number:
		return false, &outdatedError{held.Number}
	case held.Owner == ours.Owner:
		return held.Number == ours.Number, nil
	case held.Owner != "":
		return false, h.evict(ctx, held)
	case !h.free(held, ours.Owner):
		return false, errTaken
	}
	return false, nil
}

// evict writes the profile of a reservation's owner, provided that it does not name the reservation: a step of his that was decided
// before fails then. The reservation was read before that, so one that he makes afterwards is not the version that is taken.
func (h *Handles) evict(ctx context.Context, held *Reservation) error {
	for range maxTries {
		_, err := h.Profiles.Update(ctx, Edit{PlayerID: held.Owner}, func(o *Owner) (bool, error) {
			if o.names(held) {
				return false, errTaken
			}
			return true, nil
		})
		if !fault.Is(err, fault.NotFound) {
			return err
		}
		// That may have been an old view of a new player.
		if _, err = h.Profiles.Newest(ctx, held.Owner); fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return contention()
}

// undo gives back what the claim reserved, and closes it.
func (h *Handles) undo(ctx context.Context, o Owner) (Owner, error) {
	if err := h.giveBack(ctx, o, stored(o.Claim.Name), o.Claim.Number); err != nil {
		return o, err
	}
	o, _, err := h.step(ctx, o, closeClaim)
	return o, err
}

// giveBack makes the reservations that a claim has made what they were before: of the handle that the player has, released, or none.
func (h *Handles) giveBack(ctx context.Context, o Owner, name Name, number int64) error {
	if o.Claim != nil && o.Claim.Number == number {
		o.Claim = nil
	}
	for _, key := range name.Keys {
		err := h.change(ctx, key, func(held *Reservation) (bool, error) {
			if held.Owner != o.PlayerID || held.Number != number {
				return true, nil
			}
			return h.giveBackOne(ctx, o, held)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *Handles) giveBackOne(ctx context.Context, o Owner, held *Reservation) (bool, error) {
	shown, left := stored(o.Handle), held.Until.Sub(h.now())
	switch {
	case shown.has(held.Key) && held.Handle == shown.Shown:
		return true, nil
	case shown.has(held.Key):
		held.describe(shown)
		return h.Reservations.Put(ctx, *held, 0)
	case o.names(held):
		return true, nil // a later claim is at it
	case left > 0:
		return h.release(ctx, held, o.PlayerID, left)
	}
	return h.Reservations.Delete(ctx, *held)
}

// drop is step 4: it releases the looks of the name that the player has left, and closes the claim.
func (h *Handles) drop(ctx context.Context, o Owner) (Owner, error) {
	shown := stored(o.Handle)
	for _, key := range stored(o.Claim.Name).Keys {
		if shown.has(key) {
			continue
		}
		err := h.change(ctx, key, func(held *Reservation) (bool, error) {
			if held.Owner != o.PlayerID || held.Number >= o.Claim.Number {
				return true, nil
			}
			return h.release(ctx, held, o.PlayerID, Reserved)
		})
		if err != nil {
			return o, err
		}
	}
	o, _, err := h.step(ctx, o, closeClaim)
	return o, err
}

// release takes the owner out of a reservation and keeps it for him.
func (h *Handles) release(ctx context.Context, held *Reservation, playerID string, keep time.Duration) (bool, error) {
	return h.Reservations.Put(ctx, Reservation{
		Key: held.Key, Number: held.Number, Former: h.former(held.Key, playerID), Until: h.now().Add(keep), ETag: held.ETag,
	}, keep)
}

// change reads a reservation and lets write write it, until it reports that it did or need not.
func (h *Handles) change(ctx context.Context, key string, write func(*Reservation) (bool, error)) error {
	for range maxTries {
		held, err := h.Reservations.Newest(ctx, key)
		if held == nil || err != nil {
			return err
		}
		if done, err := write(held); done || err != nil {
			return err
		}
	}
	return contention()
}
