package snapshot

import (
	"encoding/binary"
	"time"

	"supergame/services/leaderboard/internal/index"
	"supergame/services/leaderboard/internal/ranks"
)

// A chunk is, all numbers as unsigned varints but for those with a size:
//
//	"SGS" and the format, one byte
//	number of segments; for each: number of values, and each with its length
//	number of late scores; for each: player 16 bytes, seconds since 1970
//	size of a key
//	entries until the end, each: player 16 bytes, version 8 bytes, 1 byte (0 = without a place), length of inline 1 byte,
//	the key if it has a place, the ordinal of each segment, inline
const magic = "SGS\x01"

const playerBytes = 16

// part is the content of a chunk.
type part struct {
	names    ranks.Names
	late     []lateScore
	keyBytes int
	entries  []byte
	count    int64
}

type lateScore struct {
	player index.Player
	time   time.Time
}

// add appends an entry.
func (p *part) add(e index.Entry, segments int) {
	b := p.entries
	b = append(b, e.Player[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(e.Version)) //nolint:gosec // the bits
	placed := byte(0)
	if len(e.Key) > 0 {
		placed = 1
	}
	b = append(b, placed, byte(len(e.Inline))) //nolint:gosec // at most 32
	b = append(b, e.Key...)
	for i := range segments {
		var ordinal uint32
		if i < len(e.Segments) {
			ordinal = e.Segments[i]
		}
		b = binary.AppendUvarint(b, uint64(ordinal))
	}
	b = append(b, e.Inline...)
	p.entries = b
	p.count++
}

// encode gives the chunk.
func (p *part) encode() []byte {
	b := append(make([]byte, 0, len(p.entries)+256), magic...)
	b = binary.AppendUvarint(b, uint64(len(p.names)))
	for _, values := range p.names {
		b = binary.AppendUvarint(b, uint64(len(values)))
		for _, value := range values {
			b = binary.AppendUvarint(b, uint64(len(value)))
			b = append(b, value...)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(p.late)))
	for _, score := range p.late {
		b = append(b, score.player[:]...)
		b = binary.AppendUvarint(b, uint64(max(score.time.Unix(), 0))) //nolint:gosec // not negative
	}
	b = binary.AppendUvarint(b, uint64(p.keyBytes)) //nolint:gosec // small
	return append(b, p.entries...)
}

// reader reads a chunk. After a read that does not fit, bad is true and everything is zero.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.rest)) {
		r.bad = true
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) number(limit uint64) uint64 {
	n, size := binary.Uvarint(r.rest)
	if r.bad || size <= 0 || n > limit {
		r.bad = true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// The most of something that a chunk may have.
const (
	maxSegments = 16
	maxValues   = 100_000
	maxText     = 1 << 10
	maxLate     = 1 << 20
	maxKey      = 64
	maxInline   = 32
	maxSeconds  = 1 << 40
)

// decode reads a chunk. Its entries are read one by one by next.
func decode(chunk []byte) (*part, error) {
	r := reader{rest: chunk}
	if string(r.take(uint64(len(magic)))) != magic {
		return nil, refused("a chunk is of another format")
	}
	p := &part{names: make(ranks.Names, r.number(maxSegments))}
	for i := range p.names {
		for n := r.number(maxValues); n > 0 && !r.bad; n-- {
			p.names[i] = append(p.names[i], string(r.take(r.number(maxText))))
		}
	}
	for n := r.number(maxLate); n > 0 && !r.bad; n-- {
		var score lateScore
		copy(score.player[:], r.take(playerBytes))
		score.time = time.Unix(int64(r.number(maxSeconds)), 0).UTC() //nolint:gosec // bounded
		p.late = append(p.late, score)
	}
	p.keyBytes = int(r.number(maxKey)) //nolint:gosec // bounded
	if r.bad {
		return nil, refused("a chunk is cut or damaged")
	}
	p.entries = r.rest
	return p, nil
}

// next reads one entry; its slices are parts of the chunk, ordinals is where those go. False at the end.
func (p *part) next(ordinals []uint32) (e index.Entry, ok bool, err error) {
	if len(p.entries) == 0 {
		return e, false, nil
	}
	r := reader{rest: p.entries}
	copy(e.Player[:], r.take(playerBytes))
	if version := r.take(8); version != nil {
		e.Version = int64(binary.LittleEndian.Uint64(version)) //nolint:gosec // the bits
	}
	flags := r.take(2)
	if r.bad || flags[0] > 1 || flags[1] > maxInline {
		return e, false, refused("an entry is damaged")
	}
	if flags[0] == 1 {
		e.Key = r.take(uint64(p.keyBytes)) //nolint:gosec // bounded
	}
	for i := range ordinals {
		ordinals[i] = uint32(r.number(maxValues)) //nolint:gosec // bounded
	}
	e.Segments, e.Inline = ordinals, r.take(uint64(flags[1]))
	if r.bad {
		return e, false, refused("an entry is cut")
	}
	p.entries = r.rest
	return e, true, nil
}
