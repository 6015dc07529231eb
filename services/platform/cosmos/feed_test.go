package cosmos_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

// follower remembers what it was shown and how far it is, as a service does in its own documents.
type follower struct {
	mu        sync.Mutex
	latest    map[string]int // count by owner and id
	positions []cosmos.FeedPosition
}

func (f *follower) handle(notes *cosmos.Kind[noteDoc]) func(context.Context, cosmos.FeedPage) error {
	return func(_ context.Context, page cosmos.FeedPage) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, change := range page.Changes {
			doc, err := notes.Decode(change.Body)
			if err != nil {
				return err
			}
			f.latest[doc.Owner+"/"+doc.ID] = doc.Count
		}
		f.positions[page.Range] = page.Next
		return nil
	}
}

func (f *follower) seen(key string) (count int, total int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.latest[key], len(f.latest)
}

func TestFeedShowsEverythingAndResumes(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "partition splits on order", specs(t), emulatortest.WithPartitions(2))
	notes := notesOf(client)
	fill(t, notes, []string{"ann", "bob", "cem", "dan"}, 5)
	feed := &cosmos.Feed{Container: notes.Container(), Interval: 5 * time.Millisecond, PageSize: 3}
	positions, err := feed.Positions(t.Context())
	if err != nil || len(positions) != 2 {
		t.Fatalf("%+v, %v", positions, err)
	}
	f := &follower{latest: map[string]int{}, positions: positions}
	follow := func() (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		from := append([]cosmos.FeedPosition(nil), f.positions...)
		go func() { done <- feed.Run(ctx, from, f.handle(notes)) }()
		return func() {
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		}
	}
	stop := follow()
	eventually(t, "all that was there", func() bool { _, total := f.seen(""); return total == 20 })
	runs := 0
	if _, err := notes.Update(t.Context(), cosmos.PK("ann"), "n04", cosmos.Operation{}, increment(&runs)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a change", func() bool { count, _ := f.seen("ann/n04"); return count == 5 })
	stop()
	// While nobody follows, the ranges are split and documents come.
	for range 2 {
		if _, err := e.Split(t.Context(), client.Database(), "notes", ""); err != nil {
			t.Fatal(err)
		}
	}
	var owners []string
	for i := range 10 {
		owners = append(owners, fmt.Sprint("new-", i))
	}
	fill(t, notes, owners, 2)
	e.Inject(emulator.Fault{Op: emulator.OpFeed, Status: 429, RetryAfter: 10 * time.Second, Count: 2})
	defer follow()()
	eventually(t, "all that came later", func() bool { _, total := f.seen(""); return total == 40 })
}

func TestFeedPages(t *testing.T) {
	notes := startNotes(t)
	fill(t, notes, []string{"ann"}, 5)
	feed := &cosmos.Feed{Container: notes.Container(), PageSize: 2}
	positions, err := feed.Positions(t.Context())
	if err != nil || len(positions) != 1 {
		t.Fatalf("%+v, %v", positions, err)
	}
	at, shown := positions[0], 0
	ctx, meter := metered(t.Context())
	for range 4 {
		page, err := feed.Poll(ctx, at)
		if err != nil {
			t.Fatal(err)
		}
		for i, change := range page.Changes {
			if change.ID != fmt.Sprintf("n%02d", shown+i) || change.Type != "note" {
				t.Errorf("change %d is %+v", shown+i, change.Header)
			}
		}
		shown += len(page.Changes)
		at = page.Next
	}
	if shown != 5 || meter.Calls() != 4 || meter.Charge() <= 0 {
		t.Errorf("%d changes, %d calls, %v RU", shown, meter.Calls(), meter.Charge())
	}
	later := &cosmos.Feed{Container: notes.Container(), Start: time.Now().Add(time.Hour)}
	if page, err := later.Poll(t.Context(), positions[0]); err != nil || len(page.Changes) != 0 {
		t.Errorf("%+v, %v", page, err)
	}
	foreign := cosmos.FeedPosition{Min: "zz", Max: "zz"}
	if _, err := feed.Poll(t.Context(), foreign); !fault.Is(err, fault.FailedPrecondition) {
		t.Errorf("%v", err)
	}
	broken := errors.New("broken")
	if err := feed.Run(t.Context(), positions, func(context.Context, cosmos.FeedPage) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}
