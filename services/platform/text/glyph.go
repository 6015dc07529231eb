package text

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// glyph is one character of a text as a reader may take it.
type glyph struct {
	options [5]rune // the letters it may be, the likeliest first; 0 = no more
	raw     rune    // a digit, as itself; else 0
	strict  bool    // it is a letter, and nothing else
	sep     bool    // it may be a break
	space   bool    // it is or holds a blank
	starts  bool    // a word may begin with it
	ends    bool    // a word may end with it
	lower   bool    // it is written small,
	upper   bool    // or large
	foreign bool    // it is of a script whose letters are not taken for Latin ones
}

// signs are characters that also stand for letters.
var signs = map[rune]string{
	'0': "o", '1': "il", '2': "z", '3': "e", '4': "a", '5': "s", '6': "g", '7': "t", '8': "b", '9': "g",
	'@': "a", '$': "s", '!': "il", '|': "il", '+': "t", '(': "c", '<': "c", '¢': "c", '€': "e", '£': "l", '¥': "y", '*': "uioae",
}

// drawn are characters that are used as letters and that [Skeleton] does not know as such: small capitals, currencies and some more.
var drawn = pairs("ᴀaʙbᴄcᴅdᴇeꜰfɢgʜhɪiᴊjᴋkʟlᴍmɴnᴏoᴘpʀrꜱsᴛtᴜuᴠvᴡwʏyᴢz" + "₳a฿b₵cɃb₣f₭kŁl₦n₽p₴s₮t₩wƶz" + "§sƨsʃfⅎfμu")

func pairs(text string) map[rune]rune {
	m, runes := map[rune]rune{}, []rune(text)
	for i := 0; i+1 < len(runes); i += 2 {
		m[runes[i]] = runes[i+1]
	}
	return m
}

// read gives the glyphs of a text. Breaks that stand together are one.
func read(text string) []glyph {
	glyphs := make([]glyph, 0, len(text))
	for _, r := range text {
		if r < unicode.MaxASCII {
			glyphs = appendPlain(glyphs, r, r)
			continue
		}
		for _, plain := range unmask(r) {
			glyphs = appendPlain(glyphs, r, plain)
		}
	}
	findWords(glyphs)
	return glyphs
}

// appendPlain adds a character of which plain is the plain form.
func appendPlain(glyphs []glyph, written, plain rune) []glyph {
	var g glyph
	letters, isSign := signs[plain]
	switch {
	case isSign:
		copy(g.options[:], []rune(letters))
		g.sep = true
		if plain >= '0' && plain <= '9' {
			g.raw = plain
			g.options[len(letters)] = plain
		}
	case unicode.IsLetter(plain) || unicode.IsMark(plain) || unicode.IsNumber(plain):
		g.options[0] = unicode.ToLower(plain)
		g.foreign = !unicode.In(written, alike...)
		g.sep = unicode.Is(unicode.Han, written) && plain <= unicode.MaxASCII // 丨 may be an l, or stand beside a word
		g.strict = !g.sep
		g.lower, g.upper = unicode.IsLower(written), unicode.IsUpper(written)
		if plain == 'I' {
			g.options[1] = 'l'
		}
		if plain == 'l' {
			g.options[1] = 'i'
		}
	default:
		g.sep, g.space = true, unicode.IsSpace(plain)
		if last := len(glyphs) - 1; last >= 0 && glyphs[last].sep && glyphs[last].options[0] == 0 {
			glyphs[last].space = glyphs[last].space || g.space
			return glyphs
		}
	}
	return append(glyphs, g)
}

// alike are the scripts whose letters are taken for Latin ones, within a word. Common holds the styled letters of mathematics.
var alike = []*unicode.RangeTable{
	unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Coptic, unicode.Cherokee, unicode.Lisu, unicode.Common, unicode.Inherited,
}

// unmask gives the plain characters that a character beyond ASCII looks like; none for one that does not show.
func unmask(r rune) []rune {
	if hidden(r) {
		return nil
	}
	if plain := boxed(r); plain != 0 {
		return []rune{plain}
	}
	if plain, ok := drawn[r]; ok {
		return []rune{plain}
	}
	var plain []rune
	for _, part := range norm.NFKD.String(string(r)) {
		switch {
		case hidden(part):
		case part < unicode.MaxASCII:
			plain = append(plain, part)
		default:
			plain = append(plain, lookAlike(part)...)
		}
	}
	return plain
}

// lookAlike gives the Latin letters that a character looks like, itself, in its capital or in its small form; else its small form. A form that
// is a letter stays one, so that a foreign digit that looks like a letter counts as that.
func lookAlike(r rune) []rune {
	if plain, ok := drawn[r]; ok {
		return []rune{plain}
	}
	for _, form := range []rune{r, unicode.ToUpper(r), unicode.ToLower(r)} {
		skeleton := strings.Map(func(r rune) rune {
			if hidden(r) {
				return -1
			}
			return r
		}, Skeleton(string(form)))
		if skeleton == "rn" { // the skeleton of m
			skeleton = "m"
		}
		if isLatin(skeleton) {
			return []rune(skeleton)
		}
	}
	return []rune{unicode.ToLower(r)}
}

func isLatin(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return s != ""
}

// hidden reports whether a character does not show, or only on another one that would be the same letter without it.
func hidden(r rune) bool {
	const blank = "\u2800\U0001d159\ufffc"
	switch {
	case r < unicode.MaxASCII:
		return false
	case unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return true
	case unicode.In(r, unicode.Mn, unicode.Me):
		return unicode.Is(unicode.Inherited, r) || unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic)
	}
	return strings.ContainsRune(blank, r)
}

// boxed gives the letter of a white or black circle or square, or of a flag, which have no decomposition; else 0.
func boxed(r rune) rune {
	for _, first := range []rune{'\U0001f150', '\U0001f170', '\U0001f1e6'} {
		if r >= first && r < first+26 {
			return 'a' + r - first
		}
	}
	return 0
}

// findWords marks where words may begin and end.
func findWords(glyphs []glyph) {
	inside := func(i int) bool { // the glyph belongs to the word of its neighbors
		if i < 0 || i >= len(glyphs) {
			return false
		}
		if glyphs[i].strict {
			return true
		}
		isSign := glyphs[i].raw != 0 || glyphs[i].options[0] == 'a' || glyphs[i].options[0] == 's'
		return isSign && i > 0 && i+1 < len(glyphs) && glyphs[i-1].strict && glyphs[i+1].strict
	}
	turn := func(i int) bool { // from small to large, or from one script to another
		return i > 0 && i < len(glyphs) && (glyphs[i-1].lower && glyphs[i].upper || glyphs[i-1].foreign != glyphs[i].foreign)
	}
	for i := range glyphs {
		glyphs[i].starts = !inside(i-1) || turn(i)
		glyphs[i].ends = !inside(i+1) || turn(i+1)
	}
}
