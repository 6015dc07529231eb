package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"slices"

	"supergame/local/emulator/internal/engine"
	"supergame/local/emulator/internal/epk"
	"supergame/local/emulator/internal/sql"
)

// maxCandidates is where a scan is no worse than reading the items one by one.
const maxCandidates = 10000

// A candidate is an item that a query may select, when its WHERE names ids and partition keys: SELECT ... WHERE c.id IN (...), or
// the OR of (id AND key) by which SDKs read many items. Such a query reads its items and no other.
type candidate struct {
	key   epk.Key
	id    string
	order []byte // the document's place in the source
}

// candidates lists every item that the query can select, in order; false when its WHERE does not pin them down.
func (q *query) candidates(definition epk.Definition) ([]candidate, bool) {
	list, ok := q.expand(definition, q.Filters(), nil)
	if !ok {
		return nil, false
	}
	slices.SortFunc(list, func(a, b candidate) int { return bytes.Compare(a.order, b.order) })
	return slices.CompactFunc(list, func(a, b candidate) bool { return bytes.Equal(a.order, b.order) }), true
}

// expand goes through a conjunction. What no filter of it pins down may be pinned by each of its alternatives.
func (q *query) expand(definition epk.Definition, filters []sql.Filter, list []candidate) ([]candidate, bool) {
	if key, ids, ok := q.pin(definition, filters); ok {
		for _, id := range ids {
			order := append(append(key.JSON(), 0), id...)
			list = append(list, candidate{key, id, order})
		}
		return list, len(list) <= maxCandidates
	}
	for i, f := range filters {
		if f.Op != sql.FilterAny {
			continue
		}
		others := slices.Delete(slices.Clone(filters), i, i+1)
		for _, alternative := range f.Any {
			var ok bool
			if list, ok = q.expand(definition, slices.Concat(others, alternative), list); !ok {
				return nil, false
			}
		}
		return list, true
	}
	return nil, false
}

// pin finds the partition key and the ids that a conjunction asks for.
func (q *query) pin(definition epk.Definition, filters []sql.Filter) (key epk.Key, ids []string, ok bool) {
	values, ok := q.equal(filters, []string{"id"})
	if !ok {
		return nil, nil, false
	}
	for _, value := range values {
		var id string
		if json.Unmarshal(value, &id) == nil { // no item has an id that is not a string
			ids = append(ids, id)
		}
	}
	if len(q.target.key) == len(definition.Paths) {
		return q.target.key, ids, true
	}
	for _, path := range definition.Paths {
		values, ok := q.equal(filters, path)
		if !ok || len(values) != 1 {
			return nil, nil, false
		}
		component, err := epk.Value(values[0])
		if err != nil || component.Kind == epk.Number && component.Num == 0 { // 0 equals -0, which is another partition key
			return nil, nil, false
		}
		key = append(key, component)
	}
	return key, ids, true
}

// equal gives the values that a conjunction allows a path to have.
func (q *query) equal(filters []sql.Filter, path []string) (values []json.RawMessage, ok bool) {
	for _, f := range filters {
		if f.Op != sql.FilterEq || !slices.Equal(f.Segments, path) {
			continue
		}
		for _, operand := range f.Values {
			value := q.operand(operand)
			if value == nil {
				return nil, false
			}
			values = append(values, value)
		}
		return values, true
	}
	return nil, false
}

// isAbsent says whether an item is not there, or cannot be because no item has such an id or key.
func isAbsent(err error) bool {
	var e *engine.Error
	return errors.As(err, &e) && (e.Status == engine.StatusBadRequest || e.Status == engine.StatusNotFound && e.SubStatus == 0)
}

// within keeps the candidates of a stretch of effective partition keys.
func within(definition epk.Definition, list []candidate, lo, hi string) []candidate {
	return slices.DeleteFunc(list, func(c candidate) bool {
		at, err := definition.Effective(c.key)
		return err != nil || at < lo || hi != "FF" && at >= hi
	})
}

// itemsOf is the source of a query that reads its candidates, from the one that a page before has ended with.
func (c *call) itemsOf(container *engine.Container, list []candidate, o engine.ReadOptions, from []byte) iter.Seq2[sql.Document, error] {
	return func(yield func(sql.Document, error) bool) {
		for _, item := range list {
			if bytes.Compare(item.order, from) < 0 {
				continue
			}
			found, err := container.Read(item.key, item.id, o)
			if isAbsent(err) {
				continue
			}
			if err != nil {
				yield(sql.Document{}, err)
				return
			}
			if !yield(sql.Document{Key: item.order, JSON: found.Body}, nil) {
				return
			}
		}
	}
}
