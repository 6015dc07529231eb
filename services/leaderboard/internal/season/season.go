package season

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"supergame/services/leaderboard/internal/archive"
	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/fault"
)

// Keeper moves seasons on.
type Keeper struct {
	Store    Store
	Boards   board.Store
	Seasons  board.Seasons
	Archives archive.Store
	View     View
	Rewards  Rewarder
	Serves   func(boardID string) bool // whether this deployment serves a board: another one moves the seasons of the others on; nil = all
	Now      func() time.Time
}

// item names a season that is due.
type item struct {
	boardID, uid string
	number       int64
}

// Round moves every season on that is due. One that fails does not hold up the others.
func (k *Keeper) Round(ctx context.Context) error {
	var due []item
	err := k.Store.Due(ctx, k.Now(), func(boardID, uid string, number int64) error {
		if k.Serves == nil || k.Serves(boardID) {
			due = append(due, item{boardID, uid, number})
		}
		return nil
	})
	if err != nil {
		return err
	}
	var failed []error
	for _, i := range due {
		if err := k.step(ctx, i); err != nil {
			failed = append(failed, fmt.Errorf("season %d of board %s: %w", i.number, i.boardID, err))
		}
	}
	return errors.Join(failed...)
}

// step does what is due with one season.
func (k *Keeper) step(ctx context.Context, i item) error {
	b, err := k.Boards.Get(ctx, i.boardID)
	if fault.Is(err, fault.NotFound) || err == nil && b.UID != i.uid {
		return k.Store.Forget(ctx, i.boardID, i.uid, i.number)
	}
	if err != nil {
		return err
	}
	s, err := k.Seasons.Season(ctx, &b, i.number)
	if err != nil {
		return err
	}
	if due := s.Due(); due.IsZero() || k.Now().Before(due) { // the query saw an older version
		return nil
	}
	steps := map[board.State]func(context.Context, *board.Board, *board.Season) error{
		board.Open: k.roll, board.Closing: k.freeze, board.Frozen: k.archive, board.Archived: k.settle, board.InReview: k.leaveReview,
		board.Rewarding: k.reward,
	}
	if do := steps[s.State]; do != nil {
		return do(ctx, &b, &s)
	}
	return fault.New(fault.FailedPrecondition, "UNKNOWN_STATE", "the season is in a state that this version does not know")
}

// move writes the next state, if the season is still as it was read.
func (k *Keeper) move(ctx context.Context, b *board.Board, s *board.Season, change func(*board.Season)) error {
	_, err := k.Seasons.UpdateSeason(ctx, b, s.Number, func(stored *board.Season) (bool, error) {
		if stored.ETag != s.ETag { // somebody else moved it
			return false, nil
		}
		change(stored)
		return true, nil
	})
	return err
}

// roll opens the next season, and those after it that are over as well.
func (k *Keeper) roll(ctx context.Context, b *board.Board, s *board.Season) error {
	next := *b
	for number := s.Number; next.Season == number && !next.End.IsZero() && !k.Now().Before(next.End); number++ {
		var err error
		if next, err = k.Seasons.Roll(ctx, b.ID, number); err != nil {
			return err
		}
	}
	return nil
}

// freeze ends the season's scores. When is said by the store's clock.
func (k *Keeper) freeze(ctx context.Context, b *board.Board, s *board.Season) error {
	seed := make([]byte, 32)
	_, _ = rand.Read(seed) // never fails, see its documentation
	return k.move(ctx, b, s, func(s *board.Season) { s.State, s.FreezeTime, s.Seed = board.Frozen, time.Time{}, seed })
}

// archive writes the archive of what the store took until the freeze, as soon as the view holds all of that.
func (k *Keeper) archive(ctx context.Context, b *board.Board, s *board.Season) error {
	if s.FreezeTime.Before(s.NextTime) { // this process's clock is ahead of the store's
		return k.freeze(ctx, b, s)
	}
	if !k.View.SeenAll(s.FreezeTime) {
		return nil
	}
	task, late, err := k.task(b, s)
	if err != nil || task == nil {
		return err
	}
	task.Version = 1
	header, err := archive.Build(ctx, k.Archives, *task)
	if err != nil {
		return err
	}
	return k.move(ctx, b, s, func(s *board.Season) { take(s, &header, late) })
}

// take makes an archive the season's own.
func take(s *board.Season, h *archive.Header, late int64) {
	s.State, s.ArchiveVersion, s.Checksum, s.EntryCount = board.Archived, h.Version, h.Name.Checksum, h.Count-h.Erased
	s.ArchiveTime, s.LateWrites = time.Time{}, late
}

// task says what to archive; nil when this process does not have the season.
func (k *Keeper) task(b *board.Board, s *board.Season) (*archive.Task, int64, error) {
	k.View.Define(b)
	source := k.View.Season(b.UID, s.Number)
	if source == nil {
		return nil, 0, nil
	}
	late, err := source.Late(s.FreezeTime)
	if err != nil {
		return nil, 0, err
	}
	return &archive.Task{
		Board: b, Season: s.Number, Seed: s.Seed, Source: source, Without: late,
		Expire: s.ExpireTime,
	}, int64(len(late)), nil
}

// settle begins the review when the archive is what it was made of: an entry that was hidden or erased while it was written is not to stay in it. Who
// hides or erases an entry from now on sees that there is an archive.
func (k *Keeper) settle(ctx context.Context, b *board.Board, s *board.Season) error {
	if !k.View.SeenAll(s.ArchiveTime) {
		return nil
	}
	task, late, err := k.task(b, s)
	if err != nil || task == nil {
		return err
	}
	now, err := archive.Build(ctx, nil, *task)
	if err != nil {
		return err
	}
	if now.Name.Checksum == s.Checksum {
		return k.move(ctx, b, s, func(s *board.Season) {
			s.State, s.Seed, s.NextTime = board.InReview, nil, k.Now().Add(b.Review).UTC().Truncate(time.Millisecond)
		})
	}
	if err := drop(ctx, k.Archives, s); err != nil {
		return err
	}
	task.Version = s.ArchiveVersion + 1
	header, err := archive.Build(ctx, k.Archives, *task)
	if err != nil {
		return err
	}
	return k.move(ctx, b, s, func(s *board.Season) {
		replace(s)
		take(s, &header, late)
	})
}

// replace notes the season's archive as one that another takes the place of.
func replace(s *board.Season) {
	s.Replaced = []board.Replaced{{Version: s.ArchiveVersion, Checksum: s.Checksum}}
}

// drop removes what the older versions of an archive have and the season's own has not.
func drop(ctx context.Context, store archive.Store, s *board.Season) error {
	for _, old := range archive.ReplacedBy(s) {
		if err := archive.Drop(ctx, store, old, archive.NameOf(s)); err != nil {
			return err
		}
	}
	return nil
}

// leaveReview fixes what the places earn, and removes what the review left behind.
func (k *Keeper) leaveReview(ctx context.Context, b *board.Board, s *board.Season) error {
	if err := drop(ctx, k.Archives, s); err != nil {
		return err
	}
	return k.move(ctx, b, s, func(s *board.Season) {
		s.State, s.Rewards, s.Cursor, s.Replaced = board.Rewarding, slices.Clone(b.Rewards), 0, nil
		if len(b.Rewards) == 0 {
			s.State, s.NextTime = board.Rewarded, time.Time{}
		}
	})
}

// reward settles chunk after chunk. The cursor moves behind a chunk with what became of it, in one write.
func (k *Keeper) reward(ctx context.Context, b *board.Board, s *board.Season) error {
	for s.State == board.Rewarding {
		outcome, err := k.Rewards.Settle(ctx, b, s)
		if err != nil {
			return err
		}
		cursor := s.Cursor
		moved, err := k.Seasons.UpdateSeason(ctx, b, s.Number, func(s *board.Season) (bool, error) {
			if s.State != board.Rewarding || s.Cursor != cursor { // another replica settled it as well
				return false, nil
			}
			s.Cursor, s.Grants, s.Forfeits = cursor+1, s.Grants+outcome.Grants, s.Forfeits+outcome.Forfeits
			if !outcome.More {
				s.State, s.NextTime = board.Rewarded, time.Time{}
			}
			return true, nil
		})
		if err != nil {
			return err
		}
		s = &moved
	}
	return nil
}
