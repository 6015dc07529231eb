package cosmosstore

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"supergame/local/emulator"
	"supergame/services/profile/internal/save"
)

// TestSavesUnderFaults: each write is made once, whole, whatever meets its read and its write.
func TestSavesUnderFaults(t *testing.T) {
	type step struct {
		run  func(context.Context, *Store, string) error
		want map[string][]byte
	}
	steps := map[string]step{
		"create": {func(ctx context.Context, s *Store, id string) error {
			_, err := savesOf(s).Put(ctx, adaSaves, save.Put{Save: save.Save{Slot: "b"}, Content: []byte("new"), RequestID: id})
			return err
		}, map[string][]byte{"auto": []byte("old"), "b": []byte("new")}},
		"replace": {func(ctx context.Context, s *Store, id string) error {
			_, err := savesOf(s).Put(ctx, adaSaves, save.Put{Save: save.Save{Slot: "auto"}, Content: []byte("new"), RequestID: id, ETag: "1-cba06b57"})
			return err
		}, map[string][]byte{"auto": []byte("new")}},
		"delete": {func(ctx context.Context, s *Store, id string) error {
			_, err := savesOf(s).Delete(ctx, adaSaves, save.Deletion{Slot: "auto", ETag: "1-cba06b57", RequestID: id})
			return err
		}, map[string][]byte{}},
	}
	subtests := map[string]func(*testing.T){}
	for what, step := range steps {
		for failureName, failure := range passing {
			for at := range 2 {
				subtests[fmt.Sprintf("%s, %s at %d", what, failureName, at)] = func(t *testing.T) {
					s, e := newFaultyStore(t)
					ctx := newSession(t)
					mustCreate(ctx, t, s, ada)
					if old, err := saveAuto(ctx, s, "before", "old"); err != nil || old.ETag != "1-cba06b57" {
						t.Fatal(old, err)
					}
					e.Inject(meet(emulator.Fault{Op: emulator.OpBatch, Skip: at}, failure))
					for range 2 { // the second time as a replay
						if err := step.run(ctx, s, "r"); err != nil {
							t.Error(err)
						}
					}
					wantSaves(t, s, step.want)
					if revision := storedDocument(t, s, ada, idSaves)["revision"]; revision != 2.0 {
						t.Errorf("revision %v, want 2", revision)
					}
				}
			}
		}
	}
	together(t, subtests)
}

// TestSaveLostAnswerThenRivals loses the answer of a write of 1 MiB, and lets rivals write more often than a document remembers, and delete,
// before it is tried again.
func TestSaveLostAnswerThenRivals(t *testing.T) {
	s, e := newFaultyStore(t)
	ctx := newSession(t)
	mustCreate(ctx, t, s, ada)
	e.Inject(emulator.Fault{Op: emulator.OpBatch, Container: Players, Skip: 1, Count: 1, DropAfter: true, Hook: func(context.Context, emulator.Point) {
		for i := range 9 {
			if _, err := saveAuto(newSession(t), s, fmt.Sprint("rival-", i), "rival's"); err != nil {
				t.Error(err)
			}
		}
		if _, err := savesOf(s).Delete(newSession(t), adaSaves, save.Deletion{Slot: "auto", AnyVersion: true, RequestID: "rival-d"}); err != nil {
			t.Error(err)
		}
	}})
	stored, err := saveAuto(ctx, s, "mine", string(saveOf(1, save.MaxContent)))
	if err != nil || stored.Size != save.MaxContent || !strings.HasPrefix(stored.ETag, "1-") {
		t.Errorf("%+v, %v", stored, err)
	}
	wantSaves(t, s, map[string][]byte{})
}

// TestSavesAcrossAKill ends the store's process in the middle of writes of 300 KB: the slot holds the last acknowledged one or the one
// after it, whole.
func TestSavesAcrossAKill(t *testing.T) {
	t.Parallel()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("kills the store, which only the embedded emulator lets one do")
	}
	dir := t.TempDir()
	s, process := startKillable(t, dir)
	mustCreate(newSession(t), t, s, ada)
	acknowledged := 0
	for {
		if _, err := saveAuto(newSession(t), s, fmt.Sprint("r", acknowledged), string(saveOf(uint64(acknowledged), 300_000))); err != nil {
			break
		}
		if acknowledged++; acknowledged == 12 {
			go func() { _ = process.Process.Kill() }() // while one of the next is on its way
		}
	}
	_ = process.Process.Kill() // dead already, unless a write failed before
	_ = process.Wait()         // killed: it has an error

	s, _ = startKillable(t, dir)
	_, content, err := savesOf(s).Get(newSession(t), adaSaves, ada, "auto")
	if err != nil {
		t.Fatal(err)
	}
	there := acknowledged - 1
	if !bytes.Equal(content, saveOf(uint64(there), 300_000)) {
		there = acknowledged
	}
	wantSaves(t, s, map[string][]byte{"auto": saveOf(uint64(there), 300_000)})
	for range 2 { // the one without an answer, until it has one
		if _, err := saveAuto(newSession(t), s, fmt.Sprint("r", acknowledged), string(saveOf(uint64(acknowledged), 300_000))); err != nil {
			t.Error(err)
		}
	}
	wantSaves(t, s, map[string][]byte{"auto": saveOf(uint64(acknowledged), 300_000)})
	if revision := storedDocument(t, s, ada, idSaves)["revision"]; revision != float64(acknowledged+1) {
		t.Errorf("revision %v after %d writes", revision, acknowledged+1)
	}
}
