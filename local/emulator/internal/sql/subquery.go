package sql

// subqueryExpr is a scalar subquery, EXISTS or ARRAY.
type subqueryExpr struct {
	form  string
	query *selection
	at    place
}

func (e *subqueryExpr) eval(f *frame) value {
	switch e.form {
	case "EXISTS":
		found := false
		e.query.rows(f, func(value) bool {
			found = true
			return false
		})
		return boolean(found)
	case "ARRAY":
		var vals []value
		size := 0
		e.query.rows(f, func(v value) bool {
			vals = append(vals, v)
			size += v.size()
			return size <= largestValue
		})
		return f.bounded(arrayOf(vals))
	}
	result, n := undefined, 0
	e.query.rows(f, func(v value) bool {
		result = v
		n++
		return n < 2
	})
	if n > 1 {
		return f.fail(errorAt(Evaluation, e.at.start, e.at.stop, "The cardinality of a scalar subquery result set cannot be greater than one."))
	}
	return result
}

// rows evaluates a subquery under the current bindings and hands its rows to fn until it returns false.
func (s *selection) rows(f *frame, fn func(value) bool) {
	left, err := s.window(f)
	if err != nil {
		f.fail(err)
		return
	}
	var seen map[string]bool
	if s.distinct {
		seen = map[string]bool{}
	}
	s.unpaged(f, func(v value) bool {
		if seen != nil {
			key := string(appendIdentity(nil, v))
			if seen[key] {
				return true
			}
			seen[key] = true
		}
		if left.skip > 0 {
			left.skip--
			return true
		}
		if left.rows == 0 {
			return false
		}
		left.rows--
		return fn(v) && left.rows != 0
	})
}

// unpaged evaluates a subquery without DISTINCT and limits.
func (s *selection) unpaged(f *frame, fn func(value) bool) {
	if !s.grouped {
		s.matches(f, func() bool {
			v := s.project.eval(f)
			return f.err == nil && (v.isUndefined() || fn(v))
		})
		return
	}
	outerGroup, outerAggs := f.group, f.aggs
	defer func() { f.group, f.aggs = outerGroup, outerAggs }()
	g := newGroups(s)
	s.matches(f, func() bool {
		g.add(f)
		return f.err == nil
	})
	g.each(f, fn)
}

// matches binds the sources one inside the other and calls fn for each combination that WHERE accepts. It returns
// false when fn did.
func (s *selection) matches(f *frame, fn func() bool) bool { return s.from(f, 0, fn) }

func (s *selection) from(f *frame, i int, fn func() bool) bool {
	if f.cancelled() {
		return false
	}
	if i == len(s.sources) {
		if s.where != nil && !s.where.eval(f).isTrue() {
			return f.err == nil
		}
		return fn() && f.err == nil
	}
	src := &s.sources[i]
	more := true
	bind := func(v value) bool {
		if !v.isUndefined() {
			f.slots[src.slot] = v
			more = s.from(f, i+1, fn)
		}
		return more
	}
	if src.query != nil {
		src.query.rows(f, func(v value) bool { return src.spread(v, bind) })
	} else {
		src.spread(src.expr.eval(f), bind)
	}
	return more && f.err == nil
}

// spread hands out v, or with IN its elements; what is no array has none.
func (s *source) spread(v value, bind func(value) bool) bool {
	if !s.iterate {
		return bind(v)
	}
	more := true
	if v.kind == kindArray {
		v.each(func(e value) bool {
			more = bind(e)
			return more
		})
	}
	return more
}

// window is what TOP, OFFSET and LIMIT leave of the rows: rows is -1 without a limit.
type window struct{ skip, rows int64 }

func (s *selection) window(f *frame) (window, *Error) {
	w := window{rows: -1}
	for _, c := range []struct {
		x    expr
		to   *int64
		name string
	}{{s.offset, &w.skip, "OFFSET"}, {s.limit, &w.rows, "LIMIT"}, {s.top, &w.rows, "TOP"}} {
		if c.x == nil {
			continue
		}
		n, ok := c.x.eval(f).integer()
		if !ok || n < 0 || n > 1<<31-1 {
			return w, errorAt(Parameter, 0, 0, "The value of %s must be a non-negative 32-bit integer.", c.name)
		}
		*c.to = n
	}
	return w, nil
}
