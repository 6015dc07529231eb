package scores

import (
	"context"
	"strconv"
	"sync"
	"time"
)

// queues let the writers of one player go one after the other within this process: they would only take turns in losing the race for his
// documents.
type queues struct {
	mu     sync.Mutex
	queues map[string]*queue
}

type queue struct {
	turn    chan struct{} // holds one token while somebody is at it
	waiting int
}

// enter waits for the turn of a key, or until ctx ends, and returns what gives it on.
func (q *queues) enter(ctx context.Context, key string) (leave func()) {
	mine := q.join(key)
	select {
	case mine.turn <- struct{}{}:
		return func() {
			<-mine.turn
			q.quit(key, mine)
		}
	case <-ctx.Done():
		return func() { q.quit(key, mine) }
	}
}

func (q *queues) join(key string) *queue {
	q.mu.Lock()
	defer q.mu.Unlock()
	mine := q.queues[key]
	if mine == nil {
		if q.queues == nil {
			q.queues = map[string]*queue{}
		}
		mine = &queue{turn: make(chan struct{}, 1)}
		q.queues[key] = mine
	}
	mine.waiting++
	return mine
}

func (q *queues) quit(key string, mine *queue) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if mine.waiting--; mine.waiting == 0 {
		delete(q.queues, key)
	}
}

func indexed(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func millisOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
