package handle

import (
	"context"
	"errors"

	"supergame/services/platform/fault"
)

// Remover takes handles away that a review removes. It is a moderation.Remover.
type Remover struct{ Handles *Handles }

// Normalize allows no replacement: a handle is claimed, by whoever wants it, and not given.
func (Remover) Normalize(replacement string) (string, error) {
	if replacement != "" {
		return "", fault.Invalid("replacement", "is not empty: a handle is taken away, and the player claims another one himself")
	}
	return "", nil
}

// Remove makes the player give a handle up, if he has it, as if he did so himself: nobody else gets it for 30 days. A claim of his that is open
// is finished first, as it may be the one by which he comes to the handle.
func (r Remover) Remove(ctx context.Context, playerID, handle, _ string) (bool, error) {
	if handle == "" {
		return false, nil
	}
	for range maxTries {
		removed := false
		owner, err := r.Handles.Profiles.Update(ctx, Edit{PlayerID: playerID}, func(o *Owner) (bool, error) {
			removed = false
			if o.Claim != nil {
				return false, errOpen
			}
			if removed = o.Handle == handle; removed {
				o.open(Name{}, r.Handles.now())
			}
			return removed, nil
		})
		switch {
		case errors.Is(err, errOpen):
			err = r.Handles.Resume(ctx, playerID)
		case err == nil && removed:
			// Nobody sees the handle any more. What is left is to release its looks, which the sweeper does when this does not.
			_, _ = r.Handles.finish(ctx, owner)
			return true, nil
		case err == nil:
			return false, nil
		}
		if fault.Is(err, fault.NotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, contention()
}
