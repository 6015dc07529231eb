package scores

import (
	"context"
	"strconv"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/fault"
)

// Hide takes an entry out of the ranks and keeps it. Safe to repeat.
func (s *Scores) Hide(ctx context.Context, boardID, playerID string, season int64, reason string) (version int64, err error) {
	return s.moderate(ctx, boardID, playerID, season, func(e *board.Entry) (bool, error) {
		if e.Hidden {
			return false, nil
		}
		e.Hidden, e.HideReason = true, reason
		return true, nil
	})
}

// Restore brings a hidden entry back, in the place that its key gives it. Safe to repeat.
func (s *Scores) Restore(ctx context.Context, boardID, playerID string, season int64) (version int64, err error) {
	return s.moderate(ctx, boardID, playerID, season, func(e *board.Entry) (bool, error) {
		if !e.Hidden {
			return false, nil
		}
		e.Hidden, e.HideReason = false, ""
		return true, nil
	})
}

// Delete removes an entry for good: a tombstone stays for 30 days, as the change feed shows no deletes. When version is not 0 an entry that is
// newer stays. Safe to repeat.
func (s *Scores) Delete(ctx context.Context, boardID, playerID string, season, version int64) (int64, error) {
	return s.moderate(ctx, boardID, playerID, season, func(e *board.Entry) (bool, error) {
		switch {
		case e.Deleted:
			return false, nil
		case version != 0 && e.Version > version:
			return false, fault.New(fault.Aborted, "ENTRY_CHANGED", "the entry is at version %d now: look at it again", e.Version).
				With("version", strconv.FormatInt(e.Version, 10))
		}
		tombstone := board.Entry{
			PlayerID: e.PlayerID, BoardID: e.BoardID, BoardUID: e.BoardUID, Season: e.Season, Version: e.Version, Deleted: true,
			Suspended: e.Suspended, ETag: e.ETag,
		}
		*e = tombstone
		return true, nil
	})
}

// moderate changes an entry of a season that is not archived yet.
func (s *Scores) moderate(ctx context.Context, boardID, playerID string, season int64, change func(*board.Entry) (bool, error)) (int64, error) {
	now := s.Now()
	b, err := s.Catalog.Board(ctx, boardID, now)
	if err != nil {
		return 0, err
	}
	open, _, ok := b.SeasonAt(now)
	if !ok {
		open = b.Season
	}
	if season == 0 {
		season = open
	}
	if season < 1 || season > open {
		return 0, board.SeasonNotFound(boardID, season)
	}
	if err := s.notArchived(ctx, &b, season); err != nil {
		return 0, err
	}
	defer s.queue.enter(ctx, playerID)()
	e, err := s.Store.Update(ctx, playerID, Ref{BoardID: b.ID, BoardUID: b.UID, Season: season}, func(e *board.Entry) (bool, error) {
		scored := e.ScoredTime
		write, err := change(e)
		if err == nil && write { // the score is not newer for it
			e.ScoredTime, e.Version = scored, board.NextVersion(e.Version, now)
		}
		return write, err
	})
	if err != nil {
		return 0, err
	}
	s.Ranks.Took(&b, &e)
	// An archive that was finished meanwhile may not say so.
	return e.Version, s.notArchived(ctx, &b, season)
}

// notArchived refuses what would change an entry behind the archive's back.
func (s *Scores) notArchived(ctx context.Context, b *board.Board, season int64) error {
	if s.Archived == nil || season >= b.Season {
		return nil
	}
	archived, err := s.Archived(ctx, b, season)
	if err == nil && archived {
		err = fault.New(fault.FailedPrecondition, "SEASON_ARCHIVED", "season %d of board %s is archived: use DisqualifyEntry while it is in review", season, b.ID).
			With("board_id", b.ID).With("season", strconv.FormatInt(season, 10))
	}
	return err
}

// Attempts lists a player's submissions of the last 30 days, from a page token on.
func (s *Scores) Attempts(ctx context.Context, caller Caller, boardID, playerID string, size int, token string) (AttemptPage, error) {
	switch {
	case playerID == "" && !caller.Player:
		return AttemptPage{}, fault.Invalid("player_id", "is empty; only a player may leave his own id out")
	case playerID == "":
		playerID = caller.Subject
	case caller.Player && playerID != caller.Subject:
		return AttemptPage{}, fault.New(fault.PermissionDenied, "NOT_YOUR_ATTEMPTS", "a player sees his own attempts only")
	}
	b, err := s.Catalog.Board(ctx, boardID, s.Now())
	if err != nil {
		return AttemptPage{}, err
	}
	if !b.KeepAttempts {
		return AttemptPage{}, fault.New(fault.FailedPrecondition, "NO_ATTEMPTS", "board %s keeps no attempts", b.ID).With("board_id", b.ID)
	}
	tokens := s.Tokens.For("LeaderboardService.ListAttempts", b.UID, playerID)
	position, err := tokens.Position(token)
	if err != nil {
		return AttemptPage{}, err
	}
	page, err := s.Store.Attempts(ctx, playerID, b.UID, size, position)
	page.Next = tokens.Token(page.Next)
	return page, err
}
