package sql

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// kilobyte is a document of 1 KB whose interesting properties stand at its end.
func kilobyte(i int) Document {
	doc := fmt.Sprintf(`{"id":"item-%06d","pk":"p","filler":{"text":"%s","list":[%s1]},"score":%d,"name":"player %d","active":%v}`,
		i, strings.Repeat("lorem ipsum ", 50), strings.Repeat(`{"k":1,"v":"x"},`, 14), i*7919%10007, i, i%2 == 0)
	return Document{Key: fmt.Appendf(nil, "%08d", i), JSON: []byte(doc)}
}

func kilobytes(n int) []Document {
	out := make([]Document, n)
	for i := range out {
		out[i] = kilobyte(i)
	}
	return out
}

var benchQueries = map[string]string{
	"all":      "SELECT * FROM c",
	"usual":    "SELECT c.id, c.name FROM c WHERE c.type = 'entry' AND c.score >= @score ORDER BY c.score DESC OFFSET 0 LIMIT 20",
	"readmany": "SELECT * FROM c WHERE (c.id = @param_id0 AND c.pk = @param_pk00) OR (c.id = @param_id1 AND c.pk = @param_pk10)",
	"subquery": "SELECT c.id, ARRAY(SELECT VALUE t.name FROM t IN c.tags WHERE t.w > 1) AS tags FROM c WHERE EXISTS(SELECT VALUE 1 FROM t IN c.tags)",
}

// BenchmarkPrepare parses and resolves; "cached" is what a repeated query pays.
func BenchmarkPrepare(b *testing.B) {
	for name, text := range benchQueries {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := compile(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("cached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Prepare(benchQueries["usual"]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func runBench(b *testing.B, text string, docs []Document, max int, with ...Param) {
	b.Helper()
	q := prepare(b, text)
	in := Input{Documents: from(docs, nil), MaxRows: max, Params: with}
	size := 0
	for _, d := range docs {
		size += len(d.JSON)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := q.Run(in, func([]byte) bool { return true }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFilter runs a filter over 1,000 documents of 1 KB: divide by 1,000 for one document.
func BenchmarkFilter(b *testing.B) {
	docs := kilobytes(1000)
	b.Run("number", func(b *testing.B) { runBench(b, "SELECT * FROM c WHERE c.score > 20000", docs, 0) })
	b.Run("string", func(b *testing.B) {
		runBench(b, "SELECT * FROM c WHERE c.name = @n", docs, 0, params("@n", `"player 500"`)...)
	})
	b.Run("early", func(b *testing.B) { runBench(b, "SELECT * FROM c WHERE c.id = 'item-000500'", docs, 0) })
	b.Run("project", func(b *testing.B) { runBench(b, "SELECT c.id, c.score FROM c WHERE c.active", docs, 0) })
	b.Run("readmany100", func(b *testing.B) {
		var or []string
		for i := range 100 {
			or = append(or, fmt.Sprintf("(c.id = 'item-%06d' AND c.pk = 'p')", i))
		}
		runBench(b, "SELECT * FROM c WHERE "+strings.Join(or, " OR "), docs, 0)
	})
	b.Run("in100", func(b *testing.B) {
		var ids []string
		for i := range 100 {
			ids = append(ids, fmt.Sprintf("'item-%06d'", i))
		}
		runBench(b, "SELECT * FROM c WHERE c.id IN ("+strings.Join(ids, ",")+")", docs, 0)
	})
}

// BenchmarkOrderBy takes 20 of 10,000 documents: with LIMIT and with a page of 20 by the heap, and all of them sorted.
func BenchmarkOrderBy(b *testing.B) {
	docs := kilobytes(10000)
	b.Run("limit20", func(b *testing.B) { runBench(b, "SELECT c.id FROM c ORDER BY c.score DESC OFFSET 0 LIMIT 20", docs, 0) })
	b.Run("page20", func(b *testing.B) { runBench(b, "SELECT c.id FROM c ORDER BY c.score DESC", docs, 20) })
	b.Run("all", func(b *testing.B) { runBench(b, "SELECT c.id FROM c ORDER BY c.score DESC", docs, 0) })
}

func BenchmarkGroupBy(b *testing.B) {
	runBench(b, "SELECT c.active, COUNT(1) AS n, AVG(c.score) AS a FROM c GROUP BY c.active", kilobytes(1000), 0)
}

func TestBenchDocuments(t *testing.T) {
	if n := len(kilobyte(0).JSON); n < 900 || n > 1150 || !bytes.Contains(kilobyte(1).JSON, []byte(`"score":7919`)) {
		t.Errorf("the benchmark document has %d bytes, want about 1 KB", n)
	}
}
