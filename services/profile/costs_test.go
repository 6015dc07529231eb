package profile_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

// TestCosts pins what each RPC costs: request units, as the trailer tells them, and requests to the store.
func TestCosts(t *testing.T) {
	w, wire, _ := startOnWire(t, inOneSecond())
	w.join(t, ada, bob)
	player, operator := w.Dial(t, w.authority.Player(ada)), w.Dial(t, w.authority.Operator(someOps))
	identity, service := w.Dial(t, w.authority.Service("identity")), w.Dial(t, w.authority.Service("profile"))
	settings := &profilev1.PrivateProfile{Settings: map[string]string{"sound": "off"}}
	const newcomer = "01CX5ZZKBKACTAV9WEVGEMMVRZ"

	tests := []struct {
		what     string
		as       *grpc.ClientConn
		call     call
		charge   float64
		requests int
	}{
		{"GetProfile, public", player, get(bob, 0), 1, 1},
		{"GetProfile, full", player, get(ada, full), 2, 1},
		{"GetProfile of a player who does not exist", player, get(nobody, 0), 1, 1},
		{"BatchGetProfiles of 1", player, getBatch(bob), 1, 1},
		{"BatchGetProfiles of 2", player, getBatch(ada, bob), 3.11, 1},
		{"UpdateProfile, public", player, change(&profilev1.Profile{DisplayName: "Ada"}, "display_name"), 1 + 9.9, 2},
		{"UpdateProfile, public, request id", player, changeNamed("r1", &profilev1.Profile{DisplayName: "Bob"}, "display_name"), 2 + 9.9, 2},
		{"UpdateProfile, repeated", player, changeNamed("r1", &profilev1.Profile{DisplayName: "Bob"}, "display_name"), 2, 1},
		{"UpdateProfile, private", player, change(&profilev1.Profile{Private: settings}, "private.settings"), 2 + 9.9, 2},
		{"UpdateProfile, all", player, changeNamed("r2", &profilev1.Profile{Country: "DE"}, "*"), 2 + 19.8 + 2*0.2, 2},
		{"UpdateProfile, nothing is different", player, change(&profilev1.Profile{Country: "DE"}, "country"), 1, 1},
		{"UpdateProfile by an operator", operator, change(&profilev1.Profile{PlayerId: ada}, "private.flags", "country"), 2 + 9.9 + 2*0.2, 2},
		{"EnsureProfile", identity, ensure(newcomer), 3*4.95 + 16*0.2, 1},
		{"EnsureProfile, again", identity, ensure(newcomer), 1, 1},
		{"ExportPlayer of 3 documents", service, export(newcomer, ""), 7.96 + 2.9 + 3, 6},
		{"ErasePlayer of 3 documents", service, erase(newcomer), 22.96 + 2.9 + 2.9 + 0.8, 6},
	}
	for _, test := range tests {
		wire.take()
		meter := &cosmos.Meter{}
		if err := test.call(cosmos.WithMeter(session(t), meter), test.as); err != nil && test.what != "GetProfile of a player who does not exist" {
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

// TestEveryCreateIsGuarded looks at everything the service writes in a life of a player: a document is created only in a batch
// that begins with the document live, by reading it or by creating it. So no write that an erase overtakes creates anything.
func TestEveryCreateIsGuarded(t *testing.T) {
	w, wire, _ := startOnWire(t)
	player := w.Dial(t, w.authority.Player(ada))
	service := w.Dial(t, w.authority.Service("profile"))
	settings := &profilev1.PrivateProfile{Settings: map[string]string{"sound": "off"}}
	w.join(t, ada)
	for what, c := range map[string]func(context.Context) error{
		"update": func(ctx context.Context) error {
			return change(&profilev1.Profile{Country: "DE"}, "country")(ctx, player)
		},
		"update both": func(ctx context.Context) error {
			return change(&profilev1.Profile{Private: settings}, "*")(ctx, player)
		},
		"private": func(ctx context.Context) error { return change(&profilev1.Profile{}, "private.settings")(ctx, player) },
		"export":  func(ctx context.Context) error { return export(ada, "")(ctx, service) },
		"suspension": func(ctx context.Context) error {
			return suspend(ada, true, 1)(ctx, w.Dial(t, w.authority.Service("identity")))
		},
		"wallet": func(ctx context.Context) error {
			return walletApply(walletGrant("r1", walletGold(1)))(ctx, w.Dial(t, w.authority.GameServer("eu")))
		},
		"claim a handle": func(ctx context.Context) error { return claimHandle("", "paypaI", "r1")(ctx, player) },
	} {
		if err := c(session(t)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := erase(ada)(session(t), service); err != nil {
		t.Error(err)
	}
	creating := 0
	for _, r := range wire.take() {
		if r.container != "players" {
			continue
		}
		if r.createsAlone() {
			t.Errorf("a document is created outside of a batch: %s", r.body)
		}
		operations := r.batch(t)
		for _, o := range operations {
			if o.Type != "Create" && o.Type != "Upsert" {
				continue
			}
			creating++
			if first := operations[0]; first.id() != "live" || first.Type != "Read" && first.Type != "Create" {
				t.Errorf("a batch that creates %q begins with %s %q", o.id(), first.Type, first.id())
			}
		}
	}
	if creating != 7 {
		t.Errorf("%d documents were created, want 7: the test does not see what it should", creating)
	}
}
