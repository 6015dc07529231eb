package cosmosstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/platform/playerdata"
	"supergame/services/profile/internal/handle"
)

// HandlesData is the [playerdata.Store] of the container handles. It comes behind that of the players: a claim in the middle of its
// steps can take no name any more once the profile is gone.
type HandlesData struct {
	handles *Handles
	now     func() time.Time
}

// NewHandlesData returns the store. It does no I/O.
func NewHandlesData(client *cosmos.Client, now func() time.Time) *HandlesData {
	return &HandlesData{NewHandles(client), now}
}

// Name is the container's name.
func (h *HandlesData) Name() string { return HandlesContainer }

// Guard is "": what would create another reservation finds no profile.
func (h *HandlesData) Guard() string { return "" }

// IDs asks all partitions by the index of `owner`.
func (h *HandlesData) IDs(ctx context.Context, playerID string, limit int) ([]string, error) {
	docs, err := h.owned(ctx, playerID)
	ids := make([]string, 0, limit)
	for _, doc := range docs[:min(limit, len(docs))] {
		ids = append(ids, doc.ID)
	}
	return ids, err
}

// Delete releases: nothing in a reservation says any more whose it was, and nobody gets it before its time, so that nobody can pass for the
// erased player at once. What he gave up himself before holds an HMAC of his id, for 30 days at most.
func (h *HandlesData) Delete(ctx context.Context, playerID string, ids []string) (int, error) {
	released := 0
	for _, id := range ids {
		done, err := h.release(ctx, playerID, id)
		if err != nil {
			return released, err
		}
		if done {
			released++
		}
	}
	return released, nil
}

func (h *HandlesData) release(ctx context.Context, playerID, id string) (bool, error) {
	for ctx.Err() == nil {
		held, err := h.handles.Newest(ctx, id)
		if err != nil || held == nil || held.Owner != playerID {
			return false, err
		}
		until := h.now().Add(handle.Reserved)
		done, err := h.handles.Put(ctx, handle.Reservation{Key: id, Number: held.Number, Until: until, ETag: held.ETag}, handle.Reserved)
		if done || err != nil {
			return done, err
		}
	}
	return false, fault.New(fault.Canceled, "CANCELED", "the call was canceled")
}

// Documents returns the reservations in the order of their ids.
func (h *HandlesData) Documents(ctx context.Context, playerID, after string, limit int) ([]playerdata.Document, error) {
	statement := cosmos.SQL("SELECT * FROM c WHERE c.owner = @owner").With("@owner", playerID)
	rows, err := cosmos.Select[map[string]any](ctx, h.handles.reservations.Container(), cosmos.Key{}, statement)
	if err != nil {
		return nil, err
	}
	var documents []playerdata.Document
	for _, row := range rows {
		id, ok := row["id"].(string)
		if !ok {
			return nil, fault.New(fault.DataLoss, "BAD_DOCUMENT", "a reservation of player %s has no id", playerID)
		}
		if id > after {
			dropSystemProperties(row)
			documents = append(documents, playerdata.Document{ID: id, Content: row})
		}
	}
	slices.SortFunc(documents, func(a, b playerdata.Document) int { return cmp.Compare(a.ID, b.ID) })
	return documents[:min(limit, len(documents))], nil
}

// owned returns all reservations of a player: two for each name he has or is about to have or leave.
func (h *HandlesData) owned(ctx context.Context, playerID string) ([]*reservationDoc, error) {
	statement := cosmos.SQL("SELECT * FROM c WHERE c.owner = @owner").With("@owner", playerID)
	return h.handles.reservations.Query(ctx, cosmos.Key{}, statement)
}
