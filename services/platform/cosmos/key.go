package cosmos

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/services/platform/fault"
)

// Key is the value of a container's partition key. The zero Key means all partitions and is for queries only.
type Key struct {
	value azcosmos.PartitionKey
	json  string // the header's text, where the SDK would write one that is not JSON
	set   bool
}

// PK returns the key of one logical partition: one value, or one for each level of a hierarchical key.
func PK(levels ...string) Key {
	key := Key{set: len(levels) > 0}
	plain := true
	if len(levels) == 1 {
		key.value = azcosmos.NewPartitionKeyString(levels[0])
		plain = quotesAsJSON(levels[0])
	} else {
		for _, level := range levels {
			key.value = key.value.AppendString(level)
			plain = plain && quotesAsJSON(level)
		}
	}
	if !plain {
		key.json = asciiJSON(levels)
	}
	return key
}

// quotesAsJSON reports whether strconv.QuoteToASCII, which the SDK uses for this header, gives valid JSON for s: it does
// not for control characters, characters beyond the basic plane and broken UTF-8.
func quotesAsJSON(s string) bool {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < 0x20 || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r > 0xffff || r == utf8.RuneError {
			return false
		}
		i += size
	}
	return true
}

// asciiJSON encodes levels as a JSON array in ASCII, as an HTTP header needs it.
func asciiJSON(levels []string) string {
	text, err := json.Marshal(levels)
	if err != nil { // cannot happen: strings always encode
		return "[]"
	}
	var b strings.Builder
	for _, r := range string(text) {
		writeASCII(&b, r)
	}
	return b.String()
}

const hexDigits = "0123456789abcdef"

func writeASCII(b *strings.Builder, r rune) {
	switch {
	case r == 0x7f || r >= utf8.RuneSelf && r <= 0xffff:
		writeEscape(b, r)
	case r > 0xffff:
		r -= 0x10000
		writeEscape(b, 0xd800+r>>10)
		writeEscape(b, 0xdc00+r&0x3ff)
	default:
		b.WriteByte(byte(r))
	}
}

func writeEscape(b *strings.Builder, r rune) {
	b.WriteString(`\u`)
	for shift := 12; shift >= 0; shift -= 4 {
		b.WriteByte(hexDigits[r>>shift&0xf])
	}
}

// maxIDBytes is the service's limit for the id of an item.
const maxIDBytes = 1023

// checkID refuses an id that the service would refuse or misread.
func checkID(id string) error {
	switch {
	case id == "":
		return fault.New(fault.InvalidArgument, "INVALID_ID", "the id is empty")
	case len(id) > maxIDBytes:
		return fault.New(fault.InvalidArgument, "INVALID_ID", "the id has %d bytes, at most %d are allowed", len(id), maxIDBytes)
	case !utf8.ValidString(id):
		return fault.New(fault.InvalidArgument, "INVALID_ID", "the id is not valid UTF-8")
	}
	for i := 0; i < len(id); i++ {
		switch c := id[i]; {
		case c == '/', c == '\\', c == '?', c == '#', c < 0x20, c == 0x7f:
			return fault.New(fault.InvalidArgument, "INVALID_ID", "the id contains %q, which is not allowed", c)
		case c == '%' && i+2 < len(id) && isHex(id[i+1]) && isHex(id[i+2]):
			return fault.New(fault.InvalidArgument, "INVALID_ID", "the id contains %q, which the gateway changes", id[i:i+3])
		case c == ' ' && (i == 0 || i == len(id)-1):
			return fault.New(fault.InvalidArgument, "INVALID_ID", "the id begins or ends with a blank, which the gateway trims")
		}
	}
	return nil
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
