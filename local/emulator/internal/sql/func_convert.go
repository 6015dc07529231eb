package sql

import (
	"math"
	"strconv"
)

// The conversions between strings and the other types.
var convertFunctions = map[string]function{
	"TOSTRING":        {1, 1, toString},
	"STRINGTOARRAY":   parseAs(kindArray),
	"STRINGTOBOOLEAN": parseAs(kindBool),
	"STRINGTONULL":    parseAs(kindNull),
	"STRINGTONUMBER":  parseAs(kindNumber),
	"STRINGTOOBJECT":  parseAs(kindObject),
}

// parseAs reads a string as JSON; it is undefined unless the result has the type.
func parseAs(want kind) function {
	return onString(func(s []byte) value {
		v, ok := fromJSON(s)
		if !ok || v.kind != want {
			return undefined
		}
		return v
	})
}

func toString(_ *frame, a []value) value {
	v := a[0]
	switch {
	case v.isUndefined() || v.kind == kindString:
		return v
	case v.kind == kindNumber && !finite(v):
		return textOf(nonFinite(v.num))
	case !finite(v):
		return undefined
	default:
		return text(appendCompact(nil, v))
	}
}

func nonFinite(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case f > 0:
		return "Infinity"
	default:
		return "-Infinity"
	}
}

// appendCompact writes v without the white space between its tokens and with numbers in their shortest form.
func appendCompact(dst []byte, v value) []byte {
	switch v.kind {
	case kindNumber:
		if i, ok := v.integer(); ok && v.stored && (i > 1<<53 || i < -1<<53) {
			return strconv.AppendInt(dst, i, 10) // more digits than a double holds
		}
		if f := v.float(); !math.IsInf(f, 0) {
			return appendNumber(dst, f)
		}
		return append(dst, v.data...) // stored beyond the range of a double
	case kindString:
		return appendQuoted(dst, v.bytes())
	case kindArray:
		dst = append(dst, '[')
		for i, e := range v.elements() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendCompact(dst, e)
		}
		return append(dst, ']')
	case kindObject:
		dst = append(dst, '{')
		keys, vals := v.members()
		for i, e := range vals {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendQuoted(dst, []byte(keys[i])), ':')
			dst = appendCompact(dst, e)
		}
		return append(dst, '}')
	default:
		return appendJSON(dst, v)
	}
}
