package profile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"supergame/local/emulator"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/fault"
)

// traces are the entries of the store that bear a text, in their keys or values.
func (d *deleting) traces(t *testing.T, text string) (found []string) {
	t.Helper()
	err := d.emulator.Raw(func(key, value []byte) error {
		if bytes.Contains(key, []byte(text)) || bytes.Contains(value, []byte(text)) {
			found = append(found, fmt.Sprintf("%q = %.300q", key, value))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// lateWrites are the calls about a player that a deletion of his may overtake. The second of each writes over what the first wrote, as far as there is
// anything to write over.
func (d *deleting) lateWrites(t *testing.T, id string) map[string]func(ctx context.Context, second bool) error {
	me, him := d.Dial(t, d.authority.Player(id)), d.Dial(t, d.authority.Player(bob))
	game, identity := d.Dial(t, d.authority.GameServer("eu")), d.Dial(t, d.authority.Service("identity"))
	var requests atomic.Int64
	request := func() string { return fmt.Sprintf("%s-%d", id, requests.Add(1)) }
	befriend := func(how string, mine bool) func(context.Context, bool) error {
		return func(ctx context.Context, second bool) error {
			if second {
				how = "block"
			}
			if mine {
				return friendCalls[how]("", bob, request())(ctx, me)
			}
			return friendCalls[how]("", id, request())(ctx, him)
		}
	}
	return map[string]func(context.Context, bool) error{
		"UpdateProfile": func(ctx context.Context, second bool) error {
			p := &profilev1.Profile{Country: "DE", DisplayName: id, Private: &profilev1.PrivateProfile{Settings: map[string]string{"id": id}}}
			if second {
				p.Country = "FR"
			}
			return changeNamed(request(), p, "country", "display_name", "private.settings")(ctx, me)
		},
		"SetSuspension": func(ctx context.Context, second bool) error {
			return suspend(id, !second, map[bool]int64{false: 1, true: 2}[second])(ctx, identity)
		},
		"Apply": func(ctx context.Context, second bool) error {
			r := walletGrant(request(), walletGold(1))
			r.PlayerId = id
			return walletApply(r)(ctx, game)
		},
		"UpdateStatistics": func(ctx context.Context, second bool) error {
			return updateStatistics(id, request(), statistic("wins", profilev1.StatisticOperator_STATISTIC_OPERATOR_SUM, 1))(ctx, game)
		},
		"PutSave": func(ctx context.Context, second bool) error {
			return putSave(&profilev1.PutSaveRequest{Slot: "auto", Content: []byte(id), Overwrite: true, RequestId: request()})(ctx, me)
		},
		"ClaimHandle": func(ctx context.Context, second bool) error {
			return claimHandle("", map[bool]string{false: "p", true: "q"}[second]+id[18:], request())(ctx, me)
		},
		"RequestFriend":              befriend("request", true),
		"RequestFriend by the other": befriend("request", false),
	}
}

// TestWritesThatADeletionOvertakes holds back every write of every kind of call, between its read and its batch, until the player is deleted, and
// then lets it go. What it still writes is gone after the second sweep, and he is not seen again before.
func TestWritesThatADeletionOvertakes(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, following)
	d.join(t, bob)
	ops, number := d.operator(t), 0
	for what := range d.lateWrites(t, ada) {
		held := 0
		for _, container := range []string{"players", "handles"} {
			for _, second := range []bool{false, true} {
				for i := 0; ; i++ {
					number++
					late := lateWrite{what, fmt.Sprintf("01ARZ3NDEKTSV4RRFF7%05dXY", number), container, i, second}
					if !d.overtake(t, ops, late) {
						break
					}
					held++
				}
			}
		}
		if held < 2 {
			t.Errorf("%s: %d writes were held back: the test does not see what it should", what, held)
		}
		t.Logf("%s: %d writes", what, held)
	}
}

// lateWrite is the i-th write to a container of one call.
type lateWrite struct {
	what, id, container string
	i                   int
	second              bool // the call comes after another of its kind
}

// overtake reports whether there was such a write.
func (d *deleting) overtake(t *testing.T, ops profilev1.ProfileServiceClient, late lateWrite) bool {
	t.Helper()
	call := d.lateWrites(t, late.id)[late.what]
	d.player(t, late.id)
	if late.second {
		if err := call(session(t), false); err != nil {
			t.Fatalf("%+v: the first: %v", late, err)
		}
	}
	reached, deleted, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var met atomic.Bool
	remove := d.emulator.Inject(emulator.Fault{
		Op: emulator.OpWrite, Container: late.container, Skip: late.i, Count: 1, Hook: func(context.Context, emulator.Point) {
			met.Store(true)
			close(reached)
			<-deleted
		},
	})
	go func() { done <- call(session(t), late.second) }()
	select {
	case <-reached:
	case err := <-done: // it has fewer writes
		done <- err
	}
	remove()
	r, err := ops.DeletePlayer(session(t), &profilev1.DeletePlayerRequest{PlayerId: late.id})
	if err != nil || r.GetDeletion().GetState() != profilev1.Deletion_STATE_ERASED {
		t.Fatalf("%+v: %v, %v", late, r, err)
	}
	close(deleted)
	err = <-done
	passing := met.Load() && (fault.Is(err, fault.NotFound) || fault.Is(err, fault.Aborted) || errors.Is(err, errNotDone))
	if err != nil && !passing {
		t.Errorf("%+v: the call ends with %v", late, err)
	}
	if _, err := ops.GetProfile(session(t), &profilev1.GetProfileRequest{PlayerId: late.id}); !fault.Is(err, fault.NotFound) {
		t.Errorf("%+v: he is back: %v", late, err)
	}
	d.finish(t, ops, late.id, profilev1.Deletion_STATE_CERTIFIED)
	if left := d.traces(t, late.id); len(left) != 1 {
		t.Errorf("%+v: after the second sweep, besides the record of the deletion, there is %q", late, left)
	}
	d.finish(t, ops, late.id, profilev1.Deletion_STATE_FINAL)
	if left := d.traces(t, late.id); len(left) != 0 {
		t.Errorf("%+v: in the end there is %q", late, left)
	}
	return met.Load()
}
