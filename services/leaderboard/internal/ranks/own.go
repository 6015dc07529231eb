package ranks

import (
	"sync"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/scores"
)

// Own is how this process's own writes come into its view: at once, before the feed shows them. Until the feed does they are provisional, and
// remembered; what the feed does not confirm in time is read again (see Overdue and Settle), for example after a failover that lost it.
type Own struct {
	View *View
	Now  func() time.Time

	mu   sync.Mutex
	list map[ownKey]Unconfirmed
}

type ownKey struct {
	playerID string
	boardUID string
	season   int64
}

// Unconfirmed is a write that the feed has not shown yet.
type Unconfirmed struct {
	PlayerID string
	Ref      scores.Ref
	Version  int64
	took     time.Time
}

// maxUnconfirmed bounds the memory of writes while the feed cannot be read. Those beyond it are taken on trust.
const maxUnconfirmed = 1 << 20

// Took takes an entry that this process has just written or read, and returns its place.
func (o *Own) Took(b *board.Board, e *board.Entry) scores.Place {
	if !o.View.Knows(b.UID) {
		o.View.Define(b)
	}
	season := o.View.Season(b.UID, e.Season)
	if season == nil || e.ETag == "" {
		return scores.Place{}
	}
	if season.apply(e) {
		o.remember(b, e)
	}
	row, found, total, err := season.Rank(List{}, e.PlayerID)
	if err != nil || !found {
		return scores.Place{Total: total}
	}
	return scores.Place{Rank: row.Rank, Total: total}
}

func (o *Own) remember(b *board.Board, e *board.Entry) {
	key := ownKey{e.PlayerID, b.UID, e.Season}
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.list[key]; !known && len(o.list) >= maxUnconfirmed {
		return
	}
	if o.list == nil {
		o.list = map[ownKey]Unconfirmed{}
	}
	o.list[key] = Unconfirmed{
		PlayerID: e.PlayerID, Ref: scores.Ref{BoardID: b.ID, BoardUID: b.UID, Season: e.Season}, Version: e.Version, took: o.Now(),
	}
}

// Confirm hears of an entry that the feed showed.
func (o *Own) Confirm(e *board.Entry) {
	key := ownKey{e.PlayerID, e.BoardUID, e.Season}
	o.mu.Lock()
	defer o.mu.Unlock()
	if u, ok := o.list[key]; ok && e.Version >= u.Version {
		delete(o.list, key)
	}
}

// Overdue are the writes that the feed has not shown for so long.
func (o *Own) Overdue(age time.Duration) []Unconfirmed {
	now := o.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []Unconfirmed
	for _, u := range o.list {
		if now.Sub(u.took) >= age {
			list = append(list, u)
		}
	}
	return list
}

// Settle takes what the store has of an overdue write: an entry without a version where there is none. When that is older than the write, the
// write was lost, and the view goes back.
func (o *Own) Settle(u Unconfirmed, stored *board.Entry) {
	key := ownKey{u.PlayerID, u.Ref.BoardUID, u.Ref.Season}
	o.mu.Lock()
	if o.list[key] == u {
		delete(o.list, key)
	}
	o.mu.Unlock()
	switch season := o.View.Season(u.Ref.BoardUID, u.Ref.Season); {
	case season == nil:
	case stored.Version >= u.Version:
		season.apply(stored)
	default:
		season.force(u.PlayerID, u.Version, stored)
	}
}

var _ scores.Ranks = (*Own)(nil)
