package text

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
)

func newList(t testing.TB, lines ...string) *WordList {
	t.Helper()
	list, err := NewWordList(lines)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// The words of these tests are harmless ones: porcupine and friends are what may not be said.
func TestDisguises(t *testing.T) {
	list := newList(t, "[animals]", "toad", "louse", "*weasel*", "bullfrog*", "sea cow", "ass", "cunning", "slot")
	for what, texts := range map[string][]string{
		"plain":                      {"toad", "TOAD", "Toad", "a toad!", "the toad, and others", "ass", "my ass."},
		"Cyrillic":                   {"tоad", "toаd", "tоаd", "ТОАd", "тоаd", "аsѕ", "lоuѕe"},
		"Greek":                      {"τοad", "tοad", "ΤΟΑd"},
		"Cyrillic, written large":    {"ТОАD", "АSS"},
		"fullwidth":                  {"ｔｏａｄ", "ＴＯＡＤ"},
		"mathematical":               {"𝐭𝐨𝐚𝐝", "𝓽𝓸𝓪𝓭", "𝕥𝕠𝕒𝕕", "𝚝𝚘𝚊𝚍"},
		"circles, squares, flags":    {"ⓣⓞⓐⓓ", "🅃🄾🄰🄳", "🅣🅞🅐🅓", "🆃🅾🅰🅳", "🇹🇴🇦🇩"},
		"superscript":                {"ᵗᵒᵃᵈ"},
		"accents":                    {"töàd", "tőåḋ"},
		"combining marks":            {"t\u0301o\u0302a\u0303d\u0304", "t\u0336o\u0336a\u0336d\u0336", "toa\u20ddd", "z\u0310\u0311 toa\u0310\u0311\u0312\u0313\u0314d"},
		"zero width":                 {"to\u200bad", "t\u200do\u200ca\u2060d", "to\u00adad", "to\ufeffad", "toa\ufe0fd", "to\u115fad", "to\u3164ad", "to\u034fad", "to\u2800ad"},
		"right to left":              {"to\u202ead", "\u2066toad\u2069"},
		"tags":                       {"to\U000e0061ad"},
		"small capitals, currencies": {"ᴛᴏᴀᴅ", "ᴀꜱꜱ", "₮oad", "l0u§e"},
		"Armenian, Cherokee, Lisu":   {"lօuse", "ꓔꓳꓮꓓ", "ᎪᏚᏚ"},
		"beside other scripts":       {"toadツ", "乂toad乂", "彡toad彡", "トtoad", "toad丨", "さasさass"},
		"leet":                       {"t0ad", "704d", "70a6 t0@d", "+oad", "l0u5e", "a$$", "@ss", "4ss", "a55", "5lot", "510t s10t", "t*ad", "t**d toad"},
		"l, I, 1":                    {"sIot", "s1ot", "s|ot", "s!ot", "cunnlng", "cunn1ng", "cunnIng"},
		"separators":                 {"t.o.a.d", "t-o-a-d", "t_o_a_d", "to.ad", "t/o\\a\"d", "t•o•a•d", "t😀o😀a😀d", "t...o...a...d", "-toad-", "[toad]", "xx toad xx"},
		"blanks":                     {"t o a d", "t  o  a  d", "t oad", "toa d", "t\no\ta\u00a0d", "t\u3000o\u2003a d", "a t o a d"},
		"digits between":             {"t1o1a1d", "t9o9a9d"},
		"repeated":                   {"toooad", "ttooaadd", "tttttttoad", "asss", "aaasssss", "tt oo aa dd", "t-t-o-o-a-d"},
		"together":                   {"T.0.0.@.d", "ｔ 0 а d", "tt00ааdd", "7-о-4-d", "ⓣ.o\u200b.a\u0301 d"},
		"anywhere":                   {"weasel", "weasels", "myweasel", "sweaseled", "xX_weasel_Xx", "123weaseL456", "theWEASELs", "we4sels"},
		"a beginning":                {"bullfrog", "bullfrogs", "Bullfrogging", "bullfrog42", "b.u.l.l.f.r.o.g"},
		"two words":                  {"sea cow", "sea-cow", "Sea   Cow", "sea, cow!", "s e a c o w", "SeaCow sea cow", "sеа_соw", "sea🐄cow"},
		"capitals make words":        {"MyToad", "ToadKing", "myASS", "bigToadKing"},
		"numbers end words":          {"toad123", "123toad", "toad4", "4toad", "big69toad", "toad2000king"},
		"at the ends of other text":  {"x toad", "toad x", "x toad x"},
	} {
		for _, text := range texts {
			if category, found := list.Match(text); !found || category != "animals" {
				t.Errorf("%s: %q is not found (%q)", what, text, category)
			}
		}
	}
}

func TestHonestTexts(t *testing.T) {
	list := newList(t, "toad", "louse", "ass", "cunt", "tit", "god", "pen is", "penis", "anus", "shit", "rapist", "bullfrog*", "niger", "pom", "porn", "סוס")
	for _, text := range []string{
		"", " ", "...", "toadstool", "toads", "stoad", "Scunthorpe", "classic", "classy", "assassin", "bass", "glass", "brass", "passage", "Bass 4 life",
		"c1ass", "br4ss", "g1ass", "b4ss", "blouse", "title", "petit", "Titus", "goddess", "my pe nis", "an us player", "has hit", "class hit", "as soon",
		"a sea of glass", "therapist", "455", "1455", "4 5 5", "455-455", "to add", "to adore", "toe ad", "a bullfro", "mybullfrog", "rana", "corn", "com",
		"to,ad infinitum", "Niigata", "日本語", "Ада", "Тит Ливий", "toadыми", "stoadツ", "彡toadstool彡", "Θεός", "סוסים", "אסוס", "🦊🦊", "\xff\xfe", "t\xffo", "as", "a s", "shot", "Tilt", "ti", "a", "1", "!",
	} {
		if strings.Contains(text, ",ad") {
			continue // a comma is a separator: see the documentation
		}
		if category, found := list.Match(text); found {
			t.Errorf("%q is refused (%s)", text, category)
		}
	}
}

// TestDefaultList: what is built in lets honest names through.
func TestDefaultList(t *testing.T) {
	list := DefaultWordList()
	honest := strings.Fields(`Scunthorpe Penistone Clitheroe Lightwater Essex Sussex Middlesex Arsenal classic assassin Assam bass glass
		cockpit peacock Hancock Dickens Dickinson Moby_Dick Cumberland Cummings document circumstance Therapist grape drapes Nigeria Niger
		Nigel niggardly snigger Spick analysis Anais canal banal shiitake Shitake mishit Whitehead Cunningham Pakistan Japan Mikehunt
		Sextus Unisex Titanic constitution Buttercup button rebuttal Hello_Kitty Kyser skys bookkeeper Retardant raccoon cocoon tycoon
		pedometer torpedo pom-pom Pompeii corn popcorn spornosexual atwater fuchsia Fukuoka Fukuda Kikelomo Kikei Gookin Kike1
		Bitcoin Player_1488x Hitchcock Hitchhiker Ada_Lovelace Player_1488 Mat_hieu Łukasz Зинаида Ελένη 田中 さくら محمد`)
	refusedAnyway := []string{"Kike1", "Player_1488"} // written like a slur, and a number that is one
	for _, name := range honest {
		category, found := list.Match(name)
		if found != slices.Contains(refusedAnyway, name) {
			t.Errorf("%q: found %v (%s)", name, found, category)
		}
	}
	for name, want := range map[string]string{
		"fuck": "profanity", "xXfuckXx": "profanity", "F.U.C.K": "profanity", "fսck": "profanity", "ｆｕｃｋ": "profanity", "fuuuck you": "profanity",
		"fu ck": "profanity", "sh1t": "profanity", "ЅНІТ": "profanity", "sh\u200bit": "profanity", "b!tch": "profanity", "n1gg3r": "slurs", "ni99er": "slurs",
		"HitlerFan": "hate", "H1tl3r": "hate", "1488": "hate", "KYS": "self-harm", "kill yourself": "self-harm", "p0rn": "sexual",
	} {
		if category, found := list.Match(name); !found || category != want {
			t.Errorf("%q: found %v, %q, want %q", name, found, category, want)
		}
	}
}

func TestLines(t *testing.T) {
	list, err := ReadWordList(strings.NewReader("\ufeff# a comment\r\n\r\nfirst\r\n  [two] \r\nsecond word\n*third*\n[three]\n99 red\nfirst\nпирог\n狸*\n"))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"first": "words", "second word": "two", "athirdb": "two", "99 red": "three", "99red": "", "gg red": "", "пирог": "three", "ПИРОГ": "three", "пирога": "",
		"狸だ": "three", "a comment": "", "two": "",
	} {
		if category, found := list.Match(text); category != want || found != (want != "") {
			t.Errorf("%q: %q, %v, want %q", text, category, found, want)
		}
	}
	empty, err := ReadWordList(strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	if _, found := empty.Match("anything"); found {
		t.Error("an empty list refuses something")
	}
}

func TestBadLines(t *testing.T) {
	for what, text := range map[string]string{
		"one letter": "x", "no letter": "...", "stars alone": "***", "a star inside": "wo*rd", "a sign": "w@rd!", "a category without an end": "[slurs",
		"an empty category": "[]", "a category with a blank": "[two words]", "too long": strings.Repeat("w", 257), "not UTF-8": "w\xffrd", "marks alone": "\u0301\u0302",
	} {
		_, err := ReadWordList(strings.NewReader("good\n" + text + "\n"))
		if err == nil || !strings.Contains(err.Error(), "line 2: ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := ReadWordList(strings.NewReader(strings.Repeat("word\n", maxEntries+1))); err == nil {
		t.Error("a list without end is read")
	}
	if _, err := ReadWordList(strings.NewReader(strings.Repeat("#comment\n", maxListBytes/8))); err == nil {
		t.Error("a file without end is read")
	}
	if _, err := ReadWordList(strings.NewReader(strings.Repeat("x", 1<<17))); err == nil {
		t.Error("a line without end is read")
	}
}

// TestWorkIsLinear: texts made to keep many matches in progress. Twice the text is twice the work.
func TestWorkIsLinear(t *testing.T) {
	list := newList(t, "*aaaaaaaaaaaaaaaaaaaab*", "a a a a a a a a a b", "*abababababababc*", "l1l1l1l1l1l1lx", "*ilililililix*")
	for what, unit := range map[string]string{
		"repeated": "a", "blanks": "a ", "dots": "a.", "alternating": "ab", "many meanings": "1|!lI", "signs": "4@*", "words": "aaaa aaaa ", "capitals": "aAaA",
	} {
		work := func(n int) int {
			s := list.scratch.New().(*scratch)
			if hit := list.run(s, read(strings.Repeat(unit, n))); hit > 0 {
				t.Errorf("%s: found something", what)
			}
			return s.work
		}
		small, large := work(1000), work(8000)
		if large > 9*small {
			t.Errorf("%s: %d steps for a text, %d for eight of them", what, small, large)
		}
		t.Logf("%-14s %d steps for each character", what, large/8000/len(unit))
	}
}

func TestManyAtOnce(t *testing.T) {
	list := newList(t, "toad")
	t.Run("group", func(t *testing.T) {
		for i := range 8 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				for range 200 {
					_, bad := list.Match("a t.o.a.d")
					if _, good := list.Match("a toadstool"); !bad || good {
						t.Errorf("%v, %v", bad, good)
					}
				}
			})
		}
	})
}

// FuzzWordList: no list and no text make it panic; an entry is found as a word of its own, whatever stands around it, and however
// it is written that the documentation names.
func FuzzWordList(f *testing.F) {
	f.Add("toad\n*weasel*\n[x]\nsea cow", "a toad")
	f.Add("[[[", "\xff\u0301")
	f.Add("ﬁsh\nß\u200bß", "ﬁ")
	f.Add("İı\nAа", "ⅿⅿ 𝐈")
	f.Fuzz(func(t *testing.T, lines, around string) {
		entries := strings.Split(lines, "\n")
		list, err := NewWordList(entries)
		list.Match(around)
		list.Match(lines)
		if err != nil {
			return
		}
		for _, entry := range entries {
			entry = strings.TrimSpace(strings.TrimPrefix(entry, "\ufeff"))
			if entry == "" || entry[0] == '#' || entry[0] == '[' {
				continue
			}
			word := strings.TrimSpace(strings.Trim(entry, "*"))
			for what, text := range map[string]string{
				"alone": word, "in blanks": around + " " + word + " " + around, "small": strings.ToLower(word), "in lines": around + "\n" + word + "\n",
				"hidden": strings.Join(strings.Split(word, ""), "\u200b"),
			} {
				if what == "small" && strings.ContainsFunc(word, func(r rune) bool { return r > unicode.MaxASCII }) {
					continue // there are letters whose small form is another one's
				}
				if _, found := list.Match(text); !found {
					t.Errorf("%s: %q is not found in %q", what, entry, text)
				}
			}
		}
	})
}

func BenchmarkWordList(b *testing.B) {
	for what, text := range map[string]string{
		"name": "xX_Ada Lovelace_Xx", "Cyrillic name": "Ада Лавлейс", "10 KB": strings.Repeat("some honest words. ", 540),
		"10 KB of Cyrillic": strings.Repeat("ещё слова ", 540),
	} {
		b.Run(what, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				DefaultWordList().Match(text)
			}
		})
	}
}
