package profile_test

import (
	"testing"

	"google.golang.org/grpc"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

// TestFriendsCosts pins what each RPC of FriendsService costs: request units, as the trailer tells them, and requests to the store.
func TestFriendsCosts(t *testing.T) {
	w, wire, _ := startOnWire(t, inOneSecond())
	w.join(t, ada, bob)
	me, him := w.Dial(t, w.authority.Player(ada)), w.Dial(t, w.authority.Player(bob))
	service := w.Dial(t, w.authority.Service("leaderboard"))
	const many = 100
	for i := range many {
		w.join(t, friendsID(i))
		if err := friendCalls["request"]("", bob, "")(session(t), w.Dial(t, w.authority.Player(friendsID(i)))); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		what     string
		as       *grpc.ClientConn
		call     call
		charge   float64
		requests int
	}{
		{"RequestFriend, the first of both", me, friendCalls["request"]("", bob, "r1"), 35.15, 7},
		{"RequestFriend, repeated", me, friendCalls["request"]("", bob, "r1"), 6, 5},
		{"RequestFriend, nothing is different", me, friendCalls["request"]("", bob, ""), 4, 3},
		{"AcceptFriend", him, friendCalls["accept"]("", ada, ""), 47.6, 7},
		{"GetFriend", me, friendGet("", bob), 1, 1},
		{"GetFriend of a stranger", me, friendGet("", friendsID(1)), 3, 2},
		{"RemoveFriend", me, friendCalls["remove"]("", bob, ""), 47.6, 7},
		{"BlockPlayer", me, friendCalls["block"]("", bob, ""), 37.7, 7},
		{"UnblockPlayer", me, friendCalls["unblock"]("", bob, ""), 37.7, 7},
		{"ListFriends, 100", him, friendList(&profilev1.ListFriendsRequest{State: friendsIncoming}), 8.28, 1},
		{"ListFriends, none of 101", him, friendList(&profilev1.ListFriendsRequest{}), 3, 1},
		{"ListRelations, none of 101", service, friendRelations(&profilev1.ListRelationsRequest{PlayerId: bob}), 3, 1},
	} {
		wire.take()
		meter := &cosmos.Meter{}
		if err := test.call(cosmos.WithMeter(session(t), meter), test.as); err != nil {
			t.Errorf("%s: %v", test.what, err)
			continue
		}
		sent := len(wire.take())
		if diff := meter.Charge() - test.charge; diff < -0.02 || diff > 0.02 || sent != test.requests {
			t.Errorf("%s: %.2f RU in %d requests, want %.2f in %d", test.what, meter.Charge(), sent, test.charge, test.requests)
		}
		cosmostest.Record(t, test.what, meter.Charge(), sent)
	}
}

// TestEveryHalfIsGuarded looks at everything that friends write: a document is created only in a batch that begins by reading the document
// live of its partition. So no write that an erase overtakes creates anything.
func TestEveryHalfIsGuarded(t *testing.T) {
	w, wire, _ := startOnWire(t, inOneSecond())
	w.join(t, ada, bob, friendsID(1))
	wire.take()
	for _, step := range [][3]string{
		{ada, "request", bob}, {bob, "accept", ada}, {ada, "remove", bob}, {bob, "block", ada}, {bob, "unblock", ada}, {ada, "block", friendsID(1)},
	} {
		if err := friendCalls[step[1]]("", step[2], "")(session(t), w.Dial(t, w.authority.Player(step[0]))); err != nil {
			t.Errorf("%v: %v", step, err)
		}
	}
	creating := 0
	for _, r := range wire.take() {
		if r.createsAlone() {
			t.Errorf("a document is created outside of a batch: %s", r.body)
		}
		operations := r.batch(t)
		for _, o := range operations {
			if o.Type != "Create" && o.Type != "Upsert" {
				continue
			}
			creating++
			if first := operations[0]; first.id() != "live" || first.Type != "Read" {
				t.Errorf("a batch that creates %q begins with %s %q", o.id(), first.Type, first.id())
			}
		}
	}
	if creating != 6 { // four halves, and the counts of ada and bob; who is blocked by a stranger counts nothing
		t.Errorf("%d documents were created, want 6: the test does not see what it should", creating)
	}
}
