package sql

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// from yields the documents from a key on, as a surface does that resumes a scan.
func from(docs []Document, key []byte) func(func(Document, error) bool) {
	return func(yield func(Document, error) bool) {
		for _, d := range docs {
			if string(d.Key) >= string(key) && !yield(d, nil) {
				return
			}
		}
	}
}

func keyed(docs []string) []Document {
	var out []Document
	for i, d := range docs {
		out = append(out, Document{Key: fmt.Appendf(nil, "%06d", i), JSON: []byte(d)})
	}
	return out
}

// pages runs a query page by page, the state passing through JSON each time, and returns the rows of each page.
func pages(t fataler, q *Query, docs []Document, in Input, size int, refuse bool) [][]string {
	t.Helper()
	var out [][]string
	for {
		var page []string
		in.Documents = from(docs, nil)
		if !q.Buffered() && q.Features()&HasDistinct == 0 {
			in.Documents = from(docs, in.From.Key)
		}
		if !refuse {
			in.MaxRows = size
		}
		result, err := q.Run(in, func(row []byte) bool {
			if refuse && len(page) == size {
				return false
			}
			page = append(page, string(row))
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, page)
		if result.Done {
			return out
		}
		if len(page) != size {
			t.Fatalf("a page of %d rows, want %d", len(page), size)
		}
		text, err := json.Marshal(result.State)
		if err != nil {
			t.Fatal(err)
		}
		in.From = State{}
		if err := json.Unmarshal(text, &in.From); err != nil {
			t.Fatal(err)
		}
		if len(out) > 1000 {
			t.Fatal("the query never ends")
		}
	}
}

var pagedQueries = []string{
	"SELECT * FROM c",
	"SELECT VALUE c.n FROM c WHERE c.n > 1",
	"SELECT VALUE x FROM c JOIN x IN c.l",
	"SELECT VALUE [x, y] FROM c JOIN x IN c.l JOIN y IN c.l",
	"SELECT VALUE x FROM c JOIN x IN c.l OFFSET 3 LIMIT 11",
	"SELECT TOP 7 VALUE c.n FROM c",
	"SELECT VALUE c.n FROM c ORDER BY c.n",
	"SELECT VALUE c.id FROM c ORDER BY c.n DESC, c.id",
	"SELECT VALUE [x, c.id] FROM c JOIN x IN c.l ORDER BY c.n",
	"SELECT VALUE c.missing ?? c.n FROM c ORDER BY c.n DESC OFFSET 2 LIMIT 9",
	"SELECT TOP 5 c.id FROM c ORDER BY c.n",
	"SELECT VALUE c.n FROM c ORDER BY c.id, c.n OFFSET 4 LIMIT 3",
	"SELECT DISTINCT VALUE c.n FROM c",
	"SELECT DISTINCT VALUE c.n FROM c ORDER BY c.n OFFSET 1 LIMIT 4",
	"SELECT DISTINCT TOP 3 VALUE c.n FROM c",
	"SELECT c.n, COUNT(1) AS k FROM c GROUP BY c.n",
	"SELECT c.n FROM c GROUP BY c.n OFFSET 1 LIMIT 2",
	"SELECT COUNT(1) AS k FROM c",
	"SELECT VALUE 1",
}

// Any page size, by either way of ending a page, gives the rows of a run in one piece.
func TestPagesJoinUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var docs []string
		for i := range rapid.IntRange(0, 20).Draw(t, "documents") {
			n := rapid.SampledFrom([]string{"1", "2", "2.0", `"a"`, `"b\u0063"`, "null", "true", "", `[1]`, `{"x":1}`, "-3.5e1"}).Draw(t, "n")
			l := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"1", `"x"`, "[2]"}), 0, 4).Draw(t, "l"), ",")
			if n != "" {
				n = `,"n":` + n
			}
			docs = append(docs, fmt.Sprintf(`{"id":"%02d","l":[%s]%s}`, i, l, n))
		}
		q := prepare(t, rapid.SampledFrom(pagedQueries).Draw(t, "query"))
		in := Input{KeepUndefined: rapid.Bool().Draw(t, "keep undefined")}
		whole := pages(t, q, keyed(docs), in, 1<<20, false)[0]
		size := rapid.IntRange(1, 8).Draw(t, "size")
		got := pages(t, q, keyed(docs), in, size, rapid.Bool().Draw(t, "refuse"))
		if !slices.Equal(slices.Concat(got...), whole) {
			t.Fatalf("%s: pages of %d: %v, whole: %v", q.Text(), size, got, whole)
		}
		if want := max(1, (len(whole)+size-1)/size); len(got) != want {
			t.Fatalf("%s: %d pages, want %d: no page may be empty behind the last row", q.Text(), len(got), want)
		}
	})
}

// An ORDER BY that is resumed by value neither repeats nor loses a row when others come and go between pages.
func TestOrderedPagesUnderChange(t *testing.T) {
	docs := keyed([]string{`{"n":1}`, `{"n":3}`, `{"n":5}`, `{"n":7}`})
	q := prepare(t, "SELECT VALUE c.n FROM c ORDER BY c.n")
	var got []string
	take := func(row []byte) bool { got = append(got, string(row)); return true }
	first, err := q.Run(Input{Documents: from(docs, nil), MaxRows: 2}, take)
	if err != nil || first.Done {
		t.Fatalf("done %v, error %v; want another page", first.Done, err)
	}
	changed := append(keyed([]string{`{"n":0}`, `{"n":4}`}), docs[2:]...) // 1 and 3 are gone
	if _, err := q.Run(Input{Documents: from(changed, nil), From: first.State}, take); err != nil {
		t.Fatal(err)
	}
	if want := "1,3,4,5,7"; strings.Join(got, ",") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// A streaming query whose document was deleted goes on with the next one, from its first row.
func TestStreamResumesPastDeletedDocument(t *testing.T) {
	docs := keyed([]string{`{"l":[1,2,3]}`, `{"l":[4,5]}`})
	q := prepare(t, "SELECT VALUE x FROM c JOIN x IN c.l")
	first, err := q.Run(Input{Documents: from(docs, nil), MaxRows: 2}, func([]byte) bool { return true })
	if err != nil || first.Done || string(first.State.Key) != "000000" || first.State.Row != 2 {
		t.Fatalf("outcome %+v, error %v; want row 2 of document 0", first, err)
	}
	var got []string
	_, err = q.Run(Input{Documents: from(docs[1:], first.State.Key), From: first.State}, func(row []byte) bool { got = append(got, string(row)); return true })
	if err != nil || strings.Join(got, ",") != "4,5" {
		t.Errorf("got %v, %v; want 4,5", got, err)
	}
}

func TestStats(t *testing.T) {
	docs := []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}
	result, err := prepare(t, "SELECT VALUE c.a FROM c WHERE c.a > 1").Run(Input{Documents: scan(docs...)}, func([]byte) bool { return true })
	want := Stats{DocumentsRead: 3, DocumentsMatched: 2, BytesRead: 21, RowsOut: 2, BytesOut: 2}
	if err != nil || result.Stats != want {
		t.Errorf("stats %+v, error %v; want %+v", result.Stats, err, want)
	}
	result, err = prepare(t, "SELECT TOP 1 VALUE c.a FROM c").Run(Input{Documents: scan(docs...)}, func([]byte) bool { return true })
	if err != nil || !result.Done || result.Stats.DocumentsRead != 1 {
		t.Errorf("TOP 1 read %d documents, done %v, error %v; want 1", result.Stats.DocumentsRead, result.Done, err)
	}
}

func TestSourceError(t *testing.T) {
	broken := errors.New("broken")
	for _, text := range []string{"SELECT * FROM c", "SELECT * FROM c ORDER BY c.a", "SELECT COUNT(1) FROM c", "SELECT DISTINCT VALUE c.a FROM c"} {
		_, err := prepare(t, text).Run(Input{Documents: func(yield func(Document, error) bool) { yield(Document{}, broken) }}, func([]byte) bool { return true })
		if !errors.Is(err, broken) {
			t.Errorf("%s: error %v, want the source's own", text, err)
		}
	}
}

func TestDamagedState(t *testing.T) {
	q := prepare(t, "SELECT * FROM c ORDER BY c.a")
	for _, state := range []string{`{"o":[]}`, `{"o":["1"]}`, `{"o":[[1],[2]]}`} {
		var s State
		if err := json.Unmarshal([]byte(state), &s); err != nil {
			t.Fatal(err)
		}
		if _, err := q.Run(Input{Documents: scan(`{"a":1}`), From: s}, func([]byte) bool { return true }); err == nil {
			t.Errorf("state %s was accepted", state)
		}
	}
}
