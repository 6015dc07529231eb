package profile

import (
	"context"
	"errors"

	"supergame/services/platform/fault"
	"supergame/services/profile/internal/moderation"
)

// Moderator decides whether others may see a text, see [moderation.Moderator].
type Moderator interface {
	Check(ctx context.Context, t moderation.Text) error
}

// moderate checks the texts of a change that others will see, before anything is read or written for it.
func (p *Profiles) moderate(ctx context.Context, playerID string, c change) error {
	if p.Moderator == nil || !c.mask.has(pathDisplayName) {
		return nil
	}
	return p.Moderator.Check(ctx, moderation.Text{
		PlayerID: playerID, Field: moderation.DisplayName, Path: nameField, Text: c.public.DisplayName,
	})
}

// NameRemover takes display names away that a review removes. It is a [moderation.Remover].
type NameRemover struct{ Profiles *Profiles }

// Normalize is the normal form of a name.
func (n NameRemover) Normalize(replacement string) (string, error) {
	name, err := displayName(replacement)
	var refused *fault.Error
	if errors.As(err, &refused) && len(refused.Fields) == 1 {
		return "", fault.Invalid("replacement", "%s", refused.Fields[0].Description)
	}
	return name, err
}

// Remove replaces the name of a player, under the version it was read as.
func (n NameRemover) Remove(ctx context.Context, playerID, name, replacement string) (bool, error) {
	removed := false
	edit := Edit{PlayerID: playerID, Touches: Parts{Public: true}}
	_, err := n.Profiles.Store.Update(ctx, edit, func(stored *Player) (Parts, error) {
		if removed = stored.DisplayName == name; removed {
			stored.DisplayName, stored.UpdateTime = replacement, later(stored.UpdateTime, n.Profiles.now())
		}
		return Parts{Public: removed}, nil
	})
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return removed, err
}
