package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// iso3166 is the list of officially assigned codes, https://www.iso.org/obp/ui/#search/code/.
const iso3166 = `AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE
GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP
KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF
NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN
SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA
ZM ZW`

func TestCountry(t *testing.T) {
	official := map[string]bool{}
	for _, code := range strings.Fields(iso3166) {
		official[code] = true
	}
	if len(official) != 249 {
		t.Fatalf("the list has %d codes, ISO 3166-1 has 249", len(official))
	}
	official["XK"] = true // Kosovo: left to its users by ISO
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string(a) + string(b)
			if _, err := country(code); (err == nil) != official[code] {
				t.Errorf("country(%q) = %v, official: %v", code, err, official[code])
			}
		}
	}
	if code, err := country(""); code != "" || err != nil {
		t.Errorf("no country = %q, %v", code, err)
	}
	for _, code := range []string{"de", "DEU", "276", "D", "D\x00", "Germany"} {
		_, err := country(code)
		wantInvalid(t, err, "profile.country", "is not a country")
	}
}

func TestLanguages(t *testing.T) {
	long := []string{"zh-Hant-TW", "sr-Latn-RS", "az-Cyrl-AZ", "uz-Arab-AF", "pa-Arab-PK", "bs-Cyrl-BA", "en-Shaw-GB", "ks-Deva-IN"}
	tests := []struct {
		what    string
		tags    []string
		want    []string
		field   string // of the refusal; "" = allowed
		refused string
	}{
		{what: "none"},
		{what: "order stays", tags: []string{"pt-BR", "en"}, want: []string{"pt-BR", "en"}},
		{what: "case", tags: []string{"EN-us", "ZH-hant-tw"}, want: []string{"en-US", "zh-Hant-TW"}},
		{what: "old codes", tags: []string{"iw", "sh"}, want: []string{"he", "sr-Latn"}},
		{what: "variant", tags: []string{"ca-ES-valencia", "de-1996"}, want: []string{"ca-ES-valencia", "de-1996"}},
		{what: "the same twice after normalization", tags: []string{"iw", "en", "he"}, want: []string{"he", "en"}},
		{what: "unknown language", tags: []string{"en", "xx"}, field: "profile.languages[1]", refused: `there is no "xx"`},
		{what: "malformed", tags: []string{"abcdefgh"}, field: "profile.languages[0]", refused: "not a BCP 47"},
		{what: "empty", tags: []string{""}, field: "profile.languages[0]"},
		{what: "undetermined", tags: []string{"und"}, field: "profile.languages[0]", refused: "names no language"},
		{what: "a region without a language", tags: []string{"und-DE"}, field: "profile.languages[0]", refused: "names no language"},
		{what: "extension", tags: []string{"de-u-co-phonebk"}, field: "profile.languages[0]", refused: "extension"},
		{what: "private use", tags: []string{"en-x-klingon"}, field: "profile.languages[0]", refused: "extension"},
		{what: "slash", tags: []string{"en/US"}, field: "profile.languages[0]", refused: "not a BCP 47"},
		{what: "too many", tags: strings.Split("de en fr es it pt nl pl sv", " "), field: "profile.languages", refused: "9 languages"},
		{what: "too long in all", tags: long, field: "profile.languages", refused: "80 characters in all"},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			got, err := languages(test.tags)
			if test.field != "" {
				wantInvalid(t, err, test.field, test.refused)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzLanguages(f *testing.F) {
	for _, seed := range []string{"pt-BR", "zh-Hant-TW", "iw", "i-klingon", "en-GB-oed", "de-u-co-phonebk", "x-y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := languages([]string{s})
		if err != nil {
			return
		}
		if again, err := languages(got); err != nil || !cmp.Equal(got, again) {
			t.Fatalf("%q becomes %q, which becomes %q, %v", s, got, again, err)
		}
	})
}
