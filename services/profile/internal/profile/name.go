package profile

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"supergame/services/platform/fault"
)

// maxNameRunes bounds a display name after normalization.
const maxNameRunes = 32

const nameField = "profile.display_name"

// displayName returns the normalized form of a name (PRECIS Nickname, https://www.rfc-editor.org/rfc/rfc8266: outer spaces
// gone, inner ones single, compatibility forms folded; case kept), or a fault that names the field. The empty string, no
// name, is allowed.
func displayName(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	if !utf8.ValidString(s) {
		return "", fault.Invalid(nameField, "is not valid UTF-8")
	}
	for _, r := range s {
		if why := refusedRune(r); why != "" {
			return "", fault.Invalid(nameField, "contains %U, %s", r, why)
		}
	}
	name, err := precis.Nickname.String(s)
	if err != nil {
		return "", fault.Invalid(nameField, "is not a nickname in the sense of RFC 8266: %s", plainReason(err))
	}
	if n := utf8.RuneCountInString(name); n > maxNameRunes {
		return "", fault.Invalid(nameField, "has %d characters after normalization, at most %d are allowed", n, maxNameRunes)
	}
	if !showsSomething(name) {
		return "", fault.Invalid(nameField, "shows nothing: it needs a letter, a digit, a symbol or punctuation")
	}
	if why := refusedMarks(name); why != "" {
		return "", fault.Invalid(nameField, "%s", why)
	}
	return name, nil
}

// maxMarks is how many marks may stand on one character: more of them cover the lines above and below
// (https://www.unicode.org/reports/tr39/#Optional_Detection).
const maxMarks = 4

// refusedMarks says what is wrong with the combining marks of a name; "" = nothing.
func refusedMarks(name string) string {
	marks := 0
	for i, r := range name {
		if !unicode.In(r, unicode.Mn, unicode.Me) {
			marks = 0
			continue
		}
		if marks++; i == 0 {
			return "begins with a combining mark, which would change what stands before it"
		}
		if marks > maxMarks {
			return "has a character with more than 4 combining marks"
		}
	}
	return ""
}

// refusedRune says why a character may not stand in a name; "" = it may. PRECIS refuses most of these as well, but joins
// them all in one reason, and lets the zero width joiners through between some letters.
func refusedRune(r rune) string {
	switch {
	case unicode.Is(unicode.Cc, r):
		return "a control character"
	case unicode.Is(unicode.Cf, r):
		return "an invisible formatting character"
	case unicode.Is(unicode.Co, r):
		return "a private-use character"
	case unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
		return "a line break"
	case unicode.Is(unicode.Variation_Selector, r):
		return "a variation selector: leave it out"
	case !unicode.IsGraphic(r):
		return "which is not assigned to a character"
	}
	return ""
}

// showsSomething refuses names of combining marks alone, and of symbols that are blank: the Braille pattern without dots, the
// musical note without a head, and the place of an object.
func showsSomething(name string) bool {
	const blank = "\u2800\U0001d159\ufffc"
	for _, r := range name {
		if !strings.ContainsRune(blank, r) && unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) {
			return true
		}
	}
	return false
}

func plainReason(err error) string {
	const prefix = "precis: "
	s := err.Error()
	if len(s) > len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):]
	}
	return s
}
