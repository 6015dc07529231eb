// Package lru is a bounded map that forgets what was used longest ago.
package lru

import "sync"

// Cache is safe for concurrent use. Make it with [New].
type Cache[K comparable, V any] struct {
	mu       sync.Mutex
	capacity int
	entries  map[K]*entry[K, V]
	root     entry[K, V] // ring: root.next is the entry used last, root.prev the one used longest ago
}

type entry[K comparable, V any] struct {
	prev, next *entry[K, V]
	key        K
	value      V
}

// New returns an empty cache of at most capacity entries, at least one.
func New[K comparable, V any](capacity int) *Cache[K, V] {
	c := &Cache[K, V]{capacity: max(capacity, 1), entries: map[K]*entry[K, V]{}}
	c.root.prev, c.root.next = &c.root, &c.root
	return c
}

// Get returns the value of a key, which counts as a use.
func (c *Cache[K, V]) Get(key K) (value V, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, found := c.entries[key]
	if !found {
		return value, false
	}
	c.toFront(e)
	return e.value, true
}

// Put sets the value of a key.
func (c *Cache[K, V]) Put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, found := c.entries[key]; found {
		e.value = value
		c.toFront(e)
		return
	}
	c.add(key, value)
}

// GetOrPut returns the value of a key, and first sets it to fresh() when there is none. fresh must not use the cache.
func (c *Cache[K, V]) GetOrPut(key K, fresh func() V) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, found := c.entries[key]; found {
		c.toFront(e)
		return e.value
	}
	return c.add(key, fresh())
}

// Len returns the number of entries.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

// add inserts a key that is not there; a full cache gives up its oldest entry, whose memory is used again.
func (c *Cache[K, V]) add(key K, value V) V {
	e := &entry[K, V]{}
	if len(c.entries) >= c.capacity {
		e = c.root.prev
		delete(c.entries, e.key)
		unlink(e)
	}
	e.key, e.value = key, value
	c.entries[key] = e
	c.link(e)
	return value
}

func (c *Cache[K, V]) toFront(e *entry[K, V]) {
	if c.root.next == e {
		return
	}
	unlink(e)
	c.link(e)
}

func (c *Cache[K, V]) link(e *entry[K, V]) {
	e.prev, e.next = &c.root, c.root.next
	e.prev.next, e.next.prev = e, e
}

func unlink[K comparable, V any](e *entry[K, V]) {
	e.prev.next, e.next.prev = e.next, e.prev
}
