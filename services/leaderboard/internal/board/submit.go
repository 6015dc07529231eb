package board

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"time"

	"supergame/services/platform/fault"
)

// Submission is one result on its way to one board.
type Submission struct {
	PlayerID    string
	Columns     []int64 // as many as the board has; none for Count
	Metadata    []byte  // JSON object, nil without
	Inline      []byte
	Segments    map[string]string // of the source FromSubmission
	Country     string            // of the player's profile; "" = not said
	AchieveTime time.Time
	ReceiveTime time.Time // by this service's clock
}

// MaxMetadata is how long the metadata of a score may be, as JSON.
const MaxMetadata = 1 << 10

// Check refuses a submission that the board does not take, whatever stands there. Path is where the score stands in the request, for example
// "scores[2]".
func (b *Board) Check(s *Submission, path string) error {
	if err := b.checkColumns(s.Columns, path+".columns"); err != nil {
		return err
	}
	if len(s.Metadata) > MaxMetadata {
		return fault.Invalid(path+".metadata", "has %d bytes as JSON; at most %d are kept", len(s.Metadata), MaxMetadata)
	}
	if len(s.Inline) > b.InlineBytes {
		return fault.Invalid(path+".inline", "has %d bytes; board %s keeps %d", len(s.Inline), b.ID, b.InlineBytes)
	}
	for name, value := range s.Segments {
		i := slices.IndexFunc(b.Segments, func(g Segment) bool { return g.Name == name && g.Source == FromSubmission })
		if i < 0 {
			return fault.Invalid(path+".segments", "board %s takes no value of a segment %q with a score", b.ID, name)
		}
		if known := b.Segments[i].Values; len(known) > 0 && !slices.Contains(known, value) {
			return fault.Invalid(path+".segments", "%q is none of the values of segment %q", value, name)
		}
	}
	return nil
}

func (b *Board) checkColumns(columns []int64, path string) error {
	want := len(b.Columns)
	if b.Operator == Count {
		want = 0
	}
	if len(columns) != want {
		return fault.Invalid(path, "has %d numbers; a score of board %s has %d", len(columns), b.ID, want)
	}
	for i, value := range columns {
		c := &b.Columns[i]
		if c.Min != nil && value < *c.Min || c.Max != nil && value > *c.Max {
			return fault.Invalid(path, "%s = %d is not within the bounds of board %s", c.Name, value, b.ID)
		}
	}
	return nil
}

// Apply decides what a submission does to the entry that stands (an empty one where there is none), and changes it. It reports whether
// it did: then the entry is to be written. OutOfRange (SUM_OVERFLOW) when a sum leaves int64: nothing is changed then. That a submission
// is not applied twice is the store's part: it knows the operations that an entry carries.
func (b *Board) Apply(e *Entry, s *Submission, secret []byte) (improved bool, err error) {
	stands := e.Version != 0 && !e.Deleted
	columns, takes, err := b.combine(e, s, stands)
	if err != nil || !takes {
		return false, err
	}
	moved := !stands || !slices.Equal(columns, e.Columns)
	if moved { // reaching the same score again moves nothing
		e.ReceiveTime = s.ReceiveTime
	}
	e.AchieveTime = s.AchieveTime
	e.Columns = columns
	e.Key = NewKey(b.Columns, columns, e.ReceiveTime, s.PlayerID, secret)
	e.Metadata, e.Inline = s.Metadata, s.Inline
	e.Segments = b.segmentsOf(s, e.Segments)
	if e.Deleted { // it begins anew
		e.Deleted, e.Hidden, e.HideReason = false, false, ""
	}
	e.ScoredTime = time.Time{} // with this write
	e.Version = NextVersion(e.Version, s.ReceiveTime)
	return true, nil
}

// combine gives the columns that stand after the submission, and whether it is taken at all.
func (b *Board) combine(e *Entry, s *Submission, stands bool) (columns []int64, takes bool, err error) {
	switch {
	case b.Operator == Count && stands:
		columns, err = sum(b, e.Columns, []int64{1})
		return columns, true, err
	case b.Operator == Count:
		return []int64{1}, true, nil
	case !stands || b.Operator == Last:
		return s.Columns, true, nil
	case b.Operator == Sum:
		columns, err = sum(b, e.Columns, s.Columns)
		return columns, true, err
	}
	return s.Columns, b.Better(s.Columns, e.Columns), nil
}

// Better reports whether a whole tuple of columns stands before another.
func (b *Board) Better(x, y []int64) bool {
	return bytes.Compare(AppendColumns(nil, b.Columns, x), AppendColumns(nil, b.Columns, y)) < 0
}

func sum(b *Board, x, y []int64) ([]int64, error) {
	total := make([]int64, len(x))
	for i := range x {
		if y[i] > 0 && x[i] > math.MaxInt64-y[i] || y[i] < 0 && x[i] < math.MinInt64-y[i] {
			return nil, fault.New(fault.OutOfRange, "SUM_OVERFLOW", "%s of board %s is %d; %d more does not fit in 64 bits", b.Columns[i].Name, b.ID, x[i], y[i]).
				With("board_id", b.ID).With("column", b.Columns[i].Name).With("value", strconv.FormatInt(x[i], 10))
		}
		total[i] = x[i] + y[i]
	}
	return total, nil
}

// segmentsOf gives an entry's values: those of the submission, the profile's country, and else those that stand.
func (b *Board) segmentsOf(s *Submission, stored map[string]string) map[string]string {
	if len(b.Segments) == 0 {
		return nil
	}
	values := map[string]string{}
	for i := range b.Segments {
		g := &b.Segments[i]
		value := stored[g.Name]
		if given := s.Segments[g.Name]; given != "" && g.Source == FromSubmission {
			value = given
		}
		if g.Source == FromCountry && s.Country != "" {
			value = s.Country
		}
		if value != "" {
			values[g.Name] = value
		}
	}
	return values
}
