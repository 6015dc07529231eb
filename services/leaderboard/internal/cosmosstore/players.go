package cosmosstore

import (
	"context"

	"supergame/services/leaderboard/internal/players"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// idPlayer is the id of what the profile service told of a player, in his partition.
const idPlayer = "player"

// playerDoc is what the profile service told of a player.
type playerDoc struct {
	cosmos.Header
	PlayerID  string `json:"playerId"`
	Version   int64  `json:"version"`
	Country   string `json:"country,omitempty"`
	Suspended bool   `json:"suspended,omitempty"`
	Marked    bool   `json:"marked,omitempty"` // the entries say so
}

func (d *playerDoc) decode() players.Known {
	return players.Known{Version: d.Version, Standing: scores.Standing{Country: d.Country, Suspended: d.Suspended}, Marked: d.Marked}
}

// PlayerStore is the [players.Store] on Cosmos DB.
type PlayerStore struct {
	container *cosmos.Container
	players   *cosmos.Kind[playerDoc]
}

// NewPlayers returns the store. It does no I/O.
func NewPlayers(client *cosmos.Client) *PlayerStore {
	container := client.Container(Entries)
	return &PlayerStore{container: container, players: cosmos.NewKind[playerDoc](container, "player", schemaVersion)}
}

// Player is one point read.
func (s *PlayerStore) Player(ctx context.Context, playerID string) (players.Known, error) {
	doc, err := s.players.Read(ctx, cosmos.PK(playerID), idPlayer)
	if fault.Is(err, fault.NotFound) {
		return players.Known{}, nil
	}
	if err != nil {
		return players.Known{}, err
	}
	return doc.decode(), nil
}

// SetPlayer is one read and one write.
func (s *PlayerStore) SetPlayer(ctx context.Context, playerID string, told players.Known) (players.Known, error) {
	doc, err := s.players.UpdateOrCreate(ctx, cosmos.PK(playerID), idPlayer, cosmos.Operation{}, func(d *playerDoc) (bool, error) {
		if d.Version > told.Version || d.Version == told.Version && (d.Marked || !told.Marked) {
			return false, nil
		}
		d.PlayerID, d.Version, d.Country, d.Suspended, d.Marked = playerID, told.Version, told.Standing.Country, told.Standing.Suspended, told.Marked
		return true, nil
	})
	if err != nil {
		return players.Known{}, err
	}
	return doc.decode(), nil
}

// Entries is one query of the player's partition.
func (s *PlayerStore) Entries(ctx context.Context, playerID string) ([]scores.Ref, error) {
	type row struct {
		BoardID string `json:"boardId"`
		Board   string `json:"board"`
		Season  int64  `json:"season"`
	}
	statement := cosmos.SQL("SELECT c.boardId, c.board, c.season FROM c WHERE STARTSWITH(c.id, @prefix)").With("@prefix", "e|")
	rows, err := cosmos.Select[row](ctx, s.container, cosmos.PK(playerID), statement)
	if err != nil {
		return nil, err
	}
	refs := make([]scores.Ref, len(rows))
	for i, r := range rows {
		refs[i] = scores.Ref{BoardID: r.BoardID, BoardUID: r.Board, Season: r.Season}
	}
	return refs, nil
}

var _ players.Store = (*PlayerStore)(nil)
