package cosmosstore

import (
	"context"
	"slices"
	"strings"

	"supergame/services/identity/internal/revocation"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/platform/playerdata"
)

// NewPlayerData returns the containers that hold data of players. The credentials come first in an erasure: nobody signs in by
// them any more while the rest goes.
func NewPlayerData(client *cosmos.Client, revocations *revocation.Revocations) []playerdata.Store {
	identities, players, rows := client.Container(Identities), client.Container(Players), client.Container(Revocations)
	store := NewRevocations(client)
	return []playerdata.Store{
		&playerData{
			container: identities, key: func(_, id string) string { return id },
			// By query: the player's list of links may be behind or gone.
			find: func(ctx context.Context, playerID string) ([]document, error) {
				return find(ctx, identities, cosmos.Key{}, cosmos.SQL("SELECT * FROM c WHERE c.playerId = @player").With("@player", playerID))
			},
		},
		&playerData{
			container: players, key: func(playerID, _ string) string { return playerID },
			find: func(ctx context.Context, playerID string) ([]document, error) {
				return find(ctx, players, cosmos.PK(playerID), cosmos.SQL("SELECT * FROM c"))
			},
		},
		&playerData{
			container: rows, key: func(_, id string) string { return id },
			find: func(ctx context.Context, playerID string) ([]document, error) {
				return store.about(ctx, revocation.SuspensionID(playerID), revocations.ErasedID(playerID), revocations.ErasureID(playerID))
			},
		},
	}
}

// document is one that bears a player's id.
type document struct {
	playerdata.Document
	keep bool // an erasure leaves it: the record of the erasure itself
}

// playerData is the [playerdata.Store] of a container that holds few documents of a player: it finds all of them at once.
type playerData struct {
	container *cosmos.Container
	key       func(playerID, id string) string // the partition key of one of them
	find      func(ctx context.Context, playerID string) ([]document, error)
}

// Name is the container's name.
func (d *playerData) Name() string { return d.container.Name() }

// Guard is none: what creates documents here asks identity's own rows whether the player is there.
func (d *playerData) Guard() string { return "" }

// IDs gives those that an erasure deletes.
func (d *playerData) IDs(ctx context.Context, playerID string, limit int) ([]string, error) {
	documents, err := d.find(ctx, playerID)
	var ids []string
	for _, doc := range documents {
		if !doc.keep && len(ids) < limit {
			ids = append(ids, doc.ID)
		}
	}
	return ids, err
}

// Delete deletes them one by one: most have a partition each.
func (d *playerData) Delete(ctx context.Context, playerID string, ids []string) (deleted int, err error) {
	for _, id := range ids {
		err := d.container.Delete(ctx, cosmos.PK(d.key(playerID, id)), id, "")
		switch {
		case err == nil:
			deleted++
		case !fault.Is(err, fault.NotFound):
			return deleted, err
		}
	}
	return deleted, nil
}

// Documents gives them in the order of ids.
func (d *playerData) Documents(ctx context.Context, playerID, after string, limit int) ([]playerdata.Document, error) {
	found, err := d.find(ctx, playerID)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b document) int { return strings.Compare(a.ID, b.ID) })
	var documents []playerdata.Document
	for _, doc := range found {
		if doc.ID > after && len(documents) < limit {
			documents = append(documents, doc.Document)
		}
	}
	return documents, nil
}

// about gives the rows with these ids that are there. Those of a player's sessions do not bear his id, and expire.
func (s *RevocationStore) about(ctx context.Context, ids ...string) ([]document, error) {
	var documents []document
	for _, id := range ids {
		doc, err := s.kind.Read(ctx, cosmos.PK(id), id)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		content := map[string]any{
			"id": doc.ID, "type": doc.Type, "kind": doc.Kind, "target": doc.Target, "createTime": doc.CreateTime.Format(timeFormat), "lifted": doc.Lifted,
		}
		if len(doc.History) > 0 {
			content["history"] = changes(doc.History)
		}
		if !doc.ExpireTime.IsZero() {
			content["expireTime"] = doc.ExpireTime.Format(timeFormat)
		}
		documents = append(documents, document{playerdata.Document{ID: id, Content: content}, doc.Kind == kindNames[revocation.Erasure]})
	}
	return documents, nil
}

// changes is the history of a suspension as the player gets it: without the names of the staff.
func changes(history []changeDoc) []any {
	list := make([]any, len(history))
	for i, c := range history {
		change := map[string]any{"action": c.Action, "time": c.Time.Format(timeFormat), "reason": c.Reason}
		if !c.Until.IsZero() {
			change["until"] = c.Until.Format(timeFormat)
		}
		list[i] = change
	}
	return list
}

const timeFormat = "2006-01-02T15:04:05.999999999Z07:00"

// find gives documents without the properties that the database and the retry rule add.
func find(ctx context.Context, container *cosmos.Container, key cosmos.Key, statement cosmos.Statement) ([]document, error) {
	rows, err := cosmos.Select[map[string]any](ctx, container, key, statement)
	if err != nil {
		return nil, err
	}
	documents := make([]document, len(rows))
	for i, row := range rows {
		id, ok := row["id"].(string)
		if !ok {
			return nil, fault.New(fault.DataLoss, "BAD_DOCUMENT", "a document in %s has no id", container.Name())
		}
		for name := range row {
			if name == "ops" || strings.HasPrefix(name, "_") {
				delete(row, name)
			}
		}
		documents[i] = document{Document: playerdata.Document{ID: id, Content: row}}
	}
	return documents, nil
}
