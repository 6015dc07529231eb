package sql

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// appendJSON writes v, which is not undefined. Stored values are copied as they are.
func appendJSON(dst []byte, v value) []byte {
	if v.stored {
		return append(dst, v.data...)
	}
	switch v.kind {
	case kindNull:
		return append(dst, "null"...)
	case kindBool:
		return strconv.AppendBool(dst, v.truth)
	case kindNumber:
		return appendNumber(dst, v.num)
	case kindString:
		return appendQuoted(dst, v.data)
	case kindArray:
		dst = append(dst, '[')
		for i, e := range v.parts.vals {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, e)
		}
		return append(dst, ']')
	case kindObject:
		dst = append(dst, '{')
		for i, e := range v.parts.vals {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendQuoted(dst, []byte(v.parts.keys[i]))
			dst = append(dst, ':')
			dst = appendJSON(dst, e)
		}
		return append(dst, '}')
	}
	return dst
}

// finite reports whether JSON can hold v: arithmetic may make infinities and NaN, which it cannot.
func finite(v value) bool {
	if v.stored {
		return true
	}
	if v.kind == kindNumber {
		return !math.IsInf(v.num, 0) && !math.IsNaN(v.num)
	}
	return v.parts == nil || !slices.ContainsFunc(v.parts.vals, func(p value) bool { return !finite(p) })
}

// appendNumber writes the shortest text that reads back as f, in the notation of JavaScript.
func appendNumber(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0') // also for negative zero
	}
	abs := math.Abs(f)
	if abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-2] == '0' { // e-07 -> e-7
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

const hexDigits = "0123456789abcdef"

func appendQuoted(dst, s []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

// appendIdentity writes bytes that are the same for equal values and different for others: what DISTINCT,
// GROUP BY and set functions compare. Undefined is a value of its own.
func appendIdentity(dst []byte, v value) []byte {
	dst = append(dst, byte(v.kind))
	switch v.kind {
	case kindBool:
		if v.truth {
			return append(dst, 1)
		}
		return append(dst, 0)
	case kindNumber:
		f := v.float()
		if f == 0 {
			f = 0 // negative zero equals zero
		}
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(f))
	case kindString:
		s := v.bytes()
		return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
	case kindArray:
		elements := v.elements()
		dst = binary.AppendUvarint(dst, uint64(len(elements)))
		for _, e := range elements {
			dst = appendIdentity(dst, e)
		}
	case kindObject:
		keys, vals := v.members()
		order := make([]int, len(keys))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return compareText(keys[a], keys[b]) })
		dst = binary.AppendUvarint(dst, uint64(len(keys)))
		for _, i := range order {
			dst = append(binary.AppendUvarint(dst, uint64(len(keys[i]))), keys[i]...)
			dst = appendIdentity(dst, vals[i])
		}
	}
	return dst
}
