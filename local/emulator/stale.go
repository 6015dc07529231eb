package emulator

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"supergame/local/emulator/internal/engine"
)

// The consistency levels of an account.
const (
	levelStrong     = "Strong"
	levelBounded    = "BoundedStaleness"
	levelSession    = "Session"
	levelConsistent = "ConsistentPrefix"
	levelEventual   = "Eventual"
)

var levels = []string{levelStrong, levelBounded, levelSession, levelConsistent, levelEventual}

// Staleness makes reads lag behind, as an eventual replica does.
type Staleness struct {
	Lag         time.Duration // how far behind a stale view is, in real time and at most to the call of SetStaleness; 0 = off
	Probability float64       // of a read being stale; 0 is 1
}

// SetStaleness makes point reads, queries and change feed reads see the past: without a session token however far, with one never
// less than the token has seen. At strong and bounded consistency they never do.
func (e *Emulator) SetStaleness(s Staleness) { e.stale.change(s, e.engine) }

type staleness struct {
	on  atomic.Bool
	mu  sync.Mutex
	now Staleness
	rng *rand.Rand
}

func (s *staleness) seed(seed uint64) { s.rng = rand.New(rand.NewPCG(seed, 0x5741_1e)) }

func (s *staleness) change(to Staleness, e *engine.Engine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = to
	s.on.Store(to.Lag > 0)
	e.SetLag(to.Lag)
}

func (s *staleness) draw() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now.Probability > 0 && s.rng.Float64() >= s.now.Probability {
		return 0
	}
	return s.now.Lag
}

// readOptions are the session and staleness of a read.
func (c *call) readOptions() (engine.ReadOptions, error) {
	var o engine.ReadOptions
	if token := first(c.header, hSessionToken); token != "" {
		tokens, err := engine.ParseTokens(token)
		if err != nil {
			return o, err
		}
		o.Session = tokens
	}
	if level := first(c.header, hConsistency); level != "" && !slices.Contains(levels, level) {
		return o, refuse(http.StatusBadRequest, "Invalid consistency level %q.", level)
	}
	if c.e.stale.on.Load() && !c.isStrong() {
		o.Lag = c.e.stale.draw()
	}
	return o, nil
}

// isStrong says whether a read waits for a quorum, which doubles its price. A request can relax the account's level only.
func (c *call) isStrong() bool {
	level := c.e.opts.Consistency
	if asked := first(c.header, hConsistency); asked != "" && isQuorum(level) {
		level = asked
	}
	return isQuorum(level)
}

func isQuorum(level string) bool { return level == levelStrong || level == levelBounded }

// reads sets the charge of a read.
func (c *call) reads(ru float64) {
	if c.isStrong() {
		ru *= 2
	}
	c.charge = ru
}
