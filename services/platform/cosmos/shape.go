package cosmos

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
)

// shape is what a Go type knows of a JSON value: the properties of a struct, or that a map's values have a shape. A nil
// shape knows the value as a whole.
type shape struct {
	fields map[string]*shape
	values *shape
}

// systemProperties are the service's own: it ignores what one sends.
var systemProperties = map[string]bool{"_rid": true, "_self": true, "_etag": true, "_ts": true, "_attachments": true, "_lsn": true}

func shapeOf(t reflect.Type) *shape { return describe(t, map[reflect.Type]*shape{}) }

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

func describe(t reflect.Type, seen map[reflect.Type]*shape) *shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if pointer := reflect.PointerTo(t); pointer.Implements(jsonMarshaler) || pointer.Implements(textMarshaler) {
		return nil
	}
	if known, ok := seen[t]; ok {
		return known
	}
	switch t.Kind() {
	case reflect.Struct:
		s := &shape{fields: map[string]*shape{}}
		seen[t] = s
		s.addFields(t, seen)
		return s
	case reflect.Map:
		if values := describe(t.Elem(), seen); values != nil {
			return &shape{values: values}
		}
	}
	return nil
}

func (s *shape) addFields(t reflect.Type, seen map[reflect.Type]*shape) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		inner := field.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case field.Tag.Get("json") == "-":
		case field.Anonymous && name == "" && inner.Kind() == reflect.Struct:
			s.addFields(inner, seen)
		case field.IsExported():
			if name == "" {
				name = field.Name
			}
			s.fields[name] = describe(field.Type, seen)
		}
	}
}

// restore returns next with the properties of stored that the type does not know, but for the system's. Next is the encoding of a
// value of that type, stored the document it was read from.
func (s *shape) restore(stored, next []byte) ([]byte, error) {
	return s.merge(stored, next, systemProperties)
}

func (s *shape) merge(stored, next []byte, left map[string]bool) ([]byte, error) {
	old, err := members(stored)
	if err != nil {
		return nil, err
	}
	now, err := members(next)
	if err != nil {
		return nil, err
	}
	at := positions(now)
	changed := false
	for _, m := range old {
		i, present := at(m.name)
		inner, known := s.member(m.name)
		switch {
		case !known && !present && !left[m.name]:
			now = append(now, m)
			changed = true
		case present && inner != nil && isObject(m.value) && isObject(now[i].value):
			merged, err := inner.merge(m.value, now[i].value, nil)
			if err != nil {
				return nil, err
			}
			changed = changed || !bytes.Equal(merged, now[i].value)
			now[i].value = merged
		}
	}
	if !changed {
		return next, nil
	}
	return join(now), nil
}

// member tells what the type knows of a property: of a map, every key.
func (s *shape) member(name string) (inner *shape, known bool) {
	if s.values != nil {
		return s.values, true
	}
	inner, known = s.fields[name]
	return inner, known
}
