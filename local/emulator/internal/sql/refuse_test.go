package sql

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestSyntaxErrors(t *testing.T) {
	for text, message := range map[string]string{
		"":                                      "end-of-file",
		"   ":                                   "end-of-file",
		"SELEC * FROM c":                        "near 'SELEC'",
		"SELECT":                                "end-of-file",
		"SELECT * FROM":                         "end-of-file",
		"SELECT * FROM c WHERE":                 "end-of-file",
		"SELECT * FROM c WHERE c.":              "end-of-file",
		"SELECT * FROM c WHERE c.a = ":          "end-of-file",
		"SELECT * FROM c WHERE c.a == 1":        "'='",
		"SELECT * FROM c WHERE (c.a = 1":        "end-of-file",
		"SELECT * FROM c WHERE c.a = 1)":        "')'",
		"SELECT * FROM c c2 c3":                 "'c3'",
		"SELECT * FROM c ORDER c.a":             "'c'",
		"SELECT * FROM c ORDER BY":              "end-of-file",
		"SELECT * FROM c WHERE c.a IN ()":       "')'",
		"SELECT * FROM c WHERE c.a IN 1":        "'1'",
		"SELECT * FROM c WHERE c.a BETWEEN 1":   "end-of-file",
		"SELECT * FROM c WHERE c.a NOT 1":       "'1'",
		"SELECT 'abc":                           "not closed",
		`SELECT "a\q"`:                          "escape",
		`SELECT "\u12"`:                         "escape",
		"SELECT 'a\nb'":                         "control characters",
		"SELECT 1abc":                           "'1abc'",
		"SELECT 1e999":                          "out of range",
		"SELECT 0x":                             "hexadecimal",
		"SELECT @":                              "'@'",
		"SELECT #":                              "'#'",
		"SELECT \xff":                           "near",
		"SELECT c.order FROM c":                 "reserved word",
		"SELECT c.value FROM c":                 "reserved word",
		"SELECT c.a AS order FROM c":            "reserved word",
		"SELECT VALUE {a: 1,, b: 2}":            "','",
		"SELECT VALUE [1,,2]":                   "','",
		"SELECT VALUE {1: 2}":                   "'1'",
		"SELECT * FROM c; SELECT * FROM c":      "'SELECT'",
		"SELECT * FROM c LIMIT 1":               "reserved word",
		"SELECT * FROM c /* x */":               "'/'",
		"SELECT VALUE a ? b":                    "end-of-file",
		"DELETE FROM c":                         "'DELETE'",
		"SELECT * FROM c WHERE c.a = 1 AND":     "end-of-file",
		"SELECT * FROM c WHERE c.a LIKE 'a' b":  "'b'",
		"SELECT VALUE ARRAY(1)":                 "'1'",
		"SELECT VALUE EXISTS(1)":                "'1'",
		"SELECT * FROM c, d":                    "','",
		"SELECT * FROM c JOIN":                  "end-of-file",
		"SELECT VALUE c[ FROM c":                "reserved word",
		"SELECT * FROM (SELECT VALUE 1":         "end-of-file",
		"SELECT * FROM c WHERE c.a = 'it''s'":   "''s''",
		"SELECT * FROM c GROUP c.a":             "'c'",
		"SELECT * FROM c OFFSET 'a' LIMIT 1":    "''a''",
		"SELECT DISTINCT":                       "end-of-file",
		"SELECT TOP FROM c":                     "reserved word",
		"SELECT * FROM c WHERE c.a IN (1 2)":    "'2'",
		"SELECT * FROM c WHERE NOT":             "end-of-file",
		"SELECT VALUE {'a': 1, 'a': 2} FROM c ": "repeated",
	} {
		_, err := Prepare(text)
		e, ok := err.(*Error) //nolint:errorlint // the type is the contract
		if !ok || !strings.Contains(e.Message, message) {
			t.Errorf("%q: error %v, want one with %q", text, err, message)
		}
	}
}

func TestErrorPlace(t *testing.T) {
	_, err := Prepare("SELECT * FROM c WHERE c.a ! 1")
	e, ok := err.(*Error) //nolint:errorlint // the type is the contract
	if !ok || e.Start != 26 || e.End != 27 || e.Code() != "SC1001" {
		t.Errorf("got %+v, want the place 26 to 27 and SC1001", err)
	}
}

// Operators whose grouping Microsoft does not document, and other implementations disagree about, need parentheses.
func TestAmbiguousPrecedence(t *testing.T) {
	for _, text := range []string{
		"1 & 2 = 2", "1 = 1 | 2", "1 ^ 2 < 3", "'a' || 'b' = 'ab'", "'a' || 1 & 2", "1 | 2 || 3", "NOT 1 = 2", "NOT 1 IN (2)",
		"NOT 'a' LIKE 'b'", "NOT 1 + 2", "1 ?? 2 ? 3 : 4", "true OR false ?? true", "true ?? false AND true", "true AND 'a' || 'b'",
	} {
		fails(t, "SELECT VALUE "+text, Syntax, "add parentheses")
	}
	evaluates(t, [][2]string{
		{"(1 & 3) = 1", "true"}, {"('a' || 'b') = 'ab'", "true"}, {"NOT (1 = 2)", "true"}, {"(true OR false) ?? true", "true"}, {"NOT true AND true", "false"},
		{"1 << 1 < 3", "true"}, {"1 + 2 << 1", "6"}, {"NOT (1 IN (2))", "true"},
	})
}

// Input nested to any depth is refused, in time proportional to its length.
func TestNestedInput(t *testing.T) {
	const n = 500_000
	for _, text := range []string{
		strings.Repeat("(", n), strings.Repeat("[", n), strings.Repeat("{a:", n/4), strings.Repeat("NOT ", n/4), strings.Repeat("- ", n/2), strings.Repeat("~", n),
		strings.Repeat("(SELECT VALUE ", n/20), strings.Repeat("ABS(", n/4), strings.Repeat("EXISTS(SELECT VALUE ", n/40), "c" + strings.Repeat(".a", n/2),
		"c" + strings.Repeat("[0]", n/4), "c" + strings.Repeat("[c", n/4), strings.Repeat("true ? 1 : ", n/20), strings.Repeat("(", 1000) + "1" + strings.Repeat(")", 1000),
	} {
		began := time.Now()
		_, err := Prepare("SELECT VALUE " + text)
		if err == nil || !strings.Contains(err.Error(), "Syntax error") {
			t.Errorf("%.30s...: error %v, want a syntax error", text, err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%.30s...: refused only after %v", text, took)
		}
	}
	if _, err := Prepare("SELECT * FROM c WHERE c.a = '" + strings.Repeat("x", maxText) + "'"); err == nil {
		t.Error("a text above the limit was accepted")
	}
}

// A long query that is flat is fine: ReadMany asks for a thousand items at once.
func TestLongFlatQueries(t *testing.T) {
	or := strings.Repeat("(c.id = 'a' AND c.pk = 'b') OR ", 3000) + "c.id = '1'"
	expect(t, "SELECT VALUE c.id FROM c WHERE "+or, []string{`{"id":"1"}`, `{"id":"2"}`}, `["1"]`)
	sum := strings.Repeat("1 + ", 20000) + "1"
	expect(t, "SELECT VALUE "+sum, nil, `[20001]`)
}

// Subqueries can double a value in every step; what they build is bounded.
func TestGrowthIsBounded(t *testing.T) {
	for _, double := range []string{"CONCAT(%s, %s)", "%s || %s", "[%s, %s]", "{a: %s, b: %s}", "ARRAY_CONCAT([%s], [%s])", "StringJoin([%s, %s], 'x')"} {
		text, last := "SELECT VALUE 1 FROM c", "c.id"
		for i := range 100 {
			name := fmt.Sprintf("v%d", i)
			text += " JOIN (SELECT VALUE " + fmt.Sprintf(double, last, last) + ") " + name
			last = name
		}
		fails(t, text, Evaluation, "more than")
	}
	q := prepare(t, "SELECT VALUE ARRAY(SELECT VALUE a FROM a IN c.l JOIN b IN c.l JOIN d IN c.l JOIN e IN c.l JOIN f IN c.l) FROM c")
	doc := `{"l":[` + strings.Repeat(`"0123456789",`, 49) + `1]}`
	if _, err := q.Run(Input{Documents: scan(doc)}, func([]byte) bool { return true }); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("%s: error %v, want a refusal", q.Text(), err)
	}
	fails(t, "SELECT VALUE REPLACE(a, 'x', a) FROM c JOIN (SELECT VALUE REPLICATE('x', 10000)) a", Evaluation, "more than")
}

func TestCancel(t *testing.T) {
	cancel := make(chan struct{})
	close(cancel)
	q := prepare(t, "SELECT VALUE 1 FROM c JOIN a IN c.l JOIN b IN c.l JOIN d IN c.l JOIN e IN c.l WHERE false")
	doc := `{"l":[` + strings.Repeat("1,", 500) + `1]}`
	_, err := q.Run(Input{Documents: scan(doc), Cancel: cancel}, func([]byte) bool { return true })
	if err == nil || !strings.Contains(err.Error(), "cancelled") {
		t.Errorf("error %v, want that of a cancelled query", err)
	}
}
