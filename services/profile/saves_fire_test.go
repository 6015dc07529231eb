package profile_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"supergame/local/emulator"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/fault"
)

// TestStatisticsAndSavesUnderFire counts games, and saves each of them on top of the version read, from several devices at once, while
// the store refuses and cuts connections at random. A device repeats a request whose answer it does not get; it has one in the end, as
// markers tell what was carried out. No count and no save is lost or made twice.
func TestStatisticsAndSavesUnderFire(t *testing.T) {
	t.Parallel()
	w, _, e := startOnWire(t)
	w.join(t, ada)
	for _, failure := range []emulator.Fault{
		{Status: 429, Substatus: 3200, RetryAfter: time.Millisecond}, {Status: 449}, {Status: 410, Substatus: 1002}, {Status: 503},
		{DropBefore: true}, {DropAfter: true}, {Status: 503, After: true},
	} {
		failure.Op, failure.Probability = emulator.OpWrite, 0.03
		e.Inject(failure)
	}
	const devices, rounds = 4, 8
	var group sync.WaitGroup
	for device := range devices {
		server := w.statistics(t, w.authority.GameServer(fmt.Sprint("eu-", device)))
		saves := w.saves(t, w.authority.Player(ada))
		group.Go(func() {
			for i := range rounds {
				update := &profilev1.UpdateStatisticsRequest{PlayerId: ada, RequestId: fmt.Sprint("m", i), Updates: []*profilev1.StatisticUpdate{
					statistic("games", statSum, 1), statistic("best", statMax, int64(i)),
				}}
				if err := untilAnswered(t, func(ctx context.Context) error { _, err := server.UpdateStatistics(ctx, update); return err }); err != nil {
					t.Errorf("device %d: %v", device, err)
				}
				if err := addLine(t, saves, fmt.Sprintf("d%d-%d", device, i)); err != nil {
					t.Errorf("device %d: %v", device, err)
				}
			}
		})
	}
	group.Wait()
	e.ClearFaults()
	stats, err := w.statistics(t, w.authority.Player(ada)).GetStatistics(session(t), &profilev1.GetStatisticsRequest{})
	if v := stats.GetStatistics().GetValues(); err != nil || v["games"] != devices*rounds || v["best"] != rounds-1 {
		t.Errorf("%v, %v", v, err)
	}
	got, err := w.saves(t, w.authority.Player(ada)).GetSave(session(t), &profilev1.GetSaveRequest{Slot: "auto"})
	if err != nil || len(got.GetContent()) != devices*rounds*lineSize || got.GetSave().GetContentSha256() != saveHash(got.GetContent()) {
		t.Errorf("the save has %d bytes, want %d (%v)", len(got.GetContent()), devices*rounds*lineSize, err)
	}
}

// lineSize is how much [addLine] makes a save grow.
const lineSize = 10

// addLine reads the save, adds to it and stores it under the version read, until no other device has come before.
func addLine(t *testing.T, saves profilev1.SaveDataServiceClient, id string) error {
	for try := 0; ; try++ {
		var before *profilev1.GetSaveResponse
		err := untilAnswered(t, func(ctx context.Context) (err error) {
			before, err = saves.GetSave(ctx, &profilev1.GetSaveRequest{Slot: "auto"})
			return err
		})
		if err != nil && fault.ReasonOf(err) != "SAVE_NOT_FOUND" {
			return err
		}
		content := fmt.Appendf(before.GetContent(), "%*s", lineSize, id)
		put := &profilev1.PutSaveRequest{
			Slot: "auto", Content: content, ContentSha256: saveHash(content), Etag: before.GetSave().GetEtag(), RequestId: fmt.Sprint(id, "-", try),
		}
		err = untilAnswered(t, func(ctx context.Context) error { _, err := saves.PutSave(ctx, put); return err })
		if reason := fault.ReasonOf(err); reason != "SAVE_CONFLICT" && reason != "SAVE_EXISTS" {
			return err
		}
	}
}

// untilAnswered sends the same request until there is an answer that stands.
func untilAnswered(t *testing.T, send func(context.Context) error) error {
	for {
		err := send(session(t))
		if err == nil || !again(err) && fault.ReasonOf(err) != "CONTENTION" {
			return err
		}
	}
}
