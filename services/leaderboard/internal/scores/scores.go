// Package scores takes results: who may submit what to which board, in which season it counts, and what it does to the entry that stands. It
// also lets operators hide, restore and delete entries.
package scores

import (
	"context"
	"encoding/json"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
)

// Caller is who asks.
type Caller struct {
	Subject  string
	Player   bool // Subject is a player
	Server   bool // a game server
	Operator bool
	Service  bool
}

// trusted callers may submit for anybody, with the time at which a score was reached.
func (c Caller) trusted() bool { return c.Server || c.Service }

// name tells callers of different roles apart, even when their subjects are the same text.
func (c Caller) name() string {
	switch {
	case c.Player:
		return "player " + c.Subject
	case c.Server:
		return "game-server " + c.Subject
	case c.Service:
		return "service " + c.Subject
	}
	return "operator " + c.Subject
}

// Catalog knows the boards.
type Catalog interface {
	// Board returns a definition that is at most a few seconds old, and its seasons at an instant: NotFound (BOARD_NOT_FOUND).
	Board(ctx context.Context, id string, at time.Time) (board.Board, error)
}

// Players is what scores need of the profile service.
type Players interface {
	// Standing says whether a player exists, and what his profile says of segments; it may be some minutes old. NotFound (PLAYER_NOT_FOUND).
	Standing(ctx context.Context, playerID string) (Standing, error)
}

// Standing is a player as his profile has him.
type Standing struct {
	Country   string
	Suspended bool
}

// Place is where an entry stands.
type Place struct {
	Rank  int64 // from 1; 0 = it has none
	Total int64
}

// Ranks is the view of the ranks that this process has.
type Ranks interface {
	// Took hands over an entry that this process has just written or read, and returns its place.
	Took(b *board.Board, e *board.Entry) Place
}

// Scores takes submissions.
type Scores struct {
	Catalog Catalog
	Players Players
	Store   Store
	Ranks   Ranks
	Rate    Limiter
	Secret  []byte // of the keys' tie rule
	Tokens  pagetoken.Codec
	Now     func() time.Time
	// Archived reports whether the archive of a season stands; nil = it never does.
	Archived func(ctx context.Context, b *board.Board, season int64) (bool, error)
	queue    queues
}

// Limiter bounds the submissions of a player to a board.
type Limiter interface {
	// Take returns 0 when the player may submit now, and otherwise how long he must wait.
	Take(playerID, boardUID string, perMinute int) time.Duration
}

// Score is a result for one board, as it comes.
type Score struct {
	BoardID  string
	Columns  []int64
	Metadata []byte
	Inline   []byte
	Segments map[string]string
}

// Submit is a result of one player for several boards.
type Submit struct {
	PlayerID    string // "" = the caller
	Scores      []Score
	AchieveTime time.Time // zero = now; of trusted callers only
	RequestID   string
}

// Result is what a submission did on one board.
type Result struct {
	BoardID  string
	Season   int64
	Improved bool
	Entry    board.Entry
	Place    Place
}

// Submit carries a result out: on all boards, or on none.
func (s *Scores) Submit(ctx context.Context, caller Caller, r Submit) ([]Result, error) {
	p, err := s.plan(ctx, caller, r)
	if err != nil {
		return nil, err
	}
	defer s.queue.enter(ctx, p.playerID)()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	outcomes, err := s.Store.Submit(ctx, p.request(caller, r), func(entries []*board.Entry) ([]bool, error) { return p.decide(ctx, s, entries) })
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(outcomes))
	for i := range outcomes {
		o := &outcomes[i]
		results[i] = Result{BoardID: p.boards[i].ID, Season: o.Season, Improved: o.Improved, Entry: o.Entry, Place: s.Ranks.Took(&p.boards[i], &o.Entry)}
	}
	return results, nil
}

// plan is a submission that was checked as far as no entry is needed for it.
type plan struct {
	playerID    string
	boards      []board.Board
	submissions []board.Submission
	targets     []Target
	content     []byte
}

func (s *Scores) plan(ctx context.Context, caller Caller, r Submit) (*plan, error) {
	p := &plan{playerID: r.PlayerID}
	now := s.Now()
	at, err := p.whoAndWhen(caller, r, now)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range r.Scores {
		score := &r.Scores[i]
		path := indexed("scores", i)
		if seen[score.BoardID] {
			return nil, fault.Invalid(path+".board_id", "%q is there twice", score.BoardID)
		}
		seen[score.BoardID] = true
		if err := s.add(ctx, p, caller, score, path, at, now); err != nil {
			return nil, err
		}
		p.targets[i].Attempt.RequestID = r.RequestID
	}
	p.content, err = json.Marshal(struct {
		Player string
		Scores []Score
		At     int64
	}{p.playerID, r.Scores, millisOf(r.AchieveTime)})
	if err != nil {
		return nil, fault.New(fault.Internal, "BAD_SUBMISSION", "a submission cannot be encoded").Because(err)
	}
	return p, nil
}

// whoAndWhen settles whose result it is, and when it was reached.
func (p *plan) whoAndWhen(caller Caller, r Submit, now time.Time) (at time.Time, err error) {
	switch {
	case p.playerID == "" && !caller.Player:
		return at, fault.Invalid("player_id", "is empty; only a player may leave his own id out")
	case p.playerID == "":
		p.playerID = caller.Subject
	case caller.Player && p.playerID != caller.Subject:
		return at, fault.New(fault.PermissionDenied, "NOT_YOUR_SCORE", "a player submits his own results only")
	}
	at = r.AchieveTime
	switch {
	case at.IsZero():
		return now, nil
	case !caller.trusted():
		return at, fault.New(fault.PermissionDenied, "NOT_A_TRUSTED_WRITER", "only game servers and services say when a score was reached")
	case at.After(now.Add(clockSkew)):
		return at, fault.Invalid("achieve_time", "is in the future")
	}
	return at, nil
}

// clockSkew is how far a trusted writer's clock may be ahead.
const clockSkew = 5 * time.Second

// add checks one score and plans it.
func (s *Scores) add(ctx context.Context, p *plan, caller Caller, score *Score, path string, at, now time.Time) error {
	b, err := s.Catalog.Board(ctx, score.BoardID, now)
	if err != nil {
		return err
	}
	if caller.Player && !b.PlayersSubmit || caller.Server && !b.ServersSubmit {
		return fault.New(fault.PermissionDenied, "NOT_A_SUBMITTER", "board %s does not take scores of callers like this one", b.ID).With("board_id", b.ID)
	}
	submission := board.Submission{
		PlayerID: p.playerID, Columns: score.Columns, Metadata: score.Metadata, Inline: score.Inline, Segments: score.Segments,
		AchieveTime: at.UTC().Truncate(time.Millisecond), ReceiveTime: now.UTC().Truncate(time.Millisecond),
	}
	if err := b.Check(&submission, path); err != nil {
		return err
	}
	target, err := targetOf(&b, at, now)
	if err != nil {
		return err
	}
	if wait := s.Rate.Take(p.playerID, b.UID, b.SubmitsPerMinute); wait > 0 {
		return fault.New(fault.ResourceExhausted, "SUBMIT_RATE", "board %s takes %d submissions of a player in a minute", b.ID, b.SubmitsPerMinute).
			With("board_id", b.ID).After(wait)
	}
	target.Attempt = Attempt{Columns: score.Columns, Time: submission.ReceiveTime, Metadata: score.Metadata}
	p.boards, p.submissions, p.targets = append(p.boards, b), append(p.submissions, submission), append(p.targets, target)
	return nil
}

// repeatWindow is how long into a season a repeat of a request is looked for in the season before.
const repeatWindow = 10 * time.Minute

// targetOf finds the season in which a score counts: that of the time at which it was reached, if that is the one that runs, or the one before
// and no longer over than the board's grace.
func targetOf(b *board.Board, at, now time.Time) (Target, error) {
	number, end, ok := b.SeasonAt(now)
	start := b.Start
	switch {
	case now.Before(b.Start) && b.Season > 1: // a replica whose clock is ahead of this one's opened the next season already
		start = time.Time{}
	case !ok:
		return Target{}, fault.New(fault.Unavailable, "SEASON_CHANGING", "the season of board %s is changing, try again", b.ID).After(time.Second)
	case number > b.Season:
		start = b.End
	}
	if at.Before(start) {
		if number == 1 || now.Sub(start) > b.Grace {
			return Target{}, fault.New(fault.FailedPrecondition, "SEASON_OVER", "the season in which this score was reached takes no more scores").With("board_id", b.ID)
		}
		number, end = number-1, start
	}
	target := Target{Ref: Ref{BoardID: b.ID, BoardUID: b.UID, Season: number}, Marked: b.Marked()}
	if !end.IsZero() {
		target.ExpireTime = b.KeptUntil(number, end)
	}
	if number > 1 && now.Sub(start) < repeatWindow && !at.Before(start) {
		target.Before = number - 1
	}
	return target, nil
}

func (p *plan) request(caller Caller, r Submit) Request {
	return Request{PlayerID: p.playerID, Caller: caller.name(), RequestID: r.RequestID, Content: p.content, Targets: p.targets}
}

// decide applies the submissions to the entries that stand. The profile is asked about a player who is new to one of the boards: then he must
// exist, and the profile knows his segments.
func (p *plan) decide(ctx context.Context, s *Scores, entries []*board.Entry) ([]bool, error) {
	if err := p.ask(ctx, s, entries); err != nil {
		return nil, err
	}
	writes := make([]bool, len(entries))
	for i, e := range entries {
		var err error
		if writes[i], err = p.boards[i].Apply(e, &p.submissions[i], s.Secret); err != nil {
			return nil, err
		}
	}
	return writes, nil
}

func (p *plan) ask(ctx context.Context, s *Scores, entries []*board.Entry) error {
	for i, e := range entries {
		if e.ETag != "" && !e.Deleted {
			continue
		}
		standing, err := s.Players.Standing(ctx, p.playerID)
		if err != nil {
			return err
		}
		if standing.Suspended {
			return fault.New(fault.PermissionDenied, "PLAYER_SUSPENDED", "the player is suspended").With("player_id", p.playerID)
		}
		p.submissions[i].Country = standing.Country
	}
	return nil
}
