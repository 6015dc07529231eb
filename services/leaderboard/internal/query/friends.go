package query

import (
	"context"
	"strconv"
	"strings"

	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/platform/fault"
)

// Friends returns a page of a player and his friends, best first. Its token names a place among them, and the season, so that the pages of one
// list do not change to the next season in between.
func (q *Queries) Friends(ctx context.Context, w Where, o PageOptions) (Page, error) {
	tokens := q.Tokens.For("LeaderboardService.ListFriendEntries", w.BoardID, strconv.FormatInt(w.Season, 10), w.PlayerID)
	text, err := tokens.Position(o.Token)
	if err != nil {
		return Page{}, err
	}
	from := 0
	if text != "" {
		if w.Season, from, err = parsePlace(text); err != nil {
			return Page{}, err
		}
	}
	friends, err := q.Profiles.Friends(ctx, w.PlayerID)
	if err != nil {
		return Page{}, err
	}
	list, a, err := q.open(ctx, w)
	if err != nil {
		return Page{}, err
	}
	rows, _, err := list.Among(ctx, append([]string{w.PlayerID}, friends...))
	if err != nil {
		return Page{}, err
	}
	rows = q.withoutErased(rows)
	p := Page{Answer: a}
	p.Total = int64(len(rows))
	rows = rows[min(from, len(rows)):]
	if int64(len(rows)) > o.Size {
		rows = rows[:o.Size]
		p.Next = tokens.Token(strconv.FormatInt(a.Season, 10) + " " + strconv.Itoa(from+len(rows)))
	}
	p.Rows, err = q.detail(ctx, &a, rows, w.Detail)
	return p, err
}

// parsePlace reads what a page token carries.
func parsePlace(text string) (season int64, from int, err error) {
	number, place, _ := strings.Cut(text, " ")
	if season, err = strconv.ParseInt(number, 10, 64); err != nil {
		return 0, 0, badToken()
	}
	if from, err = strconv.Atoi(place); err != nil || from < 0 || season < 1 {
		return 0, 0, badToken()
	}
	return season, from, nil
}

func (q *Queries) withoutErased(rows []ranks.Row) []ranks.Row {
	if q.Erased == nil {
		return rows
	}
	kept := rows[:0]
	for _, row := range rows {
		if !q.Erased(row.PlayerID) {
			kept = append(kept, row)
		}
	}
	return kept
}

// Whose settles whose list of friends is meant: a player sees his own.
func Whose(caller, named string, player bool) (string, error) {
	switch {
	case player && named != "" && named != caller:
		return "", fault.New(fault.PermissionDenied, "NOT_YOUR_FRIENDS", "a player sees the entries of his own friends only")
	case player:
		return caller, nil
	case named == "":
		return "", fault.Invalid("player_id", "is empty; only a player may leave his own id out")
	}
	return named, nil
}
