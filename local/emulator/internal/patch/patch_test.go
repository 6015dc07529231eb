package patch

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestApply(t *testing.T) {
	const doc = `{"id":"1","pk":"p","n":5,"f":0.5,"s":"x","a":[1,2,3],"o":{"in":{"deep":true}},"z":null}`
	for _, tc := range []struct{ name, ops, want string }{
		{"add a member", `{"op":"add","path":"/new","value":{"a":1}}`, `{"new":{"a":1}}`},
		{"add replaces a member", `{"op":"add","path":"/s","value":"y"}`, `{"s":"y"}`},
		{"add inserts into an array", `{"op":"add","path":"/a/1","value":9}`, `{"a":[1,9,2,3]}`},
		{"add at the end of an array", `{"op":"add","path":"/a/-","value":9}`, `{"a":[1,2,3,9]}`},
		{"add at the length of an array", `{"op":"add","path":"/a/3","value":9}`, `{"a":[1,2,3,9]}`},
		{"add null", `{"op":"add","path":"/s","value":null}`, `{"s":null}`},
		{"set a member", `{"op":"set","path":"/o/in/deep","value":false}`, `{"o":{"in":{"deep":false}}}`},
		{"set an element", `{"op":"set","path":"/a/0","value":7}`, `{"a":[7,2,3]}`},
		{"set appends", `{"op":"set","path":"/a/-","value":7}`, `{"a":[1,2,3,7]}`},
		{"replace", `{"op":"replace","path":"/o/in","value":1}`, `{"o":{"in":1}}`},
		{"replace an element", `{"op":"replace","path":"/a/2","value":"c"}`, `{"a":[1,2,"c"]}`},
		{"remove a member", `{"op":"remove","path":"/o/in/deep"}`, `{"o":{"in":{}}}`},
		{"remove an element", `{"op":"remove","path":"/a/0"}`, `{"a":[2,3]}`},
		{"increment", `{"op":"incr","path":"/n","value":2}`, `{"n":7}`},
		{"increment by a fraction", `{"op":"incr","path":"/f","value":0.25}`, `{"f":0.75}`},
		{"increment of nothing", `{"op":"incr","path":"/fresh","value":3}`, `{"fresh":3}`},
		{"decrement", `{"op":"incr","path":"/a/1","value":-2}`, `{"a":[1,0,3]}`},
		{"move", `{"op":"move","from":"/s","path":"/o/s"}`, `{"o":{"in":{"deep":true},"s":"x"},"s":"<gone>"}`},
		{"move onto a member", `{"op":"move","from":"/n","path":"/s"}`, `{"s":5,"n":"<gone>"}`},
		{"move within an array", `{"op":"move","from":"/a/0","path":"/a/2"}`, `{"a":[2,3,1]}`},
		{"several see each other", `{"op":"add","path":"/x","value":{}},{"op":"add","path":"/x/y","value":[]},{"op":"add","path":"/x/y/-","value":1}`,
			`{"x":{"y":[1]}}`},
		{"escaped path", `{"op":"add","path":"/a~1b~0c","value":1}`, `{"a/b~c":1}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := Parse([]byte(`{"operations":[`+tc.ops+`]}`), [][]string{{"pk"}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Apply([]byte(doc))
			if err != nil {
				t.Fatal(err)
			}
			var base, patched, want map[string]any
			for text, into := range map[string]*map[string]any{doc: &base, string(got): &patched, tc.want: &want} {
				if err := json.Unmarshal([]byte(text), into); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
			}
			for name, value := range want {
				if base[name] = value; value == "<gone>" {
					delete(base, name)
				}
			}
			wantText, _ := json.Marshal(base)
			gotText, _ := json.Marshal(patched)
			if string(wantText) != string(gotText) {
				t.Errorf("got  %s\nwant %s", gotText, wantText)
			}
		})
	}
}

func TestApplyKeepsOrderAndSpelling(t *testing.T) {
	p, err := Parse([]byte(`{"operations":[{"op":"set","path":"/b","value":2}]}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Apply([]byte(`{ "z" : 1.50, "b":1, "a<b" : [ 1e3 ] }`))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"z":1.50,"b":2,"a<b":[ 1e3 ]}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestApplyRefuses(t *testing.T) {
	const doc = `{"id":"1","n":5,"s":"x","a":[1,2,3],"big":1e308,"o":{}}`
	for _, op := range []string{
		`{"op":"replace","path":"/missing","value":1}`,
		`{"op":"remove","path":"/missing"}`,
		`{"op":"remove","path":"/a/3"}`,
		`{"op":"add","path":"/a/4","value":1}`,
		`{"op":"add","path":"/a/01","value":1}`,
		`{"op":"add","path":"/a/x","value":1}`,
		`{"op":"set","path":"/a/3","value":1}`,
		`{"op":"add","path":"/missing/deep","value":1}`,
		`{"op":"add","path":"/s/deep","value":1}`,
		`{"op":"incr","path":"/s","value":1}`,
		`{"op":"incr","path":"/o","value":1}`,
		`{"op":"incr","path":"/a/7","value":1}`,
		`{"op":"incr","path":"/big","value":1e308}`,
		`{"op":"move","from":"/missing","path":"/n"}`,
	} {
		p, err := Parse([]byte(`{"operations":[`+op+`]}`), nil)
		if err != nil {
			t.Errorf("%s: refused too early: %v", op, err)
			continue
		}
		if got, err := p.Apply([]byte(doc)); err == nil {
			t.Errorf("%s: made %s", op, got)
		} else if !strings.Contains(err.Error(), "operation(1)") {
			t.Errorf("%s: %v does not name the operation", op, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, body := range []string{
		``, `[]`, `{}`, `{"operations":[]}`, `{"operations":[{"op":"remove","path":"/x"}]}{}`,
		`{"operations":[{"op":"add","value":1}]}`,
		`{"operations":[{"op":"add","path":"x","value":1}]}`,
		`{"operations":[{"op":"add","path":"/","value":1}]}`,
		`{"operations":[{"op":"add","path":"/x"}]}`,
		`{"operations":[{"op":"test","path":"/x","value":1}]}`,
		`{"operations":[{"op":"incr","path":"/x","value":"1"}]}`,
		`{"operations":[{"op":"incr","path":"/x"}]}`,
		`{"operations":[{"op":"set","path":"/id","value":"2"}]}`,
		`{"operations":[{"op":"set","path":"/_etag","value":"2"}]}`,
		`{"operations":[{"op":"set","path":"/pk","value":"2"}]}`,
		`{"operations":[{"op":"set","path":"/deep/pk","value":"2"}]}`,
		`{"operations":[{"op":"remove","path":"/deep"}]}`,
		`{"operations":[{"op":"move","path":"/x"}]}`,
		`{"operations":[{"op":"move","from":"/pk","path":"/x"}]}`,
		`{"operations":[{"op":"move","from":"/x","path":"/x/y"}]}`,
		`{"operations":[` + strings.Repeat(`{"op":"remove","path":"/x"},`, 10) + `{"op":"remove","path":"/x"}]}`,
	} {
		if p, err := Parse([]byte(body), [][]string{{"pk"}, {"deep", "pk"}}); err == nil {
			t.Errorf("%s: accepted: %+v", body, p)
		}
	}
}

// FuzzApply: whatever the operations and the document, the result is a JSON object with the same id, or an error.
func FuzzApply(f *testing.F) {
	f.Add(`{"operations":[{"op":"add","path":"/a/-","value":1}]}`, `{"id":"1","a":[{"x":"\"}"}]}`)
	f.Add(`{"operations":[{"op":"move","from":"/a/0/x","path":"/b"},{"op":"incr","path":"/n","value":1}]}`, `{"id":"1","a":[{"x":2}],"n":1}`)
	f.Add(`{"operations":[{"op":"set","path":"/a\u0000","value":[]}]}`, `{"id":"1","a":{"b":{}},"a":3}`)
	f.Fuzz(func(t *testing.T, body, doc string) {
		var before map[string]any
		if json.Unmarshal([]byte(doc), &before) != nil || before == nil {
			t.Skip("the document is not a JSON object: no item would hold it")
		}
		p, err := Parse([]byte(body), nil)
		if err != nil {
			return
		}
		got, err := p.Apply([]byte(doc))
		if err != nil {
			return
		}
		var after map[string]any
		if err := json.Unmarshal(got, &after); err != nil || after == nil {
			t.Fatalf("%s on %s made %s: %v", body, doc, got, err)
		}
		if id, was := after["id"], before["id"]; was != nil {
			if text, ok := was.(string); ok && id != text {
				t.Fatalf("%s on %s changed the id to %v", body, doc, id)
			}
		}
	})
}
