package text

import (
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestFold(t *testing.T) {
	for _, same := range [][]string{
		{"ada", "Ada", "ADA", "ＡＤＡ", "ａda"},
		{"οδοσ", "οδος", "ΟΔΟΣ", "Οδος"},
		{"strasse", "straße", "STRASSE", "STRAẞE"},
		{"café", "cafe\u0301", "CAFÉ", "CAFE\u0301"},
		{"иван", "ИВАН"},
		{"ᏣᎳᎩ", "ꮳꮃꭹ"},
		{"アダ", "ｱﾀﾞ"},
	} {
		for _, s := range same {
			if got, err := Fold(s); err != nil || got != same[0] {
				t.Errorf("Fold(%q) = %q, %v, want %q", s, got, err, same[0])
			}
		}
	}
	for _, bad := range []string{
		"a b", "a\x00b", "a\u200fb", "a\u200bb", "a\u202eb", "ﬁx", "a\tb", "\xff", "a\u0378", "א1a", "\u00a0", "x\u2028", "①", "\u3164\u3164",
	} {
		if got, err := Fold(bad); err == nil {
			t.Errorf("Fold(%q) = %q, want an error", bad, got)
		}
	}
}

func TestSkeleton(t *testing.T) {
	for _, same := range [][]string{
		{"paypal", "pаypal", "paypaI", "paypa1", "paypa|", "раураӏ", "pay\u200bpal", "pay\u00adpal", "pay\ufe0fpal", "pay\u034fpal", "pay\u3164pal"},
		{"modern", "modem"},
		{"MEOW", "𝗠𝔼𝑶𝓦"},
		{"é", "e\u0301"},
		{"bOb", "b0b"},
		{"\ufffd", "\xff"},
	} {
		for _, s := range same {
			if Skeleton(s) != Skeleton(same[0]) {
				t.Errorf("%q looks like %q: %q, %q", s, same[0], Skeleton(s), Skeleton(same[0]))
			}
		}
	}
	for _, pair := range [][2]string{{"ada", "bob"}, {"paypal", "PayPal"}, {"a", "á"}, {"", "a"}} {
		if Skeleton(pair[0]) == Skeleton(pair[1]) {
			t.Errorf("%q and %q have the same skeleton", pair[0], pair[1])
		}
	}
}

func TestLookalike(t *testing.T) {
	for _, same := range [][]string{
		{"paypal", "PayPaI", "PAYPAL", "pаypal", "PаypaI", "Paypa1"},
		{"bob", "b0b", "BOB", "B0b"},
		{"istanbul", "i\u0307stanbul", "ıstanbul"},
		{"lvan", "Ivan", "İvan"},
		{"ᏣᎳᎩ", "ꮳꮃꭹ"},
		{"οδοσ", "οδος"},
	} {
		for _, s := range same {
			if Lookalike(s) != Lookalike(same[0]) {
				t.Errorf("%q looks like %q: %q, %q", s, same[0], Lookalike(s), Lookalike(same[0]))
			}
		}
	}
	// What a capital i is taken for depends on who reads it: hence both the raw and the folded form count.
	if Lookalike("ivan") == Lookalike("Ivan") {
		t.Error("a capital i looks like an l")
	}
}

func TestOneScript(t *testing.T) {
	for s, want := range map[string]bool{
		"ada": true, "ada_99": true, "": true, "123": true, "иван-3": true, "cafe\u0301": true, "שלום": true,
		"漢字かなカナー": true, "漢字한글": true, "漢字ㄅㄆ": true, "かな": true, "한글": true,
		"pаypal": false, "adaи": false, "かな한글": false, "ㄅかな": false, "漢字a": false, "αa": false,
		"a\u0378": false, "1١": false, "٣٣": true, "𝟏1": false, "\U0010ffff": false,
	} {
		if got := OneScript(s); got != want {
			t.Errorf("OneScript(%q) = %v", s, got)
		}
	}
}

// TestDigitsStandInTens holds what zeroOf counts on.
func TestDigitsStandInTens(t *testing.T) {
	for _, in := range unicode.Nd.R16 {
		if in.Stride != 1 || (in.Hi-in.Lo+1)%10 != 0 {
			t.Errorf("digits %#x to %#x", in.Lo, in.Hi)
		}
	}
	for _, in := range unicode.Nd.R32 {
		if in.Stride != 1 || (in.Hi-in.Lo+1)%10 != 0 {
			t.Errorf("digits %#x to %#x", in.Lo, in.Hi)
		}
	}
}

// TestEveryCharacter holds for each character alone what [FuzzText] looks for in texts; of the many ideographs and syllables one in sixteen,
// unless LONG=1.
func TestEveryCharacter(t *testing.T) {
	long := os.Getenv("LONG") != ""
	for r := range rune(unicode.MaxRune) {
		if !long && r%16 != 0 && unicode.In(r, unicode.Unified_Ideograph, unicode.Hangul) {
			continue
		}
		if assigned := r < 0x33480 || r >= 0xe0000 && r < 0xe0200; assigned && utf8.ValidRune(r) {
			hold(t, string(r))
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"paypal", "pаypaI", "ΟΔΟΣ", "straße", "i\u0307", "ｱﾀﾞ", "\xff\x00", "한글漢字", "شمس", "a\u0323\u0307", "ſt", "ŉ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) < 1024 {
			hold(t, s)
		}
	})
}

// hold checks what holds of every text.
func hold(t *testing.T, s string) {
	t.Helper()
	skeleton, lookalike := Skeleton(s), Lookalike(s)
	if again := Skeleton(skeleton); again != skeleton {
		t.Errorf("the skeleton of %+q is %+q, and of that %+q", s, skeleton, again)
	}
	if again := Lookalike(lookalike); again != lookalike {
		t.Errorf("the look-alike of %+q is %+q, and of that %+q", s, lookalike, again)
	}
	if Lookalike(skeleton) != lookalike {
		t.Errorf("%+q and its skeleton have not the same look-alike", s)
	}
	if Skeleton(norm.NFC.String(s)) != skeleton || Skeleton(norm.NFD.String(s)) != skeleton {
		t.Errorf("the skeleton of %+q depends on its composition", s)
	}
	if !utf8.ValidString(skeleton) || !norm.NFD.IsNormalString(skeleton) || strings.ContainsRune(skeleton, 0) {
		t.Errorf("the skeleton of %+q is %+q", s, skeleton)
	}
	OneScript(s)
	folded, err := Fold(s)
	if err != nil {
		return
	}
	if again, err := Fold(folded); err != nil || again != folded {
		t.Errorf("%+q folds to %+q, and that to %+q, %v", s, folded, again, err)
	}
}
