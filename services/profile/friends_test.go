package profile_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
)

const (
	friendsNone     = profilev1.FriendState_FRIEND_STATE_NONE
	friendsBoth     = profilev1.FriendState_FRIEND_STATE_FRIENDS
	friendsIncoming = profilev1.FriendState_FRIEND_STATE_INCOMING
	friendsOutgoing = profilev1.FriendState_FRIEND_STATE_OUTGOING
	friendsBlocked  = profilev1.FriendState_FRIEND_STATE_BLOCKED
)

// friendCalls are the changes by name, of a player (empty = the caller) upon another.
var friendCalls = map[string]func(player, other, requestID string) call{
	"request": func(player, other, requestID string) call {
		return func(ctx context.Context, c *grpc.ClientConn) error {
			r := &profilev1.RequestFriendRequest{PlayerId: player, OtherPlayerId: other, RequestId: requestID}
			_, err := profilev1.NewFriendsServiceClient(c).RequestFriend(ctx, r)
			return err
		}
	},
	"accept": func(player, other, requestID string) call {
		return func(ctx context.Context, c *grpc.ClientConn) error {
			r := &profilev1.AcceptFriendRequest{PlayerId: player, OtherPlayerId: other, RequestId: requestID}
			_, err := profilev1.NewFriendsServiceClient(c).AcceptFriend(ctx, r)
			return err
		}
	},
	"remove": func(player, other, requestID string) call {
		return func(ctx context.Context, c *grpc.ClientConn) error {
			r := &profilev1.RemoveFriendRequest{PlayerId: player, OtherPlayerId: other, RequestId: requestID}
			_, err := profilev1.NewFriendsServiceClient(c).RemoveFriend(ctx, r)
			return err
		}
	},
	"block": func(player, other, requestID string) call {
		return func(ctx context.Context, c *grpc.ClientConn) error {
			r := &profilev1.BlockPlayerRequest{PlayerId: player, OtherPlayerId: other, RequestId: requestID}
			_, err := profilev1.NewFriendsServiceClient(c).BlockPlayer(ctx, r)
			return err
		}
	},
	"unblock": func(player, other, requestID string) call {
		return func(ctx context.Context, c *grpc.ClientConn) error {
			r := &profilev1.UnblockPlayerRequest{PlayerId: player, OtherPlayerId: other, RequestId: requestID}
			_, err := profilev1.NewFriendsServiceClient(c).UnblockPlayer(ctx, r)
			return err
		}
	},
}

func friendGet(player, other string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		r := &profilev1.GetFriendRequest{PlayerId: player, OtherPlayerId: other}
		_, err := profilev1.NewFriendsServiceClient(c).GetFriend(ctx, r)
		return err
	}
}

func friendList(r *profilev1.ListFriendsRequest) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewFriendsServiceClient(c).ListFriends(ctx, r)
		return err
	}
}

func friendRelations(r *profilev1.ListRelationsRequest) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewFriendsServiceClient(c).ListRelations(ctx, r)
		return err
	}
}

// friendsID is the n-th of many players.
func friendsID(n int) string { return fmt.Sprintf("01HRZ3NDEKTSV4RRFFQ0%06d", n) }

// TestFriends is a friendship from the request to the block, as clients and services see it.
func TestFriends(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	ctx := session(t)
	me := profilev1.NewFriendsServiceClient(w.Dial(t, w.authority.Player(ada)))
	him := profilev1.NewFriendsServiceClient(w.Dial(t, w.authority.Player(bob)))
	matchmaking := profilev1.NewFriendsServiceClient(w.Dial(t, w.authority.Service("matchmaking")))
	want := func(what string, got *profilev1.Friend, other string, state profilev1.FriendState, err error) {
		t.Helper()
		if err != nil || got.GetPlayerId() != other || got.GetState() != state || (state != friendsNone) != got.GetSinceTime().IsValid() {
			t.Errorf("%s: %v, %v, want %s", what, got, err, state)
		}
	}
	relation := func() *profilev1.Relation {
		t.Helper()
		r, err := matchmaking.ListRelations(ctx, &profilev1.ListRelationsRequest{PlayerId: ada})
		if err != nil || len(r.GetRelations()) > 1 {
			t.Fatal(r, err)
		}
		if len(r.GetRelations()) == 0 {
			return &profilev1.Relation{}
		}
		return r.GetRelations()[0]
	}
	get, err := me.GetFriend(ctx, &profilev1.GetFriendRequest{OtherPlayerId: bob})
	want("strangers", get.GetFriend(), bob, friendsNone, err)
	asked, err := me.RequestFriend(ctx, &profilev1.RequestFriendRequest{OtherPlayerId: bob})
	want("request", asked.GetFriend(), bob, friendsOutgoing, err)
	get, err = him.GetFriend(ctx, &profilev1.GetFriendRequest{OtherPlayerId: ada})
	want("the other side", get.GetFriend(), ada, friendsIncoming, err)
	accepted, err := him.AcceptFriend(ctx, &profilev1.AcceptFriendRequest{OtherPlayerId: ada})
	want("accept", accepted.GetFriend(), ada, friendsBoth, err)
	list, err := me.ListFriends(ctx, &profilev1.ListFriendsRequest{})
	if err != nil || len(list.GetFriends()) != 1 || list.GetNextPageToken() != "" {
		t.Fatalf("%v, %v", list, err)
	}
	want("list", list.GetFriends()[0], bob, friendsBoth, nil)
	if r := relation(); r.GetPlayerId() != bob || !r.GetFriends() || r.GetBlocks() || r.GetBlockedBy() {
		t.Errorf("%v", r)
	}
	blocked, err := him.BlockPlayer(ctx, &profilev1.BlockPlayerRequest{OtherPlayerId: ada})
	want("block", blocked.GetFriend(), ada, friendsBlocked, err)
	if r := relation(); r.GetFriends() || r.GetBlocks() || !r.GetBlockedBy() {
		t.Errorf("%v", r)
	}
	// For ada it looks as if she had been removed, and as if bob did not answer.
	get, err = me.GetFriend(ctx, &profilev1.GetFriendRequest{OtherPlayerId: bob})
	want("who is blocked", get.GetFriend(), bob, friendsNone, err)
	asked, err = me.RequestFriend(ctx, &profilev1.RequestFriendRequest{OtherPlayerId: bob})
	want("a request to who blocks", asked.GetFriend(), bob, friendsOutgoing, err)
	list, err = him.ListFriends(ctx, &profilev1.ListFriendsRequest{State: friendsIncoming})
	if err != nil || len(list.GetFriends()) != 0 {
		t.Errorf("who blocks sees %v, %v", list, err)
	}
	unblocked, err := him.UnblockPlayer(ctx, &profilev1.UnblockPlayerRequest{OtherPlayerId: ada})
	want("unblock", unblocked.GetFriend(), ada, friendsNone, err)
	removed, err := me.RemoveFriend(ctx, &profilev1.RemoveFriendRequest{OtherPlayerId: bob})
	want("remove", removed.GetFriend(), bob, friendsNone, err)
	if r := relation(); r.GetPlayerId() != "" {
		t.Errorf("%v", r)
	}
	operator := profilev1.NewFriendsServiceClient(w.Dial(t, w.authority.Operator(someOps)))
	asked, err = operator.RequestFriend(ctx, &profilev1.RequestFriendRequest{PlayerId: ada, OtherPlayerId: bob})
	want("an operator for ada", asked.GetFriend(), bob, friendsOutgoing, err)
}

func TestFriendsBadInput(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	player, operator := w.Dial(t, w.authority.Player(ada)), w.Dial(t, w.authority.Operator(someOps))
	service := w.Dial(t, w.authority.Service("leaderboard"))
	list, relations := &profilev1.ListFriendsRequest{PageToken: "nonsense"}, &profilev1.ListRelationsRequest{PlayerId: ada, PageToken: "nonsense"}
	long := &profilev1.ListFriendsRequest{PageToken: strings.Repeat("a", 16385)}
	for what, test := range map[string]struct {
		as    *grpc.ClientConn
		call  call
		field string
	}{
		"nobody's view":         {operator, friendGet("", bob), "player_id"},
		"nobody's list":         {operator, friendList(&profilev1.ListFriendsRequest{}), "player_id"},
		"nobody's relations":    {service, friendRelations(&profilev1.ListRelationsRequest{}), "player_id"},
		"himself":               {player, friendGet("", ada), "other_player_id"},
		"list of strangers":     {player, friendList(&profilev1.ListFriendsRequest{State: friendsNone}), "state"},
		"unknown state":         {player, friendList(&profilev1.ListFriendsRequest{State: 17}), "state"},
		"negative page":         {player, friendList(&profilev1.ListFriendsRequest{PageSize: -1}), "page_size"},
		"negative page, others": {service, friendRelations(&profilev1.ListRelationsRequest{PlayerId: ada, PageSize: -1}), "page_size"},
		"unknown filter":        {service, friendRelations(&profilev1.ListRelationsRequest{PlayerId: ada, Filter: 9}), "filter"},
		"foreign token":         {player, friendList(list), "page_token"},
		"foreign token, others": {service, friendRelations(relations), "page_token"},
		"long token":            {player, friendList(long), "page_token"},
	} {
		t.Run(what, func(t *testing.T) { wantBadField(t, test.call(session(t), test.as), test.field, "") })
	}
	bad := []string{"", ada[:25] + "/", ada[:25] + "\x00", ada[:25] + "|", strings.ToLower(ada), ada[:25], ada + "0", "8" + ada[1:], ada + "\n", "f|" + ada[2:]}
	for name, change := range friendCalls {
		wantBadField(t, change("", ada, "")(session(t), player), "other_player_id", "himself")
		wantBadField(t, change("", bob, "")(session(t), operator), "player_id", "only a player")
		wantBadField(t, change("", bob, "a/b")(session(t), player), "request_id", "")
		wantBadField(t, change("", bob, strings.Repeat("a", 65))(session(t), player), "request_id", "")
		for _, id := range bad {
			wantBadField(t, change("", id, "")(session(t), player), "other_player_id", "")
			if id != "" {
				wantBadField(t, change(id, bob, "")(session(t), operator), "player_id", "")
			}
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestFriendsWhoMayCallWhat(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	const denied = auth.ReasonAccessDenied
	callers := map[string]*grpc.ClientConn{
		"ada": w.Dial(t, w.authority.Player(ada)), "bob": w.Dial(t, w.authority.Player(bob)), "a game server": w.Dial(t, w.authority.GameServer("eu-1")),
		"an operator": w.Dial(t, w.authority.Operator(someOps)), "leaderboard": w.Dial(t, w.authority.Service("leaderboard")),
		"matchmaking": w.Dial(t, w.authority.Service("matchmaking")), "identity": w.Dial(t, w.authority.Service("identity")),
		"a player called matchmaking": w.Dial(t, w.authority.Sign(w.authority.Claims(auth.RolePlayer, "matchmaking"))),
	}
	own := map[string]string{
		"bob": "NOT_YOUR_FRIENDS", "a player called matchmaking": "NOT_YOUR_FRIENDS", "a game server": denied, "leaderboard": denied,
		"matchmaking": denied, "identity": denied,
	}
	forServices := map[string]string{
		"ada": denied, "bob": denied, "a player called matchmaking": denied, "a game server": denied, "an operator": denied, "identity": denied,
	}
	check := func(what string, c call, reasons map[string]string) {
		for name, conn := range callers {
			err := c(session(t), conn)
			if fault.ReasonOf(err) != reasons[name] || (err != nil) != fault.Is(err, fault.PermissionDenied) {
				t.Errorf("%s by %s: %v, want %q", what, name, err, reasons[name])
			}
		}
		if err := c(session(t), w.Dial(t, "")); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s by nobody: %v", what, err)
		}
	}
	check("relations", friendRelations(&profilev1.ListRelationsRequest{PlayerId: ada}), forServices)
	check("list", friendList(&profilev1.ListFriendsRequest{PlayerId: ada}), own)
	check("get", friendGet(ada, bob), own)
	if err := friendCalls["request"](ada, bob, "")(session(t), callers["ada"]); err != nil {
		t.Fatal(err)
	}
	if err := friendCalls["request"](bob, ada, "")(session(t), callers["bob"]); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"request", "accept", "remove", "block", "unblock"} {
		check(name, friendCalls[name](ada, bob, ""), own)
	}
}

// TestFriendsOfErasedPlayers: who is being erased is gone from lists at once, and is NOT_FOUND everywhere.
func TestFriendsOfErasedPlayers(t *testing.T) {
	w := start(t)
	const cem = "01CX5ZZKBKACTAV9WEVGEMMVRZ"
	w.join(t, ada, bob, cem)
	me, service := w.Dial(t, w.authority.Player(ada)), w.Dial(t, w.authority.Service("matchmaking"))
	for _, other := range []string{bob, cem} {
		if err := friendCalls["block"]("", other, "")(session(t), me); err != nil {
			t.Fatal(err)
		}
	}
	if err := erase(bob)(session(t), w.Dial(t, w.authority.Service("profile"))); err != nil {
		t.Fatal(err)
	}
	for name, change := range friendCalls {
		if err := change("", bob, "")(session(t), me); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
			t.Errorf("%s, by his documents: %v", name, err)
		}
	}
	w.authority.Revoke(auth.Revocation{Kind: auth.ErasePlayer, ID: bob})
	for name, change := range friendCalls {
		if err := change("", bob, "")(session(t), me); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := friendGet("", bob)(session(t), me); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
		t.Errorf("get: %v", err)
	}
	list, err := profilev1.NewFriendsServiceClient(me).ListFriends(session(t), &profilev1.ListFriendsRequest{State: friendsBlocked})
	if err != nil || len(list.GetFriends()) != 1 || list.GetFriends()[0].GetPlayerId() != cem {
		t.Errorf("list: %v, %v", list, err)
	}
	relations, err := profilev1.NewFriendsServiceClient(service).ListRelations(session(t), &profilev1.ListRelationsRequest{PlayerId: ada})
	if err != nil || !slices.ContainsFunc(relations.GetRelations(), func(r *profilev1.Relation) bool { return r.GetPlayerId() == cem }) ||
		len(relations.GetRelations()) != 1 {
		t.Errorf("relations: %v, %v", relations, err)
	}
}
