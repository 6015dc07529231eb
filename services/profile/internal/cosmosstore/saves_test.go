package cosmosstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/save"
)

var saveQuota = save.Quota{Slots: 3, Bytes: 3 << 20}

// savesOf gives the rules of saves on a store.
func savesOf(s *Store) *save.Saves {
	return &save.Saves{
		Store: &Saves{
			players: s.players, lives: s.lives,
			directories: cosmos.NewKind[savesDoc](s.players, "saves", schemaVersion),
			contents:    cosmos.NewKind[contentDoc](s.players, "save", schemaVersion),
			markers:     cosmos.NewKind[saveMarkerDoc](s.players, "save-marker", schemaVersion),
		},
		Quota: saveQuota, Now: func() time.Time { return changed },
	}
}

var adaSaves = save.Caller{Role: "player", Subject: ada, Player: true}

// saveAuto writes the slot auto, whatever it holds.
func saveAuto(ctx context.Context, s *Store, requestID, content string) (save.Save, error) {
	return savesOf(s).Put(ctx, adaSaves, save.Put{
		Save: save.Save{Slot: "auto"}, Content: []byte(content), Overwrite: true, RequestID: requestID,
	})
}

// saveOf makes a content that no other is like.
func saveOf(seed uint64, size int) []byte {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(content) // never fails
	return content
}

// wantSaves checks that exactly these contents are stored: in the directory with their size and hash, and whole beside it.
func wantSaves(t *testing.T, s *Store, want map[string][]byte) {
	t.Helper()
	saves := savesOf(s)
	list, usage, err := saves.List(newSession(t), adaSaves, ada)
	if err != nil {
		t.Fatal(err)
	}
	var total int64
	for _, one := range list {
		content, ok := want[one.Slot]
		sum := sha256.Sum256(content)
		if !ok || one.Size != int64(len(content)) || one.Hash != hex.EncodeToString(sum[:]) {
			t.Errorf("the list has %+v", one)
		}
		total += one.Size
		got, stored, err := saves.Get(newSession(t), adaSaves, ada, one.Slot)
		if err != nil || !bytes.Equal(stored, content) {
			t.Errorf("slot %s: %d bytes, %v", one.Slot, len(stored), err)
		}
		if diff := cmp.Diff(one, got); diff != "" {
			t.Errorf("slot %s is not as in the list: %s", one.Slot, diff)
		}
	}
	if len(list) != len(want) || usage.Slots != len(want) || usage.Bytes != total {
		t.Errorf("%d saves, %+v, want %d of %d bytes", len(list), usage, len(want), total)
	}
	var contents []string
	for _, id := range storedIDs(t, s, ada) {
		if slot, ok := strings.CutPrefix(id, contentPrefix); ok {
			contents = append(contents, slot)
		}
	}
	var slots []string
	for slot := range want {
		slots = append(slots, slot)
	}
	slices.Sort(slots)
	if diff := cmp.Diff(slots, contents); diff != "" {
		t.Errorf("contents: %s", diff)
	}
}

func TestSavesAreKept(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	wantSaves(t, s, map[string][]byte{})
	saves := savesOf(s)
	want := save.Save{
		Version: save.Version{Device: "deck"}, Slot: "s-1", Description: "Chapter 3", PlayTime: 90 * time.Minute,
		Attributes: map[string]string{"level": "12"}, Public: true,
	}
	content := saveOf(1, save.MaxContent)
	stored, err := saves.Put(ctx, adaSaves, save.Put{Save: want, Content: content, RequestID: "r1"})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	want.ETag, want.Hash, want.Size = stored.ETag, hex.EncodeToString(sum[:]), save.MaxContent
	want.CreateTime, want.UpdateTime = changed, changed
	if diff := cmp.Diff(want, stored); diff != "" || stored.ETag == "" {
		t.Error(diff)
	}
	wantSaves(t, s, map[string][]byte{"s-1": content})
	got, _, err := saves.Get(ctx, adaSaves, "", "s-1")
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	deleted, err := saves.Delete(ctx, adaSaves, save.Deletion{Slot: "s-1", ETag: want.ETag, RequestID: "r2"})
	if diff := cmp.Diff(want, deleted); diff != "" || err != nil {
		t.Error(diff, err)
	}
	wantSaves(t, s, map[string][]byte{})
	if _, _, err := saves.Get(ctx, adaSaves, "", "s-1"); fault.ReasonOf(err) != "SAVE_NOT_FOUND" {
		t.Errorf("after the deletion: %v", err)
	}
}

// TestSaveReplay: a request that was carried out gets its first answer, though another version is stored, the slot is empty, or its own write
// would make a conflict of it.
func TestSaveReplay(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	saves := savesOf(s)
	create := save.Put{Save: save.Save{Slot: "auto"}, Content: []byte("one"), RequestID: "r1"}
	first, err := saves.Put(ctx, adaSaves, create)
	if err != nil {
		t.Fatal(err)
	}
	replace := save.Put{Save: save.Save{Slot: "auto"}, Content: []byte("two"), RequestID: "r2", ETag: first.ETag}
	second, err := saves.Put(ctx, adaSaves, replace)
	if err != nil {
		t.Fatal(err)
	}
	remove := save.Deletion{Slot: "auto", ETag: second.ETag, RequestID: "r3"}
	wantReplays := func() {
		t.Helper()
		for want, request := range map[*save.Save]save.Put{&first: create, &second: replace} {
			if again, err := saves.Put(ctx, adaSaves, request); err != nil || cmp.Diff(*want, again) != "" {
				t.Errorf("%s again: %+v, %v", request.RequestID, again, err)
			}
		}
	}
	wantReplays()
	wantSaves(t, s, map[string][]byte{"auto": []byte("two")})
	for range 2 {
		if deleted, err := saves.Delete(ctx, adaSaves, remove); err != nil || cmp.Diff(second, deleted) != "" {
			t.Errorf("%+v, %v", deleted, err)
		}
	}
	wantReplays()
	wantSaves(t, s, map[string][]byte{})
	if _, err := saveAuto(ctx, s, "r4", "three"); err != nil {
		t.Fatal(err)
	}
	if _, err := saves.Delete(ctx, adaSaves, remove); err != nil {
		t.Error(err)
	}
	wantSaves(t, s, map[string][]byte{"auto": []byte("three")})

	replace.Content = []byte("other")
	if _, err := saves.Put(ctx, adaSaves, replace); fault.ReasonOf(err) != "REQUEST_ID_REUSED" {
		t.Errorf("another content: %v", err)
	}
	remove.Slot = "b"
	if _, err := saves.Delete(ctx, adaSaves, remove); fault.ReasonOf(err) != "REQUEST_ID_REUSED" {
		t.Errorf("another slot: %v", err)
	}
}

// TestSaveRivals lets another device write between the read and the write of a save.
func TestSaveRivals(t *testing.T) {
	for _, empty := range []bool{true, false} {
		for _, overwrite := range []bool{true, false} {
			t.Run(fmt.Sprintf("empty %v, overwrite %v", empty, overwrite), func(t *testing.T) {
				s, e := newFaultyStore(t)
				ctx := newSession(t)
				mustCreate(ctx, t, s, ada)
				put := save.Put{Save: save.Save{Slot: "auto"}, Content: []byte("mine"), Overwrite: overwrite, RequestID: "mine"}
				reason := "SAVE_EXISTS"
				if !empty {
					before, err := saveAuto(ctx, s, "before", "before")
					if err != nil {
						t.Fatal(err)
					}
					if !overwrite {
						put.ETag, reason = before.ETag, "SAVE_CONFLICT"
					}
				}
				e.Inject(emulator.Fault{Op: emulator.OpBatch, Container: Players, Skip: 1, Count: 1, Hook: func(context.Context, emulator.Point) {
					if _, err := saveAuto(newSession(t), s, "rival", "rival's"); err != nil {
						t.Error(err)
					}
				}})
				_, err := savesOf(s).Put(ctx, adaSaves, put)
				if overwrite {
					if err != nil {
						t.Error(err)
					}
					wantSaves(t, s, map[string][]byte{"auto": []byte("mine")})
					return
				}
				f := fault.As(err)
				if f == nil || f.Reason != reason || f.Metadata["stored_size"] != "7" || !empty && f.Metadata["base_size"] != "6" {
					t.Errorf("got %v", err)
				}
				wantSaves(t, s, map[string][]byte{"auto": []byte("rival's")})
			})
		}
	}
}

// TestQuotaHoldsAgainstRivals: the last room goes to the rival who writes between the look and the write.
func TestQuotaHoldsAgainstRivals(t *testing.T) {
	for what, rival := range map[string]save.Put{
		"slots": {Save: save.Save{Slot: "c"}, Content: []byte("x")},
		"bytes": {Save: save.Save{Slot: "b"}, Content: saveOf(2, 1<<20), Overwrite: true},
	} {
		t.Run(what, func(t *testing.T) {
			s, e := newFaultyStore(t)
			ctx := newSession(t)
			mustCreate(ctx, t, s, ada)
			saves := savesOf(s)
			saves.Quota = save.Quota{Slots: 3, Bytes: 1<<20 + 2}
			for _, slot := range []string{"a", "b"} {
				if _, err := saves.Put(ctx, adaSaves, save.Put{Save: save.Save{Slot: slot}, Content: []byte("x"), RequestID: slot}); err != nil {
					t.Fatal(err)
				}
			}
			e.Inject(emulator.Fault{Op: emulator.OpBatch, Container: Players, Skip: 1, Count: 1, Hook: func(context.Context, emulator.Point) {
				rival.RequestID = "rival"
				if _, err := saves.Put(newSession(t), adaSaves, rival); err != nil {
					t.Error(err)
				}
			}})
			_, err := saves.Put(ctx, adaSaves, save.Put{Save: save.Save{Slot: "d"}, Content: []byte("mine"), RequestID: "mine"})
			if fault.ReasonOf(err) != "SAVE_QUOTA" {
				t.Errorf("got %v", err)
			}
			want := map[string][]byte{"a": []byte("x"), "b": []byte("x")}
			want[rival.Save.Slot] = rival.Content
			wantSaves(t, s, want)
		})
	}
}

// TestQuotaHoldsInACrowd lets many devices write slots of their own at once: as many as there is room for succeed.
func TestQuotaHoldsInACrowd(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	saves := savesOf(s)
	var mu sync.Mutex
	want := map[string][]byte{}
	var group sync.WaitGroup
	for i := range 12 {
		group.Go(func() {
			put := save.Put{Save: save.Save{Slot: fmt.Sprint("s", i)}, Content: saveOf(uint64(i), 1000), RequestID: fmt.Sprint("r", i)}
			err := inTheCrowd(func() error { _, err := saves.Put(newSession(t), adaSaves, put); return err })
			switch {
			case err == nil:
				mu.Lock()
				want[put.Save.Slot] = put.Content
				mu.Unlock()
			case fault.ReasonOf(err) != "SAVE_QUOTA":
				t.Error(err)
			}
		})
	}
	group.Wait()
	if len(want) != saveQuota.Slots {
		t.Errorf("%d were told that their save is stored, want %d", len(want), saveQuota.Slots)
	}
	wantSaves(t, s, want)
}

// TestLargestSaveFits writes the largest content beside the largest directory that can be configured: both in one batch.
func TestLargestSaveFits(t *testing.T) {
	t.Parallel()
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	saves := savesOf(s)
	saves.Quota = save.Quota{Slots: 50, Bytes: 50 << 20}
	brim := save.Save{Description: strings.Repeat("🦊", 256), Attributes: map[string]string{}, PlayTime: 876000 * time.Hour, Public: true}
	brim.Device = strings.Repeat(`"`, 64)
	for i := range 8 {
		brim.Attributes[fmt.Sprintf("%032d", i)] = strings.Repeat(`"`, 128)
	}
	for i := range 50 {
		brim.Slot = fmt.Sprintf("%032d", i)
		for version := range 5 {
			put := save.Put{Save: brim, Content: []byte("x"), Overwrite: true, RequestID: fmt.Sprintf("r%d-%d", i, version)}
			if _, err := saves.Put(ctx, adaSaves, put); err != nil {
				t.Fatal(err)
			}
			if testing.Short() || os.Getenv("LONG") == "" && i < 48 {
				break
			}
		}
	}
	directory, err := saves.Store.Directory(ctx, ada)
	if err != nil {
		t.Fatal(err)
	}
	for name, slot := range directory.Slots { // as if each had been written five times
		slot.Earlier = slices.Repeat([]save.Version{slot.Version}, 3)
		directory.Slots[name] = slot
	}
	if err := saves.Store.Edit(ctx, ada, func(d *save.Directory) bool { *d = directory; return true }); err != nil {
		t.Fatal(err)
	}
	size := plainSize(t, storedDocument(t, s, ada, idSaves))
	if size > 300_000 {
		t.Errorf("the directory has %d bytes", size)
	}
	metering, meter := metered(ctx)
	put := save.Put{Save: brim, Content: saveOf(1, save.MaxContent), Overwrite: true, RequestID: "large"}
	if _, err := saves.Put(metering, adaSaves, put); err != nil {
		t.Fatal(err)
	}
	t.Logf("the directory has %d bytes, the write costs %.0f RU", size, meter.Charge())
}

// TestHiddenFromOthers: another player's private slot and one that is not there look the same.
func TestHiddenFromOthers(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada, bob)
	saves := savesOf(s)
	for slot, public := range map[string]bool{"open": true, "shut": false} {
		put := save.Put{Content: []byte(slot), RequestID: slot, Save: save.Save{
			Slot: slot, Public: public, Version: save.Version{Device: "deck"}, Attributes: map[string]string{"k": "v"}, Description: slot,
		}}
		if _, err := saves.Put(ctx, adaSaves, put); err != nil {
			t.Fatal(err)
		}
	}
	other := save.Caller{Role: "player", Subject: bob, Player: true}
	got, content, err := saves.Get(ctx, other, ada, "open")
	if err != nil || string(content) != "open" || got.Device != "" || got.Attributes != nil || got.Description != "open" {
		t.Errorf("%+v, %q, %v", got, content, err)
	}
	var refusals []string
	for _, slot := range []string{"shut", "none"} {
		_, _, err := saves.Get(ctx, other, ada, slot)
		refusals = append(refusals, fmt.Sprint(fault.KindOf(err), fault.ReasonOf(err), fault.As(err).Message, fault.As(err).Metadata))
	}
	if refusals[0] != refusals[1] || !strings.Contains(refusals[0], "SAVE_NOT_PUBLIC") {
		t.Errorf("%q", refusals)
	}
	list, usage, err := saves.List(ctx, other, ada)
	if err != nil || len(list) != 1 || list[0].Slot != "open" || list[0].Device != "" || usage != nil {
		t.Errorf("%+v, %+v, %v", list, usage, err)
	}
	gameServer := save.Caller{Role: "game-server", Subject: "eu-1"}
	if got, _, err := saves.Get(ctx, gameServer, ada, "shut"); err != nil || got.Device != "deck" {
		t.Errorf("%+v, %v", got, err)
	}
}

// saveModerator refuses what contains a word.
type saveModerator struct{ asked []string }

func (m *saveModerator) Check(_ context.Context, playerID, path, text string) error {
	m.asked = append(m.asked, playerID+" "+path+" "+text)
	if strings.Contains(text, "bad") {
		return fault.Invalid(path, "is not for others")
	}
	return nil
}

func TestModerationOfPublicSaves(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	saves, moderator := savesOf(s), &saveModerator{}
	saves.Moderator, saves.Quota.Slots = moderator, 10
	requests := 0
	put := func(slot, description string, public bool) error {
		requests++
		_, err := saves.Put(ctx, adaSaves, save.Put{
			Content: []byte("x"), Overwrite: true, RequestID: fmt.Sprint(requests), Save: save.Save{Slot: slot, Description: description, Public: public},
		})
		return err
	}
	if err := put("a", "bad", false); err != nil {
		t.Errorf("a private save: %v", err)
	}
	if err := put("a", "bad", true); !fault.Is(err, fault.InvalidArgument) {
		t.Errorf("a public save: %v", err)
	}
	for _, slot := range []string{"b", "c"} {
		if err := put(slot, "good", true); err != nil {
			t.Error(err)
		}
	}
	if err := put("d", "", true); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{ada + " description bad", ada + " description good", ada + " description good"}, moderator.asked); diff != "" {
		t.Error(diff)
	}

	before, err := saves.Store.Directory(ctx, ada)
	if err != nil {
		t.Fatal(err)
	}
	remover := save.DescriptionRemover{Saves: saves}
	if removed, err := remover.Remove(ctx, ada, "good", "gone"); !removed || err != nil {
		t.Errorf("%v, %v", removed, err)
	}
	after, err := saves.Store.Directory(ctx, ada)
	if err != nil {
		t.Fatal(err)
	}
	for slot, want := range map[string]string{"a": "bad", "b": "gone", "c": "gone", "d": ""} {
		if got := after.Slots[slot]; got.Description != want || got.ETag != before.Slots[slot].ETag {
			t.Errorf("slot %s: %+v", slot, got)
		}
	}
	for _, who := range []string{ada, bob} { // of a private save, and of a player who has none
		if removed, err := remover.Remove(ctx, who, "bad", ""); removed || err != nil {
			t.Errorf("%v, %v", removed, err)
		}
	}
	if _, err := remover.Normalize("a\nb"); !fault.Is(err, fault.InvalidArgument) {
		t.Errorf("a replacement of two lines: %v", err)
	}
}

// TestRemovalOfDescriptionsAgainstRivals writes from inside the decision: the save that came in between stays, and its description goes too.
func TestRemovalOfDescriptionsAgainstRivals(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	saves := savesOf(s)
	put := func(slot string) {
		_, err := saves.Put(newSession(t), adaSaves, save.Put{
			Content: []byte(slot), RequestID: slot, Save: save.Save{Slot: slot, Description: "bad", Public: true},
		})
		if err != nil {
			t.Error(err)
		}
	}
	put("a")
	rounds := 0
	err := saves.Store.Edit(ctx, ada, func(d *save.Directory) bool {
		if rounds++; rounds == 1 {
			put("b")
		}
		for name, slot := range d.Slots {
			slot.Description = ""
			d.Slots[name] = slot
		}
		return true
	})
	if err != nil || rounds != 2 {
		t.Errorf("%v after %d rounds, want 2", err, rounds)
	}
	list, _, err := saves.List(ctx, adaSaves, ada)
	if err != nil || len(list) != 2 || list[0].Description+list[1].Description != "" {
		t.Errorf("%+v, %v", list, err)
	}
	wantSaves(t, s, map[string][]byte{"a": []byte("a"), "b": []byte("b")})
}
