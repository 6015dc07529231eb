package cosmosstore

import (
	"context"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/profile"
)

// edits are the shapes of an update: each goes another way through the store.
var edits = map[string]profile.Edit{
	"public":                    {PlayerID: ada, Touches: profile.Parts{Public: true}},
	"public with a request id":  {PlayerID: ada, Caller: "c", RequestID: "r1", Content: []byte("1"), Touches: profile.Parts{Public: true}},
	"private":                   {PlayerID: ada, Touches: profile.Parts{Private: true}},
	"private with a request id": {PlayerID: ada, Caller: "c", RequestID: "r1", Content: []byte("1"), Touches: profile.Parts{Private: true}},
	"both":                      {PlayerID: ada, Touches: profile.Parts{Public: true, Private: true}},
	"both, with a request id":   {PlayerID: ada, Caller: "c", RequestID: "r1", Content: []byte("1"), Touches: profile.Parts{Public: true, Private: true}},
}

// mark is a decision that leaves a trace in each part that the edit touches: it appends to the name, and adds a setting. So the
// traces tell how often it was applied, and in which order.
func mark(e profile.Edit, trace string) func(*profile.Player) (profile.Parts, error) {
	return func(p *profile.Player) (profile.Parts, error) {
		if e.Touches.Public {
			p.DisplayName += trace
		}
		if e.Touches.Private {
			p.Private.Settings = maps.Clone(p.Private.Settings)
			if p.Private.Settings == nil {
				p.Private.Settings = map[string]string{}
			}
			p.Private.Settings["trace"] += trace
		}
		return e.Touches, nil
	}
}

// traces returns what mark has left in each part.
func traces(p profile.Player) [2]string {
	if p.Private == nil {
		return [2]string{p.DisplayName, ""}
	}
	return [2]string{p.DisplayName, p.Private.Settings["trace"]}
}

// wantTraces checks what is stored: trace in the parts that the edit touches, nothing in the other.
func wantTraces(t *testing.T, s *Store, e profile.Edit, trace string) {
	t.Helper()
	stored, err := s.GetFull(newSession(t), e.PlayerID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(expected(e, trace), traces(stored)); diff != "" {
		t.Errorf("stored: %s", diff)
	}
}

func expected(e profile.Edit, trace string) (want [2]string) {
	if e.Touches.Public {
		want[0] = trace
	}
	if e.Touches.Private {
		want[1] = trace
	}
	return want
}

func TestUpdateIsOneReadAndOneWrite(t *testing.T) {
	cosmostest.NeedsPrices(t)
	costs := map[string]float64{ // reads of 1 RU, replaces of 9.9
		"public": 10.9, "public with a request id": 11.9,
		"private": 11.9, "private with a request id": 11.9,
		"both": 21.8, "both, with a request id": 21.8,
	}
	for what, edit := range edits {
		t.Run(what, func(t *testing.T) {
			s, ctx := newStore(t)
			mustCreate(ctx, t, s, ada)
			metering, meter := metered(ctx)
			got, err := s.Update(metering, edit, mark(edit, "a"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(expected(edit, "a"), traces(got)); diff != "" {
				t.Error(diff)
			}
			if (got.Private != nil) != edit.Touches.Private {
				t.Errorf("the answer has a private part: %v", got.Private != nil)
			}
			if meter.Calls() != 2 {
				t.Errorf("%d SDK calls, want 2", meter.Calls())
			}
			if charge := meter.Charge(); charge < costs[what]-0.05 || charge > costs[what]+0.05 {
				t.Errorf("%.2f RU, want %.2f", charge, costs[what])
			}
			wantTraces(t, s, edit, "a")
			wantVersions(t, s, edit, got)
		})
	}
}

// wantVersions checks that the versions of the parts that were changed are those stored, so that a caller may build on them. A
// part that the edit does not touch is as it was read.
func wantVersions(t *testing.T, s *Store, e profile.Edit, got profile.Player) {
	t.Helper()
	stored, err := s.GetFull(newSession(t), got.PlayerID)
	if err != nil {
		t.Fatal(err)
	}
	if e.Touches.Public && got.ETag != stored.ETag || got.ETag == "" {
		t.Errorf("the answer has version %q, stored is %q", got.ETag, stored.ETag)
	}
	if got.Private != nil && got.Private.ETag != stored.Private.ETag {
		t.Errorf("the answer has private version %q, stored is %q", got.Private.ETag, stored.Private.ETag)
	}
}

func TestUpdateWithoutAChangeWritesNothing(t *testing.T) {
	for what, edit := range edits {
		t.Run(what, func(t *testing.T) {
			s, ctx := newStore(t)
			mustCreate(ctx, t, s, ada)
			before, err := s.GetFull(ctx, ada)
			if err != nil {
				t.Fatal(err)
			}
			metering, meter := metered(ctx)
			_, err = s.Update(metering, edit, func(*profile.Player) (profile.Parts, error) { return profile.Parts{}, nil })
			if err != nil || meter.Calls() != 1 {
				t.Errorf("%v after %d SDK calls, want 1", err, meter.Calls())
			}
			after, err := s.GetFull(ctx, ada)
			if diff := cmp.Diff(before, after); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}

func TestUpdateRefusedByDecide(t *testing.T) {
	for what, edit := range edits {
		t.Run(what, func(t *testing.T) {
			s, ctx := newStore(t)
			mustCreate(ctx, t, s, ada)
			calls := 0
			// The reason is the one of a lost race, yet the decision is not to be asked again.
			refusal := fault.New(fault.Aborted, "ETAG_MISMATCH", "not this version")
			_, err := s.Update(ctx, edit, func(*profile.Player) (profile.Parts, error) {
				calls++
				return profile.Parts{}, refusal
			})
			if fault.As(err) != refusal || calls != 1 {
				t.Errorf("got %v after %d decisions", err, calls)
			}
			wantTraces(t, s, edit, "")
		})
	}
}

func TestUpdateMissing(t *testing.T) {
	for what, edit := range edits {
		t.Run(what, func(t *testing.T) {
			s, ctx := newStore(t)
			_, err := s.Update(ctx, edit, mark(edit, "a"))
			if fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestRivals writes from inside the decision: between every read and write of the update there is another update.
func TestRivals(t *testing.T) {
	t.Parallel()
	for what, edit := range edits {
		for rivalName, rival := range edits {
			if edit.RequestID != "" && rival.RequestID != "" {
				rival.RequestID = "r2"
			}
			t.Run(what+" against "+rivalName, func(t *testing.T) {
				s, ctx := newStore(t)
				mustCreate(ctx, t, s, ada)
				rounds := 0
				got, err := s.Update(ctx, edit, func(p *profile.Player) (profile.Parts, error) {
					if rounds++; rounds == 1 {
						if _, err := s.Update(newSession(t), rival, mark(rival, "r")); err != nil {
							t.Error(err)
						}
					}
					return mark(edit, "a")(p)
				})
				if err != nil {
					t.Fatal(err)
				}
				stored, err := s.GetFull(newSession(t), ada)
				if err != nil {
					t.Fatal(err)
				}
				want := expected(rival, "r")
				for i, mine := range expected(edit, "a") {
					want[i] += mine
				}
				if diff := cmp.Diff(want, traces(stored)); diff != "" {
					t.Error(diff)
				}
				wantVersions(t, s, edit, got)
			})
		}
	}
}

func TestReplay(t *testing.T) {
	for what, edit := range edits {
		if edit.RequestID == "" {
			continue
		}
		t.Run(what, func(t *testing.T) {
			s, ctx := newStore(t)
			mustCreate(ctx, t, s, ada)
			if _, err := s.Update(ctx, edit, mark(edit, "a")); err != nil {
				t.Fatal(err)
			}
			between := edits["both"]
			if _, err := s.Update(ctx, between, mark(between, "b")); err != nil {
				t.Fatal(err)
			}
			got, err := s.Update(ctx, edit, neverDecide(t))
			if err != nil {
				t.Fatal(err)
			}
			now := expected(edit, "ab")
			if got.Private == nil {
				now[1] = ""
			} else if now[1] == "" {
				now[1] = "b"
			}
			if now[0] == "" {
				now[0] = "b"
			}
			if diff := cmp.Diff(now, traces(got)); diff != "" {
				t.Errorf("the answer is not the player as he is now: %s", diff)
			}
		})
	}
}

func TestRequestIDReused(t *testing.T) {
	for what, edit := range edits {
		for otherName, other := range edits {
			if edit.RequestID == "" || other.RequestID == "" {
				continue
			}
			other.Content = []byte("2")
			t.Run(what+" then "+otherName, func(t *testing.T) {
				s, ctx := newStore(t)
				mustCreate(ctx, t, s, ada)
				if _, err := s.Update(ctx, edit, mark(edit, "a")); err != nil {
					t.Fatal(err)
				}
				_, err := s.Update(ctx, other, neverDecide(t))
				if !fault.Is(err, fault.AlreadyExists) || fault.ReasonOf(err) != "REQUEST_ID_REUSED" {
					t.Errorf("got %v", err)
				}
				other.Caller = "somebody else"
				if _, err := s.Update(ctx, other, mark(other, "")); err != nil {
					t.Errorf("the same id of another caller: %v", err)
				}
			})
		}
	}
}

func neverDecide(t *testing.T) func(*profile.Player) (profile.Parts, error) {
	return func(*profile.Player) (profile.Parts, error) {
		t.Error("a request that was carried out before was decided again")
		return profile.Parts{}, nil
	}
}

func TestUpdateStopsWithItsContext(t *testing.T) {
	s, ctx := newStore(t)
	mustCreate(ctx, t, s, ada)
	ending, end := context.WithCancel(ctx)
	edit := edits["both"]
	_, err := s.Update(ending, edit, func(p *profile.Player) (profile.Parts, error) {
		end()
		return mark(edit, "a")(p)
	})
	if !fault.Is(err, fault.Canceled) {
		t.Errorf("got %v", err)
	}
	wantTraces(t, s, edit, "")
}
