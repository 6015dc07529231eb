package emulator

import (
	"encoding/json"
	"testing"
)

// FuzzParseBatch compares with encoding/json: the same operations, and nothing that is not JSON but for the bodies, which whoever
// uses them decodes.
func FuzzParseBatch(f *testing.F) {
	f.Add(`[{"operationType":"Create","resourceBody":{"id":"1"}},{"operationType":"Delete","id":"a\"b","ifMatch":"\"x\""}]`)
	f.Add(`[{"id":1}]`)
	f.Add(`[,{"x":tru}]`)
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseBatch([]byte(text))
		if !ok {
			return
		}
		if !json.Valid([]byte(text)) {
			for _, op := range got {
				if op.body != nil && !json.Valid(op.body) {
					return
				}
			}
			t.Fatalf("%q is accepted", text)
		}
		var want []map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &want); err != nil || len(got) != len(want) {
			t.Fatalf("%q: %d operations, want %d (%v)", text, len(got), len(want), err)
		}
		for i, op := range got {
			for name, is := range map[string]string{"operationType": op.kind, "id": op.id, "ifMatch": op.ifMatch} {
				var should string
				if raw := want[i][name]; raw != nil && json.Unmarshal(raw, &should) == nil && is != should {
					t.Fatalf("%q: %s is %q, want %q", text, name, is, should)
				}
			}
			if string(op.body) != string(want[i]["resourceBody"]) {
				t.Fatalf("%q: body %s, want %s", text, op.body, want[i]["resourceBody"])
			}
		}
	})
}
