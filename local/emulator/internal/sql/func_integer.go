package sql

import "strconv"

// The Int functions work on 64-bit integers, wrap around, and are undefined for anything else
// (learn.microsoft.com/cosmos-db/query, IntAdd and its siblings).
var integerFunctions = map[string]function{
	"INTADD":    onIntegers(func(x, y int64) (int64, bool) { return x + y, true }),
	"INTSUB":    onIntegers(func(x, y int64) (int64, bool) { return x - y, true }),
	"INTMUL":    onIntegers(func(x, y int64) (int64, bool) { return x * y, true }),
	"INTBITAND": onIntegers(func(x, y int64) (int64, bool) { return x & y, true }),
	"INTBITOR":  onIntegers(func(x, y int64) (int64, bool) { return x | y, true }),
	"INTBITXOR": onIntegers(func(x, y int64) (int64, bool) { return x ^ y, true }),
	"INTDIV": onIntegers(func(x, y int64) (int64, bool) {
		if y == 0 {
			return 0, false
		}
		return x / y, true
	}),
	"INTMOD": onIntegers(func(x, y int64) (int64, bool) {
		if y == 0 {
			return 0, false
		}
		return x % y, true
	}),
	"INTBITLEFTSHIFT":  onIntegers(shift(func(x int64, n uint) int64 { return x << n })),
	"INTBITRIGHTSHIFT": onIntegers(shift(func(x int64, n uint) int64 { return x >> n })),
	"INTBITNOT": {1, 1, func(_ *frame, a []value) value {
		if x, ok := a[0].integer(); ok {
			return integer(^x)
		}
		return undefined
	}},
}

func onIntegers(fn func(x, y int64) (int64, bool)) function {
	return function{2, 2, func(_ *frame, a []value) value {
		x, ok := a[0].integer()
		y, ok2 := a[1].integer()
		if !ok || !ok2 {
			return undefined
		}
		z, ok := fn(x, y)
		if !ok {
			return undefined
		}
		return integer(z)
	}}
}

// shift is undefined for distances that C++, which the documentation refers to, leaves undefined.
func shift(fn func(x int64, n uint) int64) func(x, y int64) (int64, bool) {
	return func(x, y int64) (int64, bool) {
		if y < 0 || y >= 64 {
			return 0, false
		}
		return fn(x, uint(y)), true
	}
}

// integer is a number that keeps all its 64 bits.
func integer(x int64) value {
	return value{kind: kindNumber, stored: true, data: strconv.AppendInt(nil, x, 10)}
}
