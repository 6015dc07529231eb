package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/platform/fault"
)

// Source is the season as it is in memory. It is [ranks.Season].
type Source interface {
	// Changes is the same as long as nothing changed.
	Changes() uint64
	// Records returns the entries of a list from a place on, at most n.
	Records(l ranks.List, from, n int64) ([]ranks.Record, error)
	// Values are the values of a segment of the board, sorted.
	Values(segment int) []string
}

// Task says what to archive.
type Task struct {
	Board   *board.Board
	Season  int64
	Version int32
	Seed    []byte // of the salts
	Source  Source
	Without map[string]bool // player ids that do not count
	Expire  time.Time
}

// chunkBytes is about how large a chunk becomes in the store. Tests make it small.
var chunkBytes = 480 << 10

// page is how many entries are taken from memory at once.
const page = 1000

// Build writes an archive: chunks, the orders of the segments, the header last. It is not the season's own before the season says so. Aborted
// (SEASON_CHANGING) when the source changed meanwhile. With a nil writer it only computes, to see whether something changed.
func Build(ctx context.Context, w Writer, t Task) (Header, error) {
	before := t.Source.Changes()
	h := Header{
		Name:    Name{BoardID: t.Board.ID, BoardUID: t.Board.UID, Season: t.Season, Version: t.Version},
		Columns: len(t.Board.Columns), Shared: t.Board.SharedTies,
	}
	var orders []Order
	for segment := range t.Board.Segments {
		o, err := t.order(ctx, w, h.Name, segment)
		if err != nil {
			return Header{}, err
		}
		o.ID = h.orderID(segment, o.Checksum)
		orders, h.Segments = append(orders, o), append(h.Segments, o.ID)
	}
	var err error
	if h.Order, err = t.order(ctx, w, h.Name, Everybody); err != nil {
		return Header{}, err
	}
	h.Name.Checksum = hex.EncodeToString(h.Order.Checksum[:])
	if t.Source.Changes() != before {
		return Header{}, fault.New(fault.Aborted, "SEASON_CHANGING", "season %d of board %s changed while it was archived", t.Season, t.Board.ID)
	}
	if w == nil {
		return h, nil
	}
	return h, put(ctx, w, &h, orders, t.Expire)
}

// put writes orders, and the header last.
func put(ctx context.Context, w Writer, h *Header, orders []Order, expire time.Time) error {
	for i := range orders {
		if err := w.PutOrder(ctx, h.Name, &orders[i], expire); err != nil {
			return err
		}
	}
	return w.PutHeader(ctx, h, expire)
}

// order writes the chunks of one order.
func (t *Task) order(ctx context.Context, w Writer, n Name, segment int) (Order, error) {
	b := builder{task: t, writer: w, name: n, order: Order{Segment: segment}}
	lists := []ranks.List{{}}
	if segment != Everybody {
		lists = nil
		for _, value := range t.Source.Values(segment) {
			lists = append(lists, ranks.List{Segment: t.Board.Segments[segment].Name, Value: value})
		}
	}
	for _, list := range lists {
		if err := b.list(ctx, list); err != nil {
			return Order{}, err
		}
	}
	if err := b.flush(ctx); err != nil {
		return Order{}, err
	}
	b.order.Checksum = b.order.sum()
	return b.order, nil
}

// builder makes chunks of rows that come in order.
type builder struct {
	task   *Task
	writer Writer
	name   Name
	order  Order
	rows   []Row
	value  string // of the first of rows
	size   int
	score  board.Key // of the row before in the list
	tie    int64
}

// list adds the rows of one list.
func (b *builder) list(ctx context.Context, l ranks.List) error {
	b.score, b.tie = "", 0
	from := b.order.Count
	for place := int64(0); ; {
		records, err := b.task.Source.Records(l, place, page)
		if err != nil {
			return err
		}
		if len(records) == 0 {
			break
		}
		place += int64(len(records))
		for i := range records {
			if b.task.Without[records[i].PlayerID] {
				continue
			}
			if err := b.add(ctx, l.Value, &records[i]); err != nil {
				return err
			}
		}
	}
	if n := b.order.Count - from; b.order.Segment != Everybody && n > 0 {
		b.order.Values = append(b.order.Values, Span{Value: l.Value, From: from, Count: n})
	}
	return ctx.Err()
}

func (b *builder) add(ctx context.Context, value string, record *ranks.Record) error {
	row := Row{PlayerID: record.PlayerID, Key: record.Key, Inline: record.Inline, Segments: record.Segments}
	row.seal(b.task.Seed)
	if b.task.Board.SharedTies {
		if b.tie++; row.score() != b.score {
			b.score, b.tie = row.score(), 0
		}
		row.Tie = b.tie
	}
	if len(b.rows) == 0 {
		b.value = value
	}
	b.rows = append(b.rows, row)
	b.order.Count++
	if b.size += row.bytes(); b.size < chunkBytes {
		return nil
	}
	return b.flush(ctx)
}

// flush stores what came together.
func (b *builder) flush(ctx context.Context) error {
	if len(b.rows) == 0 {
		return nil
	}
	ref := refOf(b.name, b.order.Segment, len(b.order.Chunks), b.rows)
	ref.Value = b.value
	if b.writer != nil {
		if err := b.writer.PutChunk(ctx, b.name, ref.ID, b.rows, b.task.Expire); err != nil {
			return err
		}
	}
	b.order.Chunks = append(b.order.Chunks, ref)
	b.rows, b.size = b.rows[:0], 0
	return nil
}

// refOf describes rows as the chunk of a number. The value is the caller's to say.
func refOf(n Name, segment, number int, rows []Row) Ref {
	ref := Ref{Count: int64(len(rows)), Hash: hashOf(rows)}
	ref.ID = n.chunkID(segment, number, ref.Hash)
	if i := slices.IndexFunc(rows, func(r Row) bool { return !r.Erased() }); i >= 0 {
		ref.First = rows[i].Key
	}
	for i := range rows {
		if rows[i].Erased() {
			ref.Erased++
		}
	}
	return ref
}

// hashOf is the hash over the hashes of rows.
func hashOf(rows []Row) [sha256.Size]byte {
	h := sha256.New()
	for i := range rows {
		h.Write(rows[i].Hash[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}
