package cosmosstore

import (
	"supergame/services/platform/cosmos"
	"supergame/services/profile/internal/friends"
)

// idFriends is the document of a player's counts; idHalf begins the id of each half, which ends with the other's id. Beyond
// is behind all of them.
const (
	idFriends     = "friends"
	idHalf        = "f|"
	idHalfsBeyond = "f}"
)

// overTTL is how long a half is kept, in seconds, between two players of whom nothing is left: for as long the feed may take to carry it.
const overTTL = 30 * 24 * 60 * 60

// halfDoc is a half. Its state follows from the rest, and is there for queries.
type halfDoc struct {
	cosmos.Header
	PlayerID string  `json:"playerId"`
	Other    string  `json:"other"`
	Mine     *sayDoc `json:"mine,omitempty"`
	Theirs   *sayDoc `json:"theirs,omitempty"` // a copy, and not the player's to see
	State    string  `json:"state,omitempty"`
}

type sayDoc struct {
	Says string `json:"says"`
	Seq  int64  `json:"seq,string"`
	Ends int64  `json:"ends,string,omitempty"`
}

// friendsDoc counts the halves of a player by state. It is written with them, and first with his first.
type friendsDoc struct {
	cosmos.Header
	PlayerID string `json:"playerId"`
	Friends  int    `json:"friends"`
	Incoming int    `json:"incoming"`
	Outgoing int    `json:"outgoing"`
	Blocked  int    `json:"blocked"`
}

func (d *halfDoc) half() friends.Half {
	return friends.Half{PlayerID: d.PlayerID, OtherID: d.Other, Mine: d.Mine.say(), Theirs: d.Theirs.say()}
}

func (d *halfDoc) set(h friends.Half) {
	d.PlayerID, d.Other, d.State = h.PlayerID, h.OtherID, string(h.State())
	d.Mine, d.Theirs = newSayDoc(h.Mine), newSayDoc(h.Theirs)
	d.TTL = 0
	if h.Over() {
		d.TTL = overTTL
	}
}

const saysNo = "no"

func (d *sayDoc) say() friends.Say {
	if d == nil {
		return friends.Say{}
	}
	says := friends.Says(d.Says)
	if d.Says == saysNo {
		says = friends.No
	}
	return friends.Say{Says: says, Seq: d.Seq, Ends: d.Ends}
}

func newSayDoc(s friends.Say) *sayDoc {
	if s == (friends.Say{}) {
		return nil
	}
	d := &sayDoc{Says: string(s.Says), Seq: s.Seq, Ends: s.Ends}
	if s.Says == friends.No {
		d.Says = saysNo
	}
	return d
}

func (d *friendsDoc) counts() friends.Counts {
	return friends.Counts{Friends: d.Friends, Incoming: d.Incoming, Outgoing: d.Outgoing, Blocked: d.Blocked}
}

func (d *friendsDoc) set(c friends.Counts) {
	d.Friends, d.Incoming, d.Outgoing, d.Blocked = c.Friends, c.Incoming, c.Outgoing, c.Blocked
}

// dropWordsOfOthers leaves out of an export what is not the player's own: what others say of him, and so that they block him.
func dropWordsOfOthers(document map[string]any) {
	if document["type"] == HalfType {
		delete(document, "theirs")
		delete(document, "ttl") // tells whether there is one
	}
}
