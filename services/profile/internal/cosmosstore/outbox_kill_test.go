package cosmosstore

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/announce"
	"supergame/services/profile/internal/profile"
)

// listens is a service that keeps copies in memory, which outlives the store.
type listens struct {
	version atomic.Int64
	meet    func() error // nil = it takes what it is told
}

func (*listens) Name() string { return "leaderboard" }

func (l *listens) Changed(_ context.Context, state announce.Outbox) error {
	if l.meet != nil {
		if err := l.meet(); err != nil {
			return err
		}
	}
	l.version.Store(state.Version)
	return nil
}

// TestKillDuringDelivery ends the store's process while a change is being delivered: before the follower has taken it, and behind that, before it is noted
// that he has. After the restart a round of the chore brings it to its end.
func TestKillDuringDelivery(t *testing.T) {
	t.Parallel()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("kills the store, which only the embedded emulator lets one do")
	}
	for what, taken := range map[string]bool{"before it is taken": false, "before that is noted": true} {
		t.Run(what, func(t *testing.T) { killDuringDelivery(t, taken) })
	}
}

func killDuringDelivery(t *testing.T, taken bool) {
	dir := t.TempDir()
	client, process := startKillableClient(t, dir)
	follower := &listens{}
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	announcer := func(client *cosmos.Client) *announce.Announcer {
		return &announce.Announcer{
			Store: NewOutboxes(client, true, now), Followers: []announce.Follower{follower}, Now: now, Log: slog.New(slog.DiscardHandler),
		}
	}
	s := New(client).Telling(now)
	mustCreate(newSession(t), t, s, ada)
	edit := profile.Edit{PlayerID: ada, Touches: profile.Parts{Public: true}}
	_, err := s.Update(newSession(t), edit, func(p *profile.Player) (profile.Parts, error) {
		p.Country = "DE"
		return profile.Parts{Public: true}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	follower.meet = func() error {
		kill(process)
		if !taken {
			return fault.New(fault.Unavailable, "IS_DOWN", "down")
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(newSession(t), 2*time.Second)
	defer cancel()
	announcer(client).Changed(ctx, ada)
	if got := follower.version.Load() == 1; got != taken {
		t.Fatalf("the follower has taken it: %v", got)
	}

	client, _ = startKillableClient(t, dir)
	follower.meet = nil
	follower.version.Store(0) // he is told again, as nobody noted it
	ahead.Add(int64(2 * patience))
	a := announcer(client)
	for range 2 {
		if err := a.Round(newSession(t)); err != nil {
			t.Error(err)
		}
	}
	box, err := a.Store.Get(newSession(t), ada)
	if err != nil || follower.version.Load() != 1 || box.Delivered["leaderboard"] != 1 || !box.Due.IsZero() {
		t.Errorf("the follower has version %d, the outbox is %+v, %v", follower.version.Load(), box, err)
	}
}

func kill(process *exec.Cmd) {
	_ = process.Process.Kill() // it may be dead already
	_ = process.Wait()         // killed: it has an error
}
