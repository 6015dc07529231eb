package index

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// model is an index that sorts: slow and plainly right.
type model struct {
	entries map[Player]Entry
}

func (m *model) apply(e Entry) bool {
	if old, ok := m.entries[e.Player]; ok && e.Version <= old.Version {
		return false
	}
	m.entries[e.Player] = e
	return true
}

// list is everybody with a place, or those with a value of a segment, sorted.
func (m *model) list(segment int, ordinal uint32) []Entry {
	var list []Entry
	for _, e := range m.entries {
		if e.Key != nil && (segment == Everybody || segmentOf(e, segment) == ordinal) {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b Entry) int { return bytes.Compare(a.Key, b.Key) })
	return list
}

func same(a, b Entry) bool {
	return a.Player == b.Player && a.Version == b.Version && bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Inline, b.Inline) && slices.Equal(a.Segments, b.Segments)
}

// generator makes entries of players out of a range, with scores that are often equal.
type generator struct {
	rand    *rand.Rand
	shape   Shape
	players int
	scores  int64
}

func (g *generator) player() Player {
	var p Player
	binary.BigEndian.PutUint64(p[:], uint64(g.rand.IntN(g.players)))
	return p
}

// key is a score, the same again and again, and a tail that no other player has.
func (g *generator) key(p Player) []byte {
	key := make([]byte, g.shape.KeyBytes)
	for i := 0; i+8 <= len(key)-8; i += 8 {
		binary.BigEndian.PutUint64(key[i:], uint64(1)<<63+uint64(g.rand.Int64N(g.scores)))
	}
	copy(key[len(key)-8:], p[:8])
	return key
}

func (g *generator) entry(version int64) Entry {
	e := Entry{Player: g.player(), Version: version}
	if g.rand.IntN(10) > 0 {
		e.Key = g.key(e.Player)
	}
	for range g.shape.Segments {
		e.Segments = append(e.Segments, uint32(g.rand.IntN(4)))
	}
	if g.shape.Inline > 0 {
		e.Inline = make([]byte, g.rand.IntN(g.shape.Inline+1))
	}
	return e
}

// TestTheIndexIsASort applies random entries, with versions that come late and twice, to an index and to a list that is sorted, and
// compares everything.
func TestTheIndexIsASort(t *testing.T) {
	rounds, steps := 12, 1000
	if os.Getenv("LONG") != "" {
		rounds = 200
	}
	for name, g := range map[string]*generator{
		"one column, few scores":     {shape: Shape{KeyBytes: 22}, players: 50_000, scores: 20},
		"one column, many scores":    {shape: Shape{KeyBytes: 22, Inline: 8}, players: 5000, scores: 1 << 40},
		"one score":                  {shape: Shape{KeyBytes: 22, Segments: 1}, players: 3000, scores: 1},
		"five columns, two segments": {shape: Shape{KeyBytes: 54, Segments: 2, Inline: 32}, players: 2000, scores: 3},
		"few players":                {shape: Shape{KeyBytes: 16, Segments: 1}, players: 3, scores: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g.rand = rand.New(rand.NewPCG(1, 2))
			x, m := New(g.shape), &model{entries: map[Player]Entry{}}
			defer x.Close()
			version := int64(1)
			for round := range rounds {
				for range steps {
					version++
					e := g.entry(version - g.rand.Int64N(3)*g.rand.Int64N(500))
					if got, want := x.Apply(e), m.apply(e); got != want {
						t.Fatalf("Apply(%v) is %v, want %v", e, got, want)
					}
					if g.rand.IntN(50) == 0 {
						gone := g.player()
						x.Forget(gone)
						delete(m.entries, gone)
					}
				}
				compare(t, g, x, m)
				if round%8 == 7 { // most lose their place: leaves join and vanish
					for p := range m.entries {
						if g.rand.IntN(20) > 0 {
							version++
							e := Entry{Player: p, Version: version, Segments: make([]uint32, g.shape.Segments)}
							x.Apply(e)
							m.apply(e)
						}
					}
					compare(t, g, x, m)
				}
			}
		})
	}
}

func compare(t *testing.T, g *generator, x *Index, m *model) {
	t.Helper()
	compareList(t, g, x.In(Everybody, 0), m.list(Everybody, 0))
	for s := range g.shape.Segments {
		for ordinal := uint32(1); ordinal < 5; ordinal++ {
			compareList(t, g, x.In(s, ordinal), m.list(s, ordinal))
		}
	}
	n := 0
	x.Each(func(e Entry) bool {
		n++
		if !same(e, m.entries[e.Player]) {
			t.Errorf("Each gives %v, want %v", e, m.entries[e.Player])
		}
		return true
	})
	if n != len(m.entries) || x.Known() != n {
		t.Fatalf("it knows %d and %d players, want %d", n, x.Known(), len(m.entries))
	}
}

func compareList(t *testing.T, g *generator, got Tree, want []Entry) {
	t.Helper()
	if got.Len() != len(want) {
		t.Fatalf("%d have a place, want %d", got.Len(), len(want))
	}
	i := 0
	got.Range(0, len(want)+1, func(e Entry) bool {
		if !same(e, want[i]) {
			t.Fatalf("place %d has %v, want %v", i, e, want[i])
		}
		i++
		return true
	})
	if i != len(want) {
		t.Fatalf("a range over everything gives %d, want %d", i, len(want))
	}
	players := make([]Player, 0, len(want)+1)
	for place, e := range want {
		players = append(players, e.Player)
		if rank, ok := got.Rank(e.Player); !ok || rank != place {
			t.Fatalf("player %x is at place %d (%v), want %d", e.Player, rank, ok, place)
		}
		if before := got.Before(e.Key); before != place {
			t.Fatalf("%d stand before the key of place %d", before, place)
		}
	}
	unknown := Player{255}
	for i, rank := range got.Ranks(append(players, unknown), nil) {
		if i < len(want) && rank != i || i == len(want) && rank != -1 {
			t.Fatalf("in a batch place %d has rank %d", i, rank)
		}
	}
	for range 200 {
		compareAt(t, g, got, want)
	}
}

// compareAt looks at a key that is nobody's, and at a window, at random and at the edges.
func compareAt(t *testing.T, g *generator, got Tree, want []Entry) {
	t.Helper()
	key := g.key(g.player())
	if g.rand.IntN(3) == 0 {
		for i := range key {
			key[i] = byte(g.rand.IntN(2) * 255)
		}
	}
	before, _ := slices.BinarySearchFunc(want, key, func(e Entry, key []byte) int { return bytes.Compare(e.Key, key) })
	if n := got.Before(key); n != before {
		t.Fatalf("%d stand before %x, want %d", n, key, before)
	}
	from := slices.Max([]int{0, g.rand.IntN(len(want)+3) - 1})
	switch g.rand.IntN(4) {
	case 0:
		from = 0
	case 1:
		from = max(0, len(want)-3)
	}
	n := g.rand.IntN(7)
	want = want[min(from, len(want)):min(from+n, len(want))]
	i := 0
	got.Range(from, n, func(e Entry) bool {
		if i >= len(want) || !same(e, want[i]) {
			t.Fatalf("entry %d of the window is %v", i, e)
		}
		i++
		return true
	})
	if i != len(want) {
		t.Fatalf("a window of %d from %d has %d entries, want %d", n, from, i, len(want))
	}
}
