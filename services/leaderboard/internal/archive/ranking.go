package archive

import (
	"cmp"
	"context"
	"slices"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/platform/fault"
)

// Keys finds the keys of players in a season, by their entries: 1 RU each. Who has none is left out.
type Keys func(ctx context.Context, playerIDs []string) (map[string]board.Key, error)

// Ranking answers who stands where in an archive. A page costs the read of one chunk, two where it reaches over its end, or of none that was read
// a moment ago; a player's place that of his entry and one chunk. The rows of a segment's page have no global ranks: they stand in as many chunks. Ranks are those at the season's end: an erased player leaves a gap, and is in no
// count.
type Ranking struct {
	Reader Reader
	Board  *board.Board
	Header Header
	Keys   Keys
	Gone   func() // called when the archive was replaced under it; may be nil
}

// listing is one list of the archive.
type listing struct {
	*Ranking
	order *Order
	span  Span
}

// list finds the list that is asked for.
func (r *Ranking) list(ctx context.Context, l ranks.List) (*listing, error) {
	if l.Segment == "" {
		return &listing{r, &r.Header.Order, r.Header.span("")}, nil
	}
	i := slices.IndexFunc(r.Board.Segments, func(g board.Segment) bool { return g.Name == l.Segment })
	if i < 0 || i >= len(r.Header.Segments) {
		return nil, fault.Invalid("segment.name", "%q is no segment of board %s", l.Segment, r.Board.ID)
	}
	order, err := r.Reader.Order(ctx, r.Header.Segments[i])
	if fault.Is(err, fault.NotFound) {
		return nil, r.changed(err)
	}
	if err != nil {
		return nil, err
	}
	return &listing{r, &order, order.span(l.Value)}, nil
}

// changed is the answer when something of the archive is gone.
func (r *Ranking) changed(err error) error {
	if r.Gone != nil {
		r.Gone()
	}
	return changing(err)
}

// total is how many have a place.
func (l *listing) total(ctx context.Context) (int64, error) {
	erased, err := l.erased(ctx, l.span.From, l.end())
	return l.span.Count - erased, err
}

func (l *listing) end() int64 { return l.span.From + l.span.Count }

// chunk reads a chunk. One that is gone was replaced.
func (l *listing) chunk(ctx context.Context, i int) ([]Row, error) {
	rows, err := l.Reader.Chunk(ctx, l.order.Chunks[i].ID)
	if fault.Is(err, fault.NotFound) {
		return nil, l.changed(err)
	}
	return rows, err
}

// valueOf is the row's value in the order.
func (o *Order) valueOf(r *Row) string {
	if o.Segment == Everybody || o.Segment >= len(r.Segments) {
		return ""
	}
	return r.Segments[o.Segment]
}

// row gives the row at a place of the order.
func (l *listing) row(row *Row, place int64) ranks.Row {
	r := ranks.Row{
		PlayerID: row.PlayerID, Rank: place - l.span.From + 1 - row.Tie, Columns: row.Key.Columns(l.Board.Columns), Time: row.Key.Received(),
		Inline: slices.Clone(row.Inline), Key: row.Key,
	}
	if l.order.Segment == Everybody {
		r.GlobalRank = r.Rank
	}
	return r
}

// locate finds the row of a key.
func (l *listing) locate(ctx context.Context, key board.Key, playerID string) (row *Row, place int64, err error) {
	if l.span.Count == 0 {
		return nil, 0, nil
	}
	i := l.order.find(l.span.Value, key)
	rows, err := l.chunk(ctx, i)
	if err != nil {
		return nil, 0, err
	}
	at := slices.IndexFunc(rows, func(r Row) bool { return r.Key == key && r.PlayerID == playerID && l.order.valueOf(&r) == l.span.Value })
	if at < 0 {
		return nil, 0, nil
	}
	return &rows[at], l.order.From(i) + int64(at), nil
}

// before is the first place that does not stand before a key: behind the last row that does.
func (l *listing) before(ctx context.Context, key board.Key) (int64, error) {
	if l.span.Count == 0 {
		return l.span.From, nil
	}
	i := l.order.find(l.span.Value, key)
	rows, err := l.chunk(ctx, i)
	if err != nil {
		return 0, err
	}
	place := l.order.From(i)
	for at := len(rows) - 1; at >= 0; at-- {
		if r := &rows[at]; !r.Erased() && behind(l.span.Value, key, l.order.valueOf(r), r.Key) {
			place += int64(at) + 1
			break
		}
	}
	return min(max(place, l.span.From), l.end()), nil
}

// rows are those from a place of the order on, at most n.
func (l *listing) rows(ctx context.Context, place, n int64) ([]ranks.Row, error) {
	var found []ranks.Row
	if place >= l.end() || n <= 0 {
		return nil, nil
	}
	i, from := l.order.at(place)
	for ; from < l.end() && int64(len(found)) < n; i++ {
		rows, err := l.chunk(ctx, i)
		if err != nil {
			return nil, err
		}
		for at := max(place-from, 0); at < int64(len(rows)) && from+at < l.end() && int64(len(found)) < n; at++ {
			if !rows[at].Erased() {
				found = append(found, l.row(&rows[at], from+at))
			}
		}
		from += int64(len(rows))
	}
	return found, nil
}

// find is the row of a player; nil when he has none.
func (l *listing) find(ctx context.Context, playerID string) (*Row, int64, error) {
	keys, err := l.Keys(ctx, []string{playerID})
	if err != nil || keys[playerID] == "" {
		return nil, 0, err
	}
	return l.locate(ctx, keys[playerID], playerID)
}

// Rank is a player's place; false when he has none. In a segment it reads two chunks.
func (r *Ranking) Rank(ctx context.Context, asked ranks.List, playerID string) (row ranks.Row, found bool, total int64, err error) {
	l, err := r.list(ctx, asked)
	if err != nil {
		return row, false, 0, err
	}
	if total, err = l.total(ctx); err != nil {
		return row, false, 0, err
	}
	at, place, err := l.find(ctx, playerID)
	if err != nil || at == nil {
		return row, false, total, err
	}
	row = l.row(at, place)
	row.GlobalRank = row.Rank
	if asked.Segment != "" {
		all, err := r.list(ctx, ranks.List{})
		if err != nil {
			return row, false, 0, err
		}
		global, place, err := all.locate(ctx, at.Key, playerID)
		if err != nil {
			return row, false, 0, err
		}
		if row.GlobalRank = 0; global != nil {
			row.GlobalRank = place + 1 - global.Tie
		}
	}
	return row, true, total, nil
}

// Range returns the rows from a place on (0 = the best), at most n.
func (r *Ranking) Range(ctx context.Context, asked ranks.List, from, n int64) (rows []ranks.Row, total int64, err error) {
	l, err := r.list(ctx, asked)
	if err != nil {
		return nil, 0, err
	}
	return l.page(ctx, l.span.From+max(from, 0), n)
}

// After returns the rows behind a key ("" = from the top), at most n.
func (r *Ranking) After(ctx context.Context, asked ranks.List, key board.Key, n int64) (rows []ranks.Row, total int64, err error) {
	l, err := r.list(ctx, asked)
	if err != nil {
		return nil, 0, err
	}
	place := l.span.From
	if key != "" {
		if place, err = l.before(ctx, key+"\x00"); err != nil { // the least text behind it
			return nil, 0, err
		}
	}
	return l.page(ctx, place, n)
}

// page is some rows, and the total.
func (l *listing) page(ctx context.Context, place, n int64) (rows []ranks.Row, total int64, err error) {
	if rows, err = l.rows(ctx, place, n); err != nil {
		return nil, 0, err
	}
	total, err = l.total(ctx)
	return rows, total, err
}

// Around returns a player's row with up to radius places on either side; nothing when he has no place.
func (r *Ranking) Around(ctx context.Context, asked ranks.List, playerID string, radius int64) (rows []ranks.Row, total int64, err error) {
	l, err := r.list(ctx, asked)
	if err != nil {
		return nil, 0, err
	}
	if total, err = l.total(ctx); err != nil {
		return nil, 0, err
	}
	at, place, err := l.find(ctx, playerID)
	if err != nil || at == nil {
		return nil, total, err
	}
	from, to := max(place-radius, l.span.From), min(place+radius+1, l.end())
	part := listing{r, l.order, Span{Value: l.span.Value, From: l.span.From, Count: to - l.span.From}}
	rows, err = part.rows(ctx, from, to-from)
	return rows, total, err
}

// Among ranks players among themselves, best first, with their global ranks. It reads the entry of each, and the chunks that they stand in: at most
// one for each.
func (r *Ranking) Among(ctx context.Context, playerIDs []string) (rows []ranks.Row, total int64, err error) {
	l, err := r.list(ctx, ranks.List{})
	if err != nil {
		return nil, 0, err
	}
	if total, err = l.total(ctx); err != nil {
		return nil, 0, err
	}
	keys, err := r.Keys(ctx, playerIDs)
	if err != nil {
		return nil, 0, err
	}
	for playerID, key := range keys {
		at, place, err := l.locate(ctx, key, playerID)
		if err != nil {
			return nil, 0, err
		}
		if at != nil {
			row := l.row(at, place)
			row.GlobalRank = row.Rank
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b ranks.Row) int { return cmp.Compare(a.Key, b.Key) })
	for i := range rows {
		tied := r.Board.SharedTies && i > 0 && rows[i-1].GlobalRank == rows[i].GlobalRank
		if rows[i].Rank = int64(i) + 1; tied {
			rows[i].Rank = rows[i-1].Rank
		}
	}
	return rows, total, nil
}

// Count is how many stand from the best score on down to the worst, both inclusive; nil = to that end. It reads at most two chunks.
func (r *Ranking) Count(ctx context.Context, asked ranks.List, best, worst []int64) (int64, error) {
	l, err := r.list(ctx, asked)
	if err != nil {
		return 0, err
	}
	from, to := l.span.From, l.end()
	if best != nil {
		if from, err = l.before(ctx, board.Key(board.AppendColumns(nil, r.Board.Columns, best))); err != nil {
			return 0, err
		}
	}
	if worst != nil {
		high := board.AppendColumns(nil, r.Board.Columns, worst)
		for range board.TailBytes {
			high = append(high, 0xff)
		}
		if to, err = l.before(ctx, board.Key(high)+"\x00"); err != nil {
			return 0, err
		}
	}
	if from >= to {
		return 0, nil
	}
	erased, err := l.erased(ctx, from, to)
	return to - from - erased, err
}

// erased is how many rows of a range of places are erased. Chunks that are inside as a whole, or have none, are not read.
func (l *listing) erased(ctx context.Context, from, to int64) (n int64, err error) {
	var first int64
	for i := range l.order.Chunks {
		ref := &l.order.Chunks[i]
		next := first + ref.Count
		switch {
		case ref.Erased == 0 || next <= from || first >= to:
		case first >= from && next <= to:
			n += ref.Erased
		default:
			rows, err := l.chunk(ctx, i)
			if err != nil {
				return 0, err
			}
			for at := max(from-first, 0); at < min(to-first, int64(len(rows))); at++ {
				if rows[at].Erased() {
					n++
				}
			}
		}
		first = next
	}
	return n, nil
}
