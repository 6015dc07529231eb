package cosmosstore

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"supergame/services/platform/fault"
	"supergame/services/profile/internal/wallet"
)

// leafBytes is how large the balances of one document become before some of them move. What is read and replaced costs little
// more up to 8 KB (1.33 and 14.08 RU, of 1 and 9.9 at least), and nearly half as much again at 16 KB; in between is room for the
// header, and for the few documents that one change makes larger than this before it divides them.
const leafBytes = 7000

// heldBalances are balances by their keys.
type heldBalances map[string]held

// held is one of them: the amount, the number of the entry that made it so, and the time of that entry in milliseconds since 1970. It
// is a list because its names would be most of a document.
type held [3]int64

func (h held) balance(a wallet.Asset) wallet.Balance {
	return wallet.Balance{Asset: a, Amount: h[0], Seq: h[1], Time: time.UnixMilli(h[2]).UTC()}
}

// What the keys of assets begin with. Currencies come before items.
const (
	currencyKey = "c:"
	itemKey     = "i:"
)

// assetKey is the key of an asset's balance; the zero asset's comes before all others.
func assetKey(a wallet.Asset) string {
	switch a.Type {
	case wallet.Currency:
		return currencyKey + a.ID
	case wallet.Item:
		return itemKey + a.ID
	}
	return ""
}

// assetOf is the way back.
func assetOf(key string) (wallet.Asset, error) {
	if currency, ok := strings.CutPrefix(key, currencyKey); ok {
		return wallet.Asset{Type: wallet.Currency, ID: currency}, nil
	}
	if item, ok := strings.CutPrefix(key, itemKey); ok {
		return wallet.Asset{Type: wallet.Item, ID: item}, nil
	}
	return wallet.Asset{}, fault.New(fault.DataLoss, "BAD_DOCUMENT", "%q is not the key of a balance", key)
}

// within returns the balances behind one key and before another, in order; an empty end is none.
func (b heldBalances) within(after, until string) ([]wallet.Balance, error) {
	var list []wallet.Balance
	for _, key := range slices.Sorted(maps.Keys(b)) {
		if key <= after || !before(key, until) {
			continue
		}
		asset, err := assetOf(key)
		if err != nil {
			return nil, err
		}
		list = append(list, b[key].balance(asset))
	}
	return list, nil
}

// before reports whether a key comes before an end, of which the empty one is behind all.
func before(key, end string) bool { return end == "" || key < end }

// size is about how many bytes the balances take.
func (b heldBalances) size() int {
	size := 0
	for key, h := range b {
		size += entrySize(key, h)
	}
	return size
}

func entrySize(key string, h held) int {
	var digits [24]byte
	size := len(key) + len(`"":[,,],`)
	for _, n := range h {
		size += len(strconv.AppendInt(digits[:0], n, 10))
	}
	return size
}

// cut leaves the first balances, of about so many bytes, and moves the others away: those it returns, with the shortest key that
// divides the two. There is one at least on either side.
func (b heldBalances) cut(keep int) (from string, second heldBalances) {
	keys := slices.Sorted(maps.Keys(b))
	n := 1
	for size := entrySize(keys[0], b[keys[0]]); n < len(keys)-1 && size < keep; n++ {
		size += entrySize(keys[n], b[keys[n]])
	}
	second = make(heldBalances, len(keys)-n)
	for _, key := range keys[n:] {
		second[key] = b[key]
		delete(b, key)
	}
	return divider(keys[n-1], keys[n]), second
}

// divider is the shortest key that is behind one key, and is or comes before the next.
func divider(last, next string) string {
	same := 0
	for same < len(last) && same < len(next)-1 && last[same] == next[same] {
		same++
	}
	return next[:same+1]
}

// bucketOf returns where the bucket of a key begins; empty = the head itself.
func (d *walletDoc) bucketOf(key string) string {
	i, exact := slices.BinarySearch(d.Buckets, key)
	switch {
	case exact:
		return key
	case i > 0:
		return d.Buckets[i-1]
	}
	return ""
}

// behind returns where the first bucket behind a key begins; empty = there is none.
func (d *walletDoc) behind(key string) string {
	i, exact := slices.BinarySearch(d.Buckets, key)
	if exact {
		i++
	}
	if i == len(d.Buckets) {
		return ""
	}
	return d.Buckets[i]
}

// addBucket enters a new bucket.
func (d *walletDoc) addBucket(from string) {
	i, _ := slices.BinarySearch(d.Buckets, from)
	d.Buckets = slices.Insert(slices.Clone(d.Buckets), i, from)
}

// full reports whether the head should give balances away. Once there are buckets it keeps but a few, the currencies as a rule: it is replaced by
// changes of all the others too.
func (d *walletDoc) full(limit int) bool {
	if len(d.Buckets) > 0 {
		limit = 2 * keptInHead(limit)
	}
	return len(d.Balances) > 1 && d.Balances.size() > limit
}

// keptInHead is how much stays in a head that gives balances away. With a dozen currencies it is within 1 KB.
func keptInHead(limit int) int { return limit / 14 }

func (d *bucketDoc) from() string { return strings.TrimPrefix(d.ID, walletBucket) }

func (d *bucketDoc) full(limit int) bool { return len(d.Balances) > 1 && d.Balances.size() > limit }

// next is where the next bucket begins; empty = this is the last.
func (d *bucketDoc) next() (string, error) {
	if d.Until != "" && d.Until <= d.from() {
		return "", fault.New(fault.DataLoss, "BAD_DOCUMENT", "%q ends at %q, before it begins", d.ID, d.Until)
	}
	return d.Until, nil
}

func newBucketDoc(playerID, from, until string, balances heldBalances) *bucketDoc {
	d := &bucketDoc{PlayerID: playerID, Until: until, Balances: balances}
	d.ID = walletBucket + from
	return d
}

// holdings are the documents that a change is decided on: the head, and the buckets that hold its assets.
type holdings struct {
	head    *walletDoc // new when there is none
	buckets map[string]*bucketDoc
}

// leaf is the balances among which a key is.
func (h *holdings) leaf(key string) *heldBalances {
	if bucket, ok := h.buckets[h.head.bucketOf(key)]; ok {
		return &bucket.Balances
	}
	return &h.head.Balances
}

// set brings the balances up to an entry.
func (h *holdings) set(e wallet.Entry) {
	h.head.Seq, h.head.Hash = e.Seq, e.Hash
	for _, line := range e.Lines {
		key := assetKey(line.Asset)
		leaf := h.leaf(key)
		if *leaf == nil {
			*leaf = heldBalances{}
		}
		(*leaf)[key] = held{line.Balance, e.Seq, e.Time.UnixMilli()}
	}
}

// divide cuts the documents that have become too large, and returns the new ones. One change adds less than a document holds,
// so once is enough.
func (h *holdings) divide(limit int) []*bucketDoc {
	var created []*bucketDoc
	add := func(until string, second heldBalances, from string) {
		created = append(created, newBucketDoc(h.head.PlayerID, from, until, second))
		h.head.addBucket(from)
	}
	for _, begin := range slices.Sorted(maps.Keys(h.buckets)) {
		if bucket := h.buckets[begin]; bucket.full(limit) {
			from, second := bucket.Balances.cut(bucket.Balances.size() / 2)
			add(bucket.Until, second, from)
			bucket.Until = from
		}
	}
	if h.head.full(limit) {
		from, second := h.head.Balances.cut(keptInHead(limit))
		add(h.head.behind(""), second, from)
	}
	return created
}

func compareBuckets(a, b *bucketDoc) int { return strings.Compare(a.ID, b.ID) }
