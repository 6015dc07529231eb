package sql

import (
	"math"
	"strconv"
)

// kind is the type of a value. The order of the constants is the order of types under ORDER BY.
type kind uint8

const (
	kindUndefined kind = iota
	kindNull
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

// value is a JSON value or undefined; the zero value is undefined. A stored value lies in a document, a parameter
// or a constant and is decoded only when asked.
type value struct {
	kind kind
	// stored: data is the JSON text of the value, as it was written. Otherwise a number is in num, a string's
	// content in data, an array's or object's parts in parts.
	stored bool
	truth  bool
	num    float64
	data   []byte
	parts  *compound
}

// compound is an array or object that an expression built. Undefined never enters one.
type compound struct {
	keys []string // nil for an array
	vals []value
	size int // about as many bytes as its JSON has
}

var (
	undefined  = value{}
	null       = value{kind: kindNull}
	trueValue  = value{kind: kindBool, truth: true}
	falseValue = value{kind: kindBool}
)

func boolean(b bool) value {
	if b {
		return trueValue
	}
	return falseValue
}

func number(f float64) value { return value{kind: kindNumber, num: f} }

func text(s []byte) value { return value{kind: kindString, data: s} }

func textOf(s string) value { return value{kind: kindString, data: []byte(s)} }

// arrayOf takes ownership of vals, which must not hold undefined.
func arrayOf(vals []value) value {
	return value{kind: kindArray, parts: weighed(&compound{vals: vals})}
}

// objectOf takes ownership of both slices; vals must not hold undefined.
func objectOf(keys []string, vals []value) value {
	return value{kind: kindObject, parts: weighed(&compound{keys: keys, vals: vals})}
}

func weighed(c *compound) *compound {
	c.size = 2
	for i := range c.vals {
		c.size += c.vals[i].size() + 1
	}
	for _, k := range c.keys {
		c.size += len(k) + 3
	}
	return c
}

// largestValue bounds what an expression may build, in bytes of JSON: four times the largest document.
const largestValue = 8 << 20

// size is about the length of the value's JSON.
func (v value) size() int {
	if v.parts != nil {
		return v.parts.size
	}
	return len(v.data) + 8
}

func (v value) isUndefined() bool { return v.kind == kindUndefined }

func (v value) isTrue() bool { return v.kind == kindBool && v.truth }

func (v value) isPrimitive() bool { return v.kind >= kindNull && v.kind <= kindString }

// float is the number as a double; v is a number.
func (v value) float() float64 {
	if v.stored {
		return parseFloat(v.data)
	}
	return v.num
}

// integer is the number as a 64-bit integer, and whether it is one.
func (v value) integer() (int64, bool) {
	if v.kind != kindNumber {
		return 0, false
	}
	if v.stored {
		if i, err := strconv.ParseInt(string(v.data), 10, 64); err == nil {
			return i, true
		}
	}
	f := v.float()
	if f != math.Trunc(f) || f < -1<<63 || f >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

// bytes is the content of a string; v is a string. It must not be changed.
func (v value) bytes() []byte {
	if v.stored {
		return unquote(v.data)
	}
	return v.data
}

// elements lists an array; v is an array.
func (v value) elements() []value {
	if v.parts != nil {
		return v.parts.vals
	}
	var out []value
	eachElement(v.data, func(e value) bool {
		out = append(out, e)
		return true
	})
	return out
}

// each calls fn for the elements of an array until it returns false.
func (v value) each(fn func(value) bool) {
	if v.parts == nil {
		eachElement(v.data, fn)
		return
	}
	for _, e := range v.parts.vals {
		if !fn(e) {
			return
		}
	}
}

// members lists an object in its stored order; of a repeated key only the first counts.
func (v value) members() ([]string, []value) {
	if v.parts != nil {
		return v.parts.keys, v.parts.vals
	}
	var keys []string
	var vals []value
	seen := map[string]bool{}
	eachMember(v.data, func(key []byte, m value) bool {
		k := string(unquote(key))
		if !seen[k] {
			seen[k] = true
			keys, vals = append(keys, k), append(vals, m)
		}
		return true
	})
	return keys, vals
}

// property is the member of an object, undefined for any other value or a missing name.
func (v value) property(name string) value {
	if v.kind != kindObject {
		return undefined
	}
	if v.parts == nil {
		return lookup(v.data, name)
	}
	for i, k := range v.parts.keys {
		if k == name {
			return v.parts.vals[i]
		}
	}
	return undefined
}

// at is the element of an array, undefined for any other value or outside its bounds.
func (v value) at(index int64) value {
	if v.kind != kindArray || index < 0 {
		return undefined
	}
	if v.parts != nil {
		if index < int64(len(v.parts.vals)) {
			return v.parts.vals[index]
		}
		return undefined
	}
	found := undefined
	eachElement(v.data, func(e value) bool {
		if index == 0 {
			found = e
			return false
		}
		index--
		return true
	})
	return found
}

// clone copies what a value borrows from its document, so that it outlives it.
func (v value) clone() value {
	if v.data != nil {
		v.data = append([]byte(nil), v.data...)
	}
	if v.parts != nil {
		c := &compound{keys: v.parts.keys, vals: make([]value, len(v.parts.vals)), size: v.parts.size}
		for i, p := range v.parts.vals {
			c.vals[i] = p.clone()
		}
		v.parts = c
	}
	return v
}
