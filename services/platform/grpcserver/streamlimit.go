package grpcserver

import (
	"sync"
	"time"

	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
)

// streamLimits bound how many streams one caller has open here. Services of the kit are not limited, nor are callers who have not signed in: what
// is open to those has no streams but those of health.
type streamLimits struct {
	players, programs int // 0 = no limit

	mu   sync.Mutex
	open map[streamCaller]int
}

type streamCaller struct {
	role    auth.Role
	subject string
}

// streamRetry is when it makes sense to try again: one of the open streams may have ended.
const streamRetry = 10 * time.Second

// enter counts a stream of a caller. Leave must be called in the end, unless it is refused.
func (l *streamLimits) enter(c *auth.Caller) (leave func(), err error) {
	most := l.most(c)
	if most == 0 {
		return func() {}, nil
	}
	key := streamCaller{c.Role, c.Subject}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[key] >= most {
		return nil, fault.New(fault.ResourceExhausted, "TOO_MANY_STREAMS", "%d streams are open; end one first", most).After(streamRetry)
	}
	l.open[key]++
	return func() { l.leave(key) }, nil
}

func (l *streamLimits) most(c *auth.Caller) int {
	switch {
	case c == nil || c.Role == auth.RoleService:
		return 0
	case c.Role == auth.RolePlayer:
		return l.players
	}
	return l.programs
}

func (l *streamLimits) leave(key streamCaller) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[key]--; l.open[key] <= 0 {
		delete(l.open, key)
	}
}
