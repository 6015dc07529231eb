package handle

import (
	"context"
	"maps"
	"slices"
	"unicode/utf8"

	"supergame/services/platform/fault"
	"supergame/services/platform/text"
	"supergame/services/profile/internal/profile"
)

// Lookup returns the player who has a handle, if his profile says so too.
func (h *Handles) Lookup(ctx context.Context, handle string) (profile.Profile, error) {
	_, folded, err := normalize(handleField, handle)
	if err != nil {
		return profile.Profile{}, err
	}
	held, err := h.Reservations.Newest(ctx, keyOf(text.Lookalike(folded)))
	if err != nil {
		return profile.Profile{}, err
	}
	if held == nil || held.Owner == "" || h.erased(held.Owner) {
		return profile.Profile{}, notFound()
	}
	found, err := h.Profiles.GetMany(ctx, []string{held.Owner})
	if err != nil {
		return profile.Profile{}, err
	}
	if len(found) == 0 || found[0].Handle == "" || stored(found[0].Handle).Folded != folded {
		return profile.Profile{}, notFound()
	}
	return found[0], nil
}

// Limits of a search.
const (
	minPrefix   = 2
	defaultPage = 20
	maxLooks    = 4 // pages of the store for one of ours, while they are empty
)

// Search returns a page of the players whose handles begin with a prefix, and the token of the next page.
func (h *Handles) Search(ctx context.Context, prefix string, size int, token string) ([]profile.Profile, string, error) {
	_, folded, err := normalize("prefix", prefix)
	if err != nil {
		return nil, "", err
	}
	if utf8.RuneCountInString(folded) < minPrefix {
		return nil, "", fault.Invalid("prefix", "has less than %d characters", minPrefix)
	}
	if size == 0 {
		size = defaultPage
	}
	list := h.Tokens.For("ProfileService.SearchHandles", folded)
	after, err := list.Position(token)
	if err != nil {
		return nil, "", err
	}
	var found []profile.Profile
	for range maxLooks {
		page, err := h.Reservations.Search(ctx, folded, size, after)
		if err != nil {
			return nil, "", err
		}
		if found, err = h.confirmed(ctx, page.Found); err != nil {
			return nil, "", err
		}
		if after = page.Next; len(found) > 0 || after == "" {
			break
		}
	}
	return found, list.Token(after), nil
}

// confirmed returns the profiles that have the handles which reservations say they have.
func (h *Handles) confirmed(ctx context.Context, reserved []Reservation) ([]profile.Profile, error) {
	names := map[string][]string{} // by owner; one may have two for a moment
	for _, r := range reserved {
		if r.Owner != "" && !h.erased(r.Owner) {
			names[r.Owner] = append(names[r.Owner], r.Search)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	found, err := h.Profiles.GetMany(ctx, slices.Sorted(maps.Keys(names)))
	return slices.DeleteFunc(found, func(p profile.Profile) bool {
		return p.Handle == "" || !slices.Contains(names[p.PlayerID], stored(p.Handle).Folded)
	}), err
}

func (h *Handles) erased(playerID string) bool { return h.Erased != nil && h.Erased(playerID) }
