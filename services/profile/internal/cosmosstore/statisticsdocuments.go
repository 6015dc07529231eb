package cosmosstore

import (
	"strconv"
	"time"

	"supergame/services/platform/cosmos"
	"supergame/services/profile/internal/statistics"
)

// idStatistics is the document of a player's statistics. Those of 256 have at most 17 KB.
const idStatistics = "stats"

// markerTTL is how long a request may come again, in seconds.
const markerTTL = 30 * 24 * 60 * 60

// markerID is the id of the document that says that a request was carried out. Families of documents have markers of their own, so
// that the same request id may be used for each.
func markerID(family string, op cosmos.Operation) string { return family + "|" + op.ID() }

type statisticsDoc struct {
	cosmos.Header
	PlayerID   string             `json:"playerId"`
	Values     map[string]integer `json:"values,omitempty"`
	UpdateTime instant            `json:"updateTime"`
}

// statisticsMarkerDoc holds the answer of a request that changed statistics.
type statisticsMarkerDoc struct {
	cosmos.Header
	PlayerID   string             `json:"playerId"`
	Values     map[string]integer `json:"values,omitempty"`
	UpdateTime instant            `json:"updateTime"`
}

func newStatisticsMarker(playerID string, op cosmos.Operation, answer statistics.Statistics) *statisticsMarkerDoc {
	marker := &statisticsMarkerDoc{PlayerID: playerID, Values: asStored(answer.Values), UpdateTime: instant(answer.UpdateTime)}
	marker.ID, marker.TTL = markerID(idStatistics, op), markerTTL
	return marker
}

func (d *statisticsMarkerDoc) head() *cosmos.Header { return &d.Header }

func (d *statisticsMarkerDoc) answer() statistics.Statistics {
	return statistics.Statistics{PlayerID: d.PlayerID, Values: fromStored(d.Values), UpdateTime: time.Time(d.UpdateTime)}
}

func (d *statisticsDoc) statistics() statistics.Statistics {
	return statistics.Statistics{PlayerID: d.PlayerID, Values: fromStored(d.Values), UpdateTime: time.Time(d.UpdateTime)}
}

func (d *statisticsDoc) set(s statistics.Statistics) {
	d.Values, d.UpdateTime = asStored(s.Values), instant(s.UpdateTime)
}

// integer is a 64-bit number as it is stored: a text, as numbers of the database are exact to 53 bits only.
type integer int64

// MarshalText gives the stored form.
func (i integer) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(i), 10), nil }

// UnmarshalText reads the stored form.
func (i *integer) UnmarshalText(text []byte) error {
	value, err := strconv.ParseInt(string(text), 10, 64)
	*i = integer(value)
	return err
}

func asStored(values map[string]int64) map[string]integer {
	stored := make(map[string]integer, len(values))
	for name, value := range values {
		stored[name] = integer(value)
	}
	return stored
}

func fromStored(stored map[string]integer) map[string]int64 {
	values := make(map[string]int64, len(stored))
	for name, value := range stored {
		values[name] = int64(value)
	}
	return values
}
