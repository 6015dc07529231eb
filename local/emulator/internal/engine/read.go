package engine

import (
	"github.com/cockroachdb/pebble/v2"

	"supergame/local/emulator/internal/epk"
)

// Read reads one item: 304, 400, 404, 404/1002, 404/1003.
func (c *Container) Read(key epk.Key, id string, o ReadOptions) (ReadResult, error) {
	if err := c.engine.gate.enter(); err != nil {
		return ReadResult{}, err
	}
	defer c.engine.gate.leave()
	if err := checkID(id); err != nil {
		return ReadResult{}, err
	}
	var buf [128]byte
	_, partition, err := c.locate(buf[:0], key)
	if err != nil {
		return ReadResult{}, err
	}
	for {
		p := c.parts.Load().of(partition)
		res, err := c.readPart(p, partition, id, &o)
		if c.deleted.Load() {
			return ReadResult{}, errNoOwner()
		}
		if c.parts.Load().of(partition) == p {
			return res, err
		}
		// The part was split while we read: what we saw may be of its child, whose LSN is not the parent's to name.
	}
}

func (c *Container) readPart(p *part, partition []byte, id string, o *ReadOptions) (ReadResult, error) {
	res := ReadResult{Position: Position{Range: p.name(), LSN: p.durable.applied.Load()}}
	var r pebble.Reader = c.engine.db
	l, err := c.lagging(o, p)
	if err != nil {
		return res, err
	}
	if l != nil {
		defer l.release()
		r = l.snapshot
		if res.Position.LSN, err = c.viewLSN(r, p); err != nil {
			return res, err
		}
	}
	if err := c.checkSession(p, res.Position.LSN, o.Session); err != nil {
		return res, err
	}
	var buf [192]byte
	v, closer, _, err := c.lookup(r, partition, id, buf[:0])
	p.durable.wait()
	if err != nil {
		return res, err
	}
	if v == nil {
		return res, errMissing()
	}
	defer closer.Close()
	res.Position.LSN = max(res.Position.LSN, v.lsn)
	if v.expired(c.info.Load().Properties.DefaultTTL, c.engine.Now().Unix()) {
		return res, errMissing()
	}
	if o.IfNoneMatch != "" && sameETag(o.IfNoneMatch, c.etag(v)) {
		res.Item = c.item(id, v, false)
		return res, errUnchanged()
	}
	res.Item = c.item(id, v, true)
	return res, nil
}
