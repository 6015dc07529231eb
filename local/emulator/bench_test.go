package emulator_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/local/emulator/emulatortest"
)

// BenchmarkEmulator drives the emulator and, beside it, a server that does nothing, with the same SDK client: 64 workers on items of
// 1 KB. "noop" reads the same requests and replays recorded answers of the same size and headers, so that the difference is what
// the emulator costs. All sizes and ways take turns of a tenth of a second within one run, so that what else the machine does
// meets them alike. LONG=1 adds 100,000 and 1,000,000 items. CPU is that of client and server together, and of what the
// emulator still does in the background after its turn.
func BenchmarkEmulator(b *testing.B) {
	sizes := []int{1_000}
	if os.Getenv("LONG") != "" {
		sizes = []int{1_000, 100_000, 1_000_000}
	}
	var ways []*way
	for _, size := range sizes {
		ways = append(ways, waysOf(b, size)...)
	}
	for _, kind := range benchOps {
		b.Run(kind.name, func(b *testing.B) {
			takeTurns(b, ways, kind.do)
			report(b, ways)
		})
	}
}

// way is one thing to measure and what was measured.
type way struct {
	name, base string // base is the way that it is compared with
	size       int
	c          *azcosmos.ContainerClient
	ops        int
	wall, cpu  time.Duration
}

// waysOf fills an emulator and gives the ways to it and to its replay.
func waysOf(b *testing.B, size int) []*way {
	e := emulatortest.Start(b)
	before := residentBytes()
	c := newContainer(b, newClient(b, e), azcosmos.ContainerProperties{IndexingPolicy: nothingIndexed}, nil)
	load(b, c, size)
	if size >= 100_000 { // memory counts what is cached
		for range 200_000 {
			if err := benchOps[0].do(c, size); err != nil {
				b.Fatal(err)
			}
		}
	}
	settle(time.Minute)
	if each := float64(residentBytes()-before) / float64(size); before > 0 && size >= 100_000 {
		b.Run(fmt.Sprintf("memory/items=%d", size), func(b *testing.B) {
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(each, "resident-B/item")
		})
	}
	inProcess := e.Endpoint()
	listener, err := e.Listen("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	wire := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128, MaxIdleConns: 128}}
	out := []*way{
		{name: "http/emulator", base: "http/noop"}, {name: "http/noop"},
		{name: "in-process/emulator", base: "in-process/noop"}, {name: "in-process/noop"},
	}
	for i, to := range []struct {
		endpoint  string
		transport policy.Transporter
	}{
		{"http://" + listener.String() + "/", wire},
		{"http://" + serveReplay(b, e.Handler()) + "/", wire},
		{inProcess, e},
		{inProcess, &replay{handler: e.Handler()}},
	} {
		out[i].size = size
		if out[i].c, err = newClientWith(b, to.endpoint, e.Key(), to.transport).NewContainer("db", "c"); err != nil {
			b.Fatal(err)
		}
	}
	return out
}

const turn = 100 * time.Millisecond

// takeTurns measures an operation for -benchtime in every way.
func takeTurns(b *testing.B, ways []*way, do operation) {
	for _, w := range ways {
		w.ops, w.wall, w.cpu = 0, 0, 0
		if err := do(w.c, w.size); err != nil { // warm: account, container, ranges
			b.Fatal(err)
		}
	}
	rounds := max(1, int(benchTime()/turn))
	for round := range rounds {
		for i := range ways {
			ways[(i+round)%len(ways)].take(b, do)
		}
	}
}

// take is one turn of 64 workers.
func (w *way) take(b *testing.B, do operation) {
	var done atomic.Int64
	var workers sync.WaitGroup
	cpu, start := processCPU(), time.Now()
	for range 64 {
		workers.Go(func() {
			for time.Since(start) < turn {
				if err := do(w.c, w.size); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	workers.Wait()
	w.wall += time.Since(start)
	settle(time.Second)
	w.cpu += processCPU() - cpu
	w.ops += int(done.Load())
}

// settle waits until nothing goes on in the background.
func settle(limit time.Duration) {
	const look = 2 * time.Millisecond
	for start, cpu := time.Now(), processCPU(); time.Since(start) < limit; {
		time.Sleep(look)
		now := processCPU()
		if now-cpu < look/4 {
			return
		}
		cpu = now
	}
}

func report(b *testing.B, ways []*way) {
	for i, w := range ways {
		b.Run(fmt.Sprintf("items=%d/%s", w.size, w.name), func(b *testing.B) {
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(w.rate(), "ops/s")
			b.ReportMetric(w.cost(), "cpu-us/op")
			if w.base != "" && ways[i+1].name == w.base {
				b.ReportMetric(w.cost()/ways[i+1].cost(), "cpu-x-noop")
				b.ReportMetric(ways[i+1].rate()/w.rate(), "time-x-noop")
			}
			if j := i % 4; i >= 4 && j%2 == 0 {
				b.ReportMetric(w.cost()/ways[j].cost(), "cpu-x-least")
				b.ReportMetric(ways[j].rate()/w.rate(), "time-x-least")
			}
		})
	}
}

func (w *way) rate() float64 { return float64(w.ops) / w.wall.Seconds() }
func (w *way) cost() float64 { return float64(w.cpu.Nanoseconds()) / 1e3 / float64(max(w.ops, 1)) }

// benchTime is -benchtime, of each way.
func benchTime() time.Duration {
	d, err := time.ParseDuration(flag.Lookup("test.benchtime").Value.String())
	if err != nil { // a number of runs
		return time.Second
	}
	return d
}

var nothingIndexed = &azcosmos.IndexingPolicy{
	Automatic: true, IndexingMode: azcosmos.IndexingModeConsistent, ExcludedPaths: []azcosmos.ExcludedPath{{Path: "/*"}},
}

var (
	benchSerial atomic.Int64
	benchPad    = randomText(64 << 10)
)

// randomText does not compress better than the text of a game's documents does.
func randomText(n int) string {
	rng := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdef"[rng.IntN(16)]
	}
	return string(b)
}

func benchItem(i int) (id, key string, body []byte) {
	id, key = "item-"+strconv.Itoa(i), "key-"+strconv.Itoa(i%500)
	pad := i % (len(benchPad) - 900)
	return id, key, []byte(`{"id":"` + id + `","pk":"` + key + `","n":` + strconv.Itoa(i) + `,"pad":"` + benchPad[pad:pad+900] + `"}`)
}

// operation does one thing to a container of so many items.
type operation func(c *azcosmos.ContainerClient, size int) error

var benchOps = []struct {
	name string
	do   operation
}{
	{"read", func(c *azcosmos.ContainerClient, size int) error {
		id, key, _ := benchItem(rand.IntN(size))
		_, err := c.ReadItem(context.Background(), pk(key), id, nil)
		return err
	}},
	{"feed-page-of-100", func(c *azcosmos.ContainerClient, _ int) error {
		page, err := c.ReadChangeFeed(context.Background(), &azcosmos.ChangeFeedOptions{
			MaxItemCount: 100, FeedRange: &azcosmos.FeedRange{MaxExclusive: "FF"},
		})
		if err == nil && len(page.Items) < 100 {
			return errors.New("a page is not full")
		}
		return err
	}},
	{"replace", func(c *azcosmos.ContainerClient, size int) error {
		id, key, body := benchItem(rand.IntN(size))
		_, err := c.ReplaceItem(context.Background(), pk(key), id, body, nil)
		return err
	}},
	{"patch", func(c *azcosmos.ContainerClient, size int) error {
		id, key, _ := benchItem(rand.IntN(size))
		var p azcosmos.PatchOperations
		p.AppendIncrement("/n", 1)
		_, err := c.PatchItem(context.Background(), pk(key), id, p, nil)
		return err
	}},
	{"create", func(c *azcosmos.ContainerClient, _ int) error {
		_, key, body := benchItem(1_000_000_000 + int(benchSerial.Add(1)))
		_, err := c.CreateItem(context.Background(), pk(key), body, nil)
		return err
	}},
	{"batch-of-50", func(c *azcosmos.ContainerClient, _ int) error {
		first := 2_000_000_000 + int(benchSerial.Add(1))*500*50
		return upsertBatch(c, first, 50)
	}},
}

// upsertBatch writes n items of one key: every 500th behind first has it.
func upsertBatch(c *azcosmos.ContainerClient, first, n int) error {
	_, key, _ := benchItem(first)
	batch := c.NewTransactionalBatch(pk(key))
	for i := range n {
		_, _, body := benchItem(first + i*500)
		batch.UpsertItem(body, nil)
	}
	done, err := c.ExecuteTransactionalBatch(context.Background(), batch, nil)
	if err == nil && !done.Success {
		return errors.New("the batch was refused")
	}
	return err
}

func load(b *testing.B, c *azcosmos.ContainerClient, size int) {
	b.Helper()
	for key := range min(500, size) {
		for first := key; first < size; first += 100 * 500 {
			if err := upsertBatch(c, first, min(100, (size-first+499)/500)); err != nil {
				b.Fatal(err)
			}
		}
	}
}
