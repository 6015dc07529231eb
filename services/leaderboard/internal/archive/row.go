// Package archive keeps closed seasons: the rows of a season in the order of their places, in chunks, with a header that leads to a place, a key or
// a player with one chunk read.
//
// A season has an order of everybody and one for each segment of its board, in which the rows of a value stand together. Each row is hashed with a
// salt of its own, and the checksum of an order covers the hashes: so the row of an erased player can lose everything but place and hash, and
// the archive still verifies. Ranks are not hashed: they follow from the order.
//
// What is stored is named by its content. Two replicas that archive a season at once write the same documents, and what a process that died left
// behind is used by the next.
package archive

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"supergame/services/leaderboard/internal/board"
)

// Row is one place.
type Row struct {
	PlayerID string // "" = erased: nothing but hash and tie is left
	Key      board.Key
	Inline   []byte
	Segments []string // the values, by segment of the board; "" = none
	Salt     []byte
	Hash     [sha256.Size]byte
	Tie      int64 // how many with the same score stand before him where ties are shared: his rank is so far above his place
}

// SaltBytes is how long a salt is.
const SaltBytes = 16

// Erased reports whether nothing is left of whose row it was.
func (r *Row) Erased() bool { return r.PlayerID == "" }

// erase takes everything that tells whose row it was; without its salt the hash cannot be guessed from.
func (r *Row) erase() { *r = Row{Hash: r.Hash, Tie: r.Tie} }

// sum is the hash of what the row says.
func (r *Row) sum() [sha256.Size]byte {
	h := sha256.New()
	var size [4]byte
	add := func(part []byte) {
		binary.BigEndian.PutUint32(size[:], uint32(len(part))) //nolint:gosec // a few bytes
		h.Write(size[:])
		h.Write(part)
	}
	add([]byte("supergame archive row 1"))
	add(r.Salt)
	add([]byte(r.PlayerID))
	add([]byte(r.Key))
	add(r.Inline)
	for _, value := range r.Segments {
		add([]byte(value))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// seal gives the row its salt and its hash. The seed is forgotten with the archive's making, so that a salt that is erased is gone.
func (r *Row) seal(seed []byte) {
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte(r.PlayerID))
	r.Salt = mac.Sum(nil)[:SaltBytes]
	r.Hash = r.sum()
}

// score is the part of the key that the columns make.
func (r *Row) score() board.Key {
	if len(r.Key) < board.TailBytes {
		return ""
	}
	return r.Key[:len(r.Key)-board.TailBytes]
}

// bytes is about how long the row is when it is stored.
func (r *Row) bytes() int {
	n := 160 + 2*len(r.Key) + 2*len(r.Inline)
	for _, value := range r.Segments {
		n += len(value) + 3
	}
	return n
}
