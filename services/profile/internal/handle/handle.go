// Package handle holds the rules of handles: the names that are one player's alone. It knows which names may be handles and which may be taken
// for each other, and the steps by which a name comes to a player and goes from him, one document at a time, so that no two players
// ever show names that look alike, wherever a step is the last one.
//
// A claim is written into the player's profile first, with a number that no other claim of his has (1). Then the name's reservations are made, one for each
// look of it ([Name.Keys]), stamped with the number (2). Then the profile takes the name, if the claim is still open in it (3). Then the
// reservations of the name he had before are released (4), and the claim is closed. Every step can be repeated, by the next call of the
// player or by [Handles.Sweep], and by several at once:
//
//   - A name counts as the player's from step 3 on, which is one conditional write of one document.
//   - Step 2 never writes over a reservation of a later claim, and step 4 releases those of earlier ones only. So whoever wakes up late in
//     the middle of a claim that others have finished cannot undo what came after.
//   - A claim is undone in the profile before its reservations are: step 3 cannot come behind that.
//   - A reservation that its owner's profile does not name is taken only after a write of that profile, which makes a step 3 that
//     was decided before it fail; and with the version of it that was read before that write.
package handle

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"supergame/services/platform/fault"
	"supergame/services/platform/text"
)

// Limits of a handle. The bytes keep the profile within the 1 KB that one request unit reads.
const (
	minRunes = 3
	maxRunes = 20
	maxBytes = 64
	maxMarks = 4
)

const handleField = "handle"

// Name is a well-formed handle. The zero Name is no handle.
type Name struct {
	Shown  string   // as the player wrote it, but for width and composition
	Folded string   // what two spellings of the same handle have in common
	Keys   []string // ids of its reservations: one for each look, sorted, each once
}

// Parse checks a handle and returns it with what it is compared by; or a fault that names the field.
func Parse(s string) (Name, error) {
	shown, folded, err := normalize(handleField, s)
	if err != nil {
		return Name{}, err
	}
	switch n := utf8.RuneCountInString(shown); {
	case n < minRunes || utf8.RuneCountInString(folded) < minRunes:
		return Name{}, fault.Invalid(handleField, "has %d characters, at least %d are needed", n, minRunes)
	case n > maxRunes:
		return Name{}, fault.Invalid(handleField, "has %d characters, at most %d are allowed", n, maxRunes)
	case len(shown) > maxBytes:
		return Name{}, fault.Invalid(handleField, "has %d bytes in UTF-8, at most %d are allowed", len(shown), maxBytes)
	}
	if why := refused(shown); why != "" {
		return Name{}, fault.Invalid(handleField, "%s", why)
	}
	return name(shown, folded), nil
}

// stored makes a Name of a handle that was accepted when it was stored, perhaps by other tables than today's.
func stored(shown string) Name {
	if shown == "" {
		return Name{}
	}
	folded, err := text.Fold(shown)
	if err != nil {
		folded = shown
	}
	return name(shown, folded)
}

// name adds the keys: looks of the raw and of the folded form, since folding first would hide that paypaI looks like paypal.
func name(shown, folded string) Name {
	keys := []string{keyOf(text.Lookalike(shown)), keyOf(text.Lookalike(folded))}
	slices.Sort(keys)
	return Name{Shown: shown, Folded: folded, Keys: slices.Compact(keys)}
}

// listed is the key of the reservation that the name is found by.
func (n Name) listed() string { return keyOf(text.Lookalike(n.Folded)) }

// has reports whether the name has a key.
func (n Name) has(key string) bool { return slices.Contains(n.Keys, key) }

// keyOf makes an id of a look: any text is a legal one then.
func keyOf(look string) string {
	sum := sha256.Sum256([]byte(look))
	return hex.EncodeToString(sum[:])
}

// normalize returns the form that is shown and the one that is compared.
func normalize(field, s string) (shown, folded string, err error) {
	if !utf8.ValidString(s) {
		return "", "", fault.Invalid(field, "is not valid UTF-8")
	}
	for _, r := range s {
		if unicode.In(r, unicode.Cc, unicode.Cf) {
			return "", "", fault.Invalid(field, "contains %U, a control or formatting character", r)
		}
	}
	shown, err = precis.UsernameCasePreserved.String(s)
	if err == nil {
		folded, err = text.Fold(s)
	}
	if err != nil {
		return "", "", fault.Invalid(field, "is not a user name in the sense of RFC 8265: %s", strings.TrimPrefix(err.Error(), "precis: "))
	}
	return shown, folded, nil
}

// refused says what is wrong with the characters of a handle; "" = nothing.
func refused(shown string) string {
	const joiners = "._-"
	marks, last := 0, rune(0)
	for i, r := range shown {
		switch {
		case unicode.In(r, unicode.L, unicode.Nd):
			marks = 0
		case unicode.In(r, unicode.Mn, unicode.Mc):
			if marks++; marks > maxMarks || r == last {
				return "has too many combining marks on one character"
			}
			if i == 0 || strings.ContainsRune(joiners, last) {
				return "has a combining mark without a letter"
			}
		case strings.ContainsRune(joiners, r):
			if i == 0 || strings.ContainsRune(joiners, last) {
				return "has `.`, `_` or `-` elsewhere than between letters and digits"
			}
			marks = 0
		default:
			return "has a character that is no letter, mark or digit, nor `.`, `_` or `-`"
		}
		last = r
	}
	if strings.ContainsRune(joiners, last) {
		return "ends with `.`, `_` or `-`"
	}
	if !text.OneScript(shown) {
		return "mixes scripts, or digits of several systems"
	}
	return ""
}

// taken is the refusal of a name that somebody else has. It does not tell who, nor until when.
func taken(n Name) *fault.Error {
	return fault.New(fault.AlreadyExists, "HANDLE_TAKEN", "the handle %q, or one that looks like it, is taken", n.Shown).With("handle", n.Shown)
}

func notFound() *fault.Error {
	return fault.New(fault.NotFound, "HANDLE_NOT_FOUND", "no player has this handle")
}

func contention() *fault.Error {
	return fault.New(fault.Aborted, "CONTENTION", "too many others want this handle at the same time, try again")
}
