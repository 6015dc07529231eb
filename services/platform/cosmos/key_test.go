package cosmos

import (
	"encoding/json"
	"strings"
	"testing"

	"supergame/services/platform/fault"
)

func TestKeyHeaderIsJSON(t *testing.T) {
	for _, level := range []string{"plain", "Grüße", "日本", "emoji \U0001f600", "\x00nul", "\x7fdel", "tab\t", `quote " and \`, "<&>"} {
		key := PK(level, "second")
		if quotesAsJSON(level) != (key.json == "") {
			t.Errorf("PK(%q): own header %q, although the SDK's is good: %v", level, key.json, quotesAsJSON(level))
		}
		text := asciiJSON([]string{level, "second"})
		for i := range len(text) {
			if text[i] >= 0x7f || text[i] < 0x20 {
				t.Errorf("asciiJSON(%q) = %q is not printable ASCII", level, text)
				break
			}
		}
		var back []string
		if err := json.Unmarshal([]byte(text), &back); err != nil || len(back) != 2 || back[0] != level {
			t.Errorf("asciiJSON(%q) = %q reads back as %q, %v", level, text, back, err)
		}
	}
}

func TestCheckID(t *testing.T) {
	for _, id := range []string{"a", "l|01J", "日本", strings.Repeat("x", maxIDBytes), `with "quotes"`, "100%", "5%-off", "a b"} {
		if err := checkID(id); err != nil {
			t.Errorf("checkID(%q) = %v", id, err)
		}
	}
	for _, id := range []string{"", "a/b", `a\b`, "a?b", "a#b", "\x00", "a\nb", "\x7f", "\xff", "a%2Fb", "%41", " a", "a ", strings.Repeat("x", maxIDBytes+1)} {
		if err := checkID(id); !fault.Is(err, fault.InvalidArgument) {
			t.Errorf("checkID(%q) = %v, want an invalid argument", id, err)
		}
	}
}
