package query

import (
	"context"
	"strconv"
	"strings"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/platform/fault"
)

// Rank is one player's place.
type Rank struct {
	Answer
	Row        Row
	Found      bool
	Percentile float64 // the share of the ranked that stand at or above him, in percent
}

// Rank returns a player's place.
func (q *Queries) Rank(ctx context.Context, w Where) (Rank, error) {
	list, a, err := q.open(ctx, w)
	if err != nil {
		return Rank{}, err
	}
	r := Rank{Answer: a}
	row, found, total, err := list.Rank(ctx, w.List, w.PlayerID)
	r.Total = total
	if err != nil || !found {
		return r, err
	}
	rows, err := q.detail(ctx, &a, []ranks.Row{row}, w.Detail)
	if err != nil || len(rows) == 0 {
		return r, err
	}
	r.Row, r.Found, r.Percentile = rows[0], true, min(float64(row.Rank)/float64(total)*100, 100) // gaps of erased players
	return r, nil
}

// Page is some rows of a list.
type Page struct {
	Answer
	Rows []Row
	Next string // the token of the next page; "" = this was the last
}

// PageOptions choose a page.
type PageOptions struct {
	Size  int64
	Token string
	Start int64 // begin at this place, from 1; 0 = the top
}

// List returns a page from the top on. Its token names the last entry seen, so that nobody is skipped or shown twice when others move; it also
// names the season, so that the pages of one list do not change to the next season in between.
func (q *Queries) List(ctx context.Context, w Where, o PageOptions) (Page, error) {
	tokens := q.Tokens.For("LeaderboardService.ListEntries", w.BoardID, w.List.Segment, w.List.Value)
	var after board.Key
	if o.Token != "" {
		if o.Start > 0 {
			return Page{}, fault.Invalid("start_rank", "does not go with a page token")
		}
		text, err := tokens.Position(o.Token)
		if err != nil {
			return Page{}, err
		}
		if w.Season, after, err = parsePosition(text, w.Season); err != nil {
			return Page{}, err
		}
	}
	list, a, err := q.open(ctx, w)
	if err != nil {
		return Page{}, err
	}
	p := Page{Answer: a}
	if after != "" && len(after) != board.KeyBytes(len(a.Board.Columns)) {
		return Page{}, badToken()
	}
	var rows []ranks.Row
	if o.Start > 0 {
		rows, p.Total, err = list.Range(ctx, w.List, o.Start-1, o.Size+1)
	} else {
		rows, p.Total, err = list.After(ctx, w.List, after, o.Size+1)
	}
	if int64(len(rows)) > o.Size {
		rows = rows[:o.Size]
		p.Next = tokens.Token(strconv.FormatInt(a.Season, 10) + " " + rows[o.Size-1].Key.Hex())
	}
	if err == nil {
		p.Rows, err = q.detail(ctx, &a, rows, w.Detail)
	}
	return p, err
}

// parsePosition reads what a page token carries.
func parsePosition(text string, asked int64) (season int64, key board.Key, err error) {
	number, hex, _ := strings.Cut(text, " ")
	season, err = strconv.ParseInt(number, 10, 64)
	if err != nil || asked != 0 && asked != season {
		return 0, "", badToken()
	}
	for columns := 1; columns <= 5; columns++ {
		if k, ok := board.KeyOfHex(hex, columns); ok {
			return season, k, nil
		}
	}
	return 0, "", badToken()
}

func badToken() error { return fault.Invalid("page_token", "is not one of this list") }

// Around returns the rows around a player.
func (q *Queries) Around(ctx context.Context, w Where, radius int64) (Page, error) {
	list, a, err := q.open(ctx, w)
	if err != nil {
		return Page{}, err
	}
	p := Page{Answer: a}
	rows, total, err := list.Around(ctx, w.List, w.PlayerID, radius)
	if err != nil {
		return Page{}, err
	}
	p.Total = total
	p.Rows, err = q.detail(ctx, &a, rows, w.Detail)
	return p, err
}

// Among returns the rows of some players, best first.
func (q *Queries) Among(ctx context.Context, w Where, playerIDs []string) (Page, error) {
	list, a, err := q.open(ctx, w)
	if err != nil {
		return Page{}, err
	}
	p := Page{Answer: a}
	rows, total, err := list.Among(ctx, playerIDs)
	if err != nil {
		return Page{}, err
	}
	p.Total = total
	p.Rows, err = q.detail(ctx, &a, rows, w.Detail)
	return p, err
}

// Count counts.
func (q *Queries) Count(ctx context.Context, w Where, best, worst []int64) (int64, Answer, error) {
	list, a, err := q.open(ctx, w)
	if err != nil {
		return 0, Answer{}, err
	}
	for _, bound := range []struct {
		path    string
		columns []int64
	}{{"best", best}, {"worst", worst}} {
		if n := len(bound.columns); n != 0 && n != len(a.Board.Columns) {
			return 0, Answer{}, fault.Invalid(bound.path, "has %d numbers; a score of board %s has %d", n, a.Board.ID, len(a.Board.Columns))
		}
	}
	n, err := list.Count(ctx, w.List, best, worst)
	return n, a, err
}
