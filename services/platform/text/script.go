package text

import (
	"maps"
	"slices"
	"unicode"
)

// together are the sets of scripts that one language writes with: Japanese, Korean, and Chinese with its phonetic letters.
var together = [][]string{{"Han", "Hiragana", "Katakana"}, {"Han", "Hangul"}, {"Han", "Bopomofo"}}

// OneScript reports whether a text is written in one script, or in scripts that one language uses together (single script in the sense of
// https://www.unicode.org/reports/tr39/#Restriction_Level_Detection), and its digits in one system. Characters of no script of their own, such as
// ASCII digits, punctuation and combining marks, go with any; unassigned ones with none.
func OneScript(s string) bool {
	var scripts []string
	zero := rune(-1)
	for _, r := range s {
		script := scriptOf(r)
		if script == "" {
			return false
		}
		if script != "Common" && script != "Inherited" && !slices.Contains(scripts, script) {
			scripts = append(scripts, script)
		}
		if z := zeroOf(r); z >= 0 {
			if zero >= 0 && z != zero {
				return false
			}
			zero = z
		}
	}
	return len(scripts) <= 1 || slices.ContainsFunc(together, func(set []string) bool {
		return !slices.ContainsFunc(scripts, func(script string) bool { return !slices.Contains(set, script) })
	})
}

// scriptNames are all scripts, the most frequent first.
var scriptNames = func() []string {
	frequent := []string{"Latin", "Common", "Inherited", "Cyrillic", "Han", "Hiragana", "Katakana", "Hangul", "Arabic", "Greek"}
	rest := slices.DeleteFunc(slices.Sorted(maps.Keys(unicode.Scripts)), func(name string) bool { return slices.Contains(frequent, name) })
	return append(frequent, rest...)
}()

// scriptOf returns the name of a character's script; "" when it has none, being unassigned.
func scriptOf(r rune) string {
	for _, name := range scriptNames {
		if unicode.Is(unicode.Scripts[name], r) {
			return name
		}
	}
	return ""
}

// zeroOf returns the zero of the decimal system that a digit belongs to; -1 for what is no digit. Unicode assigns decimal digits by tens, in order.
func zeroOf(r rune) rune {
	for _, in := range unicode.Nd.R16 {
		if lo := rune(in.Lo); lo <= r && r <= rune(in.Hi) {
			return r - (r-lo)%10
		}
	}
	for _, in := range unicode.Nd.R32 {
		if lo := rune(in.Lo); lo <= r && r <= rune(in.Hi) { //nolint:gosec // a code point
			return r - (r-lo)%10
		}
	}
	return -1
}
