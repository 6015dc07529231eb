package signing

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"supergame/services/platform/fault"
)

var t0 = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const week = 7 * 24 * time.Hour

func TestSealer(t *testing.T) {
	before, now := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	old, err := NewSealer(before)
	if err != nil {
		t.Fatal(err)
	}
	both, err := NewSealer(now, before)
	if err != nil {
		t.Fatal(err)
	}
	sealed := old.Seal("kid", []byte("secret"))
	if bytes.Contains(sealed, []byte("secret")) {
		t.Error("the key stands in clear text")
	}
	if bytes.Equal(sealed, old.Seal("kid", []byte("secret"))) {
		t.Error("the nonce was used twice")
	}
	for name, s := range map[string]*Sealer{"the same": old, "its successor": both} {
		if got, err := s.Open("kid", sealed); err != nil || string(got) != "secret" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	refused := map[string]func() ([]byte, error){
		"another id":  func() ([]byte, error) { return old.Open("other", sealed) },
		"another key": func() ([]byte, error) { return old.Open("kid", both.Seal("kid", []byte("secret"))) },
		"cut":         func() ([]byte, error) { return old.Open("kid", sealed[:20]) },
		"empty":       func() ([]byte, error) { return old.Open("kid", nil) },
		"changed":     func() ([]byte, error) { return old.Open("kid", append(bytes.Clone(sealed[:20]), 'x')) },
	}
	for name, open := range refused {
		if got, err := open(); err == nil {
			t.Errorf("%s: opened %q", name, got)
		}
	}
	if _, err := NewSealer(); err == nil {
		t.Error("no key at all was taken")
	}
	if _, err := NewSealer([]byte("short")); err == nil {
		t.Error("a short key was taken")
	}
}

func TestDue(t *testing.T) {
	s := Schedule{Period: week}
	start := s.start(t0)
	current := Sealed{ID: s.id(start), SignFrom: start, ExpireTime: start.Add(week + Lead + MaxTokenLife + skew)}
	tests := []struct {
		name string
		now  time.Time
		have []Sealed
		want map[string]time.Duration // id of the period -> SignFrom after now
	}{
		{"nothing there: one that signs at once", start.Add(time.Hour), nil, map[string]time.Duration{s.id(start): 0}},
		{"nothing to do", start.Add(time.Hour), []Sealed{current}, nil},
		{"long before the next", start.Add(week - Lead - 1), []Sealed{current}, nil},
		{"the next, a day before", start.Add(week - Lead), []Sealed{current}, map[string]time.Duration{s.id(start.Add(week)): Lead}},
		{"the next, an hour late", start.Add(week - Lead + time.Hour), []Sealed{current}, map[string]time.Duration{s.id(start.Add(week)): Lead}},
		{"just too late to publish first", start.Add(week), []Sealed{current}, map[string]time.Duration{s.id(start.Add(week)): 0}},
		{"nothing there, at the end of a period", start.Add(week - time.Hour), nil,
			map[string]time.Duration{s.id(start): 0, s.id(start.Add(week)): Lead}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := s.due(tt.now, tt.have)
			if len(got) != len(tt.want) {
				t.Fatalf("due %+v, want %v", got, tt.want)
			}
			for _, k := range got {
				after, ok := tt.want[k.ID]
				if !ok || !k.SignFrom.Equal(tt.now.Add(after)) {
					t.Errorf("%s signs from %v after now, want %v", k.ID, k.SignFrom.Sub(tt.now), after)
				}
				if k.ExpireTime.Sub(k.SignFrom) < Lead+MaxTokenLife+skew {
					t.Errorf("%s expires %v after its first use", k.ID, k.ExpireTime.Sub(k.SignFrom))
				}
			}
		})
	}
}

// memory is the keys of several rings at once, in the way that matters here: who comes first wins.
type memory struct {
	mu   sync.Mutex
	keys []Sealed
	fail error
}

func (m *memory) List(context.Context) ([]Sealed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Sealed(nil), m.keys...), m.fail
}

func (m *memory) Create(_ context.Context, k Sealed) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !has(m.keys, k.ID) {
		m.keys = append(m.keys, k)
	}
	return m.fail
}

func sealer(t *testing.T, b byte) *Sealer {
	t.Helper()
	s, err := NewSealer(bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A year of rotation: there is always a key, each was published a day before its first use, and none is forgotten while a token lives.
func TestRingRotates(t *testing.T) {
	store, now := &memory{}, t0
	ring := NewRing(store, sealer(t, 1), Schedule{Period: week}, func() time.Time { return now })
	published, lastUse := map[string]time.Time{}, map[string]time.Time{}
	var used []string
	for ; now.Before(t0.Add(20 * week)); now = now.Add(time.Hour) {
		if err := ring.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		known := map[string]bool{}
		for _, k := range ring.Keys() {
			known[k.KID] = true
			if published[k.KID].IsZero() {
				published[k.KID] = now
			}
		}
		k, err := ring.Signer()
		if err != nil {
			t.Fatalf("at %v: %v", now, err)
		}
		if len(used) == 0 || used[len(used)-1] != k.KID {
			used = append(used, k.KID)
			if len(used) > 1 && now.Sub(published[k.KID]) < Lead {
				t.Errorf("%s signs %v after it was published", k.KID, now.Sub(published[k.KID]))
			}
		}
		lastUse[k.KID] = now
		for kid, at := range lastUse {
			if now.Sub(at) <= MaxTokenLife && !known[kid] {
				t.Errorf("%s is forgotten %v after its last use", kid, now.Sub(at))
			}
		}
		if len(ring.Keys()) > 3 {
			t.Errorf("%d keys at once", len(ring.Keys()))
		}
	}
	if len(used) != 20 && len(used) != 21 {
		t.Errorf("%d keys in 20 periods", len(used))
	}
}

// Whenever the length of a period is changed, in either direction, there is a key to sign with, which was published a day before.
func TestRingRotatesWithAnotherPeriod(t *testing.T) {
	start := Schedule{Period: 10 * week}.start(t0)
	for _, periods := range [][2]time.Duration{{2 * Lead, 10 * week}, {10 * week, 2 * Lead}} {
		for after := time.Duration(0); after < 5*Lead; after += 3 * time.Hour {
			store, now := &memory{}, start.Add(-week)
			clock := func() time.Time { return now }
			ring, published := NewRing(store, sealer(t, 1), Schedule{Period: periods[0]}, clock), map[string]time.Time{}
			for ; now.Before(start.Add(week)); now = now.Add(time.Hour) {
				if now.Equal(start.Add(after)) {
					ring = NewRing(store, sealer(t, 1), Schedule{Period: periods[1]}, clock)
				}
				if err := ring.Refresh(t.Context()); err != nil {
					t.Fatalf("%v, changed after %v, at %v: %v", periods, after, now.Sub(start), err)
				}
				for _, k := range ring.Keys() {
					if published[k.KID].IsZero() {
						published[k.KID] = now
					}
				}
				k, err := ring.Signer()
				if err != nil {
					t.Fatalf("%v, changed after %v, at %v: %v", periods, after, now.Sub(start), err)
				}
				if age := now.Sub(published[k.KID]); age < Lead && !published[k.KID].Equal(start.Add(-week)) {
					t.Fatalf("%v, changed after %v, at %v: a key signs %v after it was published", periods, after, now.Sub(start), age)
				}
			}
		}
	}
}

// A replica that has the next sealing key already seals a signing key with it: the others keep what they can open.
func TestRingKeepsItsKeysBesideOneItCannotOpen(t *testing.T) {
	store, now := &memory{}, t0
	ring := NewRing(store, sealer(t, 1), Schedule{Period: week}, func() time.Time { return now })
	if err := ring.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	want, err := ring.Signer()
	if err != nil {
		t.Fatal(err)
	}
	other, err := newKey(sealer(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	other.ID, other.SignFrom, other.ExpireTime = "other", t0, t0.Add(week)
	store.keys = append([]Sealed{other}, store.keys...)
	var seal *SealError
	if err := ring.Refresh(t.Context()); !errors.As(err, &seal) || seal.KID != other.KID {
		t.Errorf("err = %v", err)
	}
	if k, err := ring.Signer(); err != nil || k.KID != want.KID || ring.Ready() != nil {
		t.Errorf("signs with %q, %v", k.KID, err)
	}
}

// blind does not show yet what was just made, as a replica of the database that lags behind.
type blind struct{ Store }

func (blind) List(context.Context) ([]Sealed, error) { return nil, nil }

func TestRingIsNotContentWithoutAKey(t *testing.T) {
	ring := NewRing(blind{&memory{}}, sealer(t, 1), Schedule{Period: week}, func() time.Time { return t0 })
	if err := ring.Refresh(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("err = %v, want UNAVAILABLE", err)
	}
	if keys, err := ring.Published(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("published %v, %v, want UNAVAILABLE", keys, err)
	}
}

func TestRingsAgree(t *testing.T) {
	store := &memory{}
	rings := make([]*Ring, 8)
	var wg sync.WaitGroup
	for i := range rings {
		rings[i] = NewRing(store, sealer(t, 1), Schedule{Period: week}, func() time.Time { return t0.Add(time.Duration(i) * time.Second) })
		wg.Go(func() {
			if err := rings[i].Refresh(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	first, err := rings[0].Signer()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rings {
		if k, err := r.Signer(); err != nil || k.KID != first.KID {
			t.Errorf("signs with %q (%v), others with %q", k.KID, err, first.KID)
		}
	}
}

func TestRingSaysWhatIsWrong(t *testing.T) {
	store, now := &memory{}, t0
	clock := func() time.Time { return now }
	ring := NewRing(store, sealer(t, 1), Schedule{Period: week}, clock)
	if err := ring.Ready(); !fault.Is(err, fault.Unavailable) {
		t.Errorf("empty: %v", err)
	}
	if err := ring.Refresh(t.Context()); err != nil || ring.Ready() != nil {
		t.Fatal(err, ring.Ready())
	}
	wrong := NewRing(store, sealer(t, 2), Schedule{Period: week}, clock)
	err := wrong.Refresh(t.Context())
	var seal *SealError
	if !errors.As(err, &seal) || !strings.Contains(err.Error(), "IDENTITY_SEALING_KEY") {
		t.Errorf("wrong sealing key: %v", err)
	}
	store.fail = errors.New("store down")
	if keys, err := wrong.Published(t.Context()); err == nil {
		t.Errorf("without any key: %v", keys)
	}
	now = now.Add(publishPause)
	if keys, err := ring.Published(t.Context()); err != nil || len(keys) != 1 || ring.Ready() != nil {
		t.Errorf("a store that is down takes away the keys that are known: %v, %v", keys, err)
	}
}

func TestPublishedShowsTheKeysOfOthers(t *testing.T) {
	store, now := &memory{}, t0
	ring := NewRing(store, sealer(t, 1), Schedule{Period: week}, func() time.Time { return now })
	if keys, err := ring.Published(t.Context()); err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	other, err := newKey(sealer(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	other.ID, other.ExpireTime = "other", t0.Add(week)
	store.keys = append(store.keys, other)
	now = now.Add(publishPause - 1)
	if keys, err := ring.Published(t.Context()); err != nil || len(keys) != 1 {
		t.Errorf("asked the store again within the pause: %v, %v", keys, err)
	}
	now = now.Add(1)
	if keys, err := ring.Published(t.Context()); err != nil || len(keys) != 2 {
		t.Errorf("after the pause: %v, %v", keys, err)
	}
}

func TestOpenRefusesAForeignKeyUnderThisID(t *testing.T) {
	s := sealer(t, 1)
	a, err := newKey(s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newKey(s)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := s.Open(b.KID, b.Private)
	if err != nil {
		t.Fatal(err)
	}
	a.Private = s.Seal(a.KID, raw)
	if _, err := a.open(s); err == nil {
		t.Error("opened")
	}
}
