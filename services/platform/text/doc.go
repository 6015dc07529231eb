// Package text compares what players write by what others read: names that are the same but for case and width, and names that
// look the same.
//
// [Fold] answers whether two names are the same (ADA, ada and fullwidth Ａｄａ), [Skeleton] whether two texts look the same as they are
// written (paypal and pаypal with a Cyrillic а), and [Lookalike] whether they may be taken for each other when nobody looks at the case
// either (PayPaI with a capital i, and paypal). [OneScript] keeps apart the scripts that a name must not mix. Two names are safe from each other
// when neither the look-alikes of their raw forms nor those of their folded forms meet: folding first would hide that paypaI looks like
// paypal, and not folding that PAYPAI is paypai.
//
// What is equal here depends on the Unicode tables of the modules below: what is stored must be able to stand beside what another version of
// them would have made of it.
package text
