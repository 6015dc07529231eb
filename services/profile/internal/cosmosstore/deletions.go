package cosmosstore

import (
	"context"
	"time"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/erasure"
)

// Deletions is the [erasure.Store] on Cosmos DB. Each record has a partition of its own in the container players, which says nothing about the player.
type Deletions struct {
	kind *cosmos.Kind[deletionDoc]
}

// NewDeletions returns the store. It does no I/O.
func NewDeletions(client *cosmos.Client) *Deletions {
	return &Deletions{kind: cosmos.NewKind[deletionDoc](client.Container(Players), deletionType, schemaVersion)}
}

const (
	deletionType   = "deletion"
	deletionPrefix = "deletion-" // of the partition and the id
)

// Create is one write; a record that is there stays as it is.
func (s *Deletions) Create(ctx context.Context, d erasure.Deletion) error {
	doc := &deletionDoc{}
	doc.ID, doc.Partition = deletionPrefix+d.ID, deletionPrefix+d.ID
	doc.set(d)
	err := s.kind.Create(ctx, cosmos.PK(doc.Partition), cosmos.Operation{}, doc)
	if fault.Is(err, fault.AlreadyExists) {
		return nil
	}
	return err
}

// Get is one point read.
func (s *Deletions) Get(ctx context.Context, id string) (erasure.Deletion, error) {
	doc, err := s.kind.Read(ctx, cosmos.PK(deletionPrefix+id), deletionPrefix+id)
	if err != nil {
		return erasure.Deletion{}, noDeletion(err)
	}
	return doc.deletion(), nil
}

// Update is one read and one write.
func (s *Deletions) Update(ctx context.Context, id string, change func(*erasure.Deletion) bool) (erasure.Deletion, error) {
	doc, err := s.kind.Update(ctx, cosmos.PK(deletionPrefix+id), deletionPrefix+id, cosmos.Operation{}, func(doc *deletionDoc) (bool, error) {
		d := doc.deletion()
		changed := change(&d)
		doc.set(d)
		return changed, nil
	})
	if err != nil {
		return erasure.Deletion{}, noDeletion(err)
	}
	return doc.deletion(), nil
}

// Due is a query by the index of due, at low priority.
func (s *Deletions) Due(ctx context.Context, at time.Time, each func(erasure.Deletion) error) error {
	statement := cosmos.SQL("SELECT * FROM c WHERE c.due <= @now AND c.type = @type").With("@now", at.Unix()).With("@type", deletionType)
	return s.kind.Scan(ctx, statement, func(doc *deletionDoc) error { return each(doc.deletion()) })
}

// List finds records by the index of due, which all of them have.
func (s *Deletions) List(ctx context.Context, size int, page string) ([]erasure.Deletion, string, error) {
	statement := cosmos.SQL("SELECT * FROM c WHERE c.due > 0 AND c.type = @type").With("@type", deletionType)
	found, err := s.kind.QueryPage(ctx, cosmos.Key{}, statement, cosmos.PageOptions{Size: size, Continuation: page, LowPriority: true})
	list := make([]erasure.Deletion, len(found.Items))
	for i, doc := range found.Items {
		list[i] = doc.deletion()
	}
	return list, found.Continuation, err
}

func noDeletion(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "DELETION_NOT_FOUND", "nobody has asked for such a deletion").Because(err)
	}
	return err
}

// Exists reads the document that is there as long as a player is.
func (s *Store) Exists(ctx context.Context, playerID string) (bool, error) {
	_, err := s.lives.Read(ctx, cosmos.PK(playerID), idLive)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// IDs is one page of a scan over all partitions, at low priority.
func (s *Store) IDs(ctx context.Context, size int, page string) ([]string, string, error) {
	statement := cosmos.SQL("SELECT VALUE c.playerId FROM c WHERE c.id IN (@live, @profile)").With("@live", idLive).With("@profile", idProfile)
	found, err := cosmos.SelectPage[string](ctx, s.players, cosmos.Key{}, statement, cosmos.PageOptions{Size: size, Continuation: page, LowPriority: true})
	return found.Items, found.Continuation, err
}
