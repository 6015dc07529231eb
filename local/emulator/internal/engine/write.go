package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"supergame/local/emulator/internal/epk"
)

// write is one Write at work. The zero value of everything but the buffers is what a new one starts with.
type write struct {
	c         *Container
	key       epk.Key
	partition []byte // effective partition key, then the key itself
	ops       []Op
	docs      []document // of the operations that have a body
	results   []Result
	noBodies  bool

	p          *part
	b          *pebble.Batch
	r          pebble.Reader // b's view where an operation must see those before it
	order      []int         // the operations by id, when they are looked up together
	found      []docID       // of each operation, when they were looked up together; 0 = not there
	lsn        uint64
	ts         int64 // seconds
	logTime    int64 // ms
	defaultTTL int
	dirty      bool

	keyBuf, valueBuf []byte
	termBuf          []byte // what Op.Patch and Options.Terms are shown
}

var writePool = sync.Pool{New: func() any { return new(write) }}

// keepBuf is the largest buffer that is used again.
const keepBuf = 256 << 10

func (w *write) release() {
	clear(w.docs)
	if cap(w.valueBuf) > keepBuf {
		w.valueBuf = nil
	}
	if cap(w.termBuf) > keepBuf {
		w.termBuf = nil
	}
	*w = write{
		partition: w.partition[:0], docs: w.docs[:0], keyBuf: w.keyBuf[:0], valueBuf: w.valueBuf[:0], termBuf: w.termBuf[:0],
		order: w.order[:0], found: w.found[:0],
	}
	writePool.Put(w)
}

// Write does 1 to 100 operations of one logical partition: all of them, or none and the *Error of the first refused one.
// A nil key is taken from the first operation's Body.
func (c *Container) Write(key epk.Key, ops []Op, o WriteOptions) (WriteResult, error) {
	if err := c.engine.gate.enter(); err != nil {
		return WriteResult{}, err
	}
	defer c.engine.gate.leave()
	w := writePool.Get().(*write)
	defer w.release()
	if err := w.plan(c, key, ops); err != nil {
		return WriteResult{Results: w.results}, err
	}
	w.noBodies = o.NoBodies
	for {
		p := c.parts.Load().of(w.partition)
		ok, err := w.attempt(p, o.Session)
		if !ok {
			continue // split meanwhile
		}
		p.durable.wait()
		if err == nil && c.engine.opts.Terms != nil {
			w.countTerms()
		}
		lsn := w.lsn
		if !w.dirty {
			lsn = p.durable.reached.Load()
		}
		return WriteResult{Results: w.results, Position: Position{Range: p.name(), LSN: lsn}}, err
	}
}

// plan checks what can be checked without looking at the store.
func (w *write) plan(c *Container, key epk.Key, ops []Op) error {
	w.c, w.ops = c, ops
	if len(ops) == 0 || len(ops) > maxOps {
		return badRequest("a batch has 1 to %d operations, here are %d", maxOps, len(ops))
	}
	if key == nil {
		var err error
		if key, err = c.KeyOf(ops[0].Body); err != nil {
			return err
		}
	}
	var err error
	if w.key, w.partition, err = c.locate(w.partition[:0], key); err != nil {
		return err
	}
	w.results = make([]Result, 0, len(ops))
	total := 0
	for i := range ops {
		op := &ops[i]
		total += len(op.Body)
		var d document
		switch op.Kind {
		case OpCreate, OpUpsert, OpReplace:
			d, err = c.prepare(op.Body, w.key)
			if err == nil && op.Kind == OpReplace && op.ID != "" && op.ID != d.id {
				err = badRequest("the id of the document is not the one of the request")
			}
		case OpPatch, OpDelete, OpRead:
			err = checkID(op.ID)
		default:
			err = badRequest("unknown kind of operation %d", op.Kind)
		}
		if err != nil {
			return w.refused(i, err)
		}
		w.docs = append(w.docs, d)
	}
	if total > maxItemBytes {
		return refuse(StatusTooLarge, 0, "Request size is too large")
	}
	return nil
}

// locate gives the complete key and the place of its logical partition, appended to dst.
func (c *Container) locate(dst []byte, key epk.Key) (epk.Key, []byte, error) {
	d := &c.info.Load().Properties.Key
	key = d.Full(key)
	if key.Size() > epk.MaxKeyBytes+len(key) {
		return nil, dst, badRequest("the partition key is longer than %d bytes", epk.MaxKeyBytes)
	}
	dst, err := d.AppendEffective(dst, key)
	if err != nil {
		return nil, dst, badRequest("%s", err)
	}
	return key, key.Append(dst), nil
}

// refused notes the operation in its error.
func (w *write) refused(i int, err error) error {
	for len(w.results) <= i {
		w.results = append(w.results, Result{})
	}
	var e *Error
	if errors.As(err, &e) {
		at := *e
		at.Op = i
		return &at
	}
	return err
}

// attempt does the operations on a part; false when the part was split before its lock was taken.
func (w *write) attempt(p *part, session []Token) (bool, error) {
	ok, err := w.locked(p, session)
	if w.b == nil {
		return ok, err
	}
	defer drop(w.b)
	if err != nil {
		w.dirty = false
		return ok, err
	}
	if !w.dirty {
		return ok, nil
	}
	if !w.c.engine.inMemory() {
		err = w.b.SyncWait()
	}
	p.durable.reach(w.lsn)
	if err != nil {
		return ok, fmt.Errorf("engine: commit: %w", err)
	}
	return ok, nil
}

// locked is the part of attempt for which everybody else waits.
func (w *write) locked(p *part, session []Token) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case w.c.deleted.Load():
		return true, errNoOwner()
	case p.gone:
		return false, nil
	}
	if err := w.c.checkSession(p, p.lsn, session); err != nil {
		return true, err
	}
	w.begin(p)
	if err := w.findAll(); err != nil {
		return true, err
	}
	for i := range w.ops {
		w.results = append(w.results, Result{})
		if err := w.do(i); err != nil {
			return true, w.refused(i, err)
		}
	}
	if !w.dirty {
		return true, nil
	}
	return true, w.apply()
}

// begin needs p.mu.
func (w *write) begin(p *part) {
	e := w.c.engine
	now := e.Now()
	w.p, w.lsn, w.ts = p, p.lsn+1, now.Unix()
	w.logTime = max(p.logTime, now.UnixMilli())
	w.defaultTTL = w.c.info.Load().Properties.DefaultTTL
	if w.independent() {
		w.b, w.r = e.db.NewBatchWithSize(w.room()), e.db
		return
	}
	w.b = e.db.NewIndexedBatch()
	w.r = w.b
}

// room is about how many bytes the operations take in a batch, so that it need not grow with a copy of what is in it.
func (w *write) room() int {
	n := 0
	for i := range w.docs {
		n += len(w.docs[i].user) + 4*(len(w.partition)+len(w.docs[i].id)+roomForKeys)
	}
	return n
}

// roomForKeys is what each of about four keys has besides partition and id.
const roomForKeys = 48

// apply makes the batch visible, in the order of the LSNs because p.mu is held.
func (w *write) apply() error {
	p, e := w.p, w.c.engine
	w.valueBuf = binary.BigEndian.AppendUint64(w.valueBuf[:0], w.lsn)
	w.valueBuf = binary.BigEndian.AppendUint64(w.valueBuf, uint64(w.logTime))
	w.keyBuf = w.c.stateKey(w.keyBuf[:0], p.num)
	if err := w.b.Set(w.keyBuf, w.valueBuf, nil); err != nil {
		return err
	}
	p.durable.issued.Store(w.lsn)
	var err error
	if e.inMemory() {
		err = e.db.Apply(w.b, pebble.NoSync)
	} else {
		err = e.db.ApplyNoSyncWait(w.b, pebble.Sync)
	}
	if err != nil {
		p.durable.revoke(p.lsn)
		return fmt.Errorf("engine: apply: %w", err)
	}
	p.durable.applied.Store(w.lsn)
	p.lsn, p.logTime = w.lsn, w.logTime
	return nil
}

// do does one operation.
func (w *write) do(i int) error {
	op, res, d := &w.ops[i], &w.results[i], &w.docs[i]
	id := w.id(i)
	cur, closer, err := w.current(i)
	if err != nil {
		return err
	}
	if closer != nil {
		defer closer.Close()
	}
	if cur != nil {
		res.OldSize, res.OldETag = w.c.size(cur), w.c.etag(cur)
		if w.c.engine.opts.Terms != nil && op.Kind != OpRead {
			res.before = w.complete(cur)
		}
	}
	if err := op.allowed(cur, res.OldETag); err != nil {
		return err
	}
	switch op.Kind {
	case OpRead:
		res.Item = w.c.item(id, cur, true)
		return nil
	case OpDelete:
		res.ID = id
		return w.remove(id, cur)
	case OpPatch:
		before := res.before
		if before == nil {
			before = w.complete(cur)
		}
		if *d, err = w.patched(op, before); err != nil {
			return err
		}
	}
	return w.put(i, cur)
}

// complete gives a version with its system properties, valid until release.
func (w *write) complete(v *version) []byte {
	w.termBuf = slices.Grow(w.termBuf, w.c.size(v))
	start := len(w.termBuf)
	w.termBuf = w.c.appendDocument(w.termBuf, v)
	return w.termBuf[start:len(w.termBuf):len(w.termBuf)]
}

// allowed checks existence and conditions, in the order the service does.
func (op *Op) allowed(cur *version, etag string) error {
	switch {
	case op.Kind == OpCreate && cur != nil:
		return errExists()
	case cur == nil && op.Kind != OpCreate && op.Kind != OpUpsert:
		return errMissing()
	case cur == nil:
		return nil
	case op.IfMatch != "" && !sameETag(op.IfMatch, etag):
		return errPrecondition()
	case op.IfNoneMatch != "" && sameETag(op.IfNoneMatch, etag):
		if op.Kind == OpRead {
			return errUnchanged()
		}
		return errPrecondition()
	}
	return nil
}

func (w *write) patched(op *Op, before []byte) (document, error) {
	body, err := op.Patch(before)
	if err != nil {
		return document{}, err
	}
	d, err := w.c.prepare(body, w.key)
	if err == nil && d.id != op.ID {
		err = badRequest("a patch cannot change the id")
	}
	return d, err
}

// countTerms runs after the commit.
func (w *write) countTerms() {
	info := w.c.info.Load()
	for i := range w.results {
		res := &w.results[i]
		if res.before == nil && res.after == nil {
			continue
		}
		res.RemovedTerms, res.InsertedTerms = w.c.engine.opts.Terms(info, res.before, res.after)
		res.before, res.after = nil, nil
	}
}
