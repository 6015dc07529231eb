// Package friends holds the rules of friendship between two players: who may say what, what follows from what both say, and the
// limits. It knows neither gRPC nor Cosmos DB; [Store] is what it needs of a database.
//
// Each player says yes, no or block about another, in his own half of the pair, and nobody else does. What both say last decides
// how the two stand; a half holds a copy of what the other side says, of which the highest sequence number wins. So the copies may come
// late, twice and in any order, and requests may cross: in the end both halves agree.
package friends

import "time"

// Says is what a player says about another.
type Says string

// What one can say. A player who has never said anything says no.
const (
	No    Says = ""
	Yes   Says = "yes"
	Block Says = "block"
)

// Say is the last word of one side.
type Say struct {
	Says Says
	Seq  int64 // rises with each word: microseconds since 1970, and always above what its author knew; 0 = he has said nothing
	// Ends is up to which sequence number it made an end of what the other side said: a yes up to there counts no more. A no
	// and a block set it, a yes keeps it. So a player who was removed is not a friend again because the other changes his mind.
	Ends int64
}

// Half is a pair of players as one of them has it.
type Half struct {
	PlayerID, OtherID string
	Mine              Say
	Theirs            Say // a copy
}

// State is how a player stands with another, as he sees it.
type State string

// The states. Strangers are the zero State.
const (
	None     State = ""
	Friend   State = "friends"
	Incoming State = "incoming" // the other asks
	Outgoing State = "outgoing" // the player asks
	Blocked  State = "blocked"  // the player blocks the other
)

// State follows from what both say. That the other blocks the player shows in no state: a yes that the block made an end of counts no more, as after a
// no, and one that came after it is a request without an answer.
func (h *Half) State() State {
	mine, theirs := stands(h.Mine, h.Theirs), stands(h.Theirs, h.Mine)
	switch {
	case h.Mine.Says == Block:
		return Blocked
	case mine && theirs:
		return Friend
	case mine:
		return Outgoing
	case theirs:
		return Incoming
	}
	return None
}

// stands reports whether a word is a yes that the other side has not made an end of.
func stands(word, answer Say) bool { return word.Says == Yes && word.Seq > answer.Ends }

// BlockedByOther reports what the player must not learn.
func (h *Half) BlockedByOther() bool { return h.Theirs.Says == Block }

// Over reports whether nothing is left between the two: such a half is kept for a while only, so that late copies of what was
// said before meet it.
func (h *Half) Over() bool { return h.State() == None && !h.BlockedByOther() }

// Since is when the two came to stand as they do, zero for strangers.
func (h *Half) Since() time.Time {
	switch h.State() {
	case Friend:
		return time.UnixMicro(max(h.Mine.Seq, h.Theirs.Seq)).UTC()
	case Incoming:
		return time.UnixMicro(h.Theirs.Seq).UTC()
	case Outgoing, Blocked:
		return time.UnixMicro(h.Mine.Seq).UTC()
	}
	return time.Time{}
}

// say sets the player's own word, with a number above all that he knows of.
func (h *Half) say(s Says, now time.Time) {
	seq := max(h.Mine.Seq+1, h.Theirs.Seq+1, h.Theirs.Ends+1, now.UnixMicro())
	ends := h.Mine.Ends
	if s != Yes {
		ends = seq
	}
	h.Mine = Say{Says: s, Seq: seq, Ends: ends}
}

// void reports whether the player's own word is a yes that counts no more.
func (h *Half) void() bool { return h.Mine.Says == Yes && !stands(h.Mine, h.Theirs) }

// learn takes over the word of the other side, the half from, if it is a newer one. A yes that its author knows to count no more is left
// out where the half that made an end of it was forgotten, as nothing here would say so.
func (h *Half) learn(from *Half) bool {
	word := from.Mine
	if word.Seq <= h.Theirs.Seq || from.void() && stands(word, h.Mine) {
		return false
	}
	word.Ends = max(word.Ends, h.Theirs.Ends) // also of a half that was forgotten and begun again
	h.Theirs = word
	return true
}
