package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"supergame/local/emulator/internal/epk"
)

// FeedOptions of Feed.
type FeedOptions struct {
	ReadOptions
	Range    string    // id of a physical range; empty = the one that holds [Min, Max) or Key, 410/1002 if several do
	Min, Max string    // effective partition key bounds, upper-case hex; both empty = the whole range
	Key      epk.Key   // only this logical partition (or prefix of a hierarchical one), whatever Min and Max; nil = all
	After    uint64    // only versions with a higher LSN: FeedPage.LSN of the page before
	Since    time.Time // when After is 0: only versions written at or after this time; zero = from the beginning
	FromNow  bool      // when After is 0: only what is written from now on
	MaxItems int       // 0 or less = 100; exceeded rather than cutting the versions of one Write apart
	MaxBytes int       // 0 or less = 4 MB; as MaxItems
}

// FeedPage is one page of the change feed: the last version of each document that changed, oldest change first.
type FeedPage struct {
	Items    []Item // Body carries _lsn as well; ID is empty
	Range    string
	LSN      uint64 // continuation: FeedOptions.After of the next page; never less than the After it came from
	RangeLSN uint64 // last LSN of the range in the view that was read
	Drained  bool   // nothing changed after LSN
}

const (
	feedItems = 100
	feedBytes = 4 << 20
)

// logEntry is the value of the change log at an LSN and operation.
type logEntry struct {
	time      int64 // ms since 1970, never decreasing along a log
	ownTTL    bool  // the document has a ttl of its own
	id        docID
	partition []byte // shares the store's memory when read
}

func (l logEntry) append(dst []byte) []byte {
	t := uint64(l.time) << 1
	if l.ownTTL {
		t |= 1
	}
	return append(l.id.append(binary.BigEndian.AppendUint64(dst, t)), l.partition...)
}

// readLogEntry splits an entry of the log: where it stands, and what it says.
func (c *Container) readLogEntry(key, value []byte) (lsn uint64, e logEntry, err error) {
	if len(key) != logKeyLen || len(value) < 8+docIDLen+c.width {
		return 0, e, errCorrupt
	}
	t := binary.BigEndian.Uint64(value)
	e = logEntry{time: int64(t >> 1), ownTTL: t&1 != 0, id: docID(binary.BigEndian.Uint64(value[8:])), partition: value[8+docIDLen:]}
	return binary.BigEndian.Uint64(key[prefixLen+2:]), e, nil
}

// feed is one Feed at work.
type feed struct {
	c     *Container
	o     *FeedOptions
	b     bounds
	key   []byte // form of the key, nil = all
	view  view
	it    *pebble.Iterator
	docs  *documents
	page  FeedPage
	bytes int
	ttl   int
	now   int64
}

// Feed reads a page of the change feed: 400, 404/1002, 404/1003, 410/1002. A continuation of a range that was split goes on in
// each of its children, for the child's documents.
func (c *Container) Feed(o FeedOptions) (FeedPage, error) {
	if err := c.engine.gate.enter(); err != nil {
		return FeedPage{}, err
	}
	defer c.engine.gate.leave()
	if o.MaxItems <= 0 {
		o.MaxItems = feedItems
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = feedBytes
	}
	f := &feed{c: c, o: &o, ttl: c.info.Load().Properties.DefaultTTL, now: c.engine.Now().Unix()}
	b, err := c.parseBounds(o.Min, o.Max, o.Key)
	if err != nil {
		return FeedPage{}, err
	}
	if len(o.Key) > 0 {
		f.key = o.Key.Append(nil)
	}
	if f.view, err = c.openView(&o.ReadOptions); err != nil {
		return FeedPage{}, fmt.Errorf("engine: feed: %w", err)
	}
	defer f.view.release()
	parts, b, err := f.view.topology.target(o.Range, b)
	switch {
	case err != nil:
		return FeedPage{}, err
	case len(parts) == 0:
		return FeedPage{}, badRequest("the bounds %q and %q hold nothing", o.Min, o.Max)
	case len(parts) > 1:
		return FeedPage{}, errRangeGone("between " + strconv.Quote(o.Min) + " and " + strconv.Quote(o.Max))
	}
	f.b = b.clip(parts[0])
	return f.read(parts[0])
}

func (f *feed) read(p *part) (FeedPage, error) {
	c := f.c
	lsn, err := c.viewLSN(f.view.snapshot, p)
	if err != nil {
		return FeedPage{}, fmt.Errorf("engine: feed: %w", err)
	}
	f.page = FeedPage{Range: p.name(), LSN: f.o.After, RangeLSN: lsn}
	if err := c.checkSession(p, lsn, f.o.Session); err != nil {
		return f.page, err
	}
	p.durable.wait()
	if c.deleted.Load() {
		return FeedPage{}, errNoOwner()
	}
	if f.o.After == 0 && f.o.FromNow {
		f.page.LSN, f.page.Drained = lsn, true
		return f.page, nil
	}
	lower := prefix(nil, c.num, kindLog)
	if f.it, err = f.view.snapshot.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: after(lower)}); err != nil {
		return FeedPage{}, fmt.Errorf("engine: feed: %w", err)
	}
	if f.docs, err = c.openDocuments(f.view.snapshot); err != nil {
		return FeedPage{}, errors.Join(err, f.it.Close())
	}
	full := false
	for _, s := range p.segments(lsn) {
		if full, err = f.segment(s); full || err != nil {
			break
		}
	}
	if err := errors.Join(err, f.it.Error(), f.it.Close(), f.docs.close()); err != nil {
		return FeedPage{}, fmt.Errorf("engine: feed: %w", err)
	}
	if !full {
		f.page.LSN, f.page.Drained = max(lsn, f.o.After), true
	}
	return f.page, nil
}

// segments are the stretches of log that make up the part's history up to an LSN, oldest first.
func (p *part) segments(lsn uint64) []segment {
	return append(p.lineage[:len(p.lineage):len(p.lineage)], segment{p.num, lsn})
}

// segment adds the entries of one stretch: full when the page ended within it.
func (f *feed) segment(s segment) (full bool, err error) {
	from := f.o.After + 1
	if from > s.upTo {
		return false, nil
	}
	if f.o.After == 0 && !f.o.Since.IsZero() {
		if from, err = f.c.firstSince(f.it, s, f.o.Since.UnixMilli()); err != nil {
			return false, err
		}
	}
	begin := f.c.logPrefix(nil, s.part)
	from, learn := f.skip(s.part, from)
	for ok := f.it.SeekGE(f.c.logKey(nil, s.part, from, 0)); ok; ok = f.it.Next() {
		key := f.it.Key()
		if !bytes.HasPrefix(key, begin) {
			break
		}
		lsn, e, err := f.c.readLogEntry(key, f.it.Value())
		if err != nil {
			return false, err
		}
		if lsn > s.upTo {
			break
		}
		if learn != nil {
			learn.raise(lsn)
			learn = nil
		}
		if lsn != f.page.LSN && f.isFull() {
			return true, nil
		}
		if err := f.add(lsn, &e); err != nil {
			return false, err
		}
	}
	return false, nil
}

// skip moves the begin of a read in the log of a part to where entries may be. The floor is not nil when the read may raise it. A
// lagging view has entries below the floor.
func (f *feed) skip(part uint16, from uint64) (uint64, *floor) {
	if f.o.Lag > 0 {
		return from, nil
	}
	known, _ := f.c.floors.LoadOrStore(part, &floor{})
	low := known.(*floor)
	if at := max(low.Load(), 1); from <= at {
		return at, low
	}
	return from, nil
}

// floor is an LSN below which a log is empty for good: entries only go away there. Without it every read from the beginning would
// step over the tombstones of all that was ever written. A view that is older than the floor may have entries below it; their
// documents have changed since, and come with an LSN that lies behind the view.
type floor struct{ atomic.Uint64 }

func (f *floor) raise(to uint64) {
	for at := f.Load(); at < to; at = f.Load() {
		if f.CompareAndSwap(at, to) {
			return
		}
	}
}

func (f *feed) isFull() bool {
	return len(f.page.Items) >= f.o.MaxItems || f.bytes >= f.o.MaxBytes
}

// add takes an entry onto the page unless it is outside the bounds or expired.
func (f *feed) add(lsn uint64, e *logEntry) error {
	c := f.c
	if !f.b.hold(e.partition[:c.width]) || !bytes.HasPrefix(e.partition[c.width:], f.key) {
		return nil
	}
	v, err := f.docs.fetch(e.id, e.partition)
	if err != nil || v.expired(f.ttl, f.now) {
		return err
	}
	body := c.appendDocument(make([]byte, 0, c.size(&v)+32), &v)
	body = strconv.AppendUint(append(body[:len(body)-1], `,"_lsn":`...), v.lsn, 10)
	body = append(body, '}')
	f.page.Items = append(f.page.Items, Item{Body: body, ETag: c.etag(&v), TS: v.ts, LSN: v.lsn})
	f.page.LSN = lsn
	f.bytes += len(body)
	return nil
}

// firstSince gives an LSN of a stretch before which everything is older than a time in ms.
func (c *Container) firstSince(it *pebble.Iterator, s segment, since int64) (uint64, error) {
	lo, hi := uint64(1), s.upTo+1
	begin := c.logPrefix(nil, s.part)
	for lo < hi {
		mid := lo + (hi-lo)/2
		if !it.SeekGE(c.logKey(nil, s.part, mid, 0)) || !bytes.HasPrefix(it.Key(), begin) {
			hi = mid
			continue
		}
		lsn, e, err := c.readLogEntry(it.Key(), it.Value())
		switch {
		case err != nil:
			return 0, err
		case lsn >= hi || e.time >= since:
			hi = mid
		default:
			lo = lsn + 1
		}
	}
	return lo, nil
}
