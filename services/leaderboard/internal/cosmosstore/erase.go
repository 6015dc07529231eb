package cosmosstore

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/erasure"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/platform/playerdata"
)

// idErasure is the id of the document that says when an erasure began.
const idErasure = "erasure"

// erasureDoc is left of an erased player as long as his tombstones.
type erasureDoc struct {
	cosmos.Header
	PlayerID string `json:"playerId"`
	EraseMs  int64  `json:"eraseMs"`
}

// PlayerData is the [erasure.Store] of the container of entries, and its [playerdata.Store] for exports.
type PlayerData struct {
	container *cosmos.Container
	entries   *cosmos.Kind[entryDoc]
	erasures  *cosmos.Kind[erasureDoc]
}

// NewPlayerData returns the store. It does no I/O.
func NewPlayerData(client *cosmos.Client) *PlayerData {
	container := client.Container(Entries)
	return &PlayerData{
		container: container,
		entries:   cosmos.NewKind[entryDoc](container, "entry", schemaVersion),
		erasures:  cosmos.NewKind[erasureDoc](container, "erasure", schemaVersion),
	}
}

// stub is what a sweep must know of a document.
type stub struct {
	ID        string `json:"id"`
	BoardID   string `json:"boardId"`
	Board     string `json:"board"`
	Season    int64  `json:"season"`
	K         string `json:"k"`
	Deleted   bool   `json:"deleted"`
	ArchivedK string `json:"archivedK"`
	EraseMs   int64  `json:"eraseMs"`
}

const stubQuery = "SELECT c.id, c.boardId, c.board, c.season, c.k, c.deleted, c.archivedK, c.eraseMs FROM c"

func (d *stub) entry() bool { return strings.HasPrefix(d.ID, "e|") }

// Sweep is one query, and a write for each document that it finds.
func (p *PlayerData) Sweep(ctx context.Context, playerID string, now time.Time, limit int) (erasure.Swept, error) {
	key := cosmos.PK(playerID)
	begun, err := p.erasures.UpdateOrCreate(ctx, key, idErasure, cosmos.Operation{}, func(d *erasureDoc) (bool, error) {
		if d.ETag != "" {
			return false, nil
		}
		d.PlayerID, d.EraseMs, d.TTL = playerID, now.UnixMilli(), int32(TombstoneLife/time.Second)
		return true, nil
	})
	if err != nil {
		return erasure.Swept{}, err
	}
	swept := erasure.Swept{First: ofMillis(begun.EraseMs)}
	if ctx, err = p.catchUp(ctx, playerID); err != nil {
		return swept, err
	}
	docs, err := cosmos.Select[stub](ctx, p.container, key, cosmos.SQL(stubQuery))
	if err != nil {
		return swept, err
	}
	for i := range docs {
		d := &docs[i]
		switch {
		case d.ID == idErasure:
		case d.entry() && d.Deleted && d.EraseMs != 0:
			swept.Tombstones = append(swept.Tombstones, d.tombstone())
		case swept.Deleted >= limit:
			swept.More = true
		case d.entry():
			t, err := p.bury(ctx, playerID, d.ID, now)
			if err != nil {
				return swept, err
			}
			swept.Deleted++
			swept.Tombstones = append(swept.Tombstones, t)
		default:
			if err := p.container.Delete(ctx, key, d.ID, ""); err != nil && !fault.Is(err, fault.NotFound) {
				return swept, err
			}
			swept.Deleted++
		}
	}
	return swept, nil
}

// catchUp brings the context's session up to the newest write in the partition, so that a query after it does not see an older view: a batch is carried
// out by the primary copy, also one that only reads.
func (p *PlayerData) catchUp(ctx context.Context, playerID string) (context.Context, error) {
	if cosmos.SessionFrom(ctx) == nil {
		ctx = cosmos.WithSession(ctx, &cosmos.Session{})
	}
	_, err := p.container.Batch(cosmos.PK(playerID), cosmos.Operation{}).Read(idErasure).Execute(ctx)
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return ctx, err
}

func (d *stub) tombstone() erasure.Tombstone {
	t := erasure.Tombstone{ID: d.ID, BoardID: d.BoardID, BoardUID: d.Board, Season: d.Season, Time: ofMillis(d.EraseMs)}
	if key, err := hex.DecodeString(d.ArchivedK); err == nil {
		t.Key = board.Key(key)
	}
	return t
}

// bury makes a tombstone of an entry. It keeps the key until the season's archive was looked through.
func (p *PlayerData) bury(ctx context.Context, playerID, id string, now time.Time) (erasure.Tombstone, error) {
	doc, err := p.entries.Update(ctx, cosmos.PK(playerID), id, cosmos.Operation{}, func(d *entryDoc) (bool, error) {
		if d.Deleted && d.EraseMs != 0 {
			return false, nil
		}
		kept := d.K
		d.set(&board.Entry{
			PlayerID: d.PlayerID, BoardID: d.BoardID, BoardUID: d.Board, Season: d.Season, Version: board.NextVersion(d.V, now), Deleted: true,
		})
		d.ArchivedK, d.EraseMs, d.TTL = kept, now.UnixMilli(), int32(TombstoneLife/time.Second)
		return true, nil
	})
	if fault.Is(err, fault.NotFound) { // it expired
		return erasure.Tombstone{ID: id, Time: now}, nil
	}
	if err != nil {
		return erasure.Tombstone{}, err
	}
	return (&stub{
		ID: id, BoardID: doc.BoardID, Board: doc.Board, Season: doc.Season, ArchivedK: doc.ArchivedK, EraseMs: doc.EraseMs,
	}).tombstone(), nil
}

// Touch is one read and one write.
func (p *PlayerData) Touch(ctx context.Context, playerID, id string, now time.Time) error {
	return p.change(ctx, playerID, id, func(d *entryDoc) bool {
		d.EraseMs = now.UnixMilli()
		return true
	})
}

// Close is one read and one write.
func (p *PlayerData) Close(ctx context.Context, playerID, id string) error {
	return p.change(ctx, playerID, id, func(d *entryDoc) bool {
		had := d.ArchivedK != ""
		d.ArchivedK = ""
		return had
	})
}

func (p *PlayerData) change(ctx context.Context, playerID, id string, change func(*entryDoc) bool) error {
	_, err := p.entries.Update(ctx, cosmos.PK(playerID), id, cosmos.Operation{}, func(d *entryDoc) (bool, error) {
		return d.EraseMs != 0 && change(d), nil
	})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// Keys is one query.
func (p *PlayerData) Keys(ctx context.Context, playerID string) ([]erasure.Tombstone, error) {
	ctx, err := p.catchUp(ctx, playerID)
	if err != nil {
		return nil, err
	}
	statement := cosmos.SQL(stubQuery+" WHERE STARTSWITH(c.id, @prefix)").With("@prefix", "e|")
	docs, err := cosmos.Select[stub](ctx, p.container, cosmos.PK(playerID), statement)
	list := make([]erasure.Tombstone, 0, len(docs))
	for i := range docs {
		d := &docs[i]
		d.ArchivedK = d.K
		list = append(list, d.tombstone())
	}
	return list, err
}

// Name is the container's name.
func (p *PlayerData) Name() string { return Entries }

// Guard is none: entries do not depend on a document.
func (p *PlayerData) Guard() string { return "" }

// IDs is none: erasing is the [erasure.Eraser]'s.
func (p *PlayerData) IDs(context.Context, string, int) ([]string, error) { return nil, nil }

// Delete deletes nothing: erasing is the [erasure.Eraser]'s.
func (p *PlayerData) Delete(context.Context, string, []string) (int, error) { return 0, nil }

// notExported are properties that say nothing about the player: the store's, and the key, which holds a hash that is made with a secret.
var notExported = []string{"k", "ops", "archivedK"}

// Documents reads one page in the order of ids, which the service always keeps an index of. Tombstones are left out.
func (p *PlayerData) Documents(ctx context.Context, playerID, after string, limit int) ([]playerdata.Document, error) {
	statement := cosmos.SQL("SELECT * FROM c WHERE c.id > @after AND NOT (IS_DEFINED(c.deleted) AND c.deleted) AND c.id != @mark ORDER BY c.id").
		With("@after", after).With("@mark", idErasure)
	options := cosmos.PageOptions{Size: limit}
	ctx, err := p.catchUp(ctx, playerID)
	if err != nil {
		return nil, err
	}
	for {
		page, err := cosmos.SelectPage[map[string]any](ctx, p.container, cosmos.PK(playerID), statement, options)
		if err != nil || len(page.Items) == 0 && page.Continuation == "" {
			return nil, err
		}
		if len(page.Items) == 0 {
			options.Continuation = page.Continuation
			continue
		}
		list := make([]playerdata.Document, len(page.Items))
		for i, row := range page.Items {
			id, ok := row["id"].(string)
			if !ok {
				return nil, fault.New(fault.DataLoss, "BAD_DOCUMENT", "a document of player %s has no id", playerID)
			}
			for name := range row {
				if strings.HasPrefix(name, "_") {
					delete(row, name)
				}
			}
			for _, name := range notExported {
				delete(row, name)
			}
			list[i] = playerdata.Document{ID: id, Content: row}
		}
		return list, nil
	}
}

var (
	_ erasure.Store    = (*PlayerData)(nil)
	_ playerdata.Store = (*PlayerData)(nil)
)
