package cosmosstore

import (
	"time"

	"supergame/services/platform/cosmos"
	"supergame/services/profile/internal/wallet"
)

// The documents of a wallet, in the player's partition: the head, buckets of balances once the head is full, and one entry for each
// request.
const (
	idWalletHead    = "w|head"
	walletBucket    = "w|b|"
	walletEntryBase = "l|"
)

// walletDoc is the head: every change of the wallet replaces it under its version, so changes come one after the other. It holds
// the first balances, in the order of their keys: all of them in a small wallet, the currencies in a large one.
type walletDoc struct {
	cosmos.Header
	PlayerID string       `json:"playerId"`
	Seq      int64        `json:"seq"`
	Hash     string       `json:"hash"`
	Balances heldBalances `json:"balances,omitempty"`
	Buckets  []string     `json:"buckets,omitempty"` // the keys at which the buckets begin, in order
}

// bucketDoc holds the balances from the key in its id on, up to Until, which has the next bucket. A bucket never goes, and what it
// begins with never changes: when it is full its second half moves to a new one. So whoever looks for a balance by an older head
// finds in Until that he must go on.
type bucketDoc struct {
	cosmos.Header
	PlayerID string       `json:"playerId"`
	Until    string       `json:"until,omitempty"` // empty in the last
	Balances heldBalances `json:"balances,omitempty"`
}

// ledgerDoc is an entry. The name of its number is its own, because it is indexed: other documents of the container may
// have a seq, and are not to pay for it.
type ledgerDoc struct {
	cosmos.Header
	PlayerID     string    `json:"playerId"`
	Seq          int64     `json:"ledgerSeq"`
	PreviousHash string    `json:"previousHash"`
	Hash         string    `json:"hash"`
	RequestID    string    `json:"requestId"`
	RequestHash  string    `json:"requestHash"`
	Kind         string    `json:"kind"`
	Role         string    `json:"role"`
	Caller       string    `json:"caller"`
	Reason       string    `json:"reason,omitempty"`
	Reference    string    `json:"reference,omitempty"`
	Time         instant   `json:"time"`
	Lines        []lineDoc `json:"lines"`
}

type lineDoc struct {
	Currency string `json:"currency,omitempty"`
	Item     string `json:"item,omitempty"`
	Amount   int64  `json:"amount"`
	Balance  int64  `json:"balance"`
}

// entry is the entry; that of nil is the zero one.
func (d *ledgerDoc) entry() wallet.Entry {
	if d == nil {
		return wallet.Entry{}
	}
	e := wallet.Entry{
		PlayerID: d.PlayerID, Seq: d.Seq, PreviousHash: d.PreviousHash, Hash: d.Hash, RequestID: d.RequestID, RequestHash: d.RequestHash,
		Kind: wallet.Kind(d.Kind), Caller: wallet.Caller{Role: d.Role, Subject: d.Caller}, Reason: d.Reason, Reference: d.Reference,
		Time: time.Time(d.Time), Lines: make([]wallet.Line, len(d.Lines)),
	}
	for i, line := range d.Lines {
		e.Lines[i] = wallet.Line{Amount: line.Amount, Balance: line.Balance, Asset: wallet.Asset{Type: wallet.Currency, ID: line.Currency}}
		if line.Item != "" {
			e.Lines[i].Asset = wallet.Asset{Type: wallet.Item, ID: line.Item}
		}
	}
	return e
}

func newLedgerDoc(id string, e wallet.Entry) *ledgerDoc {
	d := &ledgerDoc{
		PlayerID: e.PlayerID, Seq: e.Seq, PreviousHash: e.PreviousHash, Hash: e.Hash, RequestID: e.RequestID, RequestHash: e.RequestHash,
		Kind: string(e.Kind), Role: e.Caller.Role, Caller: e.Caller.Subject, Reason: e.Reason, Reference: e.Reference,
		Time: instant(e.Time), Lines: make([]lineDoc, len(e.Lines)),
	}
	d.ID = id
	for i, line := range e.Lines {
		d.Lines[i] = lineDoc{Amount: line.Amount, Balance: line.Balance}
		if line.Asset.Type == wallet.Item {
			d.Lines[i].Item = line.Asset.ID
		} else {
			d.Lines[i].Currency = line.Asset.ID
		}
	}
	return d
}
