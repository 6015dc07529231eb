package sql

import "sync"

// selection is a resolved query or subquery.
type selection struct {
	sources  []source
	where    expr // nil without WHERE
	project  expr
	distinct bool
	groupBy  []expr
	aggs     []aggregate
	grouped  bool // one row for each group, or for all rows when there is no GROUP BY
	top      expr // with offset and limit: nil, constExpr or paramExpr
	offset   expr
	limit    expr
}

// source binds a slot to the value of expr, or to each row of query, or with iterate to each element of those.
type source struct {
	slot    int
	iterate bool
	expr    expr
	query   *selection
}

// resolve makes the plan of a query.
func resolve(src string, q *queryNode) (*plan, *Error) {
	r := &resolver{src: src, slots: 1, index: map[string]int{}, paths: map[string]*pathExpr{}}
	root := &scope{names: map[string]int{}}
	sel, err := r.query(root, q, true)
	if err != nil {
		return nil, err
	}
	p := &plan{sel: sel, constant: len(q.from) == 0}
	if p.order, p.sortKeys, err = r.orderBy(root, q); err != nil {
		return nil, err
	}
	p.features = r.features | clauses(q, sel)
	p.star = q.star && len(sel.sources) == 0
	p.params, p.slots, p.sets, p.tables = r.params, r.slots, r.sets, r.tables
	for _, path := range r.paths {
		if path.uses > 1 {
			path.cache = p.caches
			p.caches++
		}
	}
	p.filters = sync.OnceValue(func() []Filter { return filtersOf(sel.where) })
	return p, nil
}

func clauses(q *queryNode, sel *selection) Features {
	var f Features
	for _, clause := range []struct {
		has bool
		bit Features
	}{
		{len(q.orderBy) > 0, HasOrderBy},
		{q.top != nil, HasTop},
		{q.limit != nil, HasOffsetLimit},
		{q.distinct, HasDistinct},
		{len(q.groupBy) > 0, HasGroupBy},
		{len(sel.aggs) > 0, HasAggregate},
	} {
		if clause.has {
			f |= clause.bit
		}
	}
	return f
}

// query resolves one level. The scope is the query's own, with its outer scopes behind it.
func (r *resolver) query(s *scope, q *queryNode, outermost bool) (*selection, *Error) {
	sel := &selection{distinct: q.distinct}
	if len(q.from) > 1 {
		r.features |= HasJoin
	}
	for i := range q.from {
		if err := r.source(s, sel, &q.from[i], outermost && i == 0); err != nil {
			return nil, err
		}
	}
	var err *Error
	if q.where != nil {
		if sel.where, err = r.expr(s, q.where); err != nil {
			return nil, err
		}
	}
	if err = r.grouping(s, sel, q); err != nil {
		return nil, err
	}
	if sel.project, err = r.projection(s, q); err != nil {
		return nil, err
	}
	if s.grouped != nil {
		sel.aggs = s.grouped.aggs
	}
	s.grouped = nil
	return sel, r.counts(sel, q)
}

// counts resolves TOP, OFFSET and LIMIT.
func (r *resolver) counts(sel *selection, q *queryNode) *Error {
	if q.top != nil && q.limit != nil {
		return errorAt(Semantic, q.start, q.stop, "TOP cannot be used together with OFFSET LIMIT.")
	}
	for _, c := range []struct {
		from node
		to   *expr
	}{{q.top, &sel.top}, {q.offset, &sel.offset}, {q.limit, &sel.limit}} {
		switch n := c.from.(type) {
		case *literalNode:
			*c.to = &constExpr{n.val}
		case *paramNode:
			*c.to = r.param(n.name)
		}
	}
	return nil
}

// source resolves an item of FROM. The first one of the outermost query names the container, whatever its name.
func (r *resolver) source(s *scope, sel *selection, n *sourceNode, container bool) *Error {
	src := source{iterate: n.iterate}
	switch {
	case n.subquery != nil:
		r.features |= HasSubquery
		inner, err := r.query(&scope{outer: s, names: map[string]int{}}, n.subquery, false)
		if err != nil {
			return err
		}
		if err := r.refuseOrder(n.subquery); err != nil {
			return err
		}
		src.query = inner
	default:
		within := s
		if container {
			within = &scope{names: map[string]int{rootOf(n.path): 0}}
		}
		x, err := r.expr(within, n.path)
		if err != nil {
			return err
		}
		src.expr = x
	}
	if slot, ok := src.expr.(*slotExpr); ok && !n.iterate {
		return r.bind(s, n, slot.slot)
	}
	src.slot = r.slots
	r.slots++
	sel.sources = append(sel.sources, src)
	return r.bind(s, n, src.slot)
}

func (r *resolver) bind(s *scope, n *sourceNode, slot int) *Error {
	if n.alias == "" {
		return nil
	}
	if _, taken := s.names[n.alias]; taken {
		return errorAt(Semantic, n.start, n.stop, "The input alias '%s' is specified more than once in the FROM clause.", n.alias)
	}
	s.names[n.alias] = slot
	return nil
}

func rootOf(n node) string {
	for {
		switch x := n.(type) {
		case *identNode:
			return x.name
		case *memberNode:
			n = x.of
		case *indexNode:
			n = x.of
		default:
			return ""
		}
	}
}

// projection resolves SELECT to one expression. A list becomes an object.
func (r *resolver) projection(s *scope, q *queryNode) (expr, *Error) {
	if q.value != nil {
		return r.expr(s, q.value)
	}
	if q.star {
		return r.star(s, q)
	}
	keys := make([]string, len(q.list))
	vals := make([]expr, len(q.list))
	seen := make(map[string]bool, len(q.list))
	unnamed := 0
	for i, item := range q.list {
		key := item.alias
		if key == "" {
			key = inferredName(item.expr)
		}
		if key == "" {
			unnamed++
			key = "$" + string(appendNumber(nil, float64(unnamed)))
		}
		start, end := item.expr.span()
		if seen[key] {
			return nil, errorAt(Semantic, start, end, "The property '%s' is selected more than once: give one of them an alias.", key)
		}
		seen[key] = true
		x, err := r.expr(s, item.expr)
		if err != nil {
			return nil, err
		}
		keys[i], vals[i] = key, x
	}
	return &objectExpr{keys, vals}, nil
}

func (r *resolver) star(s *scope, q *queryNode) (expr, *Error) {
	if len(q.from) != 1 {
		return nil, errorAt(Semantic, q.start, q.stop, "'SELECT *' is only valid with a single input set.")
	}
	if s.grouped != nil {
		return nil, errorAt(Semantic, q.start, q.stop, "'SELECT *' is not valid with GROUP BY.")
	}
	if slot, ok := s.names[q.from[0].alias]; ok {
		return &slotExpr{slot}, nil
	}
	return &slotExpr{r.slots - 1}, nil
}

// subquery resolves (SELECT ...), EXISTS and ARRAY.
func (r *resolver) subquery(s *scope, n *subqueryNode) (expr, *Error) {
	if s.grouped != nil {
		return nil, errorAt(Semantic, n.start, n.stop, "A subquery cannot be combined with aggregates or GROUP BY in one SELECT.")
	}
	if err := r.refuseOrder(n.query); err != nil {
		return nil, err
	}
	r.features |= HasSubquery
	inner, err := r.query(&scope{outer: s, names: map[string]int{}}, n.query, false)
	if err != nil {
		return nil, err
	}
	return &subqueryExpr{form: n.form, query: inner, at: n.place}, nil
}

func (r *resolver) refuseOrder(q *queryNode) *Error {
	if len(q.orderBy) > 0 {
		return errorAt(Unsupported, q.start, q.stop, "ORDER BY is not supported in a subquery.")
	}
	return nil
}

// orderBy resolves ORDER BY, whose items must be paths of the document.
func (r *resolver) orderBy(s *scope, q *queryNode) ([]sortItem, []SortKey, *Error) {
	if len(q.orderBy) == 0 {
		return nil, nil, nil
	}
	if len(q.groupBy) > 0 || hasAggregates(q) {
		return nil, nil, errorAt(Semantic, q.start, q.stop, "ORDER BY cannot be used together with GROUP BY or aggregates.")
	}
	var items []sortItem
	var keys []SortKey
	for _, item := range q.orderBy {
		x, err := r.expr(s, item.expr)
		if err != nil {
			return nil, nil, err
		}
		segments, ok := documentPath(x)
		if !ok {
			start, end := item.expr.span()
			return nil, nil, errorAt(Semantic, start, end,
				"Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path.")
		}
		items = append(items, sortItem{x, item.desc})
		keys = append(keys, SortKey{indexPath(segments), segments, item.desc})
	}
	return items, keys, nil
}
