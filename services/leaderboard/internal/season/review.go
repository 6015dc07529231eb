package season

import (
	"context"
	"strconv"
	"time"

	"supergame/services/leaderboard/internal/archive"
	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
)

// Entries are the stored entries, as [scores.Store] has them.
type Entries interface {
	Get(ctx context.Context, playerID string, ref scores.Ref) (board.Entry, error)
	Update(ctx context.Context, playerID string, ref scores.Ref, change func(*board.Entry) (bool, error)) (board.Entry, error)
}

// Catalog knows the boards.
type Catalog interface {
	Board(ctx context.Context, id string, at time.Time) (board.Board, error)
}

// Reviews shows seasons, and lets operators take players out of a season in review.
type Reviews struct {
	Catalog  Catalog
	Seasons  board.Seasons
	Archives archive.Store
	Entries  Entries
	// Took is told of an entry that was written; it may be nil.
	Took   func(b *board.Board, e *board.Entry)
	Counts func(uid string, number int64) int64 // how many are ranked in a season that is not archived; may be nil
	Tokens pagetoken.Codec
	Now    func() time.Time
}

// Get returns a season; 0 = the open one.
func (r *Reviews) Get(ctx context.Context, boardID string, number int64) (board.Season, error) {
	b, err := r.Catalog.Board(ctx, boardID, r.Now())
	if err != nil {
		return board.Season{}, err
	}
	if number == 0 {
		number = b.Season
	}
	s, err := r.Seasons.Season(ctx, &b, number)
	r.count(&s)
	return s, err
}

// count says how many are ranked in a season that has no archive.
func (r *Reviews) count(s *board.Season) {
	if s.State < board.Archived && r.Counts != nil {
		s.EntryCount = r.Counts(s.BoardUID, s.Number)
	}
}

// List returns a page of seasons, newest first.
func (r *Reviews) List(ctx context.Context, boardID string, size int, token string) (list []board.Season, next string, err error) {
	tokens := r.Tokens.For("LeaderboardService.ListSeasons", boardID)
	text, err := tokens.Position(token)
	if err != nil {
		return nil, "", err
	}
	var before int64
	if text != "" {
		if before, err = strconv.ParseInt(text, 10, 64); err != nil || before < 1 {
			return nil, "", fault.Invalid("page_token", "is not one of this list")
		}
	}
	b, err := r.Catalog.Board(ctx, boardID, r.Now())
	if err != nil {
		return nil, "", err
	}
	if before == 1 {
		return nil, "", nil
	}
	list, err = r.Seasons.Seasons(ctx, &b, before, size)
	if err != nil {
		return nil, "", err
	}
	for i := range list {
		r.count(&list[i])
	}
	if len(list) == size && list[size-1].Number > 1 {
		next = tokens.Token(strconv.FormatInt(list[size-1].Number, 10))
	}
	return list, next, nil
}

// Disqualify takes a player out of a season in review: everybody behind him moves up, in a new version of the archive. Safe to repeat.
func (r *Reviews) Disqualify(ctx context.Context, boardID, playerID string, number int64, reason string) (board.Season, error) {
	b, err := r.Catalog.Board(ctx, boardID, r.Now())
	if err != nil {
		return board.Season{}, err
	}
	for {
		s, err := r.Seasons.Season(ctx, &b, number)
		if err != nil {
			return board.Season{}, err
		}
		if s.State != board.InReview {
			return board.Season{}, notInReview(&s)
		}
		if err := drop(ctx, r.Archives, &s); err != nil { // what an earlier one may have left
			return board.Season{}, err
		}
		e, err := r.hide(ctx, &b, playerID, number, reason)
		if err != nil {
			return board.Season{}, err
		}
		next, found, err := archive.Disqualify(ctx, r.Archives, archive.NameOf(&s), playerID, e.Key, s.ExpireTime)
		switch {
		case fault.Is(err, fault.NotFound): // another disqualification replaced it meanwhile
			err = ctx.Err()
		case err == nil && !found:
			return s, nil
		case err == nil:
			taken, won, err := r.take(ctx, &b, &s, &next)
			if won || err != nil {
				return taken, err
			}
		}
		if err != nil {
			return board.Season{}, err
		}
	}
}

func notInReview(s *board.Season) error {
	return fault.New(fault.FailedPrecondition, "NOT_IN_REVIEW", "season %d of board %s is not in review", s.Number, s.BoardID).
		With("board_id", s.BoardID).With("season", strconv.FormatInt(s.Number, 10))
}

// hide marks the entry, so that it stays out also where its season is read from memory, and earns nothing.
func (r *Reviews) hide(ctx context.Context, b *board.Board, playerID string, number int64, reason string) (board.Entry, error) {
	ref := scores.Ref{BoardID: b.ID, BoardUID: b.UID, Season: number}
	e, err := r.Entries.Update(ctx, playerID, ref, func(e *board.Entry) (bool, error) {
		if e.Hidden || e.Deleted {
			return false, nil
		}
		e.Hidden, e.HideReason, e.Version = true, reason, board.NextVersion(e.Version, r.Now())
		return true, nil
	})
	if fault.Is(err, fault.NotFound) {
		return board.Entry{}, fault.New(fault.NotFound, "ENTRY_NOT_FOUND", "the player has no entry in season %d of board %s", number, b.ID).Because(err)
	}
	if err == nil && r.Took != nil {
		r.Took(b, &e)
	}
	return e, err
}

// take makes the next version the season's own. False when somebody else made another one first.
func (r *Reviews) take(ctx context.Context, b *board.Board, s *board.Season, next *archive.Header) (board.Season, bool, error) {
	won := false
	stored, err := r.Seasons.UpdateSeason(ctx, b, s.Number, func(stored *board.Season) (bool, error) {
		won = stored.ArchiveVersion == next.Version && stored.Checksum == next.Name.Checksum // by a write whose answer was lost
		switch {
		case won:
			return false, nil
		case stored.State != board.InReview:
			return false, notInReview(stored)
		case stored.ArchiveVersion != s.ArchiveVersion:
			return false, nil
		}
		won = true
		replace(stored)
		stored.ArchiveVersion, stored.Checksum, stored.EntryCount = next.Version, next.Name.Checksum, next.Count-next.Erased
		return true, nil
	})
	if err != nil || !won {
		return board.Season{}, false, err
	}
	return stored, true, drop(ctx, r.Archives, &stored)
}
