package sql

import (
	"fmt"
	"testing"
)

// evaluates checks constant expressions; want "undefined" for no value.
func evaluates(t *testing.T, cases [][2]string) {
	t.Helper()
	for _, c := range cases {
		want := "[" + c[1] + "]"
		if c[1] == "undefined" {
			want = "[]"
		}
		expect(t, "SELECT VALUE "+c[0], nil, want)
	}
}

// learn.microsoft.com/azure/cosmos-db/nosql/query/logical-operators: the three truth tables.
func TestLogicalOperators(t *testing.T) {
	evaluates(t, [][2]string{
		{"true OR true", "true"}, {"true OR false", "true"}, {"true OR undefined", "true"},
		{"false OR true", "true"}, {"false OR false", "false"}, {"false OR undefined", "undefined"},
		{"undefined OR true", "true"}, {"undefined OR false", "undefined"}, {"undefined OR undefined", "undefined"},
		{"true AND true", "true"}, {"true AND false", "false"}, {"true AND undefined", "undefined"},
		{"false AND true", "false"}, {"false AND false", "false"}, {"false AND undefined", "false"},
		{"undefined AND true", "undefined"}, {"undefined AND false", "false"}, {"undefined AND undefined", "undefined"},
		{"NOT true", "false"}, {"NOT false", "true"}, {"NOT undefined", "undefined"},
		// what is not boolean counts as undefined
		{"NOT 1", "undefined"}, {"1 AND false", "false"}, {"1 AND true", "undefined"}, {"'x' OR true", "true"}, {"null OR false", "undefined"},
		// precedence: NOT, AND, OR
		{"true OR false AND false", "true"}, {"NOT false AND false", "false"}, {"NOT true OR true", "true"},
		{"false AND undefined OR true", "true"},
	})
}

// learn.microsoft.com/azure/cosmos-db/nosql/query/equality-comparison-operators. The table there calls equality across
// types undefined; the service answers false, as its .NET SDK's offline engine does, and undefined only for undefined.
func TestEquality(t *testing.T) {
	values := []string{"undefined", "null", "true", "1", "'1'", "[1]", "{a: 1}"}
	for i, a := range values {
		for j, b := range values {
			want, not := fmt.Sprint(i == j), fmt.Sprint(i != j)
			if i == 0 || j == 0 {
				want, not = "undefined", "undefined"
			}
			evaluates(t, [][2]string{{a + " = " + b, want}, {a + " != " + b, not}, {a + " <> " + b, not}})
		}
	}
	evaluates(t, [][2]string{
		{"1 = 1.0", "true"}, {"0 = -0", "true"}, {"'a' = 'A'", "false"}, {"true = false", "false"},
		{"[1, [2]] = [1, [2]]", "true"}, {"[1, 2] = [2, 1]", "false"},
		{"{a: 1, b: {c: 2}} = {b: {c: 2}, a: 1}", "true"}, {"{a: 1} = {a: 1, b: 2}", "false"},
		{"{a: undefined} = {}", "true"}, {"NaN = NaN", "false"},
	})
}

// Relations hold only within one primitive type.
func TestRelations(t *testing.T) {
	values := []string{"undefined", "null", "false", "1", "'1'", "[1]", "{a: 1}"}
	for i, a := range values {
		for j, b := range values {
			less, atMost := "undefined", "undefined"
			if i == j && i >= 1 && i <= 4 {
				less, atMost = "false", "true"
			}
			evaluates(t, [][2]string{{a + " < " + b, less}, {a + " > " + b, less}, {a + " <= " + b, atMost}, {a + " >= " + b, atMost}})
		}
	}
	evaluates(t, [][2]string{
		{"1 < 2", "true"}, {"2 <= 1", "false"}, {"-1 > -2", "true"}, {"false < true", "true"},
		{"'a' < 'b'", "true"}, {"'B' < 'a'", "true"}, {"'a' < 'ab'", "true"}, {"'é' > 'z'", "true"},
	})
}

// Arithmetic is on doubles, and undefined for other types.
func TestArithmetic(t *testing.T) {
	evaluates(t, [][2]string{
		{"1 + 2 * 3", "7"}, {"(1 + 2) * 3", "9"}, {"7 / 2", "3.5"}, {"7 % 3", "1"}, {"-7 % 3", "-1"}, {"7.5 % 2", "1.5"},
		{"10 - 4 - 3", "3"}, {"2 * 3 % 4", "2"}, {"- 3", "-3"}, {"- - 3", "3"}, {"+ 3", "3"}, {"0.1 + 0.2", "0.30000000000000004"},
		{"1 + 'a'", "undefined"}, {"'a' + 'b'", "undefined"}, {"1 + null", "undefined"}, {"1 + undefined", "undefined"}, {"-'a'", "undefined"},
		{"1e21 + 0", "1e+21"}, {"1e-7 + 0", "1e-7"}, {"123456789012345680000 + 0", "123456789012345680000"}, {"0x1F", "31"},
		{"9007199254740993", "9007199254740993"}, {".5 + 0", "0.5"}, {"5. + 0", "5"}, {"1E3", "1000"},
	})
}

// learn.microsoft.com/azure/cosmos-db/nosql/query/bitwise-operators
func TestBitwise(t *testing.T) {
	evaluates(t, [][2]string{
		{"100 >> 2", "25"}, {"100 << 2", "400"}, {"100 >>> 0", "100"}, {"100 & 1000", "96"}, {"100 | 1000", "1004"}, {"100 ^ 1000", "908"},
		{"-1 >>> 0", "4294967295"}, {"-1 >> 1", "-1"}, {"~5", "-6"}, {"~-1", "0"}, {"4294967296 | 1", "1"}, {"2147483648 | 0", "-2147483648"},
		{"1.9 | 0", "1"}, {"-1.9 | 0", "-1"}, {"1 << 33", "2"}, {"1 & 2 | 4 ^ 1", "5"}, {"1 | 'a'", "undefined"}, {"1e20 | 0", "1661992960"},
	})
}

// learn.microsoft.com/azure/cosmos-db/nosql/query/ternary-coalesce-operators
func TestConditionals(t *testing.T) {
	evaluates(t, [][2]string{
		{"true ? 1 : 2", "1"}, {"false ? 1 : 2", "2"}, {"undefined ? 1 : 2", "2"}, {"'x' ? 1 : 2", "2"},
		{"false ? 1 : true ? 2 : 3", "2"}, {"1 < 2 ? 'y' : 'n'", `"y"`},
		{"undefined ?? 5", "5"}, {"null ?? 5", "null"}, {"1 ?? 5", "1"}, {"undefined ?? undefined ?? 3", "3"},
		{"'a' || 'b' || 'c'", `"abc"`}, {"'a' || 1", "undefined"}, {"'a' || undefined", "undefined"},
	})
	poles := array(t, `[
		{"name":"Stangincy","price":24.50,"onCloseout":false,"onSale":true,"collapsible":true},
		{"name":"Vimero","price":24.50,"onCloseout":false,"onSale":false},
		{"name":"Kramundsen","price":24.50,"onCloseout":true,"onSale":true,"collapsible":false}]`)
	expect(t, "SELECT p.name, p.onCloseout ? (p.price * 0.55) : p.onSale ? (p.price * 0.85) : p.price AS total FROM products p", poles,
		`[{"name":"Stangincy","total":20.825},{"name":"Vimero","total":24.50},{"name":"Kramundsen","total":13.475000000000001}]`)
	expect(t, "SELECT p.name, p.collapsible ?? false AS isCollapsible FROM products p", poles,
		`[{"name":"Stangincy","isCollapsible":true},{"name":"Vimero","isCollapsible":false},{"name":"Kramundsen","isCollapsible":false}]`)
}

// learn.microsoft.com/azure/cosmos-db/nosql/query/keywords: IN, BETWEEN.
func TestInAndBetween(t *testing.T) {
	evaluates(t, [][2]string{
		{"1 IN (1, 2)", "true"}, {"3 IN (1, 2)", "false"}, {"3 NOT IN (1, 2)", "true"}, {"undefined IN (1)", "undefined"},
		{"1 IN (undefined)", "false"}, {"1 IN ('1')", "false"}, {"[1] IN ([1], 2)", "true"}, {"null IN (null)", "true"},
		{"5 IN (1,2,3,4,5,6,7,8,9)", "true"}, {"'5' IN (1,2,3,4,5,6,7,8,9)", "false"}, {"5 NOT IN (1,2,3,4,5,6,7,8,9)", "false"},
		{"4 BETWEEN 3 AND 5", "true"}, {"3 BETWEEN 3 AND 5", "true"}, {"6 BETWEEN 3 AND 5", "false"}, {"4 NOT BETWEEN 3 AND 5", "false"},
		{"'b' BETWEEN 'a' AND 'c'", "true"}, {"4 BETWEEN 'a' AND 'c'", "undefined"}, {"4 BETWEEN 5 AND 'c'", "false"},
		{"4 NOT BETWEEN 'a' AND 5", "undefined"}, {"true AND 4 BETWEEN 3 AND 5 AND true", "true"},
	})
}

// learn.microsoft.com/azure/cosmos-db/nosql/query/keywords: LIKE.
func TestLike(t *testing.T) {
	evaluates(t, [][2]string{
		{"'driver set' LIKE '%driver%'", "true"}, {"'a glove' LIKE '%glove'", "true"}, {"'glove a' LIKE '%glove'", "false"},
		{"'Road bike' LIKE 'Road%'", "true"}, {"'road bike' LIKE 'Road%'", "false"}, {"'summer' NOT LIKE '%winter%'", "true"},
		{"'' LIKE ''", "true"}, {"'' LIKE '%'", "true"}, {"'a' LIKE ''", "false"}, {"'abc' LIKE 'a_c'", "true"}, {"'ac' LIKE 'a_c'", "false"},
		{"'aéc' LIKE 'a_c'", "true"}, {"'xSOtPSx' LIKE '%SO[t-z]PS%'", "true"}, {"'xSOaPSx' LIKE '%SO[t-z]PS%'", "false"},
		{"'xSOdPSx' LIKE '%SO[^abc]PS%'", "true"}, {"'xSOaPSx' LIKE '%SO[^abc]PS%'", "false"},
		{"'save 20% now' LIKE '%20^%%' ESCAPE '^'", "true"}, {"'save 20 now' LIKE '%20^%%' ESCAPE '^'", "false"},
		{"'20-30%' LIKE '20-30[%]'", "true"}, {"'20-305' LIKE '20-30[%]'", "false"}, {"'_n' LIKE '[_]n'", "true"}, {"'an' LIKE '[_]n'", "false"},
		{"'[' LIKE '[ [ ]'", "true"}, {"']' LIKE ']'", "true"}, {"'a.c' LIKE 'a.c'", "true"}, {"'abc' LIKE 'a.c'", "false"},
		{"'a\\nb' LIKE 'a%b'", "true"}, {"'aXbXc' LIKE '%X%X%'", "true"}, {"'aab' LIKE '%ab'", "true"}, {"'mississippi' LIKE '%iss%ip%'", "true"},
		{"1 LIKE '1'", "undefined"}, {"'1' LIKE 1", "undefined"}, {"1 NOT LIKE '1'", "undefined"}, {"'ab' LIKE 'a' || '%'", "true"},
	})
	expect(t, "SELECT VALUE c.n FROM c WHERE c.n LIKE @p", []string{`{"n":"ab"}`, `{"n":"ba"}`}, `["ab"]`, params("@p", `"a%"`)...)
	fails(t, "SELECT VALUE 'a' LIKE '[a'", Evaluation, "LIKE pattern")
	fails(t, "SELECT VALUE 'a' LIKE 'a^' ESCAPE '^'", Evaluation, "LIKE pattern")
	fails(t, "SELECT VALUE 'a' LIKE 'a' ESCAPE 'xx'", Syntax, "one character")
}

// learn.microsoft.com/azure/cosmos-db/nosql/query/constants
func TestConstants(t *testing.T) {
	evaluates(t, [][2]string{
		{`"a'b"`, `"a'b"`}, {`'a"b'`, `"a\"b"`}, {`'it\'s'`, `"it's"`}, {`"\"\\\/\b\f\n\r\t\u00e9"`, `"\"\\/\b\f\n\r\té"`},
		{`'\uD83D\uDE00'`, `"😀"`}, {`'😀'`, `"😀"`}, {"[1, undefined, 2]", "[1,2]"}, {"{a: 1, 'b': undefined, \"c\": [null]}", `{"a":1,"c":[null]}`},
		{"{}", "{}"}, {"[]", "[]"}, {"{value: 1, order: 2}", `{"value":1,"order":2}`}, {"-1.5e2", "-150"}, {"undefined", "undefined"}, {"TRUE", "true"},
		{"{a: {b: [10, 20]}}.a.b[1]", "20"}, {"{a: 1}['a']", "1"}, {"[1,2][2]", "undefined"}, {"[1,2][-1]", "undefined"}, {"[1,2][0.5]", "undefined"},
		{"[1,2]['0']", "undefined"}, {"{a: 1}[0]", "undefined"}, {"'abc'[0]", "undefined"}, {"1 -- a comment\n + 1", "2"},
	})
}

func TestNotFinite(t *testing.T) {
	fails(t, "SELECT VALUE 1 / 0", Evaluation, "JSON cannot express")
	fails(t, "SELECT VALUE [NaN]", Evaluation, "JSON cannot express")
	// learn.microsoft.com/azure/cosmos-db/nosql/query/is-finite-number, .../tostring
	evaluates(t, [][2]string{
		{"IS_FINITE_NUMBER(1234.567)", "true"}, {"IS_FINITE_NUMBER(8.9 / 0.0)", "false"}, {"IS_FINITE_NUMBER(SQRT(-1.0))", "false"},
		{"ToString(NaN)", `"NaN"`}, {"ToString(Infinity)", `"Infinity"`}, {"ToString(-Infinity)", `"-Infinity"`},
	})
}
