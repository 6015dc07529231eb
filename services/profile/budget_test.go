package profile_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile"
)

// TestBytesOfSavesAreLimited: a player may not burn the partition's request units with large saves, however few calls he makes. He hears when to come back,
// and nothing was written for it. A game server is not limited.
func TestBytesOfSavesAreLimited(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, func(c *profile.Config) { c.Saves.SaveRate = 3 << 20 })
	d.join(t, ada, bob)
	me, game := d.Dial(t, d.authority.Player(ada)), d.Dial(t, d.authority.GameServer("eu"))
	large := &profilev1.PutSaveRequest{Slot: "auto", Content: saveContent(1, 1<<20), Overwrite: true}
	for i := range 3 {
		large.RequestId = fmt.Sprint("r", i)
		if err := putSave(large)(session(t), me); err != nil {
			t.Fatal(err)
		}
	}
	large.RequestId = "late"
	meter := &cosmos.Meter{}
	err := putSave(large)(cosmos.WithMeter(session(t), meter), me)
	f := fault.As(err)
	if f == nil || f.Kind != fault.ResourceExhausted || f.Reason != "SAVE_RATE" || f.RetryAfter <= 0 || f.RetryAfter > 20*time.Second || meter.Charge() != 0 {
		t.Errorf("the fourth in a minute: %v, for %.2f RU", err, meter.Charge())
	}
	if err := putSave(large)(session(t), d.Dial(t, d.authority.Player(bob))); err != nil {
		t.Errorf("another player: %v", err)
	}
	large.PlayerId = ada
	if err := putSave(large)(session(t), game); err != nil && !fault.Is(err, fault.PermissionDenied) {
		t.Errorf("a game server: %v", err)
	}
	large.PlayerId = ""
	d.advance(f.RetryAfter)
	if err := putSave(large)(session(t), me); err != nil {
		t.Errorf("when he may again: %v", err)
	}
}

// TestExportsAreLimited by day and player, those that are resumed too; operators are not.
func TestExportsAreLimited(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, func(c *profile.Config) { c.Exports = 2 })
	d.join(t, ada, bob)
	me := d.profiles(t, d.authority.Player(ada))
	parts, err := exportAll(session(t), me, "", "")
	if err == nil {
		_, err = exportAll(session(t), me, "", parts[0].GetResumeToken())
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = exportAll(session(t), me, "", "")
	if f := fault.As(err); f == nil || f.Reason != "EXPORT_RATE" || f.RetryAfter <= 0 || f.RetryAfter > 12*time.Hour {
		t.Errorf("the third in a day: %v", err)
	}
	_, other := exportAll(session(t), d.profiles(t, d.authority.Player(bob)), "", "")
	_, operator := exportAll(session(t), d.operator(t), ada, "")
	d.advance(12*time.Hour + time.Second)
	_, later := exportAll(session(t), me, "", "")
	if err := errors.Join(other, operator, later); err != nil {
		t.Error(err)
	}
}
