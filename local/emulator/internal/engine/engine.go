package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Engine is one store of databases and containers. It is safe for concurrent use.
type Engine struct {
	opts Options
	db   *pebble.DB
	lock *pebble.Lock // of the data directory, nil in memory
	gate gate
	lag  lagged

	locations locations

	mu        sync.RWMutex // guards what follows; taken before a container's locks
	counters  counters
	databases map[string]*database // by id
	offers    map[uint32]*offer

	stop    chan struct{}
	stopped sync.WaitGroup
}

// counters number the resources; a number is never given twice.
type counters struct{ Database, Container, Offer uint32 }

// Open opens or makes a store. Errors: ErrFormat, ErrInUse, or what the file system said.
func Open(o Options) (*Engine, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Partitions <= 0 {
		o.Partitions = 1
	}
	if o.SweepEvery == 0 {
		o.SweepEvery = time.Second
	}
	e := &Engine{opts: o, databases: map[string]*database{}, offers: map[uint32]*offer{}, stop: make(chan struct{})}
	e.gate.empty = make(chan struct{}, 1)
	e.locations.init()
	if err := e.openStore(); err != nil {
		return nil, err
	}
	if err := e.load(); err != nil {
		return nil, errors.Join(err, e.closeStore())
	}
	if o.SweepEvery > 0 {
		e.stopped.Add(1)
		go e.sweepLoop()
	}
	return e, nil
}

// Close ends the engine: calls in progress finish first, cursors must be closed, later calls fail with ErrClosed.
func (e *Engine) Close() error {
	if !e.gate.close() {
		return ErrClosed
	}
	close(e.stop)
	e.stopped.Wait()
	e.lag.set(e, 0)
	return e.closeStore()
}

// Now is the engine's clock.
func (e *Engine) Now() time.Time { return e.opts.Now() }

// commit applies a batch of metadata and waits until it is as safe as any write.
func (e *Engine) commit(b *pebble.Batch) error {
	if e.inMemory() {
		return b.Commit(pebble.NoSync)
	}
	return b.Commit(pebble.Sync)
}

func (e *Engine) inMemory() bool { return e.opts.Dir == "" }

func setJSON(b *pebble.Batch, key []byte, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("engine: write metadata: %w", err)
	}
	return b.Set(key, data, nil)
}

// load reads the metadata of every resource.
func (e *Engine) load() error {
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceMeta}, UpperBound: []byte{spaceMeta + 1}})
	if err != nil {
		return fmt.Errorf("engine: read metadata: %w", err)
	}
	var containers []containerRecord
	for it.First(); it.Valid() && err == nil; it.Next() {
		value := it.Value()
		switch it.Key()[1] {
		case metaCounters:
			err = json.Unmarshal(value, &e.counters)
		case metaDatabase:
			err = e.loadDatabase(value)
		case metaOffer:
			err = e.loadOffer(value)
		case metaContainer:
			var r containerRecord
			err = json.Unmarshal(value, &r)
			containers = append(containers, r)
		}
	}
	if err := errors.Join(err, it.Close()); err != nil {
		return fmt.Errorf("engine: read metadata: %w", err)
	}
	for i := range containers {
		if err := e.loadContainer(&containers[i]); err != nil {
			return err
		}
	}
	return nil
}
