package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"

	"supergame/local/emulator/internal/rawjson"
)

// maxDepth is how deep the service lets JSON nest.
const maxDepth = 128

var (
	errJSON      = errors.New("the body is not valid JSON")
	errNotObject = errors.New("the body is not a JSON object")
	errDepth     = errors.New("the body nests deeper than 128 levels")
	errTwice     = errors.New("the body has a property twice in one object")
	errNumber    = errors.New("the body has a number that is out of range: numbers are doubles")
)

// member is a property of an object, as it stands in the text.
type member struct {
	key   []byte // without quotes
	value []byte
	start int // of the key's quote
	end   int // behind the value
}

// members appends the properties of the object that is the whole of in, which must be valid JSON and UTF-8. Nothing is copied and
// nothing converted: a number stays the text it was.
func members(dst []member, in []byte) ([]member, error) {
	if !utf8.Valid(in) {
		return dst, errJSON
	}
	pos := space(in, 0)
	if pos >= len(in) || in[pos] != '{' {
		if _, err := skip(in, pos, 0); err != nil {
			return dst, errJSON
		}
		return dst, errNotObject
	}
	dst, pos, err := object(dst, in, pos, 0)
	if err != nil {
		return dst, err
	}
	if space(in, pos) != len(in) {
		return dst, errJSON
	}
	return dst, nil
}

// names are those of one object. One that stands twice is refused: readers of JSON do not agree which of the values counts.
type names struct {
	few  [8][]byte
	n    int
	many map[string]struct{} // when few is full
}

// add notes a name; false when it is there already.
func (s *names) add(name []byte) bool {
	if s.many == nil {
		for _, other := range s.few[:s.n] {
			if bytes.Equal(other, name) {
				return false
			}
		}
		if s.n < len(s.few) {
			s.few[s.n] = name
			s.n++
			return true
		}
		s.many = make(map[string]struct{}, 4*len(s.few))
		for _, other := range s.few {
			s.many[string(other)] = struct{}{}
		}
	}
	before := len(s.many)
	s.many[string(name)] = struct{}{}
	return len(s.many) > before
}

// object walks over the object at pos and appends its members to dst.
func object(dst []member, in []byte, pos, depth int) ([]member, int, error) {
	pos = space(in, pos+1)
	if pos < len(in) && in[pos] == '}' {
		return dst, pos + 1, nil
	}
	var seen names
	for {
		m, next, err := readMember(in, pos, depth)
		if err != nil {
			return dst, 0, err
		}
		if !seen.add(m.key) {
			return dst, 0, errTwice
		}
		dst = append(dst, m)
		pos = space(in, next)
		switch {
		case pos < len(in) && in[pos] == ',':
			pos = space(in, pos+1)
		case pos < len(in) && in[pos] == '}':
			return dst, pos + 1, nil
		default:
			return dst, 0, errJSON
		}
	}
}

// nameOf decodes a name with its quotes.
func nameOf(quoted []byte) ([]byte, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], nil
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return nil, errJSON
	}
	return []byte(s), nil
}

func readMember(in []byte, pos, depth int) (member, int, error) {
	m := member{start: pos}
	end, err := skipString(in, pos)
	if err != nil {
		return m, 0, err
	}
	if m.key, err = nameOf(in[pos:end]); err != nil {
		return m, 0, err
	}
	pos = space(in, end)
	if pos >= len(in) || in[pos] != ':' {
		return m, 0, errJSON
	}
	pos = space(in, pos+1)
	if m.end, err = skip(in, pos, depth+1); err != nil {
		return m, 0, err
	}
	m.value = in[pos:m.end]
	return m, m.end, nil
}

func space(in []byte, pos int) int {
	for pos < len(in) && (in[pos] == ' ' || in[pos] == '\n' || in[pos] == '\t' || in[pos] == '\r') {
		pos++
	}
	return pos
}

// skip walks over the value at pos.
func skip(in []byte, pos, depth int) (int, error) {
	if pos >= len(in) {
		return 0, errJSON
	}
	if depth > maxDepth {
		return 0, errDepth
	}
	switch in[pos] {
	case '"':
		return skipString(in, pos)
	case '{':
		return skipObject(in, pos, depth)
	case '[':
		return skipArray(in, pos, depth)
	case 't':
		return skipWord(in, pos, "true")
	case 'f':
		return skipWord(in, pos, "false")
	case 'n':
		return skipWord(in, pos, "null")
	}
	return skipNumber(in, pos)
}

func skipObject(in []byte, pos, depth int) (int, error) {
	pos = space(in, pos+1)
	if pos < len(in) && in[pos] == '}' {
		return pos + 1, nil
	}
	var seen names
	for {
		end, err := skipString(in, pos)
		if err != nil {
			return 0, err
		}
		name, err := nameOf(in[pos:end])
		if err != nil {
			return 0, err
		}
		if !seen.add(name) {
			return 0, errTwice
		}
		if pos = space(in, end); pos >= len(in) || in[pos] != ':' {
			return 0, errJSON
		}
		if pos, err = skip(in, space(in, pos+1), depth+1); err != nil {
			return 0, err
		}
		pos = space(in, pos)
		switch {
		case pos < len(in) && in[pos] == ',':
			pos = space(in, pos+1)
		case pos < len(in) && in[pos] == '}':
			return pos + 1, nil
		default:
			return 0, errJSON
		}
	}
}

func skipArray(in []byte, pos, depth int) (int, error) {
	pos = space(in, pos+1)
	if pos < len(in) && in[pos] == ']' {
		return pos + 1, nil
	}
	for {
		next, err := skip(in, pos, depth+1)
		if err != nil {
			return 0, err
		}
		pos = space(in, next)
		switch {
		case pos < len(in) && in[pos] == ',':
			pos = space(in, pos+1)
		case pos < len(in) && in[pos] == ']':
			return pos + 1, nil
		default:
			return 0, errJSON
		}
	}
}

func skipWord(in []byte, pos int, word string) (int, error) {
	if len(in)-pos < len(word) || string(in[pos:pos+len(word)]) != word {
		return 0, errJSON
	}
	return pos + len(word), nil
}

func skipString(in []byte, pos int) (int, error) {
	if pos >= len(in) || in[pos] != '"' {
		return 0, errJSON
	}
	for pos++; pos < len(in); {
		pos += rawjson.Plain(in[pos:])
		if pos == len(in) {
			break
		}
		switch in[pos] {
		case '"':
			return pos + 1, nil
		case '\\':
			n := escape(in, pos)
			if n == 0 {
				return 0, errJSON
			}
			pos += n
		default: // a control character
			return 0, errJSON
		}
	}
	return 0, errJSON
}

// escape is the length of the escape at pos, 0 when it is none.
func escape(in []byte, pos int) int {
	if pos+1 >= len(in) {
		return 0
	}
	switch in[pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if pos+6 > len(in) {
			return 0
		}
		for _, c := range in[pos+2 : pos+6] {
			if !isHex(c) {
				return 0
			}
		}
		return 6
	}
	return 0
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func skipNumber(in []byte, pos int) (int, error) {
	begin := pos
	if pos < len(in) && in[pos] == '-' {
		pos++
	}
	start := pos
	if pos = digits(in, pos); pos == start || in[start] == '0' && pos > start+1 {
		return 0, errJSON
	}
	large := pos-start > safeDigits
	if pos < len(in) && in[pos] == '.' {
		start = pos + 1
		if pos = digits(in, start); pos == start {
			return 0, errJSON
		}
	}
	if pos < len(in) && (in[pos] == 'e' || in[pos] == 'E') {
		large = true
		pos++
		if pos < len(in) && (in[pos] == '+' || in[pos] == '-') {
			pos++
		}
		start = pos
		if pos = digits(in, pos); pos == start {
			return 0, errJSON
		}
	}
	if large {
		if _, err := strconv.ParseFloat(string(in[begin:pos]), 64); err != nil {
			return 0, errNumber
		}
	}
	return pos, nil
}

// safeDigits is how many digits before the point no double is too small for.
const safeDigits = 300

func digits(in []byte, pos int) int {
	for pos < len(in) && in[pos] >= '0' && in[pos] <= '9' {
		pos++
	}
	return pos
}

// find gives the value of a property, nil when it is missing.
func find(ms []member, key string) []byte {
	for i := range ms {
		if string(ms[i].key) == key {
			return ms[i].value
		}
	}
	return nil
}

// lookup follows a path through objects from already split members; nil when it leads nowhere.
func lookup(ms []member, path []string) []byte {
	value := find(ms, path[0])
	for _, segment := range path[1:] {
		if len(value) == 0 || value[0] != '{' {
			return nil
		}
		inner, _, err := object(nil, value, 0, 0)
		if err != nil {
			return nil
		}
		value = find(inner, segment)
	}
	return value
}
