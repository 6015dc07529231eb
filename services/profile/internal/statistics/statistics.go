// Package statistics holds the rules of the named numbers that a player has: what an update makes of them, how large they may become
// and how many there may be. It knows neither gRPC nor Cosmos DB; [Store] is what it needs of a database.
package statistics

import (
	"fmt"
	"maps"
	"math"
	"time"

	"supergame/services/platform/fault"
)

// MaxStatistics is how many a player may have: what keeps the document that holds them small.
const MaxStatistics = 256

// Statistics are those of one player, or some of them.
type Statistics struct {
	PlayerID   string
	Values     map[string]int64
	UpdateTime time.Time // last write of any; zero = never
}

// Operator says what an update makes of the value so far.
type Operator string

// The operators. A statistic that is not there yet takes the value of the update, whatever the operator.
const (
	Sum  Operator = "sum"
	Max  Operator = "max"
	Min  Operator = "min"
	Last Operator = "last"
)

// Update changes one statistic.
type Update struct {
	Name     string
	Operator Operator
	Value    int64
}

// only returns the statistics with these names, all for no names.
func (s Statistics) only(names []string) Statistics {
	if len(names) == 0 {
		return s
	}
	some := Statistics{PlayerID: s.PlayerID, UpdateTime: s.UpdateTime, Values: map[string]int64{}}
	for _, name := range names {
		if value, ok := s.Values[name]; ok {
			some.Values[name] = value
		}
	}
	return some
}

// apply carries out all updates, or returns why it cannot. The values of s are replaced, never changed.
func (s *Statistics) apply(updates []Update) error {
	values := maps.Clone(s.Values)
	if values == nil {
		values = map[string]int64{}
	}
	for _, u := range updates {
		value, err := u.of(values)
		if err != nil {
			return err
		}
		values[u.Name] = value
	}
	if len(values) > MaxStatistics && len(values) > len(s.Values) {
		return fault.New(fault.FailedPrecondition, "TOO_MANY_STATISTICS", "the player would have %d statistics, at most %d are allowed", len(values), MaxStatistics).
			With("max_statistics", fmt.Sprint(MaxStatistics))
	}
	s.Values = values
	return nil
}

// of returns the value that the update makes of those so far.
func (u Update) of(values map[string]int64) (int64, error) {
	before, ok := values[u.Name]
	if !ok {
		return u.Value, nil
	}
	switch u.Operator {
	case Max:
		return max(before, u.Value), nil
	case Min:
		return min(before, u.Value), nil
	case Last:
		return u.Value, nil
	case Sum:
		if u.Value > 0 && before > math.MaxInt64-u.Value || u.Value < 0 && before < math.MinInt64-u.Value {
			return 0, fault.New(fault.OutOfRange, "STATISTIC_OVERFLOW", "the sum of statistic %s would not fit into 64 bits", u.Name).
				With("statistic", u.Name)
		}
		return before + u.Value, nil
	}
	return 0, fault.Invalid("updates", "%q is not an operator", u.Operator)
}

// remove takes statistics away and returns them; no names means all.
func (s *Statistics) remove(names []string) Statistics {
	removed := s.only(names)
	kept := map[string]int64{}
	for name, value := range s.Values {
		if _, ok := removed.Values[name]; !ok {
			kept[name] = value
		}
	}
	s.Values = kept
	return removed
}
