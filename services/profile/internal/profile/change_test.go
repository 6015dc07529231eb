package profile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/platform/fault"
)

var (
	before = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	now    = before.Add(time.Hour)
)

func stored() Player {
	return Player{
		Profile: Profile{
			PlayerID: someone.Subject, DisplayName: "Ada", Avatar: "knight-3", Country: "DE", Languages: []string{"de"},
			JoinTime: before, UpdateTime: before, ETag: "p1",
		},
		Private: &Private{
			Settings: map[string]string{"sound": "off"}, Flags: map[string]bool{"beta": true}, UpdateTime: before, ETag: "s1",
		},
	}
}

func TestApply(t *testing.T) {
	tests := []struct {
		what    string
		mask    mask
		request Player
		change  func(*Player) // what must be different afterwards
	}{
		{
			what: "a value", mask: mask{"display_name"}, request: Player{Profile: Profile{DisplayName: " Bob "}},
			change: func(p *Player) { p.DisplayName, p.UpdateTime = "Bob", now },
		},
		{
			what: "values outside of the mask are ignored, bad ones too", mask: mask{"avatar"},
			request: Player{Profile: Profile{DisplayName: "\u200b", Country: "XX", Avatar: "fox"}},
			change:  func(p *Player) { p.Avatar, p.UpdateTime = "fox", now },
		},
		{
			what: "a named field that is empty is cleared", mask: mask{"country", "languages"},
			change: func(p *Player) { p.Country, p.Languages, p.UpdateTime = "", nil, now },
		},
		{
			what: "settings are replaced whole", mask: mask{"private.settings"},
			request: Player{Private: &Private{Settings: map[string]string{"light": "on"}, Flags: map[string]bool{"vip": true}}},
			change: func(p *Player) {
				p.Private.Settings, p.Private.UpdateTime = map[string]string{"light": "on"}, now
			},
		},
		{
			what: "settings without a private part are cleared", mask: mask{"private.settings"},
			change: func(p *Player) { p.Private.Settings, p.Private.UpdateTime = nil, now },
		},
		{
			what: "both parts", mask: mask{"country", "private.flags"},
			request: Player{Profile: Profile{Country: "FR"}, Private: &Private{Flags: map[string]bool{"vip": true}}},
			change: func(p *Player) {
				p.Country, p.UpdateTime = "FR", now
				p.Private.Flags, p.Private.UpdateTime = map[string]bool{"vip": true}, now
			},
		},
		{
			what: "one part of both is the same", mask: mask{"country", "private.flags"},
			request: Player{Profile: Profile{Country: "DE"}, Private: &Private{}},
			change:  func(p *Player) { p.Private.Flags, p.Private.UpdateTime = nil, now },
		},
		{
			what: "the same again", mask: mask{"display_name", "languages", "private.settings"},
			request: Player{
				Profile: Profile{DisplayName: "Ada  ", Languages: []string{"DE"}},
				Private: &Private{Settings: map[string]string{"sound": "off"}},
			},
			change: func(*Player) {},
		},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			c, err := newChange(test.mask, test.request)
			if err != nil {
				t.Fatal(err)
			}
			want := stored()
			test.change(&want)
			wantParts := Parts{Public: !want.UpdateTime.Equal(before), Private: !want.Private.UpdateTime.Equal(before)}
			got := stored()
			if parts := c.apply(&got, now); parts != wantParts {
				t.Errorf("changed %+v, want %+v", parts, wantParts)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestApplyKeepsTimeFromGoingBack(t *testing.T) {
	c, err := newChange(mask{"avatar"}, Player{Profile: Profile{Avatar: "fox"}})
	if err != nil {
		t.Fatal(err)
	}
	p := stored()
	c.apply(&p, before.Add(-time.Minute))
	if !p.UpdateTime.Equal(before) {
		t.Errorf("the update time went from %v to %v", before, p.UpdateTime)
	}
}

func TestCheckVersions(t *testing.T) {
	tests := []struct {
		what            string
		mask            mask
		public, private string
		field           string // of the refusal
	}{
		{what: "any", mask: mask{"avatar", "private.settings"}},
		{what: "the stored ones", mask: mask{"avatar", "private.settings"}, public: "p1", private: "s1"},
		{what: "old public", mask: mask{"avatar"}, public: "p0", field: "profile.etag"},
		{what: "old private", mask: mask{"private.settings"}, private: "s0", field: "profile.private.etag"},
		{what: "old version of a part that stays", mask: mask{"avatar"}, private: "s0"},
		{what: "old version of the other part that stays", mask: mask{"private.settings"}, public: "p0"},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			c, err := newChange(test.mask, Player{Profile: Profile{ETag: test.public}, Private: &Private{ETag: test.private}})
			if err != nil {
				t.Fatal(err)
			}
			p := stored()
			err = c.check(&p)
			if test.field == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			f := fault.As(err)
			if f == nil || f.Kind != fault.Aborted || f.Reason != "ETAG_MISMATCH" || f.Metadata["field"] != test.field {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestContent(t *testing.T) {
	content := func(m mask, p Player) string {
		t.Helper()
		c, err := newChange(m, p)
		if err != nil {
			t.Fatal(err)
		}
		return string(c.content())
	}
	first := content(mask{"display_name"}, Player{Profile: Profile{DisplayName: "Ada"}})
	same := map[string]Player{
		"normalized the same":           {Profile: Profile{DisplayName: " Ada"}},
		"another version":               {Profile: Profile{DisplayName: "Ada", ETag: "p2"}},
		"another value out of the mask": {Profile: Profile{DisplayName: "Ada", Country: "FR"}},
	}
	for what, p := range same {
		if got := content(mask{"display_name"}, p); got != first {
			t.Errorf("%s: %s, want %s", what, got, first)
		}
	}
	if got := content(mask{"display_name"}, Player{Profile: Profile{DisplayName: "Bob"}}); got == first {
		t.Error("another name has the same content")
	}
	if got := content(mask{"avatar", "display_name"}, Player{Profile: Profile{DisplayName: "Ada"}}); got == first {
		t.Error("another mask has the same content")
	}
}
