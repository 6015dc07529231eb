package erasure

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"

	"supergame/services/platform/fault"
)

// Names gives deletions their names, which say nothing about the player. Its keys never change.
type Names struct {
	Key      []byte // of the HMAC of player ids
	Receipts []byte // of the seal of receipts, so that one that was made up is refused without a look into the store
}

// ID is the name of a player's deletion.
func (n Names) ID(playerID string) string { return hex.EncodeToString(sum(n.Key, playerID)) }

const sealBytes = 16

// Receipt is what lets its holder ask for a deletion.
func (n Names) Receipt(id string) string {
	return base64.RawURLEncoding.EncodeToString(append(sum(n.Receipts, id)[:sealBytes], id...))
}

// OfReceipt returns the deletion that a receipt is for.
func (n Names) OfReceipt(receipt string) (string, error) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(receipt)
	if err != nil || len(text) <= sealBytes || !hmac.Equal(text[:sealBytes], sum(n.Receipts, string(text[sealBytes:]))[:sealBytes]) {
		return "", fault.Invalid("receipt", "is not one that DeletePlayer returned")
	}
	return string(text[sealBytes:]), nil
}

func sum(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
