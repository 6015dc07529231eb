package cosmos

import (
	"encoding/json"
	"errors"
	"slices"
	"unicode/utf8"
)

// member is one property of a JSON object, in its order. Quoted and value are parts of the object's bytes.
type member struct {
	name   string
	quoted []byte // the name as it stands in the object
	value  json.RawMessage
}

var errNotAnObject = errors.New("not a JSON object")

// members takes a JSON object apart without decoding its values. The object has been through encoding/json, so only its
// structure is followed here.
func members(object []byte) ([]member, error) {
	i := skipBlank(object, 0)
	if i >= len(object) || object[i] != '{' {
		return nil, errNotAnObject
	}
	list := make([]member, 0, 16)
	for i = skipBlank(object, i+1); i < len(object) && object[i] == '"'; {
		end := skipValue(object, i)
		if end < 0 {
			return nil, errNotAnObject
		}
		quoted := object[i:end]
		name, err := unquote(quoted)
		if err != nil {
			return nil, err
		}
		if i = skipBlank(object, end); i >= len(object) || object[i] != ':' {
			return nil, errNotAnObject
		}
		start := skipBlank(object, i+1)
		if end = skipValue(object, start); end < 0 {
			return nil, errNotAnObject
		}
		list = append(list, member{name, quoted, object[start:end]})
		if i = skipBlank(object, end); i < len(object) && object[i] == ',' {
			i = skipBlank(object, i+1)
		}
	}
	if i >= len(object) || object[i] != '}' {
		return nil, errNotAnObject
	}
	return list, nil
}

func skipBlank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipValue returns the end of the value that begins at i, -1 when it has none.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	end := i
	for end < len(b) && !endsScalar(b[end]) {
		end++
	}
	if end == i {
		return -1
	}
	return end
}

func endsScalar(c byte) bool {
	switch c {
	case ',', ']', '}', ' ', '\n', '\t', '\r':
		return true
	}
	return false
}

func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

func skipNested(b []byte, i int) int {
	for depth := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			end := skipString(b, i)
			if end < 0 {
				return -1
			}
			i = end - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

func unquote(quoted []byte) (string, error) {
	if !slices.ContainsFunc(quoted, func(c byte) bool { return c == '\\' || c >= utf8.RuneSelf }) {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	var name string
	err := json.Unmarshal(quoted, &name)
	return name, err
}

// positions returns a function that finds a member by name; few are searched, many are looked up.
func positions(list []member) func(name string) (int, bool) {
	if len(list) > 24 {
		index := make(map[string]int, len(list))
		for i, m := range list {
			index[m.name] = i
		}
		return func(name string) (int, bool) {
			i, ok := index[name]
			return i, ok
		}
	}
	return func(name string) (int, bool) {
		for i := range list {
			if list[i].name == name {
				return i, true
			}
		}
		return 0, false
	}
}

func isObject(value json.RawMessage) bool { return len(value) > 0 && value[0] == '{' }

// join makes an object of its members.
func join(list []member) []byte {
	size := 2
	for _, m := range list {
		size += len(m.quoted) + len(m.value) + 2
	}
	b := append(make([]byte, 0, size), '{')
	for i, m := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, m.quoted...), ':'), m.value...)
	}
	return append(b, '}')
}
