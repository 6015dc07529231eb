package statistics

import (
	"fmt"
	"maps"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"supergame/services/platform/fault"
)

func TestApply(t *testing.T) {
	const most, least = math.MaxInt64, math.MinInt64
	tests := []struct {
		what     string
		operator Operator
		before   int64
		value    int64
		want     int64
		overflow bool
	}{
		{"sum", Sum, 40, 2, 42, false},
		{"sum down", Sum, 40, -42, -2, false},
		{"sum to the most", Sum, most - 1, 1, most, false},
		{"sum beyond the most", Sum, most, 1, 0, true},
		{"sum to the least", Sum, least + 1, -1, least, false},
		{"sum beyond the least", Sum, least, -1, 0, true},
		{"sum of the least twice", Sum, least, least, 0, true},
		{"sum of the most and the least", Sum, most, least, -1, false},
		{"nothing added to the least", Sum, least, 0, least, false},
		{"a better best", Max, 5, 6, 6, false},
		{"no better best", Max, 5, 4, 5, false},
		{"a smaller one", Min, 5, 4, 4, false},
		{"no smaller one", Min, 5, 6, 5, false},
		{"the last", Last, 5, -6, -6, false},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			before := map[string]int64{"other": 1, "it": test.before}
			s := Statistics{Values: maps.Clone(before)}
			original := s.Values
			err := s.apply([]Update{{"other", Sum, 1}, {"it", test.operator, test.value}})
			if test.overflow {
				f := fault.As(err)
				if f == nil || f.Kind != fault.OutOfRange || f.Reason != "STATISTIC_OVERFLOW" || f.Metadata["statistic"] != "it" {
					t.Errorf("got %v", err)
				}
				if diff := cmp.Diff(before, s.Values); diff != "" {
					t.Errorf("half an update: %s", diff)
				}
				return
			}
			if diff := cmp.Diff(map[string]int64{"other": 2, "it": test.want}, s.Values); diff != "" || err != nil {
				t.Error(diff, err)
			}
			if diff := cmp.Diff(before, original); diff != "" {
				t.Errorf("the values before were changed: %s", diff)
			}
		})
	}
}

func TestFirstUpdateSetsTheValue(t *testing.T) {
	for _, operator := range []Operator{Sum, Max, Min, Last} {
		var s Statistics
		if err := s.apply([]Update{{"it", operator, -7}}); err != nil || s.Values["it"] != -7 {
			t.Errorf("%s: %v, %v", operator, s.Values, err)
		}
	}
}

func TestTooManyStatistics(t *testing.T) {
	s := Statistics{Values: map[string]int64{}}
	for i := range MaxStatistics {
		if err := s.apply([]Update{{fmt.Sprint("s", i), Sum, 1}}); err != nil {
			t.Fatal(err)
		}
	}
	err := s.apply([]Update{{"s0", Sum, 1}, {"one.more", Sum, 1}})
	if !fault.Is(err, fault.FailedPrecondition) || fault.ReasonOf(err) != "TOO_MANY_STATISTICS" || s.Values["s0"] != 1 {
		t.Errorf("%v, s0 is %d", err, s.Values["s0"])
	}
	if err := s.apply([]Update{{"s0", Sum, 1}}); err != nil {
		t.Errorf("one of them: %v", err)
	}
}

func TestRemove(t *testing.T) {
	s := Statistics{Values: map[string]int64{"a": 1, "b": 2, "c": 3}}
	removed := s.remove([]string{"a", "none"})
	if diff := cmp.Diff(map[string]int64{"a": 1}, removed.Values); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int64{"b": 2, "c": 3}, s.Values); diff != "" {
		t.Error(diff)
	}
	if removed = s.remove(nil); len(s.Values) != 0 || len(removed.Values) != 2 {
		t.Errorf("all: removed %v, left %v", removed.Values, s.Values)
	}
}
