package sql

import (
	"bytes"
	"cmp"
	"math"
)

func compareText(a, b string) int { return cmp.Compare(a, b) }

// equals is the = operator: undefined when either side is, false across types, deep for arrays and objects.
func equals(a, b value) value {
	if a.kind == kindUndefined || b.kind == kindUndefined {
		return undefined
	}
	return boolean(same(a, b))
}

// same reports deep equality. Objects are equal whatever the order of their properties.
func same(a, b value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case kindBool:
		return a.truth == b.truth
	case kindNumber:
		return a.float() == b.float()
	case kindString:
		return bytes.Equal(a.bytes(), b.bytes())
	case kindArray:
		return sameElements(a.elements(), b.elements())
	case kindObject:
		return bytes.Equal(appendIdentity(nil, a), appendIdentity(nil, b))
	default:
		return true
	}
}

func sameElements(a, b []value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !same(a[i], b[i]) {
			return false
		}
	}
	return true
}

// covers is the partial match of ARRAY_CONTAINS: want equals have, or both are objects and have covers every
// property of want.
func covers(have, want value) bool {
	if have.kind != kindObject || want.kind != kindObject {
		return same(have, want)
	}
	keys, vals := want.members()
	for i, k := range keys {
		if !covers(have.property(k), vals[i]) {
			return false
		}
	}
	return true
}

// relate is <, <=, > and >=: ok is false, and the result undefined, across types and for arrays and objects.
func relate(a, b value) (order int, ok bool) {
	if a.kind != b.kind || !a.isPrimitive() {
		return 0, false
	}
	if a.kind == kindNumber {
		if math.IsNaN(a.float()) || math.IsNaN(b.float()) {
			return 0, false
		}
	}
	return rank(a, b), true
}

// rank is the total order of ORDER BY, MIN and MAX: undefined < null < false < true < numbers < strings < arrays <
// objects. The service orders arrays, and objects, by a hash; here they go element by element, so that the order is
// stable.
func rank(a, b value) int {
	if a.kind != b.kind {
		return cmp.Compare(a.kind, b.kind)
	}
	switch a.kind {
	case kindBool:
		switch {
		case a.truth == b.truth:
			return 0
		case b.truth:
			return -1
		default:
			return 1
		}
	case kindNumber:
		return cmp.Compare(a.float(), b.float())
	case kindString:
		return bytes.Compare(a.bytes(), b.bytes())
	case kindArray:
		return rankElements(a.elements(), b.elements())
	case kindObject:
		return bytes.Compare(appendIdentity(nil, a), appendIdentity(nil, b))
	default:
		return 0
	}
}

func rankElements(a, b []value) int {
	for i := range min(len(a), len(b)) {
		if c := rank(a[i], b[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}
