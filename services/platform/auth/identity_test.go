package auth_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/platform/auth"
)

type identityClient struct {
	keys        *identityv1.GetKeysResponse
	revocations *identityv1.ListRevocationsResponse
	cursor      string
	err         error
}

func (c *identityClient) GetKeys(context.Context, *identityv1.GetKeysRequest, ...grpc.CallOption) (*identityv1.GetKeysResponse, error) {
	return c.keys, c.err
}

func (c *identityClient) ListRevocations(
	_ context.Context, in *identityv1.ListRevocationsRequest, _ ...grpc.CallOption,
) (*identityv1.ListRevocationsResponse, error) {
	c.cursor = in.GetCursor()
	return c.revocations, c.err
}

func TestFromIdentity(t *testing.T) {
	_, key := newKey(t, "k1")
	text, err := auth.MarshalJWK(key)
	if err != nil {
		t.Fatal(err)
	}
	until := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	client := &identityClient{
		keys: &identityv1.GetKeysResponse{Keys: []*identityv1.SigningKey{{Kid: "k1", Jwk: string(text), ExpireTime: timestamppb.New(until)}}},
		revocations: &identityv1.ListRevocationsResponse{NextCursor: "next", More: true, Revocations: []*identityv1.Revocation{
			{Kind: identityv1.Revocation_KIND_SESSION, Id: "s", ExpireTime: timestamppb.New(until)},
			{Kind: identityv1.Revocation_KIND_SUSPENSION, Id: "p", Lifted: true},
			{Kind: identityv1.Revocation_KIND_ERASURE, Id: "q"},
			{Kind: 257, Id: "later"},
		}},
	}
	source := auth.FromIdentity(client)
	keys, err := source.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key.ExpireTime = until
	if diff := cmp.Diff([]auth.Key{key}, keys); diff != "" {
		t.Error(diff)
	}
	page, err := source.Revocations(t.Context(), "cursor")
	if err != nil {
		t.Fatal(err)
	}
	want := auth.RevocationPage{Cursor: "next", More: true, Revocations: []auth.Revocation{
		{Kind: auth.RevokeSession, ID: "s", ExpireTime: until}, {Kind: auth.SuspendPlayer, ID: "p", Lifted: true},
		{Kind: auth.ErasePlayer, ID: "q"}, {Kind: 0, ID: "later"},
	}}
	if diff := cmp.Diff(want, page); diff != "" || client.cursor != "cursor" {
		t.Errorf("cursor %q, %s", client.cursor, diff)
	}

	later := &identityv1.SigningKey{Kid: "k2", Jwk: `{"kty":"EC","crv":"P-521","kid":"k2"}`}
	client.keys.Keys = append([]*identityv1.SigningKey{later}, client.keys.GetKeys()...)
	if keys, err = source.Keys(t.Context()); err != nil || len(keys) != 1 || keys[0].ID != "k1" {
		t.Errorf("beside a key of a later version: %v, %v", keys, err)
	}
	client.keys.Keys = client.keys.GetKeys()[1:]
	client.keys.Keys[0].Jwk = "{}"
	if _, err := source.Keys(t.Context()); err == nil {
		t.Error("a key that is none was accepted")
	}
	client.keys.Keys = nil
	if keys, err := source.Keys(t.Context()); err == nil {
		t.Errorf("%v were taken for all keys: every token would be refused", keys)
	}
	client.err = errors.New("down")
	if _, err := source.Keys(t.Context()); !errors.Is(err, client.err) {
		t.Errorf("err = %v", err)
	}
	if _, err := source.Revocations(t.Context(), ""); !errors.Is(err, client.err) {
		t.Errorf("err = %v", err)
	}
}

func TestCallerFrom(t *testing.T) {
	if caller := auth.CallerFrom(t.Context()); caller.SignedIn() || caller.PlayerID() != "" {
		t.Errorf("a bare context has caller %+v", caller)
	}
	if caller := auth.CallerFrom(auth.WithCaller(t.Context(), nil)); caller.SignedIn() {
		t.Errorf("a nil caller is %+v", caller)
	}
	ctx := auth.WithCaller(t.Context(), &auth.Caller{Subject: "p", Role: auth.RolePlayer})
	if caller := auth.CallerFrom(ctx); caller.PlayerID() != "p" || !caller.SignedIn() {
		t.Errorf("caller %+v", caller)
	}
	if id := (auth.Caller{Subject: "p", Role: auth.RoleOperator}).PlayerID(); id != "" {
		t.Errorf("an operator is player %q", id)
	}
}
