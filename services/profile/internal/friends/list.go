package friends

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// Page asks for a part of a list.
type Page struct {
	Size  int // 0 = as the list likes
	Token string
}

const (
	maxPage     = 1000
	defaultPage = 100
)

// List returns the others who stand in a state with a player.
func (f *Friends) List(ctx context.Context, caller Caller, playerID string, state State, page Page) ([]Half, string, error) {
	playerID, err := caller.orOwn(playerID)
	if err != nil {
		return nil, "", err
	}
	if page.Size == 0 {
		page.Size = defaultPage
	}
	return f.list(ctx, "ListFriends", playerID, Filter{States: []State{state}}, page)
}

// Relations returns, for services, the others that the filter names.
func (f *Friends) Relations(ctx context.Context, playerID string, which Filter, page Page) ([]Half, string, error) {
	return f.list(ctx, "ListRelations", playerID, which, page)
}

func (f *Friends) list(ctx context.Context, method, playerID string, which Filter, page Page) ([]Half, string, error) {
	if page.Size <= 0 || page.Size > maxPage {
		page.Size = maxPage
	}
	tokens := f.Tokens.For(method, playerID, which.text())
	after, err := tokens.Position(page.Token)
	if err != nil {
		return nil, "", err
	}
	halves, err := f.Store.List(ctx, playerID, which, after, page.Size)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(halves) == page.Size {
		next = halves[len(halves)-1].OtherID
	}
	halves = slices.DeleteFunc(halves, func(h Half) bool { return f.erased(h.OtherID) })
	return halves, tokens.Token(next), nil
}

// text tells filters apart.
func (w Filter) text() string {
	var b strings.Builder
	for _, s := range w.States {
		b.WriteString(string(s) + " ")
	}
	return b.String() + strconv.FormatBool(w.BlockedByOther)
}
