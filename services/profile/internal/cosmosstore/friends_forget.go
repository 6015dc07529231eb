package cosmosstore

import (
	"context"

	"supergame/services/platform/cosmos"
)

// Forget deletes the halves that others hold of a player who is being erased, each together with its place in the counts, about
// limit of them. It reports how many it deleted, and whether a look over all partitions found no more. It is safe to repeat, also at
// the same time. The player's own document live must be gone before, or his next word comes back; what was on its way then is
// found by a second look, later than any write may still be under way.
func (f *Friends) Forget(ctx context.Context, erasedPlayerID string, limit int) (deleted int, done bool, err error) {
	statement := cosmos.SQL("SELECT VALUE c.playerId FROM c WHERE c.id = @id").With("@id", idHalf+erasedPlayerID)
	options := cosmos.PageOptions{Size: forgetPage}
	for {
		page, err := cosmos.SelectPage[string](ctx, f.players, cosmos.Key{}, statement, options)
		if err != nil {
			return deleted, false, err
		}
		for _, holder := range page.Items {
			dropped, err := f.Drop(ctx, holder, erasedPlayerID)
			if err != nil {
				return deleted, false, err
			}
			if dropped {
				deleted++
			}
		}
		switch {
		case page.Continuation == "":
			return f.forgotten(ctx, statement, deleted)
		case deleted >= max(limit, 1):
			return deleted, false, nil
		}
		options.Continuation = page.Continuation
	}
}

// forgetPage is how many halves are found at once.
const forgetPage = 100

// forgotten looks once more when something was deleted: a page may have been passed over while others went away.
func (f *Friends) forgotten(ctx context.Context, statement cosmos.Statement, deleted int) (int, bool, error) {
	if deleted == 0 {
		return 0, true, nil
	}
	options := cosmos.PageOptions{Size: 1}
	for {
		page, err := cosmos.SelectPage[string](ctx, f.players, cosmos.Key{}, statement, options)
		if err != nil || len(page.Items) > 0 {
			return deleted, false, err
		}
		if page.Continuation == "" {
			return deleted, true, nil
		}
		options.Continuation = page.Continuation
	}
}
