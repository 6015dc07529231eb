package archive

import (
	"container/list"
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// MaxAge is how old what a [Cache] answers may be. An erasure is not done before it has passed.
const MaxAge = time.Minute

// Cache is a [Reader] that keeps what it read, up to a number of rows. It is safe for concurrent use; what it returns must not be changed.
type Cache struct {
	Reader Reader
	Rows   int // at most so many are kept; 0 = 200,000, about 60 MB
	Now    func() time.Time

	loads singleflight.Group
	mu    sync.Mutex
	items map[string]*list.Element
	order list.List // of *item, the last used first
	rows  int
}

type item struct {
	id    string
	value any
	rows  int
	read  time.Time
}

const defaultRows = 200_000

// Header returns the header of an archive.
func (c *Cache) Header(ctx context.Context, n Name) (Header, error) {
	value, err := c.get(ctx, n.HeaderID(), func(ctx context.Context) (any, int, error) {
		h, err := c.Reader.Header(ctx, n)
		return h, len(h.Chunks), err
	})
	h, _ := value.(Header)
	return h, err
}

// Order returns the order of a segment.
func (c *Cache) Order(ctx context.Context, id string) (Order, error) {
	value, err := c.get(ctx, id, func(ctx context.Context) (any, int, error) {
		o, err := c.Reader.Order(ctx, id)
		return o, len(o.Chunks), err
	})
	o, _ := value.(Order)
	return o, err
}

// Chunk returns the rows of a chunk.
func (c *Cache) Chunk(ctx context.Context, id string) ([]Row, error) {
	value, err := c.get(ctx, id, func(ctx context.Context) (any, int, error) {
		rows, err := c.Reader.Chunk(ctx, id)
		return rows, len(rows), err
	})
	rows, _ := value.([]Row)
	return rows, err
}

// get returns what is kept, or loads it. Calls for one thing at the same time share a read.
func (c *Cache) get(ctx context.Context, id string, load func(context.Context) (value any, rows int, err error)) (any, error) {
	if value, ok := c.kept(id); ok {
		return value, nil
	}
	loaded := c.loads.DoChan(id, func() (any, error) {
		begun := c.Now()
		value, rows, err := load(context.WithoutCancel(ctx))
		if err == nil {
			c.keep(&item{id: id, value: value, rows: rows + 1, read: begun})
		}
		return value, err
	})
	select {
	case result := <-loaded:
		return result.Val, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *Cache) kept(id string) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.items[id]
	if at == nil {
		return nil, false
	}
	i := at.Value.(*item) //nolint:errcheck,forcetypeassert // the list holds nothing else
	if c.Now().Sub(i.read) >= MaxAge {
		c.drop(at)
		return nil, false
	}
	c.order.MoveToFront(at)
	return i.value, true
}

func (c *Cache) keep(i *item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.items == nil {
		c.items = map[string]*list.Element{}
	}
	if at := c.items[i.id]; at != nil {
		c.drop(at)
	}
	c.items[i.id] = c.order.PushFront(i)
	limit := c.Rows
	if limit <= 0 {
		limit = defaultRows
	}
	for c.rows += i.rows; c.rows > limit && c.order.Len() > 1; {
		c.drop(c.order.Back())
	}
}

func (c *Cache) drop(at *list.Element) {
	i := c.order.Remove(at).(*item) //nolint:errcheck,forcetypeassert // the list holds nothing else
	delete(c.items, i.id)
	c.rows -= i.rows
}
