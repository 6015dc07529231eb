package clients

import (
	"unicode"
	"unicode/utf8"
)

// maxCodePoints is how much text Content Safety takes in one call.
const maxCodePoints = 10_000

// split cuts a text into parts of at most limit code points, behind a blank where there is one in the last tenth of a part, else behind
// punctuation, else where no mark or joiner is torn from its letter. The parts joined are the text, but for bytes that are not UTF-8, which
// become U+FFFD.
func split(text string, limit int) []string {
	if utf8.RuneCountInString(text) <= limit {
		return []string{text}
	}
	var parts []string
	for runes := []rune(text); len(runes) > 0; {
		n := cut(runes, limit)
		parts = append(parts, string(runes[:n]))
		runes = runes[n:]
	}
	return parts
}

// cut returns how long the first part is: at least 1.
func cut(runes []rune, limit int) int {
	if len(runes) <= limit {
		return len(runes)
	}
	for _, safe := range []func(before, after rune) bool{
		func(before, _ rune) bool { return unicode.IsSpace(before) },
		func(before, after rune) bool { return unicode.IsPunct(before) && !binds(after) },
		func(before, after rune) bool { return !binds(before) && !binds(after) },
	} {
		for n := limit; n > limit-limit/10 && n > 1; n-- {
			if safe(runes[n-1], runes[n]) {
				return n
			}
		}
	}
	return limit
}

// binds reports whether a character belongs to its neighbors: a combining mark, a joiner or another format character.
func binds(r rune) bool { return unicode.In(r, unicode.M, unicode.Cf) }
