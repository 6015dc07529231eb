package ranks

import (
	"slices"

	"supergame/services/leaderboard/internal/index"
)

// Record is a ranked entry with the values of its segments.
type Record struct {
	Row
	Segments []string // by segment of the board; "" = none
}

// Records returns the entries of a list from a place on (0 = the best), at most n.
func (s *Season) Records(l List, from, n int64) (records []Record, err error) {
	err = s.read(l, func(tree index.Tree) {
		n = min(n, int64(tree.Len())-from)
		if n <= 0 || from < 0 {
			return
		}
		records = make([]Record, 0, n)
		tree.Range(int(from), int(n), func(e index.Entry) bool {
			records = append(records, Record{Row: s.row(e, from+int64(len(records))+1), Segments: s.valuesOf(e.Segments)})
			return true
		})
	})
	return records, err
}

func (s *Season) valuesOf(ordinals []uint32) []string {
	if len(s.names) == 0 {
		return nil
	}
	values := make([]string, len(s.names))
	for i := range values {
		if i < len(ordinals) && ordinals[i] != 0 {
			values[i] = s.names[i][ordinals[i]-1]
		}
	}
	return values
}

// Values are the values of a segment of the board that are ranked on their own, sorted.
func (s *Season) Values(segment int) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Sorted(slices.Values(s.names[segment]))
}
