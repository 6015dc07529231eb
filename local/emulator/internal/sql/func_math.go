package sql

import "math"

// The mathematical functions take numbers and are undefined for anything else
// (learn.microsoft.com/cosmos-db/query, "Mathematical functions").
var mathFunctions = map[string]function{
	"ABS":     onNumber(math.Abs),
	"ACOS":    onNumber(math.Acos),
	"ASIN":    onNumber(math.Asin),
	"ATAN":    onNumber(math.Atan),
	"ATN2":    onNumbers(math.Atan2),
	"CEILING": onNumber(math.Ceil),
	"COS":     onNumber(math.Cos),
	"COT":     onNumber(func(x float64) float64 { return 1 / math.Tan(x) }),
	"DEGREES": onNumber(func(x float64) float64 { return 180 / math.Pi * x }),
	"EXP":     onNumber(math.Exp),
	"FLOOR":   onNumber(math.Floor),
	"LOG10":   onNumber(math.Log10),
	"POWER":   onNumbers(math.Pow),
	"RADIANS": onNumber(func(x float64) float64 { return math.Pi * x / 180 }),
	"ROUND":   onNumber(math.Round), // midpoints away from zero, as documented
	"SIN":     onNumber(math.Sin),
	"SQRT":    onNumber(math.Sqrt),
	"SQUARE":  onNumber(func(x float64) float64 { return x * x }),
	"TAN":     onNumber(math.Tan),
	"TRUNC":   onNumber(math.Trunc),
	"SIGN":    onNumber(sign),
	"LOG":     {1, 2, logarithm},
	"PI":      {0, 0, func(*frame, []value) value { return number(math.Pi) }},
	"RAND":    {0, 0, func(f *frame, _ []value) value { return number(f.random()) }},
	"NUMBERBIN": {1, 2, func(_ *frame, a []value) value {
		size := 1.0
		if len(a) == 2 {
			if a[1].kind != kindNumber {
				return undefined
			}
			size = a[1].float()
		}
		if a[0].kind != kindNumber || size == 0 {
			return undefined
		}
		return number(math.Floor(a[0].float()/size) * size)
	}},
}

func onNumber(fn func(float64) float64) function {
	return function{1, 1, func(_ *frame, a []value) value {
		if a[0].kind != kindNumber {
			return undefined
		}
		return number(fn(a[0].float()))
	}}
}

func onNumbers(fn func(x, y float64) float64) function {
	return function{2, 2, func(_ *frame, a []value) value {
		if !kinds(a, kindNumber, kindNumber) {
			return undefined
		}
		return number(fn(a[0].float(), a[1].float()))
	}}
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	default:
		return x
	}
}

func logarithm(_ *frame, a []value) value {
	for _, v := range a {
		if v.kind != kindNumber {
			return undefined
		}
	}
	x := a[0].float()
	if len(a) == 1 {
		return number(math.Log(x))
	}
	switch base := a[1].float(); base {
	case 2:
		return number(math.Log2(x))
	case 10:
		return number(math.Log10(x))
	default:
		return number(math.Log(x) / math.Log(base))
	}
}
