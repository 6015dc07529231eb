package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
)

// IdentityClient is the part of identity's client that is needed here.
type IdentityClient interface {
	GetKeys(ctx context.Context, in *identityv1.GetKeysRequest, opts ...grpc.CallOption) (*identityv1.GetKeysResponse, error)
	ListRevocations(ctx context.Context, in *identityv1.ListRevocationsRequest, opts ...grpc.CallOption) (*identityv1.ListRevocationsResponse, error)
}

// IdentitySource reads keys and revocations from the identity service. It is a [KeySource] and a [RevocationSource].
type IdentitySource struct {
	client IdentityClient
}

// FromIdentity returns a source that asks the identity service. The client must sign in as a service: ListRevocations is not public.
func FromIdentity(client IdentityClient) *IdentitySource { return &IdentitySource{client: client} }

// Keys asks GetKeys. A key that cannot be read may be one of a later version, so it is left out; an answer with no other is an error.
func (s *IdentitySource) Keys(ctx context.Context) ([]Key, error) {
	response, err := s.client.GetKeys(ctx, &identityv1.GetKeysRequest{})
	if err != nil {
		return nil, fmt.Errorf("getting the keys of identity: %w", err)
	}
	keys := make([]Key, 0, len(response.GetKeys()))
	unread := errors.New("getting the keys of identity: there are none")
	for _, k := range response.GetKeys() {
		key, err := ParseJWK([]byte(k.GetJwk()))
		if err != nil {
			unread = fmt.Errorf("getting the keys of identity: %w", err)
			continue
		}
		key.ID, key.ExpireTime = k.GetKid(), timeOf(k.GetExpireTime())
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, unread
	}
	return keys, nil
}

// Revocations asks ListRevocations.
func (s *IdentitySource) Revocations(ctx context.Context, cursor string) (RevocationPage, error) {
	response, err := s.client.ListRevocations(ctx, &identityv1.ListRevocationsRequest{Cursor: cursor})
	if err != nil {
		return RevocationPage{}, fmt.Errorf("listing the revocations of identity: %w", err)
	}
	page := RevocationPage{Cursor: response.GetNextCursor(), More: response.GetMore()}
	for _, r := range response.GetRevocations() {
		page.Revocations = append(page.Revocations, Revocation{
			Kind: kindOf(r.GetKind()), ID: r.GetId(), ExpireTime: timeOf(r.GetExpireTime()), Lifted: r.GetLifted(),
		})
	}
	return page, nil
}

// kindOf maps a kind of a later version to none.
func kindOf(kind identityv1.Revocation_Kind) RevocationKind {
	switch kind {
	case identityv1.Revocation_KIND_SESSION:
		return RevokeSession
	case identityv1.Revocation_KIND_SUSPENSION:
		return SuspendPlayer
	case identityv1.Revocation_KIND_ERASURE:
		return ErasePlayer
	default:
		return 0
	}
}

// timeOf maps an unset timestamp to the zero time.
func timeOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
