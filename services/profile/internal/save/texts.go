package save

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"supergame/services/platform/fault"
)

const descriptionField = "description"

// Limits of the texts of a save, which all stand in one directory.
const (
	maxDescriptionRunes = 256
	maxDeviceBytes      = 64
	maxAttributes       = 8
	maxAttributeBytes   = 128
)

// checkTexts refuses what does not fit on one line of a list, or into the directory.
func (s Save) checkTexts() error {
	if n := utf8.RuneCountInString(s.Description); n > maxDescriptionRunes {
		return fault.Invalid(descriptionField, "has %d characters, at most %d are allowed", n, maxDescriptionRunes)
	}
	if why := notPlain(s.Description); why != "" {
		return fault.Invalid(descriptionField, "%s", why)
	}
	if len(s.Device) > maxDeviceBytes {
		return fault.Invalid("device", "has %d bytes, at most %d are allowed", len(s.Device), maxDeviceBytes)
	}
	if why := notPlain(s.Device); why != "" {
		return fault.Invalid("device", "%s", why)
	}
	if len(s.Attributes) > maxAttributes {
		return fault.Invalid("attributes", "has %d pairs, at most %d are allowed", len(s.Attributes), maxAttributes)
	}
	for key, value := range s.Attributes {
		if len(value) > maxAttributeBytes {
			return fault.Invalid(fmt.Sprintf("attributes[%q]", key), "has %d bytes, at most %d are allowed", len(value), maxAttributeBytes)
		}
		if why := notPlain(value); why != "" {
			return fault.Invalid(fmt.Sprintf("attributes[%q]", key), "%s", why)
		}
	}
	return nil
}

// notPlain says what a text has that would break out of its line, or "".
func notPlain(text string) string {
	if !utf8.ValidString(text) {
		return "is not valid UTF-8"
	}
	for _, r := range text {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return fmt.Sprintf("contains U+%04X, a control character or line break", r)
		case unicode.Is(unicode.Bidi_Control, r):
			return fmt.Sprintf("contains U+%04X, which turns the direction of what follows", r)
		}
	}
	return ""
}
