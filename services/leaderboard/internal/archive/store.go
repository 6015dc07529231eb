package archive

import (
	"context"
	"time"

	"supergame/services/platform/fault"
)

// Reader reads what is stored. What is not there is NotFound.
type Reader interface {
	// Header returns the header of an archive.
	Header(ctx context.Context, n Name) (Header, error)
	// Order returns the order of a segment.
	Order(ctx context.Context, id string) (Order, error)
	// Chunk returns the rows of a chunk.
	Chunk(ctx context.Context, id string) ([]Row, error)
}

// Writer writes. What a put finds there already is what it would have written: ids are made of the content.
type Writer interface {
	PutHeader(ctx context.Context, h *Header, expire time.Time) error
	PutOrder(ctx context.Context, n Name, o *Order, expire time.Time) error
	PutChunk(ctx context.Context, n Name, id string, rows []Row, expire time.Time) error
	// Remove deletes documents, some of which may be gone.
	Remove(ctx context.Context, ids []string) error
}

// Scrubber takes out what tells of an erased player.
type Scrubber interface {
	// UpdateChunk lets change alter rows, and stores them when it says true.
	UpdateChunk(ctx context.Context, id string, change func(rows []Row) (bool, error)) ([]Row, error)
	// UpdateHeader and UpdateOrder do alike.
	UpdateHeader(ctx context.Context, n Name, change func(*Header) (bool, error)) (Header, error)
	UpdateOrder(ctx context.Context, id string, change func(*Order) (bool, error)) (Order, error)
}

// Store is all of it.
type Store interface {
	Reader
	Writer
	Scrubber
}

// changing is the answer of a reader whose archive was replaced under him.
func changing(err error) error {
	return fault.New(fault.Unavailable, "SEASON_CHANGING", "the season's archive was replaced a moment ago, try again").After(time.Second).Because(err)
}
