package emulator

import (
	"context"
	"encoding/json"
	"iter"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Op names a kind of request, for faults.
type Op string

// The kinds of request. OpAny, the zero value, is every request but those of the account document.
const (
	OpAny      Op = ""
	OpRead     Op = "read"     // point read of an item
	OpCreate   Op = "create"   // create of an item
	OpReplace  Op = "replace"  // replace of an item
	OpUpsert   Op = "upsert"   // upsert of an item
	OpDelete   Op = "delete"   // delete of an item
	OpPatch    Op = "patch"    // patch of an item
	OpBatch    Op = "batch"    // transactional batch
	OpQuery    Op = "query"    // query or read feed of items
	OpFeed     Op = "feed"     // change feed
	OpPKRanges Op = "pkranges" // partition key ranges
	OpAccount  Op = "account"  // account document
	OpMetadata Op = "metadata" // databases, containers, offers
	OpWrite    Op = "write"    // any of create, replace, upsert, delete, patch, batch
)

// Fault is something that goes wrong, on order. Which requests it meets: Op, and Database, Container, ID and PartitionKey where
// they are not empty. What happens to them, in this order: Hook is called, Latency passes, then the connection is dropped or
// Status is answered; a fault that sets none of the last two lets the request through. With After (or DropAfter) all of that
// happens behind the commit of the request, so that a write is done and its answer is not seen.
type Fault struct {
	Op           Op     `json:"op,omitempty"`
	Database     string `json:"database,omitempty"`
	Container    string `json:"container,omitempty"`
	ID           string `json:"id,omitempty"`           // id of the item, or of one item of a batch
	PartitionKey string `json:"partitionKey,omitempty"` // a string key as it is, any other as the JSON array of the header

	Skip        int     `json:"skip,omitempty"`        // requests to let pass first
	Count       int     `json:"count,omitempty"`       // requests to meet; 0 is all until removed
	Probability float64 `json:"probability,omitempty"` // of meeting a request, drawn from the seed; 0 is 1

	Status     int           `json:"status,omitempty"`    // HTTP status to answer, for example 429
	Substatus  int           `json:"substatus,omitempty"` // x-ms-substatus, for example 3200
	RetryAfter time.Duration `json:"-"`                   // x-ms-retry-after-ms
	Latency    time.Duration `json:"-"`                   // passes before the answer

	DropBefore bool `json:"dropBefore,omitempty"` // close the connection before the request is carried out
	DropAfter  bool `json:"dropAfter,omitempty"`  // carry the request out, then close the connection without an answer
	After      bool `json:"after,omitempty"`      // Hook, Latency and Status happen after the request was carried out

	// Hook is called at the point, with no lock held: it may use the emulator itself. A request that it makes is subject to
	// faults too, but a fault with a count is counted down before its hook is called.
	Hook func(ctx context.Context, p Point) `json:"-"`
}

// Point describes the request that met a fault.
type Point struct {
	Op           Op
	Database     string
	Container    string
	ID           string // empty for a query, feed or batch
	PartitionKey string // the JSON array of the header, empty when the request has none
	Status       int    // what the emulator would answer; 0 before the request is carried out
}

// Inject orders a fault. It stays until its count is used up or remove is called. Of several faults that meet a request, the
// hooks and latencies of all apply, and the first that drops or answers decides.
func (e *Emulator) Inject(f Fault) (remove func()) {
	a := e.faults.add(f, e.opts.Seed)
	return func() { e.faults.removeNumber(a.serial) }
}

// Faults lists the faults that are in force.
func (e *Emulator) Faults() []Fault {
	var out []Fault
	for _, f := range e.faults.numbered() {
		out = append(out, f)
	}
	return out
}

// ClearFaults removes every fault.
func (e *Emulator) ClearFaults() { e.faults.clear() }

type armedFault struct {
	Fault
	serial int
	seen   int
	met    int
	rng    *rand.Rand
}

type faultTable struct {
	armed  atomic.Int32 // number of faults: a request without any pays one load
	mu     sync.Mutex
	serial int
	list   []*armedFault
}

func (t *faultTable) add(f Fault, seed uint64) *armedFault {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.serial++
	a := &armedFault{Fault: f, serial: t.serial, rng: rand.New(rand.NewPCG(seed, uint64(t.serial)))}
	t.list = append(t.list, a)
	t.armed.Store(int32(len(t.list)))
	return a
}

func (t *faultTable) removeNumber(serial int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range t.list {
		if a.serial == serial {
			t.drop(a)
			return true
		}
	}
	return false
}

func (t *faultTable) drop(a *armedFault) {
	for i, other := range t.list {
		if other == a {
			t.list = append(t.list[:i], t.list[i+1:]...)
			break
		}
	}
	t.armed.Store(int32(len(t.list)))
}

func (t *faultTable) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = nil
	t.armed.Store(0)
}

// numbered gives the faults in the order in which they were ordered.
func (t *faultTable) numbered() iter.Seq2[int, Fault] {
	t.mu.Lock()
	list := slices.Clone(t.list)
	t.mu.Unlock()
	return func(yield func(int, Fault) bool) {
		for _, a := range list {
			if !yield(a.serial, a.Fault) {
				return
			}
		}
	}
}

// match counts down the faults that meet a call and gives those which happen before it is carried out and those behind.
func (t *faultTable) match(c *call) (now, late []*armedFault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range slices.Clone(t.list) {
		if !a.meets(c) || !a.draw() {
			continue
		}
		if a.met++; a.Count > 0 && a.met >= a.Count {
			t.drop(a)
		}
		if a.After || a.DropAfter {
			late = append(late, a)
		} else {
			now = append(now, a)
		}
	}
	return now, late
}

// draw decides about a request that the fault could meet.
func (a *armedFault) draw() bool {
	if a.Probability > 0 && a.rng.Float64() >= a.Probability {
		return false
	}
	a.seen++
	return a.seen > a.Skip
}

func (f *Fault) meets(c *call) bool {
	switch f.Op {
	case OpAny, "any":
		if c.op == OpAccount {
			return false
		}
	case OpWrite:
		if !isWrite(c.op) {
			return false
		}
	default:
		if f.Op != c.op {
			return false
		}
	}
	return (f.Database == "" || f.Database == c.route.database) &&
		(f.Container == "" || f.Container == c.route.container) &&
		(f.ID == "" || slices.Contains(c.ids, f.ID)) &&
		(f.PartitionKey == "" || sameKey(f.PartitionKey, c.key))
}

// sameKey compares the key of a fault, a plain string or a JSON array, with the header of a request.
func sameKey(want, header string) bool {
	if want == header {
		return true
	}
	var components []any
	if json.Unmarshal([]byte(header), &components) != nil {
		return false
	}
	if len(components) == 1 && components[0] == want {
		return true
	}
	var wanted []any
	return json.Unmarshal([]byte(want), &wanted) == nil && slices.Equal(wanted, components)
}

// run makes faults happen; status is what the call would answer, 0 before it is carried out.
func (c *call) run(faults []*armedFault, status int) error {
	for _, f := range faults {
		if f.Hook != nil {
			p := Point{Op: c.op, Database: c.route.database, Container: c.route.container, PartitionKey: c.key, Status: status}
			if len(c.ids) == 1 {
				p.ID = c.ids[0]
			}
			f.Hook(c.ctx, p)
		}
		if err := sleep(c.ctx, f.Latency); err != nil {
			return err
		}
	}
	for _, f := range faults {
		if f.DropBefore || f.DropAfter {
			return errDropped
		}
		if f.Status != 0 {
			r := refuse(f.Status, "Fault on order: %d %s", f.Status, http.StatusText(f.Status)).sub(f.Substatus)
			r.retryAfter = f.RetryAfter
			return r
		}
	}
	return nil
}

// runLate makes the faults behind the commit happen; outcome is how the request ended.
func (c *call) runLate(outcome error) error {
	status := c.status
	if r := c.refusalOf(outcome); r != nil {
		status = r.status
	}
	return c.run(c.late, status)
}
