package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/profile/internal/friends"
)

// Friends serves supergame.profile.v1.FriendsService.
type Friends struct {
	profilev1.UnimplementedFriendsServiceServer
	friends *friends.Friends
}

// NewFriends returns the server of a noun.
func NewFriends(f *friends.Friends) *Friends { return &Friends{friends: f} }

// RequestFriend asks.
func (s *Friends) RequestFriend(ctx context.Context, r *profilev1.RequestFriendRequest) (*profilev1.RequestFriendResponse, error) {
	half, err := s.friends.Request(ctx, friendsCaller(ctx), friendsPair(r))
	if err != nil {
		return nil, err
	}
	return &profilev1.RequestFriendResponse{Friend: encodeFriend(half)}, nil
}

// AcceptFriend says yes.
func (s *Friends) AcceptFriend(ctx context.Context, r *profilev1.AcceptFriendRequest) (*profilev1.AcceptFriendResponse, error) {
	half, err := s.friends.Accept(ctx, friendsCaller(ctx), friendsPair(r))
	if err != nil {
		return nil, err
	}
	return &profilev1.AcceptFriendResponse{Friend: encodeFriend(half)}, nil
}

// RemoveFriend says no.
func (s *Friends) RemoveFriend(ctx context.Context, r *profilev1.RemoveFriendRequest) (*profilev1.RemoveFriendResponse, error) {
	half, err := s.friends.Remove(ctx, friendsCaller(ctx), friendsPair(r))
	if err != nil {
		return nil, err
	}
	return &profilev1.RemoveFriendResponse{Friend: encodeFriend(half)}, nil
}

// BlockPlayer blocks.
func (s *Friends) BlockPlayer(ctx context.Context, r *profilev1.BlockPlayerRequest) (*profilev1.BlockPlayerResponse, error) {
	half, err := s.friends.Block(ctx, friendsCaller(ctx), friendsPair(r))
	if err != nil {
		return nil, err
	}
	return &profilev1.BlockPlayerResponse{Friend: encodeFriend(half)}, nil
}

// UnblockPlayer lifts a block.
func (s *Friends) UnblockPlayer(ctx context.Context, r *profilev1.UnblockPlayerRequest) (*profilev1.UnblockPlayerResponse, error) {
	half, err := s.friends.Unblock(ctx, friendsCaller(ctx), friendsPair(r))
	if err != nil {
		return nil, err
	}
	return &profilev1.UnblockPlayerResponse{Friend: encodeFriend(half)}, nil
}

// GetFriend returns one state.
func (s *Friends) GetFriend(ctx context.Context, r *profilev1.GetFriendRequest) (*profilev1.GetFriendResponse, error) {
	half, err := s.friends.Get(ctx, friendsCaller(ctx), r.GetPlayerId(), r.GetOtherPlayerId())
	if err != nil {
		return nil, err
	}
	return &profilev1.GetFriendResponse{Friend: encodeFriend(half)}, nil
}

// ListFriends returns a page of those in one state.
func (s *Friends) ListFriends(ctx context.Context, r *profilev1.ListFriendsRequest) (*profilev1.ListFriendsResponse, error) {
	page := friends.Page{Size: int(r.GetPageSize()), Token: r.GetPageToken()}
	halves, next, err := s.friends.List(ctx, friendsCaller(ctx), r.GetPlayerId(), friendState(r.GetState()), page)
	if err != nil {
		return nil, err
	}
	response := &profilev1.ListFriendsResponse{NextPageToken: next, Friends: make([]*profilev1.Friend, len(halves))}
	for i, half := range halves {
		response.Friends[i] = encodeFriend(half)
	}
	return response, nil
}

// ListRelations returns a page of friends and blocks.
func (s *Friends) ListRelations(ctx context.Context, r *profilev1.ListRelationsRequest) (*profilev1.ListRelationsResponse, error) {
	page := friends.Page{Size: int(r.GetPageSize()), Token: r.GetPageToken()}
	halves, next, err := s.friends.Relations(ctx, r.GetPlayerId(), relationFilter(r.GetFilter()), page)
	if err != nil {
		return nil, err
	}
	response := &profilev1.ListRelationsResponse{NextPageToken: next, Relations: make([]*profilev1.Relation, len(halves))}
	for i, half := range halves {
		state := half.State()
		response.Relations[i] = &profilev1.Relation{
			PlayerId: half.OtherID, Friends: state == friends.Friend, Blocks: state == friends.Blocked, BlockedBy: half.BlockedByOther(),
		}
	}
	return response, nil
}

func friendsCaller(ctx context.Context) friends.Caller {
	c := auth.CallerFrom(ctx)
	return friends.Caller{Subject: c.Subject, Player: c.Role == auth.RolePlayer, Operator: c.Role == auth.RoleOperator}
}

// friendsPair decodes what the requests to change have in common.
func friendsPair(r interface {
	GetPlayerId() string
	GetOtherPlayerId() string
	GetRequestId() string
},
) friends.Pair {
	return friends.Pair{PlayerID: r.GetPlayerId(), OtherID: r.GetOtherPlayerId(), RequestID: r.GetRequestId()}
}

func friendState(s profilev1.FriendState) friends.State {
	switch s {
	case profilev1.FriendState_FRIEND_STATE_INCOMING:
		return friends.Incoming
	case profilev1.FriendState_FRIEND_STATE_OUTGOING:
		return friends.Outgoing
	case profilev1.FriendState_FRIEND_STATE_BLOCKED:
		return friends.Blocked
	}
	return friends.Friend
}

func relationFilter(f profilev1.RelationFilter) friends.Filter {
	switch f {
	case profilev1.RelationFilter_RELATION_FILTER_FRIENDS:
		return friends.Filter{States: []friends.State{friends.Friend}}
	case profilev1.RelationFilter_RELATION_FILTER_BLOCKS:
		return friends.Filter{States: []friends.State{friends.Blocked}, BlockedByOther: true}
	}
	return friends.Filter{States: []friends.State{friends.Friend, friends.Blocked}, BlockedByOther: true}
}

var protoStates = map[friends.State]profilev1.FriendState{
	friends.None:     profilev1.FriendState_FRIEND_STATE_NONE,
	friends.Friend:   profilev1.FriendState_FRIEND_STATE_FRIENDS,
	friends.Incoming: profilev1.FriendState_FRIEND_STATE_INCOMING,
	friends.Outgoing: profilev1.FriendState_FRIEND_STATE_OUTGOING,
	friends.Blocked:  profilev1.FriendState_FRIEND_STATE_BLOCKED,
}

func encodeFriend(h friends.Half) *profilev1.Friend {
	encoded := &profilev1.Friend{PlayerId: h.OtherID, State: protoStates[h.State()]}
	if since := h.Since(); !since.IsZero() {
		encoded.SinceTime = timestamppb.New(since)
	}
	return encoded
}
