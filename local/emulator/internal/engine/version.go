package engine

import (
	"encoding/binary"
	"errors"
	"strconv"
)

// version is what the store knows of a stored document besides its text.
type version struct {
	id   docID
	lsn  uint64
	part uint16 // whose log has its entry
	op   byte
	ts   int64
	ttl  int64  // its own, 0 = none
	user []byte // shares the store's memory
}

var errCorrupt = errors.New("engine: a stored document cannot be read")

func (v *version) append(dst []byte) []byte {
	dst = append(dst, v.op)
	dst = binary.BigEndian.AppendUint16(dst, v.part)
	dst = binary.AppendUvarint(dst, v.lsn)
	dst = binary.AppendVarint(dst, v.ts)
	dst = binary.AppendVarint(dst, v.ttl)
	return append(dst, v.user...)
}

func readVersion(id docID, in []byte) (version, error) {
	v := version{id: id}
	if len(in) < 6 {
		return v, errCorrupt
	}
	v.op, v.part = in[0], binary.BigEndian.Uint16(in[1:])
	pos := 3
	var n int
	if v.lsn, n = binary.Uvarint(in[pos:]); n <= 0 {
		return v, errCorrupt
	}
	pos += n
	if v.ts, n = binary.Varint(in[pos:]); n <= 0 {
		return v, errCorrupt
	}
	pos += n
	if v.ttl, n = binary.Varint(in[pos:]); n <= 0 {
		return v, errCorrupt
	}
	v.user = in[pos+n:]
	return v, nil
}

// expired tells whether a version is past its time at now (seconds) in a container with this default.
func (v *version) expired(defaultTTL int, now int64) bool {
	switch {
	case defaultTTL == 0 || v.ttl == -1:
		return false
	case v.ttl > 0:
		return now >= v.ts+v.ttl
	}
	return defaultTTL > 0 && now >= v.ts+int64(defaultTTL)
}

func (c *Container) etag(v *version) string {
	var buf [etagLen + 2]byte
	dst := appendETag(append(buf[:0], '"'), c.num, v.lsn, v.op, v.ts)
	return string(append(dst, '"'))
}

// size is the length of the complete document.
func (c *Container) size(v *version) int {
	n := len(v.user) + c.systemLen + 1
	for ts := v.ts; ts >= 10; ts /= 10 {
		n++
	}
	return n
}

// appendDocument appends the complete document: the text as it was given, then the system properties.
func (c *Container) appendDocument(dst []byte, v *version) []byte {
	dst = append(dst, v.user...)
	if len(v.user) > 1 {
		dst = append(dst, ',')
	}
	var rid [24]byte
	c.ridOf(rid[:], v.id)
	dst = append(append(dst, `"_rid":"`...), rid[:]...)
	dst = append(append(dst, `","_self":"`...), c.selfPrefix...)
	dst = append(append(dst, rid[:]...), `/","_etag":"\"`...)
	dst = appendETag(dst, c.num, v.lsn, v.op, v.ts)
	dst = append(dst, `\"","_attachments":"attachments/","_ts":`...)
	return append(strconv.AppendInt(dst, v.ts, 10), '}')
}

// ridOf writes the resource id of a document; out has 24 bytes.
func (c *Container) ridOf(out []byte, id docID) {
	var b [16]byte
	copy(b[:8], c.rid)
	binary.BigEndian.PutUint64(b[8:], uint64(id)<<4|ridDocument)
	ridEncoding.Encode(out, b[:])
	for i := range out {
		if out[i] == '/' {
			out[i] = '-'
		}
	}
}

func (c *Container) item(id string, v *version, body bool) Item {
	it := Item{ID: id, ETag: c.etag(v), TS: v.ts, LSN: v.lsn}
	if body {
		it.Body = c.appendDocument(make([]byte, 0, c.size(v)), v)
	}
	return it
}
