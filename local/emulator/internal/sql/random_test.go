package sql

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// decoded copies a stored value into the form that expressions build, so that nothing of it is read lazily.
func decoded(v value) value {
	if !v.stored {
		return v
	}
	switch v.kind {
	case kindNumber:
		if i, ok := v.integer(); ok && (i > 1<<53 || i < -1<<53) {
			return integer(i)
		}
		return number(v.float())
	case kindString:
		return text(bytes.Clone(v.bytes()))
	case kindArray:
		var vals []value
		for _, e := range v.elements() {
			vals = append(vals, decoded(e))
		}
		return arrayOf(vals)
	case kindObject:
		keys, vals := v.members()
		for i := range vals {
			vals[i] = decoded(vals[i])
		}
		return objectOf(keys, vals)
	case kindBool:
		return boolean(v.truth)
	default:
		return null
	}
}

var (
	someKeys    = rapid.SampledFrom([]string{"a", "b", "c"})
	someScalars = rapid.SampledFrom([]string{"null", "true", "false", "0", "-0", "1", "-1.5", "2e3", "12345678901234567", `""`, `"a"`, `"B"`, `"a\u0062\n"`, `"\ud83d\ude00é"`, `"2020-01-02T03:04:05Z"`, `"[1]"`})
)

// someJSON draws a JSON text with white space here and there.
func someJSON(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		space := rapid.SampledFrom([]string{"", "", " ", "\n"}).Draw(t, "space")
		switch shape := rapid.IntRange(0, 3).Draw(t, "shape"); {
		case depth > 0 && shape == 0:
			items := rapid.SliceOfN(someJSON(depth-1), 0, 3).Draw(t, "items")
			return "[" + space + strings.Join(items, space+",") + space + "]"
		case depth > 0 && shape == 1:
			return someObject(depth).Draw(t, "object")
		default:
			return someScalars.Draw(t, "scalar")
		}
	})
}

func someObject(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var members []string
		for i := range rapid.IntRange(0, 4).Draw(t, "members") {
			key := rapid.SampledFrom([]string{`"a"`, `"b"`, `"c"`, `"\u0061"`, `"z"`}).Draw(t, fmt.Sprint("key", i))
			members = append(members, key+" :"+someJSON(depth-1).Draw(t, "value"))
		}
		return "{" + strings.Join(members, ",") + "}"
	})
}

// someExpr draws an expression over the alias c, and x inside subqueries.
func someExpr(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		sub := func() string { return someExpr(depth-1).Draw(t, "operand") }
		if depth == 0 || rapid.IntRange(0, 3).Draw(t, "leaf") == 0 {
			return rapid.OneOf(rapid.Just("c"), rapid.Map(someKeys, func(k string) string { return "c." + k }),
				rapid.Map(someKeys, func(k string) string { return `c["b"].` + k }), rapid.Just("c.a[0]"), rapid.Just("c.b[1].a"), rapid.Just("@p"),
				rapid.SampledFrom([]string{"1", "'a'", "true", "null", "undefined", "-2", "0.5", "[1, 'a']", "{a: 1}", "NaN"})).Draw(t, "leaf")
		}
		switch rapid.IntRange(0, 10).Draw(t, "form") {
		case 0:
			op := rapid.SampledFrom([]string{"=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", ">>>", "||", "AND", "OR", "??"}).Draw(t, "op")
			return "((" + sub() + ") " + op + " (" + sub() + "))"
		case 1:
			return "(" + rapid.SampledFrom([]string{"NOT", "-", "~", "+"}).Draw(t, "op") + " (" + sub() + "))"
		case 2:
			return "((" + sub() + ") ? (" + sub() + ") : (" + sub() + "))"
		case 3:
			return "((" + sub() + ") IN (" + sub() + ", " + sub() + "))"
		case 4:
			return "((" + sub() + ") BETWEEN (" + sub() + ") AND (" + sub() + "))"
		case 5:
			return "((" + sub() + ") LIKE 'a%')"
		case 6:
			return "[" + sub() + ", " + sub() + "]"
		case 7:
			return "{a: " + sub() + ", 'b': " + sub() + "}"
		case 8:
			return "ARRAY(SELECT VALUE x FROM x IN c." + someKeys.Draw(t, "key") + " WHERE " + strings.ReplaceAll(sub(), "c.a", "x") + ")"
		case 9:
			return "EXISTS(SELECT VALUE x FROM x IN c." + someKeys.Draw(t, "key") + " WHERE x = " + sub() + ")"
		default:
			fn := rapid.SampledFrom([]string{"IS_DEFINED", "IS_NULL", "IS_NUMBER", "ABS", "UPPER", "LENGTH", "ARRAY_LENGTH", "ToString", "REVERSE", "ROUND",
				"ObjectToArray", "StringToArray", "ARRAY_MAX", "YEAR", "IS_INTEGER"}).Draw(t, "function")
			return fn + "(" + sub() + ")"
		}
	})
}

// evalRow is the row that a query makes of one document, "" for none. A document that makes it fail counts as such.
func evalRow(t *rapid.T, q *Query, root value, param string) string {
	r := &run{plan: q.plan, in: Input{Params: params("@p", param), Now: testNow}}
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	r.f.slots[0] = root
	row := ""
	q.plan.sel.matches(&r.f, func() bool {
		v := q.plan.sel.project.eval(&r.f)
		if !finite(v) {
			row = "not finite"
		} else if !v.isUndefined() {
			row = string(appendCompact(nil, v))
		}
		return true
	})
	if r.f.err != nil {
		return "failed"
	}
	return row
}

// Reading values where they lie gives what decoding the whole document first gives.
func TestLazyEqualsDecoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := someObject(3).Draw(t, "document")
		param := someJSON(2).Draw(t, "parameter")
		text := "SELECT VALUE " + someExpr(3).Draw(t, "select") + " FROM c WHERE (" + someExpr(2).Draw(t, "where") + ") ?? true"
		q, err := compile(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		lazy, ok := fromJSON([]byte(doc))
		if !ok {
			t.Fatalf("the generator made no JSON: %s", doc)
		}
		got, want := evalRow(t, q, lazy, param), evalRow(t, q, decoded(lazy), param)
		if got != want {
			t.Fatalf("%s\non %s, @p = %s\nlazy:    %s\ndecoded: %s", text, doc, param, got, want)
		}
	})
}

// A printed tree parses to a tree that prints the same, and means the same.
func TestPrintRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := "SELECT VALUE " + someExpr(4).Draw(t, "expression") + " FROM c"
		tree, err := parse(src)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		printed := printQuery(tree)
		again, err := parse(printed)
		if err != nil {
			t.Fatalf("%s\nprinted: %s\n%v", src, printed, err)
		}
		if twice := printQuery(again); twice != printed {
			t.Fatalf("%s\nprinted: %s\ntwice:   %s", src, printed, twice)
		}
	})
}

// A long OR over one path, and a long IN, mean what the same terms mean when asked one by one.
func TestDispatchEqualsTermByTerm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := someObject(2).Draw(t, "document")
		n := rapid.IntRange(longList, 2*longList).Draw(t, "terms")
		keys := rapid.SliceOfN(rapid.SampledFrom([]string{"1", "'a'", "true", "null", "undefined", "@p", "[1]", "-2", "0", "'B'"}), n, n).Draw(t, "keys")
		var terms, short []string
		for _, k := range keys {
			rest := rapid.SampledFrom([]string{"", " AND c.b = 1", " AND c.c != @p", " AND c.z", " AND c.a = 1"}).Draw(t, "rest")
			terms = append(terms, "(c.a = "+k+rest+")")
			short = append(short, "(c.a = "+k+rest+")")
		}
		nested := short[0]
		for _, s := range short[1:] {
			nested = "(" + nested + " OR " + s + ")" // chains of two, which no table serves
		}
		in := strings.Join(keys, ", ")
		for long, plain := range map[string]string{strings.Join(terms, " OR "): nested, "c.a IN (" + in + ")": "(" + strings.ReplaceAll("c.a IN ("+in, ", ", ") OR c.a IN (") + "))"} {
			param := someScalars.Draw(t, "parameter")
			root, _ := fromJSON([]byte(doc))
			got, want := "", ""
			for text, to := range map[string]*string{long: &got, plain: &want} {
				q, err := compile("SELECT VALUE (" + text + ") ?? 'undefined' FROM c WHERE @p = @p")
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				*to = evalRow(t, q, root, param)
			}
			if got != want {
				t.Fatalf("%s on %s, @p = %s: %s, term by term %s", long, doc, param, got, want)
			}
		}
	})
}

// The order of values is total and consistent with equality and with the identity bytes.
func TestRankIsAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v [3]value
		for i := range v {
			v[i], _ = fromJSON([]byte(someJSON(2).Draw(t, fmt.Sprint("value", i))))
		}
		a, b, c := v[0], v[1], v[2]
		if rank(a, b) != -rank(b, a) || rank(a, a) != 0 {
			t.Fatalf("rank is not antisymmetric")
		}
		if rank(a, b) <= 0 && rank(b, c) <= 0 && rank(a, c) > 0 {
			t.Fatalf("rank is not transitive")
		}
		if (rank(a, b) == 0) != same(a, b) || same(a, b) != bytes.Equal(appendIdentity(nil, a), appendIdentity(nil, b)) {
			t.Fatalf("rank, equality and identity disagree")
		}
	})
}
