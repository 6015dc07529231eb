package sql

import (
	"strings"
	"testing"
)

var families = []string{
	`{"id":"andersen","address":{"state":"WA","city":"Seattle"},"children":[{"firstName":"Henriette","grade":5,"pets":[{"givenName":"Fluffy"}]}],"isRegistered":true}`,
	`{"id":"wakefield","address":{"state":"NY","city":"NY"},"children":[{"givenName":"Jesse","grade":1,"pets":[{"givenName":"Goofy"},{"givenName":"Shadow"}]},{"givenName":"Lisa","grade":8}],"isRegistered":false}`,
	`{"id":"plain","children":7}`,
}

// learn.microsoft.com/azure/cosmos-db/nosql/query/select
func TestSelect(t *testing.T) {
	expect(t, `SELECT "Adventure", "Works"`, nil, `[{"$1":"Adventure","$2":"Works"}]`)
	expect(t, `SELECT {department: "Sales", team: "x"}`, nil, `[{"$1":{"department":"Sales","team":"x"}}]`)
	expect(t, `SELECT VALUE "Adventure Works"`, nil, `["Adventure Works"]`)
	expect(t, `SELECT f.id, f["address"].city town, f.address['state'] AS s, f.children[0], f.missing FROM f WHERE f.id = "andersen"`, families,
		`[{"id":"andersen","town":"Seattle","s":"WA","$1":{"firstName":"Henriette","grade":5,"pets":[{"givenName":"Fluffy"}]}}]`)
	expect(t, "SELECT VALUE f.address.state FROM f", families, `["WA","NY"]`)
	expect(t, "SELECT f.nothing FROM f", families, `[{},{},{}]`)
	expect(t, "SELECT f FROM f WHERE f.id = 'plain'", families, `[{"f":{"id":"plain","children":7}}]`)
	expect(t, "SELECT 1 AS a, 2 AS b", []string{}, `[{"a":1,"b":2}]`)
	expect(t, "SELECT VALUE 1 WHERE false", nil, `[]`)
	expect(t, "SELECT * FROM c;", families[2:], "["+families[2]+"]")
	expect(t, "SELECT VALUE c.id AS name FROM c", families[2:], `["plain"]`)
	fails(t, "SELECT *", Semantic, "single input set")
	fails(t, "SELECT * FROM c JOIN x IN c.a", Semantic, "single input set")
	fails(t, "SELECT VALUE * FROM c", Syntax, "'*'")
	fails(t, "SELECT *, c.id FROM c", Syntax, "','")
	fails(t, "SELECT c.id, c.id FROM c", Semantic, "more than once")
}

// A projected value is written as it was stored: numbers with their digits, properties in their order.
func TestStoredTextIsKept(t *testing.T) {
	docs := []string{`{"id":"1","n":1.10,"big":12345678901234567890,"e":1E5,"o":{"b":1,"a":[1.0, 2]},"s":"\u0041\/"}`}
	expect(t, "SELECT c.n, c.big, c.e, c.o, c.s FROM c", docs, `[{"n":1.10,"big":12345678901234567890,"e":1E5,"o":{"b":1,"a":[1.0,2]},"s":"\u0041\/"}]`)
	expect(t, "SELECT VALUE c.n + 0 FROM c", docs, `[1.1]`)
	expect(t, "SELECT VALUE c.s FROM c WHERE c.s = 'A/'", docs, `["\u0041\/"]`)
}

// learn.microsoft.com/azure/cosmos-db/nosql/query/from
func TestFrom(t *testing.T) {
	expect(t, "SELECT * FROM Families.address.state", families, `["WA","NY"]`)
	expect(t, "SELECT * FROM root r WHERE r.id = @id", families, "["+families[2]+"]", params("@id", `"plain"`)...)
	expect(t, "SELECT state FROM Families.address.state", families, `[{"state":"WA"},{"state":"NY"}]`)
	expect(t, "SELECT VALUE c.grade FROM c IN Families.children", families, `[5,1,8]`)
	expect(t, "SELECT VALUE kid.grade FROM Families.children[0] AS kid", families, `[5,1]`)
	expect(t, "SELECT * FROM c.children WHERE children = 7", families, `[7]`)
	expect(t, "SELECT * FROM f IN c.children[0].pets", families, `[{"givenName":"Fluffy"},{"givenName":"Goofy"},{"givenName":"Shadow"}]`)
	expect(t, `SELECT VALUE x FROM c["children"] x WHERE IS_NUMBER(x)`, families, `[7]`)
	expect(t, "SELECT VALUE COUNT(1) FROM c WHERE c.id = 'x' OR true", families, `[3]`)
	fails(t, "SELECT Families.id FROM Families f", Semantic, "'Families' could not be resolved")
	fails(t, "SELECT id FROM Families f", Semantic, "'id' could not be resolved")
	fails(t, "SELECT VALUE c.x", Semantic, "'c' could not be resolved")
}

// learn.microsoft.com/azure/cosmos-db/nosql/query/join
func TestJoin(t *testing.T) {
	expect(t, "SELECT f.id FROM f JOIN f.children", families, `[{"id":"andersen"},{"id":"wakefield"},{"id":"plain"}]`)
	expect(t, "SELECT f.id FROM f JOIN c IN f.children", families, `[{"id":"andersen"},{"id":"wakefield"},{"id":"wakefield"}]`)
	expect(t, `SELECT f.id AS familyName, c.givenName AS child, p.givenName AS pet FROM Families f JOIN c IN f.children JOIN p IN c.pets WHERE p.givenName = "Shadow"`,
		families, `[{"familyName":"wakefield","child":"Jesse","pet":"Shadow"}]`)
	expect(t, "SELECT VALUE [c.grade, d.grade] FROM f JOIN c IN f.children JOIN d IN f.children WHERE c.grade < d.grade", families, `[[1,8]]`)
	expect(t, "SELECT VALUE t FROM c JOIN (SELECT VALUE k.grade FROM k IN c.children WHERE k.grade > 2) t", families, `[5,8]`)
	expect(t, "SELECT c.id, n FROM c JOIN (SELECT VALUE COUNT(1) FROM k IN c.children) AS n WHERE n > 1", families, `[{"id":"wakefield","n":2}]`)
	expect(t, "SELECT VALUE r.name FROM c JOIN r IN (SELECT VALUE [{unit: 'ng', name: 'nano'}, {unit: 'g', name: 'gram'}]) WHERE c.id = 'plain' AND r.unit = 'g'", families, `["gram"]`)
	expect(t, "SELECT VALUE COUNT(1) FROM c JOIN (SELECT VALUE k FROM k IN c.children WHERE k.grade > 2)", families, `[2]`)
	fails(t, "SELECT VALUE x FROM c JOIN x IN d.y", Semantic, "'d' could not be resolved")
	fails(t, "SELECT VALUE x FROM c JOIN c IN c.y", Semantic, "more than once")
}

// learn.microsoft.com/azure/cosmos-db/nosql/query/subquery
func TestSubqueries(t *testing.T) {
	expect(t, "SELECT (SELECT VALUE 1) AS a, (SELECT VALUE 2) AS b", nil, `[{"a":1,"b":2}]`)
	expect(t, "SELECT f.id, (SELECT f.address.city WHERE f.isRegistered).city FROM f", families, `[{"id":"andersen","city":"Seattle"},{"id":"wakefield"},{"id":"plain"}]`)
	expect(t, "SELECT f.id, (SELECT VALUE COUNT(1) FROM k IN f.children WHERE k.grade > 0) AS n FROM f", families,
		`[{"id":"andersen","n":1},{"id":"wakefield","n":2},{"id":"plain","n":0}]`)
	expect(t, "SELECT VALUE (SELECT COUNT(1) AS count, SUM(k.grade) AS sum FROM k IN f.children) FROM f WHERE f.id = 'wakefield'", families, `[{"count":2,"sum":9}]`)
	expect(t, "SELECT VALUE f.id FROM f WHERE (SELECT VALUE COUNT(1) FROM k IN f.children) > 1", families, `["wakefield"]`)
	expect(t, "SELECT VALUE f.id FROM f WHERE EXISTS(SELECT VALUE k FROM k IN f.children WHERE k.grade > 2)", families, `["andersen","wakefield"]`)
	expect(t, "SELECT VALUE f.id FROM f WHERE NOT EXISTS(SELECT VALUE k FROM k IN f.children)", families, `["plain"]`)
	expect(t, "SELECT EXISTS (SELECT VALUE undefined) AS e", nil, `[{"e":false}]`)
	expect(t, "SELECT EXISTS (SELECT undefined) AS e", nil, `[{"e":true}]`)
	expect(t, "SELECT VALUE ARRAY(SELECT VALUE k.grade FROM k IN f.children WHERE k.grade < 8) FROM f", families, `[[5],[1],[]]`)
	expect(t, "SELECT VALUE ARRAY(SELECT DISTINCT VALUE x % 2 FROM x IN f.l) FROM f", []string{`{"l":[1,2,3,4]}`}, `[[1,0]]`)
	expect(t, "SELECT VALUE ARRAY(SELECT VALUE x FROM x IN f.l OFFSET 1 LIMIT 2) FROM f", []string{`{"l":[1,2,3,4]}`}, `[[2,3]]`)
	expect(t, "SELECT VALUE ARRAY(SELECT TOP 1 VALUE x FROM x IN f.l) FROM f", []string{`{"l":[1,2,3,4]}`}, `[[1]]`)
	expect(t, "SELECT VALUE ARRAY(SELECT VALUE ARRAY(SELECT VALUE y * x FROM y IN f.l) FROM x IN f.l) FROM f", []string{`{"l":[1,2]}`}, `[[[1,2],[2,4]]]`)
	expect(t, "SELECT VALUE ARRAY(SELECT x.k, COUNT(1) AS n FROM x IN f.l GROUP BY x.k) FROM f", []string{`{"l":[{"k":"b"},{"k":"a"},{"k":"b"}]}`}, `[[{"k":"a","n":1},{"k":"b","n":2}]]`)
	fails(t, "SELECT VALUE (SELECT VALUE x FROM x IN [1,2])", Syntax, "'['")
	fails(t, "SELECT VALUE (SELECT VALUE x FROM c JOIN x IN (SELECT VALUE [1,2])) FROM c", Evaluation, "cardinality")
	fails(t, "SELECT VALUE ARRAY(SELECT VALUE x FROM x IN c.l ORDER BY x) FROM c", Unsupported, "ORDER BY")
}

// learn.microsoft.com/azure/cosmos-db/nosql/query/keywords (DISTINCT, TOP) and .../offset-limit
func TestDistinctTopOffset(t *testing.T) {
	docs := array(t, `[{"category":"Tools","n":1},{"n":2.0},{"category":"Tools","n":3},{"category":"Accessories","n":2},{"n":4}]`)
	expect(t, "SELECT DISTINCT VALUE p.category FROM p", docs, `["Tools","Accessories"]`)
	expect(t, "SELECT DISTINCT p.category FROM p", docs, `[{"category":"Tools"},{},{"category":"Accessories"}]`)
	expect(t, "SELECT DISTINCT VALUE p.n FROM p ORDER BY p.n", docs, `[1,2.0,3,4]`)
	expect(t, "SELECT DISTINCT VALUE p.category FROM p ORDER BY p.n DESC OFFSET 1 LIMIT 5", docs, `["Accessories"]`)
	expect(t, "SELECT DISTINCT TOP 2 p.category FROM p", docs, `[{"category":"Tools"},{}]`)
	expect(t, "SELECT TOP 2 VALUE p.n FROM p", docs, `[1,2.0]`)
	expect(t, "SELECT TOP @n VALUE p.n FROM p ORDER BY p.n DESC", docs, `[4,3]`, params("@n", "2")...)
	expect(t, "SELECT TOP 0 VALUE p.n FROM p", docs, `[]`)
	expect(t, "SELECT VALUE p.n FROM p OFFSET 1 LIMIT 2", docs, `[2.0,3]`)
	expect(t, "SELECT VALUE p.n FROM p OFFSET @o LIMIT @l", docs, `[4]`, params("@o", "4", "@l", "9")...)
	expect(t, "SELECT VALUE p.n FROM p ORDER BY p.n OFFSET 1 LIMIT 2", docs, `[2.0,2]`)
	expect(t, "SELECT VALUE p.category FROM p OFFSET 1 LIMIT 1", docs, `["Tools"]`)
	expect(t, "SELECT VALUE p.n FROM p OFFSET 9 LIMIT 9", docs, `[]`)
	fails(t, "SELECT TOP 1.5 * FROM c", Syntax, "not a count")
	fails(t, "SELECT TOP -1 * FROM c", Syntax, "'-'")
	fails(t, "SELECT VALUE 1 FROM c OFFSET 1", Syntax, "end-of-file")
	fails(t, "SELECT TOP 1 * FROM c OFFSET 1 LIMIT 1", Semantic, "TOP cannot be used")
	fails(t, "SELECT TOP @n * FROM c", Parameter, "'@n' has no value")
}

// learn.microsoft.com/azure/cosmos-db/nosql/query/order-by; the order of types as the service sorts them.
func TestOrderBy(t *testing.T) {
	docs := array(t, `[{"v":{"a":1}},{"v":[2]},{"v":"b"},{"v":"B"},{"v":10},{"v":9.5},{"v":true},{"v":false},{"v":null},{},{"v":-1},{"v":[1]},{"v":""}]`)
	expect(t, "SELECT VALUE c.v FROM c ORDER BY c.v", docs, `[null,false,true,-1,9.5,10,"","B","b",[1],[2],{"a":1}]`)
	expect(t, "SELECT VALUE c.v FROM c ORDER BY c.v DESC", docs, `[{"a":1},[2],[1],"b","B","",10,9.5,-1,true,false,null]`)
	names := array(t, `[{"id":1,"f":"Casey","l":"Jensen"},{"id":2,"f":"Amari","l":"Rivera"},{"id":3,"f":"Kayla","l":"Jensen"},{"id":4,"l":"Jensen"}]`)
	expect(t, "SELECT VALUE e.id FROM employees e ORDER BY e.l, e.f", names, `[4,1,3,2]`)
	expect(t, "SELECT VALUE e.id FROM employees e ORDER BY e.l DESC, e.f ASC", names, `[2,4,1,3]`)
	expect(t, "SELECT VALUE e.id FROM employees e ORDER BY e.l", names, `[1,3,4,2]`)
	expect(t, `SELECT VALUE e.id FROM employees e ORDER BY e["f"]`, names, `[2,1,3]`)
	expect(t, "SELECT VALUE x FROM c JOIN x IN c.l ORDER BY c.n DESC", array(t, `[{"n":1,"l":["a","b"]},{"n":2,"l":["c","d"]}]`), `["c","d","a","b"]`)
	fails(t, "SELECT * FROM c ORDER BY c.a + 1", Semantic, "could not be mapped to a document path")
	fails(t, "SELECT * FROM c ORDER BY 1", Semantic, "could not be mapped")
	fails(t, "SELECT x FROM c JOIN x IN c.l ORDER BY x.y", Semantic, "could not be mapped")
	fails(t, "SELECT COUNT(1) FROM c ORDER BY c.a", Semantic, "ORDER BY cannot be used together")
	fails(t, "SELECT c.a FROM c GROUP BY c.a ORDER BY c.a", Semantic, "ORDER BY cannot be used together")
}

// ORDER BY leaves out what lacks the path, unless the index holds it explicitly (the remark on the order-by page).
func TestOrderByUndefined(t *testing.T) {
	q := prepare(t, "SELECT VALUE c.id FROM c ORDER BY c.v")
	var got []string
	_, err := q.Run(Input{Documents: scan(`{"id":1,"v":2}`, `{"id":2}`, `{"id":3,"v":1}`), KeepUndefined: true}, func(row []byte) bool {
		got = append(got, string(row))
		return true
	})
	if err != nil || strings.Join(got, ",") != "2,3,1" {
		t.Errorf("got %v, %v; want 2,3,1", got, err)
	}
}

// learn.microsoft.com/azure/cosmos-db/nosql/query/group-by, .../count, .../sum, .../average, .../min, .../max
func TestAggregates(t *testing.T) {
	docs := array(t, `[{"k":"a","n":1},{"k":"b","n":2},{"k":"a","n":3.5},{"n":10},{"k":"b"}]`)
	expect(t, "SELECT COUNT(1), COUNT(c.n), SUM(c.n), AVG(c.n), MIN(c.n), MAX(c.n) FROM c", docs, `[{"$1":5,"$2":4,"$3":16.5,"$4":4.125,"$5":1,"$6":10}]`)
	expect(t, "SELECT VALUE COUNT(1) FROM c", nil, `[0]`)
	expect(t, "SELECT VALUE SUM(c.n) FROM c WHERE false", docs, `[0]`)
	expect(t, "SELECT VALUE AVG(c.n) FROM c WHERE false", docs, `[]`)
	expect(t, "SELECT VALUE MAX(c.n) FROM c WHERE false", docs, `[]`)
	expect(t, "SELECT MAX(c.n) AS m FROM c WHERE false", docs, `[{}]`)
	expect(t, "SELECT VALUE SUM(c.k) FROM c", docs, `[]`)
	mixed := array(t, `[{"v":1},{"v":"x"},{"v":true},{"v":null},{}]`)
	expect(t, "SELECT MAX(c.v) AS max, MIN(c.v) AS min, AVG(c.v) AS avg, COUNT(c.v) AS n FROM c", mixed, `[{"max":"x","min":null,"n":4}]`)
	expect(t, "SELECT VALUE MAX(c.v) FROM c", append(mixed, `{"v":[1]}`), `[]`)
	expect(t, "SELECT VALUE SUM(c.n) * 2 + COUNT(1) FROM c", docs, `[38]`)
	expect(t, "SELECT VALUE {total: SUM(c.n * 2), one: 1} FROM c", docs, `[{"total":33,"one":1}]`)
	expect(t, "SELECT COUNT(1) AS n, c.k FROM c GROUP BY c.k", docs, `[{"n":1},{"n":2,"k":"a"},{"n":2,"k":"b"}]`)
	expect(t, "SELECT VALUE c.k FROM c GROUP BY c.k", docs, `["a","b"]`)
	expect(t, "SELECT UPPER(c.k) AS u, AVG(c.n) AS a FROM c GROUP BY UPPER(c.k)", docs, `[{"a":10},{"u":"A","a":2.25},{"u":"B","a":2}]`)
	expect(t, `SELECT c["k"] AS k FROM c GROUP BY c.k OFFSET 1 LIMIT 1`, docs, `[{"k":"a"}]`)
	expect(t, "SELECT c.k, c.n > 2 AS big, COUNT(1) AS n FROM c GROUP BY c.k, c.n > 2", docs[:3], `[{"k":"a","big":false,"n":1},{"k":"a","big":true,"n":1},{"k":"b","big":false,"n":1}]`)
	expect(t, "SELECT COUNT(1) AS n FROM c GROUP BY c.k", nil, `[]`)
	expect(t, "SELECT VALUE COUNT(1)", nil, `[1]`)
	fails(t, "SELECT c.id, COUNT(1) FROM c", Semantic, "'c.id' is invalid in the select list")
	fails(t, "SELECT c.n FROM c GROUP BY c.k", Semantic, "invalid in the select list")
	fails(t, "SELECT * FROM c GROUP BY c.k", Semantic, "not valid with GROUP BY")
	fails(t, "SELECT c.k FROM c GROUP BY 1", Semantic, "property reference")
	fails(t, "SELECT c.k FROM c GROUP BY COUNT(c.k)", Semantic, "without subqueries and aggregates")
	fails(t, "SELECT SUM(COUNT(1)) FROM c", Semantic, "not in another aggregate")
	fails(t, "SELECT * FROM c WHERE COUNT(1) > 1", Semantic, "only allowed in SELECT")
	fails(t, "SELECT COUNT(1, 2) FROM c", Semantic, "requires 1 argument")
	fails(t, "SELECT COUNT(*) FROM c", Syntax, "'*'")
	fails(t, "SELECT COUNT(1), (SELECT VALUE 1) FROM c", Semantic, "subquery")
}

// learn.microsoft.com/azure/cosmos-db/nosql/query/where and .../parameterized-queries
func TestWhereAndParameters(t *testing.T) {
	docs := array(t, `[{"id":"1","pk":null,"a":{"b":[1,{"c":2}]}},{"id":"2"},{"id":"3","pk":"x","ok":true}]`)
	expect(t, "SELECT VALUE c.id FROM c WHERE IS_NULL(c.pk)", docs, `["1"]`)
	expect(t, "SELECT VALUE c.id FROM c WHERE c.pk != null", docs, `["3"]`)
	expect(t, "SELECT VALUE c.id FROM c WHERE NOT IS_DEFINED(c.pk)", docs, `["2"]`)
	expect(t, "SELECT VALUE c.id FROM c WHERE c.ok", docs, `["3"]`)
	expect(t, "SELECT VALUE c.id FROM c WHERE c.id", docs, `[]`)
	expect(t, "SELECT VALUE c.id FROM c WHERE c.a.b[1].c = @n", docs, `["1"]`, params("@n", "2.0")...)
	expect(t, "SELECT VALUE c.id FROM c WHERE c.a = @o", docs, `["1"]`, params("@o", `{"b":[1.0,{"c":2}]}`)...)
	expect(t, "SELECT VALUE c.id FROM c WHERE c[@p] = @v", docs, `["3"]`, params("@p", `"pk"`, "@v", `"x"`, "@unused", "1")...)
	expect(t, "SELECT VALUE c.id FROM c WHERE c.id IN (@a, @b)", docs, `["1","3"]`, params("@a", `"3"`, "@b", `"1"`)...)
	expect(t, "SELECT * FROM c WHERE ARRAY_CONTAINS(@ids, c.id)", docs, `[{"id":"2"}]`, params("@ids", `["2","9"]`)...)
	expect(t, "SELECT VALUE c.id FROM c WHERE (c.id = @a AND c.pk = @p) OR (c.id = @b AND IS_NULL(c.pk))", docs, `["1","3"]`, params("@a", `"3"`, "@p", `"x"`, "@b", `"1"`)...)
	q := prepare(t, "SELECT * FROM c WHERE c.a = @a")
	for _, with := range [][]Param{nil, params("@b", "1"), params("@a", "nope"), params("@a", "1", "@a", "2")} {
		_, err := q.Run(Input{Params: with, Documents: scan(docs...)}, func([]byte) bool { return true })
		if e, ok := err.(*Error); !ok || e.Kind != Parameter { //nolint:errorlint // the type is the contract
			t.Errorf("parameters %v: error %v, want a parameter error", with, err)
		}
	}
}

// Keys with escapes, repeated keys and white space in a stored document.
func TestOddDocuments(t *testing.T) {
	docs := []string{" { \"a\\u0062\" : 1 ,\n\t\"x\" : { } , \"x\":2, \"\":3, \"q\\\"\" : [ ] , \"l\":[ 1 , \"]\" , {\"}\":4} ] } "}
	expect(t, `SELECT VALUE [c.ab, c.x, c[""], c["q\""], c.l[1], c.l[2]["}"], ARRAY_LENGTH(c.l)] FROM c`, docs, `[[1,{ },3,[ ],"]",4,3]]`)
	expect(t, "SELECT VALUE c.q FROM c", docs, `[]`)
}
