package sql

import (
	"container/list"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFeatures(t *testing.T) {
	for text, want := range map[string]Features{
		"SELECT * FROM c":                                           0,
		"SELECT * FROM c ORDER BY c.a":                              HasOrderBy,
		"SELECT TOP 1 * FROM c":                                     HasTop,
		"SELECT * FROM c OFFSET 0 LIMIT 1":                          HasOffsetLimit,
		"SELECT DISTINCT c.a FROM c":                                HasDistinct,
		"SELECT c.a FROM c GROUP BY c.a":                            HasGroupBy,
		"SELECT VALUE COUNT(1) FROM c":                              HasAggregate,
		"SELECT x FROM c JOIN x IN c.l":                             HasJoin,
		"SELECT VALUE (SELECT VALUE MAX(x) FROM x IN c.l) FROM c":   HasSubquery,
		"SELECT VALUE COUNT(1) FROM c JOIN (SELECT VALUE c.a) AS x": HasAggregate | HasJoin | HasSubquery,
	} {
		if got := prepare(t, text).Features(); got != want {
			t.Errorf("%s: features %b, want %b", text, got, want)
		}
	}
	for text, want := range map[string]bool{
		"select * from c where c.a = 1 order by c.b": true, "SELECT * FROM root r": true, "SELECT VALUE c FROM c": false,
		"SELECT * FROM c.a": false, "SELECT * FROM x IN c.a": false, "SELECT c.a FROM c": false,
	} {
		if got := prepare(t, text).Star(); got != want {
			t.Errorf("%s: star %v, want %v", text, got, want)
		}
	}
	if got := prepare(t, "SELECT @b FROM c WHERE c.a = @a AND c.b = @b").Parameters(); strings.Join(got, " ") != "@a @b" {
		t.Errorf("parameters %v, want @a @b", got)
	}
}

// shown writes filters in short: path, operator, operands.
func shown(filters []Filter) string {
	var parts []string
	for _, f := range filters {
		if f.Op == FilterAny {
			var alternatives []string
			for _, branch := range f.Any {
				alternatives = append(alternatives, shown(branch))
			}
			parts = append(parts, "("+strings.Join(alternatives, " | ")+")")
			continue
		}
		op := []string{"", "=", "!=", "<", "<=", ">", ">=", "^", "defined"}[f.Op]
		var values []string
		for _, v := range f.Values {
			values = append(values, v.Param+string(v.JSON))
		}
		parts = append(parts, fmt.Sprintf("%s %s %s", f.Path, op, strings.Join(values, ",")))
	}
	return strings.Join(parts, " & ")
}

func TestFilters(t *testing.T) {
	for where, want := range map[string]string{
		"c.a = 1":                               "/a = 1",
		"'x' = c.a.b":                           `/a/b = "x"`,
		"c.a = @p AND c.b > -5 AND f(c)":        "",
		"c.a = @p AND c.b > -5":                 "/a = @p & /b > -5",
		"5 < c.a AND 6 >= c.a":                  "/a > 5 & /a <= 6",
		"c.a BETWEEN 1 AND @p":                  "/a >= 1 & /a <= @p",
		"c.id IN (@a, 'b')":                     `/id = @a,"b"`,
		"c.id NOT IN (@a, 'b')":                 "",
		"c.a != null":                           "/a != null",
		"c.a AND NOT c.b":                       "/a = true & /b = false",
		"IS_NULL(c.a) AND IS_DEFINED(c['x-y'])": `/a = null & /"x-y" defined `,
		"STARTSWITH(c.a, 'x')":                  `/a ^ "x"`,
		"STARTSWITH(c.a, 'x', true)":            "",
		"c.a LIKE 'ab%'":                        `/a ^ "ab"`,
		"c.a LIKE '%ab'":                        "",
		"(c.id = @a AND c.pk = @b) OR (c.id = @c AND IS_NULL(c.pk))": "(/id = @a & /pk = @b | /id = @c & /pk = null)",
		"c.a = 1 OR ABS(c.b) = 2":                                    "",
		"c.a[0] = 1":                                                 "",
		"c.a = c.b":                                                  "",
		"c.a = [1, {x: 2}]":                                          `/a = [1,{"x":2}]`,
		"c.a = undefined":                                            "",
		"NOT (c.a = 1)":                                              "",
	} {
		q, err := Prepare("SELECT * FROM c WHERE " + where)
		if err != nil {
			if want != "" || !strings.Contains(where, "f(c)") {
				t.Errorf("%s: %v", where, err)
			}
			continue
		}
		if got := shown(q.Filters()); got != want {
			t.Errorf("%s: filters %q, want %q", where, got, want)
		}
	}
	if got := shown(prepare(t, "SELECT x FROM c JOIN x IN c.l WHERE x.a = 1 AND c.b = 2").Filters()); got != "/b = 2" {
		t.Errorf("with a join: %q, want the filter on the document alone", got)
	}
}

func TestSortKeys(t *testing.T) {
	got := prepare(t, `SELECT * FROM c ORDER BY c.a.b DESC, c["x-y"], c["order"]`).OrderBy()
	want := []SortKey{{"/a/b", []string{"a", "b"}, true}, {`/"x-y"`, []string{"x-y"}, false}, {"/order", []string{"order"}, false}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// learn.microsoft.com/azure/cosmos-db/index-policy, "Composite indexes": the table of ORDER BY queries.
func TestCompositeServes(t *testing.T) {
	index := func(spec string) []CompositePath {
		var out []CompositePath
		for _, p := range strings.Fields(spec) {
			out = append(out, CompositePath{Path: "/" + strings.TrimRight(p, "+-"), Descending: strings.HasSuffix(p, "-")})
		}
		return out
	}
	for _, c := range []struct {
		index, order string
		want         bool
	}{
		{"name+ age+", "c.name ASC, c.age ASC", true},
		{"name+ age+", "c.age ASC, c.name ASC", false},
		{"name+ age+", "c.name DESC, c.age DESC", true},
		{"name+ age+", "c.name ASC, c.age DESC", false},
		{"name+ age+ timestamp+", "c.name ASC, c.age ASC, c.timestamp ASC", true},
		{"name+ age+ timestamp+", "c.name ASC, c.age ASC", false},
		{"", "c.name", true},
		{"", "c.name, c.age", false},
	} {
		keys := prepare(t, "SELECT * FROM c ORDER BY "+c.order).OrderBy()
		if got := CompositeServes(keys, [][]CompositePath{index("other+ x+"), index(c.index)}); got != c.want {
			t.Errorf("index %q, order %q: %v, want %v", c.index, c.order, got, c.want)
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := cache{byText: map[string]*list.Element{}}
	for i := range 3 * cachedQueries {
		if _, err := c.get(fmt.Sprintf("SELECT VALUE %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.byText) != cachedQueries || c.recent.Len() != cachedQueries {
		t.Errorf("%d texts and %d queries cached, want %d", len(c.byText), c.recent.Len(), cachedQueries)
	}
	last := fmt.Sprintf("SELECT VALUE %d", 3*cachedQueries-1)
	a, _ := c.get(last)
	if b, _ := c.get(last); a != b {
		t.Error("the same text was prepared twice")
	}
}
