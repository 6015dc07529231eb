package profile_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"supergame/local/emulator"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/fault"
)

// TestSavesOfTwoDevicesAtTwoReplicas holds the write of one device back at one replica while the other device writes at the other: one of them is told
// of the other's version, and of the one it started from.
func TestSavesOfTwoDevicesAtTwoReplicas(t *testing.T) {
	t.Parallel()
	d, replicas := startReplicas(t, 2)
	d.join(t, ada)
	phone, laptop := replicas[0].saves(t, replicas[0].authority.Player(ada)), replicas[1].saves(t, replicas[1].authority.Player(ada))
	put := func(c profilev1.SaveDataServiceClient, device, etag, request string) (*profilev1.Save, error) {
		r, err := c.PutSave(session(t), &profilev1.PutSaveRequest{
			Slot: "auto", Content: []byte(device + request), Device: device, Etag: etag, RequestId: request,
		})
		return r.GetSave(), err
	}
	first, err := put(phone, "phone", "", "r0")
	if err != nil {
		t.Fatal(err)
	}
	var second *profilev1.Save
	d.emulator.Inject(emulator.Fault{Op: emulator.OpWrite, Container: "players", Count: 1, Hook: func(context.Context, emulator.Point) {
		if second, err = put(laptop, "laptop", first.GetEtag(), "r1"); err != nil {
			t.Errorf("the laptop: %v", err)
		}
	}})
	_, err = put(phone, "phone", first.GetEtag(), "r2")
	f := fault.As(err)
	if f == nil || f.Kind != fault.Aborted {
		t.Fatalf("the phone: %v", err)
	}
	for name, want := range map[string]string{
		"stored_etag": second.GetEtag(), "stored_device": "laptop", "stored_sha256": second.GetContentSha256(),
		"base_etag": first.GetEtag(), "base_device": "phone", "base_sha256": first.GetContentSha256(),
	} {
		if f.Metadata[name] != want {
			t.Errorf("%s is %q, want %q", name, f.Metadata[name], want)
		}
	}
	got, err := phone.GetSave(session(t), &profilev1.GetSaveRequest{Slot: "auto"})
	if err != nil || string(got.GetContent()) != "laptopr1" {
		t.Errorf("stored is %q, %v", got.GetContent(), err)
	}
}

// TestFriendsAndDeletionsCross lets two players ask, accept, block and remove each other at two replicas while one of them is deleted and the store fails now
// and then. After the second sweep nothing of him is left, and the counts of the other are those of nobody.
func TestFriendsAndDeletionsCross(t *testing.T) {
	t.Parallel()
	d, replicas := startReplicas(t, 2)
	d.join(t, bob)
	for round := range 25 {
		id := fmt.Sprintf("01ARZ3NDEKTSV4RRFFA%05dXY", round)
		d.player(t, id)
		for _, failure := range []emulator.Fault{{Status: 449}, {Status: 429, Substatus: 3200, RetryAfter: time.Millisecond}} {
			failure.Op, failure.Probability = emulator.OpWrite, 0.05
			d.emulator.Inject(failure)
		}
		var wg sync.WaitGroup
		for i, replica := range replicas {
			his, hers := replica.Dial(t, replica.authority.Player(id)), replica.Dial(t, replica.authority.Player(bob))
			rng := rand.New(rand.NewPCG(uint64(round), uint64(i)))
			calls := make([]string, 6)
			for j := range calls {
				calls[j] = []string{"request", "accept", "block", "unblock", "remove"}[rng.IntN(5)]
			}
			wg.Go(func() {
				for _, what := range calls {
					_ = friendCalls[what]("", bob, "")(session(t), his) // most are refused at one time or other
				}
			})
			wg.Go(func() {
				for _, what := range calls {
					_ = friendCalls[what]("", id, "")(session(t), hers)
				}
			})
		}
		wg.Go(func() {
			time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
			if _, err := d.operator(t).DeletePlayer(session(t), &profilev1.DeletePlayerRequest{PlayerId: id}); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		d.emulator.ClearFaults()
		d.finish(t, d.operatorOf(t, replicas[round%2]), id, profilev1.Deletion_STATE_FINAL)
		if left := d.traces(t, id); len(left) != 0 {
			t.Fatalf("round %d: in the end there is %q", round, left)
		}
		for _, part := range receive(t, d.playerData(t, d.authority.Service("profile")), &profilev1.ExportPlayerRequest{PlayerId: bob}) {
			if doc := part.GetDocument(); doc.GetId() == "friends" {
				for _, name := range []string{"friends", "incoming", "outgoing", "blocked"} {
					if n := doc.GetContent().AsMap()[name]; n != nil && n != float64(0) {
						t.Fatalf("round %d: bob counts %v as %s", round, n, name)
					}
				}
			}
		}
	}
}
