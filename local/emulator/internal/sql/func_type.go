package sql

import "math"

// The type functions answer true or false for any argument, undefined included
// (learn.microsoft.com/cosmos-db/query, "Type checking functions").
var typeFunctions = map[string]function{
	"IS_ARRAY":         isKind(kindArray),
	"IS_BOOL":          isKind(kindBool),
	"IS_NULL":          isKind(kindNull),
	"IS_NUMBER":        isKind(kindNumber),
	"IS_OBJECT":        isKind(kindObject),
	"IS_STRING":        isKind(kindString),
	"IS_DEFINED":       typeTest(func(v value) bool { return !v.isUndefined() }),
	"IS_PRIMITIVE":     typeTest(value.isPrimitive),
	"IS_INTEGER":       typeTest(func(v value) bool { _, ok := v.integer(); return ok }),
	"IS_FINITE_NUMBER": typeTest(func(v value) bool { return v.kind == kindNumber && !math.IsInf(v.float(), 0) && !math.IsNaN(v.float()) }),
	"IS_DATETIME":      typeTest(func(v value) bool { _, ok := instant(v); return ok }),
}

func typeTest(test func(value) bool) function {
	return function{1, 1, func(_ *frame, a []value) value { return boolean(test(a[0])) }}
}

func isKind(k kind) function { return typeTest(func(v value) bool { return v.kind == k }) }

var conditionalFunctions = map[string]function{
	"IIF": {3, 3, func(_ *frame, a []value) value {
		if a[0].isTrue() {
			return a[1]
		}
		return a[2]
	}},
	"CHOOSE": {2, -1, func(_ *frame, a []value) value {
		if i, ok := a[0].integer(); ok && i >= 1 && i < int64(len(a)) {
			return a[i]
		}
		return undefined
	}},
}
