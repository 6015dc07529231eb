package erasure

import (
	"context"
	"time"
)

// Store keeps the records of deletions. Its errors are faults; a record that is not there is NOT_FOUND, DELETION_NOT_FOUND.
type Store interface {
	// Create stores a record, or does nothing when its id is there.
	Create(ctx context.Context, d Deletion) error
	// Get returns a record.
	Get(ctx context.Context, id string) (Deletion, error)
	// Update reads a record, lets change change it, and stores it; when somebody else wrote in between it reads and changes again. Change returns false to
	// leave it as it is.
	Update(ctx context.Context, id string, change func(*Deletion) bool) (Deletion, error)
	// Due hands every record that has something to do at a time to each.
	Due(ctx context.Context, at time.Time, each func(Deletion) error) error
	// List returns a page of all records; an empty next page is the end.
	List(ctx context.Context, size int, page string) (list []Deletion, next string, err error)
}

// Players are those who are stored.
type Players interface {
	// Exists reports whether there is a player who was not deleted.
	Exists(ctx context.Context, playerID string) (bool, error)
	// IDs returns a page of the players who have a profile or may write one, in no order, some perhaps more than once; an empty next page is the end.
	IDs(ctx context.Context, size int, page string) (ids []string, next string, err error)
}

// Revoker ends the sessions of a player for good.
type Revoker interface {
	Revoke(ctx context.Context, playerID string) error
}

// Participant is a service that keeps something of players.
type Participant interface {
	// Name is the name of the service.
	Name() string
	// Erase deletes what there is of a player, about as much as there is time for. It is safe to repeat, also at the same time.
	Erase(ctx context.Context, playerID string) (Result, error)
}

// Result is what one call of Erase did.
type Result struct {
	Done       bool             // a look after the last deletion found nothing
	Deleted    map[string]int64 // documents by container
	Containers []string         // all that were looked through
	// Tombstones are the containers in which something that bears the id stays behind, and until when.
	Tombstones map[string]time.Time
}
