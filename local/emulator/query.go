package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"hash/fnv"
	"net/http"
	"strings"
	"time"

	"supergame/local/emulator/internal/engine"
	"supergame/local/emulator/internal/epk"
	"supergame/local/emulator/internal/policy"
	"supergame/local/emulator/internal/sql"
)

// queryRequest is the body of a query.
type queryRequest struct {
	Query      string      `json:"query"`
	Parameters []sql.Param `json:"parameters"`
}

// A query is one request for a page of rows.
type query struct {
	*sql.Query
	params []sql.Param
	hash   uint64 // of text and parameters: a continuation belongs to one query
	target target
	policy *policy.Policy
	times  queryTimes
}

// A target is the part of a container that a query looks at.
type target struct {
	key      epk.Key // one logical partition, or the prefix of several when the container is hierarchical
	rangeID  string  // one physical partition, named by the client
	min, max string  // bounds of effective partition keys, empty when key is complete or rangeID is set
	single   bool    // one logical or physical partition: the whole dialect is served
}

// queryItems answers a query, or a plain read of the feed, which is a query for everything.
func (c *call) queryItems(container *engine.Container) error {
	q, err := c.parseQuery(container)
	if err != nil {
		return err
	}
	page, err := c.openPage(container, q)
	if err != nil {
		return err
	}
	if err := c.enter(container, page.rangeID); err != nil {
		return err
	}
	return c.answerPage(container, q, page)
}

func (c *call) parseQuery(container *engine.Container) (*query, error) {
	if flag(c.header, hIsQueryPlan) {
		return nil, badRequest("Query plans are not supported by this emulator: only queries that the gateway itself can serve.")
	}
	request := queryRequest{Query: "SELECT * FROM c"} // what a read of the feed asks for
	if c.method == http.MethodPost {
		request.Query = ""
		if err := json.Unmarshal(c.body, &request); err != nil {
			return nil, badRequest("The query is not a JSON object with query and parameters: %v", err)
		}
	}
	start := time.Now()
	prepared, err := sql.Prepare(request.Query)
	if err != nil {
		return nil, err
	}
	q := &query{times: queryTimes{compile: time.Since(start)}, Query: prepared, params: request.Parameters, policy: c.e.policies.of(container.Info())}
	q.hash = hashQuery(request)
	if q.target, err = c.queryTarget(container, q); err != nil {
		return nil, err
	}
	return q, c.checkQuery(q)
}

func hashQuery(request queryRequest) uint64 {
	h := fnv.New64a()
	end := []byte{0}
	_, _ = h.Write(append([]byte(request.Query), end...))
	for _, p := range request.Parameters {
		_, _ = h.Write(append([]byte(p.Name), end...))
		_, _ = h.Write(p.Value)
		_, _ = h.Write(end)
	}
	return h.Sum64()
}

// queryTarget finds out where a query goes: by the range or the key of its headers, or by the key in its own WHERE.
func (c *call) queryTarget(container *engine.Container, q *query) (target, error) {
	t := target{rangeID: first(c.header, hRangeID)}
	definition := container.Info().Properties.Key
	if c.key = first(c.header, hPartitionKey); c.key != "" {
		key, err := epk.Parse([]byte(c.key))
		if err != nil {
			return t, badRequest("Partition key %s is invalid: %v", c.key, err)
		}
		t.key = key
	} else if t.rangeID == "" && c.method == http.MethodPost {
		t.key = inlinedKey(definition, q)
	}
	t.single = t.rangeID != "" || len(t.key) == len(definition.Paths) || t.key != nil && len(t.key) == 0
	switch {
	case t.rangeID != "" || t.single:
	case t.key != nil:
		var err error
		if t.min, t.max, err = definition.Bounds(t.key); err != nil {
			return t, badRequest("Partition key %s is invalid: %v", c.key, err)
		}
	default:
		t.max = "FF"
	}
	if lo, hi := first(c.header, hStartEPK), first(c.header, hEndEPK); lo != "" || hi != "" {
		t.min, t.max = lo, hi
	}
	return t, nil
}

// inlinedKey gives the partition key when the WHERE of a query pins down every path of it.
func inlinedKey(definition epk.Definition, q *query) epk.Key {
	text := []byte{'['}
	for i, path := range definition.Paths {
		value := pinned(q, path)
		if value == nil {
			return nil
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, value...)
	}
	key, err := epk.Parse(append(text, ']'))
	if err != nil {
		return nil
	}
	return key
}

func pinned(q *query, path []string) json.RawMessage {
	for _, f := range q.Filters() {
		if f.Op == sql.FilterEq && len(f.Values) == 1 && equalPath(f.Segments, path) {
			return q.operand(f.Values[0])
		}
	}
	return nil
}

func (q *query) operand(o sql.Operand) json.RawMessage {
	if o.Param == "" {
		return o.JSON
	}
	for _, p := range q.params {
		if p.Name == o.Param {
			return bytes.TrimSpace(p.Value)
		}
	}
	return nil
}

func equalPath(a, b []string) bool {
	return strings.Join(a, "\x00") == strings.Join(b, "\x00")
}

// checkQuery refuses what the gateway refuses, in its words.
func (c *call) checkQuery(q *query) error {
	if !q.target.single {
		if c.method == http.MethodPost && !flag(c.header, hCrossPartition) {
			return badRequest("Cross partition query is required but disabled. Please set x-ms-documentdb-query-enablecrosspartition " +
				"to true, specify x-ms-documentdb-partitionkey, or revise your query to avoid this exception.")
		}
		if q.Features()&sql.NotAcrossPartitions != 0 {
			return badRequest("The provided cross partition query can not be directly served by the gateway. This is a first chance " +
				"(internal) exception that all newer clients will know how to handle gracefully. This exception is traced, but " +
				"unless you see it bubble up as an exception (which only happens on older SDK clients), then you can safely " +
				"ignore this message.")
		}
	}
	keys := q.OrderBy()
	for _, key := range keys {
		if !q.policy.Indexes(key.Segments) && !flag(c.header, hForceScan) {
			return badRequest("The index path corresponding to the specified order-by item is excluded.")
		}
	}
	if len(keys) > 1 && !q.hasComposite(keys) {
		return badRequest("The order by query does not have a corresponding composite index that it can be served from.")
	}
	if q.policy.None && len(q.Filters()) > 0 && !flag(c.header, hForceScan) {
		return badRequest("An invalid query has been specified with filters against path(s) that are not range-indexed. " +
			"Consider adding allow scan header in the request.")
	}
	return nil
}

// hasComposite compares by segments: quotes in a policy do not matter.
func (q *query) hasComposite(keys []sql.SortKey) bool {
	wanted := make([]sql.SortKey, len(keys))
	for i, key := range keys {
		wanted[i] = sql.SortKey{Path: strings.Join(key.Segments, "\x00"), Descending: key.Descending}
	}
	indexes := make([][]sql.CompositePath, len(q.policy.Composites))
	for i, index := range q.policy.Composites {
		for _, path := range index {
			indexes[i] = append(indexes[i], sql.CompositePath{Path: strings.Join(path.Segments, "\x00"), Descending: path.Descending})
		}
	}
	return sql.CompositeServes(wanted, indexes)
}

// badQuery is the service's form of an error in a query.
// maxQueryTime is how long a page of a query may take: a few nested JOINs over long arrays would keep a processor for years.
const maxQueryTime = 10 * time.Second

// runQuery runs a query until it is done, its client went away, or its time is over: 408.
func (c *call) runQuery(q *sql.Query, in sql.Input, emit func(row []byte) bool) (sql.Outcome, error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.e.queryTime)
	defer cancel()
	in.Cancel = ctx.Done()
	outcome, err := q.Run(in, emit)
	switch {
	case err == nil || ctx.Err() == nil:
		return outcome, err
	case c.ctx.Err() != nil:
		return outcome, c.ctx.Err()
	}
	return outcome, refuse(http.StatusRequestTimeout, "The query was not finished within %v.", c.e.queryTime)
}

func badQuery(e *sql.Error) *refusal {
	type location struct {
		Start int `json:"start"`
		End   int `json:"end"`
	}
	type detail struct {
		Severity string    `json:"severity"`
		Location *location `json:"location,omitempty"`
		Code     string    `json:"code"`
		Message  string    `json:"message"`
	}
	d := detail{Severity: "Error", Code: e.Code(), Message: e.Message}
	if e.End > 0 {
		d.Location = &location{e.Start, e.End}
	}
	text, err := json.Marshal(map[string][]detail{"errors": {d}})
	if err != nil { // strings and numbers: cannot be
		return badRequest("%s", e.Message)
	}
	return badRequest("Message: %s", text)
}

// queryResources runs a query over databases, containers or offers.
func (c *call) queryResources(docs [][]byte) ([][]byte, error) {
	var request queryRequest
	if err := json.Unmarshal(c.body, &request); err != nil {
		return nil, badRequest("The query is not a JSON object with query and parameters: %v", err)
	}
	q, err := sql.Prepare(request.Query)
	if err != nil {
		return nil, err
	}
	var rows [][]byte
	_, err = c.runQuery(q, sql.Input{Params: request.Parameters, Now: c.e.clock.Now(), Documents: func(yield func(sql.Document, error) bool) {
		for i, doc := range docs {
			if !yield(sql.Document{Key: []byte{byte(i >> 16), byte(i >> 8), byte(i)}, JSON: doc}, nil) {
				return
			}
		}
	}}, func(row []byte) bool {
		rows = append(rows, bytes.Clone(row))
		return true
	})
	return rows, err
}
