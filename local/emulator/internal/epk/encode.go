package epk

import (
	"encoding/binary"
	"math"
)

// MaxKeyBytes is what the service takes for the value of a partition key.
const MaxKeyBytes = 2048

// Append appends a form of the key by which two keys are equal exactly when their components are, and of which none is a prefix
// of another with the same number of components. It is no order.
func (k Key) Append(dst []byte) []byte {
	for i := range k {
		c := &k[i]
		dst = append(dst, byte(c.Kind))
		switch c.Kind {
		case Number:
			dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(c.Num))
		case String:
			dst = append(binary.AppendUvarint(dst, uint64(len(c.Str))), c.Str...)
		}
	}
	return dst
}

// Equal tells whether two keys name the same logical partition: 0 and -0 do not, as their hashes differ.
func (k Key) Equal(o Key) bool {
	if len(k) != len(o) {
		return false
	}
	for i := range k {
		if k[i].Kind != o[i].Kind || k[i].Str != o[i].Str || math.Float64bits(k[i].Num) != math.Float64bits(o[i].Num) {
			return false
		}
	}
	return true
}

// Full makes an empty key complete: undefined on every path.
func (d Definition) Full(k Key) Key {
	if len(k) == 0 {
		return make(Key, len(d.Paths))
	}
	return k
}

// Size is the number of bytes of the values, for the limit of the service.
func (k Key) Size() int {
	n := 0
	for i := range k {
		n += 1 + len(k[i].Str)
	}
	return n
}
