package text

import (
	"errors"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// Fold returns the form in which two names are equal when they differ in nothing but case, width and composition: PRECIS
// UsernameCaseMapped (https://www.rfc-editor.org/rfc/rfc8265), and on top of its lower case the full case folding of Unicode, so that a final
// sigma is a sigma and a sharp s is two. The error says what PRECIS does not allow in a name: blanks, controls, format and unassigned
// characters, compatibility forms other than width, directions that mix. The length is
// not judged: the empty text folds to itself. Folding twice is folding once.
func Fold(s string) (string, error) {
	name, err := precis.UsernameCaseMapped.String(s)
	if err != nil {
		return "", errors.New(strings.TrimPrefix(err.Error(), "precis: "))
	}
	return norm.NFC.String(cases.Fold().String(name)), nil
}
