package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"supergame/services/platform/fault"
)

// revocations is the list in memory.
type revocations struct {
	source RevocationSource
	now    func() time.Time

	poll   sync.Mutex // one at a time
	cursor string     // under poll

	mu        sync.RWMutex
	until     [ErasePlayer + 1]map[string]time.Time // by kind and id; the zero time = no end
	fetched   time.Time                             // when the list was last complete
	pruned    time.Time
	anyErased atomic.Bool
}

// check refuses a caller whose token is good but was revoked.
func (r *revocations) check(c *Caller) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if c.Session != "" && r.has(RevokeSession, c.Session) {
		return refuse(ReasonSessionRevoked, "the session has ended; sign in again")
	}
	if c.Role != RolePlayer {
		return nil
	}
	if r.has(ErasePlayer, c.Subject) {
		return refuse(ReasonPlayerErased, "the player does not exist any more")
	}
	if r.has(SuspendPlayer, c.Subject) {
		return r.suspended(c.Subject)
	}
	return nil
}

// suspended tells a player until when. Called under mu.
func (r *revocations) suspended(playerID string) error {
	refused := fault.New(fault.PermissionDenied, ReasonPlayerSuspended, "the player is suspended")
	if until := r.until[SuspendPlayer][playerID]; !until.IsZero() {
		return refused.With("until", until.UTC().Format(time.RFC3339))
	}
	return refused
}

func (r *revocations) isErased(playerID string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.has(ErasePlayer, playerID)
}

// has is called under mu.
func (r *revocations) has(kind RevocationKind, id string) bool {
	until, found := r.until[kind][id]
	return found && (until.IsZero() || r.now().Before(until))
}

// fetch reads what is new, to the end of the list.
func (r *revocations) fetch(ctx context.Context) error {
	r.poll.Lock()
	defer r.poll.Unlock()
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	for {
		// The list is as old as the question whose answer ended it.
		began := r.now()
		page, err := r.source.Revocations(ctx, r.cursor)
		if fault.Is(err, fault.InvalidArgument) && r.cursor != "" {
			r.cursor = ""
			continue
		}
		if err != nil {
			return err
		}
		r.apply(page.Revocations)
		stuck := page.More && page.Cursor == r.cursor
		r.cursor = page.Cursor
		if stuck {
			return errors.New("the source says there is more and gives the same cursor again")
		}
		if !page.More {
			r.completed(began)
			return nil
		}
	}
}

// apply takes in a page; the latest of an id counts, so a suspension may grow, shrink or be lifted.
func (r *revocations) apply(page []Revocation) {
	if len(page) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, row := range page {
		if row.Kind == 0 || row.Kind > ErasePlayer {
			continue // of a later version; it revokes nothing that is known here
		}
		if r.until[row.Kind] == nil {
			r.until[row.Kind] = map[string]time.Time{}
		}
		if row.Lifted {
			delete(r.until[row.Kind], row.ID)
		} else {
			r.until[row.Kind][row.ID] = row.ExpireTime
		}
	}
	r.anyErased.Store(len(r.until[ErasePlayer]) > 0)
}

const pruneEvery = time.Minute

// completed notes the age of the list, and now and then drops what has expired.
func (r *revocations) completed(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fetched = at
	if at.Sub(r.pruned) < pruneEvery {
		return
	}
	r.pruned = at
	for _, ids := range r.until {
		for id, until := range ids {
			if !until.IsZero() && !at.Before(until) {
				delete(ids, id)
			}
		}
	}
	r.anyErased.Store(len(r.until[ErasePlayer]) > 0)
}

// ready returns nil when the list is younger than the limit.
func (r *revocations) ready(limit time.Duration) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.fetched.IsZero() {
		return errors.New("the revocations of identity are not known yet")
	}
	if age := r.now().Sub(r.fetched); age > limit {
		return fmt.Errorf("the revocations of identity are %s old, the limit is %s", age.Round(time.Second), limit)
	}
	return nil
}
