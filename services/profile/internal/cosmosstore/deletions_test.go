package cosmosstore

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/announce"
	"supergame/services/profile/internal/erasure"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

// wantSameJSON compares what is written of a document with its golden file, but for what the store adds to both.
func wantSameJSON(t *testing.T, id string, doc any) {
	t.Helper()
	written, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var got, want map[string]any
	if err := json.Unmarshal(written, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(readGolden(t, id), &want); err != nil {
		t.Fatal(err)
	}
	for _, added := range []string{"id", "type", "schemaVersion", "ops", "_etag", "_ts"} {
		delete(got, added)
		delete(want, added)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestGoldenDeletion(t *testing.T) {
	s, _ := newStore(t)
	kind := cosmos.NewKind[deletionDoc](s.players, deletionType, schemaVersion)
	doc, err := kind.Decode(readGolden(t, "deletion"))
	if err != nil {
		t.Fatal(err)
	}
	want := erasure.Deletion{
		ID: "0a", PlayerID: ada, State: erasure.Erasing, Requester: "player", CreateTime: at("2026-02-03T04:05:06.789Z"),
		UpdateTime: at("2026-02-03T04:05:07Z"), RevokeTime: at("2026-02-03T04:05:06.9Z"), Due: at("2026-02-03T04:05:17Z"), Reapplied: 1,
		Participants: []erasure.Progress{
			{Service: "profile", Done: true, Stores: []erasure.Swept{{Name: "players", Deleted: 3, SweepTime: at("2026-02-03T04:05:07Z")}}},
			{Service: "identity", Failures: 1, Reason: "IS_DOWN", RetryTime: at("2026-02-03T04:05:17Z")},
		},
	}
	if diff := cmp.Diff(want, doc.deletion()); diff != "" {
		t.Error(diff)
	}
	again := &deletionDoc{Partition: "deletion-0a"}
	again.set(want)
	wantSameJSON(t, "deletion", again)
}

func TestGoldenOutbox(t *testing.T) {
	s, _ := newStore(t)
	doc, err := outboxes(s.players).Decode(readGolden(t, "outbox"))
	if err != nil {
		t.Fatal(err)
	}
	want := announce.Outbox{
		PlayerID: ada, Version: 7, Country: "DE", Suspended: true, Delivered: map[string]int64{"leaderboard": 6},
		Since: at("2026-02-03T04:05:06Z"), Due: at("2026-02-03T04:05:17Z"), Failures: 1,
	}
	if diff := cmp.Diff(want, doc.outbox()); diff != "" {
		t.Error(diff)
	}
	again := &outboxDoc{PlayerID: ada, Version: 7, SuspensionVersion: 2, State: outboxState{Country: "DE", Suspended: true}}
	again.set(want)
	wantSameJSON(t, "outbox", again)
}

// remembers is a service that keeps documents in memory, which outlives the store.
type remembers struct {
	name string
	left atomic.Int64
}

func (r *remembers) Name() string { return r.name }

func (r *remembers) Erase(context.Context, string) (erasure.Result, error) {
	result := erasure.Result{Containers: []string{"things"}}
	if r.left.Load() > 0 {
		r.left.Add(-1)
		result.Deleted = map[string]int64{"things": 1}
	}
	result.Done = r.left.Load() == 0
	return result, nil
}

func (r *remembers) Revoke(context.Context, string) error { return nil }

// TestKillDuringDeletions ends the store's process in the middle of several deletions. After the restart, rounds alone bring those to their end that were
// acknowledged, and the records have forgotten the ids.
func TestKillDuringDeletions(t *testing.T) {
	t.Parallel()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("kills the store, which only the embedded emulator lets one do")
	}
	dir := t.TempDir()
	s, process := startKillable(t, dir)
	var ahead atomic.Int64
	service := &remembers{name: "profile"}
	service.left.Store(1 << 40)
	erasures := func(s *Store) *erasure.Erasures {
		return &erasure.Erasures{
			Store: &Deletions{kind: cosmos.NewKind[deletionDoc](s.players, deletionType, schemaVersion)}, Players: s, Revoker: service,
			Participants: []erasure.Participant{service}, Names: erasure.Names{Key: []byte("key"), Receipts: []byte("receipts")},
			Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }, Log: slog.New(slog.DiscardHandler),
		}
	}
	mustCreate(newSession(t), t, s, ada)
	ctx, cancel := context.WithTimeout(newSession(t), 5*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = erasures(s).Delete(ctx, erasure.Caller{Subject: ada, Player: true}, ada) // there is no end to it
	})
	for {
		d, err := erasures(s).Get(newSession(t), ada)
		if err == nil && d.State == erasure.Erasing && len(d.Participants) > 0 {
			break
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
	}
	_ = process.Process.Kill() // in the middle of a sweep
	cancel()
	wg.Wait()
	_ = process.Wait() // killed: it has an error

	s, _ = startKillable(t, dir)
	e := erasures(s)
	service.left.Store(3)
	for _, want := range []erasure.State{erasure.Erased, erasure.Certified, erasure.Final} {
		ahead.Add(int64(time.Second)) // what is due is found in the next second
		if err := e.Round(newSession(t)); err != nil {
			t.Fatal(err)
		}
		if d, err := e.Get(newSession(t), ada); err != nil || d.State != want {
			t.Fatalf("%+v, %v; want state %d", d, err, want)
		}
		ahead.Add(int64(9 * 24 * time.Hour))
	}
	d, err := e.Get(newSession(t), ada)
	if err != nil || d.PlayerID != "" || !slices.ContainsFunc(d.Participants, func(p erasure.Progress) bool { return p.Service == "profile" && len(p.Stores) == 1 }) {
		t.Errorf("in the end: %+v, %v", d, err)
	}
}

// TestOverdueDeletionsAreCounted: an hour for the first sweeps, a day more than 8 for the last.
func TestOverdueDeletionsAreCounted(t *testing.T) {
	s, _ := newStore(t)
	now := time.Now()
	store := &Deletions{kind: cosmos.NewKind[deletionDoc](s.players, deletionType, schemaVersion)}
	e := &erasure.Erasures{Store: store, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
	for id, d := range map[string]erasure.Deletion{
		"slow":    {State: erasure.Erasing, CreateTime: now.Add(-2 * time.Hour), Due: now.Add(time.Hour)},
		"young":   {State: erasure.Erasing, CreateTime: now.Add(-time.Minute), Due: now},
		"waiting": {State: erasure.Certified, CreateTime: now.Add(-24 * time.Hour), Due: now.Add(time.Hour)},
		"stuck":   {State: erasure.Certified, CreateTime: now.Add(-10 * 24 * time.Hour), Due: now},
		"over":    {State: erasure.Final, CreateTime: now.Add(-99 * 24 * time.Hour)},
	} {
		d.ID = id
		if err := store.Create(newSession(t), d); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := e.Overdue(newSession(t)); err != nil || n != 2 {
		t.Errorf("%d are overdue, want 2: %v", n, err)
	}
}
