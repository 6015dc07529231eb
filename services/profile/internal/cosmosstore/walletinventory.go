package cosmosstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/wallet"
)

// Inventory reads the head and every bucket, in batches. A bucket that was divided since the head was read is followed to its second half;
// whatever else does not fit together is written down.
func (s *Wallets) Inventory(ctx context.Context, playerID string) (wallet.Inventory, error) {
	head, err := s.headNow(ctx, playerID)
	if err != nil {
		return wallet.Inventory{}, explain(playerID, err)
	}
	i := &inventory{store: s, playerID: playerID, order: slices.Compact(slices.Sorted(slices.Values(head.Buckets))), docs: map[string]*bucketDoc{}}
	i.Head = wallet.Head{Seq: head.Seq, Hash: head.Hash}
	if !slices.Equal(i.order, head.Buckets) {
		i.misplace(wallet.Asset{}, "the head names its buckets in no order: %q", head.Buckets)
	}
	i.add(idWalletHead, head.Balances, "", i.at(0))
	for n := 0; n < len(i.order); n++ {
		if err := i.bucket(ctx, n); err != nil {
			return wallet.Inventory{}, explain(playerID, err)
		}
	}
	return i.Inventory, nil
}

// inventory is one in the making.
type inventory struct {
	wallet.Inventory
	store    *Wallets
	playerID string
	order    []string // where the buckets begin that the head names, and those that these name
	docs     map[string]*bucketDoc
}

func (i *inventory) misplace(a wallet.Asset, format string, args ...any) {
	i.Misplaced = append(i.Misplaced, wallet.Misplaced{Asset: a, Description: fmt.Sprintf(format, args...)})
}

// at is where the bucket number n begins; empty behind the last.
func (i *inventory) at(n int) string {
	if n < len(i.order) {
		return i.order[n]
	}
	return ""
}

// bucket takes in the bucket number n.
func (i *inventory) bucket(ctx context.Context, n int) error {
	from, until := i.at(n), i.at(n+1)
	if _, read := i.docs[from]; !read {
		if err := i.read(ctx, i.order[n:min(n+bucketsAtOnce, len(i.order))]); err != nil {
			return err
		}
	}
	doc := i.docs[from]
	if doc == nil {
		i.misplace(wallet.Asset{}, "the bucket %s is lost", walletBucket+from)
		return nil
	}
	switch {
	case doc.Until == until:
	case doc.Until > from && before(doc.Until, until):
		i.order = slices.Insert(i.order, n+1, doc.Until)
		until = doc.Until
	default:
		i.misplace(wallet.Asset{}, "%s ends at %q, the next bucket begins at %q", doc.ID, doc.Until, until)
	}
	i.add(doc.ID, doc.Balances, from, until)
	return nil
}

// read fills docs with buckets, nil for one that is not there.
func (i *inventory) read(ctx context.Context, froms []string) error {
	froms = slices.DeleteFunc(slices.Clone(froms), func(from string) bool { _, read := i.docs[from]; return read })
	for len(froms) > 0 {
		docs, err := i.store.readBuckets(ctx, i.playerID, froms)
		var refused *cosmos.BatchError
		if fault.Is(err, fault.NotFound) && errors.As(err, &refused) {
			if _, err := i.store.headNow(ctx, i.playerID); err != nil { // erased
				return err
			}
			i.docs[froms[refused.Index]] = nil
			froms = slices.Delete(froms, refused.Index, refused.Index+1)
			continue
		}
		if err != nil {
			return err
		}
		for _, doc := range docs {
			i.docs[doc.from()] = doc
		}
		return nil
	}
	return nil
}

// add takes in the balances of a document that begins and ends at a key.
func (i *inventory) add(id string, balances heldBalances, from, until string) {
	for _, key := range slices.Sorted(maps.Keys(balances)) {
		asset, err := assetOf(key)
		switch {
		case err != nil:
			i.misplace(wallet.Asset{}, "%s has %q, which is no asset", id, key)
		case key < from || !before(key, until):
			i.misplace(asset, "%s has it, which holds what is from %q on and before %q", id, from, until)
		default:
			i.Balances = append(i.Balances, balances[key].balance(asset))
		}
	}
}
