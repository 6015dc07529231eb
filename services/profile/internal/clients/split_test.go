package clients

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSplit(t *testing.T) {
	for what, test := range map[string]struct {
		text string
		want []string
	}{
		"nothing":             {"", []string{""}},
		"just fits":           {strings.Repeat("x", 20), []string{strings.Repeat("x", 20)}},
		"behind a blank":      {"aaaaaaaaaaaaaaaaaa bbbb", []string{"aaaaaaaaaaaaaaaaaa ", "bbbb"}},
		"a blank too far off": {"aaaa bbbbbbbbbbbbbbbbbbbbbb", []string{"aaaa bbbbbbbbbbbbbbb", "bbbbbbb"}},
		"behind a stop":       {"一二三四五六七八九十一二三四五六七八。九十", []string{"一二三四五六七八九十一二三四五六七八。", "九十"}},
		"not before a mark":   {strings.Repeat("x", 19) + "e\u0301y", []string{strings.Repeat("x", 19), "e\u0301y"}},
		"marks only":          {strings.Repeat("\u0301", 21), []string{strings.Repeat("\u0301", 20), "\u0301"}},
	} {
		if got := split(test.text, 20); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", what, got, test.want)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("a text, with all sorts of things\u0301 in it", 7)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if limit < 1 || !utf8.ValidString(text) {
			return
		}
		parts := split(text, limit)
		for _, part := range parts {
			if n := utf8.RuneCountInString(part); n > limit || n == 0 && text != "" {
				t.Errorf("a part of %d", n)
			}
		}
		if strings.Join(parts, "") != text {
			t.Errorf("%q becomes %q", text, parts)
		}
	})
}
