package engine

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
)

var ridEncoding = base64.StdEncoding

// ridText is how the service writes resource ids: they stand in paths.
func ridText(b []byte) string { return strings.ReplaceAll(ridEncoding.EncodeToString(b), "/", "-") }

// scramble spreads numbers over width bits, each to another place: ids look like the service's and depend on the seed.
func scramble(num uint32, seed uint64, width uint) uint32 {
	mask := uint32(1)<<width - 1
	if width == 32 {
		mask = ^uint32(0)
	}
	x := (num + uint32(seed) + uint32(seed>>32)) & mask
	x = x * 0x9E3779B1 & mask
	x ^= x >> (width / 2)
	return x * 0x85EBCA6B & mask
}

func databaseRID(num uint32, seed uint64) []byte {
	return binary.BigEndian.AppendUint32(nil, scramble(num, seed, 32))
}

// containerRID appends 4 bytes whose top bit tells containers from users.
func containerRID(database []byte, num uint32, seed uint64) []byte {
	out := append(make([]byte, 0, 16), database...)
	return binary.BigEndian.AppendUint32(out, 1<<31|scramble(num, seed, 31))
}

// childRID appends 8 bytes whose last four bits tell the type.
func childRID(container []byte, num uint64, kind byte) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 16), container...), num<<4|uint64(kind))
}

// Types of a container's children in their RIDs.
const (
	ridDocument = 0x0
	ridRange    = 0x5
)

func offerRID(num uint32, seed uint64) []byte {
	return binary.BigEndian.AppendUint32(nil, scramble(num, seed, 24))[1:]
}

const hexLower = "0123456789abcdef"

func appendHex(dst []byte, v uint64, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		dst = append(dst, hexLower[v>>(4*i)&15])
	}
	return dst
}

// etagLen is the length of an ETag without quotes.
const etagLen = 36

// appendETag writes the ETag of a version, without quotes. It is a function of what tells versions of one document apart: LSN, index
// within the write, container, second.
func appendETag(dst []byte, container uint32, lsn uint64, op byte, ts int64) []byte {
	dst = append(appendHex(dst, lsn, 8), '-')
	dst = append(appendHex(dst, uint64(op), 4), '-')
	dst = append(appendHex(dst, lsn>>32, 4), '-')
	dst = append(appendHex(dst, uint64(container), 4), '-')
	return appendHex(appendHex(dst, 0, 4), uint64(ts), 8)
}

// metaETag is the ETag of a database, container, range or offer at its nth version, with quotes.
func metaETag(num uint32, version uint64, ts int64) string {
	dst := appendETag([]byte{'"'}, num, version, 0xFF, ts)
	return string(append(dst, '"'))
}

// sameETag compares a condition with an ETag; quotes do not matter, "*" is every ETag.
func sameETag(condition, etag string) bool {
	return condition == "*" || strings.Trim(condition, `"`) == strings.Trim(etag, `"`)
}
