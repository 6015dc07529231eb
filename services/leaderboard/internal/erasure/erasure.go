// Package erasure erases what the service stores about a player. His entries become tombstones, as the change feed shows no deletes and every replica has
// them in memory; everything else of his is deleted. His rows in archives lose all but place and hash, and snapshots that hold his scores are
// replaced. It is done when all of that is so, and no write that was on its way can have undone it.
package erasure

import (
	"context"
	"time"

	"supergame/services/leaderboard/internal/archive"
	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/fault"
)

// Settle is how long after the last thing that was found one looks again: past the deadline of every write, and past the age of every archive page in
// a replica's memory.
const Settle = 2 * time.Minute

// clockSkew is how far two replicas' clocks may be apart.
const clockSkew = 10 * time.Second

// Tombstone is what is left of an entry.
type Tombstone struct {
	ID       string
	BoardID  string
	BoardUID string
	Season   int64
	Key      board.Key // of the row that is to be looked for in the season's archive; "" = that is done
	Time     time.Time // when the last of it was erased
}

// Swept is what one look at a player's partition found and left.
type Swept struct {
	Deleted    int // documents that were deleted or became tombstones
	More       bool
	First      time.Time // when the first look was
	Tombstones []Tombstone
}

// Store is the container of entries.
type Store interface {
	// Sweep makes tombstones of entries and deletes all other documents of a player, about limit of them.
	Sweep(ctx context.Context, playerID string, now time.Time, limit int) (Swept, error)
	// Touch stores that something of a tombstone was erased now.
	Touch(ctx context.Context, playerID, id string, now time.Time) error
	// Close forgets the key of a tombstone.
	Close(ctx context.Context, playerID, id string) error
}

// Snapshots are the stored copies of the view.
type Snapshots interface {
	// Since returns how old the content of the oldest one is; zero when there are none.
	Since(ctx context.Context) (time.Time, error)
	// Request asks for a new one.
	Request(ctx context.Context) error
}

// Eraser erases.
type Eraser struct {
	Store     Store
	Seasons   board.Seasons
	Archives  archive.Store
	Snapshots Snapshots
	Now       func() time.Time
	Limit     int // how many documents one call erases, about
}

// Result says how far an erasure is.
type Result struct {
	Done    bool
	Entries int64 // documents that this call erased
	Rows    int64 // rows of archives
	// Last is when the last of what stays behind was written: tombstones, and the note that he was erased.
	Last time.Time
}

// Erase takes the next step. It is safe to repeat, also at the same time; repeat it until it is done.
func (e *Eraser) Erase(ctx context.Context, playerID string) (Result, error) {
	now := e.Now()
	swept, err := e.Store.Sweep(ctx, playerID, now, e.Limit)
	if err != nil {
		return Result{}, err
	}
	result := Result{Done: !swept.More && swept.Deleted == 0 && now.Sub(swept.First) >= Settle, Entries: int64(swept.Deleted)}
	last := swept.First
	for i := range swept.Tombstones {
		t := &swept.Tombstones[i]
		found, err := e.scrub(ctx, playerID, t)
		if err != nil {
			return result, err
		}
		if found {
			result.Rows++
			if err := e.Store.Touch(ctx, playerID, t.ID, now); err != nil {
				return result, err
			}
			t.Time = now
		}
		if now.Sub(t.Time) < Settle {
			result.Done = false
		} else if t.Key != "" {
			if err := e.Store.Close(ctx, playerID, t.ID); err != nil {
				return result, err
			}
		}
		if t.Time.After(last) {
			last = t.Time
		}
	}
	current, err := e.snapshots(ctx, last, len(swept.Tombstones) > 0)
	result.Done, result.Last = result.Done && current, last
	return result, err
}

// scrub looks for the row of an entry in the archive of its season, and in those that the archive replaced.
func (e *Eraser) scrub(ctx context.Context, playerID string, t *Tombstone) (found bool, err error) {
	if t.Key == "" {
		return false, nil
	}
	b := &board.Board{ID: t.BoardID, UID: t.BoardUID}
	for version := int32(-1); ; {
		s, err := e.Seasons.Season(ctx, b, t.Season)
		if fault.Is(err, fault.NotFound) { // with its archive
			return found, nil
		}
		if err != nil || s.ArchiveVersion == version {
			return found, err
		}
		if version = s.ArchiveVersion; version == 0 {
			return found, nil // the archive will be made without him, see season.Keeper
		}
		for _, name := range append(archive.ReplacedBy(&s), archive.NameOf(&s)) {
			scrubbed, err := archive.Scrub(ctx, e.Archives, name, playerID, t.Key)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return found, err
			}
			found = found || scrubbed
		}
	}
}

// snapshots reports whether no stored copy of the view is older than the last tombstone, and asks for a new one otherwise.
func (e *Eraser) snapshots(ctx context.Context, last time.Time, needed bool) (bool, error) {
	if !needed || e.Snapshots == nil {
		return true, nil
	}
	since, err := e.Snapshots.Since(ctx)
	if err != nil || since.IsZero() || since.After(last.Add(clockSkew)) {
		return err == nil, err
	}
	return false, e.Snapshots.Request(ctx)
}
