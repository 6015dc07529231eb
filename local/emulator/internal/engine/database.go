package engine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Resource is what every stored thing has. RID is base64 of 4 (database), 8 (container) or 16 (item, range) bytes with '/'
// written as '-'; ETag includes its double quotes; TS is in seconds since 1970.
type Resource struct {
	ID   string `json:"id"`
	RID  string `json:"_rid"`
	Self string `json:"_self"`
	ETag string `json:"_etag"`
	TS   int64  `json:"_ts"`
}

// Database is a database as stored. It is a value: a copy of what was true when it was read.
type Database struct {
	Resource
}

// JSON is the database as the service shows it.
func (d Database) JSON() []byte {
	return mustJSON(struct {
		Resource
		Colls string `json:"_colls"`
		Users string `json:"_users"`
	}{d.Resource, "colls/", "users/"})
}

// mustJSON encodes values that always have a JSON form.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

type database struct {
	Database
	num        uint32
	rid        []byte
	containers map[string]*Container // by id
}

type databaseRecord struct {
	Num uint32
	Database
}

// CreateDatabase makes a database: 400 for a bad id, 409 when it exists. throughput may be nil.
func (e *Engine) CreateDatabase(id string, throughput *Throughput) (Database, error) {
	if err := e.gate.enter(); err != nil {
		return Database{}, err
	}
	defer e.gate.leave()
	if err := checkName(id); err != nil {
		return Database{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.databases[id] != nil {
		return Database{}, errExists()
	}
	next := e.counters
	next.Database++
	d := &database{num: next.Database, containers: map[string]*Container{}}
	d.rid = databaseRID(d.num, e.opts.Seed)
	rid, ts := ridText(d.rid), e.Now().Unix()
	d.Resource = Resource{ID: id, RID: rid, Self: "dbs/" + rid + "/", ETag: metaETag(d.num, 1, ts), TS: ts}
	b := e.db.NewBatch()
	defer drop(b)
	if err := setJSON(b, metaKey(metaDatabase, d.num), databaseRecord{d.num, d.Database}); err != nil {
		return Database{}, err
	}
	o, err := e.addOffer(b, &next, &d.Resource, throughput)
	if err != nil {
		return Database{}, err
	}
	if err := e.commitCounters(b, next); err != nil {
		return Database{}, err
	}
	e.databases[id] = d
	e.keepOffer(o)
	return d.Database, nil
}

func (e *Engine) commitCounters(b *pebble.Batch, next counters) error {
	if err := setJSON(b, metaKey(metaCounters, 0), next); err != nil {
		return err
	}
	if err := e.commit(b); err != nil {
		return err
	}
	e.counters = next
	return nil
}

func (e *Engine) loadDatabase(value []byte) error {
	var r databaseRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return err
	}
	e.databases[r.ID] = &database{
		Database: r.Database, num: r.Num, rid: databaseRID(r.Num, e.opts.Seed), containers: map[string]*Container{},
	}
	return nil
}

// findDatabase needs e.mu.
func (e *Engine) findDatabase(name string) (*database, error) {
	if d := e.databases[name]; d != nil {
		return d, nil
	}
	for _, d := range e.databases {
		if d.RID == name {
			return d, nil
		}
	}
	return nil, errNoOwner()
}

// Database finds a database by id or RID: 404/1003.
func (e *Engine) Database(name string) (Database, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	d, err := e.findDatabase(name)
	if err != nil {
		return Database{}, err
	}
	return d.Database, nil
}

// Databases lists all, by id.
func (e *Engine) Databases() []Database {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := make([]Database, 0, len(e.databases))
	for _, d := range e.databases {
		out = append(out, d.Database)
	}
	slices.SortFunc(out, func(a, b Database) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// DeleteDatabase removes a database with everything in it: 404, 412 when ifMatch is neither empty nor its ETag.
func (e *Engine) DeleteDatabase(name, ifMatch string) error {
	if err := e.gate.enter(); err != nil {
		return err
	}
	defer e.gate.leave()
	e.mu.Lock()
	defer e.mu.Unlock()
	d, err := e.findDatabase(name)
	if err != nil {
		return err
	}
	if ifMatch != "" && !sameETag(ifMatch, d.ETag) {
		return errPrecondition()
	}
	b := e.db.NewBatch()
	defer drop(b)
	if err := b.Delete(metaKey(metaDatabase, d.num), nil); err != nil {
		return err
	}
	gone := []string{d.RID}
	for _, c := range d.containers {
		c.shut()
		defer c.unshut()
		if err := c.deleteData(b); err != nil {
			return err
		}
		gone = append(gone, c.Info().RID)
	}
	if err := e.deleteOffers(b, gone); err != nil {
		return err
	}
	if err := e.commit(b); err != nil {
		return fmt.Errorf("engine: delete a database: %w", err)
	}
	for _, c := range d.containers {
		c.deleted.Store(true)
	}
	e.forgetOffers(gone)
	delete(e.databases, d.ID)
	return nil
}
