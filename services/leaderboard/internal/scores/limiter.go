package scores

import (
	"time"

	"supergame/services/leaderboard/internal/lru"
)

// limitedKeys is how many pairs of player and board a limiter remembers. One that is forgotten begins anew.
const limitedKeys = 64 << 10

// Windows is a [Limiter] of this process: it counts submissions in minutes, and looks at the minute that ends now as if those of the minute before
// had come evenly.
type Windows struct {
	now  func() time.Time
	seen *lru.Cache[limited, window]
}

type limited struct{ playerID, boardUID string }

// window counts the submissions of a minute and of the one before it.
type window struct {
	start         time.Time
	count, before int
}

// NewWindows returns a limiter that has seen nothing.
func NewWindows(now func() time.Time) *Windows {
	return &Windows{now: now, seen: lru.New[limited, window](limitedKeys, 2*time.Minute, now)}
}

// Take returns 0 when the player may submit now, and otherwise how long he must wait.
func (w *Windows) Take(playerID, boardUID string, perMinute int) (wait time.Duration) {
	now := w.now()
	w.seen.Change(limited{playerID, boardUID}, func(v window, _ bool) window {
		switch age := now.Sub(v.start); {
		case age >= 2*time.Minute || age < 0:
			v = window{start: now}
		case age >= time.Minute:
			v = window{start: v.start.Add(time.Minute), before: v.count}
		}
		age := now.Sub(v.start)
		left := time.Minute - age
		if weighted := float64(v.before) * float64(left) / float64(time.Minute); float64(v.count)+weighted+1 > float64(perMinute)+1e-9 {
			wait = max(min(left, time.Minute/time.Duration(perMinute)), time.Millisecond)
			return v
		}
		v.count++
		return v
	})
	return wait
}

var _ Limiter = (*Windows)(nil)
