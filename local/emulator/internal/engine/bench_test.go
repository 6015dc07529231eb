package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	"supergame/local/emulator/internal/epk"
)

// benchSizes are the numbers of documents; LONG=1 adds the large ones.
func benchSizes() []int {
	if os.Getenv("LONG") != "" {
		return []int{1_000, 100_000, 1_000_000}
	}
	return []int{1_000}
}

const benchBytes = 1024 // of a document, with its system properties

// benchBody is a document of random text, so that nothing can be compressed away.
func benchBody(dst []byte, r *rand.Rand, i int) []byte {
	dst = fmt.Appendf(dst[:0], `{"id":"item-%08d","pk":"player-%08d","score":%d,"text":"`, i, i, r.IntN(1e6))
	for len(dst) < benchBytes-230 {
		dst = append(dst, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[r.IntN(64)])
	}
	return append(dst, `"}`...)
}

func benchKey(i int) epk.Key { return epk.Strings(fmt.Sprintf("player-%08d", i)) }

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// filled opens an engine with n documents; dir empty = in memory.
func filled(b *testing.B, n int, dir string) *Container {
	b.Helper()
	before := heap()
	e := open(b, Options{Dir: dir, SweepEvery: -1})
	c := container(b, e, plain, 1)
	r := rand.New(rand.NewPCG(1, 2))
	var body []byte
	for i := range n {
		body = benchBody(body, r, i)
		if _, err := c.Write(benchKey(i), []Op{{Kind: OpCreate, Body: body}}, WriteOptions{NoBodies: true}); err != nil {
			b.Fatal(err)
		}
	}
	if got := get(b, c, fmt.Sprintf("player-%08d", n/2), fmt.Sprintf("item-%08d", n/2)); len(got.Body) < 900 || len(got.Body) > 1100 {
		b.Fatalf("a document has %d bytes", len(got.Body))
	}
	if n >= 100_000 && dir == "" { // memtables and cache are outside of the heap when cgo is on, and counted twice when it is not
		m := e.db.Metrics()
		cache, memtables := uint64(m.BlockCache.Size), m.MemTable.Size
		b.Logf("%d documents: %.0f bytes each; of that tables %d MB, cache %d MB, memtables %d MB", n,
			float64(heap()-before+cache+memtables)/float64(n), m.DiskSpaceUsage()>>20, cache>>20, memtables>>20)
	}
	return c
}

func BenchmarkEngine(b *testing.B) {
	for _, n := range benchSizes() {
		c := filled(b, n, "")
		benchOn(b, fmt.Sprintf("%dk", n/1000), c, n)
	}
}

// BenchmarkDisk is the same on a data directory.
func BenchmarkDisk(b *testing.B) {
	c := filled(b, 1000, b.TempDir())
	benchOn(b, "1k", c, 1000)
}

func benchOn(b *testing.B, name string, c *Container, n int) {
	r := rand.New(rand.NewPCG(3, 4))
	body := benchBody(nil, r, 0)
	write := func(b *testing.B, key epk.Key, ops ...Op) {
		if _, err := c.Write(key, ops, WriteOptions{NoBodies: true}); err != nil {
			b.Fatal(err)
		}
	}
	after := uint64(0)
	ops := make([]Op, 50)
	for _, x := range []struct {
		name string
		run  func(b *testing.B)
	}{
		{"read", func(b *testing.B) {
			i := r.IntN(n)
			if _, err := c.Read(benchKey(i), fmt.Sprintf("item-%08d", i), ReadOptions{}); err != nil {
				b.Fatal(err)
			}
		}},
		{"create", func(b *testing.B) {
			id := benchRuns.next()
			body = benchBody(body, r, id)
			write(b, benchKey(id), Op{Kind: OpCreate, Body: body})
		}},
		{"replace", func(b *testing.B) {
			i := r.IntN(n)
			body = benchBody(body, r, i)
			write(b, benchKey(i), Op{Kind: OpReplace, Body: body})
		}},
		{"batch50", func(b *testing.B) {
			pk := fmt.Sprint("batch", benchRuns.next())
			for j := range ops {
				ops[j] = Op{Kind: OpCreate, Body: doc(fmt.Sprint(j), pk, `,"text":"`, strings.Repeat("x", 700), `"`)}
			}
			write(b, epk.Strings(pk), ops...)
		}},
		{"feed100", func(b *testing.B) {
			page, err := c.Feed(FeedOptions{After: after, MaxItems: 100})
			if err != nil {
				b.Fatal(err)
			}
			if after = page.LSN; page.Drained {
				after = 0
			}
		}},
	} {
		b.Run(x.name+"/"+name, func(b *testing.B) {
			b.ReportAllocs()
			used := processCPU()
			for b.Loop() {
				x.run(b)
			}
			b.ReportMetric(float64(processCPU()-used)/float64(b.N), "cpu-ns/op")
		})
	}
}

// counter numbers documents over all runs of a benchmark.
type counter struct{ n int }

func (c *counter) next() int { c.n++; return 10_000_000 + c.n }

var benchRuns counter

// BenchmarkBody is what the documents of the others cost to make.
func BenchmarkBody(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	var body []byte
	for b.Loop() {
		body = benchBody(body, r, 1)
	}
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		e, err := Open(Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
