package cosmosstore

import (
	"strconv"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/cosmos"
)

// definitionDoc is a board. One that was deleted stays as a tombstone, as the change feed shows no deletes.
type definitionDoc struct {
	cosmos.Header
	Board            string       `json:"board"`
	UID              string       `json:"uid"`
	Deleted          bool         `json:"deleted,omitempty"`
	DisplayName      string       `json:"displayName,omitempty"`
	Operator         string       `json:"operator"`
	Columns          []columnDoc  `json:"columns"`
	SharedTies       bool         `json:"sharedTies,omitempty"`
	PlayersSubmit    bool         `json:"playersSubmit,omitempty"`
	ServersSubmit    bool         `json:"serversSubmit,omitempty"`
	Segments         []segmentDoc `json:"segments,omitempty"`
	Schedule         *scheduleDoc `json:"schedule,omitempty"`
	GraceSeconds     int64        `json:"graceSeconds,omitempty"`
	ReviewSeconds    int64        `json:"reviewSeconds"`
	RetentionSeconds int64        `json:"retentionSeconds"`
	InlineBytes      int          `json:"inlineBytes,omitempty"`
	KeepAttempts     bool         `json:"keepAttempts,omitempty"`
	SubmitsPerMinute int          `json:"submitsPerMinute"`
	Rewards          []tierDoc    `json:"rewards,omitempty"`
	CreateTime       time.Time    `json:"createTime"`
	UpdateTime       time.Time    `json:"updateTime"`
	Season           int64        `json:"season"`
	Start            time.Time    `json:"start"`
	End              time.Time    `json:"end,omitzero"`
	NextEnd          time.Time    `json:"nextEnd,omitzero"`
	KeepSeconds      int64        `json:"keepSeconds,omitempty"`     // the open season
	LastKeepSeconds  int64        `json:"lastKeepSeconds,omitempty"` // the one before
}

type columnDoc struct {
	Name       string `json:"name"`
	Descending bool   `json:"descending,omitempty"`
	Decimals   int    `json:"decimals,omitempty"`
	Min        string `json:"min,omitempty"` // int64: a number of JSON would lose its last digits
	Max        string `json:"max,omitempty"`
}

type segmentDoc struct {
	Name   string   `json:"name"`
	Source string   `json:"source"`
	Values []string `json:"values,omitempty"`
}

type scheduleDoc struct {
	Cron string `json:"cron"`
	Zone string `json:"zone"`
}

type tierDoc struct {
	Name          string           `json:"name"`
	MaxRank       int64            `json:"maxRank,omitempty"`
	MaxPercentile float64          `json:"maxPercentile,omitempty"`
	Grants        map[string]int64 `json:"grants"`
}

var operatorNames = map[board.Operator]string{board.Best: "best", board.Last: "last", board.Sum: "sum", board.Count: "count"}

var sourceNames = map[board.Source]string{board.FromCountry: "country", board.FromSubmission: "submission"}

// nameOf finds the value of a stored name; the zero value for one of a later version.
func nameOf[V comparable](names map[V]string, name string) (value V) {
	for v, n := range names {
		if n == name {
			return v
		}
	}
	return value
}

// decode gives the board.
func (d *definitionDoc) decode() board.Board {
	b := board.Board{
		ID: d.Board, UID: d.UID, DisplayName: d.DisplayName, Operator: nameOf(operatorNames, d.Operator), SharedTies: d.SharedTies,
		PlayersSubmit: d.PlayersSubmit, ServersSubmit: d.ServersSubmit,
		Grace: seconds(d.GraceSeconds), Review: seconds(d.ReviewSeconds), Retention: seconds(d.RetentionSeconds),
		InlineBytes: d.InlineBytes, KeepAttempts: d.KeepAttempts, SubmitsPerMinute: d.SubmitsPerMinute,
		CreateTime: d.CreateTime, UpdateTime: d.UpdateTime, Season: d.Season, Start: d.Start, End: d.End, NextEnd: d.NextEnd, Keep: seconds(d.KeepSeconds), LastKeep: seconds(d.LastKeepSeconds), ETag: d.ETag,
	}
	for _, c := range d.Columns {
		b.Columns = append(b.Columns, board.Column{Name: c.Name, Descending: c.Descending, Decimals: c.Decimals, Min: bound(c.Min), Max: bound(c.Max)})
	}
	for _, g := range d.Segments {
		b.Segments = append(b.Segments, board.Segment{Name: g.Name, Source: nameOf(sourceNames, g.Source), Values: g.Values})
	}
	if d.Schedule != nil {
		b.Schedule = &board.Schedule{Cron: d.Schedule.Cron, Zone: d.Schedule.Zone}
	}
	b.Rewards = tiersOf(d.Rewards)
	return b
}

// set writes the board into the document.
func (d *definitionDoc) set(b board.Board) {
	d.Board, d.UID, d.DisplayName, d.Operator, d.SharedTies = b.ID, b.UID, b.DisplayName, operatorNames[b.Operator], b.SharedTies
	d.PlayersSubmit, d.ServersSubmit = b.PlayersSubmit, b.ServersSubmit
	d.GraceSeconds, d.ReviewSeconds, d.RetentionSeconds = int64(b.Grace/time.Second), int64(b.Review/time.Second), int64(b.Retention/time.Second)
	d.InlineBytes, d.KeepAttempts, d.SubmitsPerMinute = b.InlineBytes, b.KeepAttempts, b.SubmitsPerMinute
	d.CreateTime, d.UpdateTime = b.CreateTime.UTC(), b.UpdateTime.UTC()
	d.KeepSeconds, d.LastKeepSeconds = int64(b.Keep/time.Second), int64(b.LastKeep/time.Second)
	d.Season, d.Start, d.End, d.NextEnd = b.Season, b.Start.UTC(), b.End.UTC(), b.NextEnd.UTC()
	d.Columns, d.Segments, d.Schedule, d.Rewards = nil, nil, nil, tierDocs(b.Rewards)
	for _, c := range b.Columns {
		d.Columns = append(d.Columns, columnDoc{Name: c.Name, Descending: c.Descending, Decimals: c.Decimals, Min: boundText(c.Min), Max: boundText(c.Max)})
	}
	for _, g := range b.Segments {
		d.Segments = append(d.Segments, segmentDoc{Name: g.Name, Source: sourceNames[g.Source], Values: g.Values})
	}
	if b.Schedule != nil {
		d.Schedule = &scheduleDoc{Cron: b.Schedule.Cron, Zone: b.Schedule.Zone}
	}
}

func tierDocs(tiers []board.Tier) (docs []tierDoc) {
	for _, t := range tiers {
		docs = append(docs, tierDoc{Name: t.Name, MaxRank: t.MaxRank, MaxPercentile: t.MaxPercentile, Grants: t.Grants})
	}
	return docs
}

func tiersOf(docs []tierDoc) (tiers []board.Tier) {
	for _, t := range docs {
		tiers = append(tiers, board.Tier{Name: t.Name, MaxRank: t.MaxRank, MaxPercentile: t.MaxPercentile, Grants: t.Grants})
	}
	return tiers
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

func bound(text string) *int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

func boundText(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

// seasonDoc is one season.
type seasonDoc struct {
	cosmos.Header
	Board          string        `json:"board"`
	UID            string        `json:"uid"`
	Number         int64         `json:"season"`
	State          string        `json:"state"`
	Due            int64         `json:"due,omitempty"` // when there is something to do with it, seconds since 1970; indexed
	Start          time.Time     `json:"start"`
	End            time.Time     `json:"end,omitzero"`
	NextTime       time.Time     `json:"nextTime,omitzero"`
	FreezeTime     time.Time     `json:"freezeTime,omitzero"`
	EntryCount     int64         `json:"entryCount,omitempty"`
	ArchiveVersion int32         `json:"archiveVersion,omitempty"`
	Checksum       string        `json:"checksum,omitempty"`
	Replaced       []replacedDoc `json:"replaced,omitempty"`
	LateWrites     int64         `json:"lateWrites,omitempty"`
	Grants         int64         `json:"grants,omitempty"`
	Forfeits       int64         `json:"forfeits,omitempty"`
	ArchiveTime    time.Time     `json:"archiveTime,omitzero"`
	Seed           []byte        `json:"seed,omitempty"`
	Cursor         int64         `json:"cursor,omitempty"`
	Rewards        []tierDoc     `json:"rewards,omitempty"`
	ExpireTime     time.Time     `json:"expireTime,omitzero"`
}

type replacedDoc struct {
	Version  int32  `json:"version"`
	Checksum string `json:"checksum"`
}

var stateNames = map[board.State]string{
	board.Open: "open", board.Closing: "closing", board.Frozen: "frozen", board.Archived: "archived", board.InReview: "review",
	board.Rewarding: "rewarding", board.Rewarded: "rewarded",
}

func (d *seasonDoc) set(s board.Season) {
	d.Board, d.UID, d.Number, d.State = s.BoardID, s.BoardUID, s.Number, stateNames[s.State]
	d.Start, d.End, d.NextTime, d.FreezeTime = s.Start.UTC(), s.End.UTC(), s.NextTime.UTC(), s.FreezeTime.UTC()
	d.EntryCount, d.ArchiveVersion, d.Checksum, d.LateWrites = s.EntryCount, s.ArchiveVersion, s.Checksum, s.LateWrites
	d.Grants, d.Forfeits, d.Cursor, d.Rewards = s.Grants, s.Forfeits, s.Cursor, tierDocs(s.Rewards)
	d.Replaced = nil
	for _, r := range s.Replaced {
		d.Replaced = append(d.Replaced, replacedDoc(r))
	}
	d.ArchiveTime, d.Seed, d.ExpireTime = s.ArchiveTime.UTC(), s.Seed, s.ExpireTime.UTC()
	d.Due = 0
	if due := s.Due(); !due.IsZero() {
		d.Due = due.Unix()
	}
}

func (d *seasonDoc) decode() board.Season {
	s := board.Season{
		BoardID: d.Board, BoardUID: d.UID, Number: d.Number, State: nameOf(stateNames, d.State),
		Start: d.Start, End: d.End, NextTime: d.NextTime, FreezeTime: d.FreezeTime,
		EntryCount: d.EntryCount, ArchiveVersion: d.ArchiveVersion, Checksum: d.Checksum, LateWrites: d.LateWrites,
		Grants: d.Grants, Forfeits: d.Forfeits, Cursor: d.Cursor, ETag: d.ETag,
		ArchiveTime: d.ArchiveTime, Seed: d.Seed, Rewards: tiersOf(d.Rewards), ExpireTime: d.ExpireTime,
	}
	for _, r := range d.Replaced {
		s.Replaced = append(s.Replaced, board.Replaced(r))
	}
	// The times of the store's clock: those of the writes that made the state, until the next write stores them.
	if s.State == board.Frozen && s.FreezeTime.IsZero() {
		s.FreezeTime = storeTime(d.Timestamp)
	}
	if s.State == board.Archived && s.ArchiveTime.IsZero() {
		s.ArchiveTime = storeTime(d.Timestamp)
	}
	return s
}

// storeTime is a `_ts` as a time; zero for 0, which a document has that was just written.
func storeTime(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
