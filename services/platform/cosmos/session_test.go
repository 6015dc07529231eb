package cosmos

import (
	"fmt"
	"strings"
	"testing"
)

func TestNewerToken(t *testing.T) {
	tests := []struct{ name, known, seen, want string }{
		{"greater number", "5", "7", "7"},
		{"smaller number", "7", "5", "7"},
		{"greater global", "-1#5", "-1#7", "-1#7"},
		{"smaller global", "1#7", "1#5", "1#7"},
		{"higher version", "1#7", "2#5", "2#5"},
		{"lower version", "2#5", "1#7", "2#5"},
		{"regions by part", "1#7#1=5#2=9", "1#8#1=6#2=4", "1#8#1=6#2=9"},
		{"a region more", "1#7#1=5", "1#6#2=3", "1#7#2=3#1=5"},
		{"other form", "7", "1#5", "1#5"},
		{"unreadable", "1#5", "1#x", "1#5"},
		{"both unreadable", "##", "#1", "#1"},
	}
	for _, tt := range tests {
		if got := newerToken(tt.known, tt.seen); got != tt.want {
			t.Errorf("%s: newerToken(%q, %q) = %q, want %q", tt.name, tt.known, tt.seen, got, tt.want)
		}
	}
}

func TestSessionKeepsTheNewest(t *testing.T) {
	s := &Session{}
	s.learn("players", "0:1#10,1:1#20")
	s.learn("handles", "0:1#99")
	s.learn("players", "0:1#8")
	s.learn("players", "1:1#21")
	if got := s.header("players"); got != "0:1#10,1:1#21" {
		t.Errorf("header = %q", got)
	}
	if got := s.header("handles"); got != "0:1#99" {
		t.Errorf("header = %q", got)
	}
	if got := s.header("unknown"); got != "" {
		t.Errorf("header = %q", got)
	}
}

func TestSessionLearnsNoNonsense(t *testing.T) {
	s := &Session{}
	for _, header := range []string{"", ":", "0:", ":5", "0:a b", "0:5\r\nX-Evil: 1", "0:5;1:6", strings.Repeat("9", 5000), "0:" + strings.Repeat("9", 2000)} {
		s.learn("players", header)
	}
	s.learn("bad name\n", "0:5")
	if got := s.Encode(); got != "" {
		t.Errorf("learned %q", got)
	}
	s.learn("players", "0:5, 1:6,nonsense")
	if got := s.header("players"); got != "0:5,1:6" {
		t.Errorf("header = %q", got)
	}
}

func TestSessionRoundTrip(t *testing.T) {
	s := &Session{}
	s.learn("players", "0:-1#10#1=4")
	s.learn("handles", "3:17")
	s.learn("players", "1:5")
	wire := s.Encode()
	back, ok := ParseSession(wire)
	if !ok || back.Encode() != wire || back.header("players") != s.header("players") || back.header("handles") != "3:17" {
		t.Errorf("%q reads back as %+v, %v", wire, back, ok)
	}
}

func TestSessionDropsTheOldest(t *testing.T) {
	s := &Session{}
	for i := range 60 {
		s.learn(fmt.Sprintf("container-with-a-long-name-%02d", i), "0:-1#1234567890#1=1234567890")
	}
	s.learn("container-with-a-long-name-20", "0:-1#1234567891") // seen again: among the newest now
	wire := s.Encode()
	if len(wire) > MaxSessionBytes {
		t.Fatalf("%d bytes", len(wire))
	}
	back, ok := ParseSession(wire)
	if !ok {
		t.Fatal("does not read back")
	}
	for name, want := range map[string]bool{"00": false, "19": false, "20": true, "59": true, "58": true} {
		if got := back.header("container-with-a-long-name-"+name) != ""; got != want {
			t.Errorf("entry %s kept: %v, want %v", name, got, want)
		}
	}
}

func TestSessionIgnoresWhatIsNotOne(t *testing.T) {
	good := &Session{}
	good.learn("players", "0:5")
	wire := good.Encode()
	for _, bad := range []string{"x", "!!!", wire[1:], wire + "A", wire[:len(wire)-2], strings.Repeat("A", MaxSessionBytes+1), "Ag", "AQ", "AQEA"} {
		s, ok := ParseSession(bad)
		if ok && bad != "AQ" { // a session without entries
			t.Errorf("ParseSession(%q) says it is a session", bad)
		}
		if s == nil || s.Encode() != "" {
			t.Errorf("ParseSession(%q) = %+v", bad, s)
		}
	}
	if !good.Merge("") || good.Merge("nonsense") || good.Encode() != wire {
		t.Error("Merge changed a session for nothing")
	}
	var none *Session
	none.learn("players", "0:5")
	none.MarkStale()
	if none.Encode() != "" || none.header("players") != "" || none.Stale() || !none.Merge(wire) {
		t.Error("a nil session remembers")
	}
}

func FuzzParseSession(f *testing.F) {
	s := &Session{}
	f.Add("")
	for i := range 4 {
		s.learn(fmt.Sprint("c", i), "0:-1#10#1=4,1:7")
		f.Add(s.Encode())
	}
	f.Fuzz(func(t *testing.T, wire string) {
		s, ok := ParseSession(wire)
		if s == nil {
			t.Fatal("nil session")
		}
		again := s.Encode()
		if !ok && again != "" {
			t.Errorf("%q is refused, but remembered as %q", wire, again)
		}
		if len(again) > MaxSessionBytes {
			t.Errorf("%d bytes", len(again))
		}
		back, ok := ParseSession(again)
		if !ok || back.Encode() != again {
			t.Errorf("%q reads back as %q, %v", again, back.Encode(), ok)
		}
		for _, e := range s.entries {
			if strings.ContainsAny(s.header(e.container), "\r\n\x00") {
				t.Errorf("header %q", s.header(e.container))
			}
		}
	})
}

func FuzzLearn(f *testing.F) {
	f.Add("0:-1#10#1=4,1:7", "0:-1#11")
	f.Add("0:7", "0:8")
	f.Fuzz(func(t *testing.T, first, second string) {
		s := &Session{}
		s.learn("c", first)
		s.learn("c", second)
		if back, ok := ParseSession(s.Encode()); !ok && s.Encode() != "" {
			t.Errorf("%q, %q give %q, which reads back as %+v", first, second, s.Encode(), back)
		}
	})
}
