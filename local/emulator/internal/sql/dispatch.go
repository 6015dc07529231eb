package sql

// dispatch speeds up a long OR whose terms all ask the same path for a fixed value, as ReadMany does with
// (c.id = @a AND c.pk = @b) OR ...: it finds the terms for the value that the path has, and leaves out the others,
// which are false.
type dispatch struct {
	path  *pathExpr
	keys  []expr // the value each term asks for
	index int    // in frame.tables
}

// terms lists the terms that may hold for the current document; ok is false when all of them must be asked, because
// the path is undefined and so is each comparison with it.
func (d *dispatch) terms(f *frame) (which []int, ok bool) {
	v := d.path.eval(f)
	if v.isUndefined() {
		return nil, false
	}
	if f.tables[d.index] == nil {
		table := make(map[string][]int, len(d.keys))
		for i, k := range d.keys {
			id := string(appendIdentity(nil, k.eval(f)))
			table[id] = append(table[id], i)
		}
		f.tables[d.index] = table
	}
	f.buf = appendIdentity(f.buf[:0], v)
	return f.tables[d.index][string(f.buf)], true
}

// logic makes an AND or OR.
func (r *resolver) logic(or bool, terms []expr) expr {
	e := &logicExpr{or: or, terms: terms}
	if !or || len(terms) < longList {
		return e
	}
	for path := range fixedPaths(terms[0]) {
		d := &dispatch{path: path}
		for _, t := range terms {
			key, ok := fixedPaths(t)[path]
			if !ok {
				d = nil
				break
			}
			d.keys = append(d.keys, key)
		}
		if d != nil {
			d.index = r.tables
			r.tables++
			e.by = d
			return e
		}
	}
	return e
}

// fixedPaths are the paths that a term of an OR demands to equal a constant or parameter. Document paths are shared
// between expressions, so that pointers tell them apart.
func fixedPaths(term expr) map[*pathExpr]expr {
	conditions := []expr{term}
	if l, ok := term.(*logicExpr); ok && !l.or {
		conditions = l.terms
	}
	paths := map[*pathExpr]expr{}
	for _, c := range conditions {
		e, ok := c.(*equalExpr)
		if !ok || e.not {
			continue
		}
		left, right := e.left, e.right
		if _, onPath := left.(*pathExpr); !onPath {
			left, right = right, left
		}
		path, onPath := left.(*pathExpr)
		if c, isConst := right.(*constExpr); isConst && c.val.isUndefined() || !onPath || path.slot != 0 || !isFixed(right) {
			continue
		}
		if _, twice := paths[path]; !twice {
			paths[path] = right
		}
	}
	return paths
}
