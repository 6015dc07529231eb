package cosmosstore

import (
	"context"
	"time"

	"supergame/services/leaderboard/internal/snapshot"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

const (
	idSnapshot = "snapshot"
	idRequest  = "request"
)

// snapshotDoc is what there is of snapshots: the published one, what is left of the one before, and what is being written.
type snapshotDoc struct {
	cosmos.Header
	Published  bool                `json:"published,omitempty"`
	Origin     string              `json:"origin,omitempty"`
	Generation string              `json:"generation,omitempty"` // microseconds since 1970
	CreateMs   int64               `json:"createMs,omitempty"`
	Positions  []positionDoc       `json:"positions,omitempty"`
	Seasons    []snapshotSeasonDoc `json:"seasons,omitempty"`
	Writing    int64               `json:"writing,omitempty"`
	Reserved   int                 `json:"reserved,omitempty"`
	Old        []string            `json:"old,omitempty"`
	OldAsOfMs  int64               `json:"oldAsOfMs,omitempty"`
}

type positionDoc struct {
	Min    string `json:"min"`
	Max    string `json:"max"`
	Token  string `json:"token"`
	AsOfMs int64  `json:"asOfMs"`
}

type snapshotSeasonDoc struct {
	BoardID  string             `json:"boardId"`
	Board    string             `json:"board"` // uid
	Season   int64              `json:"season"`
	KeyBytes int                `json:"keyBytes"`
	Segments int                `json:"segments,omitempty"`
	Chunks   []snapshotChunkDoc `json:"chunks,omitempty"`
}

type snapshotChunkDoc struct {
	ID      string `json:"id"`
	Hash    []byte `json:"h"`
	Entries int64  `json:"n"`
}

type snapshotBodyDoc struct {
	cosmos.Header
	Body []byte `json:"body"`
}

type snapshotRequestDoc struct {
	cosmos.Header
	AtMs int64 `json:"atMs"`
}

// chunkLife is how long a chunk is kept that nobody removes. A snapshot of that age is refused.
const chunkLife = TombstoneLife / 2

// SnapshotLife is how old a snapshot may be: half as old as the memory of deletions, so that the other half is left to follow the feed.
const SnapshotLife = TombstoneLife / 2

// SnapshotStore is the [snapshot.Store] and the [snapshot.Chunks] on Cosmos DB.
type SnapshotStore struct {
	container *cosmos.Container
	headers   *cosmos.Kind[snapshotDoc]
	chunks    *cosmos.Kind[snapshotBodyDoc]
	requests  *cosmos.Kind[snapshotRequestDoc]
	id        string // of the header's document
	prefix    string // of the ids of chunks
}

// NewSnapshots returns the store of the snapshots of a name: deployments that serve different boards have each their own. It does no I/O.
func NewSnapshots(client *cosmos.Client, name string) *SnapshotStore {
	container := client.Container(Snapshots)
	return &SnapshotStore{
		container: container, id: idSnapshot + "|" + name, prefix: name + "|",
		headers:  cosmos.NewKind[snapshotDoc](container, "snapshot", schemaVersion),
		chunks:   cosmos.NewKind[snapshotBodyDoc](container, "snapshot-chunk", schemaVersion),
		requests: cosmos.NewKind[snapshotRequestDoc](container, "snapshot-request", schemaVersion),
	}
}

// State is two point reads.
func (s *SnapshotStore) State(ctx context.Context) (snapshot.State, error) {
	var state snapshot.State
	request, err := s.requests.Read(ctx, cosmos.PK(idRequest), idRequest)
	if err == nil {
		state.Request = ofMillis(request.AtMs)
	} else if !fault.Is(err, fault.NotFound) {
		return state, err
	}
	doc, err := s.headers.Read(ctx, cosmos.PK(s.id), s.id)
	if fault.Is(err, fault.NotFound) {
		return state, nil
	}
	if err != nil {
		return state, err
	}
	return state, doc.state(&state)
}

func (d *snapshotDoc) state(to *snapshot.State) (err error) {
	to.Writing, to.Chunks, to.Old, to.OldAsOf = d.Writing, d.Reserved, d.Old, ofMillis(d.OldAsOfMs)
	if d.Published {
		to.Header, err = d.header()
	}
	return err
}

// All is one query: the states of the snapshots of all names.
func (s *SnapshotStore) All(ctx context.Context) ([]snapshot.State, error) {
	var list []snapshot.State
	statement := cosmos.SQL("SELECT * FROM c WHERE STARTSWITH(c.id, @prefix)").With("@prefix", idSnapshot+"|")
	err := s.headers.Scan(ctx, statement, func(d *snapshotDoc) error {
		var state snapshot.State
		err := d.state(&state)
		list = append(list, state)
		return err
	})
	return list, err
}

func (d *snapshotDoc) header() (*snapshot.Header, error) {
	h := &snapshot.Header{Origin: d.Origin, CreateTime: ofMillis(d.CreateMs)}
	ok := setNumber(&h.Generation, d.Generation)
	for _, p := range d.Positions {
		h.Positions = append(h.Positions, snapshot.Position{Min: p.Min, Max: p.Max, Token: p.Token, AsOf: ofMillis(p.AsOfMs)})
	}
	for _, season := range d.Seasons {
		one := snapshot.Season{BoardID: season.BoardID, BoardUID: season.Board, Number: season.Season, KeyBytes: season.KeyBytes, Segments: season.Segments}
		for _, c := range season.Chunks {
			chunk := snapshot.Chunk{ID: c.ID, Entries: c.Entries}
			ok = setHash(&chunk.Hash, c.Hash) && ok
			one.Chunks = append(one.Chunks, chunk)
		}
		h.Seasons = append(h.Seasons, one)
	}
	if !ok {
		return nil, badHash(d.ID)
	}
	return h, nil
}

func setNumber(to *int64, text string) bool {
	list, err := numbers([]string{text})
	if err == nil {
		*to = list[0]
	}
	return err == nil
}

func (d *snapshotDoc) set(h *snapshot.Header) {
	d.Published, d.Origin, d.Generation, d.CreateMs = true, h.Origin, texts([]int64{h.Generation})[0], millis(h.CreateTime)
	d.Positions, d.Seasons = nil, nil
	for _, p := range h.Positions {
		d.Positions = append(d.Positions, positionDoc{Min: p.Min, Max: p.Max, Token: p.Token, AsOfMs: millis(p.AsOf)})
	}
	for i := range h.Seasons {
		season := &h.Seasons[i]
		one := snapshotSeasonDoc{BoardID: season.BoardID, Board: season.BoardUID, Season: season.Number, KeyBytes: season.KeyBytes, Segments: season.Segments}
		for _, c := range season.Chunks {
			one.Chunks = append(one.Chunks, snapshotChunkDoc{ID: c.ID, Hash: c.Hash[:], Entries: c.Entries})
		}
		d.Seasons = append(d.Seasons, one)
	}
}

// Reserve is one read and one write.
func (s *SnapshotStore) Reserve(ctx context.Context, generation int64, chunks int) (ours bool, err error) {
	_, err = s.headers.UpdateOrCreate(ctx, cosmos.PK(s.id), s.id, cosmos.Operation{}, func(d *snapshotDoc) (bool, error) {
		ours = d.Writing == generation || d.Writing == 0 && d.Generation != texts([]int64{generation})[0]
		if !ours || d.Writing == generation && d.Reserved >= chunks {
			return false, nil
		}
		d.Writing, d.Reserved = generation, chunks
		return true, nil
	})
	return ours, err
}

// Publish is one read and one write.
func (s *SnapshotStore) Publish(ctx context.Context, h *snapshot.Header) (published bool, err error) {
	_, err = s.headers.Update(ctx, cosmos.PK(s.id), s.id, cosmos.Operation{}, func(d *snapshotDoc) (bool, error) {
		published = d.Writing == h.Generation
		if !published {
			return false, nil
		}
		if old, err := d.header(); d.Published && err == nil {
			d.OldAsOfMs = millis(old.AsOf())
		}
		d.Old = nil
		for _, season := range d.Seasons {
			for _, c := range season.Chunks {
				d.Old = append(d.Old, c.ID)
			}
		}
		d.set(h)
		d.TTL = int32(chunkLife / time.Second) // it is refused from then on
		return true, nil
	})
	return published, err
}

// Removed is one read and one write.
func (s *SnapshotStore) Removed(ctx context.Context, generation int64) error {
	_, err := s.headers.Update(ctx, cosmos.PK(s.id), s.id, cosmos.Operation{}, func(d *snapshotDoc) (bool, error) {
		if d.Writing != generation {
			return false, nil
		}
		d.Writing, d.Reserved, d.Old, d.OldAsOfMs = 0, 0, nil, 0
		return true, nil
	})
	return err
}

// Request is one read and one write.
func (s *SnapshotStore) Request(ctx context.Context, now time.Time) error {
	_, err := s.requests.UpdateOrCreate(ctx, cosmos.PK(idRequest), idRequest, cosmos.Operation{}, func(d *snapshotRequestDoc) (bool, error) {
		if d.AtMs >= millis(now) {
			return false, nil
		}
		d.AtMs = millis(now)
		return true, nil
	})
	return err
}

// Put is one write.
func (s *SnapshotStore) Put(ctx context.Context, id string, body []byte) error {
	doc := &snapshotBodyDoc{Header: cosmos.Header{ID: s.prefix + id, TTL: int32(chunkLife / time.Second)}, Body: body}
	return s.chunks.Create(ctx, cosmos.PK(s.prefix+id), cosmos.Operation{}, doc)
}

// Get is one point read.
func (s *SnapshotStore) Get(ctx context.Context, id string) ([]byte, error) {
	doc, err := s.chunks.Read(ctx, cosmos.PK(s.prefix+id), s.prefix+id)
	if err != nil {
		return nil, err
	}
	return doc.Body, nil
}

// Remove is one delete.
func (s *SnapshotStore) Remove(ctx context.Context, id string) error {
	err := s.container.Delete(ctx, cosmos.PK(s.prefix+id), s.prefix+id, "")
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

var (
	_ snapshot.Store  = (*SnapshotStore)(nil)
	_ snapshot.Chunks = (*SnapshotStore)(nil)
)
