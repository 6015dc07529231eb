package emulator

import (
	"net/http"
	"net/url"
	"testing"
)

func TestParseRoute(t *testing.T) {
	for _, tc := range []struct {
		path string
		want route
	}{
		{"/", route{feed: true}},
		{"/dbs", route{kind: "dbs", feed: true}},
		{"/dbs/d", route{kind: "dbs", link: "dbs/d", database: "d"}},
		{"/dbs/d/colls/", route{kind: "colls", link: "dbs/d", feed: true, database: "d"}},
		{"/dbs/d/colls/c", route{kind: "colls", link: "dbs/d/colls/c", database: "d", container: "c"}},
		{"/dbs/d/colls/c/docs", route{kind: "docs", link: "dbs/d/colls/c", feed: true, database: "d", container: "c"}},
		{"/dbs/d/colls/c/pkranges", route{kind: "pkranges", link: "dbs/d/colls/c", feed: true, database: "d", container: "c"}},
		{"/dbs/d/colls/c/docs/a%20b", route{kind: "docs", link: "dbs/d/colls/c/docs/a b", database: "d", container: "c", id: "a b"}},
		{"/dbs/d/colls/c/docs/%E9%B1%80", route{kind: "docs", link: "dbs/d/colls/c/docs/鱀", database: "d", container: "c", id: "鱀"}},
		{"/offers/AbCd/", route{kind: "offers", link: "abcd", id: "AbCd"}},
		{"/dbs/d/colls/c/sprocs/s", route{kind: "sprocs", link: "dbs/d/colls/c/sprocs/s", database: "d", container: "c", id: "s", unknown: true}},
		{"/colls/c", route{kind: "colls", link: "colls/c", id: "c", unknown: true}},
	} {
		got, mangled, r := parseRoute(tc.path, false)
		if r != nil || mangled || got != tc.want {
			t.Errorf("%s: %+v, mangled %v, %v; want %+v", tc.path, got, mangled, r, tc.want)
		}
	}
}

func TestGatewaysAnswerDifferently(t *testing.T) {
	for _, tc := range []struct {
		id      string
		mangled bool
		refused bool
	}{
		{"plain", false, false}, {" leading", false, false}, {"a?b", false, false}, {"a=b:c", false, false},
		{"trailing ", true, false}, {"a/b", true, false}, {`a\b`, true, false}, {"a#b", true, false}, {"a%20", true, false},
		{"100%", false, false}, {"tab\tin", false, true}, {"line\nfeed", false, true}, {"nul\x00", false, true},
	} {
		path := "/dbs/d/colls/c/docs/" + url.PathEscape(tc.id)
		_, mangled, r := parseRoute(path, false)
		if mangled != tc.mangled || (r != nil) != tc.refused {
			t.Errorf("gateway, %q: mangled %v, refused %v", tc.id, mangled, r)
		}
		got, mangled, r := parseRoute(path, true)
		if mangled || r != nil || got.id != tc.id {
			t.Errorf("compute gateway, %q: %+v, mangled %v, refused %v", tc.id, got, mangled, r)
		}
	}
}

// TestSignature uses the example of the service's documents for the form of the signed text.
func TestSignature(t *testing.T) {
	const key = "dsZQi3KtZmCv1ljt3VNWNm7sQUF1y5rJfC6kv5JiwvW0EndXdDku/dkKBp8/ufDToSxLzR4y+O/0H/t4bQtVNw=="
	m, err := newMasterKey(key)
	if err != nil {
		t.Fatal(err)
	}
	r := route{kind: "dbs", link: "dbs/ToDoList"}
	const date = "Thu, 27 Apr 2017 00:51:12 GMT"
	creds, ok := parseCredentials("type%3dmaster%26ver%3d1.0%26sig%3dc09PEVJrgp2uQRkr934kFbTqhByc7TVr3OHyqlu%2bc%2bc%3d")
	if !ok || creds.kind != "master" {
		t.Fatalf("credentials: %+v", creds)
	}
	if !m.verify(http.MethodGet, r, date, creds.signature) {
		t.Error("the signature of the documents is refused")
	}
	if m.verify(http.MethodPost, r, date, creds.signature) || m.verify(http.MethodGet, r, date, creds.signature+"x") ||
		m.verify(http.MethodGet, route{kind: "dbs", link: "dbs/todolist"}, date, creds.signature) {
		t.Error("a wrong signature is accepted")
	}
	if _, err := newMasterKey("not base64"); err == nil {
		t.Error("a key that is not base64 is accepted")
	}
}

// FuzzParseRoute: any path is a route or a refusal.
func FuzzParseRoute(f *testing.F) {
	f.Add("/dbs/d/colls/c/docs/%2F%25", false)
	f.Add("//", true)
	f.Fuzz(func(_ *testing.T, path string, compute bool) {
		r, _, refused := parseRoute(path, compute)
		if refused == nil {
			_ = operation(http.MethodPost, r, http.Header{})
		}
	})
}
