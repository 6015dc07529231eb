package engine

import (
	"encoding/binary"
)

// First bytes of a key.
const (
	spaceMeta byte = 0x01
	spaceData byte = 0x02
)

// Kinds of keys in spaceMeta.
const (
	metaFormat    byte = 'f'
	metaCounters  byte = 'n'
	metaDatabase  byte = 'd'
	metaContainer byte = 'c'
	metaOffer     byte = 'o'
)

// Kinds of keys of a container.
const (
	kindDocument  byte = 'd' // docID epk pk -> header, body
	kindExpiry    byte = 'e' // time docID epk pk -> nothing: items with a ttl of their own
	kindID        byte = 'i' // epk pk id -> docID
	kindLog       byte = 'l' // part lsn op -> time docID epk pk
	kindPartition byte = 'p' // epk pk docID -> nothing
	kindState     byte = 'r' // part -> lsn, time
	kindUnique    byte = 'u' // epk pk number hash -> docID
)

const (
	prefixLen = 6 // space, container, kind
	docIDLen  = 8
	logKeyLen = prefixLen + 2 + 8 + 1
)

func metaKey(kind byte, num uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{spaceMeta, kind}, num)
}

// prefix begins every key of one kind in a container.
func prefix(dst []byte, container uint32, kind byte) []byte {
	return append(binary.BigEndian.AppendUint32(append(dst, spaceData), container), kind)
}

// docID is the place of a document in its container: 16 bits of the part it was created in, 37 of its LSN, 7 of its operation's
// index. It only grows with time within a lineage of parts, so its order is the order of insertion there.
type docID uint64

const (
	lsnBits = 37
	opBits  = 7
)

func newDocID(part uint16, lsn uint64, op int) docID {
	return docID(uint64(part)<<(lsnBits+opBits) | lsn<<opBits | uint64(op))
}

// firstDocID is the least a part can have given.
func firstDocID(part int) docID { return docID(uint64(part) << (lsnBits + opBits)) }

func (d docID) part() uint16 { return uint16(d >> (lsnBits + opBits)) }

func (d docID) append(dst []byte) []byte { return binary.BigEndian.AppendUint64(dst, uint64(d)) }

func (c *Container) documentKey(dst []byte, id docID, partition []byte) []byte {
	return append(id.append(prefix(dst, c.num, kindDocument)), partition...)
}

func (c *Container) idKey(dst, partition []byte, id string) []byte {
	return append(append(prefix(dst, c.num, kindID), partition...), id...)
}

func (c *Container) partitionKey(dst, partition []byte, id docID) []byte {
	return id.append(append(prefix(dst, c.num, kindPartition), partition...))
}

func (c *Container) logPrefix(dst []byte, part uint16) []byte {
	return binary.BigEndian.AppendUint16(prefix(dst, c.num, kindLog), part)
}

func (c *Container) logKey(dst []byte, part uint16, lsn uint64, op byte) []byte {
	return append(binary.BigEndian.AppendUint64(c.logPrefix(dst, part), lsn), op)
}

func (c *Container) expiryKey(dst []byte, at int64, id docID, partition []byte) []byte {
	dst = binary.BigEndian.AppendUint64(prefix(dst, c.num, kindExpiry), uint64(max(at, 0)))
	return append(id.append(dst), partition...)
}

func (c *Container) stateKey(dst []byte, part uint16) []byte {
	return binary.BigEndian.AppendUint16(prefix(dst, c.num, kindState), part)
}

func (c *Container) uniqueKey(dst, partition []byte, number int, sum [32]byte) []byte {
	dst = append(append(prefix(dst, c.num, kindUnique), partition...), byte(number))
	return append(dst, sum[:]...)
}

// after is the least key above all that begin with p.
func after(p []byte) []byte {
	out := append([]byte(nil), p...)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			return out[:i+1]
		}
	}
	return nil
}
