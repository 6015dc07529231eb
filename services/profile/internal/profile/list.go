package profile

import (
	"context"
	"strconv"
	"time"

	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
)

// Filter chooses players; the zero Filter lets everybody pass.
type Filter struct {
	Active, Suspended        bool      // only these; both false = everybody
	JoinedFrom, JoinedBefore time.Time // zero = open
	Country                  string    // "" = any
}

// Lister is the store as far as lists of players go.
type Lister interface {
	// List returns a page of the public parts that match, in no order; an empty next page is the end.
	List(ctx context.Context, f Filter, size int, page string) (list []Profile, next string, err error)
}

// Lists gives lists of players to operators.
type Lists struct {
	Store  Lister
	Tokens pagetoken.Codec
}

const usualPage = 100

// List returns a page, and the token of the next.
func (l *Lists) List(ctx context.Context, f Filter, size int, token string) ([]Profile, string, error) {
	if !f.JoinedFrom.IsZero() && !f.JoinedBefore.IsZero() && !f.JoinedFrom.Before(f.JoinedBefore) {
		return nil, "", fault.Invalid("joined_before", "is not later than joined_from")
	}
	list := l.Tokens.For("ProfileService.ListPlayers", strconv.FormatBool(f.Active), strconv.FormatBool(f.Suspended),
		strconv.FormatInt(f.JoinedFrom.UnixMilli(), 10), strconv.FormatInt(f.JoinedBefore.UnixMilli(), 10), f.Country)
	position, err := list.Position(token)
	if err != nil {
		return nil, "", err
	}
	if size == 0 {
		size = usualPage
	}
	found, next, err := l.Store.List(ctx, f, size, position)
	return found, list.Token(next), err
}
