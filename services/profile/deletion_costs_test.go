package profile_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"supergame/local/emulator/emulatortest"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

// startDeletingOnWire is startDeleting with requests that are looked at, in one second of the store.
func startDeletingOnWire(t *testing.T) (*deleting, *wire) {
	t.Helper()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("needs an emulator in the process: it looks at requests")
	}
	e := emulatortest.Start(t, inOneSecond())
	w := &wire{next: e}
	client, err := cosmos.Open(t.Context(), cosmos.Config{
		Endpoint: "https://" + strings.ToLower(t.Name()) + ".localhost/", Key: config.NewSecret(e.Key()), Database: "supergame", Create: true,
	}, cosmos.Options{Transport: w})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	// The service's clock stands still, too: how long a time is as a text is part of the size of a document.
	d := &deleting{peers: newPeers(), emulator: e, still: time.Now().UTC().Truncate(time.Second).Add(123 * time.Millisecond)}
	d.world = d.serve(t, client, following)
	return d, w
}

// atLowPriority are the calls that begin with a query which the wire takes for one of a chore.
var atLowPriority = map[string]bool{"ListPlayers of one": true, "ListDeletions of one": true, "ReapplyDeletions, one other player": true}

// TestCostsOfDeletions pins request units and requests of what is done together with other services.
func TestCostsOfDeletions(t *testing.T) {
	d, wire := startDeletingOnWire(t)
	d.join(t, ada, bob)
	me, ops, identity := d.Dial(t, d.authority.Player(ada)), d.Dial(t, d.authority.Operator(someOps)), d.Dial(t, d.authority.Service("identity"))
	stranger, receipt := d.Dial(t, ""), ""
	remove := func(c *grpc.ClientConn) func(context.Context) error {
		return func(ctx context.Context) error {
			r, err := profilev1.NewProfileServiceClient(c).DeletePlayer(ctx, &profilev1.DeletePlayerRequest{PlayerId: ada})
			receipt = r.GetReceipt()
			return err
		}
	}
	as := func(c *grpc.ClientConn, run call) func(context.Context) error {
		return func(ctx context.Context) error { return run(ctx, c) }
	}
	onProfiles := func(c *grpc.ClientConn, run func(context.Context, profilev1.ProfileServiceClient) error) func(context.Context) error {
		return func(ctx context.Context) error { return run(ctx, profilev1.NewProfileServiceClient(c)) }
	}
	for _, test := range []struct {
		what     string
		after    time.Duration // passes before
		call     func(context.Context) error
		charge   float64
		requests int
	}{
		{"UpdateProfile, a country that followers are told first", 0, as(me, change(&profilev1.Profile{Country: "DE"}, "country")), 31.75, 6},
		{"UpdateProfile, a country that followers are told", 0, as(me, change(&profilev1.Profile{Country: "FR"}, "country")), 36.3, 6},
		{"UpdateProfile, a name, with followers", 0, as(me, change(&profilev1.Profile{DisplayName: "A"}, "display_name")), 10.9, 2},
		{"SetSuspension", 0, as(identity, suspend(ada, true, 1)), 35.5, 6},
		{"SetSuspension, again", 0, as(identity, suspend(ada, true, 1)), 3, 3},
		{"ListPlayers of one", 0, onProfiles(ops, func(ctx context.Context, c profilev1.ProfileServiceClient) error {
			_, err := c.ListPlayers(ctx, &profilev1.ListPlayersRequest{Country: "FR"})
			return err
		}), 2.95, 1},
		{"ExportPlayer of all services, 4 documents here", 0, onProfiles(me, func(ctx context.Context, c profilev1.ProfileServiceClient) error {
			_, err := exportAll(ctx, c, ada, "")
			return err
		}), 14.91, 7},
		{"DeletePlayer, the first sweep", 0, remove(me), 93.42, 19},
		{"DeletePlayer, nothing is due", 0, remove(ops), 1.01, 1},
		{"CheckDeletion", 0, onProfiles(stranger, func(ctx context.Context, c profilev1.ProfileServiceClient) error {
			_, err := c.CheckDeletion(ctx, &profilev1.CheckDeletionRequest{Receipt: receipt})
			return err
		}), 1.01, 1},
		{"GetDeletion", 0, onProfiles(ops, func(ctx context.Context, c profilev1.ProfileServiceClient) error {
			_, err := c.GetDeletion(ctx, &profilev1.GetDeletionRequest{PlayerId: ada})
			return err
		}), 1.01, 1},
		{"ListDeletions of one", 0, onProfiles(ops, func(ctx context.Context, c profilev1.ProfileServiceClient) error {
			_, err := c.ListDeletions(ctx, &profilev1.ListDeletionsRequest{})
			return err
		}), 2.95, 1},
		{"DeletePlayer, the second sweep", 2*time.Minute + time.Second, remove(ops), 51.35, 13},
		{"DeletePlayer, the third sweep", 8*24*time.Hour + time.Second, remove(ops), 51.61, 13},
		{"ReapplyDeletions, one other player", 0, onProfiles(ops, func(ctx context.Context, c profilev1.ProfileServiceClient) error {
			_, err := c.ReapplyDeletions(ctx, &profilev1.ReapplyDeletionsRequest{})
			return err
		}), 4.11, 2},
	} {
		d.advance(test.after)
		wire.take()
		meter := &cosmos.Meter{}
		if err := test.call(cosmos.WithMeter(session(t), meter)); err != nil {
			t.Errorf("%s: %v", test.what, err)
		}
		sent := len(wire.take())
		if atLowPriority[test.what] {
			sent++
		}
		if diff := meter.Charge() - test.charge; diff < -0.02 || diff > 0.02 || sent != test.requests {
			t.Errorf("%s: %.2f RU in %d requests, want %.2f in %d", test.what, meter.Charge(), sent, test.charge, test.requests)
		}
		cosmostest.Record(t, test.what, meter.Charge(), sent)
	}
}
