package cosmosstore

import (
	"context"
	"crypto/sha256"
	"time"

	"supergame/services/leaderboard/internal/archive"
	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// archiveDoc is a header, or the order of a segment.
type archiveDoc struct {
	cosmos.Header
	Board    string        `json:"board"`
	UID      string        `json:"uid"`
	Season   int64         `json:"season"`
	Version  int32         `json:"version"`
	Columns  int           `json:"columns,omitempty"`
	Shared   bool          `json:"shared,omitempty"`
	Segment  int           `json:"segment"` // -1 = everybody
	Count    int64         `json:"count"`
	Erased   int64         `json:"erased,omitempty"`
	Checksum []byte        `json:"checksum"`
	Chunks   []chunkRefDoc `json:"chunks,omitempty"`
	Values   []spanDoc     `json:"values,omitempty"`
	Segments []string      `json:"segments,omitempty"` // ids of their orders
	Expire   int64         `json:"expire,omitempty"`   // seconds since 1970, whatever is written meanwhile
}

// chunkRefDoc is short: an archive of ten million rows has thousands.
type chunkRefDoc struct {
	ID     string `json:"id"`
	Count  int64  `json:"n"`
	Erased int64  `json:"e,omitempty"`
	Value  string `json:"s,omitempty"`
	First  []byte `json:"k,omitempty"`
	Hash   []byte `json:"h"`
}

type spanDoc struct {
	Value string `json:"s"`
	From  int64  `json:"f,omitempty"`
	Count int64  `json:"n"`
}

// archiveRowsDoc is a chunk.
type archiveRowsDoc struct {
	cosmos.Header
	Board  string   `json:"board"`
	UID    string   `json:"uid"`
	Rows   []rowDoc `json:"rows"`
	Expire int64    `json:"expire,omitempty"`
}

// rowDoc is short: there are many. Of an erased player's h is left, and t.
type rowDoc struct {
	Player   string   `json:"p,omitempty"`
	Key      []byte   `json:"k,omitempty"`
	Inline   []byte   `json:"i,omitempty"`
	Segments []string `json:"g,omitempty"`
	Salt     []byte   `json:"s,omitempty"`
	Hash     []byte   `json:"h"`
	Tie      int64    `json:"t,omitempty"`
}

// ArchiveStore is the [archive.Store] on Cosmos DB.
type ArchiveStore struct {
	container *cosmos.Container
	headers   *cosmos.Kind[archiveDoc]
	orders    *cosmos.Kind[archiveDoc]
	chunks    *cosmos.Kind[archiveRowsDoc]
	now       func() time.Time
}

// NewArchives returns the store. It does no I/O.
func NewArchives(client *cosmos.Client, now func() time.Time) *ArchiveStore {
	container := client.Container(Archives)
	return &ArchiveStore{
		container: container, now: now,
		headers: cosmos.NewKind[archiveDoc](container, "archive", schemaVersion),
		orders:  cosmos.NewKind[archiveDoc](container, "archive-order", schemaVersion),
		chunks:  cosmos.NewKind[archiveRowsDoc](container, "archive-chunk", schemaVersion),
	}
}

// setOrder and order are the two ways between a document and an order.
func (d *archiveDoc) setOrder(o *archive.Order) {
	d.Segment, d.Count, d.Erased, d.Checksum = o.Segment, o.Count, o.Erased, o.Checksum[:]
	d.Chunks, d.Values = make([]chunkRefDoc, len(o.Chunks)), nil
	for i := range o.Chunks {
		r := &o.Chunks[i]
		d.Chunks[i] = chunkRefDoc{ID: r.ID, Count: r.Count, Erased: r.Erased, Value: r.Value, First: []byte(r.First), Hash: r.Hash[:]}
	}
	for _, s := range o.Values {
		d.Values = append(d.Values, spanDoc(s))
	}
}

func (d *archiveDoc) order() (archive.Order, error) {
	o := archive.Order{ID: d.ID, Segment: d.Segment, Count: d.Count, Erased: d.Erased, ETag: d.ETag, Chunks: make([]archive.Ref, len(d.Chunks))}
	ok := setHash(&o.Checksum, d.Checksum)
	for i := range d.Chunks {
		r := &d.Chunks[i]
		o.Chunks[i] = archive.Ref{ID: r.ID, Count: r.Count, Erased: r.Erased, Value: r.Value, First: board.Key(r.First)}
		ok = setHash(&o.Chunks[i].Hash, r.Hash) && ok
	}
	for _, s := range d.Values {
		o.Values = append(o.Values, archive.Span(s))
	}
	if !ok {
		return archive.Order{}, badHash(d.ID)
	}
	return o, nil
}

func setHash(to *[sha256.Size]byte, from []byte) bool { return copy(to[:], from) == sha256.Size }

func badHash(id string) error {
	return fault.New(fault.DataLoss, "BAD_DOCUMENT", "a hash of archive document %q cannot be read", id)
}

func (d *archiveDoc) setName(n archive.Name) {
	d.Board, d.UID, d.Season, d.Version = n.BoardID, n.BoardUID, n.Season, n.Version
}

func (d *archiveDoc) header(n archive.Name) (archive.Header, error) {
	o, err := d.order()
	return archive.Header{Name: n, Columns: d.Columns, Shared: d.Shared, Order: o, Segments: d.Segments}, err
}

// Header is one point read.
func (s *ArchiveStore) Header(ctx context.Context, n archive.Name) (archive.Header, error) {
	doc, err := s.headers.Read(ctx, cosmos.PK(n.HeaderID()), n.HeaderID())
	if err != nil {
		return archive.Header{}, err
	}
	return doc.header(n)
}

// Order is one point read.
func (s *ArchiveStore) Order(ctx context.Context, id string) (archive.Order, error) {
	doc, err := s.orders.Read(ctx, cosmos.PK(id), id)
	if err != nil {
		return archive.Order{}, err
	}
	return doc.order()
}

// Chunk is one point read.
func (s *ArchiveStore) Chunk(ctx context.Context, id string) ([]archive.Row, error) {
	doc, err := s.chunks.Read(ctx, cosmos.PK(id), id)
	if err != nil {
		return nil, err
	}
	return doc.decode()
}

func (d *archiveRowsDoc) decode() ([]archive.Row, error) {
	rows := make([]archive.Row, len(d.Rows))
	for i := range d.Rows {
		r := &d.Rows[i]
		rows[i] = archive.Row{
			PlayerID: r.Player, Key: board.Key(r.Key), Inline: r.Inline, Segments: r.Segments, Salt: r.Salt, Tie: r.Tie,
		}
		if !setHash(&rows[i].Hash, r.Hash) {
			return nil, badHash(d.ID)
		}
	}
	return rows, nil
}

func (d *archiveRowsDoc) set(rows []archive.Row) {
	d.Rows = make([]rowDoc, len(rows))
	for i := range rows {
		r := &rows[i]
		d.Rows[i] = rowDoc{
			Player: r.PlayerID, Key: []byte(r.Key), Inline: r.Inline, Segments: r.Segments, Salt: r.Salt, Hash: r.Hash[:], Tie: r.Tie,
		}
	}
}

// PutHeader is one write.
func (s *ArchiveStore) PutHeader(ctx context.Context, h *archive.Header, expire time.Time) error {
	doc := &archiveDoc{Header: cosmos.Header{ID: h.HeaderID(), TTL: ttl(expire, s.now())}, Columns: h.Columns, Shared: h.Shared, Segments: h.Segments, Expire: unix(expire)}
	doc.setName(h.Name)
	doc.setOrder(&h.Order)
	return there(s.headers.Create(ctx, cosmos.PK(doc.ID), cosmos.Operation{}, doc))
}

// PutOrder is one write.
func (s *ArchiveStore) PutOrder(ctx context.Context, n archive.Name, o *archive.Order, expire time.Time) error {
	doc := &archiveDoc{Header: cosmos.Header{ID: o.ID, TTL: ttl(expire, s.now())}, Expire: unix(expire)}
	doc.setName(n)
	doc.setOrder(o)
	return there(s.orders.Create(ctx, cosmos.PK(doc.ID), cosmos.Operation{}, doc))
}

// PutChunk is one write.
func (s *ArchiveStore) PutChunk(ctx context.Context, n archive.Name, id string, rows []archive.Row, expire time.Time) error {
	doc := &archiveRowsDoc{Header: cosmos.Header{ID: id, TTL: ttl(expire, s.now())}, Board: n.BoardID, UID: n.BoardUID, Expire: unix(expire)}
	doc.set(rows)
	return there(s.chunks.Create(ctx, cosmos.PK(id), cosmos.Operation{}, doc))
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// there takes a document that is there already for the one that was to be written: its id is made of its content.
func there(err error) error {
	if fault.Is(err, fault.AlreadyExists) {
		return nil
	}
	return err
}

// Remove deletes documents one by one: each is a partition of its own.
func (s *ArchiveStore) Remove(ctx context.Context, ids []string) error {
	for _, id := range ids {
		if err := s.container.Delete(ctx, cosmos.PK(id), id, ""); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// UpdateChunk is one read and one write.
func (s *ArchiveStore) UpdateChunk(ctx context.Context, id string, change func([]archive.Row) (bool, error)) (rows []archive.Row, err error) {
	_, err = s.chunks.Update(ctx, cosmos.PK(id), id, cosmos.Operation{}, func(d *archiveRowsDoc) (bool, error) {
		if rows, err = d.decode(); err != nil {
			return false, err
		}
		write, err := change(rows)
		if err == nil && write {
			d.set(rows)
			d.TTL = ttl(storeTime(d.Expire), s.now())
		}
		return write, err
	})
	return rows, err
}

// UpdateHeader is one read and one write.
func (s *ArchiveStore) UpdateHeader(ctx context.Context, n archive.Name, change func(*archive.Header) (bool, error)) (h archive.Header, err error) {
	_, err = s.headers.Update(ctx, cosmos.PK(n.HeaderID()), n.HeaderID(), cosmos.Operation{}, func(d *archiveDoc) (bool, error) {
		if h, err = d.header(n); err != nil {
			return false, err
		}
		write, err := change(&h)
		if err == nil && write {
			d.setOrder(&h.Order)
			d.TTL = ttl(storeTime(d.Expire), s.now())
		}
		return write, err
	})
	return h, err
}

// UpdateOrder is one read and one write.
func (s *ArchiveStore) UpdateOrder(ctx context.Context, id string, change func(*archive.Order) (bool, error)) (o archive.Order, err error) {
	_, err = s.orders.Update(ctx, cosmos.PK(id), id, cosmos.Operation{}, func(d *archiveDoc) (bool, error) {
		if o, err = d.order(); err != nil {
			return false, err
		}
		write, err := change(&o)
		if err == nil && write {
			d.setOrder(&o)
			d.TTL = ttl(storeTime(d.Expire), s.now())
		}
		return write, err
	})
	return o, err
}

var _ archive.Store = (*ArchiveStore)(nil)
