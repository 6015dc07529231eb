package sql

import "encoding/json"

// filtersOf derives the conditions on document paths that follow from a WHERE.
func filtersOf(where expr) []Filter {
	switch e := where.(type) {
	case *logicExpr:
		if e.or {
			return filterAny(e)
		}
		var all []Filter
		for _, t := range e.terms {
			all = append(all, filtersOf(t)...)
		}
		return all
	case *equalExpr:
		op := FilterEq
		if e.not {
			op = FilterNe
		}
		return comparison(e.left, e.right, op, op)
	case *orderExpr:
		return orderFilter(e)
	case *betweenExpr:
		if e.not {
			return nil
		}
		low := comparison(e.subject, e.low, FilterGe, FilterGe)
		high := comparison(e.subject, e.high, FilterLe, FilterLe)
		return append(low, high...)
	case *inExpr:
		if e.not {
			return nil
		}
		return filterOn(e.needle, FilterEq, e.list...)
	case *likeExpr:
		if prefix, ok := e.compiled.prefix(); ok && !e.not {
			return filterOn(e.subject, FilterPrefix, &constExpr{textOf(prefix)})
		}
	case *callExpr:
		return callFilter(e)
	case *pathExpr:
		return filterOn(e, FilterEq, &constExpr{trueValue})
	case *unaryExpr:
		if e.op == 'N' {
			if p, ok := e.inner.(*pathExpr); ok {
				return filterOn(p, FilterEq, &constExpr{falseValue})
			}
		}
	}
	return nil
}

// filterAny makes the alternatives of an OR, provided that each of them says something.
func filterAny(e *logicExpr) []Filter {
	f := Filter{Op: FilterAny}
	for _, t := range e.terms {
		branch := filtersOf(t)
		if len(branch) == 0 {
			return nil
		}
		f.Any = append(f.Any, branch)
	}
	return []Filter{f}
}

// comparison makes a filter of path op value, or of value op path with the flipped operator.
func comparison(left, right expr, op, flipped FilterOp) []Filter {
	if f := filterOn(left, op, right); f != nil {
		return f
	}
	return filterOn(right, flipped, left)
}

func orderFilter(e *orderExpr) []Filter {
	switch e.op {
	case "<":
		return comparison(e.left, e.right, FilterLt, FilterGt)
	case "<=":
		return comparison(e.left, e.right, FilterLe, FilterGe)
	case ">":
		return comparison(e.left, e.right, FilterGt, FilterLt)
	default:
		return comparison(e.left, e.right, FilterGe, FilterLe)
	}
}

func callFilter(e *callExpr) []Filter {
	switch e.name {
	case "IS_DEFINED":
		return filterOn(e.args[0], FilterDefined)
	case "IS_NULL":
		return filterOn(e.args[0], FilterEq, &constExpr{null})
	case "STARTSWITH":
		if len(e.args) == 2 {
			return filterOn(e.args[0], FilterPrefix, e.args[1])
		}
	}
	return nil
}

// filterOn is a filter on x, nil unless x is a document path and every operand is a constant or a parameter.
func filterOn(x expr, op FilterOp, operands ...expr) []Filter {
	segments, ok := documentPath(x)
	if !ok {
		return nil
	}
	f := Filter{Path: indexPath(segments), Segments: segments, Op: op}
	return append([]Filter(nil), f.with(operands)...)
}

func (f Filter) with(operands []expr) []Filter {
	for _, x := range operands {
		o, ok := operandOf(x)
		if !ok {
			return nil
		}
		f.Values = append(f.Values, o)
	}
	return []Filter{f}
}

func operandOf(x expr) (Operand, bool) {
	switch x := x.(type) {
	case *constExpr:
		if x.val.isUndefined() || !finite(x.val) {
			return Operand{}, false
		}
		return Operand{JSON: json.RawMessage(appendJSON(nil, x.val))}, true
	case *paramExpr:
		return Operand{Param: x.name}, true
	}
	return Operand{}, false
}
