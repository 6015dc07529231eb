package player

import (
	"fmt"
	"testing"
	"time"
)

var t0 = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

const month = 30 * 24 * time.Hour

func TestRefresh(t *testing.T) {
	open := Family{ID: "f", N: 5, OpenTime: t0.Add(-time.Hour), RotateTime: t0, ExpireTime: t0.Add(month)}
	ended := open
	ended.EndTime = t0
	tests := []struct {
		name    string
		family  Family
		id      string
		n       int64
		at      time.Duration
		want    Outcome
		wantN   int64 // of the stored family afterwards
		changed bool
	}{
		{"current token", open, "f", 5, time.Minute, Rotated, 6, true},
		{"current token in its last moment", open, "f", 5, month - 1, Rotated, 6, true},
		{"current token too late", open, "f", 5, month, Expired, 5, true},
		{"token just used", open, "f", 4, 59 * time.Second, Repeated, 5, false},
		{"token just used, at the end of the window", open, "f", 4, 60 * time.Second, Repeated, 5, false},
		{"token just used, another server's clock behind", open, "f", 4, -2 * time.Second, Repeated, 5, false},
		{"token used before the window", open, "f", 4, 61 * time.Second, Stolen, 5, true},
		{"older token", open, "f", 3, time.Second, Stolen, 5, true},
		{"first token", open, "f", 1, time.Second, Stolen, 5, true},
		{"token from the future", open, "f", 6, time.Second, Stolen, 5, true},
		{"current token of an ended session", ended, "f", 5, time.Second, Ended, 5, false},
		{"old token of an ended session", ended, "f", 2, time.Second, Ended, 5, false},
		{"no such session", open, "g", 5, time.Second, Unknown, 5, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			other := Family{ID: "other", N: 1, OpenTime: t0, RotateTime: t0, ExpireTime: t0.Add(month)}
			p := &Player{Families: []Family{other, tt.family}}
			now := t0.Add(tt.at)
			got, f, changed := p.Refresh(tt.id, tt.n, now, month)
			if got != tt.want || changed != tt.changed {
				t.Fatalf("outcome %d changed %t, want %d %t", got, changed, tt.want, tt.changed)
			}
			if f == nil || f.ID != tt.id {
				t.Fatalf("family %v", f)
			}
			if f.Live(now) != (got == Rotated || got == Repeated) {
				t.Errorf("after outcome %d the session is %+v", got, f)
			}
			stored := p.Family("f")
			if stored.N != tt.wantN {
				t.Errorf("n = %d, want %d", stored.N, tt.wantN)
			}
			if got == Rotated && (!stored.RotateTime.Equal(now) || !stored.ExpireTime.Equal(now.Add(month))) {
				t.Errorf("rotated to %+v", stored)
			}
			if *p.Family("other") != other {
				t.Error("another session was touched")
			}
		})
	}
}

// A write whose fate is unknown is decided again on what is stored then.
func TestRefreshAgainOnItsOwnOutcome(t *testing.T) {
	p := &Player{Families: []Family{{ID: "f", N: 1, OpenTime: t0, RotateTime: t0, ExpireTime: t0.Add(month)}}}
	if got, _, _ := p.Refresh("f", 1, t0, month); got != Rotated {
		t.Fatal(got)
	}
	got, f, changed := p.Refresh("f", 1, t0.Add(time.Second), month)
	if got != Repeated || changed || f.N != 2 {
		t.Errorf("outcome %d changed %t n %d, want the same successor", got, changed, f.N)
	}
}

func TestOpen(t *testing.T) {
	p := &Player{ID: "p"}
	first, opened := p.Open([]string{"a", "b", "c"}, t0, month)
	if !opened || first.ID != "a" || first.N != 1 || !first.ExpireTime.Equal(t0.Add(month)) {
		t.Fatalf("opened %+v", first)
	}
	again, opened := p.Open([]string{"x", "a", "c"}, t0.Add(SignInWindow), month)
	if opened || again.ID != "a" {
		t.Errorf("within the window: %+v opened %t, want the same family", again, opened)
	}
	late, opened := p.Open([]string{"x", "a", "c"}, t0.Add(SignInWindow+1), month)
	if !opened || late.ID != "x" {
		t.Errorf("after the window: %+v opened %t, want a new family", late, opened)
	}
	p.End("a", t0)
	ended, opened := p.Open([]string{"a", "c"}, t0.Add(time.Minute), month)
	if !opened || ended.ID != "c" {
		t.Errorf("after a sign-out: %+v opened %t, want a family of another name", ended, opened)
	}
	p.End("c", t0)
	if f, _ := p.Open([]string{"a", "c"}, t0.Add(time.Minute), month); f != nil {
		t.Errorf("no name left: %+v", f)
	}
}

func TestOpenDropsTheLeastRecentlyRefreshed(t *testing.T) {
	p := &Player{}
	for i := range MaxFamilies {
		p.Open([]string{fmt.Sprint(i)}, t0.Add(time.Duration(i)*time.Minute), month)
	}
	now := t0.Add(time.Hour)
	p.Refresh("0", 1, now, month)
	p.Open([]string{"new"}, now, month)
	if len(p.Families) != MaxFamilies || p.Family("1") != nil || p.Family("0") == nil || p.Family("new") == nil {
		t.Errorf("families %+v, want 1 dropped", p.Families)
	}
	// Sessions that ended do not count, and there are no more of them either.
	p.End("5", now)
	for i := range 2 * MaxFamilies {
		p.End(fmt.Sprintf("ended-%d", i), now.Add(time.Duration(i)*time.Second))
	}
	p.Open([]string{"newer"}, now, month)
	live, ended := 0, 0
	for _, f := range p.Families {
		if f.Live(now) {
			live++
		} else {
			ended++
		}
	}
	if live != MaxFamilies || ended != MaxFamilies || p.Family("2") == nil || p.Family("ended-19") == nil || p.Family("ended-0") != nil {
		t.Errorf("%d live, %d ended: %+v", live, ended, p.Families)
	}
}

func TestOpenForgetsWhatIsOver(t *testing.T) {
	p := &Player{}
	p.Open([]string{"expired"}, t0.Add(-month), month)
	p.Open([]string{"ended"}, t0.Add(-2*time.Hour), month)
	p.End("ended", t0.Add(-EndedWindow))
	p.Open([]string{"remembered"}, t0.Add(-2*time.Hour), month)
	p.End("remembered", t0.Add(-EndedWindow+1))
	p.Open([]string{"new"}, t0, month)
	if len(p.Families) != 2 || p.Family("remembered") == nil || p.Family("new") == nil {
		t.Errorf("families %+v", p.Families)
	}
}

func TestEndAndRevoke(t *testing.T) {
	p := &Player{}
	p.Open([]string{"a"}, t0, month)
	if !p.End("a", t0) || p.End("a", t0) {
		t.Error("End does not tell what it changed")
	}
	if !p.End("unknown", t0) || p.End("unknown", t0) || p.Family("unknown").Live(t0) {
		t.Error("a session that is not there is not written down as ended")
	}
	if !p.Revoke() || p.Revoke() || len(p.Families) != 0 || !p.Revoked {
		t.Errorf("revoked %+v", p)
	}
	if outcome, f, changed := p.Refresh("a", 1, t0, month); outcome != Ended || f != nil || changed || p.End("b", t0) {
		t.Errorf("a revoked player: %d %v %t", outcome, f, changed)
	}
}
