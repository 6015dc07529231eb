package wallet

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
)

// Wallets changes wallets and answers questions about them.
type Wallets struct {
	Store  Store
	Tokens pagetoken.Codec
	Now    func() time.Time // for the times of entries
}

// Apply carries an order out, once however often it comes, and returns its entry.
func (w *Wallets) Apply(ctx context.Context, o Order) (entry Entry, replayed bool, err error) {
	if err := o.check(); err != nil {
		return Entry{}, false, err
	}
	posting := Posting{PlayerID: o.PlayerID, Caller: o.Caller.Name(), RequestID: o.RequestID, Content: o.content()}
	for _, line := range o.Lines {
		posting.Assets = append(posting.Assets, line.Asset)
	}
	entry, replayed, err = w.Store.Post(ctx, posting, func(head Head, balances map[Asset]int64) (Entry, error) {
		return o.post(head, balances, stored(w.Now()))
	})
	if err != nil {
		return Entry{}, false, err
	}
	if entry.RequestHash != o.hash() {
		return Entry{}, false, reused()
	}
	return entry, replayed, nil
}

const (
	defaultBalances = 100
	defaultEntries  = 50
)

// Page is which part of a list to return.
type Page struct {
	Size  int // 0 = the default
	Token string
}

func (p Page) orDefault(size int) int {
	if p.Size > 0 {
		return p.Size
	}
	return size
}

// Balances returns one page of a wallet, without the balances that are zero, and the token of the next.
func (w *Wallets) Balances(ctx context.Context, caller Caller, playerID string, page Page) ([]Balance, string, error) {
	playerID, err := caller.orOwn(playerID)
	if err != nil {
		return nil, "", err
	}
	list := w.Tokens.For("WalletService.GetWallet", playerID)
	position, err := list.Position(page.Token)
	if err != nil {
		return nil, "", err
	}
	after, err := parseAsset(position)
	if err != nil {
		return nil, "", err
	}
	size := page.orDefault(defaultBalances)
	found, err := w.Store.Balances(ctx, playerID, after, size)
	if err != nil {
		return nil, "", err
	}
	if len(found) == 0 && page.Token == "" {
		if _, err := w.Store.Head(ctx, playerID); err != nil {
			return nil, "", err
		}
	}
	next := ""
	if len(found) == size {
		next = list.Token(found[size-1].Asset.String())
	}
	return slices.DeleteFunc(found, func(b Balance) bool { return b.Amount == 0 }), next, nil
}

// parseAsset reads the position of a page token. Whoever makes one up gets no more than another page.
func parseAsset(position string) (Asset, error) {
	if position == "" {
		return Asset{}, nil
	}
	for _, t := range []AssetType{Currency, Item} {
		if id, ok := strings.CutPrefix(position, string(t)+":"); ok {
			return Asset{t, id}, nil
		}
	}
	return Asset{}, badToken()
}

func badToken() error {
	f := fault.Invalid("page_token", "is not one of this list")
	f.Reason = pagetoken.ReasonBadToken
	return f
}

// Ledger returns one page of a ledger, the newest entry first, and the token of the next.
func (w *Wallets) Ledger(ctx context.Context, caller Caller, playerID string, page Page) ([]Entry, string, error) {
	playerID, err := caller.orOwn(playerID)
	if err != nil {
		return nil, "", err
	}
	list := w.Tokens.For("WalletService.ListLedger", playerID)
	position, err := list.Position(page.Token)
	if err != nil {
		return nil, "", err
	}
	from := int64(MaxAmount)
	if position != "" {
		if from, err = strconv.ParseInt(position, 10, 64); err != nil || from < 1 || from > MaxAmount {
			return nil, "", badToken()
		}
	}
	found, err := w.Store.Entries(ctx, playerID, from, Downward, page.orDefault(defaultEntries))
	if err != nil {
		return nil, "", err
	}
	if len(found) == 0 {
		if page.Token == "" {
			_, err = w.Store.Head(ctx, playerID)
		}
		return nil, "", err
	}
	for i := range found {
		found[i] = found[i].asSeenBy(caller)
	}
	if last := found[len(found)-1].Seq; last > 1 {
		return found, list.Token(strconv.FormatInt(last-1, 10)), nil
	}
	return found, "", nil
}

// asSeenBy leaves out what is not for a player: the name of the operator or game server behind an entry.
func (e Entry) asSeenBy(c Caller) Entry {
	if c.Role == rolePlayer && e.Caller != c {
		e.Caller.Subject = ""
	}
	return e
}
