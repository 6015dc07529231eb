package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// Container is a handle on one incarnation of a container: after a delete, or a delete and a create of the same name, every
// call on it is refused with 404/1003. It is safe for concurrent use.
type Container struct {
	engine     *Engine
	num        uint32
	rid        []byte // 8 bytes
	selfPrefix string // of an item's _self, up to its RID
	systemLen  int    // see size
	width      int    // of an effective partition key

	info    atomic.Pointer[ContainerInfo]
	parts   atomic.Pointer[topology]
	deleted atomic.Bool
	floors  sync.Map // part -> *floor of its log

	admin  sync.Mutex // held by replace, delete and split; taken before a part's lock
	record containerRecord
}

// containerRecord is a container as stored.
type containerRecord struct {
	Num, Database uint32
	Version       uint64 // counts replaces, for the ETag
	TS            int64
	Given         json.RawMessage
	Parts         []partRecord // also those that were split
}

// ContainerOptions of CreateContainer.
type ContainerOptions struct {
	Partitions int         // physical ranges at the start; 0 = Options.Partitions
	Offer      *Throughput // nil = none of its own
}

// maxStartParts is how many ranges a new container may have.
const maxStartParts = 1000

// CreateContainer makes a container from its JSON: 400, 404/1003 for the database, 409 when it exists.
func (e *Engine) CreateContainer(databaseName string, properties []byte, o ContainerOptions) (*Container, error) {
	if err := e.gate.enter(); err != nil {
		return nil, err
	}
	defer e.gate.leave()
	p, given, err := parseProperties(properties)
	if err != nil {
		return nil, err
	}
	if o.Partitions <= 0 {
		o.Partitions = e.opts.Partitions
	}
	if o.Partitions > maxStartParts {
		return nil, badRequest("a container starts with at most %d physical ranges", maxStartParts)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	d, err := e.findDatabase(databaseName)
	if err != nil {
		return nil, err
	}
	if d.containers[p.ID] != nil {
		return nil, errExists()
	}
	next := e.counters
	next.Container++
	r := containerRecord{
		Num: next.Container, Database: d.num, Version: 1, TS: e.Now().Unix(), Given: given, Parts: firstParts(o.Partitions),
	}
	c, err := e.newContainer(d, &r)
	if err != nil {
		return nil, err
	}
	b := e.db.NewBatch()
	defer drop(b)
	if err := setJSON(b, metaKey(metaContainer, c.num), r); err != nil {
		return nil, err
	}
	of, err := e.addOffer(b, &next, &c.info.Load().Resource, o.Offer)
	if err != nil {
		return nil, err
	}
	if err := e.commitCounters(b, next); err != nil {
		return nil, err
	}
	d.containers[p.ID] = c
	e.keepOffer(of)
	return c, nil
}

// newContainer makes the handle of a record.
func (e *Engine) newContainer(d *database, r *containerRecord) (*Container, error) {
	c := &Container{engine: e, num: r.Num, record: *r}
	c.rid = containerRID(d.rid, r.Num, e.opts.Seed)
	info, err := c.newInfo(d.ID, d.RID, r)
	if err != nil {
		return nil, err
	}
	c.info.Store(info)
	c.selfPrefix = info.Self + "docs/"
	c.systemLen = len(c.appendDocument(nil, &version{user: []byte("{")})) - 1
	c.width = info.Properties.Key.Width()
	t, err := newTopology(r.Parts)
	if err != nil {
		return nil, err
	}
	c.parts.Store(t)
	return c, nil
}

func (e *Engine) loadContainer(r *containerRecord) error {
	for _, d := range e.databases {
		if d.num != r.Database {
			continue
		}
		c, err := e.newContainer(d, r)
		if err != nil {
			return fmt.Errorf("engine: read a container: %w", err)
		}
		for _, p := range c.parts.Load().live {
			if err := p.load(c); err != nil {
				return err
			}
		}
		d.containers[c.info.Load().ID] = c
		return nil
	}
	return fmt.Errorf("engine: the container %d has no database", r.Num)
}

// findContainer needs e.mu.
func (e *Engine) findContainer(databaseName, name string) (*database, *Container, error) {
	d, err := e.findDatabase(databaseName)
	if err != nil {
		return nil, nil, err
	}
	if c := d.containers[name]; c != nil {
		return d, c, nil
	}
	for _, c := range d.containers {
		if c.info.Load().RID == name {
			return d, c, nil
		}
	}
	return nil, nil, errNoOwner()
}

// Container finds a container by id or RID: 404/1003.
func (e *Engine) Container(databaseName, name string) (*Container, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	_, c, err := e.findContainer(databaseName, name)
	return c, err
}

// Containers lists a database's containers, by id: 404/1003.
func (e *Engine) Containers(databaseName string) ([]*Container, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	d, err := e.findDatabase(databaseName)
	if err != nil {
		return nil, err
	}
	out := make([]*Container, 0, len(d.containers))
	for _, c := range d.containers {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *Container) int { return strings.Compare(a.info.Load().ID, b.info.Load().ID) })
	return out, nil
}

// Info gives the container's properties as they are now.
func (c *Container) Info() *ContainerInfo { return c.info.Load() }

// ReplaceContainer stores new properties: 400 when id, partition key or unique keys change, 404/1003, 412.
func (e *Engine) ReplaceContainer(databaseName, name string, properties []byte, ifMatch string) (*Container, error) {
	if err := e.gate.enter(); err != nil {
		return nil, err
	}
	defer e.gate.leave()
	p, given, err := parseProperties(properties)
	if err != nil {
		return nil, err
	}
	e.mu.RLock()
	_, c, err := e.findContainer(databaseName, name)
	e.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	c.admin.Lock()
	defer c.admin.Unlock()
	old := c.info.Load()
	switch {
	case c.deleted.Load():
		return nil, errNoOwner()
	case ifMatch != "" && !sameETag(ifMatch, old.ETag):
		return nil, errPrecondition()
	case !p.sameIdentity(&old.Properties):
		return nil, badRequest("id, partitionKey and uniqueKeyPolicy of a container cannot be changed")
	}
	r := c.record
	r.Given, r.Version, r.TS = given, r.Version+1, e.Now().Unix()
	info, err := c.newInfo(old.Database, old.DatabaseRID, &r)
	if err != nil {
		return nil, err
	}
	if err := c.storeRecord(&r); err != nil {
		return nil, err
	}
	c.info.Store(info)
	return c, nil
}

// storeRecord needs c.admin.
func (c *Container) storeRecord(r *containerRecord) error {
	b := c.engine.db.NewBatch()
	defer drop(b)
	if err := setJSON(b, metaKey(metaContainer, c.num), r); err != nil {
		return err
	}
	if err := c.engine.commit(b); err != nil {
		return fmt.Errorf("engine: store a container: %w", err)
	}
	c.record = *r
	return nil
}

// DeleteContainer removes a container and its items: 404/1003, 412.
func (e *Engine) DeleteContainer(databaseName, name, ifMatch string) error {
	if err := e.gate.enter(); err != nil {
		return err
	}
	defer e.gate.leave()
	e.mu.Lock()
	defer e.mu.Unlock()
	d, c, err := e.findContainer(databaseName, name)
	if err != nil {
		return err
	}
	info := c.info.Load()
	if ifMatch != "" && !sameETag(ifMatch, info.ETag) {
		return errPrecondition()
	}
	c.shut()
	defer c.unshut()
	b := e.db.NewBatch()
	defer drop(b)
	if err := c.deleteData(b); err != nil {
		return err
	}
	gone := []string{info.RID}
	if err := e.deleteOffers(b, gone); err != nil {
		return err
	}
	if err := e.commit(b); err != nil {
		return fmt.Errorf("engine: delete a container: %w", err)
	}
	c.deleted.Store(true)
	e.forgetOffers(gone)
	delete(d.containers, info.ID)
	return nil
}

// shut keeps writers, splits and replaces out.
func (c *Container) shut() {
	c.admin.Lock()
	for _, p := range c.parts.Load().live {
		p.mu.Lock()
	}
}

func (c *Container) unshut() {
	for _, p := range c.parts.Load().live {
		p.mu.Unlock()
	}
	c.admin.Unlock()
}

// deleteData puts the removal of everything the container has into a batch.
func (c *Container) deleteData(b *pebble.Batch) error {
	if err := b.Delete(metaKey(metaContainer, c.num), nil); err != nil {
		return err
	}
	p := prefix(nil, c.num, 0)
	p = p[:len(p)-1]
	return b.DeleteRange(p, after(p), nil)
}
