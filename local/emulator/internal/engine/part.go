package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"supergame/local/emulator/internal/epk"
)

// part is a physical range at work.
type part struct {
	num     uint16
	rec     partRecord
	lo, hi  []byte    // bounds in binary
	lineage []segment // the parts it came from, oldest first

	mu      sync.Mutex // one writer at a time: reads what is there, decides, and applies
	lsn     uint64     // last given, under mu
	logTime int64      // ms since 1970 of the last log entry, never decreasing, under mu
	gone    bool       // split, under mu

	durable durability
}

// segment is a stretch of the change log: everything in the log of a part up to an LSN.
type segment struct {
	part uint16
	upTo uint64
}

// partRecord is a part as stored.
type partRecord struct {
	Num     uint16
	Min     string // hex
	Max     string
	Parents []uint16 `json:",omitempty"` // oldest first
	Start   uint64   `json:",omitempty"` // LSN of the parent at the split
	TS      int64    `json:",omitempty"`
	Split   bool     `json:",omitempty"` // gone
}

// topology is the set of parts at one moment.
type topology struct {
	live []*part // by bounds
	next uint16  // number of the next part
}

const (
	minBound = ""
	maxBound = "FF"
)

// firstParts cuts the hashes, which begin with 00 to 3F, into n equal ranges.
func firstParts(n int) []partRecord {
	out := make([]partRecord, n)
	for i := range out {
		out[i] = partRecord{Num: uint16(i), Min: evenBound(i, n), Max: evenBound(i+1, n)}
	}
	return out
}

func evenBound(i, n int) string {
	switch i {
	case 0:
		return minBound
	case n:
		return maxBound
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(i)*(1<<62/uint64(n)))
	return epk.Hex(append(b, make([]byte, 8)...))
}

func newTopology(records []partRecord) (*topology, error) {
	t := &topology{next: uint16(len(records))}
	for i := range records {
		if records[i].Split {
			continue
		}
		p, err := newPart(records, i)
		if err != nil {
			return nil, err
		}
		t.live = append(t.live, p)
	}
	t.sort()
	return t, nil
}

func (t *topology) sort() {
	slices.SortFunc(t.live, func(a, b *part) int { return bytes.Compare(a.lo, b.lo) })
}

func newPart(records []partRecord, i int) (*part, error) {
	r := records[i]
	p := &part{num: r.Num, rec: r, lsn: r.Start}
	var err error
	if p.lo, err = epk.Binary(r.Min); err != nil {
		return nil, fmt.Errorf("engine: read a range: %w", err)
	}
	if p.hi, err = epk.Binary(r.Max); err != nil {
		return nil, fmt.Errorf("engine: read a range: %w", err)
	}
	for i, parent := range r.Parents { // a parent's log ends where its child, the next in line, starts
		upTo := r.Start
		if i+1 < len(r.Parents) {
			upTo = records[r.Parents[i+1]].Start
		}
		p.lineage = append(p.lineage, segment{parent, upTo})
	}
	p.durable.init(r.Start)
	return p, nil
}

// load reads how far the part had come.
func (p *part) load(c *Container) error {
	lsn, logTime, err := c.readState(c.engine.db, p.num)
	if err != nil {
		return fmt.Errorf("engine: read the state of a range: %w", err)
	}
	p.lsn, p.logTime = max(lsn, p.lsn), logTime
	p.durable.init(p.lsn)
	return nil
}

// readState gives LSN and log time of a part in a view; zeros when nothing was written to it there.
func (c *Container) readState(r pebble.Reader, num uint16) (lsn uint64, logTime int64, err error) {
	var buf [16]byte
	value, closer, err := r.Get(c.stateKey(buf[:0], num))
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	defer closer.Close()
	if len(value) != 16 {
		return 0, 0, errCorrupt
	}
	return binary.BigEndian.Uint64(value), int64(binary.BigEndian.Uint64(value[8:])), nil
}

// viewLSN is the last LSN of a part in a view, which may be older than the part.
func (c *Container) viewLSN(r pebble.Reader, p *part) (uint64, error) {
	lsn, _, err := c.readState(r, p.num)
	for i := len(p.lineage) - 1; lsn == 0 && err == nil && i >= 0; i-- {
		lsn, _, err = c.readState(r, p.lineage[i].part)
	}
	return lsn, err
}

func (p *part) holds(key []byte) bool {
	return bytes.Compare(p.lo, key) <= 0 && bytes.Compare(key, p.hi) < 0
}

// name is the id of the range.
func (p *part) name() string { return partName(p.num) }

func partName(num uint16) string {
	if num < 10 {
		return "0123456789"[num : num+1]
	}
	return strconv.Itoa(int(num))
}

// of finds the part of an effective partition key.
func (t *topology) of(key []byte) *part {
	if len(t.live) == 1 {
		return t.live[0]
	}
	i := sort.Search(len(t.live), func(i int) bool { return bytes.Compare(t.live[i].lo, key) > 0 })
	return t.live[i-1] // the first begins with the least bound there is
}

// named finds a range by id: 410/1002 when it was split or never was, 400 when it is no number.
func (t *topology) named(id string) (*part, error) {
	num, err := strconv.ParseUint(id, 10, 16)
	if err != nil || strconv.Itoa(int(num)) != id {
		return nil, badRequest("%q is no id of a partition key range", id)
	}
	for _, p := range t.live {
		if p.num == uint16(num) {
			return p, nil
		}
	}
	return nil, errRangeGone(id)
}

// within lists the parts that share a key with [lo, hi).
func (t *topology) within(lo, hi []byte) []*part {
	var out []*part
	for _, p := range t.live {
		if bytes.Compare(p.lo, hi) < 0 && bytes.Compare(lo, p.hi) < 0 {
			out = append(out, p)
		}
	}
	return out
}

// Range is a physical range of a container: it serves the effective partition keys in [Min, Max).
type Range struct {
	Resource          // ID is "0", "1", ...
	Min, Max string   // upper-case hex; "" and "FF" at the ends
	Parents  []string // ids of the ranges it came from by splits, oldest first
	LSN      uint64   // last committed
	Fraction float64  // of the container's throughput
}

// JSON is the range as the service shows it in pkranges.
func (r Range) JSON() []byte {
	if r.Parents == nil {
		r.Parents = []string{}
	}
	return mustJSON(struct {
		Resource
		Min      string   `json:"minInclusive"`
		Max      string   `json:"maxExclusive"`
		RID      int      `json:"ridPrefix"`
		Fraction float64  `json:"throughputFraction"`
		Status   string   `json:"status"`
		Parents  []string `json:"parents"`
		LSN      uint64   `json:"lsn"`
	}{Resource: r.Resource, Min: r.Min, Max: r.Max, Fraction: r.Fraction, Status: "online", Parents: r.Parents, LSN: r.LSN})
}

// Ranges lists the physical ranges in the order of their bounds.
func (c *Container) Ranges() []Range {
	t := c.parts.Load()
	out := make([]Range, len(t.live))
	for i, p := range t.live {
		out[i] = c.rangeOf(p, len(t.live))
	}
	return out
}

func (c *Container) rangeOf(p *part, of int) Range {
	info := c.info.Load()
	rid := ridText(childRID(c.rid, uint64(p.num), ridRange))
	ts := max(p.rec.TS, info.TS)
	r := Range{Min: p.rec.Min, Max: p.rec.Max, LSN: p.durable.reached.Load(), Fraction: 1 / float64(of)}
	r.Resource = Resource{
		ID: p.name(), RID: rid, Self: info.Self + "pkranges/" + rid + "/", ETag: metaETag(c.num, uint64(p.num), p.rec.TS), TS: ts,
	}
	for _, s := range p.lineage {
		r.Parents = append(r.Parents, partName(s.part))
	}
	return r
}

// Topology is an ETag for pkranges: it changes when a range is split.
func (c *Container) Topology() string {
	return strings.Join([]string{`"`, strconv.Itoa(int(c.parts.Load().next)), `"`}, "")
}

// RangeOf gives the id of the range that serves a complete partition key: 400 when the key does not fit the container.
func (c *Container) RangeOf(key epk.Key) (string, error) {
	var buf [128]byte
	_, partition, err := c.locate(buf[:0], key)
	if err != nil {
		return "", err
	}
	return c.parts.Load().of(partition).name(), nil
}
