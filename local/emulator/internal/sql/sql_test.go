package sql

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// testNow is the time that the date functions of the tests see.
var testNow = time.Date(2026, 3, 4, 5, 6, 7, 891234500, time.UTC)

// scan yields documents with their number as key.
func scan(docs ...string) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		for i, d := range docs {
			if !yield(Document{Key: fmt.Appendf(nil, "%06d", i), JSON: []byte(d)}, nil) {
				return
			}
		}
	}
}

// array splits a JSON array into documents.
func array(t fataler, text string) []string {
	t.Helper()
	var items []json.RawMessage
	if err := json.Unmarshal([]byte(text), &items); err != nil {
		t.Fatalf("bad array %s: %v", text, err)
	}
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = string(item)
	}
	return out
}

func params(pairs ...string) []Param {
	var out []Param
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, Param{Name: pairs[i], Value: json.RawMessage(pairs[i+1])})
	}
	return out
}

func prepare(t fataler, text string) *Query {
	t.Helper()
	q, err := Prepare(text)
	if err != nil {
		t.Fatalf("Prepare(%s): %v", text, err)
	}
	return q
}

// rows runs a query to its end and returns its rows as text.
func rows(t fataler, text string, docs []string, with ...Param) []string {
	t.Helper()
	var out []string
	result, err := prepare(t, text).Run(Input{Params: with, Documents: scan(docs...), Now: testNow}, func(row []byte) bool {
		out = append(out, string(row))
		return true
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if !result.Done {
		t.Fatalf("%s: not done though every row was taken", text)
	}
	return out
}

// expect compares the rows of a query with a JSON array.
func expect(t *testing.T, text string, docs []string, want string, with ...Param) {
	t.Helper()
	got := "[" + strings.Join(rows(t, text, docs, with...), ",") + "]"
	if diff := cmp.Diff(compact(t, want), compact(t, got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", text, diff)
	}
}

func compact(t fataler, s string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(s)); err != nil {
		t.Fatalf("not JSON: %s: %v", s, err)
	}
	return b.String()
}

// fails wants an error whose message contains the text.
func fails(t *testing.T, text string, kind ErrorKind, message string) {
	t.Helper()
	q, err := Prepare(text)
	if err == nil {
		_, err = q.Run(Input{Documents: scan(`{"id":"1"}`), Now: testNow}, func([]byte) bool { return true })
	}
	e, ok := err.(*Error) //nolint:errorlint // the type is the contract
	if !ok {
		t.Errorf("%s: error %v, want an *Error", text, err)
		return
	}
	if e.Kind != kind || !strings.Contains(e.Message, message) {
		t.Errorf("%s: error kind %d %q, want kind %d with %q", text, e.Kind, e.Message, kind, message)
	}
	if e.Start < 0 || e.End < e.Start || e.End > len(text) {
		t.Errorf("%s: error place [%d,%d) is outside the text", text, e.Start, e.End)
	}
}

// fataler is what the helpers need of *testing.T, *testing.B and *rapid.T.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}
