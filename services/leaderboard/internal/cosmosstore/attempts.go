package cosmosstore

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// markerDoc says that a request was carried out on a board, and holds its answer. Its id has no season: a repeat after the season's end finds
// it too.
type markerDoc struct {
	cosmos.Header
	PlayerID  string          `json:"playerId"`
	Board     string          `json:"board"` // uid
	Season    int64           `json:"season"`
	AtMs      int64           `json:"atMs"` // milliseconds since 1970; not indexed: that would make every submission dearer
	Columns   []string        `json:"columns,omitempty"`
	Improved  bool            `json:"improved"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	RequestID string          `json:"requestId"`
}

func markerID(boardUID string, op cosmos.Operation) string { return "a|" + boardUID + "|" + op.ID() }

// mark adds the markers of the marked targets to a batch. The first one is the batch's.
func (s *EntryStore) mark(b *cosmos.Batch, r *scores.Request, op cosmos.Operation, entries []*board.Entry, writes []bool) {
	first := true
	for i := range r.Targets {
		t := &r.Targets[i]
		if !t.Marked {
			continue
		}
		a := &t.Attempt
		doc := &markerDoc{
			Header: cosmos.Header{ID: markerID(t.BoardUID, op), TTL: int32(scores.MarkerLife / time.Second)}, PlayerID: r.PlayerID, Board: t.BoardUID,
			Season: entries[i].Season, AtMs: a.Time.UnixMilli(), Columns: texts(a.Columns), Improved: writes[i], Metadata: a.Metadata, RequestID: r.RequestID,
		}
		if first {
			b.CreateMarker(s.markers.Item(doc))
		} else {
			b.Create(s.markers.Item(doc))
		}
		first = false
	}
}

// replay gives the answer of a request that was carried out before: of each target from its marker, or else from the entry that carries the
// operation.
func (s *EntryStore) replay(ctx context.Context, r *scores.Request, op cosmos.Operation, f *found) ([]scores.Outcome, error) {
	list := make([]scores.Outcome, len(r.Targets))
	for i := range r.Targets {
		t := &r.Targets[i]
		outcome := scores.Outcome{Season: t.Season, Entry: f.values[i]}
		carrier, err := f.carrier(i, op)
		if err != nil {
			return nil, err
		}
		if carrier != nil {
			outcome.Season, outcome.Improved = carrier.Season, true
		}
		if t.Marked {
			marker, err := s.markers.Read(ctx, cosmos.PK(r.PlayerID), markerID(t.BoardUID, op))
			switch {
			case err == nil:
				outcome.Season, outcome.Improved = marker.Season, marker.Improved
			case !fault.Is(err, fault.NotFound):
				return nil, err
			}
		}
		if outcome.Season != f.values[i].Season {
			if outcome.Entry, err = s.Get(ctx, r.PlayerID, scores.Ref{BoardID: t.BoardID, BoardUID: t.BoardUID, Season: outcome.Season}); err != nil {
				return nil, err
			}
		}
		list[i] = outcome
	}
	return list, nil
}

// Attempts is one query of the player's partition, in the order of a path that is always indexed and counts seconds. Within a page those of one
// second are put in order too.
func (s *EntryStore) Attempts(ctx context.Context, playerID, boardUID string, size int, position string) (scores.AttemptPage, error) {
	statement := cosmos.SQL("SELECT * FROM c WHERE STARTSWITH(c.id, @prefix) ORDER BY c._ts DESC").With("@prefix", "a|"+boardUID+"|")
	page, err := s.markers.QueryPage(ctx, cosmos.PK(playerID), statement, cosmos.PageOptions{Size: size, Continuation: position})
	if err != nil {
		return scores.AttemptPage{}, err
	}
	list := scores.AttemptPage{Next: page.Continuation}
	for _, doc := range page.Items {
		columns, err := numbers(doc.Columns)
		if err != nil {
			return scores.AttemptPage{}, fault.New(fault.DataLoss, "BAD_DOCUMENT", "the columns of attempt %q cannot be read", doc.ID).Because(err)
		}
		list.Attempts = append(list.Attempts, scores.Attempt{
			Season: doc.Season, Columns: columns, Time: ofMillis(doc.AtMs), Improved: doc.Improved, Metadata: doc.Metadata, RequestID: doc.RequestID,
		})
	}
	slices.SortStableFunc(list.Attempts, func(a, b scores.Attempt) int { return b.Time.Compare(a.Time) })
	return list, nil
}
