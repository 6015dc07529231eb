package wallet

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// The hashes are SHA-256 over lists of texts, each with its length so that no two lists give the same bytes. The proto describes
// them for those who check an export; they can never change, hence the version in the first text.

// noHash stands where there is no entry before.
var noHash = strings.Repeat("0", 2*sha256.Size)

func (h Head) hash() string {
	if h.Seq == 0 {
		return noHash
	}
	return h.Hash
}

// timeLayout is how times are hashed, and stored.
const timeLayout = "2006-01-02T15:04:05.000Z"

// netstrings is a list of texts: length, colon, text, comma, for each.
type netstrings []byte

func (n *netstrings) text(s string) {
	*n = strconv.AppendInt(*n, int64(len(s)), 10)
	*n = append(*n, ':')
	*n = append(*n, s...)
	*n = append(*n, ',')
}

func (n *netstrings) number(i int64) { n.text(strconv.FormatInt(i, 10)) }

func (n netstrings) hash() string {
	sum := sha256.Sum256(n)
	return hex.EncodeToString(sum[:])
}

// content is what an order asks for: what must be the same when its request id comes again.
func (o *Order) content() []byte {
	var n netstrings
	n.text("supergame wallet request 1")
	n.text(string(o.Kind))
	n.text(o.Reason)
	n.text(o.Reference)
	n.number(int64(len(o.Lines)))
	for _, line := range o.Lines {
		n.text(string(line.Asset.Type))
		n.text(line.Asset.ID)
		n.number(line.Amount)
	}
	return n
}

func (o *Order) hash() string { return netstrings(o.content()).hash() }

// canonical is what the hash of an entry is made of.
func (e *Entry) canonical() []byte {
	var n netstrings
	n.text("supergame wallet entry 1")
	n.text(e.PlayerID)
	n.number(e.Seq)
	n.text(e.PreviousHash)
	n.text(e.RequestID)
	n.text(e.RequestHash)
	n.text(string(e.Kind))
	n.text(e.Caller.Role)
	n.text(e.Caller.Subject)
	n.text(e.Reason)
	n.text(e.Reference)
	n.text(e.Time.UTC().Format(timeLayout))
	n.number(int64(len(e.Lines)))
	for _, line := range e.Lines {
		n.text(string(line.Asset.Type))
		n.text(line.Asset.ID)
		n.number(line.Amount)
		n.number(line.Balance)
	}
	return n
}

// computeHash is the hash that the entry must have.
func (e *Entry) computeHash() string { return netstrings(e.canonical()).hash() }

// order is what was asked for when the entry was made.
func (e *Entry) order() *Order {
	return &Order{
		PlayerID: e.PlayerID, Caller: e.Caller, RequestID: e.RequestID, Kind: e.Kind, Lines: e.Lines, Reason: e.Reason, Reference: e.Reference,
	}
}

// stored is a time with the resolution that is stored.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
