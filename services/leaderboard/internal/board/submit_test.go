package board

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"supergame/services/platform/fault"
)

var (
	points = Column{Name: "points", Descending: true}
	laps   = Column{Name: "laps"}
	noon   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
)

// submit applies one score, made i seconds after noon, and gives what Apply says of it.
func submit(t *testing.T, b *Board, e *Entry, i int, columns ...int64) (improved bool) {
	t.Helper()
	at := noon.Add(time.Duration(i) * time.Second)
	s := Submission{PlayerID: "ada", Columns: columns, AchieveTime: at, ReceiveTime: at, Metadata: []byte(strconv.Itoa(i))}
	improved, err := b.Apply(e, &s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return improved
}

func TestBestKeepsWholeTuples(t *testing.T) {
	b := &Board{ID: "b", Operator: Best, Columns: []Column{points, laps}}
	e := &Entry{}
	submit(t, b, e, 1, 100, 1)
	if improved := submit(t, b, e, 2, 90, 9); improved || !slices.Equal(e.Columns, []int64{100, 1}) || string(e.Metadata) != "1" {
		t.Errorf("(100,1) and then (90,9): %v, columns %v of %s", improved, e.Columns, e.Metadata)
	}
	if !submit(t, b, e, 3, 100, 0) {
		t.Error("fewer laps at the same points did not improve")
	}
	before := *e
	if submit(t, b, e, 4, 100, 0) || e.Key != before.Key {
		t.Error("the same score again moved the entry")
	}
}

func TestTheSameLastOrSumMovesNothing(t *testing.T) {
	for operator, second := range map[Operator]int64{Last: 7, Sum: 0} {
		b := &Board{ID: "b", Operator: operator, Columns: []Column{points}}
		e := &Entry{}
		submit(t, b, e, 1, 7)
		key, version := e.Key, e.Version
		write := submit(t, b, e, 2, second)
		if !write || e.Key != key || e.Version <= version || string(e.Metadata) != "2" {
			t.Errorf("operator %d: write %v, key moved %v, metadata %s", operator, write, e.Key != key, e.Metadata)
		}
	}
}

func TestASumThatDoesNotFitIsRefused(t *testing.T) {
	b := &Board{ID: "b", Operator: Sum, Columns: []Column{points, laps}}
	for _, test := range []struct{ first, second []int64 }{
		{[]int64{math.MaxInt64, 0}, []int64{1, 0}},
		{[]int64{0, math.MinInt64}, []int64{5, -1}},
		{[]int64{1, math.MaxInt64 - 1}, []int64{1, 2}},
	} {
		e := &Entry{}
		submit(t, b, e, 1, test.first...)
		before := *e
		_, err := b.Apply(e, &Submission{Columns: test.second, ReceiveTime: noon}, nil)
		if fault.ReasonOf(err) != "SUM_OVERFLOW" || !fault.Is(err, fault.OutOfRange) || !slices.Equal(e.Columns, before.Columns) || e.Version != before.Version {
			t.Errorf("%v + %v: %v, entry %+v", test.first, test.second, err, e)
		}
	}
	e := &Entry{}
	submit(t, b, e, 1, math.MinInt64, math.MaxInt64)
	submit(t, b, e, 2, math.MaxInt64, math.MinInt64)
	if !slices.Equal(e.Columns, []int64{-1, -1}) {
		t.Errorf("the extremes add up to %v", e.Columns)
	}
}

func TestADeletedEntryBeginsAnew(t *testing.T) {
	b := &Board{ID: "b", Operator: Sum, Columns: []Column{points}}
	e := &Entry{}
	submit(t, b, e, 1, 1000)
	deleted := *e
	deleted.Deleted, deleted.Version = true, NextVersion(e.Version, noon)
	submit(t, b, &deleted, 2, 5)
	if deleted.Columns[0] != 5 || deleted.Deleted || deleted.Version <= e.Version {
		t.Errorf("after a deletion 5 points make %+v", deleted)
	}
}

func TestAHiddenEntryStaysHidden(t *testing.T) {
	b := &Board{ID: "b", Operator: Best, Columns: []Column{points}}
	e := &Entry{}
	submit(t, b, e, 1, 5)
	e.Hidden = true
	if submit(t, b, e, 2, 9); !e.Hidden || e.Columns[0] != 9 || e.Ranked() {
		t.Errorf("%+v", e)
	}
}

// TestApplyIsWhatTheOperatorSays compares a series of submissions with what each operator says of the whole series.
func TestApplyIsWhatTheOperatorSays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := &Board{ID: "b", Operator: rapid.SampledFrom([]Operator{Best, Last, Sum, Count}).Draw(rt, "operator"), Columns: []Column{
			{Name: "a", Descending: rapid.Bool().Draw(rt, "a")}, {Name: "b", Descending: rapid.Bool().Draw(rt, "b")},
		}}
		if b.Operator == Count {
			b.Columns = b.Columns[:1]
		}
		series := rapid.SliceOfN(rapid.SliceOfN(rapid.Int64Range(-3, 3), 2, 2), 1, 12).Draw(rt, "series")
		e := &Entry{}
		for i, columns := range series {
			if b.Operator == Count {
				columns = nil
			}
			version := e.Version
			if submit(t, b, e, i, columns...) == (e.Version == version) {
				rt.Fatal("written without a new version, or the other way round")
			}
		}
		want := slices.Clone(series[len(series)-1])
		switch b.Operator {
		case Count:
			want = []int64{int64(len(series))}
		case Sum:
			want = []int64{0, 0}
			for _, s := range series {
				want[0], want[1] = want[0]+s[0], want[1]+s[1]
			}
		case Best:
			want = slices.MinFunc(series, func(x, y []int64) int {
				return cmp.Or(signed(b.Columns[0], x[0], y[0]), signed(b.Columns[1], x[1], y[1]))
			})
		}
		if !slices.Equal(e.Columns, want) {
			rt.Fatalf("%v gives %v, want %v", series, e.Columns, want)
		}
	})
}

func signed(c Column, x, y int64) int {
	if c.Descending {
		return cmp.Compare(y, x)
	}
	return cmp.Compare(x, y)
}

func TestCheckRefuses(t *testing.T) {
	low, high := int64(-5), int64(1<<53+1)
	b := &Board{
		ID: "b", Operator: Best, InlineBytes: 4, Columns: []Column{{Name: "p", Min: &low, Max: &high}},
		Segments: []Segment{{Name: "platform", Source: FromSubmission, Values: []string{"pc"}}, {Name: "country", Source: FromCountry}},
	}
	for _, test := range []struct {
		s     Submission
		field string
	}{
		{Submission{}, "scores[0].columns"},
		{Submission{Columns: []int64{1, 2}}, "scores[0].columns"},
		{Submission{Columns: []int64{-6}}, "scores[0].columns"},
		{Submission{Columns: []int64{1<<53 + 2}}, "scores[0].columns"},
		{Submission{Columns: []int64{1}, Inline: []byte("12345")}, "scores[0].inline"},
		{Submission{Columns: []int64{1}, Metadata: make([]byte, MaxMetadata+1)}, "scores[0].metadata"},
		{Submission{Columns: []int64{1}, Segments: map[string]string{"platform": "amiga"}}, "scores[0].segments"},
		{Submission{Columns: []int64{1}, Segments: map[string]string{"country": "DE"}}, "scores[0].segments"},
	} {
		if err := b.Check(&test.s, "scores[0]"); !fault.Is(err, fault.InvalidArgument) || fault.As(err).Fields[0].Path != test.field {
			t.Errorf("%+v: %v, want a fault of %s", test.s, err, test.field)
		}
	}
	good := Submission{Columns: []int64{1 << 53}, Segments: map[string]string{"platform": "pc"}}
	if err := b.Check(&good, "scores[0]"); err != nil {
		t.Error(err)
	}
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	daily := &Schedule{Cron: "0 0 * * *", Zone: "UTC"}
	low, high := int64(2), int64(1)
	tier := func(name string, rank int64, percentile float64) Tier {
		return Tier{Name: name, MaxRank: rank, MaxPercentile: percentile}
	}
	for _, test := range []struct {
		b     Board
		field string
	}{
		{Board{Operator: Count, Columns: []Column{points, laps}}, "leaderboard.columns"},
		{Board{Operator: Best, Columns: []Column{points, points}}, "leaderboard.columns[1].name"},
		{Board{Operator: Best, Columns: []Column{{Name: "p", Min: &low, Max: &high}}}, "leaderboard.columns[0].min_value"},
		{Board{Operator: Count, Columns: []Column{{Name: "p", Min: &low}}}, "leaderboard.columns[0].min_value"},
		{Board{Segments: []Segment{{Name: "c", Source: FromCountry}, {Name: "c", Source: FromCountry}}}, "leaderboard.segments[1].name"},
		{Board{PlayersSubmit: true, Segments: []Segment{{Name: "c", Source: FromSubmission}}}, "leaderboard.segments[0].values"},
		{Board{Rewards: []Tier{tier("gold", 1, 0)}}, "leaderboard.rewards"},
		{Board{Schedule: daily, Rewards: []Tier{tier("gold", 1, 1)}}, "leaderboard.rewards[0].max_rank"},
		{Board{Schedule: daily, Rewards: []Tier{tier("gold", 0, 0)}}, "leaderboard.rewards[0].max_rank"},
		{Board{Schedule: daily, Rewards: []Tier{tier("gold", 3, 0), tier("silver", 3, 0)}}, "leaderboard.rewards[1]"},
		{Board{Schedule: daily, Rewards: []Tier{tier("gold", 3, 0), tier("gold", 5, 0)}}, "leaderboard.rewards[1].tier"},
		{Board{Schedule: &Schedule{Cron: "* * * * *", Zone: "UTC"}}, fieldSchedule},
		{Board{Grace: time.Hour, Schedule: &Schedule{Cron: "0 * * * *", Zone: "UTC"}}, fieldSchedule},
		{Board{Schedule: &Schedule{Cron: "0 0 30 2 *", Zone: "UTC"}}, fieldSchedule},
	} {
		var f *fault.Error
		if err := test.b.Validate(noon); !errors.As(err, &f) || f.Fields[0].Path != test.field {
			t.Errorf("%+v: %v, want a fault of %s", test.b, err, test.field)
		}
	}
	good := Board{Schedule: daily, Grace: time.Hour, Rewards: []Tier{tier("gold", 1, 0), tier("silver", 0, 10)}}
	if err := good.Validate(noon); err != nil {
		t.Error(err)
	}
}

func TestTierOf(t *testing.T) {
	b := &Board{Rewards: []Tier{{Name: "champion", MaxRank: 1}, {Name: "gold", MaxPercentile: 5}, {Name: "all", MaxPercentile: 100}}}
	for rank, want := range map[int64]string{1: "champion", 2: "gold", 10: "gold", 11: "all", 200: "all"} {
		if got := TierOf(b.Rewards, rank, 200); got == nil || got.Name != want {
			t.Errorf("place %d of 200 earns %v, want %s", rank, got, want)
		}
	}
	b.Rewards = b.Rewards[:2]
	if got := TierOf(b.Rewards, 11, 200); got != nil {
		t.Errorf("place 11 of 200 earns %v", got)
	}
}

func TestUpdate(t *testing.T) {
	b := &Board{Operator: Best, Columns: []Column{points}, Segments: []Segment{}}
	b.Normalize()
	same := *b
	same.UID, same.Segments = "x", nil
	if !b.Same(&same) {
		t.Error("a definition is not the same as itself with the store's additions")
	}
	if err := b.Update(&Board{DisplayName: "Daily", KeepAttempts: true}, []string{"display_name"}, noon); err != nil || b.DisplayName != "Daily" || b.KeepAttempts || !b.UpdateTime.Equal(noon) {
		t.Errorf("%v, %+v", err, b)
	}
	if b.Same(&same) {
		t.Error("another name is the same definition")
	}
	for _, mask := range [][]string{nil, {"operator"}, {"columns"}, {"nonsense"}} {
		if err := b.Update(&Board{}, mask, noon); !fault.Is(err, fault.InvalidArgument) {
			t.Errorf("mask %v: %v", mask, err)
		}
	}
}
