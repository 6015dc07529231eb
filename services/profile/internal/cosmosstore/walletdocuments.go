package cosmosstore

import (
	"strings"
	"time"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/wallet"
)

// The documents of a wallet, in the player's partition: the head of the ledger, one balance for each asset, one entry for each request.
// Currencies come before items, and nothing else stands between them but the head.
const (
	idWalletHead    = "w|head"
	walletCurrency  = "w|c|"
	walletItem      = "w|i|"
	walletEnd       = "w}" // behind all of them: '}' follows '|'
	walletEntryBase = "l|"
)

// walletDoc is the head: every change of the wallet replaces it under its version, so changes come one after the other.
type walletDoc struct {
	cosmos.Header
	PlayerID string `json:"playerId"`
	Seq      int64  `json:"seq"`
	Hash     string `json:"hash"`
}

type balanceDoc struct {
	cosmos.Header
	PlayerID   string  `json:"playerId"`
	Amount     int64   `json:"amount"`
	Seq        int64   `json:"seq"` // of the entry that made it so
	UpdateTime instant `json:"updateTime"`
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

// balanceID is the id of an asset's balance; the zero asset's comes before all others.
func balanceID(a wallet.Asset) string {
	switch a.Type {
	case wallet.Currency:
		return walletCurrency + a.ID
	case wallet.Item:
		return walletItem + a.ID
	}
	return "w|"
}

// assetOf is the way back.
func assetOf(id string) (wallet.Asset, error) {
	if currency, ok := strings.CutPrefix(id, walletCurrency); ok {
		return wallet.Asset{Type: wallet.Currency, ID: currency}, nil
	}
	if item, ok := strings.CutPrefix(id, walletItem); ok {
		return wallet.Asset{Type: wallet.Item, ID: item}, nil
	}
	return wallet.Asset{}, fault.New(fault.DataLoss, "BAD_DOCUMENT", "%q is not the id of a balance", id)
}

func (d *balanceDoc) balance() (wallet.Balance, error) {
	asset, err := assetOf(d.ID)
	return wallet.Balance{Asset: asset, Amount: d.Amount, Seq: d.Seq, Time: time.Time(d.UpdateTime)}, err
}

func (d *ledgerDoc) entry() wallet.Entry {
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
