package cosmosstore

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/wallet"
)

// Wallets is the [wallet.Store] on Cosmos DB.
type Wallets struct {
	players  *cosmos.Container
	heads    *cosmos.Kind[walletDoc]
	balances *cosmos.Kind[balanceDoc]
	entries  *cosmos.Kind[ledgerDoc]
}

// NewWallets returns a store. It does no I/O.
func NewWallets(client *cosmos.Client) *Wallets { return newWallets(client.Container(Players)) }

func newWallets(players *cosmos.Container) *Wallets {
	return &Wallets{
		players:  players,
		heads:    cosmos.NewKind[walletDoc](players, "wallet", schemaVersion),
		balances: cosmos.NewKind[balanceDoc](players, "balance", schemaVersion),
		entries:  cosmos.NewKind[ledgerDoc](players, "ledger", schemaVersion),
	}
}

// holdings is what a change is decided on, as stored.
type holdings struct {
	live     bool
	head     *walletDoc // new when there is none
	entry    *ledgerDoc // nil = the request has not been carried out
	balances map[wallet.Asset]*balanceDoc
}

func (h *holdings) decide(decide func(wallet.Head, map[wallet.Asset]int64) (wallet.Entry, error)) (wallet.Entry, error) {
	amounts := make(map[wallet.Asset]int64, len(h.balances))
	for asset, doc := range h.balances {
		amounts[asset] = doc.Amount
	}
	return decide(wallet.Head{Seq: h.head.Seq, Hash: h.head.Hash}, amounts)
}

// Post is one query for everything it needs by id, and one batch that writes the entry, the head, and a balance for each line. A replay
// is the query alone. A refusal is decided a second time, on what is stored now.
func (s *Wallets) Post(
	ctx context.Context, p wallet.Posting, decide func(wallet.Head, map[wallet.Asset]int64) (wallet.Entry, error),
) (entry wallet.Entry, replayed bool, err error) {
	op := cosmos.NewOperation(p.Caller, p.RequestID, p.Content)
	err = s.players.Decide(ctx, func(ctx context.Context) error {
		entry, replayed, err = s.tryPost(ctx, p, op, decide)
		return err
	})
	return entry, replayed, explain(p.PlayerID, err)
}

func (s *Wallets) tryPost(
	ctx context.Context, p wallet.Posting, op cosmos.Operation, decide func(wallet.Head, map[wallet.Asset]int64) (wallet.Entry, error),
) (wallet.Entry, bool, error) {
	h, err := s.read(ctx, p, op)
	if err != nil {
		return wallet.Entry{}, false, err
	}
	if h.entry != nil {
		return h.entry.entry(), true, nil
	}
	entry, err := h.decide(decide)
	if err != nil || !h.live {
		// A refusal must not come from a replica that lags behind: the query is asked again with what the primary has.
		if h, err = s.readNow(ctx, p, op); err != nil {
			return wallet.Entry{}, false, err
		}
		if h.entry != nil {
			return h.entry.entry(), true, nil
		}
		if entry, err = h.decide(decide); err != nil {
			return s.refused(ctx, p, op, err)
		}
	}
	return s.write(ctx, h, newLedgerDoc(walletEntryBase+op.ID(), entry), op)
}

// refused hands on a refusal, unless the balances that it was made on are low because another try of the same request was carried out:
// its entry is looked for once more, after them.
func (s *Wallets) refused(ctx context.Context, p wallet.Posting, op cosmos.Operation, refusal error) (wallet.Entry, bool, error) {
	doc, err := s.entries.Read(ctx, cosmos.PK(p.PlayerID), walletEntryBase+op.ID())
	switch {
	case err == nil:
		return doc.entry(), true, nil
	case fault.Is(err, fault.NotFound):
		return wallet.Entry{}, false, refusal
	}
	return wallet.Entry{}, false, err
}

// readNow is read as of now: a batch is carried out by the primary replica, and the session takes the query there.
func (s *Wallets) readNow(ctx context.Context, p wallet.Posting, op cosmos.Operation) (*holdings, error) {
	if _, err := s.players.Batch(cosmos.PK(p.PlayerID), cosmos.Operation{}).Read(idLive).Execute(ctx); err != nil {
		return nil, err
	}
	return s.read(ctx, p, op)
}

// read asks for documents by id, of which the service always keeps an index: what else is in the partition costs nothing.
func (s *Wallets) read(ctx context.Context, p wallet.Posting, op cosmos.Operation) (*holdings, error) {
	ids := []string{idLive, idWalletHead, walletEntryBase + op.ID()}
	for _, asset := range p.Assets {
		ids = append(ids, balanceID(asset))
	}
	statement := cosmos.SQL("SELECT * FROM c WHERE c.id IN (@id" + strings.Join(numbers[:len(ids)], ", @id") + ")")
	for i, id := range ids {
		statement = statement.With("@id"+numbers[i], id)
	}
	rows, err := cosmos.Select[json.RawMessage](ctx, s.players, cosmos.PK(p.PlayerID), statement)
	if err != nil {
		return nil, err
	}
	h := &holdings{head: &walletDoc{PlayerID: p.PlayerID}, balances: make(map[wallet.Asset]*balanceDoc, len(p.Assets))}
	h.head.ID = idWalletHead
	for _, asset := range p.Assets {
		doc := &balanceDoc{PlayerID: p.PlayerID}
		doc.ID = balanceID(asset)
		h.balances[asset] = doc
	}
	for _, row := range rows {
		if err := s.sort(h, row); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// numbers name the parameters of a list of ids.
var numbers = func() (names [3 + wallet.MaxLines]string) {
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}()

// sort puts a document where it belongs.
func (s *Wallets) sort(h *holdings, row []byte) (err error) {
	var head cosmos.Header
	if err := json.Unmarshal(row, &head); err != nil {
		return fault.New(fault.DataLoss, "BAD_DOCUMENT", "a document of a wallet cannot be read").Because(err)
	}
	switch head.ID {
	case idLive:
		h.live = true
	case idWalletHead:
		h.head, err = s.heads.Decode(row)
	default:
		if head.Type == "ledger" {
			h.entry, err = s.entries.Decode(row)
			return err
		}
		var doc *balanceDoc
		if doc, err = s.balances.Decode(row); err != nil {
			return err
		}
		var asset wallet.Asset
		if asset, err = assetOf(doc.ID); err == nil {
			h.balances[asset] = doc
		}
	}
	return err
}

// write stores an entry and what follows from it. The marker of the batch is the entry: it never expires.
func (s *Wallets) write(ctx context.Context, h *holdings, entry *ledgerDoc, op cosmos.Operation) (wallet.Entry, bool, error) {
	h.head.Seq, h.head.Hash = entry.Seq, entry.Hash
	batch := s.players.Batch(cosmos.PK(entry.PlayerID), op).Read(idLive)
	put(batch, h.head.ETag, s.heads.Item(h.head))
	batch.CreateMarker(s.entries.Item(entry))
	for _, line := range entry.entry().Lines {
		doc := h.balances[line.Asset]
		doc.Amount, doc.Seq, doc.UpdateTime = line.Balance, entry.Seq, entry.Time
		put(batch, doc.ETag, s.balances.Item(doc))
	}
	out, err := batch.Execute(ctx)
	return entry.entry(), out.Replayed, lostCreate(err, entry.ID)
}

// put creates a document that was not there, or replaces the version that was read.
func put(batch *cosmos.Batch, etag string, item cosmos.Item) {
	if etag == "" {
		batch.Create(item)
	} else {
		batch.Replace(item)
	}
}

// lostCreate makes a lost race of the refusal to create what a rival has created since it was looked for.
func lostCreate(err error, marker string) error {
	var refused *cosmos.BatchError
	if fault.ReasonOf(err) == cosmos.ReasonAlreadyExists && errors.As(err, &refused) && refused.ID != marker {
		return fault.New(fault.Aborted, cosmos.ReasonEtagMismatch, "somebody else created %s", refused.ID).Because(err)
	}
	return err
}

// Head is one batch that reads two documents: 2 RU.
func (s *Wallets) Head(ctx context.Context, playerID string) (wallet.Head, error) {
	key := cosmos.PK(playerID)
	out, err := s.players.Batch(key, cosmos.Operation{}).Read(idLive).Read(idWalletHead).Execute(ctx)
	var refused *cosmos.BatchError
	if missing(err) && errors.As(err, &refused) && refused.ID == idWalletHead {
		return wallet.Head{}, nil
	}
	if err != nil {
		return wallet.Head{}, explain(playerID, err)
	}
	doc, err := s.heads.Decode(out.Bodies[1])
	if err != nil {
		return wallet.Head{}, err
	}
	return wallet.Head{Seq: doc.Seq, Hash: doc.Hash}, nil
}

// Balances is a query by a range of ids, of which the service always keeps an index: saves of 1 MB beside them cost nothing. Nothing
// but ids is asked about, so a page loads no more documents than it returns.
func (s *Wallets) Balances(ctx context.Context, playerID string, after wallet.Asset, limit int) ([]wallet.Balance, error) {
	statement := cosmos.SQL("SELECT * FROM c WHERE c.id > @after AND c.id < @end AND c.id != @head ORDER BY c.id").
		With("@after", balanceID(after)).With("@end", walletEnd).With("@head", idWalletHead)
	docs, err := firstDocs(ctx, s.balances, playerID, statement, limit)
	if err != nil {
		return nil, err
	}
	list := make([]wallet.Balance, len(docs))
	for i, doc := range docs {
		if list[i], err = doc.balance(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Entries is a query by the index of ledgerSeq.
func (s *Wallets) Entries(ctx context.Context, playerID string, from int64, order wallet.Direction, limit int) ([]wallet.Entry, error) {
	text := "SELECT * FROM c WHERE c.ledgerSeq >= @from ORDER BY c.ledgerSeq"
	if order == wallet.Downward {
		text = "SELECT * FROM c WHERE c.ledgerSeq <= @from ORDER BY c.ledgerSeq DESC"
	}
	docs, err := firstDocs(ctx, s.entries, playerID, cosmos.SQL(text).With("@from", from), limit)
	if err != nil {
		return nil, err
	}
	list := make([]wallet.Entry, len(docs))
	for i, doc := range docs {
		list[i] = doc.entry()
	}
	return list, nil
}

// firstDocs returns the first documents that a statement selects: fewer than limit only when there are no more, however short the
// pages of the service are.
func firstDocs[T any](ctx context.Context, kind *cosmos.Kind[T], playerID string, statement cosmos.Statement, limit int) ([]*T, error) {
	var docs []*T
	for options := (cosmos.PageOptions{}); ; {
		options.Size = limit - len(docs)
		page, err := kind.QueryPage(ctx, cosmos.PK(playerID), statement, options)
		if err != nil {
			return nil, err
		}
		docs = append(docs, page.Items...)
		if len(docs) >= limit || page.Continuation == "" {
			return docs[:min(limit, len(docs))], nil
		}
		options.Continuation = page.Continuation
	}
}
