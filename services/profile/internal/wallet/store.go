package wallet

import "context"

// Store keeps wallets. Its errors are faults; a player who is not there is NOT_FOUND, PLAYER_NOT_FOUND.
type Store interface {
	// Post adds the entry that decide makes to a player's ledger, and brings head and balances up to it, all of it or nothing; when
	// somebody else wrote in between it reads and decides again. An entry that the request made before is not decided again: it is the
	// answer, with the first request's hash, and replayed is true. An error of decide is returned unchanged once it was made on what is
	// stored now, not on an older view.
	Post(ctx context.Context, p Posting, decide func(Head, map[Asset]int64) (Entry, error)) (entry Entry, replayed bool, err error)

	// Head returns the end of a player's ledger, as of now.
	Head(ctx context.Context, playerID string) (Head, error)

	// Balances returns balances behind one asset, currencies first and then by id, at most limit; the zero
	// Asset comes before all. Fewer than limit is the end.
	Balances(ctx context.Context, playerID string, after Asset, limit int) ([]Balance, error)

	// Entries returns entries from a number on, at most limit; fewer are the end.
	Entries(ctx context.Context, playerID string, from int64, order Direction, limit int) ([]Entry, error)
}

// Direction is an order of entries.
type Direction int

// The directions.
const (
	Upward   Direction = iota // from is the smallest number
	Downward                  // from is the greatest number
)

// Posting identifies one change of one wallet.
type Posting struct {
	PlayerID  string
	Caller    string // whose request id it is
	RequestID string
	Content   []byte // what the request asks for; the same request id with another content is refused (REQUEST_ID_REUSED)
	Assets    []Asset
}
