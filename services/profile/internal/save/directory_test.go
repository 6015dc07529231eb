package save

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"supergame/services/platform/fault"
)

var (
	early = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	late  = early.Add(time.Hour)
)

func made(slot string, size int64, device string) Save {
	return Save{Slot: slot, Version: Version{Hash: strings.Repeat("0a", 32), Size: size, Device: device}}
}

func TestPutKeepsTheVersionsBefore(t *testing.T) {
	var d Directory
	var etags []string
	for i := range 6 {
		stored, err := d.put(made("auto", int64(i+1), fmt.Sprint("device ", i)), Quota{1, 100}, early.Add(time.Duration(i)*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		etags = append(etags, stored.ETag)
	}
	slot := d.Slots["auto"]
	if !slot.CreateTime.Equal(early) || !slot.UpdateTime.Equal(early.Add(5*time.Minute)) || slot.ETag != etags[5] {
		t.Errorf("got %+v", slot)
	}
	if len(slot.Earlier) != keptVersions || slot.Earlier[0].ETag != etags[4] || slot.Earlier[2].Device != "device 2" {
		t.Errorf("the versions before are %+v", slot.Earlier)
	}
	// A clock that goes back does not turn the times around.
	again, err := d.put(made("auto", 1, ""), Quota{1, 100}, early)
	if err != nil || again.UpdateTime.Before(slot.UpdateTime) {
		t.Errorf("%v, %v", again.UpdateTime, err)
	}
}

func TestConflictNamesBothVersions(t *testing.T) {
	var d Directory
	first, _ := d.put(made("auto", 1, "phone"), Quota{1, 100}, early)
	second, _ := d.put(made("auto", 2, "deck"), Quota{1, 100}, late)
	want := map[string]string{
		"slot":        "auto",
		"stored_etag": second.ETag, "stored_sha256": second.Hash, "stored_size": "2", "stored_update_time": "2026-03-01T11:00:00Z", "stored_device": "deck",
		"base_etag": first.ETag, "base_sha256": first.Hash, "base_size": "1", "base_update_time": "2026-03-01T10:00:00Z", "base_device": "phone",
	}
	f := fault.As(base{etag: first.ETag}.check(&d, "auto"))
	if f == nil || f.Kind != fault.Aborted || f.Reason != "SAVE_CONFLICT" {
		t.Fatalf("got %v", f)
	}
	if diff := cmp.Diff(want, f.Metadata); diff != "" {
		t.Error(diff)
	}
	f = fault.As(base{etag: "7-abc"}.check(&d, "auto"))
	if f == nil || f.Metadata["base_etag"] != "7-abc" || f.Metadata["base_size"] != "" || f.Metadata["stored_etag"] != second.ETag {
		t.Errorf("on a version that nobody remembers: %v", f)
	}
	f = fault.As(base{}.check(&d, "auto"))
	if f == nil || f.Kind != fault.AlreadyExists || f.Reason != "SAVE_EXISTS" || f.Metadata["stored_etag"] != second.ETag {
		t.Errorf("into a slot that is taken: %v", f)
	}
	if _, err := d.remove("auto"); err != nil {
		t.Fatal(err)
	}
	f = fault.As(base{etag: second.ETag}.check(&d, "auto"))
	if f == nil || f.Reason != "SAVE_CONFLICT" || f.Metadata["base_etag"] != second.ETag || f.Metadata["stored_etag"] != "" {
		t.Errorf("on a save that was deleted: %v", f)
	}
	third, err := d.put(made("auto", 1, "phone"), Quota{1, 100}, late)
	if err != nil || third.ETag == first.ETag {
		t.Errorf("the same content after a deletion has version %q, as before (%v)", third.ETag, err)
	}
}

// TestMetadataFits: what an error tells a caller is cut beyond 768 bytes.
func TestMetadataFits(t *testing.T) {
	d := Directory{Revision: 1 << 52}
	slot, device := strings.Repeat("s", 32), strings.Repeat("d", maxDeviceBytes)
	first, _ := d.put(made(slot, MaxContent, device), Quota{1, MaxContent}, early.Add(123*time.Millisecond))
	if _, err := d.put(made(slot, MaxContent, device), Quota{1, MaxContent}, late.Add(123*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	size := 0
	for key, value := range fault.As(base{etag: first.ETag}.check(&d, slot)).Metadata {
		size += len(key) + len(value)
	}
	if size > 768 {
		t.Errorf("%d bytes", size)
	}
}

func TestQuota(t *testing.T) {
	quota := Quota{Slots: 2, Bytes: 100}
	full := func() *Directory {
		var d Directory
		for _, s := range []Save{made("a", 60, ""), made("b", 40, "")} {
			if _, err := d.put(s, quota, early); err != nil {
				t.Fatal(err)
			}
		}
		return &d
	}
	tests := []struct {
		what    string
		put     Save
		quota   Quota
		refused bool
	}{
		{"another slot", made("c", 1, ""), quota, true},
		{"a byte more", made("a", 61, ""), quota, true},
		{"as many bytes", made("a", 60, ""), quota, false},
		{"fewer bytes", made("b", 1, ""), quota, false},
		{"as many bytes over a lowered quota", made("a", 60, ""), Quota{1, 10}, false},
		{"more bytes over a lowered quota", made("a", 61, ""), Quota{1, 10}, true},
	}
	for _, test := range tests {
		d := full()
		before := d.Usage()
		_, err := d.put(test.put, test.quota, late)
		if !test.refused {
			if err != nil {
				t.Errorf("%s: %v", test.what, err)
			}
			continue
		}
		f := fault.As(err)
		if f == nil || f.Kind != fault.ResourceExhausted || f.Reason != "SAVE_QUOTA" || f.RetryAfter != 0 || f.Metadata["max_slots"] != fmt.Sprint(test.quota.Slots) {
			t.Errorf("%s: %v", test.what, err)
		}
		if d.Usage() != before || d.Revision != 2 {
			t.Errorf("%s: refused, and yet changed to %+v", test.what, d)
		}
	}
}

// FuzzDirectory carries out any row of writes: the quota holds, a refusal changes nothing, and no version comes twice.
func FuzzDirectory(f *testing.F) {
	f.Add([]byte{0, 10, 1, 90, 2, 1, 0x80, 0, 1, 1, 0, 100})
	f.Fuzz(func(t *testing.T, row []byte) {
		quota := Quota{Slots: 3, Bytes: 255}
		var d Directory
		seen := map[string]bool{}
		for i := 0; i+1 < len(row); i += 2 {
			slot, before := fmt.Sprint("s", row[i]&7), d
			var stored Save
			var err error
			if row[i]&0x80 != 0 {
				_, err = d.remove(slot)
			} else if stored, err = d.put(made(slot, int64(row[i+1]), ""), quota, early); err == nil {
				if seen[stored.ETag] {
					t.Fatalf("version %s comes twice", stored.ETag)
				}
				seen[stored.ETag] = true
			}
			if err != nil {
				if diff := cmp.Diff(before, d); diff != "" {
					t.Fatal(diff)
				}
			}
			if u := d.Usage(); u.Slots > quota.Slots || u.Bytes > quota.Bytes {
				t.Fatalf("%+v is over the quota", u)
			}
		}
	})
}

func FuzzTexts(f *testing.F) {
	for _, seed := range []string{"Chapter 3", "a\u202eb", "\x00", "a\nb", "🦊", "\xff", "\u2028"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := Save{Description: text, Version: Version{Device: text}, Attributes: map[string]string{"k": text}}
		err := s.checkTexts()
		if err != nil {
			if !fault.Is(err, fault.InvalidArgument) {
				t.Fatalf("%q: %v is not the caller's fault", text, err)
			}
			return
		}
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\n\r\u2028\u2029\u202e\u2066") || len(text) > maxDeviceBytes {
			t.Fatalf("%q passes", text)
		}
	})
}
