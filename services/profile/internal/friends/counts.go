package friends

import (
	"strconv"

	"supergame/services/platform/fault"
)

// The limits of one player.
const (
	MaxFriends  = 1000 // friends and requests of his own: each of those may become a friend without him
	MaxOutgoing = 200  // requests of his own
	MaxIncoming = 500  // requests of others, about
	MaxBlocked  = 1000
)

// Counts says how many others stand in each state with a player.
type Counts struct{ Friends, Incoming, Outgoing, Blocked int }

// Move counts one other from a state to another.
func (c *Counts) Move(from, to State) {
	if n := c.of(from); n != nil {
		*n--
	}
	if n := c.of(to); n != nil {
		*n++
	}
}

func (c *Counts) of(s State) *int {
	switch s {
	case Friend:
		return &c.Friends
	case Incoming:
		return &c.Incoming
	case Outgoing:
		return &c.Outgoing
	case Blocked:
		return &c.Blocked
	}
	return nil
}

// admit refuses a change of state by the player himself that goes over a limit.
func (c *Counts) admit(from, to State) error {
	said := from == Friend || from == Outgoing
	switch {
	case (to == Friend || to == Outgoing) && !said && c.Friends+c.Outgoing >= MaxFriends:
		return full("FRIENDS_FULL", MaxFriends, "friends and requests")
	case to == Outgoing && from != Outgoing && c.Outgoing >= MaxOutgoing:
		return full("REQUESTS_FULL", MaxOutgoing, "unanswered requests of his own")
	case to == Blocked && from != Blocked && c.Blocked >= MaxBlocked:
		return full("BLOCKS_FULL", MaxBlocked, "blocks")
	}
	return nil
}

func full(reason string, limit int, of string) error {
	return fault.New(fault.FailedPrecondition, reason, "a player has at most %d %s", limit, of).With("limit", strconv.Itoa(limit))
}
