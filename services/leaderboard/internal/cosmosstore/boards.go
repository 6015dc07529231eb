package cosmosstore

import (
	"context"
	"fmt"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// A board's documents stand in the partition of its name: the definition, and one for each season, which names the making of the board (uid).
const idDefinition = "definition"

// BoardStore is the [board.Store] and the [board.Seasons] on Cosmos DB.
type BoardStore struct {
	container   *cosmos.Container
	definitions *cosmos.Kind[definitionDoc]
	seasons     *cosmos.Kind[seasonDoc]
	now         func() time.Time
	session     *cosmos.Session // of Get
}

// NewBoards returns the store. It does no I/O.
func NewBoards(client *cosmos.Client, now func() time.Time) *BoardStore {
	container := client.Container(Boards)
	return &BoardStore{
		container: container, now: now, session: &cosmos.Session{},
		definitions: cosmos.NewKind[definitionDoc](container, "leaderboard", schemaVersion),
		seasons:     cosmos.NewKind[seasonDoc](container, "season", schemaVersion),
	}
}

// read gives the definition document, of a deleted board too.
func (s *BoardStore) read(ctx context.Context, id string) (*definitionDoc, error) {
	doc, err := s.definitions.Read(ctx, cosmos.PK(id), idDefinition)
	if fault.Is(err, fault.NotFound) {
		return nil, board.NotFound(id).Because(err)
	}
	return doc, err
}

// Get is one point read. It never gives an older state than it gave before, whoever asks: else a board that was made again would seem to be gone.
// Where that knows of no board, the caller's own session is asked.
func (s *BoardStore) Get(ctx context.Context, id string) (board.Board, error) {
	doc, err := s.read(cosmos.WithSession(ctx, s.session), id)
	if fault.Is(err, fault.NotFound) && cosmos.SessionFrom(ctx) != nil {
		doc, err = s.read(ctx, id)
	}
	switch {
	case err != nil:
		return board.Board{}, err
	case doc.Deleted:
		return board.Board{}, board.NotFound(id)
	}
	return doc.decode(), nil
}

// List is one query over all partitions, by an id that is always indexed.
func (s *BoardStore) List(ctx context.Context) ([]board.Board, error) {
	var list []board.Board
	statement := cosmos.SQL("SELECT * FROM c WHERE c.id = @id").With("@id", idDefinition)
	err := s.definitions.Scan(ctx, statement, func(d *definitionDoc) error {
		if !d.Deleted {
			list = append(list, d.decode())
		}
		return nil
	})
	return list, err
}

// Create is one batch, and one read before it.
func (s *BoardStore) Create(ctx context.Context, b board.Board) (stored board.Board, created bool, err error) {
	err = s.container.Decide(ctx, func(ctx context.Context) error {
		stored, created, err = s.tryCreate(ctx, b)
		return again(err)
	})
	return stored, created, err
}

func (s *BoardStore) tryCreate(ctx context.Context, b board.Board) (board.Board, bool, error) {
	doc, err := s.read(ctx, b.ID)
	switch {
	case fault.Is(err, fault.NotFound):
		doc = &definitionDoc{Header: cosmos.Header{ID: idDefinition}}
	case err != nil:
		return board.Board{}, false, err
	case !doc.Deleted:
		return doc.decode(), false, nil
	}
	doc.set(b)
	doc.Deleted, doc.TTL = false, 0
	first := newSeasonDoc(b.OpenSeason())
	batch := s.container.Batch(cosmos.PK(b.ID), cosmos.Operation{})
	if doc.ETag == "" {
		batch.Create(s.definitions.Item(doc))
	} else {
		batch.Replace(s.definitions.Item(doc))
	}
	if _, err := batch.Create(s.seasons.Item(first)).Execute(ctx); err != nil {
		return board.Board{}, false, err
	}
	return doc.decode(), true, nil
}

// Update is one read and one write.
func (s *BoardStore) Update(ctx context.Context, id string, change func(*board.Board) (bool, error)) (board.Board, error) {
	doc, err := s.update(ctx, id, func(d *definitionDoc) (bool, error) {
		b := d.decode()
		write, err := change(&b)
		if err == nil && write {
			d.set(b)
		}
		return write, err
	})
	if err != nil {
		return board.Board{}, err
	}
	return doc.decode(), nil
}

func (s *BoardStore) update(ctx context.Context, id string, change func(*definitionDoc) (bool, error)) (*definitionDoc, error) {
	doc, err := s.definitions.Update(ctx, cosmos.PK(id), idDefinition, cosmos.Operation{}, func(d *definitionDoc) (bool, error) {
		if d.Deleted {
			return false, board.NotFound(id)
		}
		return change(d)
	})
	if fault.ReasonOf(err) == cosmos.ReasonNotFound {
		err = board.NotFound(id).Because(err)
	}
	return doc, err
}

// Delete is one read and one write: the definition becomes a tombstone.
func (s *BoardStore) Delete(ctx context.Context, id string, check func(*board.Board) error) error {
	_, err := s.update(ctx, id, func(d *definitionDoc) (bool, error) {
		b := d.decode()
		if err := check(&b); err != nil {
			return false, err
		}
		d.Deleted, d.TTL = true, int32(TombstoneLife/time.Second)
		return true, nil
	})
	return err
}

func seasonID(uid string, number int64) string { return fmt.Sprintf("s|%s|%d", uid, number) }

func newSeasonDoc(season board.Season) *seasonDoc {
	doc := &seasonDoc{Header: cosmos.Header{ID: seasonID(season.BoardUID, season.Number)}}
	doc.set(season)
	return doc
}

// Roll is one batch of three writes, and two reads before it.
func (s *BoardStore) Roll(ctx context.Context, id string, number int64) (board.Board, error) {
	var rolled board.Board
	err := s.container.Decide(ctx, func(ctx context.Context) error {
		var err error
		rolled, err = s.tryRoll(ctx, id, number)
		return again(err)
	})
	return rolled, err
}

func (s *BoardStore) tryRoll(ctx context.Context, id string, number int64) (board.Board, error) {
	doc, err := s.read(ctx, id)
	if err != nil {
		return board.Board{}, err
	}
	b := doc.decode()
	if doc.Deleted || b.Season != number || b.End.IsZero() {
		return b, nil
	}
	old, err := s.seasons.Read(ctx, cosmos.PK(id), seasonID(b.UID, number))
	if err != nil {
		return board.Board{}, err
	}
	closed, opened, err := b.Roll()
	if err != nil {
		return board.Board{}, err
	}
	doc.set(b)
	old.set(closed)
	_, err = s.container.Batch(cosmos.PK(id), cosmos.Operation{}).
		Replace(s.definitions.Item(doc)).Replace(s.seasons.Item(old)).Create(s.seasons.Item(newSeasonDoc(opened))).Execute(ctx)
	return doc.decode(), err
}

// Due hands over the seasons with which there is something to do.
func (s *BoardStore) Due(ctx context.Context, now time.Time, each func(boardID, uid string, number int64) error) error {
	statement := cosmos.SQL("SELECT * FROM c WHERE c.type = @type AND c.due <= @now").With("@type", "season").With("@now", now.Unix())
	return s.seasons.Scan(ctx, statement, func(d *seasonDoc) error { return each(d.Board, d.UID, d.Number) })
}

// Forget removes a season of a board that was deleted. It may be gone already.
func (s *BoardStore) Forget(ctx context.Context, boardID, uid string, number int64) error {
	err := s.seasons.Delete(ctx, cosmos.PK(boardID), seasonID(uid, number), "")
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// Season is one point read.
func (s *BoardStore) Season(ctx context.Context, b *board.Board, number int64) (board.Season, error) {
	doc, err := s.seasons.Read(ctx, cosmos.PK(b.ID), seasonID(b.UID, number))
	if fault.Is(err, fault.NotFound) {
		return board.Season{}, board.SeasonNotFound(b.ID, number).Because(err)
	}
	if err != nil {
		return board.Season{}, err
	}
	return doc.decode(), nil
}

// Seasons is one read of several documents: their ids are known.
func (s *BoardStore) Seasons(ctx context.Context, b *board.Board, before int64, size int) ([]board.Season, error) {
	if before <= 0 || before > b.Season {
		before = b.Season + 1
	}
	var list []board.Season
	for number := before - 1; number >= 1 && len(list) < size; number-- {
		season, err := s.Season(ctx, b, number)
		if fault.Is(err, fault.NotFound) { // its retention is over, and that of those before it
			break
		}
		if err != nil {
			return nil, err
		}
		list = append(list, season)
	}
	return list, nil
}

// UpdateSeason is one read and one write.
func (s *BoardStore) UpdateSeason(
	ctx context.Context, b *board.Board, number int64, change func(*board.Season) (bool, error),
) (board.Season, error) {
	doc, err := s.seasons.Update(ctx, cosmos.PK(b.ID), seasonID(b.UID, number), cosmos.Operation{}, func(d *seasonDoc) (bool, error) {
		season := d.decode()
		write, err := change(&season)
		if err == nil && write {
			d.set(season)
			if season.State == board.Rewarded {
				d.TTL = ttl(season.ExpireTime, s.now())
			}
		}
		return write, err
	})
	if fault.Is(err, fault.NotFound) {
		return board.Season{}, board.SeasonNotFound(b.ID, number).Because(err)
	}
	if err != nil {
		return board.Season{}, err
	}
	return doc.decode(), nil
}

var (
	_ board.Store   = (*BoardStore)(nil)
	_ board.Seasons = (*BoardStore)(nil)
)
