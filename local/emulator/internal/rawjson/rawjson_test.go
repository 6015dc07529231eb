package rawjson

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// object takes an object apart with the scanner.
func object(data []byte) (map[string]json.RawMessage, bool) {
	out := map[string]json.RawMessage{}
	s := New(data)
	s.Open('{')
	for !s.Closed('}') {
		name := s.Name()
		value := s.Value()
		out[string(Text(name))] = value
	}
	return out, s.End()
}

func TestScanner(t *testing.T) {
	got, ok := object([]byte(` { "a" : [1, {"b":"]}\""}] ,"\u0062":-1.5e3,"c":null, "d":"" } `))
	want := map[string]json.RawMessage{"a": json.RawMessage(`[1, {"b":"]}\""}]`), "b": json.RawMessage("-1.5e3"), "c": json.RawMessage("null"), "d": json.RawMessage(`""`)}
	if !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: %s", ok, got)
	}
	for _, bad := range []string{
		``, `[`, `{`, `{"a"`, `{"a":`, `{"a":}`, `{"a":1`, `{"a":1,}`, `{,}`, `{"a" 1}`, `{a:1}`, `{"a":1 "b":2}`, `{"a":1}x`, `{"a":[1}`, `{"a":"x}`, `{}}`, `{"a":{"b":1}`,
	} {
		if got, ok := object([]byte(bad)); ok {
			t.Errorf("%s: read as %s", bad, got)
		}
	}
}

// FuzzScanner: what encoding/json reads as an object the scanner reads alike; what the scanner takes for one and encoding/json does
// not, is wrong only inside of a value.
func FuzzScanner(f *testing.F) {
	f.Add(`{"a":[1,{"b":"]}\""}],"c":null}`)
	f.Add("{\"a\\u0000\":1 , \"b\":[ ]}")
	f.Add(`{"a":tru,"b":{]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := object([]byte(text))
		var want map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &want) == nil && want != nil {
			if !ok {
				t.Fatalf("%q is refused", text)
			}
			for name, value := range want {
				if string(got[name]) != string(value) && json.Valid([]byte(name)) {
					t.Fatalf("%q: %q is %s, want %s", text, name, got[name], value)
				}
			}
			return
		}
		if !ok || json.Valid([]byte(text)) {
			return
		}
		for _, value := range got {
			if !json.Valid(value) {
				return
			}
		}
		s := New([]byte(text))
		s.Open('{')
		for !s.Closed('}') {
			if name := s.Name(); !json.Valid(name) {
				return
			}
			if !json.Valid(s.Value()) {
				return
			}
		}
		t.Fatalf("%q is accepted and no value of it is wrong", text)
	})
}

func TestPlain(t *testing.T) {
	for n := range 40 {
		for c := range 256 {
			text := bytes.Repeat([]byte("\xff~ x"), 5)[:n/2]
			text = append(text, byte(c))
			text = append(text, bytes.Repeat([]byte{0x80, '!'}, n/4)...)
			want := 0
			for want < len(text) && text[want] >= ' ' && text[want] != '"' && text[want] != '\\' {
				want++
			}
			if got := Plain(text); got != want {
				t.Fatalf("Plain(%q) = %d, want %d", text, got, want)
			}
		}
	}
}

func TestVerbatim(t *testing.T) {
	for quoted, want := range map[string]bool{
		`"key-1"`: true, `""`: true, `"é"`: true,
		``: false, `"`: false, `1`: false, `"a`: false, `"a\n"`: false, `"a"b"`: false, "\"\x01\"": false, "\"\xff\"": false,
	} {
		got, ok := Verbatim([]byte(quoted))
		if ok != want || ok && string(got) != quoted[1:len(quoted)-1] {
			t.Errorf("Verbatim(%s) = %q, %v, want %v", quoted, got, ok, want)
		}
	}
}
