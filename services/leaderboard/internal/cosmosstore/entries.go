package cosmosstore

import (
	"context"
	"errors"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// EntryStore is the [scores.Store] on Cosmos DB.
type EntryStore struct {
	container *cosmos.Container
	entries   *cosmos.Kind[entryDoc]
	markers   *cosmos.Kind[markerDoc]
	region    string
	now       func() time.Time
}

// NewEntries returns the store of a region's registers. It does no I/O.
func NewEntries(client *cosmos.Client, region string, now func() time.Time) *EntryStore {
	container := client.Container(Entries)
	return &EntryStore{
		container: container, region: region, now: now,
		entries: cosmos.NewKind[entryDoc](container, EntryType, schemaVersion),
		markers: cosmos.NewKind[markerDoc](container, "attempt", schemaVersion),
	}
}

// Get is one point read.
func (s *EntryStore) Get(ctx context.Context, playerID string, ref scores.Ref) (board.Entry, error) {
	doc, err := s.entries.Read(ctx, cosmos.PK(playerID), entryID(ref.BoardUID, ref.Season, s.region))
	if fault.Is(err, fault.NotFound) {
		return board.Entry{PlayerID: playerID, BoardID: ref.BoardID, BoardUID: ref.BoardUID, Season: ref.Season}, nil
	}
	if err != nil {
		return board.Entry{}, err
	}
	return doc.decode()
}

// GetMany is one read of several documents: 1 RU each, about.
func (s *EntryStore) GetMany(ctx context.Context, playerIDs []string, ref scores.Ref) (map[string]board.Entry, error) {
	refs := make([]cosmos.Ref, len(playerIDs))
	for i, id := range playerIDs {
		refs[i] = cosmos.Ref{Key: cosmos.PK(id), ID: entryID(ref.BoardUID, ref.Season, s.region)}
	}
	docs, err := s.entries.ReadMany(ctx, refs)
	if err != nil {
		return nil, err
	}
	found := make(map[string]board.Entry, len(docs))
	for _, d := range docs {
		if found[d.PlayerID], err = d.decode(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Update is one read and one write.
func (s *EntryStore) Update(
	ctx context.Context, playerID string, ref scores.Ref, change func(*board.Entry) (bool, error),
) (board.Entry, error) {
	id := entryID(ref.BoardUID, ref.Season, s.region)
	doc, err := s.entries.Update(ctx, cosmos.PK(playerID), id, cosmos.Operation{}, func(d *entryDoc) (bool, error) {
		e, err := d.decode()
		if err != nil {
			return false, err
		}
		write, err := change(&e)
		if err == nil && write {
			d.set(&e)
			if e.Deleted {
				d.TTL = int32(TombstoneLife / time.Second)
			}
		}
		return write, err
	})
	if err != nil {
		return board.Entry{}, err
	}
	return doc.decode()
}

// TombstoneLife is how long a deletion is remembered: as long as a snapshot or a feed position that knows nothing of it may be old.
const TombstoneLife = 30 * 24 * time.Hour

// Submit is one read and, where something changes or a marker is due, one write.
func (s *EntryStore) Submit(
	ctx context.Context, r scores.Request, decide func([]*board.Entry) ([]bool, error),
) ([]scores.Outcome, error) {
	op := cosmos.NewOperation(r.Caller, r.RequestID, r.Content)
	var outcomes []scores.Outcome
	err := s.container.Decide(ctx, func(ctx context.Context) error {
		var err error
		outcomes, err = s.trySubmit(ctx, r, op, decide)
		return again(err)
	})
	return outcomes, err
}

// again makes a lost race of every conflict with another writer of the entries: one that created or removed what this try did not see.
func again(err error) error {
	var refused *cosmos.BatchError
	if errors.As(err, &refused) && (fault.Is(err, fault.AlreadyExists) || fault.Is(err, fault.NotFound)) &&
		fault.ReasonOf(err) != cosmos.ReasonRequestIDReused {
		return fault.New(fault.Aborted, cosmos.ReasonEtagMismatch, "an entry changed in between").Because(err)
	}
	return err
}

// trySubmit reads, decides and writes once.
func (s *EntryStore) trySubmit(
	ctx context.Context, r scores.Request, op cosmos.Operation, decide func([]*board.Entry) ([]bool, error),
) ([]scores.Outcome, error) {
	stored, err := s.read(ctx, &r)
	if err != nil {
		return nil, err
	}
	repeated, err := stored.carry(op)
	if err != nil {
		return nil, err
	}
	if repeated {
		return s.replay(ctx, &r, op, stored)
	}
	entries := stored.entries()
	writes, err := decide(entries)
	if err != nil {
		return nil, err
	}
	b := s.container.Batch(cosmos.PK(r.PlayerID), op)
	s.mark(b, &r, op, entries, writes)
	s.write(b, &r, stored, entries, writes)
	out, err := b.Execute(ctx)
	if err != nil {
		return nil, err
	}
	if out.Replayed {
		if stored, err = s.read(ctx, &r); err != nil {
			return nil, err
		}
		return s.replay(ctx, &r, op, stored)
	}
	return outcomesOf(stored, entries, writes), nil
}

// found are the documents of the targets, and of the seasons before where a repeat may have counted.
type found struct {
	docs   []*entryDoc // by target; without an ETag where there is none
	before []*entryDoc // by target; nil where there is none
	values []board.Entry
}

// read is one point read for one entry, else one query of the player's partition.
func (s *EntryStore) read(ctx context.Context, r *scores.Request) (*found, error) {
	key := cosmos.PK(r.PlayerID)
	var refs []cosmos.Ref
	for i := range r.Targets {
		t := &r.Targets[i]
		refs = append(refs, cosmos.Ref{Key: key, ID: entryID(t.BoardUID, t.Season, s.region)})
		if t.Before > 0 {
			refs = append(refs, cosmos.Ref{Key: key, ID: entryID(t.BoardUID, t.Before, s.region)})
		}
	}
	docs, err := s.entries.ReadMany(ctx, refs)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*entryDoc, len(docs))
	for _, d := range docs {
		byID[d.ID] = d
	}
	f := &found{}
	for i := range r.Targets {
		t := &r.Targets[i]
		id := entryID(t.BoardUID, t.Season, s.region)
		doc := byID[id]
		if doc == nil {
			doc = &entryDoc{Header: cosmos.Header{ID: id}, PlayerID: r.PlayerID, BoardID: t.BoardID, Board: t.BoardUID, Season: t.Season}
		}
		value, err := doc.decode()
		if err != nil {
			return nil, err
		}
		f.docs, f.values = append(f.docs, doc), append(f.values, value)
		f.before = append(f.before, byID[entryID(t.BoardUID, t.Before, s.region)])
	}
	return f, nil
}

// carry reports whether one of the documents carries the operation.
func (f *found) carry(op cosmos.Operation) (bool, error) {
	for i := range f.docs {
		carrier, err := f.carrier(i, op)
		if carrier != nil || err != nil {
			return err == nil, err
		}
	}
	return false, nil
}

// carrier is the document of a target that carries the operation, of this season or the one before; nil = none.
func (f *found) carrier(i int, op cosmos.Operation) (*entryDoc, error) {
	for _, doc := range []*entryDoc{f.docs[i], f.before[i]} {
		if doc == nil {
			continue
		}
		if done, err := op.AppliedTo(&doc.Header); done || err != nil {
			return doc, err
		}
	}
	return nil, nil //nolint:nilnil // none is an answer here
}

func (f *found) entries() []*board.Entry {
	list := make([]*board.Entry, len(f.values))
	for i := range f.values {
		e := f.values[i]
		list[i] = &e
	}
	return list
}

// write adds the changed entries to a batch. They carry what decide made of them once it is committed.
func (s *EntryStore) write(b *cosmos.Batch, r *scores.Request, f *found, entries []*board.Entry, writes []bool) {
	now := s.now()
	for i, doc := range f.docs {
		if !writes[i] {
			continue
		}
		doc.set(entries[i])
		doc.TTL = ttl(r.Targets[i].ExpireTime, now)
		if doc.ETag == "" {
			b.Create(s.entries.Item(doc))
		} else {
			b.Replace(s.entries.Item(doc))
		}
	}
}

func outcomesOf(f *found, entries []*board.Entry, writes []bool) []scores.Outcome {
	list := make([]scores.Outcome, len(entries))
	for i, e := range entries {
		e.ETag = f.docs[i].ETag
		list[i] = scores.Outcome{Season: e.Season, Improved: writes[i], Entry: *e}
	}
	return list
}
