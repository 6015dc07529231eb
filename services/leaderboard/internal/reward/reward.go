// Package reward grants what the places of a season earn: once each, through the wallet, with a row for each grant in the player's partition. The row
// is there before the wallet is called, so that a grant that was cut short is known and finished; that it happens once is the wallet's word, whose
// ledger never forgets a request.
package reward

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"supergame/services/leaderboard/internal/archive"
	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/leaderboard/internal/season"
	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
)

// State is how far a grant is.
type State uint8

// The states.
const (
	Pending   State = iota + 1 // the wallet is being asked
	Granted                    // in the wallet
	Forfeited                  // the player was hidden, suspended or gone when it was due
)

// Grant is one reward.
type Grant struct {
	PlayerID   string
	BoardID    string
	BoardUID   string
	Season     int64
	Tier       string
	Rank       int64
	Assets     map[string]int64
	State      State
	Reason     string // why it is forfeited
	UpdateTime time.Time
}

// RequestID names the grant to the wallet.
func (g *Grant) RequestID() string {
	return "reward|" + g.BoardUID + "|" + strconv.FormatInt(g.Season, 10) + "|" + g.Tier
}

// Page is a page of grants.
type Page struct {
	Grants []Grant
	Next   string
}

// Store keeps grants.
type Store interface {
	// Begin stores a grant as pending, if there is none of its player, board, season and tier. It returns the one that is there.
	Begin(ctx context.Context, g Grant) (Grant, error)
	// Finish stores the state of a grant that is pending. It returns the grant as it then is.
	Finish(ctx context.Context, g Grant) (Grant, error)
	// List returns a player's grants, newest first.
	List(ctx context.Context, playerID string, size int, position string) (Page, error)
}

// Wallet is where rewards go.
type Wallet interface {
	// Grant credits assets once for each request id. NotFound when there is no such player.
	Grant(ctx context.Context, g *Grant) error
}

// Entries are the stored entries.
type Entries interface {
	Get(ctx context.Context, playerID string, ref scores.Ref) (board.Entry, error)
}

// Rewards grants.
type Rewards struct {
	Store    Store
	Archives archive.Reader // without a cache: an erased player is not to be met
	Entries  Entries
	Wallet   Wallet
	Tokens   pagetoken.Codec
	Now      func() time.Time
}

// workers is how many grants are on their way at once.
const workers = 8

// Settle grants the rewards of the chunk that the season's cursor names. Those that are settled already cost a read each; after an error it is called
// again.
func (r *Rewards) Settle(ctx context.Context, b *board.Board, s *board.Season) (season.Outcome, error) {
	header, err := r.Archives.Header(ctx, archive.NameOf(s))
	if err != nil {
		return season.Outcome{}, err
	}
	if s.Cursor >= int64(len(header.Chunks)) {
		return season.Outcome{}, nil
	}
	grants, more, err := r.earned(ctx, b, s, &header)
	if err != nil {
		return season.Outcome{}, err
	}
	states := make([]State, len(grants))
	group := errgroup.Group{}
	group.SetLimit(workers)
	for i := range grants {
		group.Go(func() (err error) {
			states[i], err = r.settle(ctx, grants[i])
			return err
		})
	}
	if err := group.Wait(); err != nil { // the others were settled as far as they could be
		return season.Outcome{}, err
	}
	outcome := season.Outcome{More: more}
	for _, state := range states {
		if state == Granted {
			outcome.Grants++
		} else {
			outcome.Forfeits++
		}
	}
	return outcome, nil
}

// earned are the grants of a chunk; without a player where he was erased.
func (r *Rewards) earned(ctx context.Context, b *board.Board, s *board.Season, h *archive.Header) (list []Grant, more bool, err error) {
	rows, err := r.Archives.Chunk(ctx, h.Chunks[s.Cursor].ID)
	if err != nil {
		return nil, false, err
	}
	place := h.From(int(s.Cursor))
	for i := range rows {
		rank := place + int64(i) + 1 - rows[i].Tie
		tier := board.TierOf(s.Rewards, rank, h.Count)
		if tier == nil { // nobody behind him earns anything either
			return list, false, nil
		}
		list = append(list, Grant{
			PlayerID: rows[i].PlayerID, BoardID: b.ID, BoardUID: b.UID, Season: s.Number, Tier: tier.Name, Rank: rank, Assets: tier.Grants, State: Pending,
		})
	}
	return list, s.Cursor+1 < int64(len(h.Chunks)), nil
}

// settle carries one grant out, from wherever it stands.
func (r *Rewards) settle(ctx context.Context, g Grant) (State, error) {
	if g.PlayerID == "" {
		return Forfeited, nil
	}
	e, err := r.Entries.Get(ctx, g.PlayerID, scores.Ref{BoardID: g.BoardID, BoardUID: g.BoardUID, Season: g.Season})
	if err != nil {
		return 0, err
	}
	if e.Deleted { // also for an erased player: nothing is to be written about him any more
		return Forfeited, nil
	}
	g.UpdateTime = r.now()
	if g, err = r.Store.Begin(ctx, g); err != nil || g.State != Pending {
		return g.State, err
	}
	switch {
	case e.Hidden:
		g.State, g.Reason = Forfeited, "HIDDEN"
	case e.Suspended:
		g.State, g.Reason = Forfeited, "SUSPENDED"
	default:
		if g.State, g.Reason, err = r.ask(ctx, &g); err != nil {
			return 0, err
		}
	}
	g.UpdateTime = r.now()
	g, err = r.Store.Finish(ctx, g)
	return g.State, err
}

// ask asks the wallet. What it refuses for good is forfeited: it is not to hold up the others forever.
func (r *Rewards) ask(ctx context.Context, g *Grant) (State, string, error) {
	err := r.Wallet.Grant(ctx, g)
	switch fault.KindOf(err) {
	case fault.NotFound, fault.FailedPrecondition, fault.InvalidArgument, fault.OutOfRange:
		if err != nil {
			return Forfeited, fault.ReasonOf(err), nil
		}
	}
	if err != nil {
		return 0, "", fmt.Errorf("grant %s to %s: %w", g.RequestID(), g.PlayerID, err)
	}
	return Granted, "", nil
}

func (r *Rewards) now() time.Time { return r.Now().UTC().Truncate(time.Millisecond) }

// List returns a page of a player's grants: a player's own, and for operators anybody's.
func (r *Rewards) List(ctx context.Context, caller scores.Caller, playerID string, size int, token string) (Page, error) {
	switch {
	case playerID == "" && !caller.Player:
		return Page{}, fault.Invalid("player_id", "is empty; only a player may leave his own id out")
	case playerID == "":
		playerID = caller.Subject
	case caller.Player && playerID != caller.Subject:
		return Page{}, fault.New(fault.PermissionDenied, "NOT_YOUR_GRANTS", "a player sees his own grants only")
	}
	tokens := r.Tokens.For("LeaderboardService.ListGrants", playerID)
	position, err := tokens.Position(token)
	if err != nil {
		return Page{}, err
	}
	page, err := r.Store.List(ctx, playerID, size, position)
	page.Next = tokens.Token(page.Next)
	return page, err
}
