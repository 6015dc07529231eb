package sql

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// The functions of this file walk raw JSON. Given text that is not JSON they stop early and find nothing; they do
// not report it, because documents are validated when they are stored. None of them recurses.

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// shortString is how far skipString looks byte by byte before it calls on IndexByte, which is slow to start.
const shortString = 16

// skipString returns the index behind the string that begins at i.
func skipString(b []byte, i int) int {
	i++
	for near := min(len(b), i+shortString); i < near; i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			return skipEscapedString(b, i)
		}
	}
	return skipEscapedString(b, i)
}

// skipEscapedString goes on inside a string at i, which is not behind a backslash.
func skipEscapedString(b []byte, i int) int {
	for i < len(b) {
		j := bytes.IndexByte(b[i:], '"')
		if j < 0 {
			return len(b)
		}
		end := i + j
		slashes := 0
		for k := end - 1; k >= i && b[k] == '\\'; k-- {
			slashes++
		}
		i = end + 1
		if slashes%2 == 0 {
			return i
		}
	}
	return len(b)
}

// skipValue returns the index behind the value that begins at i.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return len(b)
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	for i < len(b) {
		switch b[i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r', ':':
			return i
		}
		i++
	}
	return i
}

// structural marks the bytes that end a run of others inside an array or object.
var structural = [256]bool{'"': true, '{': true, '[': true, '}': true, ']': true}

func skipNested(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		c := b[i]
		if !structural[c] {
			i++
			continue
		}
		switch c {
		case '"':
			i = skipString(b, i)
			continue
		case '{', '[':
			depth++
		default:
			depth--
			if depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return len(b)
}

// valueAt makes the stored value that begins at i and returns the index behind it.
func valueAt(b []byte, i int) (value, int) {
	i = skipSpace(b, i)
	if i >= len(b) {
		return undefined, len(b)
	}
	end := skipValue(b, i)
	v := value{stored: true, data: b[i:end:end]}
	switch c := b[i]; {
	case c == '"':
		v.kind = kindString
	case c == '{':
		v.kind = kindObject
	case c == '[':
		v.kind = kindArray
	case c == 't':
		v.kind, v.truth = kindBool, true
	case c == 'f':
		v.kind = kindBool
	case c == 'n':
		v.kind = kindNull
	case c == '-' || c >= '0' && c <= '9':
		v.kind = kindNumber
	default:
		return undefined, len(b)
	}
	return v, end
}

// root is a whole stored document as a value. It trusts the text to be one value and does not look for its end.
func root(b []byte) value {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && (b[0] == '{' || b[0] == '[') {
		v := value{kind: kindObject, stored: true, data: b}
		if b[0] == '[' {
			v.kind = kindArray
		}
		return v
	}
	v, _ := valueAt(b, 0)
	return v
}

// fromJSON makes a stored value of JSON text from outside, which it checks.
func fromJSON(data []byte) (value, bool) {
	if !json.Valid(data) {
		return undefined, false
	}
	v, _ := valueAt(data, 0)
	return v, true
}

// eachElement calls fn for the elements of the array in b until it returns false.
func eachElement(b []byte, fn func(value) bool) {
	i := 1
	for {
		i = skipSpace(b, i)
		if i >= len(b) || b[i] == ']' {
			return
		}
		v, end := valueAt(b, i)
		if v.isUndefined() || !fn(v) {
			return
		}
		if i = skipSpace(b, end); i < len(b) && b[i] == ',' {
			i++
		}
	}
}

// eachMember calls fn for the members of the object in b until it returns false. The key is JSON text with quotes.
func eachMember(b []byte, fn func(key []byte, v value) bool) {
	i := 1
	for {
		i = skipSpace(b, i)
		if i >= len(b) || b[i] != '"' {
			return
		}
		keyEnd := skipString(b, i)
		key := b[i:keyEnd]
		i = skipSpace(b, keyEnd)
		if i >= len(b) || b[i] != ':' {
			return
		}
		v, end := valueAt(b, i+1)
		if v.isUndefined() || !fn(key, v) {
			return
		}
		if i = skipSpace(b, end); i < len(b) && b[i] == ',' {
			i++
		}
	}
}

// lookup finds a member of the object in b without decoding the others.
func lookup(b []byte, name string) value {
	i := 1
	for {
		i = skipSpace(b, i)
		if i >= len(b) || b[i] != '"' {
			return undefined
		}
		keyEnd := skipString(b, i)
		found := keyIs(b[i:keyEnd], name)
		i = skipSpace(b, keyEnd)
		if i >= len(b) || b[i] != ':' {
			return undefined
		}
		i = skipSpace(b, i+1)
		if found {
			v, _ := valueAt(b, i)
			return v
		}
		if i = skipSpace(b, skipValue(b, i)); i < len(b) && b[i] == ',' {
			i++
		}
	}
}

func keyIs(quoted []byte, name string) bool {
	if len(quoted) < 2 {
		return false
	}
	inner := quoted[1 : len(quoted)-1]
	if string(inner) == name {
		return bytes.IndexByte(inner, '\\') < 0
	}
	return len(inner) > len(name) && bytes.IndexByte(inner, '\\') >= 0 && string(unquote(quoted)) == name
}

// unquote is the content of a JSON string. It copies only when there is something to unescape.
func unquote(quoted []byte) []byte {
	if len(quoted) < 2 {
		return nil
	}
	inner := quoted[1 : len(quoted)-1]
	i := bytes.IndexByte(inner, '\\')
	if i < 0 {
		return inner
	}
	out := append(make([]byte, 0, len(inner)), inner[:i]...)
	for i < len(inner) {
		if inner[i] != '\\' || i+1 >= len(inner) {
			out = append(out, inner[i])
			i++
			continue
		}
		var r rune
		r, i = unescape(inner, i)
		out = utf8.AppendRune(out, r)
	}
	return out
}

// unescape reads the escape sequence at the backslash b[i]; there is a byte behind it.
func unescape(b []byte, i int) (rune, int) {
	switch c := b[i+1]; c {
	case 'b':
		return '\b', i + 2
	case 'f':
		return '\f', i + 2
	case 'n':
		return '\n', i + 2
	case 'r':
		return '\r', i + 2
	case 't':
		return '\t', i + 2
	case 'u':
		r, ok := hex4(b, i+2)
		if !ok {
			return utf8.RuneError, i + 2
		}
		if utf16.IsSurrogate(r) {
			if i+7 < len(b) && b[i+6] == '\\' && b[i+7] == 'u' {
				if low, ok := hex4(b, i+8); ok {
					if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
						return both, i + 12
					}
				}
			}
			return utf8.RuneError, i + 6
		}
		return r, i + 6
	default:
		return rune(c), i + 2
	}
}

func hex4(b []byte, i int) (rune, bool) {
	if i+4 > len(b) {
		return 0, false
	}
	var r rune
	for _, c := range b[i : i+4] {
		d, ok := hexDigit(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

func hexDigit(c byte) (uint64, bool) {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0'), true
	case c >= 'a' && c <= 'f':
		return uint64(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return uint64(c-'A') + 10, true
	}
	return 0, false
}

// parseFloat reads a JSON number, quickly when it is a short integer.
func parseFloat(b []byte) float64 {
	if n := len(b); n > 0 && n <= 15 {
		i, neg := 0, b[0] == '-'
		if neg {
			i = 1
		}
		var x int64
		for ; i < n && b[i] >= '0' && b[i] <= '9'; i++ {
			x = x*10 + int64(b[i]-'0')
		}
		if i == n && (!neg || x != 0) {
			if neg {
				x = -x
			}
			return float64(x)
		}
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil && f == 0 {
		return 0
	}
	return f
}
