package emulator

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"supergame/local/emulator/internal/engine"
	"supergame/local/emulator/internal/sql"
)

// chargeQuery sets the charge of a page and the metrics that were asked for.
func (c *call) chargeQuery(container *engine.Container, q *query, stats sql.Stats) {
	lookups, indexed := q.lookups(q.Filters())
	work := queryWork{lookups: lookups, loaded: stats.DocumentsRead, loadBytes: stats.BytesRead, output: stats.RowsOut}
	if indexed && stats.DocumentsRead > 0 { // the index finds the matches; a scan would have read everything
		work.loaded = stats.DocumentsMatched
		work.loadBytes = stats.BytesRead / stats.DocumentsRead * work.loaded
	}
	if len(q.OrderBy()) > 0 {
		if q.orderedByIndex(container.Info().Properties.Key.Paths) && work.loaded > stats.RowsOut {
			work.loadBytes = work.loadBytes / work.loaded * stats.RowsOut
			work.loaded = stats.RowsOut
		} else {
			work.sorted = !q.orderedByIndex(container.Info().Properties.Key.Paths)
		}
	}
	c.reads(work.charge())
	if flag(c.header, hWantQueryMetrics) {
		c.out.set(hQueryMetrics, queryMetrics(q.times, stats, work, indexed))
	}
	if flag(c.header, hWantIndexMetrics) {
		c.out.set(hIndexUtilization, q.indexUtilization())
	}
}

// lookups counts the values that filters look up in the index, and says whether the index narrows the query down.
func (q *query) lookups(filters []sql.Filter) (n int, indexed bool) {
	for _, f := range filters {
		if f.Op == sql.FilterAny {
			some, all := 0, true
			for _, alternative := range f.Any {
				count, ok := q.lookups(alternative)
				some, all = some+count, all && ok
			}
			if all && len(f.Any) > 0 {
				n, indexed = n+some, true
			}
			continue
		}
		if f.Op != sql.FilterNe && q.policy.Indexes(f.Segments) {
			n, indexed = n+max(1, len(f.Values)), true
		}
	}
	return n, indexed
}

// orderedByIndex says whether the rows come out of an index in the order that is asked for: the order of its one path when nothing
// else is filtered, or a composite index with the filtered paths in front.
func (q *query) orderedByIndex(partitionKey [][]string) bool {
	keys := q.OrderBy()
	var others []sql.SortKey
	for _, f := range q.Filters() {
		if !containsPath(partitionKey, f.Segments) && !equalPath(f.Segments, keys[0].Segments) {
			others = append(others, sql.SortKey{Segments: f.Segments, Descending: keys[0].Descending})
		}
	}
	if len(others) == 0 {
		return true
	}
	return q.hasComposite(append(others, keys...))
}

func containsPath(paths [][]string, path []string) bool {
	for _, p := range paths {
		if equalPath(p, path) {
			return true
		}
	}
	return false
}

// queryTimes is where the time of a page went.
type queryTimes struct{ compile, run time.Duration }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// queryMetrics has the measures that exist here: there is no index to look into and no physical plan to build.
func queryMetrics(t queryTimes, stats sql.Stats, work queryWork, indexed bool) string {
	ratio := 0.0
	if indexed && work.loaded > 0 {
		ratio = float64(stats.DocumentsMatched) / float64(work.loaded)
	}
	return fmt.Sprintf("totalExecutionTimeInMs=%.2f;queryCompileTimeInMs=%.2f;VMExecutionTimeInMs=%.2f;retrievedDocumentCount=%d;"+
		"retrievedDocumentSize=%d;outputDocumentCount=%d;outputDocumentSize=%d;indexUtilizationRatio=%.2f",
		milliseconds(t.compile+t.run), milliseconds(t.compile), milliseconds(t.run), work.loaded, work.loadBytes, stats.RowsOut,
		stats.BytesOut, ratio)
}

type singleIndex struct {
	Filter  string `json:"FilterExpression"`
	Spec    string `json:"IndexSpec"`
	Precise bool   `json:"FilterPreciseSet"`
	Exact   bool   `json:"IndexPreciseSet"`
	Impact  string `json:"IndexImpactScore"`
}

// indexUtilization is the report of which indexes served the query and which would, base64 JSON as the SDKs decode it.
func (q *query) indexUtilization() string {
	used, potential := []singleIndex{}, []singleIndex{}
	var visit func([]sql.Filter)
	visit = func(filters []sql.Filter) {
		for _, f := range filters {
			if f.Op == sql.FilterAny {
				for _, alternative := range f.Any {
					visit(alternative)
				}
				continue
			}
			entry := singleIndex{Spec: f.Path + "/?", Precise: true, Exact: true, Impact: "High"}
			if q.policy.Indexes(f.Segments) {
				used = append(used, entry)
			} else {
				potential = append(potential, entry)
			}
		}
	}
	visit(q.Filters())
	text, err := json.Marshal(map[string]any{
		"UtilizedSingleIndexes": used, "PotentialSingleIndexes": potential,
		"UtilizedCompositeIndexes": []any{}, "PotentialCompositeIndexes": []any{},
	})
	if err != nil { // strings only: cannot be
		return ""
	}
	return base64.StdEncoding.EncodeToString(text)
}
