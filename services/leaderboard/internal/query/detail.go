package query

import (
	"context"
	"slices"
	"time"

	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/platform/fault"
)

// Detail says what to add to what the ranks hold.
type Detail struct {
	Metadata bool // and when the score was reached, as a trusted writer gave it: 1 RU a row
	Profiles bool // names
}

// MaxMetadataRows is how many rows an answer with metadata may have.
const MaxMetadataRows = 100

// Row is one entry of an answer.
type Row struct {
	ranks.Row
	AchieveTime time.Time // without metadata that of the row
	Metadata    []byte    // JSON object, nil without
	Profile     Profile
}

// Profile is how a player is shown.
type Profile struct {
	DisplayName string
	Concealed   bool // he is suspended or gone
}

// Profiles is what queries need of the profile service.
type Profiles interface {
	// Profiles returns how players are to be shown, each of them; it may be some seconds old.
	Profiles(ctx context.Context, playerIDs []string) (map[string]Profile, error)
	// Friends lists a player's friends, without those that he or they block; it may be a minute old.
	Friends(ctx context.Context, playerID string) ([]string, error)
}

// detail makes the rows of an answer: players that are being erased are left out, whatever the index still has of them.
func (q *Queries) detail(ctx context.Context, a *Answer, found []ranks.Row, d Detail) ([]Row, error) {
	rows := make([]Row, 0, len(found))
	for _, row := range found {
		if q.Erased == nil || !q.Erased(row.PlayerID) {
			rows = append(rows, Row{Row: row, AchieveTime: row.Time})
		}
	}
	if len(rows) == 0 {
		return rows, nil
	}
	if d.Metadata {
		if err := q.addMetadata(ctx, a, rows); err != nil {
			return nil, err
		}
	}
	if d.Profiles {
		if err := q.addProfiles(ctx, rows); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// addMetadata adds what is stored with the scores. An entry that changed since the view saw it keeps the row as the view has it: metadata of
// another score would not belong to it.
func (q *Queries) addMetadata(ctx context.Context, a *Answer, rows []Row) error {
	if len(rows) > MaxMetadataRows {
		return fault.Invalid("view", "asks for the metadata of %d entries; at most %d are read at once", len(rows), MaxMetadataRows)
	}
	entries, err := q.Entries.GetMany(ctx, playersOf(rows), scores.Ref{BoardID: a.Board.ID, BoardUID: a.Board.UID, Season: a.Season})
	if err != nil {
		return err
	}
	for i := range rows {
		e, ok := entries[rows[i].PlayerID]
		if ok && !e.Deleted && slices.Equal(e.Columns, rows[i].Columns) {
			rows[i].Metadata, rows[i].AchieveTime = e.Metadata, e.AchieveTime
		}
	}
	return nil
}

func (q *Queries) addProfiles(ctx context.Context, rows []Row) error {
	profiles, err := q.Profiles.Profiles(ctx, playersOf(rows))
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].Profile = profiles[rows[i].PlayerID]
	}
	return nil
}

func playersOf(rows []Row) []string {
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].PlayerID
	}
	return ids
}
