package save

import (
	"context"
	"maps"
	"unicode/utf8"

	"supergame/services/platform/fault"
)

// DescriptionRemover takes descriptions away that a review removes.
type DescriptionRemover struct{ Saves *Saves }

// Normalize checks a text that is to stand in a description's place; "" is one.
func (r DescriptionRemover) Normalize(replacement string) (string, error) {
	if n := utf8.RuneCountInString(replacement); n > maxDescriptionRunes {
		return "", fault.Invalid("replacement", "has %d characters, at most %d are allowed", n, maxDescriptionRunes)
	}
	if why := notPlain(replacement); why != "" {
		return "", fault.Invalid("replacement", "%s", why)
	}
	return replacement, nil
}

// Remove replaces this description in the public saves of a player, and reports whether there was any. The versions of the saves stay, as
// their contents do: no device of the player meets a conflict.
func (r DescriptionRemover) Remove(ctx context.Context, playerID, description, replacement string) (bool, error) {
	removed := false
	err := r.Saves.Store.Edit(ctx, playerID, func(d *Directory) bool {
		removed = d.redact(description, replacement)
		return removed
	})
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return removed, err
}

// redact replaces a description wherever others see it. The slots of d are replaced, never changed.
func (d *Directory) redact(description, replacement string) (removed bool) {
	slots := maps.Clone(d.Slots)
	for name, slot := range slots {
		if slot.Public && slot.Description == description {
			slot.Description, removed = replacement, true
			slots[name] = slot
		}
	}
	d.Slots = slots
	return removed
}
