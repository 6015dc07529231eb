package erasure

import (
	"context"

	"supergame/services/platform/fault"
)

const usualPage = 100

// Page is one page of deletions.
type Page struct {
	Deletions []Deletion
	Examined  int    // players, of [Erasures.Reapply]
	Next      string // token of the next page
}

// List returns a page of all deletions.
func (e *Erasures) List(ctx context.Context, size int, token string) (Page, error) {
	list := e.Tokens.For("ProfileService.ListDeletions")
	position, err := list.Position(token)
	if err != nil {
		return Page{}, err
	}
	deletions, next, err := e.Store.List(ctx, orUsual(size), position)
	return Page{Deletions: deletions, Next: list.Token(next)}, err
}

// Reapply looks at a page of players, and begins the deletion anew of those who were deleted before: whose deletion is on record and final, or among ids. A
// deletion on record that is not final goes on by itself.
func (e *Erasures) Reapply(ctx context.Context, caller Caller, ids []string, size int, token string) (Page, error) {
	list := e.Tokens.For("ProfileService.ReapplyDeletions")
	position, err := list.Position(token)
	if err != nil {
		return Page{}, err
	}
	playerIDs, next, err := e.Players.IDs(ctx, orUsual(size), position)
	if err != nil {
		return Page{}, err
	}
	named := make(map[string]bool, len(ids))
	for _, id := range ids {
		named[id] = true
	}
	page, seen := Page{Next: list.Token(next)}, map[string]bool{}
	for _, playerID := range playerIDs {
		if seen[playerID] {
			continue
		}
		seen[playerID] = true
		page.Examined++
		d, found, err := e.reapplyTo(ctx, caller, playerID, named)
		if err != nil {
			return Page{}, err
		}
		if found {
			page.Deletions = append(page.Deletions, d)
		}
	}
	return page, nil
}

func (e *Erasures) reapplyTo(ctx context.Context, caller Caller, playerID string, named map[string]bool) (Deletion, bool, error) {
	id := e.Names.ID(playerID)
	stored, err := e.Store.Get(ctx, id)
	switch {
	case fault.Is(err, fault.NotFound) && named[id]:
		if err := e.Store.Create(ctx, e.newDeletion(playerID, "operator "+caller.Subject)); err != nil {
			return Deletion{}, false, err
		}
		stored, err = e.Store.Get(ctx, id)
		return stored, err == nil, err
	case fault.Is(err, fault.NotFound):
		return Deletion{}, false, nil
	case err != nil || stored.State != Final:
		return Deletion{}, false, err
	}
	stored, err = e.Store.Update(ctx, id, func(d *Deletion) bool {
		if d.State != Final {
			return false
		}
		d.again(playerID, e.now())
		return true
	})
	return stored, err == nil, err
}

func orUsual(size int) int {
	if size == 0 {
		return usualPage
	}
	return size
}
