package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	someone  = Caller{Subject: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Player: true}
	operator = Caller{Subject: "ops@example.com", Operator: true}
)

func TestParseMask(t *testing.T) {
	all := mask{"avatar", "country", "display_name", "languages", "private.settings"}
	tests := []struct {
		what    string
		paths   string // separated by spaces
		caller  Caller
		want    mask
		refused string
	}{
		{what: "one", paths: "country", caller: someone, want: mask{"country"}},
		{what: "twice and unsorted", paths: "languages country languages", caller: someone, want: mask{"country", "languages"}},
		{what: "private", paths: "private.settings", caller: someone, want: mask{"private.settings"}},
		{what: "all of a player", paths: "*", caller: someone, want: all},
		{
			what: "all of an operator", paths: "*", caller: operator,
			want: mask{"avatar", "country", "display_name", "languages", "private.flags", "private.settings"},
		},
		{what: "flags by an operator", paths: "private.flags", caller: operator, want: mask{"private.flags"}},
		{what: "flags by a player", paths: "private.flags", caller: someone, refused: `"private.flags" is changed by operators only`},
		{what: "nothing", paths: "", caller: someone, refused: "names no field"},
		{what: "all and more", paths: "* country", caller: someone, refused: "beside"},
		{what: "unknown", paths: "country wallet", caller: someone, refused: `"wallet" is not a field`},
		{what: "one setting", paths: "private.settings.sound", caller: someone, refused: "is not a field"},
		{what: "Go name", paths: "DisplayName", caller: someone, refused: "is not a field"},
		{what: "output only", paths: "join_time", caller: operator, refused: `"join_time" is output only`},
		{what: "id", paths: "player_id", caller: someone, refused: "is output only"},
		{what: "version", paths: "private.etag", caller: someone, refused: "is output only"},
		{what: "the whole private part", paths: "private", caller: someone, refused: "name the fields in it"},
		{what: "NUL", paths: "a\x00b", caller: someone, refused: `"a\x00b" is not a field`},
		{what: "very long", paths: strings.Repeat("x", 1000), caller: someone, refused: strings.Repeat("x", 64) + `..."`},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			got, err := parseMask(strings.Fields(test.paths), test.caller)
			if test.refused != "" {
				wantInvalid(t, err, maskField, test.refused)
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

func TestTouches(t *testing.T) {
	tests := map[string]Parts{
		"country":                  {Public: true},
		"private.settings":         {Private: true},
		"avatar private.settings":  {Public: true, Private: true},
		"private.flags languages ": {Public: true, Private: true},
	}
	for paths, want := range tests {
		if got := mask(strings.Fields(paths)).touches(); got != want {
			t.Errorf("%s touches %+v, want %+v", paths, got, want)
		}
	}
}
