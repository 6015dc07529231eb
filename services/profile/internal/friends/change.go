package friends

import (
	"time"

	"supergame/services/platform/fault"
)

// change is one of the things that a player may do about another. It changes the half and reports whether it did.
type change struct {
	name string // what tells requests with the same id apart
	make func(*Half, time.Time) (bool, error)
}

var (
	requestFriend = change{"request", func(h *Half, now time.Time) (bool, error) {
		switch h.State() {
		case Blocked:
			return false, blocked(h.OtherID)
		case Friend, Outgoing:
			return false, nil
		}
		h.say(Yes, now)
		return true, nil
	}}
	acceptFriend = change{"accept", func(h *Half, now time.Time) (bool, error) {
		switch h.State() {
		case Friend:
			return false, nil
		case Incoming:
			h.say(Yes, now)
			return true, nil
		}
		return false, fault.New(fault.FailedPrecondition, "NO_FRIEND_REQUEST", "player %s does not ask", h.OtherID).
			With("player_id", h.OtherID)
	}}
	removeFriend = change{"remove", func(h *Half, now time.Time) (bool, error) {
		if s := h.State(); s == None || s == Blocked {
			return false, nil
		}
		h.say(No, now)
		return true, nil
	}}
	blockPlayer = change{"block", func(h *Half, now time.Time) (bool, error) {
		if h.State() == Blocked {
			return false, nil
		}
		h.say(Block, now)
		return true, nil
	}}
	unblockPlayer = change{"unblock", func(h *Half, now time.Time) (bool, error) {
		if h.State() != Blocked {
			return false, nil
		}
		h.say(No, now)
		return true, nil
	}}
)

func blocked(otherID string) error {
	return fault.New(fault.FailedPrecondition, "PLAYER_BLOCKED", "player %s is blocked, unblock him first", otherID).With("player_id", otherID)
}

// content is what a request asks for, in a stable encoding.
func (c change) content(otherID string) []byte { return []byte(c.name + " " + otherID) }
