package policy

import (
	"encoding/json"
	"strings"
	"testing"
)

func mustParse(t *testing.T, policy string) *Policy {
	t.Helper()
	if policy == "" {
		policy = "null"
	}
	p, err := Parse([]byte(`{"id":"c","indexingPolicy":` + policy + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestIndexes(t *testing.T) {
	for _, tc := range []struct {
		name, policy string
		in, out      []string
	}{
		{"default", "", []string{"a", "a/b", "id", "_ts"}, nil},
		{"none", `{"indexingMode":"none"}`, nil, []string{"a", "id"}},
		{"all but", `{"includedPaths":[{"path":"/*"}],"excludedPaths":[{"path":"/secret/*"},{"path":"/\"_etag\"/?"}]}`,
			[]string{"a", "secrets"}, []string{"secret", "secret/deep", "_etag"}},
		{"nothing but", `{"includedPaths":[{"path":"/name/?"},{"path":"/tags/[]/?"},{"path":"/o/*"}],"excludedPaths":[{"path":"/*"}]}`,
			[]string{"name", "tags/[]", "o/x/y", "id", "_ts"}, []string{"name/first", "tags", "other"}},
		{"the more precise wins", `{"includedPaths":[{"path":"/food/ingredients/nutrition/*"},{"path":"/x/?"}],` +
			`"excludedPaths":[{"path":"/food/ingredients/*"},{"path":"/x/*"}]}`,
			[]string{"food/ingredients/nutrition/kcal", "x"}, []string{"food/ingredients/name", "x/y"}},
		{"quoted", `{"includedPaths":[{"path":"/\"a b/c\"/?"}],"excludedPaths":[{"path":"/*"}]}`, nil, []string{"a b"}},
	} {
		p := mustParse(t, tc.policy)
		for _, path := range tc.in {
			if !p.Indexes(strings.Split(path, "/")) {
				t.Errorf("%s: %s is not indexed", tc.name, path)
			}
		}
		for _, path := range tc.out {
			if p.Indexes(strings.Split(path, "/")) {
				t.Errorf("%s: %s is indexed", tc.name, path)
			}
		}
	}
	if p := mustParse(t, `{"includedPaths":[{"path":"/\"a b/c\"/?"}],"excludedPaths":[{"path":"/*"}]}`); !p.Indexes([]string{"a b/c"}) || !p.Explicit([]string{"a b/c"}) {
		t.Error("a quoted path is not indexed")
	}
	if mustParse(t, "").Explicit([]string{"a"}) {
		t.Error("/* names every path explicitly")
	}
}

func TestParseRefuses(t *testing.T) {
	for _, policy := range []string{
		`{"indexingMode":"sometimes"}`,
		`{"includedPaths":[{"path":"name/?"}]}`,
		`{"includedPaths":[{"path":"/name"}]}`,
		`{"includedPaths":[{"path":""}]}`,
		`{"includedPaths":[{"path":"//?"}]}`,
		`{"excludedPaths":[{"path":"/\"open/?"}]}`,
		`{"compositeIndexes":[[{"path":"/a"}]]}`,
		`{"compositeIndexes":[[{"path":"/a"},{"path":"b"}]]}`,
		`[]`,
	} {
		if _, err := Parse([]byte(`{"indexingPolicy":` + policy + `}`)); err == nil {
			t.Errorf("%s: accepted", policy)
		}
	}
}

func TestChanges(t *testing.T) {
	const sys = `"_rid":"r","_self":"s","_etag":"e","_attachments":"a","_ts":1`
	for _, tc := range []struct {
		name, policy, before, after string
		removed, inserted           int
	}{
		{"create", "", "", `{"id":"1","a":1,"b":{"c":"x","d":true},` + sys + `}`, 0, 10},
		{"delete", "", `{"id":"1","a":1,` + sys + `}`, "", 6, 0},
		{"replace of one value", "", `{"id":"1","a":1,"b":2,` + sys + `}`, `{"id":"1","a":9,"b":2,` + sys + `}`, 2, 2},
		{"equal elements are one term", "", "", `{"id":"1","a":[1,1,2],` + sys + `}`, 0, 8},
		{"only id and _ts", `{"includedPaths":[],"excludedPaths":[{"path":"/*"}]}`, "", `{"id":"1","a":1,"b":{"c":2},` + sys + `}`, 0, 4},
		{"none", `{"indexingMode":"none"}`, "", `{"id":"1","a":1,` + sys + `}`, 0, 0},
		{"composite", `{"compositeIndexes":[[{"path":"/a"},{"path":"/b/c"}]]}`, "", `{"id":"1","a":1,"b":{"c":2},` + sys + `}`, 0, 9},
		{"not in the composite", `{"compositeIndexes":[[{"path":"/a"},{"path":"/b"}]]}`, "", `{"id":"1","a":1,"b":{"c":2},` + sys + `}`, 0, 8},
		{"escaped name", `{"includedPaths":[{"path":"/n/?"}],"excludedPaths":[{"path":"/*"}]}`, "", `{"id":"1","\u006e":1,` + sys + `}`, 0, 6},
	} {
		var before, after []byte
		if tc.before != "" {
			before = []byte(tc.before)
		}
		if tc.after != "" {
			after = []byte(tc.after)
		}
		removed, inserted := mustParse(t, tc.policy).Changes(before, after)
		if removed != tc.removed || inserted != tc.inserted {
			t.Errorf("%s: removed %d, inserted %d; want %d, %d", tc.name, removed, inserted, tc.removed, tc.inserted)
		}
	}
}

// FuzzChanges: the walk over any valid document ends, and nothing changes between a document and itself.
func FuzzChanges(f *testing.F) {
	f.Add(`{"id":"1","a":[1,{"b":"]}\""},[[]]],"c":{"d":null}}`)
	f.Add(` { "a" : [ ] , "b" : -1.5e+3 } `)
	p, err := Parse([]byte(`{"indexingPolicy":{"includedPaths":[{"path":"/*"},{"path":"/a/[]/b/?"}],"excludedPaths":[{"path":"/c/*"}],` +
		`"compositeIndexes":[[{"path":"/a"},{"path":"/b/c"}]]}}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(doc), &object) != nil || object == nil {
			t.Skip("the document is not a JSON object: no item would hold it")
		}
		if removed, inserted := p.Changes([]byte(doc), []byte(doc)); removed != 0 || inserted != 0 {
			t.Fatalf("%d terms removed and %d inserted by nothing", removed, inserted)
		}
	})
}
