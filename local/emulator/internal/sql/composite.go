package sql

// CompositePath is one path of a composite index.
type CompositePath struct {
	Path       string
	Descending bool
}

// CompositeServes reports whether one of the composite indexes can serve an ORDER BY on keys. One key needs no
// composite index. Several need an index of exactly these paths in this sequence, with the same directions or
// all of them reversed (learn.microsoft.com/azure/cosmos-db/index-policy, "Composite indexes").
func CompositeServes(keys []SortKey, indexes [][]CompositePath) bool {
	if len(keys) < 2 {
		return true
	}
	for _, index := range indexes {
		if compositeMatches(keys, index, false) || compositeMatches(keys, index, true) {
			return true
		}
	}
	return false
}

func compositeMatches(keys []SortKey, index []CompositePath, reversed bool) bool {
	if len(index) != len(keys) {
		return false
	}
	for i, p := range index {
		if p.Path != keys[i].Path || (p.Descending != keys[i].Descending) != reversed {
			return false
		}
	}
	return true
}
