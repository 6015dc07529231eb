package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"

	"supergame/local/emulator/internal/epk"
)

// uniqueSum is a document's value under one unique key of its container.
type uniqueSum struct {
	number int
	sum    [sha256.Size]byte
}

// uniqueSums gives a document's values; a missing property counts as null, as in the service.
func uniqueSums(keys [][][]string, ms []member) []uniqueSum {
	if len(keys) == 0 {
		return nil
	}
	out := make([]uniqueSum, len(keys))
	for i, paths := range keys {
		var values []byte
		for _, path := range paths {
			v := canonical(lookup(ms, path))
			values = append(binary.AppendUvarint(values, uint64(len(v))), v...)
		}
		out[i] = uniqueSum{number: i, sum: sha256.Sum256(values)}
	}
	return out
}

// canonical is a form of a value by which equal values are equal: numbers by value, strings by content.
func canonical(raw []byte) []byte {
	if len(raw) == 0 {
		raw = []byte("null")
	}
	if c, err := epk.Value(raw); err == nil {
		if c.Kind == epk.Number && c.Num == 0 {
			c.Num = 0 // -0 and 0 are one value
		}
		return epk.Key{c}.Append(nil)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return raw
	}
	return compact.Bytes()
}

// storedUnique gives the values of a stored version.
func (c *Container) storedUnique(v *version) []uniqueSum {
	keys := c.info.Load().Properties.UniqueKeys
	if len(keys) == 0 {
		return nil
	}
	ms, err := members(nil, append(append(make([]byte, 0, len(v.user)+1), v.user...), '}'))
	if err != nil {
		return nil // what is stored was read by the same parser when it came in
	}
	return uniqueSums(keys, ms)
}
