package statistics

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"supergame/services/platform/fault"
)

// Caller is who asks.
type Caller struct {
	Role    string // as callers of different roles may have the same name
	Subject string
	Player  bool // Subject is a player
}

// Service answers questions about statistics and changes them.
type Service struct {
	Store Store
	Now   func() time.Time // for update times
	// Erased reports whether a player is being erased, so that his statistics are gone before their document is; nil = nobody is.
	Erased func(playerID string) bool
}

// Get returns the statistics of a player with these names, all for no names. An empty id is the caller's own.
func (s *Service) Get(ctx context.Context, caller Caller, playerID string, names []string) (Statistics, error) {
	if playerID == "" {
		if !caller.Player {
			return Statistics{}, fault.Invalid("player_id", "is empty; only a player may leave his own id out")
		}
		playerID = caller.Subject
	}
	stored, err := s.Store.Get(ctx, playerID)
	return stored.only(names), err
}

// GetMany returns the statistics of those who have some, in the order of playerIDs, and the ids of the others, erased players among
// them.
func (s *Service) GetMany(ctx context.Context, playerIDs, names []string) (found []Statistics, missing []string, err error) {
	asked := playerIDs
	if s.Erased != nil {
		asked = slices.DeleteFunc(slices.Clone(playerIDs), s.Erased)
	}
	var stored []Statistics
	if len(asked) > 0 {
		if stored, err = s.Store.GetMany(ctx, asked); err != nil {
			return nil, nil, err
		}
	}
	byID := make(map[string]Statistics, len(stored))
	for _, one := range stored {
		byID[one.PlayerID] = one
	}
	for _, id := range playerIDs {
		if one, ok := byID[id]; ok && len(one.Values) > 0 {
			found = append(found, one.only(names))
		} else {
			missing = append(missing, id)
		}
	}
	return found, missing, nil
}

// Update carries out updates of one player's statistics, all or none, once for each request id of the caller. It returns the
// statistics that they name, after them.
func (s *Service) Update(ctx context.Context, caller Caller, playerID, requestID string, updates []Update) (Statistics, error) {
	names := make([]string, len(updates))
	for i, u := range updates {
		if slices.Contains(names[:i], u.Name) {
			return Statistics{}, fault.Invalid(fmt.Sprintf("updates[%d].name", i), "%q comes twice", u.Name)
		}
		names[i] = u.Name
	}
	change := s.change(caller, playerID, requestID, "update", updates)
	return s.Store.Change(ctx, change, func(stored *Statistics) (Statistics, error) {
		if err := stored.apply(updates); err != nil {
			return Statistics{}, err
		}
		stored.UpdateTime = s.after(stored.UpdateTime)
		return stored.only(names), nil
	})
}

// Reset removes statistics, those with these names or all, once for each request id of the caller. It returns them as they
// were.
func (s *Service) Reset(ctx context.Context, caller Caller, playerID, requestID string, names []string, all bool) (Statistics, error) {
	if all == (len(names) > 0) {
		return Statistics{}, fault.Invalid("names", "name statistics, or set `all`, and not both")
	}
	change := s.change(caller, playerID, requestID, "reset", names)
	return s.Store.Change(ctx, change, func(stored *Statistics) (Statistics, error) {
		removed := stored.remove(names)
		stored.UpdateTime = s.after(stored.UpdateTime)
		removed.UpdateTime = stored.UpdateTime
		return removed, nil
	})
}

func (s *Service) change(caller Caller, playerID, requestID, verb string, what any) Change {
	content, err := json.Marshal([]any{verb, what})
	if err != nil { // strings and integers always encode
		panic(err)
	}
	return Change{PlayerID: playerID, Caller: caller.Role + " " + caller.Subject, RequestID: requestID, Content: content}
}

// after is the time now, in the resolution that is stored, and never before another, where the clocks of two replicas disagree.
func (s *Service) after(before time.Time) time.Time {
	now := s.Now().UTC().Truncate(time.Millisecond)
	if before.After(now) {
		return before
	}
	return now
}
