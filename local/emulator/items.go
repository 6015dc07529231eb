package emulator

import (
	"encoding/json"
	"net/http"
	"strings"

	"supergame/local/emulator/internal/engine"
	"supergame/local/emulator/internal/epk"
)

// serveItems answers everything below /docs.
func (c *call) serveItems() error {
	container, err := c.container()
	if err != nil {
		return err
	}
	if c.route.feed {
		switch {
		case c.op == OpFeed:
			return c.readFeed(container)
		case c.op == OpQuery:
			return c.queryItems(container)
		case c.method != http.MethodPost:
			return methodNotAllowed()
		case c.op == OpBatch:
			return c.executeBatch(container)
		}
		return c.writeItem(container)
	}
	switch c.method {
	case http.MethodGet:
		return c.readItem(container)
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		return c.writeItem(container)
	}
	return methodNotAllowed()
}

// itemKey reads the partition key header, which every operation on items needs.
func (c *call) itemKey() (epk.Key, error) {
	c.key = first(c.header, hPartitionKey)
	if c.key == "" {
		return nil, badRequest("PartitionKey value must be supplied for this operation.")
	}
	key, err := epk.Parse([]byte(c.key))
	if err != nil {
		return nil, badRequest("Partition key %s is invalid: %v", c.key, err)
	}
	return key, nil
}

func (c *call) readItem(container *engine.Container) error {
	key, err := c.itemKey()
	if err != nil {
		return err
	}
	c.ids = []string{c.route.id}
	if err := c.enterAt(container, key); err != nil {
		return err
	}
	o, err := c.readOptions()
	if err != nil {
		return err
	}
	o.IfNoneMatch = first(c.header, hIfNoneMatch)
	item, err := container.Read(key, c.route.id, o)
	c.charge = missCharge
	c.atPosition(item.Position)
	if engine.Status(err) == engine.StatusNotModified {
		return c.respond(http.StatusNotModified, nil)
	}
	if err != nil {
		return err
	}
	c.reads(readCharge(len(item.Body)))
	c.out.set(hEtag, item.ETag)
	return c.respond(http.StatusOK, item.Body)
}

// writeItem does create, upsert, replace, delete and patch.
func (c *call) writeItem(container *engine.Container) error {
	if len(c.header[hPreTrigger]) > 0 || len(c.header[hPostTrigger]) > 0 {
		return badRequest("Triggers are not supported by this emulator.")
	}
	key, err := c.itemKey()
	if err != nil {
		return err
	}
	op, patched, err := c.itemOp(container)
	if err != nil {
		return err
	}
	if c.e.faults.armed.Load() > 0 {
		c.ids = []string{idOf(op)}
	}
	if err := c.enterAt(container, key); err != nil {
		return err
	}
	minimal := strings.EqualFold(first(c.header, hPrefer), "return=minimal")
	done, err := container.Write(key, []engine.Op{op}, engine.WriteOptions{NoBodies: minimal || op.Kind == engine.OpDelete})
	c.atPosition(done.Position)
	if err != nil {
		c.charge = refusedCharge(done.Results)
		return err
	}
	result := &done.Results[0]
	c.charge = writeCharge(op.Kind, result, patched)
	if op.Kind == engine.OpDelete {
		return c.respond(http.StatusNoContent, nil)
	}
	c.out.set(hEtag, result.ETag)
	if minimal {
		return c.respond(createdOr(result), nil)
	}
	return c.respond(createdOr(result), result.Body)
}

// itemOp is the engine's operation for the request; patched is the number of a patch's operations.
func (c *call) itemOp(container *engine.Container) (op engine.Op, patched int, err error) {
	op = engine.Op{ID: c.route.id, Body: c.body, IfMatch: first(c.header, hIfMatch), IfNoneMatch: first(c.header, hIfNoneMatch)}
	switch c.op {
	case OpCreate:
		op.Kind = engine.OpCreate
	case OpUpsert:
		op.Kind = engine.OpUpsert
	case OpReplace:
		op.Kind = engine.OpReplace
	case OpDelete:
		op.Kind, op.Body = engine.OpDelete, nil
	case OpPatch:
		p, perr := c.preparePatch(c.body, container)
		if perr != nil {
			return op, 0, perr
		}
		op.Kind, op.Body, op.Patch, patched = engine.OpPatch, nil, p.apply, p.Len()
	default:
		return op, 0, methodNotAllowed()
	}
	return op, patched, nil
}

// idOf gives the id of the item that an operation is about, for faults.
func idOf(op engine.Op) string {
	if op.Kind != engine.OpCreate && op.Kind != engine.OpUpsert {
		return op.ID
	}
	var body struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(op.Body, &body) // the engine refuses what is not JSON
	return body.ID
}

func createdOr(r *engine.Result) int {
	if r.Created {
		return http.StatusCreated
	}
	return http.StatusOK
}

func writeCharge(kind engine.OpKind, r *engine.Result, patched int) float64 {
	switch {
	case kind == engine.OpRead:
		return readCharge(r.OldSize)
	case kind == engine.OpDelete:
		return deleteCharge(r.OldSize, r.RemovedTerms)
	case r.Created:
		return createCharge(r.NewSize, r.InsertedTerms)
	}
	return replaceCharge(r.NewSize, r.RemovedTerms, r.InsertedTerms) + patchOnTop(patched)
}

// refusedCharge is the price of a write that was refused: that of reading the item it met, if it met one.
func refusedCharge(results []engine.Result) float64 {
	if n := len(results); n > 0 && results[n-1].OldSize > 0 {
		return readCharge(results[n-1].OldSize)
	}
	return missCharge
}
