package sql

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The string functions count in Unicode characters and are undefined for arguments of other types
// (learn.microsoft.com/cosmos-db/query, "String functions").
var stringFunctions = map[string]function{
	"CONCAT":       {2, -1, concat},
	"CONTAINS":     {2, 3, compareStrings(bytes.Contains)},
	"STARTSWITH":   {2, 3, compareStrings(bytes.HasPrefix)},
	"ENDSWITH":     {2, 3, compareStrings(bytes.HasSuffix)},
	"STRINGEQUALS": {2, 3, compareStrings(bytes.Equal)},
	"INDEX_OF":     {2, 3, indexOf},
	"LASTINDEXOF":  {2, 2, lastIndexOf},
	"LENGTH":       onString(func(s []byte) value { return number(float64(utf8.RuneCount(s))) }),
	"LOWER":        onString(func(s []byte) value { return text(bytes.ToLower(s)) }),
	"UPPER":        onString(func(s []byte) value { return text(bytes.ToUpper(s)) }),
	"REVERSE":      onString(reverse),
	"TRIM":         {1, 2, trim(true, true)},
	"LTRIM":        {1, 2, trim(true, false)},
	"RTRIM":        {1, 2, trim(false, true)},
	"LEFT": {2, 2, func(_ *frame, a []value) value {
		return substring(a[0], number(0), a[1])
	}},
	"RIGHT":           {2, 2, right},
	"SUBSTRING":       {3, 3, func(_ *frame, a []value) value { return substring(a[0], a[1], a[2]) }},
	"REPLACE":         {3, 3, replace},
	"REPLICATE":       {2, 2, replicate},
	"STRINGJOIN":      {2, 2, stringJoin},
	"STRINGSPLIT":     {2, 2, stringSplit},
	"CONTAINS_ANY_CI": {2, -1, containsMany(true, true)},
	"CONTAINS_ANY_CS": {2, -1, containsMany(true, false)},
	"CONTAINS_ALL_CI": {2, -1, containsMany(false, true)},
	"CONTAINS_ALL_CS": {2, -1, containsMany(false, false)},
	"REGEXMATCH":      {2, 3, regexMatch},
}

func onString(fn func(s []byte) value) function {
	return function{1, 1, func(_ *frame, a []value) value {
		if a[0].kind != kindString {
			return undefined
		}
		return fn(a[0].bytes())
	}}
}

func concat(_ *frame, a []value) value {
	var out []byte
	for _, v := range a {
		if v.kind != kindString {
			return undefined
		}
		out = append(out, v.bytes()...)
	}
	return text(out)
}

// compareStrings is a test of two strings with an optional third argument that ignores case.
func compareStrings(test func(s, sub []byte) bool) func(*frame, []value) value {
	return func(_ *frame, a []value) value {
		ignoreCase, ok := flag(a, 2)
		if !ok || !kinds(a, kindString, kindString) {
			return undefined
		}
		s, sub := a[0].bytes(), a[1].bytes()
		if ignoreCase {
			s, sub = bytes.ToLower(s), bytes.ToLower(sub)
		}
		return boolean(test(s, sub))
	}
}

// containsMany is CONTAINS for each further argument, joined by OR or AND.
func containsMany(anyOf, ignoreCase bool) func(*frame, []value) value {
	return func(_ *frame, a []value) value {
		result := boolean(!anyOf)
		for _, v := range a[1:] {
			if !kinds([]value{a[0], v}, kindString, kindString) {
				result = undefined
				continue
			}
			s, sub := a[0].bytes(), v.bytes()
			if ignoreCase {
				s, sub = bytes.ToLower(s), bytes.ToLower(sub)
			}
			if bytes.Contains(s, sub) == anyOf {
				return boolean(anyOf)
			}
		}
		return result
	}
}

func indexOf(_ *frame, a []value) value {
	if !kinds(a, kindString, kindString) {
		return undefined
	}
	s, from := []rune(string(a[0].bytes())), int64(0)
	if len(a) == 3 {
		n, ok := a[2].integer()
		if !ok || n < 0 {
			return undefined
		}
		from = min(n, int64(len(s)))
	}
	tail := string(s[from:])
	i := strings.Index(tail, string(a[1].bytes()))
	if i < 0 {
		return number(-1)
	}
	return number(float64(from) + float64(utf8.RuneCountInString(tail[:i])))
}

func lastIndexOf(_ *frame, a []value) value {
	if !kinds(a, kindString, kindString) {
		return undefined
	}
	s := a[0].bytes()
	i := bytes.LastIndex(s, a[1].bytes())
	if i < 0 {
		return number(-1)
	}
	return number(float64(utf8.RuneCount(s[:i])))
}

func reverse(s []byte) value {
	r := []rune(string(s))
	slices.Reverse(r)
	return textOf(string(r))
}

// trim removes white space, or the characters of the second argument, from the ends.
func trim(left, right bool) func(*frame, []value) value {
	return func(_ *frame, a []value) value {
		if a[0].kind != kindString || len(a) == 2 && a[1].kind != kindString {
			return undefined
		}
		drop := unicode.IsSpace
		if len(a) == 2 {
			set := []rune(string(a[1].bytes()))
			drop = func(r rune) bool { return slices.Contains(set, r) }
		}
		s := a[0].bytes()
		if left {
			s = bytes.TrimLeftFunc(s, drop)
		}
		if right {
			s = bytes.TrimRightFunc(s, drop)
		}
		return text(s)
	}
}

// substring is empty for a start outside the string and for lengths below one.
func substring(of, start, length value) value {
	from, ok := start.integer()
	n, ok2 := length.integer()
	if of.kind != kindString || !ok || !ok2 {
		return undefined
	}
	s := of.bytes()
	if from < 0 || n <= 0 {
		return text(nil)
	}
	s = skipRunes(s, from)
	return text(s[:len(s)-len(skipRunes(s, n))])
}

// skipRunes drops the first n characters.
func skipRunes(s []byte, n int64) []byte {
	if n >= int64(len(s)) {
		n = int64(utf8.RuneCount(s))
	}
	for ; n > 0 && len(s) > 0; n-- {
		_, size := utf8.DecodeRune(s)
		s = s[size:]
	}
	return s
}

func right(_ *frame, a []value) value {
	n, ok := a[1].integer()
	if a[0].kind != kindString || !ok {
		return undefined
	}
	if n <= 0 {
		return text(nil)
	}
	s := a[0].bytes()
	return text(skipRunes(s, max(0, int64(utf8.RuneCount(s))-n)))
}

func replace(f *frame, a []value) value {
	if !kinds(a, kindString, kindString, kindString) || len(a[1].bytes()) == 0 {
		return undefined
	}
	s, old, with := a[0].bytes(), a[1].bytes(), a[2].bytes()
	if len(s)+bytes.Count(s, old)*len(with) > 2*largestValue {
		return f.fail(tooLarge())
	}
	return text(bytes.ReplaceAll(s, old, with))
}

// mostReplicated is the longest result of REPLICATE, in characters.
const mostReplicated = 10000

func replicate(_ *frame, a []value) value {
	if !kinds(a, kindString, kindNumber) {
		return undefined
	}
	n := a[1].float()
	s := a[0].bytes()
	if !(n >= 0) || n*float64(utf8.RuneCount(s)) > mostReplicated || n > 1<<31 {
		return undefined
	}
	if len(s) == 0 {
		return text(nil)
	}
	return text(bytes.Repeat(s, int(n)))
}

func stringJoin(f *frame, a []value) value {
	if !kinds(a, kindArray, kindString) {
		return undefined
	}
	var parts [][]byte
	for _, e := range a[0].elements() {
		if e.kind != kindString {
			return undefined
		}
		parts = append(parts, e.bytes())
	}
	if a[0].size()+len(parts)*len(a[1].bytes()) > 2*largestValue {
		return f.fail(tooLarge())
	}
	return text(bytes.Join(parts, a[1].bytes()))
}

func stringSplit(_ *frame, a []value) value {
	if !kinds(a, kindString, kindString) {
		return undefined
	}
	if len(a[1].bytes()) == 0 {
		return arrayOf([]value{a[0]})
	}
	var parts []value
	for _, p := range bytes.Split(a[0].bytes(), a[1].bytes()) {
		parts = append(parts, text(p))
	}
	return arrayOf(parts)
}
