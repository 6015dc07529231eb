package rpc

import (
	"context"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/profile/internal/handle"
)

// Handles serves what ProfileService has about handles.
type Handles struct {
	profilev1.UnimplementedProfileServiceServer
	handles *handle.Handles
}

// NewHandles returns the server of a noun.
func NewHandles(handles *handle.Handles) *Handles { return &Handles{handles: handles} }

// ClaimHandle gives a player a handle.
func (s *Handles) ClaimHandle(ctx context.Context, r *profilev1.ClaimHandleRequest) (*profilev1.ClaimHandleResponse, error) {
	request := handle.Request{PlayerID: r.GetPlayerId(), Handle: r.GetHandle(), RequestID: r.GetRequestId()}
	p, err := s.handles.Claim(ctx, caller(ctx), request)
	if err != nil {
		return nil, err
	}
	return &profilev1.ClaimHandleResponse{Profile: encodeProfile(p)}, nil
}

// LookupHandle finds a player by his handle.
func (s *Handles) LookupHandle(ctx context.Context, r *profilev1.LookupHandleRequest) (*profilev1.LookupHandleResponse, error) {
	p, err := s.handles.Lookup(ctx, r.GetHandle())
	if err != nil {
		return nil, err
	}
	return &profilev1.LookupHandleResponse{Profile: encodeProfile(p)}, nil
}

// SearchHandles finds players by how their handles begin.
func (s *Handles) SearchHandles(ctx context.Context, r *profilev1.SearchHandlesRequest) (*profilev1.SearchHandlesResponse, error) {
	found, next, err := s.handles.Search(ctx, r.GetPrefix(), int(r.GetPageSize()), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	return &profilev1.SearchHandlesResponse{Profiles: encodeProfiles(found), NextPageToken: next}, nil
}
