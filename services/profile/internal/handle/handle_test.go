package handle

import (
	"context"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"supergame/services/platform/fault"
	"supergame/services/platform/text"
	"supergame/services/profile/internal/profile"
)

func TestParse(t *testing.T) {
	for s, want := range map[string][2]string{
		"ada":                   {"ada", "ada"},
		"Ada_99":                {"Ada_99", "ada_99"},
		"ＡＤＡ":                   {"ADA", "ada"},
		"a.b-c_d":               {"a.b-c_d", "a.b-c_d"},
		"Straße":                {"Straße", "strasse"},
		"ΟΔΟΣ":                  {"ΟΔΟΣ", "οδοσ"},
		"cafe\u0301":            {"café", "café"},
		"プレイヤー":                 {"プレイヤー", "プレイヤー"},
		"한국어사용자":                {"한국어사용자", "한국어사용자"},
		"漢字かなカナ":                {"漢字かなカナ", "漢字かなカナ"},
		"ישראל":                 {"ישראל", "ישראל"},
		"१२३":                   {"१२३", "१२३"},
		"नमस्ते":                {"नमस्ते", "नमस्ते"},
		strings.Repeat("a", 20): {strings.Repeat("a", 20), strings.Repeat("a", 20)},
	} {
		n, err := Parse(s)
		if err != nil || n.Shown != want[0] || n.Folded != want[1] {
			t.Errorf("%q: %q, %q, %v", s, n.Shown, n.Folded, err)
		}
	}
	for s, part := range map[string]string{
		"":                             "at least 3",
		"ab":                           "at least 3",
		"a\u0301b":                     "at least 3",
		strings.Repeat("a", 21):        "at most 20",
		strings.Repeat("𐐨", 17):        "at most 64",
		"a b c":                        "user name",
		" ada":                         "user name",
		"pаypal":                       "mixes scripts",
		"adaадa":                       "mixes scripts",
		"かな한글":                         "mixes scripts",
		"1١٢3":                         "",
		"a\x00bc":                      "U+0000",
		"abc\n":                        "U+000A",
		"a\u200fbc":                    "U+200F",
		"a\u202ebc":                    "U+202E",
		"a\u200bbc":                    "U+200B",
		"a\u200dbc":                    "U+200D",
		"ab\xffc":                      "UTF-8",
		"_ada":                         "elsewhere",
		"ada_":                         "ends with",
		"a..b":                         "elsewhere",
		"...":                          "elsewhere",
		"a/b":                          "no letter",
		"a?b#c":                        "no letter",
		`a"b`:                          "no letter",
		"<b>":                          "no letter",
		"ada🦊":                         "user name",
		"abc\u0300\u0300":              "too many",
		"a\u0323\u0331\u0300\u0340bcd": "",
		"\u0301abc":                    "",
		"a_\u0301bc":                   "without a letter",
		"ﬁx":                           "user name",
		"abc\u0378":                    "user name",
		"\u3164\u3164\u3164":           "user name",
		"①②③":                          "user name",
	} {
		_, err := Parse(s)
		f := fault.As(err)
		if f == nil || f.Kind != fault.InvalidArgument || f.Fields[0].Path != "handle" || !strings.Contains(f.Fields[0].Description, part) {
			t.Errorf("%+q: %v, want %q", s, err, part)
		}
	}
}

// same reports whether two handles have a look in common.
func same(t *testing.T, a, b string) bool {
	t.Helper()
	x, err := Parse(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(x.Keys, y.has)
}

func TestLooks(t *testing.T) {
	for _, pair := range [][2]string{
		{"paypal", "PAYPAL"}, {"paypal", "paypaI"}, {"paypal", "PayPaI"}, {"paypal", "paypa1"}, {"раура", "paypa"}, {"straße", "STRASSE"},
		{"οδος", "ΟΔΟΣ"}, {"Ivan", "ivan"}, {"Ivan", "lvan"}, {"istanbul", "İstanbul"}, {"istanbul", "ISTANBUL"}, {"b0b", "BOB"}, {"modern", "modem"},
	} {
		if !same(t, pair[0], pair[1]) {
			t.Errorf("%q and %q have no look in common", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"ivan", "lvan"}, {"ada", "bob"}, {"anna", "änna"}, {"ada1", "ada2"}, {"a_b", "a-b"}} {
		if same(t, pair[0], pair[1]) {
			t.Errorf("%q and %q have a look in common", pair[0], pair[1])
		}
	}
}

// FuzzParse: what is accepted fits, is stable, and has the looks that the raw and the folded form have.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"paypal", "PaypaI", "straße", "ΟΔΟΣ", "İstanbul", "プレイヤー", "a\u200fb", "\xff\x00", "a\u0301\u0302b", "ᏣᎳᎩ", "ﺍﺏﺕ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err != nil {
			if !fault.Is(err, fault.InvalidArgument) {
				t.Errorf("%+q: %v", s, err)
			}
			return
		}
		if runes := utf8.RuneCountInString(n.Shown); runes < minRunes || runes > maxRunes || len(n.Shown) > maxBytes || !text.OneScript(n.Shown) {
			t.Errorf("%+q gives %+q", s, n.Shown)
		}
		again, err := Parse(n.Shown)
		if err != nil || again.Shown != n.Shown || again.Folded != n.Folded || !slices.Equal(again.Keys, n.Keys) {
			t.Errorf("%+q gives %+v, and that %+v, %v", s, n, again, err)
		}
		if stored := stored(n.Shown); stored.Folded != n.Folded || !slices.Equal(stored.Keys, n.Keys) {
			t.Errorf("%+q gives %+v, and stored %+v", s, n, stored)
		}
		for _, form := range []string{s, n.Shown, n.Folded} {
			if key := keyOf(text.Lookalike(text.Skeleton(form))); form != s && !n.has(key) {
				t.Errorf("%+q does not reserve the look of %+q", s, form)
			}
		}
		if !n.has(n.listed()) || len(n.Keys) > 2 || !slices.IsSorted(n.Keys) {
			t.Errorf("%+q has the keys %v", s, n.Keys)
		}
	})
}

// refusing is a moderator that refuses one word.
type refusing struct{ asked []string }

func (m *refusing) Check(_ context.Context, playerID, _, handle string) error {
	m.asked = append(m.asked, playerID+" "+handle)
	return fault.New(fault.InvalidArgument, "TEXT_REFUSED", "not that")
}

// TestRefusalsTouchNothing calls without a store: who may not, and what must not be shown, is refused before anything is read or written.
func TestRefusalsTouchNothing(t *testing.T) {
	const ada, bob = "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BX5ZZKBKACTAV9WEVGEMMVRZ"
	moderator := &refusing{}
	h := &Handles{Moderator: moderator}
	for what, test := range map[string]struct {
		caller  profile.Caller
		request Request
		reason  string
	}{
		"another player":                  {profile.Caller{Subject: ada, Player: true}, Request{PlayerID: bob, Handle: "paypal"}, "NOT_YOUR_PROFILE"},
		"a caller named like the player":  {profile.Caller{Subject: bob}, Request{PlayerID: bob, Handle: "paypal"}, "NOT_YOUR_PROFILE"},
		"an operator, for nobody":         {profile.Caller{Subject: "ops", Operator: true}, Request{Handle: "paypal"}, "INVALID_FIELD"},
		"a bad handle":                    {profile.Caller{Subject: ada, Player: true}, Request{Handle: "pаypal"}, "INVALID_FIELD"},
		"a word that must not be shown":   {profile.Caller{Subject: ada, Player: true}, Request{Handle: "ｐａｙpal"}, "TEXT_REFUSED"},
		"the same word, from an operator": {profile.Caller{Subject: "ops", Operator: true}, Request{PlayerID: ada, Handle: "paypal"}, "TEXT_REFUSED"},
	} {
		if _, err := h.Claim(context.Background(), test.caller, test.request); fault.ReasonOf(err) != test.reason {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, asked := range moderator.asked {
		if asked != ada+" paypal" {
			t.Errorf("asked about %q", asked)
		}
	}
	if len(moderator.asked) != 2 {
		t.Errorf("asked %q", moderator.asked)
	}
}

// TestFormer: who had a handle is told by the key alone, and not from one reservation to another.
func TestFormer(t *testing.T) {
	h, other := &Handles{Key: []byte("a")}, &Handles{Key: []byte("b")}
	seen := map[string]bool{h.former("k", "p"): true, h.former("l", "p"): true, h.former("k", "q"): true, other.former("k", "p"): true}
	if len(seen) != 4 || !seen[h.former("k", "p")] {
		t.Error("two of them have the same name")
	}
}
