package identity

import (
	"context"

	"supergame/services/identity/internal/revocation"
	"supergame/services/identity/internal/signing"
	"supergame/services/platform/auth"
)

// source is the [auth.Source] of the service's own verifier: what GetKeys and ListRevocations answer to others. It waits for the
// containers, so that the first poll of a fresh start does not fail and wait for the second.
type source struct {
	ring        *signing.Ring
	revocations *revocation.Revocations
	prepared    <-chan struct{}
}

func (s *source) ready(ctx context.Context) error {
	select {
	case <-s.prepared:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Keys gives the public halves.
func (s *source) Keys(ctx context.Context) ([]auth.Key, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	published, err := s.ring.Published(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]auth.Key, len(published))
	for i, k := range published {
		keys[i] = auth.Key{ID: k.KID, Public: k.Private.Public(), ExpireTime: k.ExpireTime}
	}
	return keys, nil
}

var authKinds = map[revocation.Kind]auth.RevocationKind{
	revocation.Session: auth.RevokeSession, revocation.Suspension: auth.SuspendPlayer, revocation.Erasure: auth.ErasePlayer,
}

// Revocations lists the store's rows.
func (s *source) Revocations(ctx context.Context, cursor string) (auth.RevocationPage, error) {
	if err := s.ready(ctx); err != nil {
		return auth.RevocationPage{}, err
	}
	page, err := s.revocations.List(ctx, cursor)
	if err != nil {
		return auth.RevocationPage{}, err
	}
	list := auth.RevocationPage{Cursor: page.Cursor, More: page.More}
	for _, r := range page.Rows {
		list.Revocations = append(list.Revocations, auth.Revocation{Kind: authKinds[r.Kind], ID: r.Target, ExpireTime: r.ExpireTime, Lifted: r.Lifted})
	}
	return list, nil
}
