package epk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"supergame/local/emulator/internal/rawjson"
)

// Parse reads the header x-ms-documentdb-partitionkey: a JSON array of strings, numbers, booleans, null and {} (undefined).
func Parse(header []byte) (Key, error) {
	if k, ok := parsePlain(header); ok {
		return k, nil
	}
	if !utf8.Valid(header) {
		return nil, errors.New("the partition key is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(header))
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return nil, errors.New("the partition key is not a JSON array")
	}
	k := Key{}
	for dec.More() {
		c, err := parseComponent(dec)
		if err != nil {
			return nil, err
		}
		k = append(k, c)
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("the partition key is not a JSON array: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the partition key has something behind the array")
	}
	return k, nil
}

// parsePlain reads the header almost everybody sends, one string without escapes, and nothing else.
func parsePlain(h []byte) (Key, bool) {
	if len(h) < 4 || h[0] != '[' || h[1] != '"' || h[len(h)-2] != '"' || h[len(h)-1] != ']' {
		return nil, false
	}
	s := h[2 : len(h)-2]
	for _, c := range s {
		if c < 0x20 || c > 0x7E || c == '"' || c == '\\' {
			return nil, false
		}
	}
	return Key{{Kind: String, Str: string(s)}}, true
}

func parseComponent(dec *json.Decoder) (Component, error) {
	t, err := dec.Token()
	if err != nil {
		return Component{}, fmt.Errorf("the partition key is not a JSON array: %w", err)
	}
	switch v := t.(type) {
	case nil:
		return Component{Kind: Null}, nil
	case bool:
		return boolean(v), nil
	case float64:
		return Component{Kind: Number, Num: v}, nil
	case string:
		return Component{Kind: String, Str: v}, nil
	case json.Delim:
		if v == '{' && !dec.More() {
			_, err = dec.Token()
			return Component{}, err
		}
	}
	return Component{}, errors.New("a component of the partition key is an array or an object")
}

func boolean(v bool) Component {
	if v {
		return Component{Kind: True}
	}
	return Component{Kind: False}
}

// Value makes the component of a JSON value as it stands in a document: an object or array is refused.
func Value(raw []byte) (Component, error) {
	switch {
	case len(raw) == 0:
		return Component{}, nil
	case raw[0] == '"':
		if plain, ok := rawjson.Verbatim(raw); ok {
			return Component{Kind: String, Str: string(plain)}, nil
		}
		var s string
		err := json.Unmarshal(raw, &s)
		return Component{Kind: String, Str: s}, err
	case raw[0] == 't' || raw[0] == 'f':
		return boolean(raw[0] == 't'), nil
	case raw[0] == 'n':
		return Component{Kind: Null}, nil
	case raw[0] == '{' || raw[0] == '[':
		return Component{}, errors.New("the value of a partition key is an array or an object")
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return Component{}, fmt.Errorf("the value of a partition key is no number: %s", raw)
	}
	return Component{Kind: Number, Num: f}, nil
}

// JSON writes the key as Parse reads it.
func (k Key) JSON() []byte {
	out := []byte{'['}
	for i, c := range k {
		if i > 0 {
			out = append(out, ',')
		}
		out = c.appendJSON(out)
	}
	return append(out, ']')
}

func (c Component) appendJSON(out []byte) []byte {
	switch c.Kind {
	case Null:
		return append(out, "null"...)
	case True:
		return append(out, "true"...)
	case False:
		return append(out, "false"...)
	case Number:
		return strconv.AppendFloat(out, c.Num, 'g', -1, 64)
	case String:
		b, err := json.Marshal(c.Str)
		if err == nil { // a string always has a JSON form
			return append(out, b...)
		}
	}
	return append(out, "{}"...)
}
