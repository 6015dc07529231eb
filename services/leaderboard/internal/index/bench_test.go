package index

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// Sizes of the benchmarks: LONG=1 adds ten millions.
func sizes() []int {
	if os.Getenv("LONG") != "" {
		return []int{10_000, 1_000_000, 10_000_000}
	}
	return []int{10_000, 1_000_000}
}

// population is an index of n players with random scores, one column, 16-byte ids that look like ULIDs.
type population struct {
	x       *Index
	shape   Shape
	players []Player
	rand    *rand.Rand
	version int64
	scores  int64
}

func newPopulation(n int, shape Shape, scores int64) *population {
	p := &population{shape: shape, rand: rand.New(rand.NewPCG(1, 2)), scores: scores}
	for range n {
		var id Player
		binary.BigEndian.PutUint64(id[:], p.rand.Uint64())
		binary.BigEndian.PutUint64(id[8:], p.rand.Uint64())
		p.players = append(p.players, id)
	}
	return p
}

// entry gives a player a new random score.
func (p *population) entry(player Player) Entry {
	p.version++
	e := Entry{Player: player, Version: p.version, Key: make([]byte, p.shape.KeyBytes)}
	for i := 0; i < p.shape.KeyBytes-14; i += 8 {
		binary.BigEndian.PutUint64(e.Key[i:], uint64(1)<<63+uint64(p.rand.Int64N(p.scores)))
	}
	binary.BigEndian.PutUint64(e.Key[p.shape.KeyBytes-14:], uint64(1_790_000_000_000+p.version)<<16)
	binary.BigEndian.PutUint64(e.Key[p.shape.KeyBytes-8:], p.rand.Uint64())
	for range p.shape.Segments {
		e.Segments = append(e.Segments, 1+uint32(p.rand.IntN(50)))
	}
	return e
}

// apply builds the index entry by entry.
func (p *population) apply() {
	p.x = New(p.shape)
	for _, player := range p.players {
		p.x.Apply(p.entry(player))
	}
}

// build builds it at once.
func (p *population) build() {
	p.x = New(p.shape)
	i := -1
	p.x.Build(func() (Entry, bool) {
		if i++; i == len(p.players) {
			return Entry{}, false
		}
		return p.entry(p.players[i]), true
	})
}

func (p *population) someone() Player { return p.players[p.rand.IntN(len(p.players))] }

// BenchmarkIndex times each operation at each size, on an index that was filled entry by entry, and prints the bytes of an entry.
func BenchmarkIndex(b *testing.B) {
	for _, n := range sizes() {
		for name, p := range map[string]*population{
			"points":  newPopulation(n, Shape{KeyBytes: 22}, 1<<40),
			"few":     newPopulation(n, Shape{KeyBytes: 22}, 100),
			"5x2segs": newPopulation(n, Shape{KeyBytes: 54, Segments: 2}, 1000),
		} {
			if name != "points" && n == 10_000_000 && os.Getenv("LONG") != "2" {
				continue
			}
			start := time.Now()
			p.apply()
			perEntry := float64(time.Since(start).Nanoseconds()) / float64(n)
			b.Run(strconv.Itoa(n)+"/"+name, func(b *testing.B) { benchmarkOperations(b, p, perEntry) })
			p.x.Close()
		}
	}
}

func benchmarkOperations(b *testing.B, p *population, applied float64) {
	all := p.x.In(Everybody, 0)
	b.Run("Rank", func(b *testing.B) {
		for b.Loop() {
			all.Rank(p.someone())
		}
		b.ReportMetric(float64(p.x.Bytes())/float64(len(p.players)), "B/entry")
		b.ReportMetric(applied, "ns/insert")
	})
	b.Run("Ranks64", func(b *testing.B) {
		players, ranks := make([]Player, batch), make([]int, 0, batch)
		for b.Loop() {
			for i := range players {
				players[i] = p.someone()
			}
			ranks = all.Ranks(players, ranks[:0])
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/rank")
	})
	b.Run("Move", func(b *testing.B) {
		for b.Loop() {
			p.x.Apply(p.entry(p.someone()))
		}
	})
	for _, n := range []int{21, 101} {
		b.Run(fmt.Sprintf("Window%d", n), func(b *testing.B) {
			sum := 0
			for b.Loop() {
				rank, _ := all.Rank(p.someone())
				all.Range(max(0, rank-n/2), n, func(e Entry) bool {
					sum += len(e.Key)
					return true
				})
			}
		})
	}
	b.Run("Top100", func(b *testing.B) {
		sum := 0
		for b.Loop() {
			all.Range(0, 100, func(e Entry) bool {
				sum += len(e.Key)
				return true
			})
		}
	})
	b.Run("GC", func(b *testing.B) {
		for b.Loop() {
			runtime.GC()
		}
	})
}

// BenchmarkBuild fills an index at once.
func BenchmarkBuild(b *testing.B) {
	for _, n := range sizes() {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			p := newPopulation(n, Shape{KeyBytes: 22}, 1<<40)
			for b.Loop() {
				p.build()
				p.x.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
		})
	}
}
