package cosmos

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type shapeInner struct {
	Known string `json:"known,omitempty"`
}

type shapeDoc struct {
	Header
	Name   string                `json:"name,omitempty"`
	When   time.Time             `json:"when"`
	Inner  shapeInner            `json:"inner"`
	Ptr    *shapeInner           `json:"ptr,omitempty"`
	ByName map[string]shapeInner `json:"byName,omitempty"`
	Free   map[string]string     `json:"free,omitempty"`
	List   []shapeInner          `json:"list,omitempty"`
	Self   *shapeDoc             `json:"self,omitempty"`
	Hidden string                `json:"-"`
}

func TestRestoreKeepsUnknownProperties(t *testing.T) {
	s := shapeOf(reflect.TypeFor[shapeDoc]())
	tests := []struct{ name, stored, next, want string }{
		{"nothing unknown", `{"id":"1","name":"old"}`, `{"id":"1"}`, `{"id":"1"}`},
		{"at the top", `{"id":"1","new":{"a":[1,2]},"_rid":"r","_ts":5,"_lsn":7}`, `{"id":"1","name":"n"}`, `{"id":"1","name":"n","new":{"a":[1,2]}}`},
		{"a known one that was emptied", `{"name":"old","ops":["a"],"ttl":5}`, `{"id":"1"}`, `{"id":"1"}`},
		{"nested", `{"inner":{"known":"old","x":1}}`, `{"inner":{}}`, `{"inner":{"x":1}}`},
		{"behind a pointer", `{"ptr":{"x":1}}`, `{"ptr":{"known":"n"}}`, `{"ptr":{"known":"n","x":1}}`},
		{"pointer removed", `{"ptr":{"x":1}}`, `{"id":"1"}`, `{"id":"1"}`},
		{"map of structs", `{"byName":{"a":{"x":1},"b":{"x":2}}}`, `{"byName":{"a":{"known":"n"}}}`, `{"byName":{"a":{"known":"n","x":1}}}`},
		{"map of plain values", `{"free":{"a":"1"}}`, `{"free":{"b":"2"}}`, `{"free":{"b":"2"}}`},
		{"elements of arrays are whole", `{"list":[{"x":1}]}`, `{"list":[{"known":"n"}]}`, `{"list":[{"known":"n"}]}`},
		{"recursive type", `{"self":{"inner":{"x":1},"y":2}}`, `{"self":{"inner":{}}}`, `{"self":{"inner":{"x":1},"y":2}}`},
		{"escaped names", `{"a\"\u003c":1}`, `{"id":"1"}`, `{"id":"1","a\"\u003c":1}`},
		{"names that are no text", `{"\ud800":1,"\udfff":2}`, `{"id":"1"}`, `{"id":"1","\ud800":1,"\udfff":2}`},
		{"like the system's, but inside", `{"inner":{"_ts":1,"_etag":null}}`, `{"inner":{}}`, `{"inner":{"_ts":1,"_etag":null}}`},
		{"null", `{"a":null,"name":null}`, `{"id":"1"}`, `{"id":"1","a":null}`},
		{"big numbers stay", `{"n":12345678901234567890.123}`, `{"id":"1"}`, `{"id":"1","n":12345678901234567890.123}`},
	}
	for _, tt := range tests {
		got, err := s.restore([]byte(tt.stored), []byte(tt.next))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, string(got)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestShapeKnowsEveryProperty(t *testing.T) {
	s := shapeOf(reflect.TypeFor[shapeDoc]())
	full := shapeDoc{
		Header: Header{ID: "1", Type: "t", SchemaVersion: 1, Ops: []string{"a"}, TTL: 1, ETag: "e", Timestamp: 1}, Name: "n",
		Ptr: &shapeInner{}, ByName: map[string]shapeInner{"a": {}}, Free: map[string]string{"a": "b"}, List: []shapeInner{{}}, Self: &shapeDoc{},
	}
	text, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	list, err := members(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != len(s.fields) {
		t.Errorf("the encoding has %d properties, the shape %d", len(list), len(s.fields))
	}
	for _, m := range list {
		if _, known := s.member(m.name); !known {
			t.Errorf("%q is not known", m.name)
		}
	}
}

// FuzzRestore feeds what encoding/json accepts as an object, as restore gets it, and compares with encoding/json.
func FuzzRestore(f *testing.F) {
	s := shapeOf(reflect.TypeFor[shapeDoc]())
	f.Add([]byte(`{"id":"1","x":1,"inner":{"y":[{}]}}`))
	f.Add([]byte(` { "a\"b" : "x\\" , "c":[1, {"d":"]}"}] ,"e":-1.5e3 , "f":null} `))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, stored []byte) {
		next := []byte(`{"id":"1","inner":{}}`)
		got, err := s.restore(stored, next)
		var want map[string]json.RawMessage
		if json.Unmarshal(stored, &want) != nil || want == nil {
			return
		}
		if err != nil || !json.Valid(got) {
			t.Fatalf("restore(%q) = %q, %v", stored, got, err)
		}
		list, err := members(stored)
		if err != nil {
			t.Fatalf("members(%q): %v", stored, err)
		}
		last := map[string]json.RawMessage{}
		for _, m := range list {
			last[m.name] = m.value
		}
		if diff := cmp.Diff(want, last); diff != "" {
			t.Errorf("members(%q): %s", stored, diff)
		}
	})
}
