package archive

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/fault"
)

// Disqualify writes the next version of an archive, without a player: everybody behind him moves up. It rewrites the chunk that he stands in, of each
// order, and those behind it only as far as they share his rank. False when he is not in it. The version is not the season's own before the season
// says so.
func Disqualify(ctx context.Context, s Store, n Name, playerID string, key board.Key, expire time.Time) (Header, bool, error) {
	h, err := s.Header(ctx, n)
	if err != nil {
		return Header{}, false, err
	}
	next := h
	next.Version++
	next.ETag, next.Segments = "", nil
	c := change{store: s, name: next.Name, expire: expire}
	row, err := c.remove(ctx, &next.Order, "", playerID, key)
	if err != nil || row == nil {
		return Header{}, false, err
	}
	next.Name.Checksum = hex.EncodeToString(next.Order.Checksum[:])
	var orders []Order
	for segment, id := range h.Segments {
		value := row.Segments[segment]
		if value == "" {
			next.Segments = append(next.Segments, id)
			continue
		}
		o, err := s.Order(ctx, id)
		if err != nil {
			return Header{}, false, err
		}
		removed, err := c.remove(ctx, &o, value, playerID, key)
		if err != nil {
			return Header{}, false, err
		}
		if removed == nil { // a value that is not ranked on its own
			next.Segments = append(next.Segments, id)
			continue
		}
		o.ID, o.ETag = next.orderID(segment, o.Checksum), ""
		next.Segments, orders = append(next.Segments, o.ID), append(orders, o)
	}
	return next, true, put(ctx, s, &next, orders, expire)
}

// change makes the chunks of a next version.
type change struct {
	store  Store
	name   Name
	expire time.Time
}

// remove takes a row out of an order. It gives the row; nil when there is none.
func (c *change) remove(ctx context.Context, o *Order, value, playerID string, key board.Key) (*Row, error) {
	o.Chunks, o.Values = slices.Clone(o.Chunks), slices.Clone(o.Values)
	i := o.find(value, key)
	if len(o.Chunks) == 0 {
		return nil, nil //nolint:nilnil // none is an answer here
	}
	rows, err := c.store.Chunk(ctx, o.Chunks[i].ID)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(rows, func(r Row) bool { return r.PlayerID == playerID && r.Key == key && o.valueOf(&r) == value })
	if at < 0 {
		return nil, nil //nolint:nilnil // none is an answer here
	}
	removed := rows[at]
	rows = slices.Delete(slices.Clone(rows), at, at+1)
	tie := removed.Tie + 1 // of the next one with the same score
	more := untie(rows[at:], &tie)
	if err := c.replace(ctx, o, i, rows); err != nil {
		return nil, err
	}
	for i++; more && i < len(o.Chunks); i++ {
		next, err := c.store.Chunk(ctx, o.Chunks[i].ID)
		if err != nil {
			return nil, err
		}
		if next[0].Tie != tie {
			break
		}
		next = slices.Clone(next)
		more = untie(next, &tie)
		if err := c.replace(ctx, o, i, next); err != nil {
			return nil, err
		}
	}
	o.Chunks = slices.DeleteFunc(o.Chunks, func(r Ref) bool { return r.Count == 0 })
	o.Count--
	o.leave(value)
	o.Checksum = o.sum()
	return &removed, nil
}

// untie moves up those that share the rank of a row that stood before them, and reports whether those behind may share it too: their ties count on
// from his.
func untie(rows []Row, tie *int64) (more bool) {
	for i := range rows {
		if rows[i].Tie != *tie {
			return false
		}
		rows[i].Tie--
		*tie++
	}
	return true
}

// replace writes the changed rows of a chunk under a new id.
func (c *change) replace(ctx context.Context, o *Order, i int, rows []Row) error {
	o.Erased -= o.Chunks[i].Erased
	if len(rows) == 0 {
		o.Chunks[i] = Ref{}
		return nil
	}
	ref := o.describe(c.name, i, rows)
	o.Chunks[i] = ref
	o.Erased += ref.Erased
	return c.store.PutChunk(ctx, c.name, ref.ID, rows, c.expire)
}

// leave moves the spans of an order up behind a row of a value that was taken out.
func (o *Order) leave(value string) {
	for i := range o.Values {
		switch s := &o.Values[i]; {
		case s.Value == value:
			s.Count--
		case s.Value > value:
			s.From--
		}
	}
	o.Values = slices.DeleteFunc(o.Values, func(s Span) bool { return s.Count == 0 })
}

// Scrub takes everything of an erased player out of an archive but the place and the hash. It reports whether he was still in it. Safe to repeat: a
// repeat finishes what a process that died left undone.
func Scrub(ctx context.Context, s Store, n Name, playerID string, key board.Key) (bool, error) {
	h, err := s.Header(ctx, n)
	if err != nil {
		return false, err
	}
	row, err := rowOf(ctx, s, &h.Order, "", playerID, key)
	if err != nil {
		return false, err
	}
	if row != nil { // the orders of his segments first: his row says which
		for segment, id := range h.Segments {
			if row.Segments[segment] == "" {
				continue
			}
			o, err := s.Order(ctx, id)
			if err != nil {
				return false, err
			}
			err = scrub(ctx, s, &o, row.Segments[segment], playerID, key, func(change func(*Order) bool) error {
				_, err := s.UpdateOrder(ctx, id, func(o *Order) (bool, error) { return change(o), nil })
				return err
			}, n)
			if err != nil {
				return false, err
			}
		}
	}
	err = scrub(ctx, s, &h.Order, "", playerID, key, func(change func(*Order) bool) error {
		_, err := s.UpdateHeader(ctx, n, func(h *Header) (bool, error) { return change(&h.Order), nil })
		return err
	}, n)
	return row != nil, err
}

// rowOf reads the row of a player; nil when there is none.
func rowOf(ctx context.Context, r Reader, o *Order, value, playerID string, key board.Key) (*Row, error) {
	if len(o.Chunks) == 0 {
		return nil, nil //nolint:nilnil // none is an answer here
	}
	rows, err := r.Chunk(ctx, o.Chunks[o.find(value, key)].ID)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(rows, func(r Row) bool { return r.PlayerID == playerID && r.Key == key && o.valueOf(&r) == value })
	if at < 0 {
		return nil, nil //nolint:nilnil // none is an answer here
	}
	return &rows[at], nil
}

// scrub erases a row of one order, and lets the order say so.
func scrub(
	ctx context.Context, s Store, o *Order, value, playerID string, key board.Key, update func(change func(*Order) bool) error, n Name,
) error {
	if len(o.Chunks) == 0 {
		return nil
	}
	i := o.find(value, key)
	rows, err := s.UpdateChunk(ctx, o.Chunks[i].ID, func(rows []Row) (bool, error) {
		at := slices.IndexFunc(rows, func(r Row) bool { return r.PlayerID == playerID && r.Key == key && o.valueOf(&r) == value })
		if at >= 0 {
			rows[at].erase()
		}
		return at >= 0, nil
	})
	if err != nil {
		return err
	}
	if ref := o.describe(n, i, rows); ref.Erased == o.Chunks[i].Erased && ref.First == o.Chunks[i].First {
		return nil
	}
	return update(func(o *Order) bool {
		ref := o.describe(n, i, rows)
		stored := &o.Chunks[i]
		if ref.Erased <= stored.Erased { // another erasure saw this one
			return false
		}
		o.Erased += ref.Erased - stored.Erased
		stored.Erased, stored.Value, stored.First = ref.Erased, ref.Value, ref.First
		return true
	})
}

// describe makes the reference of the rows that are now those of a chunk.
func (o *Order) describe(n Name, i int, rows []Row) Ref {
	ref := refOf(n, o.Segment, i, rows)
	first := slices.IndexFunc(rows, func(r Row) bool { return !r.Erased() })
	switch {
	case first >= 0:
		ref.Value = o.valueOf(&rows[first])
	case i+1 < len(o.Chunks): // nobody is left to be found in it
		ref.Value, ref.First = o.Chunks[i+1].Value, o.Chunks[i+1].First
	default:
		ref.Value, ref.First = endless, board.Key(endless)
	}
	return ref
}

// endless stands behind every key and every value.
var endless = strings.Repeat("\xff", 64)

// Drop removes an older version of an archive: what the one that replaced it does not hold as well.
func Drop(ctx context.Context, s Store, old, now Name) error {
	before, err := documents(ctx, s, old)
	if err != nil || len(before) == 0 {
		return err
	}
	after, err := documents(ctx, s, now)
	if err != nil || len(after) == 0 {
		return err
	}
	keep := map[string]bool{}
	for _, id := range after {
		keep[id] = true
	}
	return s.Remove(ctx, slices.DeleteFunc(before, func(id string) bool { return keep[id] }))
}

// documents are the ids of all documents of an archive, the header's last, so that what a removal leaves can still be found; none when it is gone.
func documents(ctx context.Context, r Reader, n Name) ([]string, error) {
	h, err := r.Header(ctx, n)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list := h.ids()
	for _, id := range h.Segments {
		o, err := r.Order(ctx, id)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		list = append(append(list, o.ids()...), id)
	}
	return append(list, n.HeaderID()), nil
}

// Find reads the row of a player, and its rank; nil when there is none.
func Find(ctx context.Context, r Reader, h *Header, playerID string, key board.Key) (*Row, int64, error) {
	l := listing{&Ranking{Reader: r, Header: *h}, &h.Order, h.span("")}
	row, place, err := l.locate(ctx, key, playerID)
	if err != nil || row == nil {
		return nil, 0, err
	}
	return row, place + 1 - row.Tie, nil
}
