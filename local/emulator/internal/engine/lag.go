package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// lagged keeps snapshots of the recent past, as an eventual replica would show it. Off, it is one atomic read.
type lagged struct {
	on atomic.Bool

	admin sync.Mutex // held by set, taken first
	stop  chan struct{}
	done  chan struct{}

	mu     sync.Mutex
	window time.Duration
	views  []*laggedView // oldest first
}

// laggedView is a snapshot in use by the ring and by readers.
type laggedView struct {
	snapshot *pebble.Snapshot
	at       time.Time // by the machine's monotonic clock: lag is real, whatever the engine's clock does
	refs     atomic.Int32
}

func (v *laggedView) release() {
	if v.refs.Add(-1) == 0 {
		_ = v.snapshot.Close() // it only fails when closed twice
	}
}

// lagSteps is how many snapshots span the window.
const lagSteps = 10

// SetLag makes views available that lag by up to window, in steps of a tenth of it, for ReadOptions.Lag; 0 switches it off.
func (e *Engine) SetLag(window time.Duration) {
	if e.gate.enter() != nil {
		return
	}
	defer e.gate.leave()
	e.lag.set(e, window)
}

func (l *lagged) set(e *Engine, window time.Duration) {
	l.admin.Lock()
	defer l.admin.Unlock()
	if l.stop != nil {
		close(l.stop)
		<-l.done
		l.stop = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.views {
		v.release()
	}
	l.views, l.window = nil, window
	l.on.Store(window > 0)
	if window <= 0 {
		return
	}
	l.take(e)
	l.stop, l.done = make(chan struct{}), make(chan struct{})
	go l.loop(e, max(window/lagSteps, time.Millisecond), l.stop, l.done)
}

func (l *lagged) loop(e *Engine, every time.Duration, stop, done chan struct{}) {
	defer close(done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			l.mu.Lock()
			l.take(e)
			l.mu.Unlock()
		}
	}
}

// take adds a view of now and drops those that no lag within the window needs. It needs l.mu.
func (l *lagged) take(e *Engine) {
	v := &laggedView{snapshot: e.db.NewSnapshot(), at: time.Now()}
	v.refs.Store(1)
	l.views = append(l.views, v)
	for len(l.views) > 1 && time.Since(l.views[1].at) >= l.window {
		l.views[0].release()
		l.views = l.views[1:]
	}
}

// acquire gives the newest view that is at least as old as a reader asks for, else the oldest there is; nil = the newest state.
func (l *lagged) acquire(o *ReadOptions) *laggedView {
	if o.Lag <= 0 || !l.on.Load() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.views) == 0 {
		return nil
	}
	i := len(l.views) - 1
	for i > 0 && time.Since(l.views[i].at) < o.Lag {
		i--
	}
	l.views[i].refs.Add(1)
	return l.views[i]
}

// lagging gives the view of the past that a read of some parts is answered from; nil = from the newest state, because the session
// has seen more than the view holds, or because no read lags. A session token asks for at least what it has seen, no more.
func (c *Container) lagging(o *ReadOptions, parts ...*part) (*laggedView, error) {
	l := c.engine.lag.acquire(o)
	if l == nil || len(o.Session) == 0 {
		return l, nil
	}
	for _, p := range parts {
		lsn, err := c.viewLSN(l.snapshot, p)
		if err != nil || c.checkSession(p, lsn, o.Session) != nil {
			l.release()
			return nil, err
		}
	}
	return l, nil
}
