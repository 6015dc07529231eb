package text

import (
	"strings"
	"unicode"

	"go.mau.fi/util/confusable"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Skeleton returns the form in which two texts are equal when they look the same (https://www.unicode.org/reports/tr39/#Confusable_Detection):
// decomposed, without what is invisible, each character replaced by the simplest that looks like it, decomposed again. It is for
// comparing and never for showing; it says nothing about case. Of a text that is not UTF-8 each bad byte is a replacement character.
//
// The table is not closed: some of its replacements have one themselves (the caron of U+01C4, a breve). The skeleton is the end of that
// chain, so what UTS 39 calls confusable has the same skeleton, and the skeleton of a skeleton is itself.
func Skeleton(s string) string { return settle(s, simplify) }

// Lookalike is the skeleton for comparing without regard to case: of PayPaI, paypal and PAYPAL it is the same, as it is of b0b and Bob. Texts
// with the same skeleton have the same look-alike. A dot above a letter that has one already (i with U+0307) does not show, so it
// does not count.
func Lookalike(s string) string {
	return settle(Skeleton(s), func(s string) string {
		// Lower case first: the folding below is a toggle for Cherokee.
		folded := norm.NFD.String(cases.Fold().String(strings.ToLower(s)))
		return Skeleton(dropHiddenDots(folded))
	})
}

// settle applies a step until nothing changes. A test of every character shows that few steps do; the bound is for what it cannot show.
func settle(s string, step func(string) string) string {
	for range 8 {
		next := step(s)
		if next == s {
			break
		}
		s = next
	}
	return s
}

// simplify is the skeleton as UTS 39 defines it.
func simplify(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFD.String(s) {
		if invisible(r) {
			continue
		}
		if simple := confusable.GetReplacement(r); simple != "" {
			b.WriteString(simple)
		} else {
			b.WriteRune(r)
		}
	}
	return norm.NFD.String(b.String())
}

// invisible reports whether a character shows nothing (Default_Ignorable_Code_Point, format and control characters). An unassigned one is
// kept: the table is of a later Unicode than the properties, and names some.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

const dotAbove = '\u0307'

// dropHiddenDots takes away each dot above that stands on a letter with a dot, or on an l, where it makes an i of it.
func dropHiddenDots(decomposed string) string {
	var b strings.Builder
	var base rune
	for _, r := range decomposed {
		if r == dotAbove && (base == 'l' || unicode.Is(unicode.Soft_Dotted, base)) {
			continue
		}
		if !unicode.Is(unicode.Mn, r) {
			base = r
		}
		b.WriteRune(r)
	}
	return b.String()
}
