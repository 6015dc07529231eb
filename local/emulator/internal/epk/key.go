package epk

// Kind is the type of a component, written in front of its value when it is hashed.
type Kind byte

// Kinds of components: the numbers are part of the hash.
const (
	Undefined Kind = 0x00
	Null      Kind = 0x01
	False     Kind = 0x02
	True      Kind = 0x03
	Number    Kind = 0x05
	String    Kind = 0x08
)

// Component is one level of a partition key.
type Component struct {
	Kind Kind
	Num  float64 // of a Number
	Str  string  // of a String
}

// Key is a partition key: one component for each path, fewer for a prefix of a hierarchical key. An empty, non-nil Key (the header
// "[]") stands for undefined on every path.
type Key []Component

// Definition is how a container is partitioned.
type Definition struct {
	Paths        [][]string // split into segments, without slashes and quotes
	Hierarchical bool       // kind MultiHash: one hash for each level
	Version      int        // 1 or 2
}

// Strings makes a key of string components.
func Strings(values ...string) Key {
	k := make(Key, len(values))
	for i, v := range values {
		k[i] = Component{Kind: String, Str: v}
	}
	return k
}
