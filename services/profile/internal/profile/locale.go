package profile

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/text/language"

	"supergame/services/platform/fault"
)

// withdrawn are codes of countries that are no more and have no single successor. The language package knows them, as old
// texts contain them.
var withdrawn = []string{"AN", "CS", "NT", "SU", "YU"}

// country checks an ISO 3166-1 alpha-2 code; the empty string, not said, is allowed.
func country(code string) (string, error) {
	if code == "" {
		return "", nil
	}
	region, err := language.ParseRegion(code)
	if err != nil || !isCountry(region, code) {
		return "", fault.Invalid("profile.country", "%q is not a country of ISO 3166-1 (alpha-2, capital letters)", code)
	}
	return code, nil
}

// isCountry leaves out what only looks like a country: groups (EU), exceptional reservations (AC, which have no code in three
// letters or no number), and old codes with a successor (DD). XK stays: ISO leaves it to its users, and Kosovo has no other.
func isCountry(r language.Region, code string) bool {
	return r.IsCountry() && r.String() == code && r.Canonicalize() == r && r.M49() != 0 && !slices.Contains(withdrawn, code)
}

// Limits of the list of languages. They keep the public part within the 1 KB that one request unit reads.
const (
	maxLanguages      = 8
	maxLanguagesBytes = 64
)

// languages returns tags in canonical form (https://www.rfc-editor.org/info/bcp47), each once, or a fault that names the bad
// one.
func languages(tags []string) ([]string, error) {
	if len(tags) > maxLanguages {
		return nil, fault.Invalid("profile.languages", "has %d languages, at most %d are allowed", len(tags), maxLanguages)
	}
	var canonical []string
	size := 0
	for i, tag := range tags {
		form, why := canonicalTag(tag)
		if why != "" {
			return nil, fault.Invalid(fmt.Sprintf("profile.languages[%d]", i), "%q %s", tag, why)
		}
		if slices.Contains(canonical, form) {
			continue
		}
		canonical = append(canonical, form)
		size += len(form)
	}
	if size > maxLanguagesBytes {
		return nil, fault.Invalid("profile.languages", "has %d characters in all, at most %d are allowed", size, maxLanguagesBytes)
	}
	return canonical, nil
}

// canonicalTag returns the canonical form of a tag, or why it is refused.
func canonicalTag(s string) (tag, why string) {
	parsed, err := language.Parse(s)
	var unknown language.ValueError
	switch {
	case errors.As(err, &unknown):
		return "", fmt.Sprintf("is not a language tag: there is no %q", unknown.Subtag())
	case err != nil:
		return "", "is not a BCP 47 language tag"
	case len(parsed.Extensions()) > 0:
		return "", "has an extension; only language, script, region and variant are kept"
	}
	if base, _, _ := parsed.Raw(); base.String() == "und" {
		return "", "names no language"
	}
	return parsed.String(), ""
}
