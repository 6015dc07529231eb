package cosmosstore

import (
	"context"
	"errors"
	"slices"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/wallet"
)

func newWalletDoc(playerID string) *walletDoc {
	d := &walletDoc{PlayerID: playerID}
	d.ID = idWalletHead
	return d
}

// Head is one batch that reads two documents: 2 RU.
func (s *Wallets) Head(ctx context.Context, playerID string) (wallet.Head, error) {
	doc, err := s.headNow(ctx, playerID)
	if err != nil {
		return wallet.Head{}, explain(playerID, err)
	}
	return wallet.Head{Seq: doc.Seq, Hash: doc.Hash}, nil
}

// headNow returns the head as of now, a new one when there is none; the error of a player who is not there is NOT_FOUND.
func (s *Wallets) headNow(ctx context.Context, playerID string) (*walletDoc, error) {
	out, err := s.players.Batch(cosmos.PK(playerID), cosmos.Operation{}).Read(idLive).Read(idWalletHead).Execute(ctx)
	var refused *cosmos.BatchError
	if missing(err) && errors.As(err, &refused) && refused.ID == idWalletHead {
		return newWalletDoc(playerID), nil
	}
	if err != nil {
		return nil, err
	}
	return s.heads.Decode(out.Bodies[1])
}

// readBuckets returns buckets as of now, in the order in which they are named, by one batch.
func (s *Wallets) readBuckets(ctx context.Context, playerID string, froms []string) ([]*bucketDoc, error) {
	batch := s.players.Batch(cosmos.PK(playerID), cosmos.Operation{})
	for _, from := range froms {
		batch.Read(walletBucket + from)
	}
	out, err := batch.Execute(ctx)
	if err != nil {
		return nil, err
	}
	docs := make([]*bucketDoc, len(froms))
	for i, body := range out.Bodies {
		if docs[i], err = s.buckets.Decode(body); err != nil {
			return nil, err
		}
	}
	return docs, nil
}

// lostBucket is the error where a bucket is not there: the player was erased, or else it should be.
func (s *Wallets) lostBucket(ctx context.Context, playerID string, notFound error) error {
	if _, err := s.players.Batch(cosmos.PK(playerID), cosmos.Operation{}).Read(idLive).Execute(ctx); err != nil {
		return explain(playerID, err)
	}
	return fault.New(fault.DataLoss, "BAD_DOCUMENT", "a bucket of the wallet of player %s is lost: %v", playerID, notFound)
}

const (
	// fewInBucket is how many balances a bucket has at least, as a rule: to ask for as many buckets as a page needs, and few more.
	fewInBucket = 75
	// bucketsAtOnce keeps the answer of a batch far below its limit of 2 MB.
	bucketsAtOnce = 50
)

// Balances is a point read of the head, and batches that read the buckets of the page. It goes from bucket to bucket by what they say of
// the next one, so that one which was divided since the head was read is not passed over.
func (s *Wallets) Balances(ctx context.Context, playerID string, after wallet.Asset, limit int) ([]wallet.Balance, error) {
	head, err := s.heads.Read(ctx, cosmos.PK(playerID), idWalletHead)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	position := assetKey(after)
	list, err := head.Balances.within(position, head.behind(""))
	if err != nil {
		return nil, err
	}
	next := head.bucketOf(position)
	if next == "" {
		next = head.behind("")
	}
	for next != "" && len(list) < limit {
		var page []wallet.Balance
		if page, next, err = s.walk(ctx, head, next, position, 1+(limit-len(list))/fewInBucket); err != nil {
			return nil, err
		}
		list = append(list, page...)
	}
	return list[:min(limit, len(list))], nil
}

// walk returns the balances behind a key in up to n buckets from one on, and where the next bucket begins.
func (s *Wallets) walk(ctx context.Context, head *walletDoc, next, after string, n int) ([]wallet.Balance, string, error) {
	i, exact := slices.BinarySearch(head.Buckets, next)
	if exact {
		i++
	}
	froms := append([]string{next}, head.Buckets[i:]...)
	docs, err := s.readBuckets(ctx, head.PlayerID, froms[:min(n, len(froms), bucketsAtOnce)])
	if fault.Is(err, fault.NotFound) {
		err = s.lostBucket(ctx, head.PlayerID, err)
	}
	if err != nil {
		return nil, "", err
	}
	var list []wallet.Balance
	for _, doc := range docs {
		if doc.from() != next { // the one before was divided: its second half is asked for
			break
		}
		page, err := doc.Balances.within(after, doc.Until)
		if err != nil {
			return nil, "", err
		}
		list = append(list, page...)
		if next, err = doc.next(); err != nil {
			return nil, "", err
		}
		if next == "" {
			break
		}
	}
	return list, next, nil
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
