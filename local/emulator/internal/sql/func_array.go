package sql

import (
	"math"
	"slices"
)

// The array functions (learn.microsoft.com/cosmos-db/query, "Array functions").
var arrayFunctions = map[string]function{
	"ARRAY_CONCAT":       {2, -1, arrayConcat},
	"ARRAY_CONTAINS":     {2, 3, arrayContains},
	"ARRAY_CONTAINS_ANY": {2, -1, arrayContainsMany(true)},
	"ARRAY_CONTAINS_ALL": {2, -1, arrayContainsMany(false)},
	"ARRAY_SLICE":        {2, 3, arraySlice},
	"ARRAY_MAX":          onArray(fold("MAX")),
	"ARRAY_MIN":          onArray(fold("MIN")),
	"ARRAY_MEDIAN":       onArray(median),
	"ARRAY_LENGTH":       onArray(func(e []value) value { return number(float64(len(e))) }),
	"ARRAY_SUM":          onArray(fold("SUM")),
	"ARRAY_AVG":          onArray(fold("AVG")),
	"OBJECTTOARRAY":      {1, 3, objectToArray},
}

func onArray(fn func(elements []value) value) function {
	return function{1, 1, func(_ *frame, a []value) value {
		if a[0].kind != kindArray {
			return undefined
		}
		return fn(a[0].elements())
	}}
}

// fold is an aggregate over the elements of an array.
func fold(fn string) func(elements []value) value {
	return func(elements []value) value {
		var acc accumulator
		for _, e := range elements {
			acc.add(fn, e)
		}
		return acc.result(fn)
	}
}

func median(elements []value) value {
	numbers := make([]float64, len(elements))
	for i, e := range elements {
		if e.kind != kindNumber {
			return undefined
		}
		numbers[i] = e.float()
	}
	n := len(numbers)
	if n == 0 {
		return undefined
	}
	slices.Sort(numbers)
	if n%2 == 1 {
		return number(numbers[n/2])
	}
	return number((numbers[n/2-1] + numbers[n/2]) / 2)
}

func arrayConcat(_ *frame, a []value) value {
	var out []value
	for _, v := range a {
		if v.kind != kindArray {
			return undefined
		}
		out = append(out, v.elements()...)
	}
	return arrayOf(out)
}

func arrayContains(_ *frame, a []value) value {
	partial, ok := flag(a, 2)
	if !ok || a[0].kind != kindArray || a[1].isUndefined() {
		return undefined
	}
	return boolean(contains(a[0], a[1], partial))
}

func contains(array, want value, partial bool) bool {
	found := false
	array.each(func(e value) bool {
		if partial {
			found = covers(e, want)
		} else {
			found = same(e, want)
		}
		return !found
	})
	return found
}

// arrayContainsMany joins ARRAY_CONTAINS of each further argument by OR or AND of three values.
func arrayContainsMany(anyOf bool) func(*frame, []value) value {
	return func(_ *frame, a []value) value {
		if a[0].kind != kindArray {
			return undefined
		}
		result := boolean(!anyOf)
		for _, want := range a[1:] {
			if want.isUndefined() {
				result = undefined
			} else if contains(a[0], want, false) == anyOf {
				return boolean(anyOf)
			}
		}
		return result
	}
}

// arraySlice takes a start, counted from the end when negative, and at most so many elements.
func arraySlice(_ *frame, a []value) value {
	start, ok := a[1].integer()
	count, ok2 := int64(math.MaxInt64), true
	if len(a) == 3 {
		count, ok2 = a[2].integer()
	}
	if a[0].kind != kindArray || !ok || !ok2 {
		return undefined
	}
	e := a[0].elements()
	n := int64(len(e))
	if start < 0 {
		start = max(0, start+n)
	}
	start = min(start, n)
	return arrayOf(e[start : start+min(n-start, max(0, count))])
}

func objectToArray(_ *frame, a []value) value {
	names := []string{"k", "v"}
	for i, v := range a[1:] {
		if v.kind != kindString {
			return undefined
		}
		names[i] = string(v.bytes())
	}
	if a[0].kind != kindObject || names[0] == names[1] {
		return undefined
	}
	keys, vals := a[0].members()
	out := make([]value, len(keys))
	for i, k := range keys {
		out[i] = objectOf(names, []value{textOf(k), vals[i]})
	}
	return arrayOf(out)
}

// The set functions keep the order of the first array and then of the second, without duplicates.
var setFunctions = map[string]function{
	"SETINTERSECT":  onSets(func(inA, inB bool) bool { return inA && inB }),
	"SETUNION":      onSets(func(bool, bool) bool { return true }),
	"SETDIFFERENCE": onSets(func(inA, inB bool) bool { return inA && !inB }),
	"SETEQUAL": {2, 2, func(_ *frame, a []value) value {
		if !kinds(a, kindArray, kindArray) {
			return undefined
		}
		x, y := identities(a[0]), identities(a[1])
		for k := range x {
			if !y[k] {
				return falseValue
			}
		}
		return boolean(len(x) == len(y))
	}},
}

func identities(array value) map[string]bool {
	set := map[string]bool{}
	array.each(func(e value) bool {
		set[string(appendIdentity(nil, e))] = true
		return true
	})
	return set
}

func onSets(keep func(inA, inB bool) bool) function {
	return function{2, 2, func(_ *frame, a []value) value {
		if !kinds(a, kindArray, kindArray) {
			return undefined
		}
		x, y := identities(a[0]), identities(a[1])
		seen := map[string]bool{}
		var out []value
		for _, array := range a {
			array.each(func(e value) bool {
				k := string(appendIdentity(nil, e))
				if !seen[k] && keep(x[k], y[k]) {
					out = append(out, e)
				}
				seen[k] = true
				return true
			})
		}
		return arrayOf(out)
	}}
}
