package epk

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/twmb/murmur3"
)

// levelBytes is the length of one level of an effective partition key in binary; twice that in hex.
const levelBytes = 16

const hexDigits = "0123456789ABCDEF"

// Effective gives the effective partition key of a complete key, upper-case hex.
func (d Definition) Effective(k Key) (string, error) {
	b, err := d.AppendEffective(nil, k)
	return Hex(b), err
}

// AppendEffective appends the effective partition key of a complete key to dst, in binary.
func (d Definition) AppendEffective(dst []byte, k Key) ([]byte, error) {
	if len(k) != 0 && len(k) != len(d.Paths) {
		return dst, fmt.Errorf("the partition key has %d components, the container has %d paths", len(k), len(d.Paths))
	}
	return d.appendHash(dst, k), nil
}

// Width is the length in bytes of every effective partition key of the container.
func (d Definition) Width() int {
	if d.Hierarchical || d.Version == 1 {
		return levelBytes * len(d.Paths)
	}
	return levelBytes
}

// Bounds gives the effective partition keys [lo, hi) of a key, which may be a prefix when the container is hierarchical.
func (d Definition) Bounds(k Key) (lo, hi string, err error) {
	if d.Hierarchical && len(k) > 0 && len(k) < len(d.Paths) {
		lo = Hex(d.appendHash(nil, k))
	} else if lo, err = d.Effective(k); err != nil {
		return "", "", err
	}
	return lo, lo + "FF", nil // no level begins with more than 3F, so nothing else lies below
}

func (d Definition) appendHash(dst []byte, k Key) []byte {
	if len(k) == 0 { // the SDK hashes a single undefined, a prefix of this: documents without any key property are found by it
		k = d.Full(k)
	}
	var buf [256]byte
	switch {
	case d.Version == 1:
		for i := range k {
			h := murmur3.Sum32(appendComponent(buf[:0], k[i], 0x00))
			dst = binary.BigEndian.AppendUint32(append(dst, make([]byte, levelBytes-4)...), h)
		}
	case d.Hierarchical:
		for i := range k {
			dst = appendSum128(dst, appendComponent(buf[:0], k[i], 0xFF))
		}
	default:
		b := buf[:0]
		for i := range k {
			b = appendComponent(b, k[i], 0xFF)
		}
		dst = appendSum128(dst, b)
	}
	return dst
}

// appendSum128 appends the hash, bytes reversed and without its two top bits: the routing map ends at "FF".
func appendSum128(dst, b []byte) []byte {
	low, high := murmur3.Sum128(b)
	n := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, high)
	dst = binary.BigEndian.AppendUint64(dst, low)
	dst[n] &= 0x3F
	return dst
}

func appendComponent(dst []byte, c Component, end byte) []byte {
	dst = append(dst, byte(c.Kind))
	switch c.Kind {
	case Number:
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(c.Num))
	case String:
		dst = append(append(dst, c.Str...), end)
	}
	return dst
}

// Hex writes a binary effective partition key, or a prefix of one, in upper-case hex.
func Hex(b []byte) string {
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, hexDigits[c>>4], hexDigits[c&15])
	}
	return string(out)
}

// Binary reads a bound in hex of either case. A bound of odd length means the same as with a zero behind it. Bounds compare as
// bytes as the keys do, except that zeros at the end are dropped, so that one bound has one form.
func Binary(bound string) ([]byte, error) {
	out := make([]byte, 0, len(bound)/2+1)
	for i := range len(bound) {
		d := nibble(bound[i])
		if d > 15 {
			return nil, fmt.Errorf("bound %q is not hexadecimal", bound)
		}
		if i%2 == 0 {
			out = append(out, d<<4)
		} else {
			out[len(out)-1] |= d
		}
	}
	end := len(out)
	for end > 0 && out[end-1] == 0 {
		end--
	}
	return slices.Clip(out[:end]), nil
}

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xFF
}
