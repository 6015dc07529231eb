package erasure

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"supergame/services/leaderboard/internal/archive"
	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/fault"
	"supergame/services/platform/playerdata"
)

// Keyed are a player's entries, as far as archives are asked for them.
type Keyed interface {
	// Keys returns the keys of a player's entries.
	Keys(ctx context.Context, playerID string) ([]Tombstone, error)
}

// Rows is the [playerdata.Store] of a player's rows in archives, for exports. Erasing them is the [Eraser]'s.
type Rows struct {
	Container string
	Entries   Keyed
	Seasons   board.Seasons
	Archives  archive.Reader
}

// Name is the container's name.
func (r *Rows) Name() string { return r.Container }

// Guard is none.
func (r *Rows) Guard() string { return "" }

// IDs is none: see [Eraser].
func (r *Rows) IDs(context.Context, string, int) ([]string, error) { return nil, nil }

// Delete deletes nothing: see [Eraser].
func (r *Rows) Delete(context.Context, string, []string) (int, error) { return 0, nil }

// Documents are the rows, by board and season.
func (r *Rows) Documents(ctx context.Context, playerID, after string, limit int) ([]playerdata.Document, error) {
	entries, err := r.Entries.Keys(ctx, playerID)
	if err != nil {
		return nil, err
	}
	id := func(t *Tombstone) string { return fmt.Sprintf("%s|%d", t.BoardUID, t.Season) }
	slices.SortFunc(entries, func(a, b Tombstone) int { return strings.Compare(id(&a), id(&b)) })
	var list []playerdata.Document
	for i := range entries {
		t := &entries[i]
		if t.Key == "" || id(t) <= after || len(list) >= limit {
			continue
		}
		content, err := r.row(ctx, playerID, t)
		if err != nil {
			return nil, err
		}
		if content != nil {
			list = append(list, playerdata.Document{ID: id(t), Content: content})
		}
	}
	return list, nil
}

func (r *Rows) row(ctx context.Context, playerID string, t *Tombstone) (map[string]any, error) {
	s, err := r.Seasons.Season(ctx, &board.Board{ID: t.BoardID, UID: t.BoardUID}, t.Season)
	if fault.Is(err, fault.NotFound) || err == nil && s.ArchiveVersion == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	h, err := r.Archives.Header(ctx, archive.NameOf(&s))
	if err != nil {
		return nil, err
	}
	row, rank, err := archive.Find(ctx, r.Archives, &h, playerID, t.Key)
	if err != nil || row == nil {
		return nil, err
	}
	content := map[string]any{
		"board": t.BoardID, "season": float64(t.Season), "playerId": playerID, "rank": float64(rank),
		"time": row.Key.Received().Format("2006-01-02T15:04:05.000Z07:00"),
	}
	if len(row.Inline) > 0 {
		content["inline"] = fmt.Sprintf("%x", row.Inline)
	}
	if values := slices.DeleteFunc(slices.Clone(row.Segments), func(v string) bool { return v == "" }); len(values) > 0 {
		list := make([]any, len(values))
		for i, value := range values {
			list[i] = value
		}
		content["segments"] = list
	}
	return content, nil
}
