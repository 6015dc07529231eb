package profile_test

import (
	"testing"
	"time"

	"google.golang.org/grpc"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

// TestModerationCosts pins what moderation adds, and that it adds nothing to a name that passes.
func TestModerationCosts(t *testing.T) {
	// In one second of the store: _ts is indexed, so a replace in the next one costs 0.8 RU more.
	_, e := cosmostest.StartEmulator(t, "a clock that stands still", nil, emulatortest.WithClock(emulator.NewFrozenClock(time.Now())))
	m := serveModerated(t, e, 0)
	m.join(t, ada)
	player, operator := m.Dial(t, m.authority.Player(ada)), m.Dial(t, m.authority.Operator(someOps))
	rename := func(name string) call { return change(&profilev1.Profile{DisplayName: name}, "display_name") }
	var id string
	pick := func(t *testing.T) string {
		if id == "" {
			id = m.queue(t, reviewPending)[0].GetReviewId()
		}
		return id
	}
	for _, test := range []struct {
		what     string
		as       *grpc.ClientConn
		call     func() call
		charge   float64
		requests int
	}{
		{"UpdateProfile, a name that passes", player, func() call { return rename("Ada") }, 1 + 9.9, 2},
		{"UpdateProfile, a name that is refused", player, func() call { return rename("Hate6") }, 0, 0},
		{"UpdateProfile, a name to review", player, func() call { return rename("Hate2") }, 6.55 + 1 + 9.9, 3},
		{"UpdateProfile, a name to review, queued before", player, func() call { return rename("Hate2") }, 1 + 1 + 1, 3},
		{"ListReviews of one", operator, func() call { return listReviews(&profilev1.ListReviewsRequest{State: reviewPending}) }, 2.95, 1},
		{"GetReview", operator, func() call { return getReview(pick(t)) }, 1, 1},
		{"DecideReview, remove", operator, func() call {
			return decideReview(&profilev1.DecideReviewRequest{ReviewId: pick(t), Decision: removeReview})
		}, 1 + 10.7 + 2*(1+9.9), 6},
		{"DecideReview, again", operator, func() call {
			return decideReview(&profilev1.DecideReviewRequest{ReviewId: pick(t), Decision: removeReview})
		}, 2, 2},
		{"UpdateProfile, a name that was removed", player, func() call { return rename("Hate2") }, 2, 2},
	} {
		run := test.call()
		m.wire.take()
		meter := &cosmos.Meter{}
		err := run(cosmos.WithMeter(session(t), meter), test.as)
		if err != nil && fault.ReasonOf(err) != "TEXT_REFUSED" {
			t.Errorf("%s: %v", test.what, err)
		}
		sent := len(m.wire.take())
		if diff := meter.Charge() - test.charge; diff < -0.02 || diff > 0.02 || sent != test.requests {
			t.Errorf("%s: %.2f RU in %d requests, want %.2f in %d", test.what, meter.Charge(), sent, test.charge, test.requests)
		}
		cosmostest.Record(t, test.what, meter.Charge(), sent)
	}
}
