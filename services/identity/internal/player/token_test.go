package player

import (
	"bytes"
	"strings"
	"testing"

	"supergame/services/platform/fault"
)

var (
	oldKey = bytes.Repeat([]byte{1}, 32)
	newKey = bytes.Repeat([]byte{2}, 32)
)

func TestTokens(t *testing.T) {
	tokens := Tokens{Keys: [][]byte{newKey, oldKey}}
	want := RefreshToken{PlayerID: "01JDC0000000000000000000AA", Family: "abc_-123", N: 42}
	s := tokens.Format(want)
	if got, err := tokens.Parse(s); err != nil || got != want {
		t.Errorf("Parse(%q) = %+v, %v", s, got, err)
	}
	if s != tokens.Format(want) {
		t.Error("the same token is written in two ways")
	}
	old := Tokens{Keys: [][]byte{oldKey}}.Format(want)
	if got, err := tokens.Parse(old); err != nil || got != want {
		t.Errorf("token of the key before: %+v, %v", got, err)
	}
	if _, err := (Tokens{Keys: [][]byte{oldKey}}).Parse(s); err == nil {
		t.Error("a token of another key was taken")
	}
}

func TestTokensRefuseWhatIsNotTheirs(t *testing.T) {
	tokens := Tokens{Keys: [][]byte{newKey}}
	good := tokens.Format(RefreshToken{PlayerID: "P", Family: "f", N: 2})
	body, sum := good[:strings.LastIndexByte(good, '.')], good[strings.LastIndexByte(good, '.'):]
	signed := func(body string) string { return body + "." + mac(newKey, body) }
	for name, s := range map[string]string{
		"empty":               "",
		"no mac":              body,
		"empty mac":           body + ".",
		"another number":      "P.f.3" + sum,
		"another player":      "Q.f.2" + sum,
		"mac cut":             good[:len(good)-2],
		"mac not base64":      body + ".***",
		"newline in the mac":  good[:len(good)-1] + "\n" + good[len(good)-1:],
		"four parts, signed":  signed("P.f.g.2"),
		"two parts, signed":   signed("P.2"),
		"zero, signed":        signed("P.f.0"),
		"negative, signed":    signed("P.f.-1"),
		"not a number":        signed("P.f.x"),
		"overflow, signed":    signed("P.f.99999999999999999999"),
		"NUL and control":     "P\x00.f.2" + sum,
		"right-to-left marks": "P\u202e.f.2" + sum,
	} {
		if got, err := tokens.Parse(s); fault.ReasonOf(err) != "REFRESH_REFUSED" || !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func FuzzTokensParse(f *testing.F) {
	tokens := Tokens{Keys: [][]byte{newKey}}
	f.Add(tokens.Format(RefreshToken{PlayerID: "P", Family: "f", N: 2}))
	f.Add("a.b.c.d")
	f.Fuzz(func(t *testing.T, s string) {
		token, err := tokens.Parse(s)
		if err == nil && tokens.Format(token) != s {
			t.Errorf("%q was taken as %+v", s, token)
		}
	})
}
