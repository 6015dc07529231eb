package cosmosstore

import (
	"context"
	"strings"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/platform/playerdata"
)

// PlayerData is the [playerdata.Store] of the container players: a player's documents are one partition.
type PlayerData struct {
	players *cosmos.Container
}

// NewPlayerData returns the store. It does no I/O.
func NewPlayerData(client *cosmos.Client) *PlayerData {
	return &PlayerData{players: client.Container(Players)}
}

// Name is the container's name.
func (p *PlayerData) Name() string { return Players }

// Guard is the document live.
func (p *PlayerData) Guard() string { return idLive }

// IDs reads one page of the partition; nothing but the ids leaves the store.
func (p *PlayerData) IDs(ctx context.Context, playerID string, limit int) ([]string, error) {
	return firstPage[string](ctx, p.players, playerID, cosmos.SQL("SELECT VALUE c.id FROM c"), limit)
}

// Delete deletes in one batch, and where that does not go because a document is gone already, one by one.
func (p *PlayerData) Delete(ctx context.Context, playerID string, ids []string) (int, error) {
	batch := p.players.Batch(cosmos.PK(playerID), cosmos.Operation{})
	for _, id := range ids {
		batch.Delete(id, "")
	}
	_, err := batch.Execute(ctx)
	if err == nil {
		return len(ids), nil
	}
	if !missing(err) {
		return 0, err
	}
	// An unknown outcome means that an answer was lost: then it was most likely this call that deleted what is gone.
	ours := !fault.Is(err, fault.NotFound)
	return p.deleteEach(ctx, playerID, ids, ours)
}

func (p *PlayerData) deleteEach(ctx context.Context, playerID string, ids []string, ours bool) (deleted int, err error) {
	for _, id := range ids {
		err := p.players.Delete(ctx, cosmos.PK(playerID), id, "")
		gone := fault.Is(err, fault.NotFound)
		if err != nil && !gone {
			return deleted, err
		}
		if !gone || ours {
			deleted++
		}
	}
	return deleted, nil
}

// Documents reads one page in the order of ids, which the service always keeps an index of. What was written before the call is
// in it, by whomever.
func (p *PlayerData) Documents(ctx context.Context, playerID, after string, limit int) ([]playerdata.Document, error) {
	if err := p.catchUp(ctx, playerID); err != nil {
		return nil, err
	}
	statement := cosmos.SQL("SELECT * FROM c WHERE c.id > @after ORDER BY c.id").With("@after", after)
	rows, err := firstPage[map[string]any](ctx, p.players, playerID, statement, limit)
	if err != nil {
		return nil, err
	}
	documents := make([]playerdata.Document, len(rows))
	for i, row := range rows {
		id, ok := row["id"].(string)
		if !ok {
			return nil, fault.New(fault.DataLoss, "BAD_DOCUMENT", "a document of player %s has no id", playerID)
		}
		dropSystemProperties(row)
		dropWordsOfOthers(row)
		documents[i] = playerdata.Document{ID: id, Content: row}
	}
	return documents, nil
}

// catchUp brings the session up to the newest write in the partition, so that a query after it does not see an older view: a
// batch is carried out by the primary replica, also one that only reads.
func (p *PlayerData) catchUp(ctx context.Context, playerID string) error {
	_, err := p.players.Batch(cosmos.PK(playerID), cosmos.Operation{}).Read(idLive).Execute(ctx)
	if missing(err) {
		return nil
	}
	return err
}

func dropSystemProperties(document map[string]any) {
	for name := range document {
		if strings.HasPrefix(name, "_") {
			delete(document, name)
		}
	}
}

// firstPage returns the first rows that a statement selects in a partition. The service may answer with empty pages before
// there is one with rows.
func firstPage[R any](ctx context.Context, c *cosmos.Container, playerID string, statement cosmos.Statement, limit int) ([]R, error) {
	options := cosmos.PageOptions{Size: limit}
	for {
		page, err := cosmos.SelectPage[R](ctx, c, cosmos.PK(playerID), statement, options)
		if err != nil || len(page.Items) > 0 || page.Continuation == "" {
			return page.Items, err
		}
		options.Continuation = page.Continuation
	}
}
