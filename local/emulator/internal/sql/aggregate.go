package sql

import "slices"

// aggregate is one call of COUNT, SUM, AVG, MIN or MAX in a SELECT.
type aggregate struct {
	fn  string
	arg expr
}

var aggregateNames = []string{"AVG", "COUNT", "MAX", "MIN", "SUM"}

func isAggregate(name string) bool { return slices.Contains(aggregateNames, name) }

// accumulator gathers the values of one aggregate in one group. Undefined values do not count.
type accumulator struct {
	count   int64
	sum     float64
	extreme value
	bad     bool // a value that the function cannot take: the result is undefined
}

func (a *accumulator) add(fn string, v value) {
	if v.isUndefined() {
		return
	}
	a.count++
	switch fn {
	case "SUM", "AVG":
		if v.kind != kindNumber {
			a.bad = true
			return
		}
		a.sum += v.float()
	case "MIN", "MAX":
		if !v.isPrimitive() {
			a.bad = true
			return
		}
		c := rank(v, a.extreme)
		if a.count == 1 || fn == "MIN" && c < 0 || fn == "MAX" && c > 0 {
			a.extreme = v.clone()
		}
	}
}

// result follows the offline engine of the .NET SDK where nothing was added: COUNT and SUM are 0, the rest undefined.
func (a *accumulator) result(fn string) value {
	switch {
	case fn == "COUNT":
		return number(float64(a.count))
	case a.bad:
		return undefined
	case fn == "SUM":
		return number(a.sum)
	case a.count == 0:
		return undefined
	case fn == "AVG":
		return number(a.sum / float64(a.count))
	default:
		return a.extreme
	}
}

// hasAggregates reports whether the SELECT of q calls an aggregate, subqueries aside.
func hasAggregates(q *queryNode) bool {
	found := false
	look := func(n node) bool {
		if c, ok := n.(*callNode); ok && isAggregate(c.name) {
			found = true
		}
		return !found
	}
	if q.value != nil {
		walk(q.value, look)
	}
	for _, item := range q.list {
		walk(item.expr, look)
	}
	return found
}

// grouping prepares the resolution of a SELECT with aggregates or GROUP BY.
func (r *resolver) grouping(s *scope, sel *selection, q *queryNode) *Error {
	if len(q.groupBy) == 0 && !hasAggregates(q) {
		return nil
	}
	g := &grouping{keys: map[string]int{}}
	for i, n := range q.groupBy {
		start, end := n.span()
		if !groupable(n) {
			return errorAt(Semantic, start, end,
				"GROUP BY takes expressions with a property reference and without subqueries and aggregates.")
		}
		x, err := r.expr(s, n)
		if err != nil {
			return err
		}
		sel.groupBy = append(sel.groupBy, x)
		g.keys[printNode(unparen(n))] = i
	}
	sel.grouped, s.grouped = true, g
	return nil
}

func groupable(n node) bool {
	property, forbidden := false, false
	walk(n, func(n node) bool {
		switch n := n.(type) {
		case *memberNode, *indexNode, *identNode:
			property = true
		case *subqueryNode:
			forbidden = true
		case *callNode:
			forbidden = forbidden || isAggregate(n.name)
		}
		return !forbidden
	})
	return property && !forbidden
}

// aggregate resolves a call of an aggregate function.
func (r *resolver) aggregate(s *scope, n *callNode) (expr, *Error) {
	if s.grouped == nil {
		return nil, errorAt(Semantic, n.start, n.stop, "The aggregate function '%s' is only allowed in SELECT, and not in another aggregate.", n.name)
	}
	if len(n.args) != 1 {
		return nil, errorAt(Semantic, n.start, n.stop, "The aggregate function '%s' requires 1 argument.", n.name)
	}
	g := s.grouped
	s.grouped = nil // within the argument, rows are visible and aggregates are not
	arg, err := r.expr(s, n.args[0])
	s.grouped = g
	if err != nil {
		return nil, err
	}
	g.aggs = append(g.aggs, aggregate{n.name, arg})
	return &aggExpr{len(g.aggs) - 1}, nil
}
