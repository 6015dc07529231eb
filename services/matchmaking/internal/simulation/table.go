package simulation

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one line of the table: a value for each result, and how a difference is written; "" for none.
type row struct {
	name   string
	value  func(r *Result) float64
	format func(x float64) string
}

// at returns the q-th part of an ascending list, NaN of an empty one.
func at[T cmp.Ordered](list []T, q float64, number func(T) float64) float64 {
	if len(list) == 0 {
		return math.NaN()
	}
	return number(list[min(len(list)-1, int(q*float64(len(list))))])
}

func seconds(x float64) string { return fmt.Sprintf("%.2f s", x) }
func whole(x float64) string   { return fmt.Sprintf("%.0f", x) }
func ms(x float64) string      { return fmt.Sprintf("%.0f ms", x) }
func decimal(x float64) string { return fmt.Sprintf("%.3f", x) }
func percent(x float64) string { return fmt.Sprintf("%.2f %%", x) }

// part returns n of a result's tickets in percent.
func part(n int, r *Result) float64 {
	if r.Tickets == 0 {
		return math.NaN()
	}
	return float64(n) / float64(r.Tickets) * 100
}

// mean returns the mean of a quality that adds nothing up without matches.
func mean(x float64, r *Result) float64 {
	if r.Matches == 0 {
		return math.NaN()
	}
	return x
}

func rows() []row {
	list := []row{
		{"tickets", func(r *Result) float64 { return float64(r.Tickets) }, whole},
		{"matches", func(r *Result) float64 { return float64(r.Matches) }, whole},
		{"matched", func(r *Result) float64 { return part(r.Matched, r) }, percent},
		{"expired", func(r *Result) float64 { return part(r.Expired, r) }, percent},
		{"cancelled", func(r *Result) float64 { return part(r.Cancelled, r) }, percent},
		{"refused", func(r *Result) float64 { return part(r.refused(), r) }, percent},
	}
	quantiles := []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}}
	for _, q := range quantiles {
		list = append(list, row{"wait " + q.name, func(r *Result) float64 { return at(r.Waits, q.q, time.Duration.Seconds) }, seconds})
	}
	for _, q := range quantiles {
		list = append(list, row{"rating spread " + q.name, func(r *Result) float64 { return at(r.Spreads, q.q, func(x float64) float64 { return x }) }, decimal})
	}
	for _, q := range quantiles {
		list = append(list, row{"latency " + q.name, func(r *Result) float64 { return at(r.Latencies, q.q, func(x int) float64 { return float64(x) }) }, ms})
	}
	return append(list,
		row{"closeness", func(r *Result) float64 { return mean(r.Closeness, r) }, decimal},
		row{"quality", func(r *Result) float64 { return mean(r.Quality, r) }, decimal},
	)
}

func (r *Result) refused() int {
	n := 0
	for _, count := range r.Refused {
		n += count
	}
	return n
}

// Table writes what became of the tickets: one column for each result, and of two the difference. A dash means that there was nothing to
// measure.
func Table(to io.Writer, results ...Result) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	heads := []string{""}
	for _, r := range results {
		heads = append(heads, r.Queue)
	}
	if len(results) == 2 {
		heads = []string{"", "before: " + results[0].Queue, "after: " + results[1].Queue, "difference"}
	}
	fmt.Fprintln(table, strings.Join(heads, "\t")+"\t")
	for _, row := range rows() {
		cells := []string{row.name}
		for i := range results {
			cells = append(cells, written(row.value(&results[i]), row.format))
		}
		if len(results) == 2 {
			difference := row.value(&results[1]) - row.value(&results[0])
			cells = append(cells, signed(difference, row.format))
		}
		fmt.Fprintln(table, strings.Join(cells, "\t")+"\t")
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	for _, r := range results {
		for _, rule := range slices.Sorted(maps.Keys(r.Refused)) {
			if _, err := fmt.Fprintf(to, "%s: rule %s refuses %d tickets that no match could hold\n", r.Queue, rule, r.Refused[rule]); err != nil {
				return fmt.Errorf("writing the table: %w", err)
			}
		}
	}
	return nil
}

func written(x float64, format func(float64) string) string {
	if math.IsNaN(x) {
		return "-"
	}
	return format(x)
}

func signed(x float64, format func(float64) string) string {
	if x > 0 {
		return "+" + format(x)
	}
	return written(x, format)
}
