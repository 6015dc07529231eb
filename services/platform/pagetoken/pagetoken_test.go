package pagetoken_test

import (
	"strings"
	"testing"

	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
)

func TestRoundTrip(t *testing.T) {
	list := pagetoken.New([]byte("key")).For("ListPlayers", "state=1", "")
	for _, position := range []string{"", "1", `[{"token":"+RID:~abc"}]`, "\x00\xff", strings.Repeat("p", 8000)} {
		token := list.Token(position)
		got, err := list.Position(token)
		if err != nil || got != position {
			t.Errorf("%.20q came back as %.20q, %v", position, got, err)
		}
		if (token == "") != (position == "") {
			t.Errorf("position %.20q has token %.20q", position, token)
		}
	}
}

// A token works for its own list only: another method, parameter or key is refused, and so are parameters that only look alike.
func TestTokensAreBound(t *testing.T) {
	codec := pagetoken.New([]byte("key"))
	token := codec.For("ListPlayers", "ab", "c").Token("7")
	for name, other := range map[string]pagetoken.List{
		"method":            codec.For("ListBoards", "ab", "c"),
		"parameter":         codec.For("ListPlayers", "ab", "d"),
		"moved boundary":    codec.For("ListPlayers", "a", "bc"),
		"order":             codec.For("ListPlayers", "c", "ab"),
		"one more":          codec.For("ListPlayers", "ab", "c", ""),
		"one less":          codec.For("ListPlayers", "abc"),
		"key":               pagetoken.New([]byte("other")).For("ListPlayers", "ab", "c"),
		"no key":            pagetoken.New(nil).For("ListPlayers", "ab", "c"),
		"method, parameter": codec.For("ListPlayersab", "c"),
	} {
		wantRefused(t, name, other, token)
	}
}

func TestBadTokens(t *testing.T) {
	list := pagetoken.New(nil).For("ListPlayers")
	token := list.Token("position")
	for name, bad := range map[string]string{
		"text": "hello", "no base64": "!!", "padding": token + "=", "cut": token[:len(token)-4], "only a head": token[:22],
		"other version": "B" + token[1:], "longer": token + "AAAA", "huge": strings.Repeat("A", pagetoken.MaxTokenBytes+1), "line break": token + "\n",
	} {
		wantRefused(t, name, list, bad)
	}
	for i := range len(token) { // one character changed, wherever
		changed := byte('A')
		if token[i] == changed {
			changed = 'B'
		}
		wantRefused(t, "changed", list, token[:i]+string(changed)+token[i+1:])
	}
}

func wantRefused(t *testing.T, name string, list pagetoken.List, token string) {
	t.Helper()
	position, err := list.Position(token)
	f := fault.As(err)
	if f == nil || f.Kind != fault.InvalidArgument || f.Reason != pagetoken.ReasonBadToken || f.Fields[0].Path != "page_token" || position != "" {
		t.Errorf("%s: got %q, %v", name, position, err)
	}
}

// Whatever a client sends either is a token of this list, and then the one that the list makes, or is refused.
func FuzzPosition(f *testing.F) {
	list := pagetoken.New([]byte("key")).For("ListPlayers", "a")
	f.Add(list.Token("x"))
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, token string) {
		position, err := list.Position(token)
		if err == nil && list.Token(position) != token {
			t.Errorf("%q was read as %q, whose token is %q", token, position, list.Token(position))
		}
		if err != nil && !fault.Is(err, fault.InvalidArgument) {
			t.Errorf("%q: %v", token, err)
		}
	})
}
