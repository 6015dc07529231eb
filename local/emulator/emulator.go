// Package emulator is an embedded Azure Cosmos DB for NoSQL: the REST protocol that the SDKs speak in gateway mode, on a storage
// engine of its own.
//
// It is used in three ways: in process, by giving an SDK client [Emulator.Do] as its transport (no port, no TLS); on HTTP and
// HTTPS, by [Emulator.Listen] and [Emulator.ListenTLS]; and alone, by cmd/cosmos-emulator. Faults, throttling, latency, staleness,
// partition splits and the clock are controlled by methods of [Emulator] and, over HTTP, by its endpoints below /_emulator/.
//
// The path of a request: transport.go makes a call of it, call.go takes it through route.go, auth.go and a file for each resource
// family, those meet faults (fault.go) and the throughput budget (throttle.go) before they reach the engine, charge.go says what
// it cost, reply.go answers.
//
// README.md lists what is supported, what partly and what not.
package emulator

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"supergame/local/emulator/internal/engine"
)

// WellKnownKey is the account key which every Cosmos DB emulator uses by default. It protects nothing.
const WellKnownKey = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="

// Errors of New that a caller can tell apart with errors.Is.
var (
	ErrDataFormat = engine.ErrFormat // the data directory is of another version of the emulator
	ErrDataInUse  = engine.ErrInUse  // the data directory is in use by another process
)

// Options of an emulator. The zero value is an emulator in memory with the well-known key.
type Options struct {
	// DataDir keeps the data across restarts. Empty keeps everything in memory.
	DataDir string
	// Fsync makes an acknowledged write survive the loss of power, not only the death of the process.
	Fsync bool
	// Clock gives _ts, TTL expiry, the Date header and the throughput budget their time. Nil is the system's clock.
	Clock *Clock
	// Seed of everything random: resource ids, faults with a probability, staleness. Two runs with one seed behave alike.
	Seed uint64
	// Partitions is the number of physical partitions of a new container. 0 is one for each 10,000 RU/s of its throughput.
	Partitions int
	// Throttle refuses with 429/3200 what exceeds the throughput of a container or database, per physical partition.
	Throttle bool
	// Latency is added to every request.
	Latency time.Duration
	// Key is the account key in standard base64. Empty is [WellKnownKey].
	Key string
	// Consistency is the default consistency level of the account: Strong, BoundedStaleness, Session (the default),
	// ConsistentPrefix or Eventual. Reads at the first two cost double.
	Consistency string
	// Logger receives one debug record per request. Nil discards.
	Logger *slog.Logger
}

// Emulator is one Cosmos DB account. It is safe for concurrent use.
type Emulator struct {
	opts   Options
	clock  *Clock
	log    *slog.Logger
	engine *engine.Engine
	key    *masterKey
	date   dateCache
	closed atomic.Bool
	serial int64 // of the emulator within this process

	queryTime time.Duration // maxQueryTime, less in tests

	faults   faultTable
	roles    roleTable
	stale    staleness
	budgets  budgets
	policies policyCache
	servers  servers

	adminOnce sync.Once
	adminMux  http.Handler
}

// New opens an emulator. Its error says what is wrong with an option or with the data directory.
func New(opts Options) (*Emulator, error) {
	if opts.Key == "" {
		opts.Key = WellKnownKey
	}
	if opts.Clock == nil {
		opts.Clock = NewClock()
	}
	if opts.Consistency == "" {
		opts.Consistency = levelSession
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if !slices.Contains(levels, opts.Consistency) {
		return nil, fmt.Errorf("emulator: consistency level %q is none of %v", opts.Consistency, levels)
	}
	if opts.Partitions < 0 {
		return nil, fmt.Errorf("emulator: %d partitions", opts.Partitions)
	}
	key, err := newMasterKey(opts.Key)
	if err != nil {
		return nil, err
	}
	e := &Emulator{opts: opts, clock: opts.Clock, log: opts.Logger, key: key, serial: serials.Add(1), queryTime: maxQueryTime}
	e.stale.seed(opts.Seed)
	e.engine, err = engine.Open(engine.Options{
		Dir: opts.DataDir, Now: opts.Clock.Now, Seed: opts.Seed, Partitions: opts.Partitions, Fsync: opts.Fsync,
		Terms: e.policies.countTerms,
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Remove deletes a data directory, if there is one. It refuses with [ErrDataInUse] while an emulator has it open.
func Remove(dataDir string) error { return engine.Remove(dataDir) }

// Clock is the clock of Options, or the one that was made for the emulator.
func (e *Emulator) Clock() *Clock { return e.clock }

// Key is the account key, base64.
func (e *Emulator) Key() string { return e.opts.Key }

// Endpoint is the URL to give to a client: the first HTTPS address listened on, else the first HTTP one, else (in process) an
// https URL that only [Emulator.Do] answers. That one is different for each emulator of a process, because azcosmos keeps what it
// knows of containers and their partitions by endpoint for the whole process.
func (e *Emulator) Endpoint() string {
	if url := e.servers.endpoint(); url != "" {
		return url
	}
	return fmt.Sprintf("https://emulator-%d.localhost:8081/", e.serial)
}

var serials atomic.Int64

// Split divides a physical partition of a container in the middle of its keys and gives the ids of the two new ones. An empty
// rangeID is the first partition. The old id is answered with 410/1002 from then on.
func (e *Emulator) Split(ctx context.Context, database, container, rangeID string) ([2]string, error) {
	if err := ctx.Err(); err != nil {
		return [2]string{}, err
	}
	c, err := e.engine.Container(database, container)
	if err != nil {
		return [2]string{}, err
	}
	if rangeID == "" {
		rangeID = c.Ranges()[0].ID
	}
	children, err := c.Split(rangeID, "")
	if err != nil {
		return [2]string{}, err
	}
	return [2]string{children[0].ID, children[1].ID}, nil
}

// Close stops the listeners and closes the data directory. Nothing that was acknowledged is lost by not calling it.
func (e *Emulator) Close() error {
	if e.closed.Swap(true) {
		return nil
	}
	e.servers.close()
	return e.engine.Close()
}
