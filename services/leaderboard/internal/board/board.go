// Package board holds the rules of leaderboards: what a definition may say, what a submission does to the entry that stands, how a score
// becomes a key that sorts, and when seasons begin and end. It knows neither gRPC nor Cosmos DB.
package board

import (
	"time"
)

// Operator says what a submission does to the entry that stands.
type Operator uint8

// The operators.
const (
	Best  Operator = iota + 1 // keep the better whole tuple
	Last                      // keep the newest
	Sum                       // add up, column by column
	Count                     // count submissions
)

// Column is one number of a score.
type Column struct {
	Name       string
	Descending bool // large values are better
	Decimals   int  // for clients to show
	Min, Max   *int64
}

// Source says where a player's value of a segment comes from.
type Source uint8

// The sources.
const (
	FromCountry    Source = iota + 1 // the country of the profile
	FromSubmission                   // the submission says
)

// Segment is a group that is ranked on its own as well.
type Segment struct {
	Name   string
	Source Source
	Values []string // the values there are; empty = any
}

// Schedule says when seasons begin.
type Schedule struct {
	Cron string
	Zone string // IANA
}

// Tier is what the players of a range of places get when a season is over.
type Tier struct {
	Name          string
	MaxRank       int64   // up to this place; 0 = by percentile
	MaxPercentile float64 // up to this share of all, in percent
	Grants        map[string]int64
}

// Board is a definition.
type Board struct {
	ID               string // operator-made, e.g. "daily"
	UID              string // names this making of the board; in every id of its entries and seasons
	DisplayName      string
	Operator         Operator
	Columns          []Column
	SharedTies       bool // 1, 1, 3 instead of who was first
	PlayersSubmit    bool // players may submit for themselves
	ServersSubmit    bool // game servers may submit
	Segments         []Segment
	Schedule         *Schedule // nil = one season that never ends
	Grace            time.Duration
	Review           time.Duration
	Retention        time.Duration
	InlineBytes      int
	KeepAttempts     bool
	SubmitsPerMinute int
	Rewards          []Tier
	CreateTime       time.Time
	UpdateTime       time.Time
	Season           int64         // the number of the open season
	Start            time.Time     // of the open season
	End              time.Time     // of the open season; zero = it does not end
	Keep             time.Duration // how long after its end the open season is kept; fixed when it begins
	LastKeep         time.Duration // of the season before it
	NextEnd          time.Time     // of the season after it; it is fixed before that one begins, so that every replica knows it in time
	ETag             string
}

// SeasonAt is the season that an instant belongs to, with its end: the open one or, from its end on, the next. False when the instant is
// outside of both: then the definition is out of date, or the instant is too long ago.
func (b *Board) SeasonAt(t time.Time) (number int64, end time.Time, ok bool) {
	switch {
	case t.Before(b.Start):
		return b.Season - 1, b.Start, false
	case b.End.IsZero() || t.Before(b.End):
		return b.Season, b.End, true
	case b.NextEnd.IsZero() || t.Before(b.NextEnd):
		return b.Season + 1, b.NextEnd, true
	}
	return 0, time.Time{}, false
}

// Begin opens the first season of a new board.
func (b *Board) Begin(now time.Time) (err error) {
	b.Season, b.Start, b.CreateTime, b.UpdateTime, b.Keep = 1, now, now, now, b.keep()
	if b.End, err = b.NextBoundary(now); err == nil && !b.End.IsZero() {
		b.NextEnd, err = b.NextBoundary(b.End)
	}
	return err
}

// Roll closes the open season and opens the next.
func (b *Board) Roll() (closed, opened Season, err error) {
	closed = b.OpenSeason()
	closed.State, closed.NextTime = Closing, b.End.Add(b.Grace).Add(SettleTime)
	closed.ExpireTime = b.KeptUntil(b.Season, b.End)
	b.LastKeep, b.Keep = b.Keep, b.keep()
	b.Season, b.Start, b.End = b.Season+1, b.End, b.NextEnd
	b.NextEnd = time.Time{}
	if !b.End.IsZero() {
		b.NextEnd, err = b.NextBoundary(b.End)
	}
	return closed, b.OpenSeason(), err
}

// rewardsTime is how long rewards may take, where a board keeps its seasons no longer than their review.
const rewardsTime = 30 * 24 * time.Hour

func (b *Board) keep() time.Duration { return max(b.Retention, b.Review+rewardsTime) }

// KeptUntil is until when a season is kept that ends at an instant: the open one, the one before, or the next. Entries are kept as long as the
// archive, as they lead to its rows: to show a player his place, and to erase him. So it is fixed when the season begins.
func (b *Board) KeptUntil(number int64, end time.Time) time.Time {
	keep := b.keep()
	switch {
	case number == b.Season && b.Keep > 0:
		keep = b.Keep
	case number < b.Season:
		keep = max(keep, b.LastKeep)
	}
	return end.Add(keep)
}

// OpenSeason is the season that is open.
func (b *Board) OpenSeason() Season {
	return Season{BoardID: b.ID, BoardUID: b.UID, Number: b.Season, State: Open, Start: b.Start, End: b.End}
}

// Marked reports whether a submission leaves a marker document: what adds up must not be added twice, and attempts are kept.
func (b *Board) Marked() bool { return b.Operator != Best || b.KeepAttempts }

// State is how far a season is.
type State uint8

// The states, in their order.
const (
	Open State = iota + 1
	Closing
	Frozen
	Archived
	InReview
	Rewarding
	Rewarded
)

// Season is one run of a board.
type Season struct {
	BoardID        string
	BoardUID       string
	Number         int64 // from 1
	State          State
	Start          time.Time
	End            time.Time // zero = it does not end
	NextTime       time.Time // when the next step is due, from Closing on
	FreezeTime     time.Time // when it was frozen, by the store's clock
	EntryCount     int64     // of the archive
	ArchiveVersion int32
	Checksum       string // of the archive
	Replaced       []Replaced
	LateWrites     int64
	Grants         int64
	Forfeits       int64
	ArchiveTime    time.Time // when the store took the archive that the review begins with
	Seed           []byte    // of the archive's salts; it is forgotten when the archive is final
	Cursor         int64     // rewards: the chunk of the archive that is worked on
	Rewards        []Tier    // as they were when rewarding began
	ExpireTime     time.Time // until when the archive is kept, and the season once everything is done
	ETag           string
}

// Replaced is an older version of an archive.
type Replaced struct {
	Version  int32
	Checksum string
}

// Entry is what a player has on a board in a season, as it is stored.
type Entry struct {
	PlayerID string
	BoardID  string // so that who meets an entry of a board he does not know can look it up
	BoardUID string
	Season   int64

	Columns     []int64
	Key         Key // of Columns, receive time and player; "" for a tombstone
	Version     int64
	AchieveTime time.Time // of the score that stands
	ReceiveTime time.Time // of the score that stands, by the service's clock: who was first
	ScoredTime  time.Time // when the store took the score that stands (hide and restore do not change it); zero = with this write
	Metadata    []byte    // JSON object of the score that stands, nil without
	Inline      []byte
	Segments    map[string]string // value by name

	Hidden     bool // by an operator
	HideReason string
	Suspended  bool   // the player is suspended
	Deleted    bool   // a tombstone
	ETag       string // "" = not stored yet
}

// Ranked reports whether the entry has a place.
func (e *Entry) Ranked() bool { return !e.Deleted && !e.Hidden && !e.Suspended }

// NextVersion is the version of the next write of an entry: it grows with every write, also behind a tombstone that expired and on a
// replica whose clock is behind.
func NextVersion(version int64, now time.Time) int64 { return max(version+1, now.UnixMicro()) }
