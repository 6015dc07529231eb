package friends

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestStateIsTheSameFromBothSides: whatever two sides said, what one sees follows from what the other sees.
func TestStateIsTheSameFromBothSides(t *testing.T) {
	word := rapid.Custom(func(t *rapid.T) Say {
		return Say{
			Says: rapid.SampledFrom([]Says{No, Yes, Block}).Draw(t, "says"), Seq: rapid.Int64Range(0, 4).Draw(t, "seq"),
			Ends: rapid.Int64Range(0, 4).Draw(t, "ends"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a := Half{PlayerID: "a", OtherID: "b", Mine: word.Draw(t, "mine"), Theirs: word.Draw(t, "theirs")}
		b := Half{PlayerID: "b", OtherID: "a", Mine: a.Theirs, Theirs: a.Mine}
		if a.Over() != b.Over() || (a.State() == Friend) != (b.State() == Friend) {
			t.Fatalf("%q, %q", a.State(), b.State())
		}
		if a.State() == Incoming && b.State() != Outgoing {
			t.Fatalf("%q, %q", a.State(), b.State())
		}
		if a.State() == Outgoing && b.State() != Incoming && b.State() != Blocked {
			t.Fatalf("%q, %q", a.State(), b.State())
		}
		if a.Mine.Says == Block && (b.State() == Friend || b.State() == Incoming) {
			t.Fatalf("blocked, and sees %q", b.State())
		}
	})
}

// TestSeqRises, also where the clock goes back or another replica's is ahead.
func TestSeqRises(t *testing.T) {
	now := time.UnixMicro(1000)
	h := Half{Mine: Say{Says: Yes, Seq: 2000}, Theirs: Say{Says: Yes, Seq: 5000, Ends: 7000}}
	h.say(No, now)
	if h.Mine != (Say{No, 7001, 7001}) || h.State() != None {
		t.Errorf("%+v", h.Mine)
	}
	h.say(Yes, now)
	if h.Mine != (Say{Yes, 7002, 7001}) || h.State() != Outgoing {
		t.Errorf("%+v, %q", h.Mine, h.State())
	}
	h.say(Block, time.UnixMicro(9000))
	if h.Mine != (Say{Block, 9000, 9000}) || h.State() != Blocked || !h.Since().Equal(time.UnixMicro(9000)) {
		t.Errorf("%+v, %q", h.Mine, h.State())
	}
}

// TestLearnTakesTheHighest, whatever the order.
func TestLearnTakesTheHighest(t *testing.T) {
	words := []Half{
		{PlayerID: "b", OtherID: "a", Mine: Say{Yes, 10, 0}},
		{PlayerID: "b", OtherID: "a", Mine: Say{No, 20, 20}},
		{PlayerID: "b", OtherID: "a", Mine: Say{Yes, 30, 20}},
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {2, 0, 2, 1}, {0, 0, 2}} {
		h := Half{PlayerID: "a", OtherID: "b", Mine: Say{Yes, 15, 0}}
		for _, i := range order {
			h.learn(&words[i])
		}
		if h.Theirs != words[2].Mine || h.State() != Incoming { // b made an end of what a said at 15
			t.Errorf("%v: %+v, %q", order, h.Theirs, h.State())
		}
	}
}

func TestCountsOfStates(t *testing.T) {
	var c Counts
	for _, s := range []State{Friend, Incoming, Outgoing, Blocked} {
		c.Move(None, s)
	}
	if c != (Counts{1, 1, 1, 1}) {
		t.Errorf("%+v", c)
	}
	c.Move(Incoming, Friend)
	c.Move(Blocked, None)
	if c != (Counts{2, 0, 1, 0}) {
		t.Errorf("%+v", c)
	}
	full := Counts{Friends: MaxFriends - 1, Outgoing: 1, Incoming: 10, Blocked: MaxBlocked}
	for _, test := range []struct {
		from, to State
		ok       bool
	}{
		{None, Outgoing, false},
		{Incoming, Friend, false},
		{Outgoing, Friend, true}, // counted already
		{Friend, None, true},
		{None, Blocked, false},
		{Blocked, None, true},
	} {
		if err := full.admit(test.from, test.to); (err == nil) != test.ok {
			t.Errorf("%q to %q: %v", test.from, test.to, err)
		}
	}
}
