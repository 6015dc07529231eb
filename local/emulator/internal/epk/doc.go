// Package epk parses partition keys and computes effective partition keys: the hashes by which documents are spread over
// the physical ranges of a container.
//
// An effective partition key is upper-case hex, ordered as text: 32 digits for a hash key, 32 for every level of a hierarchical
// one. The two top bits of each level are clear, so all of them lie between "" and "FF", within 00..3F. The algorithm is the SDK's:
// MurmurHash3-128 of type byte and value, bytes reversed, for version 2; MurmurHash3-32 for version 1.
package epk
