package profile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

// TestCostsOfStatisticsAndSaves pins what each RPC costs, see [TestCosts]. A content of 1 MiB is 1.4 MB as it is stored, in base64: by the
// table it is written for about 830 RU, written over for twice that, and read for about 195.
func TestCostsOfStatisticsAndSaves(t *testing.T) {
	// A second passes between the calls: a document that is replaced within one keeps its time, which costs less than it does as a rule.
	clock := emulator.NewFrozenClock(time.Now())
	w, wire, _ := startOnWire(t, emulatortest.WithClock(clock))
	w.join(t, ada, bob)
	player, other := w.Dial(t, w.authority.Player(ada)), w.Dial(t, w.authority.Player(bob))
	server, operator := w.Dial(t, w.authority.GameServer("eu-1")), w.Dial(t, w.authority.Operator(someOps))
	win := []*profilev1.StatisticUpdate{statistic("games", statSum, 1), statistic("wins", statSum, 1)}
	put := func(slot, id string, size int, overwrite bool) call {
		return putSave(&profilev1.PutSaveRequest{
			Slot: slot, Content: saveContent(1, size), Overwrite: overwrite, RequestId: id, Visibility: savePublic, Description: "Chapter 3",
		})
	}
	remove := func(slot, id string) call {
		return deleteSave(&profilev1.DeleteSaveRequest{Slot: slot, AnyVersion: true, RequestId: id})
	}
	tests := []struct {
		what     string
		as       *grpc.ClientConn
		call     call
		charge   float64
		requests int
	}{
		{"GetStatistics, none yet", player, getStatistics(ada), 2, 2},
		{"UpdateStatistics, the first", server, updateStatistics(ada, "m1", win...), 13.5, 2},
		{"UpdateStatistics", server, updateStatistics(ada, "m2", win...), 18.45, 2},
		{"UpdateStatistics, repeated", server, updateStatistics(ada, "m2", win...), 3, 3},
		{"GetStatistics", player, getStatistics(ada), 1, 1},
		{"BatchGetStatistics of 2", player, batchGetStatistics(nil, ada, bob), 3.05, 1},
		{"ResetStatistics", operator, resetStatistics(ada, "m3", true), 18.45, 2},
		{"ListSaves, none yet", player, listSaves(""), 2, 2},
		{"PutSave of 1 KB, the first", player, put("s1", "r1", 1<<10, false), 20.16, 2},
		{"PutSave of 1 KB, another slot", player, put("s2", "r2", 1<<10, false), 25.11, 2},
		{"PutSave of 1 KB, over another", player, put("s2", "r3", 1<<10, true), 30.98, 2},
		{"PutSave, repeated", player, put("s2", "r3", 1<<10, true), 3, 3},
		{"PutSave of 64 KB, another slot", player, put("s3", "r4", 64<<10, false), 51.24, 2},
		{"PutSave of 64 KB, over another", player, put("s3", "r5", 64<<10, true), 83.06, 2},
		{"PutSave of 1 MB, another slot", player, put("s4", "r6", 1<<20, false), 854.66, 2},
		{"PutSave of 1 MB, over another", player, put("s4", "r7", 1<<20, true), 1688.71, 2},
		{"PutSave, refused for a conflict", player, put("s4", "r8", 1<<20, false), 2.03, 2},
		{"GetSave of 1 KB", player, getSave("", "s1"), 2.06, 1},
		{"GetSave of 64 KB", player, getSave("", "s3"), 7.55, 1},
		{"GetSave of 1 MB", player, getSave("", "s4"), 195.62, 1},
		{"GetSave of 1 MB, another player's", other, getSave(ada, "s4"), 196.65, 2},
		{"GetSave, refused to another player", other, getSave(ada, "none"), 1.03, 1},
		{"ListSaves of 4", player, listSaves(""), 1.03, 1},
		{"DeleteSave of 1 KB", player, remove("s1", "r9"), 26.93, 2},
		{"DeleteSave of 1 MB", player, remove("s4", "r10"), 853.56, 2},
	}
	refused := map[string]bool{"PutSave, refused for a conflict": true, "GetSave, refused to another player": true}
	for _, test := range tests {
		clock.Advance(time.Second)
		wire.take()
		meter := &cosmos.Meter{}
		if err := test.call(cosmos.WithMeter(session(t), meter), test.as); err != nil != refused[test.what] {
			t.Errorf("%s: %v", test.what, err)
			continue
		}
		sent := len(wire.take())
		if diff := meter.Charge() - test.charge; diff < -0.02 || diff > 0.02 || sent != test.requests {
			t.Errorf("%s: %.2f RU in %d requests, want %.2f in %d", test.what, meter.Charge(), sent, test.charge, test.requests)
		}
		cosmostest.Record(t, test.what, meter.Charge(), sent)
	}
	for i := range 16 { // as many as there may be
		if err := put(fmt.Sprint("t", i), fmt.Sprint("t", i), 10, false)(session(t), player); err != nil {
			t.Fatal(err)
		}
	}
	meter := &cosmos.Meter{}
	if err := listSaves("")(cosmos.WithMeter(session(t), meter), player); err != nil || meter.Charge() > 3 {
		t.Errorf("ListSaves of 18: %.2f RU, %v", meter.Charge(), err)
	}
}

// TestStatisticsAndSavesAreGuarded looks at every write of both, as [TestEveryCreateIsGuarded] does: a document is created only in a batch that
// begins by reading live.
func TestStatisticsAndSavesAreGuarded(t *testing.T) {
	w, wire, _ := startOnWire(t)
	w.join(t, ada)
	wire.take()
	player, operator := w.Dial(t, w.authority.Player(ada)), w.Dial(t, w.authority.Operator(someOps))
	put := func(id string) call {
		return putSave(&profilev1.PutSaveRequest{Slot: "auto", Content: []byte(id), Overwrite: true, RequestId: id})
	}
	for i, c := range []call{
		updateStatistics(ada, "s1", statistic("games", statSum, 1)), updateStatistics(ada, "s2", statistic("games", statSum, 1)),
		resetStatistics(ada, "s3", true), put("p1"), put("p2"), deleteSave(&profilev1.DeleteSaveRequest{Slot: "auto", AnyVersion: true, RequestId: "p3"}),
	} {
		as := operator
		if i > 2 {
			as = player
		}
		if err := c(session(t), as); err != nil {
			t.Fatal(i, err)
		}
	}
	created := map[string]int{}
	for _, r := range wire.take() {
		if r.createsAlone() {
			t.Errorf("a document is created outside of a batch: %s", r.body)
		}
		operations := r.batch(t)
		for _, o := range operations {
			if o.Type != "Create" && o.Type != "Upsert" {
				continue
			}
			family, _, _ := strings.Cut(o.id(), "|")
			created[family]++
			if first := operations[0]; first.id() != "live" || first.Type != "Read" {
				t.Errorf("a batch that creates %q begins with %s %q", o.id(), first.Type, first.id())
			}
		}
	}
	// One document of statistics and three markers; one directory and three markers; two contents.
	if created["stats"] != 4 || created["saves"] != 4 || created["s"] != 2 {
		t.Errorf("%v were created: the test does not see what it should", created)
	}
}
