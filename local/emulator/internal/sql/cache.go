package sql

import (
	"container/list"
	"sync"
)

// Prepare parses and resolves a query. Results are cached by text, so preparing the same text again is cheap; a
// Query holds nothing of the run it is used for. The error is an *Error.
func Prepare(text string) (*Query, error) { return prepared.get(text) }

// cachedQueries bounds the cache by number, and longestCached by the length of one text.
const (
	cachedQueries = 512
	longestCached = 16 << 10
)

var prepared = cache{byText: map[string]*list.Element{}}

// cache keeps the queries used last.
type cache struct {
	mu     sync.Mutex
	byText map[string]*list.Element // of *Query
	recent list.List
}

func (c *cache) get(text string) (*Query, error) {
	c.mu.Lock()
	if e, ok := c.byText[text]; ok {
		c.recent.MoveToFront(e)
		c.mu.Unlock()
		return e.Value.(*Query), nil
	}
	c.mu.Unlock()
	q, err := compile(text)
	if err != nil {
		return nil, err
	}
	if len(text) <= longestCached {
		c.put(q)
	}
	return q, nil
}

func (c *cache) put(q *Query) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byText[q.text]; ok {
		return
	}
	c.byText[q.text] = c.recent.PushFront(q)
	if c.recent.Len() > cachedQueries {
		oldest := c.recent.Back()
		c.recent.Remove(oldest)
		delete(c.byText, oldest.Value.(*Query).text)
	}
}

// compile is Prepare without the cache.
func compile(text string) (*Query, error) {
	tree, err := parse(text)
	if err != nil {
		return nil, err
	}
	p, err := resolve(text, tree)
	if err != nil {
		return nil, err
	}
	return &Query{text: text, plan: p}, nil
}
