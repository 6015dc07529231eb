package cosmosstore

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/wallet"
)

// Wallets is the [wallet.Store] on Cosmos DB.
type Wallets struct {
	players *cosmos.Container
	heads   *cosmos.Kind[walletDoc]
	buckets *cosmos.Kind[bucketDoc]
	entries *cosmos.Kind[ledgerDoc]
	leaf    int // leafBytes; smaller in tests
}

// NewWallets returns a store. It does no I/O.
func NewWallets(client *cosmos.Client) *Wallets { return newWallets(client.Container(Players)) }

func newWallets(players *cosmos.Container) *Wallets {
	return &Wallets{
		players: players,
		heads:   cosmos.NewKind[walletDoc](players, "wallet", schemaVersion),
		buckets: cosmos.NewKind[bucketDoc](players, "balances", schemaVersion),
		entries: cosmos.NewKind[ledgerDoc](players, "ledger", schemaVersion),
		leaf:    leafBytes,
	}
}

// attempt is a change on its way.
type attempt struct {
	wallet.Posting
	op     cosmos.Operation
	decide func(wallet.Head, map[wallet.Asset]int64) (wallet.Entry, error)
}

func (a *attempt) on(h *holdings) (wallet.Entry, error) {
	amounts := make(map[wallet.Asset]int64, len(a.Assets))
	for _, asset := range a.Assets {
		key := assetKey(asset)
		amounts[asset] = (*h.leaf(key))[key][0]
	}
	return a.decide(wallet.Head{Seq: h.head.Seq, Hash: h.head.Hash}, amounts)
}

// Post is a point read of the head, a batch that reads buckets where the head does not hold all balances of the change, and one batch
// that writes the entry, the head, and those buckets. A replay is found by the operations that the head names, or when the entry
// cannot be created a second time. A refusal is decided again, on what is stored now.
func (s *Wallets) Post(
	ctx context.Context, p wallet.Posting, decide func(wallet.Head, map[wallet.Asset]int64) (wallet.Entry, error),
) (entry wallet.Entry, replayed bool, err error) {
	a := &attempt{p, cosmos.NewOperation(p.Caller, p.RequestID, p.Content), decide}
	err = s.players.Decide(ctx, func(ctx context.Context) error {
		entry, replayed, err = s.tryPost(ctx, a)
		return err
	})
	return entry, replayed, explain(p.PlayerID, err)
}

func (s *Wallets) tryPost(ctx context.Context, a *attempt) (wallet.Entry, bool, error) {
	h, err := s.look(ctx, a)
	if err != nil && !cosmos.IsLostRace(err) && !fault.Is(err, fault.NotFound) {
		return wallet.Entry{}, false, err
	}
	if err == nil {
		if done, err := s.before(ctx, a, h); done != nil || err != nil {
			return done.entry(), err == nil, err
		}
		if entry, err := a.on(h); err == nil {
			return s.write(ctx, a, h, entry)
		}
	}
	// Neither a refusal nor a missing bucket may come from a replica that lags behind.
	if h, err = s.lookNow(ctx, a); err != nil {
		return wallet.Entry{}, false, err
	}
	entry, err := a.on(h)
	if err != nil {
		return s.refused(ctx, a, err)
	}
	return s.write(ctx, a, h, entry)
}

// before returns the entry that the request made, if the head still names it.
func (s *Wallets) before(ctx context.Context, a *attempt, h *holdings) (*ledgerDoc, error) {
	if done, err := a.op.AppliedTo(&h.head.Header); !done || err != nil {
		return nil, err
	}
	return s.entryOf(ctx, a)
}

// entryOf returns the entry that the request made, nil when there is none.
func (s *Wallets) entryOf(ctx context.Context, a *attempt) (*ledgerDoc, error) {
	doc, err := s.entries.Read(ctx, cosmos.PK(a.PlayerID), walletEntryBase+a.op.ID())
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return doc, err
}

// refused hands on a refusal, unless the balances that it was made on are low because another try of the same request was carried out:
// its entry is looked for after them.
func (s *Wallets) refused(ctx context.Context, a *attempt, refusal error) (wallet.Entry, bool, error) {
	doc, err := s.entryOf(ctx, a)
	if err == nil && doc == nil {
		err = refusal
	}
	return doc.entry(), err == nil, err
}

// look reads what a change is decided on from whichever replica answers: the batch finds out when that lags behind.
func (s *Wallets) look(ctx context.Context, a *attempt) (*holdings, error) {
	head, err := s.heads.Read(ctx, cosmos.PK(a.PlayerID), idWalletHead)
	if fault.Is(err, fault.NotFound) {
		head, err = newWalletDoc(a.PlayerID), nil
	}
	if err != nil {
		return nil, err
	}
	return s.open(ctx, a, head)
}

// lookNow is look as of now: a batch is carried out by the primary replica, also one that only reads.
func (s *Wallets) lookNow(ctx context.Context, a *attempt) (*holdings, error) {
	head, err := s.headNow(ctx, a.PlayerID)
	if err != nil {
		return nil, err
	}
	h, err := s.open(ctx, a, head)
	if fault.Is(err, fault.NotFound) {
		return nil, s.lostBucket(ctx, a.PlayerID, err)
	}
	return h, err
}

// open reads the buckets of a change. When one was divided since the head was read, somebody else has won a race.
func (s *Wallets) open(ctx context.Context, a *attempt, head *walletDoc) (*holdings, error) {
	h := &holdings{head: head, buckets: map[string]*bucketDoc{}}
	for _, asset := range a.Assets {
		if from := head.bucketOf(assetKey(asset)); from != "" {
			h.buckets[from] = nil
		}
	}
	if len(h.buckets) == 0 {
		return h, nil
	}
	docs, err := s.readBuckets(ctx, a.PlayerID, slices.Sorted(maps.Keys(h.buckets)))
	if err != nil {
		return nil, err
	}
	for _, doc := range docs {
		if doc.Until != head.behind(doc.from()) {
			return nil, divided(doc.ID)
		}
		h.buckets[doc.from()] = doc
	}
	return h, nil
}

// divided is a lost race: a bucket is not as the head that was read before says.
func divided(id string) error {
	cause := &cosmos.BatchError{Verb: "read", ID: id, Status: http.StatusPreconditionFailed}
	return fault.New(fault.Aborted, cosmos.ReasonEtagMismatch, "somebody else divided %s", id).Because(cause)
}

// write stores an entry and what follows from it. The marker of the batch is the entry: it never expires. It comes first, so that a
// replay is refused for that.
func (s *Wallets) write(ctx context.Context, a *attempt, h *holdings, entry wallet.Entry) (wallet.Entry, bool, error) {
	doc := newLedgerDoc(walletEntryBase+a.op.ID(), entry)
	h.set(entry)
	created := h.divide(s.leaf)
	batch := s.players.Batch(cosmos.PK(a.PlayerID), a.op).Read(idLive).CreateMarker(s.entries.Item(doc))
	put(batch, h.head.ETag, s.heads.Item(h.head))
	for _, bucket := range slices.SortedFunc(maps.Values(h.buckets), compareBuckets) {
		batch.Replace(s.buckets.Item(bucket))
	}
	for _, bucket := range created {
		batch.Create(s.buckets.Item(bucket))
	}
	out, err := batch.Execute(ctx)
	return doc.entry(), out.Replayed, explainPost(err)
}

// put creates a document that was not there, or replaces the version that was read.
func put(batch *cosmos.Batch, etag string, item cosmos.Item) {
	if etag == "" {
		batch.Create(item)
	} else {
		batch.Replace(item)
	}
}

// explainPost makes a lost race of the refusal to create a head that a rival has created since it was looked for. A bucket that is
// there already is no rival's, for he would have changed the head, which comes before it.
func explainPost(err error) error {
	var refused *cosmos.BatchError
	if fault.ReasonOf(err) != cosmos.ReasonAlreadyExists || !errors.As(err, &refused) {
		return err
	}
	if refused.ID == idWalletHead {
		return fault.New(fault.Aborted, cosmos.ReasonEtagMismatch, "somebody else created %s", refused.ID).Because(err)
	}
	return fault.New(fault.DataLoss, "BAD_DOCUMENT", "there is a %s that the head of the wallet does not name", refused.ID).Because(err)
}
