package cosmosstore

import (
	"context"

	"supergame/services/identity/internal/player"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// IdentityStore is the [player.Identities] of container identities.
type IdentityStore struct {
	kind *cosmos.Kind[identityDoc]
}

// NewIdentities returns the store. It does no I/O.
func NewIdentities(client *cosmos.Client) *IdentityStore {
	return &IdentityStore{kind: cosmos.NewKind[identityDoc](client.Container(Identities), "identity", 1)}
}

// Get is one point read.
func (s *IdentityStore) Get(ctx context.Context, id string) (player.Identity, error) {
	doc, err := s.kind.Read(ctx, cosmos.PK(id), id)
	if err != nil {
		return player.Identity{}, err
	}
	return doc.decode(), nil
}

// Create is one write; who comes second also reads.
func (s *IdentityStore) Create(ctx context.Context, i player.Identity) (player.Identity, error) {
	doc := encodeIdentity(i)
	err := s.kind.Create(ctx, cosmos.PK(i.ID), cosmos.Operation{}, doc)
	switch {
	case err == nil:
		return doc.decode(), nil
	case !fault.Is(err, fault.AlreadyExists):
		return player.Identity{}, err
	}
	there, err := s.Get(ctx, i.ID)
	if fault.Is(err, fault.NotFound) { // gone between the two, or this replica has not seen it yet
		return player.Identity{}, player.Changing(err)
	}
	return there, err
}

// Complete is one read and one write.
func (s *IdentityStore) Complete(ctx context.Context, id, family string) (player.Identity, error) {
	doc, err := s.kind.Update(ctx, cosmos.PK(id), id, cosmos.Operation{}, func(d *identityDoc) (bool, error) {
		if !d.Pending {
			return false, nil
		}
		d.Pending, d.CreatedBy = false, family
		return true, nil
	})
	if err != nil {
		return player.Identity{}, err
	}
	return doc.decode(), nil
}

// Lead is one read and one write.
func (s *IdentityStore) Lead(ctx context.Context, i player.Identity, playerID string) (player.Identity, error) {
	doc, err := s.kind.Update(ctx, cosmos.PK(i.ID), i.ID, cosmos.Operation{}, func(d *identityDoc) (bool, error) {
		if d.ETag != i.Version {
			return false, fault.New(fault.Aborted, "IDENTITY_CHANGED", "the identity has changed since it was read")
		}
		if d.PlayerID != playerID {
			d.Pending, d.CreatedBy = false, "" // he is there already
		}
		d.PlayerID = playerID
		return true, nil
	})
	switch {
	case fault.Is(err, fault.NotFound): // deleted since
		return player.Identity{}, fault.New(fault.Aborted, "IDENTITY_CHANGED", "the identity has changed since it was read").Because(err)
	case err != nil:
		return player.Identity{}, err
	}
	return doc.decode(), nil
}

// Delete is one write.
func (s *IdentityStore) Delete(ctx context.Context, i player.Identity) error {
	err := s.kind.Delete(ctx, cosmos.PK(i.ID), i.ID, i.Version)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
