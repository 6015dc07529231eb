// Package lru is a bounded map that forgets: what is too old, and what was used longest ago.
package lru

import (
	"container/list"
	"sync"
	"time"
)

// Cache is safe for concurrent use. Make it with [New].
type Cache[K comparable, V any] struct {
	capacity int
	life     time.Duration
	now      func() time.Time

	mu      sync.Mutex
	entries map[K]*list.Element // of *entry
	order   *list.List          // the last used first
}

type entry[K comparable, V any] struct {
	key   K
	value V
	put   time.Time
}

// New returns an empty cache of at most capacity entries, each of which is kept for a life at most; 0 = for as long as there is room.
func New[K comparable, V any](capacity int, life time.Duration, now func() time.Time) *Cache[K, V] {
	return &Cache[K, V]{capacity: max(capacity, 1), life: life, now: now, entries: map[K]*list.Element{}, order: list.New()}
}

// Get returns the value of a key, which counts as a use.
func (c *Cache[K, V]) Get(key K) (value V, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, found := c.entries[key]
	if !found {
		return value, false
	}
	e := element.Value.(*entry[K, V])
	if c.life > 0 && c.now().Sub(e.put) >= c.life {
		c.drop(element)
		return value, false
	}
	c.order.MoveToFront(element)
	return e.value, true
}

// Put sets the value of a key, whose life begins anew.
func (c *Cache[K, V]) Put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(key, value)
}

func (c *Cache[K, V]) put(key K, value V) {
	if element, found := c.entries[key]; found {
		e := element.Value.(*entry[K, V])
		e.value, e.put = value, c.now()
		c.order.MoveToFront(element)
		return
	}
	if len(c.entries) >= c.capacity {
		c.drop(c.order.Back())
	}
	c.entries[key] = c.order.PushFront(&entry[K, V]{key, value, c.now()})
}

// Change sets the value of a key to what change makes of the one that is there; found = false and the zero value where none is.
func (c *Cache[K, V]) Change(key K, change func(value V, found bool) V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var value V
	element, found := c.entries[key]
	if found {
		value = element.Value.(*entry[K, V]).value
	}
	c.put(key, change(value, found))
}

// Forget drops a key.
func (c *Cache[K, V]) Forget(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, found := c.entries[key]; found {
		c.drop(element)
	}
}

func (c *Cache[K, V]) drop(element *list.Element) {
	delete(c.entries, element.Value.(*entry[K, V]).key)
	c.order.Remove(element)
}
