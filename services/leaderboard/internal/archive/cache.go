package archive

import (
	"context"
	"time"

	"golang.org/x/sync/singleflight"

	"supergame/services/leaderboard/internal/lru"
)

// MaxAge is how old what a [Cache] answers may be, about. An erasure is not done before it has passed.
const MaxAge = time.Minute

// CachedDocuments is how many headers and chunks a replica keeps: about 100 MB when all are chunks of the usual size.
const CachedDocuments = 100

// Cache is a [Reader] that keeps what it read. It is safe for concurrent use; what it returns must not be changed.
type Cache struct {
	reader Reader
	kept   *lru.Cache[string, any]
	loads  singleflight.Group
}

// NewCache keeps at most so many documents.
func NewCache(reader Reader, documents int, now func() time.Time) *Cache {
	return &Cache{reader: reader, kept: lru.New[string, any](documents, MaxAge, now)}
}

// Header returns the header of an archive.
func (c *Cache) Header(ctx context.Context, n Name) (Header, error) {
	return get(ctx, c, n.HeaderID(), func(ctx context.Context) (Header, error) { return c.reader.Header(ctx, n) })
}

// Order returns the order of a segment.
func (c *Cache) Order(ctx context.Context, id string) (Order, error) {
	return get(ctx, c, id, func(ctx context.Context) (Order, error) { return c.reader.Order(ctx, id) })
}

// Chunk returns the rows of a chunk.
func (c *Cache) Chunk(ctx context.Context, id string) ([]Row, error) {
	return get(ctx, c, id, func(ctx context.Context) ([]Row, error) { return c.reader.Chunk(ctx, id) })
}

// get returns what is kept, or loads it. Calls for one document at the same time share a read.
func get[V any](ctx context.Context, c *Cache, id string, load func(context.Context) (V, error)) (V, error) {
	kept, ok := c.kept.Get(id)
	if value, typed := kept.(V); ok && typed {
		return value, nil
	}
	loaded := c.loads.DoChan(id, func() (any, error) {
		value, err := load(context.WithoutCancel(ctx))
		if err == nil {
			c.kept.Put(id, value)
		}
		return value, err
	})
	select {
	case result := <-loaded:
		value, _ := result.Val.(V)
		return value, result.Err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}
