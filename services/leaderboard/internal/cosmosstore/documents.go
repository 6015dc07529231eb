// Package cosmosstore keeps boards, seasons, entries and archives in Cosmos DB: their documents, and how a change of them is made once however
// often it is tried.
package cosmosstore

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// The containers of the service.
const (
	Boards    = "leaderboards"
	Entries   = "leaderboard-entries"
	Snapshots = "leaderboard-snapshots"
	Archives  = "leaderboard-archives"
	Leases    = "leaderboard-leases"
)

// schemaVersion is what this program writes, for every type of document.
const schemaVersion = 1

// entryDoc is a player's entry, in his partition. Numbers that may exceed 2^53 are texts; V is microseconds since 1970, which stay below.
type entryDoc struct {
	cosmos.Header
	PlayerID   string            `json:"playerId"`
	BoardID    string            `json:"boardId"`
	Board      string            `json:"board"` // uid
	Season     int64             `json:"season"`
	K          string            `json:"k,omitempty"` // sorts, best first; "" for a tombstone
	V          int64             `json:"v"`           // version
	Columns    []string          `json:"columns,omitempty"`
	AchieveMs  int64             `json:"achieveMs,omitempty"`
	ReceiveMs  int64             `json:"receiveMs,omitempty"`
	ScoredTs   int64             `json:"scoredTs,omitempty"` // seconds; 0 = with this version
	Metadata   json.RawMessage   `json:"metadata,omitempty"`
	Inline     []byte            `json:"inline,omitempty"`
	Segments   map[string]string `json:"segments,omitempty"`
	Hidden     bool              `json:"hidden,omitempty"`
	HideReason string            `json:"hideReason,omitempty"`
	Suspended  bool              `json:"suspended,omitempty"`
	Deleted    bool              `json:"deleted,omitempty"`
	ArchivedK  string            `json:"archivedK,omitempty"` // of an erased player's: the key that is still to be looked for in the season's archive
	EraseMs    int64             `json:"eraseMs,omitempty"`   // when the last of an erased player's was erased
}

// entryID is the id of an entry. The region is the one that writes it: with several write regions each has a register of its own.
func entryID(boardUID string, season int64, region string) string {
	return fmt.Sprintf("e|%s|%d|%s", boardUID, season, region)
}

func (d *entryDoc) decode() (board.Entry, error) {
	columns, err := numbers(d.Columns)
	if err != nil {
		return board.Entry{}, fault.New(fault.DataLoss, "BAD_DOCUMENT", "the columns of entry %q cannot be read", d.ID).Because(err)
	}
	e := board.Entry{
		PlayerID: d.PlayerID, BoardID: d.BoardID, BoardUID: d.Board, Season: d.Season, Columns: columns, Version: d.V,
		AchieveTime: ofMillis(d.AchieveMs), ReceiveTime: ofMillis(d.ReceiveMs), Metadata: d.Metadata, Inline: d.Inline, Segments: d.Segments,
		Hidden: d.Hidden, HideReason: d.HideReason, Suspended: d.Suspended, Deleted: d.Deleted, ETag: d.ETag,
	}
	scored := d.ScoredTs
	if scored == 0 {
		scored = d.Timestamp
	}
	if scored != 0 {
		e.ScoredTime = time.Unix(scored, 0).UTC()
	}
	if d.K == "" {
		return e, nil
	}
	key, ok := board.KeyOfHex(d.K, len(columns))
	if !ok {
		return board.Entry{}, fault.New(fault.DataLoss, "BAD_DOCUMENT", "the key of entry %q cannot be read", d.ID)
	}
	e.Key = key
	return e, nil
}

// set writes the entry into the document.
func (d *entryDoc) set(e *board.Entry) {
	d.PlayerID, d.BoardID, d.Board, d.Season, d.V = e.PlayerID, e.BoardID, e.BoardUID, e.Season, e.Version
	d.K, d.Columns = e.Key.Hex(), texts(e.Columns)
	d.AchieveMs, d.ReceiveMs = millis(e.AchieveTime), millis(e.ReceiveTime)
	d.ScoredTs = 0
	if !e.ScoredTime.IsZero() {
		d.ScoredTs = e.ScoredTime.Unix()
	}
	d.Metadata, d.Inline, d.Segments = e.Metadata, e.Inline, e.Segments
	d.Hidden, d.HideReason, d.Suspended, d.Deleted = e.Hidden, e.HideReason, e.Suspended, e.Deleted
}

func texts(list []int64) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = strconv.FormatInt(n, 10)
	}
	return out
}

func numbers(list []string) ([]int64, error) {
	if list == nil {
		return nil, nil
	}
	out := make([]int64, len(list))
	for i, text := range list {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func ofMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// ttl is how many seconds are left until an instant, at least one; 0, which is the container's default, for none.
func ttl(until, now time.Time) int32 {
	if until.IsZero() {
		return 0
	}
	left := (until.Sub(now) + time.Second - 1) / time.Second
	return int32(min(max(left, 1), 1<<31-1)) //nolint:gosec // bounded
}
