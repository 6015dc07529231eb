package sql

import (
	"slices"
	"strings"
	"unicode"
)

// The full-text tests cut text into words of letters and digits and ignore case. Unlike the service they know no
// stems and no stop words. Ranking (FullTextScore, RRF) is not supported.
var fullTextFunctions = map[string]function{
	"FULLTEXTCONTAINS":    {2, 2, fullText(func(found, _ int) bool { return found == 1 })},
	"FULLTEXTCONTAINSALL": {2, -1, fullText(func(found, all int) bool { return found == all })},
	"FULLTEXTCONTAINSANY": {2, -1, fullText(func(found, _ int) bool { return found > 0 })},
}

func fullText(accept func(found, all int) bool) func(*frame, []value) value {
	return func(_ *frame, a []value) value {
		if a[0].kind != kindString {
			return undefined
		}
		in, found := words(a[0].bytes()), 0
		for _, v := range a[1:] {
			if v.kind != kindString {
				return undefined
			}
			if hasPhrase(in, words(v.bytes())) {
				found++
			}
		}
		return boolean(accept(found, len(a)-1))
	}
}

func words(s []byte) []string {
	return strings.FieldsFunc(strings.ToLower(string(s)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func hasPhrase(in, phrase []string) bool {
	if len(phrase) == 0 {
		return false
	}
	for i := 0; i+len(phrase) <= len(in); i++ {
		if slices.Equal(in[i:i+len(phrase)], phrase) {
			return true
		}
	}
	return false
}
