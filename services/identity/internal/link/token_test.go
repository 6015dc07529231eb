package link

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/platform/fault"
)

var decision = Decision{
	Caller: "01JDC000000000000000000000", Owner: "01JDC000000000000000000001", IdentityID: strings.Repeat("a", 64),
	Version: `"00000000-0000-0000-0000-000000000000"`, ExpireTime: time.Unix(1795435200, 0),
}

func TestTokens(t *testing.T) {
	tokens := Tokens{Key: []byte("key")}
	token := tokens.Format(decision)
	got, err := tokens.Parse(decision.Caller, token)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decision, got); diff != "" {
		t.Error(diff)
	}
	if len(token) > 1024 {
		t.Errorf("it has %d bytes", len(token))
	}
	for name, parse := range map[string]func() (Decision, error){
		"another caller": func() (Decision, error) { return tokens.Parse(decision.Owner, token) },
		"another key":    func() (Decision, error) { return Tokens{Key: []byte("yek")}.Parse(decision.Caller, token) },
		"cut":            func() (Decision, error) { return tokens.Parse(decision.Caller, token[:len(token)-1]) },
		"nothing":        func() (Decision, error) { return tokens.Parse("", "") },
	} {
		if got, err := parse(); !fault.Is(err, fault.InvalidArgument) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func FuzzTokens(f *testing.F) {
	tokens := Tokens{Key: []byte("key")}
	f.Add(tokens.Format(decision))
	f.Add(".....")
	body := "01JDC000000000000000000000.b.c.!.x"
	f.Add(body + "." + tokens.mac(body))
	f.Fuzz(func(t *testing.T, token string) {
		got, err := tokens.Parse(decision.Caller, token)
		if err == nil && tokens.Format(got) != token {
			t.Errorf("%q was read as %+v", token, got)
		}
	})
}
