package emulator

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"supergame/local/emulator/internal/engine"
	"supergame/local/emulator/internal/rawjson"
)

const (
	maxBatchOperations = 100
	maxBatchBytes      = 2 << 20
)

// batchOperation is one element of a batch's body.
type batchOperation struct {
	kind, id, ifMatch, ifNoneMatch string
	body                           []byte // not decoded: the engine or the patch reads it
}

var batchKinds = map[string]engine.OpKind{
	"Create": engine.OpCreate, "Upsert": engine.OpUpsert, "Replace": engine.OpReplace,
	"Patch": engine.OpPatch, "Delete": engine.OpDelete, "Read": engine.OpRead,
}

// executeBatch does all operations or none: 200 with a result for each, or 207 with the refusal and 424 for the others.
func (c *call) executeBatch(container *engine.Container) error {
	if !flag(c.header, hBatchAtomic) {
		return badRequest("Only atomic batches are supported: x-ms-cosmos-batch-atomic must be true.")
	}
	key, err := c.itemKey()
	if err != nil {
		return err
	}
	ops, patched, err := c.batchOps(container)
	if err != nil {
		return err
	}
	if c.e.faults.armed.Load() > 0 {
		for _, op := range ops {
			c.ids = append(c.ids, idOf(op))
		}
	}
	if err := c.enterAt(container, key); err != nil {
		return err
	}
	minimal := strings.EqualFold(first(c.header, hPrefer), "return=minimal")
	done, err := container.Write(key, ops, engine.WriteOptions{NoBodies: minimal})
	c.atPosition(done.Position)
	if err != nil {
		return c.refuseBatch(err, ops, done.Results)
	}
	body := make([]byte, 0, 256*len(ops))
	body = append(body, '[')
	for i := range done.Results {
		r := &done.Results[i]
		charge := writeCharge(ops[i].Kind, r, patched[i])
		c.charge += charge
		if i > 0 {
			body = append(body, ',')
		}
		body = appendBatchResult(body, batchStatus(ops[i].Kind, r), charge, r)
	}
	return c.respond(http.StatusOK, append(body, ']'))
}

// batchOps reads the operations; patched has the number of operations of each that is a patch.
func (c *call) batchOps(container *engine.Container) (ops []engine.Op, patched []int, err error) {
	if len(c.body) > maxBatchBytes {
		return nil, nil, refuse(http.StatusRequestEntityTooLarge, "Request size is too large: a batch has at most 2 MB.")
	}
	given, ok := parseBatch(c.body)
	if !ok {
		return nil, nil, badRequest("The batch is not a JSON array of operations.")
	}
	if len(given) == 0 {
		return nil, nil, badRequest("Batch request has no operations.")
	}
	if len(given) > maxBatchOperations {
		return nil, nil, badRequest("Batch request has more operations than what is supported: %d, at most %d.", len(given), maxBatchOperations)
	}
	ops, patched = make([]engine.Op, len(given)), make([]int, len(given))
	for i, g := range given {
		kind, ok := batchKinds[g.kind]
		if !ok {
			return nil, nil, badRequest("Operation %d of the batch: operationType %q is unknown.", i, g.kind)
		}
		op := engine.Op{Kind: kind, ID: g.id, Body: g.body, IfMatch: g.ifMatch, IfNoneMatch: g.ifNoneMatch}
		switch kind {
		case engine.OpPatch:
			p, err := c.preparePatch(g.body, container)
			if err != nil {
				return nil, nil, err
			}
			op.Body, op.Patch, patched[i] = nil, p.apply, p.Len()
		case engine.OpRead, engine.OpDelete:
			op.Body = nil
		}
		ops[i] = op
	}
	return ops, patched, nil
}

// parseBatch reads the array; false when it is none, or a property of an operation is not of its type.
func parseBatch(body []byte) ([]batchOperation, bool) {
	var out []batchOperation
	s := rawjson.New(body)
	s.Open('[')
	for !s.Closed(']') {
		var op batchOperation
		s.Open('{')
		for !s.Closed('}') {
			if !op.set(s.Name(), s.Value()) {
				return nil, false
			}
		}
		out = append(out, op)
	}
	return out, s.End()
}

// set takes over one property; name has its quotes.
func (op *batchOperation) set(name, value []byte) bool {
	var into *string
	switch string(rawjson.Text(name)) {
	case "operationType":
		into = &op.kind
	case "id":
		into = &op.id
	case "ifMatch":
		into = &op.ifMatch
	case "ifNoneMatch":
		into = &op.ifNoneMatch
	case "resourceBody":
		op.body = value
		return true
	default:
		return json.Valid(name) && json.Valid(value)
	}
	if plain, ok := rawjson.Verbatim(value); ok {
		*into = string(plain)
		return true
	}
	return json.Unmarshal(value, into) == nil
}

func batchStatus(kind engine.OpKind, r *engine.Result) int {
	if kind == engine.OpDelete {
		return http.StatusNoContent
	}
	return createdOr(r)
}

// refuseBatch answers 207 when an operation was refused, and leaves other errors as they are.
func (c *call) refuseBatch(err error, ops []engine.Op, results []engine.Result) error {
	r := c.refusalOf(err)
	if r == nil || len(results) == 0 {
		return err
	}
	at := len(results) - 1
	charge := refusedCharge(results)
	c.charge = charge
	body := []byte{'['}
	for i := range ops {
		if i > 0 {
			body = append(body, ',')
		}
		if i != at {
			body = append(body, `{"statusCode":424,"requestCharge":0}`...)
			continue
		}
		body = append(body, `{"statusCode":`...)
		body = strconv.AppendInt(body, int64(r.status), 10)
		if r.substatus != 0 {
			body = append(body, `,"subStatusCode":`...)
			body = strconv.AppendInt(body, int64(r.substatus), 10)
		}
		body = append(body, `,"requestCharge":`...)
		body = append(append(body, formatCharge(charge)...), '}')
	}
	return c.respond(http.StatusMultiStatus, append(body, ']'))
}

func appendBatchResult(b []byte, status int, charge float64, r *engine.Result) []byte {
	b = append(b, `{"statusCode":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, `,"requestCharge":`...)
	b = append(b, formatCharge(charge)...)
	if r.ETag != "" && status != http.StatusNoContent {
		b = append(b, `,"eTag":`...)
		b = strconv.AppendQuote(b, r.ETag)
	}
	if r.Body != nil && status != http.StatusNoContent {
		b = append(append(b, `,"resourceBody":`...), r.Body...)
	}
	return append(b, '}')
}
