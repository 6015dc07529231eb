package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"

	"supergame/local/emulator/internal/epk"
)

// maxParts is how many ranges a container may ever have had.
const maxParts = 1<<16 - 2

// Split divides a range in two at an effective partition key (upper-case hex), or in the middle when at is empty, and returns
// the children: 400, 404/1003, 410/1002. From then on the parent's id is gone: 410/1002. Writers and readers go on meanwhile. No
// document moves: keys do not name ranges, and a child's history begins with its parent's.
func (c *Container) Split(rangeID, at string) ([]Range, error) {
	if err := c.engine.gate.enter(); err != nil {
		return nil, err
	}
	defer c.engine.gate.leave()
	c.admin.Lock()
	defer c.admin.Unlock()
	if c.deleted.Load() {
		return nil, errNoOwner()
	}
	old := c.parts.Load()
	p, err := old.named(rangeID)
	if err != nil {
		return nil, err
	}
	if int(old.next)+2 > maxParts {
		return nil, badRequest("the container had %d ranges already", old.next)
	}
	if at, err = c.splitPoint(p, at); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	children, r, err := c.children(p, at)
	if err != nil {
		return nil, err
	}
	if err := c.storeSplit(p, children, &r); err != nil {
		return nil, err
	}
	t := &topology{next: old.next + 2, live: slices.Clone(old.live)}
	t.live = append(slices.DeleteFunc(t.live, func(o *part) bool { return o == p }), children...)
	t.sort()
	p.gone = true
	p.durable.reach(p.lsn) // the commit of the split waited for everything before it
	c.parts.Store(t)
	return []Range{c.rangeOf(children[0], len(t.live)), c.rangeOf(children[1], len(t.live))}, nil
}

// children makes the parts and the record of a split. It needs c.admin and p.mu.
func (c *Container) children(p *part, at string) ([]*part, containerRecord, error) {
	r := c.record
	r.Parts = slices.Clone(r.Parts)
	r.Parts[p.num].Split = true
	child := partRecord{
		Parents: append(slices.Clone(p.rec.Parents), p.num), Start: p.lsn, TS: c.engine.Now().Unix(),
	}
	low, high := child, child
	low.Num, low.Min, low.Max = uint16(len(r.Parts)), p.rec.Min, at
	high.Num, high.Min, high.Max = low.Num+1, at, p.rec.Max
	r.Parts = append(r.Parts, low, high)
	var out []*part
	for _, rec := range []partRecord{low, high} {
		n, err := newPart(r.Parts, int(rec.Num))
		if err != nil {
			return nil, r, err
		}
		n.logTime = p.logTime
		out = append(out, n)
	}
	return out, r, nil
}

func (c *Container) storeSplit(p *part, children []*part, r *containerRecord) error {
	b := c.engine.db.NewBatch()
	defer drop(b)
	if err := setJSON(b, metaKey(metaContainer, c.num), r); err != nil {
		return err
	}
	state := binary.BigEndian.AppendUint64(nil, p.lsn)
	state = binary.BigEndian.AppendUint64(state, uint64(p.logTime))
	for _, n := range children {
		if err := b.Set(c.stateKey(nil, n.num), state, nil); err != nil {
			return err
		}
	}
	if err := c.engine.commit(b); err != nil {
		return fmt.Errorf("engine: split: %w", err)
	}
	c.record = *r
	return nil
}

// splitPoint checks a bound that was asked for, or finds the middle.
func (c *Container) splitPoint(p *part, at string) (string, error) {
	if at == "" {
		return middle(p.lo, p.hi, c.width)
	}
	b, err := epk.Binary(at)
	if err != nil {
		return "", badRequest("%s", err)
	}
	if bytes.Compare(b, p.lo) <= 0 || bytes.Compare(b, p.hi) >= 0 {
		return "", badRequest("%s is not inside of the range from %q to %q", at, p.rec.Min, p.rec.Max)
	}
	return at, nil
}

// middle halves the hashes between two bounds. Every hash begins with less than 40, so the last range counts up to there.
func middle(lo, hi []byte, width int) (string, error) {
	top := []byte{0x40}
	if bytes.Compare(hi, top) < 0 {
		top = hi
	}
	for _, n := range []int{16, width} { // a range within one value of the first level is cut on the levels below
		sum := new(big.Int).Add(widen(lo, n), widen(top, n))
		half := sum.Rsh(sum, 1).FillBytes(make([]byte, n))
		if trimmed := bytes.TrimRight(half, "\x00"); bytes.Compare(trimmed, lo) > 0 {
			return epk.Hex(half), nil
		}
	}
	return "", badRequest("the range holds a single partition key, it cannot be split")
}

func widen(b []byte, n int) *big.Int {
	out := make([]byte, n)
	copy(out, b)
	return new(big.Int).SetBytes(out)
}
