package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"

	"supergame/services/leaderboard/internal/board"
)

// Ref is where a chunk stands, and what one must know to find it.
type Ref struct {
	ID     string
	Count  int64 // rows
	Erased int64 // of them
	// Value and First are those of the first row, or of the first that is not erased: no row before the chunk is behind them.
	Value string
	First board.Key
	Hash  [sha256.Size]byte // over the hashes of its rows
}

// Span is where the rows of a value stand in the order of a segment.
type Span struct {
	Value       string
	From, Count int64
}

// Order is a sequence of rows.
type Order struct {
	ID       string
	Segment  int // of the board; Everybody
	Count    int64
	Erased   int64
	Chunks   []Ref
	Values   []Span            // of a segment, by value
	Checksum [sha256.Size]byte // over the hashes of its chunks
	ETag     string
}

// Everybody is the segment of the order of all rows.
const Everybody = -1

// Name names an archive.
type Name struct {
	BoardID  string
	BoardUID string
	Season   int64
	Version  int32
	Checksum string // of the order of everybody, hex
}

// NameOf is the archive that a season says is its own.
func NameOf(s *board.Season) Name {
	return Name{BoardID: s.BoardID, BoardUID: s.BoardUID, Season: s.Number, Version: s.ArchiveVersion, Checksum: s.Checksum}
}

// ReplacedBy are the older versions of a season's archive that may still be there.
func ReplacedBy(s *board.Season) []Name {
	var list []Name
	for _, old := range s.Replaced {
		n := NameOf(s)
		n.Version, n.Checksum = old.Version, old.Checksum
		list = append(list, n)
	}
	return list
}

// Header is the order of everybody, and the ids of the others.
type Header struct {
	Name
	Columns  int // how many a score has
	Shared   bool
	Order             // of everybody
	Segments []string // the ids of the orders of the segments, by segment of the board
}

// prefix is what the ids of a season's documents have in common.
func (n Name) prefix() string { return fmt.Sprintf("%s|%d|%d", n.BoardUID, n.Season, n.Version) }

// HeaderID is the id of the header's document.
func (n Name) HeaderID() string { return "h|" + n.prefix() + "|" + short(n.Checksum) }

func (n Name) orderID(segment int, checksum [sha256.Size]byte) string {
	return fmt.Sprintf("o|%s|%d|%s", n.prefix(), segment, short(hex.EncodeToString(checksum[:])))
}

func (n Name) chunkID(segment, number int, hash [sha256.Size]byte) string {
	return fmt.Sprintf("c|%s|%d|%d|%s", n.prefix(), segment+1, number, short(hex.EncodeToString(hash[:])))
}

// short is enough of a hash to tell documents apart.
func short(hash string) string { return hash[:min(len(hash), 32)] }

// From is the place of the first row of a chunk.
func (o *Order) From(chunk int) int64 {
	var n int64
	for i := range chunk {
		n += o.Chunks[i].Count
	}
	return n
}

// at is the chunk that holds a place, and the place of its first row. The place exists.
func (o *Order) at(place int64) (chunk int, from int64) {
	for chunk = range o.Chunks {
		if n := o.Chunks[chunk].Count; place >= from+n {
			from += n
			continue
		}
		break
	}
	return chunk, from
}

// find is the last chunk that may hold a key of a value: the last that does not begin behind it.
func (o *Order) find(value string, key board.Key) int {
	n := sort.Search(len(o.Chunks), func(i int) bool { return behind(o.Chunks[i].Value, o.Chunks[i].First, value, key) })
	return max(n-1, 0)
}

// behind reports whether a row of a segment's order stands behind another.
func behind(value string, key board.Key, otherValue string, other board.Key) bool {
	return value > otherValue || value == otherValue && key > other
}

// span is where the rows of a value stand; of everybody for the order of all.
func (o *Order) span(value string) Span {
	if o.Segment == Everybody {
		return Span{Count: o.Count}
	}
	i := sort.Search(len(o.Values), func(i int) bool { return o.Values[i].Value >= value })
	if i == len(o.Values) || o.Values[i].Value != value {
		return Span{Value: value}
	}
	return o.Values[i]
}

// sum is the checksum.
func (o *Order) sum() [sha256.Size]byte {
	h := sha256.New()
	for i := range o.Chunks {
		h.Write(o.Chunks[i].Hash[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// ids are all documents of an order, without its own.
func (o *Order) ids() []string {
	list := make([]string, len(o.Chunks))
	for i := range o.Chunks {
		list[i] = o.Chunks[i].ID
	}
	return list
}
