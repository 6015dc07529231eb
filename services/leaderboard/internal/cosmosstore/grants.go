package cosmosstore

import (
	"context"
	"fmt"

	"supergame/services/leaderboard/internal/reward"
	"supergame/services/platform/cosmos"
)

// grantDoc is a reward, in the partition of its player. Amounts are below 2^53.
type grantDoc struct {
	cosmos.Header
	PlayerID string           `json:"playerId"`
	BoardID  string           `json:"boardId"`
	Board    string           `json:"board"` // uid
	Season   int64            `json:"season"`
	Tier     string           `json:"tier"`
	Rank     int64            `json:"rank"`
	Grants   map[string]int64 `json:"grants"`
	State    string           `json:"state"`
	Reason   string           `json:"reason,omitempty"`
	At       int64            `json:"at"` // of the last change, milliseconds since 1970; indexed
}

var grantStates = map[reward.State]string{reward.Pending: "pending", reward.Granted: "granted", reward.Forfeited: "forfeited"}

func grantID(g *reward.Grant) string { return fmt.Sprintf("r|%s|%d|%s", g.BoardUID, g.Season, g.Tier) }

func (d *grantDoc) decode() reward.Grant {
	return reward.Grant{
		PlayerID: d.PlayerID, BoardID: d.BoardID, BoardUID: d.Board, Season: d.Season, Tier: d.Tier, Rank: d.Rank, Assets: d.Grants,
		State: nameOf(grantStates, d.State), Reason: d.Reason, UpdateTime: ofMillis(d.At),
	}
}

// GrantStore is the [reward.Store] on Cosmos DB.
type GrantStore struct {
	grants *cosmos.Kind[grantDoc]
}

// NewGrants returns the store. It does no I/O.
func NewGrants(client *cosmos.Client) *GrantStore {
	return &GrantStore{cosmos.NewKind[grantDoc](client.Container(Entries), "grant", schemaVersion)}
}

// Begin is one read, and one write where there is no grant yet.
func (s *GrantStore) Begin(ctx context.Context, g reward.Grant) (reward.Grant, error) {
	doc, err := s.grants.UpdateOrCreate(ctx, cosmos.PK(g.PlayerID), grantID(&g), cosmos.Operation{}, func(d *grantDoc) (bool, error) {
		if d.ETag != "" {
			return false, nil
		}
		d.PlayerID, d.BoardID, d.Board, d.Season, d.Tier, d.Rank, d.Grants = g.PlayerID, g.BoardID, g.BoardUID, g.Season, g.Tier, g.Rank, g.Assets
		d.State, d.At = grantStates[reward.Pending], millis(g.UpdateTime)
		return true, nil
	})
	if err != nil {
		return reward.Grant{}, err
	}
	return doc.decode(), nil
}

// Finish is one read and one write.
func (s *GrantStore) Finish(ctx context.Context, g reward.Grant) (reward.Grant, error) {
	doc, err := s.grants.Update(ctx, cosmos.PK(g.PlayerID), grantID(&g), cosmos.Operation{}, func(d *grantDoc) (bool, error) {
		if d.State != grantStates[reward.Pending] {
			return false, nil
		}
		d.State, d.Reason, d.At = grantStates[g.State], g.Reason, millis(g.UpdateTime)
		return true, nil
	})
	if err != nil {
		return reward.Grant{}, err
	}
	return doc.decode(), nil
}

// List is one query of the player's partition, in the order of an indexed path.
func (s *GrantStore) List(ctx context.Context, playerID string, size int, position string) (reward.Page, error) {
	statement := cosmos.SQL("SELECT * FROM c WHERE STARTSWITH(c.id, @prefix) ORDER BY c.at DESC").With("@prefix", "r|")
	page, err := s.grants.QueryPage(ctx, cosmos.PK(playerID), statement, cosmos.PageOptions{Size: size, Continuation: position})
	if err != nil {
		return reward.Page{}, err
	}
	list := reward.Page{Next: page.Continuation}
	for _, doc := range page.Items {
		list.Grants = append(list.Grants, doc.decode())
	}
	return list, nil
}

var _ reward.Store = (*GrantStore)(nil)
