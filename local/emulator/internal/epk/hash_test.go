package epk

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

type vectors struct {
	Results []struct {
		Description string `xml:"Input>Description"`
		Value       string `xml:"Input>PartitionKeyValue"`
		V1          string `xml:"Output>PartitionKeyHashV1"`
		V2          string `xml:"Output>PartitionKeyHashV2"`
	} `xml:"Result"`
}

// TestVectors compares with the SDK's vectors, whose version 2 still has the two top bits.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) != 4 {
		t.Fatalf("vector files: %v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v vectors
		if err := xml.Unmarshal(data, &v); err != nil || len(v.Results) == 0 {
			t.Fatalf("%s: %d results, %v", file, len(v.Results), err)
		}
		for _, r := range v.Results {
			key := vectorKey(t, r.Value)
			def := Definition{Paths: make([][]string, len(key)), Hierarchical: len(key) > 1, Version: 2}
			check(t, r.Description+" V2", def, key, masked(t, r.V2))
			def.Version = 1
			check(t, r.Description+" V1", def, key, r.V1)
		}
	}
}

func check(t *testing.T, name string, d Definition, k Key, want string) {
	t.Helper()
	got, err := d.Effective(k)
	if err != nil || got != want {
		t.Errorf("%s: %s, %v; want %s", name, got, err, want)
	}
	if 2*d.Width() != len(got) {
		t.Errorf("%s: width %d of %s", name, d.Width(), got)
	}
}

func vectorKey(t *testing.T, raw string) Key {
	t.Helper()
	switch raw {
	case "UNDEFINED":
		return Key{{}}
	case `"NaN"`: // the bits of .NET's NaN
		return Key{{Kind: Number, Num: math.Float64frombits(0xFFF8000000000000)}}
	case `"Infinity"`, `"-Infinity"`:
		s, _ := strconv.Unquote(raw)
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return Key{{Kind: Number, Num: f}}
	}
	if raw[0] != '[' {
		raw = "[" + raw + "]"
	}
	k, err := Parse([]byte(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return k
}

// masked clears the two top bits of every level.
func masked(t *testing.T, hex string) string {
	t.Helper()
	b := make([]byte, len(hex)/2)
	for i := range b {
		b[i] = nibble(hex[2*i])<<4 | nibble(hex[2*i+1])
		if i%levelBytes == 0 {
			b[i] &= 0x3F
		}
	}
	return Hex(b)
}

func TestBoundsOfPrefix(t *testing.T) {
	d := Definition{Paths: [][]string{{"tenant"}, {"user"}, {"session"}}, Hierarchical: true, Version: 2}
	for _, prefix := range []Key{Strings("a"), Strings("a", "b"), Strings("a", "b", "c")} {
		lo, hi, err := d.Bounds(prefix)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []Key{Strings("a", "b", "c"), Strings("a", "x", "c"), Strings("z", "b", "c")} {
			e, err := d.Effective(k)
			if err != nil {
				t.Fatal(err)
			}
			inside := lo <= e && e < hi
			if want := k[:len(prefix)].Equal(prefix); inside != want {
				t.Errorf("%v within %v: %v, want %v", k, prefix, inside, want)
			}
		}
	}
	if _, _, err := d.Bounds(Strings("a", "b", "c", "d")); err == nil {
		t.Error("four components for three paths were taken")
	}
	plain := Definition{Paths: [][]string{{"pk"}}, Version: 2}
	if _, err := plain.Effective(Strings("a", "b")); err == nil {
		t.Error("two components for one path were taken")
	}
	if got, want := d.appendHash(nil, Key{}), d.appendHash(nil, Key{{}}); !bytes.HasPrefix(got, want) {
		t.Errorf("the empty key hashes to %x, not below %x", got, want)
	}
}

func TestBinary(t *testing.T) {
	for bound, want := range map[string]string{"": "", "1": "10", "10": "10", "1000": "10", "0f": "0F", "FF": "FF", "00": "", "3FA": "3FA0"} {
		b, err := Binary(bound)
		if err != nil || Hex(b) != want {
			t.Errorf("%q: %s, %v; want %s", bound, Hex(b), err, want)
		}
	}
	if _, err := Binary("0G"); err == nil {
		t.Error("0G was taken for hexadecimal")
	}
}

func TestParse(t *testing.T) {
	good := map[string]Key{
		`["a"]`:                               Strings("a"),
		`[ "a" , "b" ]`:                       Strings("a", "b"),
		`[]`:                                  {},
		`[{}]`:                                {{}},
		`[null,true,false,-0.5,1e3,"\u00e9"]`: {{Kind: Null}, {Kind: True}, {Kind: False}, {Kind: Number, Num: -0.5}, {Kind: Number, Num: 1000}, {Kind: String, Str: "é"}},
	}
	for in, want := range good {
		k, err := Parse([]byte(in))
		if err != nil || k == nil || !k.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", in, k, err, want)
		}
	}
	for _, in := range []string{``, `[`, `"a"`, `{}`, `[[]]`, `[{"a":1}]`, `["a",]`, `["a"`, `["a"]x`, `[1e999]`, `["a" "b"]`, `[NaN]`, "[\"\xff\"]"} {
		if k, err := Parse([]byte(in)); err == nil {
			t.Errorf("%s was taken for %v", in, k)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`["a"]`, `[1,-0,1e308]`, `[{},null,true]`, `["\u0000\ud83d\ude00"]`, `[]`, `[[`, `["\"]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		k, err := Parse(in)
		if err != nil {
			return
		}
		if !json.Valid(in) {
			t.Fatalf("%q is no JSON but was taken for %v", in, k)
		}
		again, err := Parse(k.JSON())
		if err != nil || !again.Equal(k) {
			t.Fatalf("%q: %v written as %s and read as %v, %v", in, k, k.JSON(), again, err)
		}
		if !bytes.Equal(k.Append(nil), again.Append(nil)) {
			t.Fatalf("%q: equal keys, unequal forms", in)
		}
		d := Definition{Paths: make([][]string, len(k)), Hierarchical: true, Version: 2}
		e := d.appendHash(nil, k)
		for i := 0; i < len(e); i += levelBytes {
			if e[i] > 0x3F {
				t.Fatalf("%q: level at %d begins with %X", in, i, e[i])
			}
		}
	})
}

func BenchmarkEffective(b *testing.B) {
	d := Definition{Paths: [][]string{{"pk"}}, Version: 2}
	k := Strings("01J8ZQ4T6N8S2V5W7X9Y0Z1A2B")
	var buf [64]byte
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.AppendEffective(buf[:0], k); err != nil {
			b.Fatal(err)
		}
	}
}
