package cosmosstore

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// Types of the documents of the entries' container.
const (
	EntryType     = "entry"
	HeartbeatType = "heartbeat"
)

// DecodeEntry reads an entry that the change feed shows. It is not to be written again: what this program does not know of it is dropped.
func DecodeEntry(body []byte) (board.Entry, error) {
	var doc entryDoc
	if err := json.Unmarshal(body, &doc); err != nil {
		return board.Entry{}, fault.New(fault.DataLoss, "BAD_DOCUMENT", "an entry cannot be read").Because(err)
	}
	return doc.decode()
}

// heartbeatDoc is a sign of life in one range of the feed, under a partition key made up for it. Each is a new document: of one that is
// rewritten the feed would show the last version only, at a later place.
type heartbeatDoc struct {
	cosmos.Header
	PlayerID string `json:"playerId"` // no player's
	Min      string `json:"min"`      // of the range
	Max      string `json:"max"`
	Owner    string `json:"owner"`  // the process that wrote it
	BeatMs   int64  `json:"beatMs"` // by its clock, milliseconds since 1970
}

// heartbeatLife is how long a heartbeat is kept: far longer than a replica that is not hopelessly behind takes to see it.
const heartbeatLife = 300 * time.Second

// heartbeatKey begins the partition keys that are made up.
const heartbeatKey = "heartbeat-"

// Heartbeat is a heartbeat that the feed showed.
type Heartbeat struct {
	Min, Max string
	Owner    string
	At       time.Time
	Store    time.Time // by the store's clock, in whole seconds
}

// Heartbeats stores heartbeats.
type Heartbeats struct{ kind *cosmos.Kind[heartbeatDoc] }

// NewHeartbeats returns the store. It does no I/O.
func NewHeartbeats(client *cosmos.Client) *Heartbeats {
	return &Heartbeats{kind: cosmos.NewKind[heartbeatDoc](client.Container(Entries), HeartbeatType, schemaVersion)}
}

// Beat is one create.
func (s *Heartbeats) Beat(ctx context.Context, low, high, owner string, at time.Time) error {
	key := cosmos.FeedPosition{Min: low, Max: high}.KeyWithin(heartbeatKey)
	doc := &heartbeatDoc{
		Header:   cosmos.Header{ID: "h|" + rand.Text(), TTL: int32(heartbeatLife / time.Second)},
		PlayerID: key, Min: low, Max: high, Owner: owner, BeatMs: at.UnixMilli(),
	}
	return s.kind.Create(ctx, cosmos.PK(key), cosmos.Operation{}, doc)
}

// DecodeHeartbeat reads a heartbeat that the change feed shows.
func DecodeHeartbeat(body []byte) (Heartbeat, error) {
	var doc heartbeatDoc
	if err := json.Unmarshal(body, &doc); err != nil {
		return Heartbeat{}, fault.New(fault.DataLoss, "BAD_DOCUMENT", "a heartbeat cannot be read").Because(err)
	}
	return Heartbeat{
		Min: doc.Min, Max: doc.Max, Owner: doc.Owner, At: time.UnixMilli(doc.BeatMs).UTC(), Store: time.Unix(doc.Timestamp, 0).UTC(),
	}, nil
}
