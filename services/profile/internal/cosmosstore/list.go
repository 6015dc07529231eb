package cosmosstore

import (
	"context"

	"supergame/services/platform/cosmos"
	"supergame/services/profile/internal/profile"
)

// List is one page of a query over all partitions, at low priority. Joining times and countries are in the index, so that a page of few players among
// many costs what it returns.
func (s *Store) List(ctx context.Context, f profile.Filter, size int, page string) ([]profile.Profile, string, error) {
	text := "SELECT * FROM c WHERE c.type = @type"
	statement := func() cosmos.Statement { return cosmos.SQL(text).With("@type", "profile") }
	var with []func(cosmos.Statement) cosmos.Statement
	where := func(condition, name string, value any) {
		text += " AND " + condition
		with = append(with, func(s cosmos.Statement) cosmos.Statement { return s.With(name, value) })
	}
	if f.Country != "" {
		where("c.country = @country", "@country", f.Country)
	}
	if !f.JoinedFrom.IsZero() {
		where("c.joinTime >= @from", "@from", instant(f.JoinedFrom))
	}
	if !f.JoinedBefore.IsZero() {
		where("c.joinTime < @before", "@before", instant(f.JoinedBefore))
	}
	if f.Suspended {
		where("c.suspended = @suspended", "@suspended", true)
	} else if f.Active {
		text += " AND NOT IS_DEFINED(c.suspended)"
	}
	query := statement()
	for _, add := range with {
		query = add(query)
	}
	found, err := s.profiles.QueryPage(ctx, cosmos.Key{}, query, cosmos.PageOptions{Size: size, Continuation: page, LowPriority: true})
	list := make([]profile.Profile, len(found.Items))
	for i, doc := range found.Items {
		list[i] = doc.profile()
	}
	return list, found.Continuation, err
}
