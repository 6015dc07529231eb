package cosmosstore

import (
	"context"
	"time"

	"supergame/services/identity/internal/signing"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// KeyStore is the [signing.Store] of container signing-keys.
type KeyStore struct {
	kind *cosmos.Kind[keyDoc]
	now  func() time.Time
}

// NewKeys returns the store. It does no I/O.
func NewKeys(client *cosmos.Client, now func() time.Time) *KeyStore {
	return &KeyStore{kind: cosmos.NewKind[keyDoc](client.Container(SigningKeys), "signing-key", 1), now: now}
}

// List reads the whole container: two or three documents.
func (s *KeyStore) List(ctx context.Context) ([]signing.Sealed, error) {
	docs, err := s.kind.Query(ctx, cosmos.Key{}, cosmos.SQL("SELECT * FROM c"))
	if err != nil {
		return nil, err
	}
	keys := make([]signing.Sealed, len(docs))
	for i, d := range docs {
		keys[i] = d.decode()
	}
	return keys, nil
}

// Create is one write. The key expires by its TTL.
func (s *KeyStore) Create(ctx context.Context, k signing.Sealed) error {
	err := s.kind.Create(ctx, cosmos.PK(k.ID), cosmos.Operation{}, encodeKey(k, s.now()))
	if fault.Is(err, fault.AlreadyExists) {
		return nil
	}
	return err
}
