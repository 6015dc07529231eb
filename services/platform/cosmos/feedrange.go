package cosmos

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/murmur3"
)

// Holds reports whether a document whose partition key is this text stands in the range of the position. It computes the effective partition key
// as the service does for containers of kind Hash, version 2: MurmurHash3-128 of the value between its type and a terminator, bytes reversed, the
// two top bits cleared (the SDK's own vectors stand in its internal/epk/testdata).
func (p FeedPosition) Holds(key string) bool {
	effective := effectiveKey(key)
	return strings.Compare(effective, strings.ToUpper(p.Min)) >= 0 && strings.Compare(effective, strings.ToUpper(p.Max)) < 0
}

func effectiveKey(key string) string {
	const text, end = 0x08, 0xFF
	low, high := murmur3.Sum128(append(append([]byte{text}, key...), end))
	b := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, high), low)
	b[0] &= 0x3F
	return fmt.Sprintf("%X", b)
}

// KeyWithin makes up a partition key that begins with a prefix and stands in the range of the position, always the same one. For what writes
// something into every range, such as a sign of life.
func (p FeedPosition) KeyWithin(prefix string) string {
	for i := 0; ; i++ {
		if key := prefix + strconv.Itoa(i); p.Holds(key) {
			return key
		}
	}
}
