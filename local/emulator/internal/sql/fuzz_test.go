package sql

import (
	"encoding/json"
	"testing"
)

var fuzzSeeds = []string{
	"SELECT * FROM c", "SELECT TOP @n c.a, c[\"b\"] AS x FROM c WHERE c.a = @p AND NOT IS_NULL(c.b) ORDER BY c.a DESC, c.b OFFSET 1 LIMIT 2",
	"SELECT DISTINCT VALUE x FROM c JOIN x IN c.l WHERE x BETWEEN 1 AND 2 OR x LIKE '%a[b-c]' ESCAPE '!'", "SELECT c.k, COUNT(1) AS n FROM c GROUP BY c.k",
	"SELECT VALUE {a: [1, 'x', undefined], \"b\": c.a ?? (c.b ? 1 : 2)} FROM c WHERE c.id IN ('a', \"b\")",
	"SELECT VALUE ARRAY(SELECT VALUE y FROM y IN x WHERE EXISTS(SELECT 1)) FROM x IN c.l", "SELECT VALUE -0x1F + 1.5e3 >>> 2 -- comment",
	"SELECT VALUE DateTimeAdd('dd', 1, '2020-01-01') || CONCAT('a', \"\\u00e9\")", "SELECT AVG(c.a) FROM (SELECT VALUE 1) c",
}

var fuzzDocument = `{"id":"1","a":1,"b":"x","l":[1,"ab",[2],{"k":null}],"k":true}`

// FuzzParse: no text makes the parser or an evaluation panic, errors point into the text, and a tree survives printing.
func FuzzParse(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		tree, perr := parse(src)
		if perr != nil {
			if perr.Start < 0 || perr.End < perr.Start || perr.End > len(src) || perr.Message == "" {
				t.Fatalf("bad error %+v", perr)
			}
			return
		}
		printed := printQuery(tree)
		again, perr := parse(printed)
		if perr != nil {
			t.Fatalf("%q printed as %q: %v", src, printed, perr)
		}
		if twice := printQuery(again); twice != printed {
			t.Fatalf("%q printed as %q, then as %q", src, printed, twice)
		}
		q, err := compile(src)
		if err != nil {
			return
		}
		in := Input{Documents: scan(fuzzDocument, `{}`), Now: testNow}
		for _, name := range q.Parameters() {
			in.Params = append(in.Params, Param{Name: name, Value: json.RawMessage("1")})
		}
		_, _ = q.Run(in, func(row []byte) bool {
			if !json.Valid(row) {
				t.Fatalf("%q made a row that is no JSON: %s", src, row)
			}
			return true
		})
	})
}

// FuzzDocument: walking bytes that are no JSON finds something or nothing, but ends and does not panic.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(fuzzDocument))
	f.Add([]byte(`{"a":[{"b`))
	f.Add([]byte("{\"a\\"))
	q, err := compile("SELECT VALUE [c.a, c.a[1], c.b.c, ARRAY_LENGTH(c.l), c = c, ToString(c), ARRAY(SELECT VALUE x FROM x IN c.l)] FROM c ORDER BY c.a")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		valid := json.Valid(doc)
		_, _ = q.Run(Input{Documents: scan(string(doc))}, func(row []byte) bool {
			if valid && !json.Valid(row) {
				t.Fatalf("a row of %q is no JSON: %s", doc, row)
			}
			return true
		})
	})
}
