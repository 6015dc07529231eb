// Package wallet holds the rules of what a player owns in numbers: which changes of a wallet may be, what they do to its balances, and
// how the entries of the ledger hang together, so that anybody can check that they add up. It knows neither gRPC nor Cosmos DB;
// [Store] is what it needs of a database.
package wallet

import (
	"fmt"
	"strings"
	"time"

	"supergame/services/platform/fault"
)

// Limits.
const (
	MaxLines  = 40
	MaxAmount = 1<<53 - 1 // of an amount and of a balance: what a number of JSON holds exactly
)

// AssetType tells currencies from items.
type AssetType string

// The types of assets.
const (
	Currency AssetType = "currency"
	Item     AssetType = "item"
)

// Asset is something that is counted. The zero Asset is none.
type Asset struct {
	Type AssetType
	ID   string
}

// String is the asset's name in errors, e.g. currency:gold.
func (a Asset) String() string { return string(a.Type) + ":" + a.ID }

// Kind is the form of a change.
type Kind string

// The kinds.
const (
	Grant      Kind = "grant"
	Spend      Kind = "spend"
	Transfer   Kind = "transfer"
	Purchase   Kind = "purchase"
	Reward     Kind = "reward"
	Correction Kind = "correction"
)

// Line is one debit or credit.
type Line struct {
	Asset   Asset
	Amount  int64 // > 0 is a credit, < 0 a debit
	Balance int64 // behind this line
}

// Balance is how much there is of one asset.
type Balance struct {
	Asset  Asset
	Amount int64
	Seq    int64 // of the entry that changed it last
	Time   time.Time
}

// Head is where a ledger ends. The zero Head is that of a wallet which nothing has happened to yet.
type Head struct {
	Seq  int64  // of the last entry
	Hash string // of the last entry
}

// Entry is one change, as the ledger keeps it.
type Entry struct {
	PlayerID     string
	Seq          int64
	PreviousHash string
	Hash         string
	RequestID    string
	RequestHash  string
	Kind         Kind
	Caller       Caller
	Reason       string
	Reference    string
	Time         time.Time
	Lines        []Line
}

// Caller is who asks: the role and subject of his token.
type Caller struct {
	Role    string
	Subject string
}

// The roles that the rules know by name.
const (
	rolePlayer   = "player"
	roleOperator = "operator"
)

// Name tells callers of different roles apart, even when their subjects are the same text.
func (c Caller) Name() string { return c.Role + " " + c.Subject }

// orOwn returns whose wallet a caller may look into: his own when he names none, any when he is no player.
func (c Caller) orOwn(playerID string) (string, error) {
	switch {
	case c.Role != rolePlayer && playerID == "":
		return "", fault.Invalid("player_id", "is empty; only a player may leave his own id out")
	case c.Role == rolePlayer && playerID == "":
		return c.Subject, nil
	case c.Role == rolePlayer && playerID != c.Subject:
		return "", fault.New(fault.PermissionDenied, "NOT_YOUR_WALLET", "a player sees his own wallet only")
	}
	return playerID, nil
}

// misfit is an asset whose balance does not allow a line.
type misfit struct {
	asset           Asset
	balance, amount int64
}

// refuse makes the fault of lines that the balances do not allow. The assets are in its metadata, as balance/amount.
func refuse(reason, what string, list []misfit) *fault.Error {
	names := make([]string, len(list))
	metadata := map[string]string{"count": fmt.Sprint(len(list))}
	for i, m := range list {
		names[i] = fmt.Sprintf("%s has %d of %d", m.asset, m.balance, m.amount)
		metadata[m.asset.String()] = fmt.Sprintf("%d/%d", m.balance, m.amount)
	}
	f := fault.New(fault.FailedPrecondition, reason, "%s: %s", what, strings.Join(names, ", "))
	f.Metadata = metadata
	return f
}

// reused is the answer to a request id that stands for something else.
func reused() *fault.Error {
	return fault.New(fault.AlreadyExists, "REQUEST_ID_REUSED", "this request_id was used before with another content")
}
