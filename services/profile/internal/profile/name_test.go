package profile

import (
	"strings"
	"testing"
	"unicode/utf8"

	"supergame/services/platform/fault"
)

func TestDisplayName(t *testing.T) {
	tests := []struct {
		what, name string
		want       string // normalized
		refused    string // part of the refusal; "" = allowed
	}{
		{what: "no name", name: "", want: ""},
		{what: "plain", name: "Ada", want: "Ada"},
		{what: "case stays", name: "McLOVIN", want: "McLOVIN"},
		{what: "spaces around and inside", name: "  a \u00a0\u3000 b ", want: "a b"},
		{what: "full width", name: "Ａｄａ", want: "Ada"},
		{what: "decomposed", name: "Ame\u0301lie", want: "Am\u00e9lie"},
		{what: "right to left letters", name: "عمر", want: "عمر"},
		{what: "emoji", name: "🦊 fox", want: "🦊 fox"},
		{what: "emoji alone", name: "🦊", want: "🦊"},
		{what: "32 characters of four bytes", name: strings.Repeat("🦊", 32), want: strings.Repeat("🦊", 32)},
		{what: "longer before than after", name: strings.Repeat("a ", 16) + "    b", want: strings.Repeat("a ", 16) + "b", refused: "33 characters"},
		{what: "longer after than before", name: "ﷺﷺ", refused: "has 36 characters after normalization"},
		{what: "spaces alone", name: " \u3000", refused: "empty"},
		{what: "tab", name: "a\tb", refused: "U+0009, a control character"},
		{what: "NUL", name: "a\x00b", refused: "U+0000, a control character"},
		{what: "line separator", name: "a\u2028b", refused: "U+2028, a line break"},
		{what: "right-to-left mark", name: "a\u200fb", refused: "U+200F, an invisible formatting character"},
		{what: "right-to-left override", name: "a\u202eb", refused: "U+202E, an invisible formatting character"},
		{what: "isolate", name: "\u2066a\u2069", refused: "U+2066, an invisible formatting character"},
		{what: "zero width space", name: "a\u200bb", refused: "U+200B"},
		{what: "zero width joiner where PRECIS lets it through", name: "क्\u200dष", refused: "U+200D"},
		{what: "soft hyphen", name: "a\u00adb", refused: "U+00AD"},
		{what: "byte order mark", name: "\ufeffa", refused: "U+FEFF"},
		{what: "tag character", name: "a\U000e0041", refused: "U+E0041"},
		{what: "private use", name: "\ue000", refused: "U+E000, a private-use character"},
		{what: "unassigned", name: "a\u0378", refused: "U+0378, which is not assigned"},
		{what: "noncharacter", name: "a\ufdd0", refused: "U+FDD0, which is not assigned"},
		{what: "variation selector", name: "❤\ufe0f", refused: "U+FE0F, a variation selector"},
		{what: "Hangul filler", name: "\u3164", refused: "disallowed"},
		{what: "Braille blank", name: "\u2800\u2800", refused: "shows nothing"},
		{what: "blank symbols", name: "\U0001d159\ufffc", refused: "shows nothing"},
		{what: "four marks", name: "a\u0310\u0311\u0312\u0313", want: "a\u0310\u0311\u0312\u0313"},
		{what: "five marks", name: "a\u0310\u0311\u0312\u0313\u0314", refused: "more than 4 combining marks"},
		{what: "a flood of marks", name: "a" + strings.Repeat("\u0310", 31), refused: "disallowed"},
		{what: "Tibetan stack", name: "བསྒྲུབས", want: "བསྒྲུབས"},
		{what: "Hebrew with points", name: "שָׁלוֹם", want: "שָׁלוֹם"},
		{what: "a mark in front", name: "\u0301abc", refused: "begins with a combining mark"},
		{what: "marks alone", name: "\u0301\u0302", refused: "shows nothing"},
		{what: "broken UTF-8", name: "a\xff", refused: "UTF-8"},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			got, err := displayName(test.name)
			if test.refused == "" {
				if err != nil || got != test.want {
					t.Fatalf("got %q, %v, want %q", got, err, test.want)
				}
				return
			}
			wantInvalid(t, err, nameField, test.refused)
		})
	}
}

func FuzzDisplayName(f *testing.F) {
	for _, seed := range []string{"Ada", " a  b ", "ﷺ", "क्\u200dष", "\u1e9b\u0323", "ǆ", "\u0345\u0345", "½", "①"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := displayName(s)
		if err != nil {
			if !fault.Is(err, fault.InvalidArgument) {
				t.Fatalf("%q: %v is not the caller's fault", s, err)
			}
			return
		}
		if n := utf8.RuneCountInString(name); n > maxNameRunes {
			t.Fatalf("%q has %d characters", name, n)
		}
		if again, err := displayName(name); err != nil || again != name {
			t.Fatalf("%q becomes %q, which becomes %q, %v", s, name, again, err)
		}
	})
}

// wantInvalid checks that err names the field, and says what is wrong with it.
func wantInvalid(t *testing.T, err error, field, part string) {
	t.Helper()
	f := fault.As(err)
	if f == nil || f.Kind != fault.InvalidArgument || len(f.Fields) != 1 {
		t.Fatalf("got %v, want one bad field", err)
	}
	if f.Fields[0].Path != field {
		t.Errorf("the field is %q, want %q", f.Fields[0].Path, field)
	}
	if !strings.Contains(f.Fields[0].Description, part) {
		t.Errorf("the description is %q, want it to say %q", f.Fields[0].Description, part)
	}
}
