package cosmos

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const goodSpecs = `[
  {"id": "players",
   "partitionKey": {"paths": ["/playerId"], "kind": "Hash", "version": 2},
   "indexingPolicy": {"automatic": true, "indexingMode": "consistent",
     "includedPaths": [{"path": "/state/?"}], "excludedPaths": [{"path": "/*"}],
     "compositeIndexes": [[{"path": "/a", "order": "ascending"}, {"path": "/b", "order": "descending"}]]},
   "defaultTtl": -1,
   "uniqueKeyPolicy": {"uniqueKeys": [{"paths": ["/email"]}]}},
  {"id": "plain",
   "partitionKey": {"paths": ["/tenant", "/user"], "kind": "MultiHash", "version": 2},
   "indexingPolicy": {"automatic": false, "indexingMode": "none"}}
]`

func TestSpecsKeepTheirShape(t *testing.T) {
	specs, err := ParseSpecs([]byte(goodSpecs))
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	text, err := json.Marshal(specs)
	if err != nil {
		t.Fatal(err)
	}
	for _, into := range []struct {
		text []byte
		v    *any
	}{{[]byte(goodSpecs), &want}, {text, &got}} {
		if err := json.Unmarshal(into.text, into.v); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the file and what is read of it differ: %s", diff)
	}
	for _, spec := range specs {
		properties, err := spec.properties()
		if err != nil {
			t.Fatal(err)
		}
		if found := differences(spec, properties); len(found) > 0 {
			t.Errorf("a spec differs from itself: %q", found)
		}
	}
}

func TestBadSpecsAreNamed(t *testing.T) {
	for wrong, want := range map[string][2]string{
		"misspelled": {`"defaultTtl"`, `"defaultTTl2"`},
		"no id":      {`"id": "plain"`, `"id": ""`},
		"twice":      {`"id": "plain"`, `"id": "players"`},
		"kind":       {`"MultiHash"`, `"Hash"`},
		"version":    {`"version": 2`, `"version": 1`},
		"mode":       {`"none"`, `"lazy"`},
		"ttl":        {`"defaultTtl": -1`, `"defaultTtl": 0`},
		"not a list": {`[`, `{`},
	} {
		if _, err := ParseSpecs([]byte(strings.Replace(goodSpecs, want[0], want[1], 1))); err == nil {
			t.Errorf("%s: no error", wrong)
		}
	}
}

func TestDifferencesAreNamed(t *testing.T) {
	specs, err := ParseSpecs([]byte(goodSpecs))
	if err != nil {
		t.Fatal(err)
	}
	properties, err := specs[0].properties()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		part   string
		change func(*ContainerSpec)
	}{
		{"partition key", func(s *ContainerSpec) { s.PartitionKey.Paths = []string{"/other"} }},
		{"defaultTtl", func(s *ContainerSpec) { s.DefaultTTL = nil }},
		{"indexingMode", func(s *ContainerSpec) { s.IndexingPolicy.IndexingMode = "none" }},
		{"included paths", func(s *ContainerSpec) { s.IndexingPolicy.IncludedPaths = nil }},
		{"excluded paths", func(s *ContainerSpec) { s.IndexingPolicy.ExcludedPaths = []PathSpec{{"/x/*"}} }},
		{"composite indexes", func(s *ContainerSpec) { s.IndexingPolicy.CompositeIndexes = nil }},
		{"unique keys", func(s *ContainerSpec) { s.UniqueKeyPolicy = nil }},
	}
	for _, tt := range tests {
		want := specs[0]
		tt.change(&want)
		found := differences(want, properties)
		if len(found) != 1 || !strings.Contains(found[0], tt.part) || !strings.Contains(found[0], "players") {
			t.Errorf("%s: %q", tt.part, found)
		}
	}
}
