package cosmosstore

import (
	"context"
	"slices"
	"strings"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/platform/playerdata"
)

// ReviewData is the [playerdata.Store] of the container reviews: a player's reviews stand in a partition each. Nothing guards them: a
// review that a call opens while an erase goes by is found by the sweep that repeats the erase past every deadline.
type ReviewData struct {
	reviews *cosmos.Container
}

// NewReviewData returns the store. It does no I/O.
func NewReviewData(client *cosmos.Client) *ReviewData {
	return &ReviewData{reviews: client.Container(ReviewsContainer)}
}

// Name is the container's name.
func (r *ReviewData) Name() string { return ReviewsContainer }

// Guard is none.
func (r *ReviewData) Guard() string { return "" }

// IDs reads one page over all partitions, by the index of player.
func (r *ReviewData) IDs(ctx context.Context, playerID string, limit int) ([]string, error) {
	statement := cosmos.SQL("SELECT VALUE c.id FROM c WHERE c.player = @player").With("@player", playerID)
	options := cosmos.PageOptions{Size: limit}
	for {
		page, err := cosmos.SelectPage[string](ctx, r.reviews, cosmos.Key{}, statement, options)
		if err != nil || len(page.Items) > 0 || page.Continuation == "" {
			return page.Items, err
		}
		options.Continuation = page.Continuation
	}
}

// Delete deletes them one by one: they have a partition each.
func (r *ReviewData) Delete(ctx context.Context, _ string, ids []string) (deleted int, err error) {
	for _, id := range ids {
		err := r.reviews.Delete(ctx, cosmos.PK(id), id, "")
		switch {
		case err == nil:
			deleted++
		case !fault.Is(err, fault.NotFound):
			return deleted, err
		}
	}
	return deleted, nil
}

// Documents gives them in the order of ids, which the service cannot do over partitions. Who decided, and what he noted for his colleagues,
// is theirs and left out.
func (r *ReviewData) Documents(ctx context.Context, playerID, after string, limit int) ([]playerdata.Document, error) {
	statement := cosmos.SQL("SELECT * FROM c WHERE c.player = @player AND c.id > @after").With("@player", playerID).With("@after", after)
	rows, err := cosmos.Select[map[string]any](ctx, r.reviews, cosmos.Key{}, statement)
	if err != nil {
		return nil, err
	}
	documents := make([]playerdata.Document, len(rows))
	for i, row := range rows {
		id, ok := row["id"].(string)
		if !ok {
			return nil, fault.New(fault.DataLoss, "BAD_DOCUMENT", "a review of player %s has no id", playerID)
		}
		dropSystemProperties(row)
		for _, name := range []string{"decidedBy", "note", "ops"} {
			delete(row, name)
		}
		documents[i] = playerdata.Document{ID: id, Content: row}
	}
	slices.SortFunc(documents, func(a, b playerdata.Document) int { return strings.Compare(a.ID, b.ID) })
	return documents[:min(limit, len(documents))], nil
}
