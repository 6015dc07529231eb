package archive

import (
	"context"
	"encoding/hex"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/fault"
)

// Verify reads a whole archive and checks that it is what its checksum says: every row that is not erased has its hash, the hashes have the
// checksums, rows stand in the order of their keys, ties are right, and the orders of the segments hold the rows of everybody who has a value. The
// fault is DataLoss (ARCHIVE_BROKEN) and says where.
func Verify(ctx context.Context, r Reader, n Name) error {
	h, err := r.Header(ctx, n)
	if err != nil {
		return err
	}
	if hex.EncodeToString(h.Order.Checksum[:]) != n.Checksum {
		return broken(n, "the header is of another checksum")
	}
	members := make([]int64, len(h.Segments)) // how many living rows have a value
	if err := verifyOrder(ctx, r, &h, &h.Order, members); err != nil {
		return err
	}
	for segment, id := range h.Segments {
		o, err := r.Order(ctx, id)
		if err != nil {
			return err
		}
		if o.Segment != segment {
			return broken(n, "order %d is another", segment)
		}
		if err := verifyOrder(ctx, r, &h, &o, nil); err != nil {
			return err
		}
		if living := o.Count - o.Erased; living > members[segment] {
			return broken(n, "segment %d has %d rows, of %d with a value", segment, living, members[segment])
		}
	}
	return nil
}

func broken(n Name, format string, args ...any) *fault.Error {
	return fault.New(fault.DataLoss, "ARCHIVE_BROKEN", format, args...).With("board_id", n.BoardID)
}

// check goes over the rows of an order.
type check struct {
	h     *Header
	o     *Order
	place int64
	last  *Row // that is not erased
	gap   bool // an erased row since
	span  int  // index in o.Values
}

func verifyOrder(ctx context.Context, r Reader, h *Header, o *Order, members []int64) error {
	c := check{h: h, o: o}
	var erased int64
	for i := range o.Chunks {
		ref := &o.Chunks[i]
		rows, err := r.Chunk(ctx, ref.ID)
		if err != nil {
			return err
		}
		if int64(len(rows)) != ref.Count || hashOf(rows) != ref.Hash {
			return broken(h.Name, "chunk %s is another", ref.ID)
		}
		for j := range rows {
			if err := c.row(&rows[j]); err != nil {
				return err
			}
			if rows[j].Erased() {
				erased++
			}
			for s := range members {
				if s < len(rows[j].Segments) && rows[j].Segments[s] != "" {
					members[s]++
				}
			}
		}
	}
	if sum := o.sum(); sum != o.Checksum || c.place != o.Count || erased != o.Erased {
		return broken(h.Name, "order %d has %d rows, %d of them erased, with checksum %x", o.Segment, c.place, erased, sum)
	}
	return nil
}

// row checks one row in its place.
func (c *check) row(r *Row) error {
	place := c.place
	c.place++
	if c.o.Segment != Everybody { // the ties of a value are its own
		for c.span < len(c.o.Values) && place >= c.o.Values[c.span].From+c.o.Values[c.span].Count {
			c.span, c.last, c.gap = c.span+1, nil, false
		}
		if c.span == len(c.o.Values) || !r.Erased() && c.o.valueOf(r) != c.o.Values[c.span].Value {
			return broken(c.h.Name, "place %d of segment %d is of another value", place, c.o.Segment)
		}
	}
	if r.Erased() {
		c.gap = true
		if r.Salt != nil || r.Key != "" || r.Inline != nil || r.Segments != nil {
			return broken(c.h.Name, "place %d is half erased", place)
		}
		return nil
	}
	if len(r.Key) != board.KeyBytes(c.h.Columns) || r.sum() != r.Hash {
		return broken(c.h.Name, "place %d has another hash", place)
	}
	if c.last != nil && r.Key <= c.last.Key {
		return broken(c.h.Name, "place %d does not stand behind the one before it", place)
	}
	if want := c.tie(r); !c.gap && r.Tie != want {
		return broken(c.h.Name, "place %d has tie %d, want %d", place, r.Tie, want)
	}
	c.last, c.gap = &Row{Key: r.Key, Tie: r.Tie}, false
	return nil
}

func (c *check) tie(r *Row) int64 {
	if !c.h.Shared || c.last == nil || c.last.score() != r.score() {
		return 0
	}
	return c.last.Tie + 1
}
