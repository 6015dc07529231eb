package sql

import "bytes"

// Run evaluates the query over in.Documents and hands each row, as JSON, to emit. The bytes of a row are valid
// only until emit returns. When emit returns false the row counts as not given out and the run ends: the page is
// full, and Outcome.State resumes with that row. Errors are *Error or the source's own; rows given out before an
// error are worth nothing.
func (q *Query) Run(in Input, emit func(row []byte) bool) (Outcome, error) {
	r := &run{plan: q.plan, in: in, pager: pager{emit: emit, room: -1}}
	r.out.State = in.From
	if err := r.start(); err != nil {
		return r.out, err
	}
	var err error
	switch {
	case q.plan.constant:
		err = r.constant()
	case len(q.plan.order) > 0:
		err = r.sorted()
	case q.plan.sel.grouped:
		err = r.grouped()
	case q.plan.sel.distinct:
		err = r.replayed(r.streamDistinct)
	default:
		err = r.stream()
	}
	if err == nil && r.f.err != nil {
		err = r.f.err
	}
	r.out.Done = !r.pager.full
	return r.out, err
}

// run is one execution of a query.
type run struct {
	plan  *plan
	in    Input
	f     frame
	pager pager
	out   Outcome
	row   []byte
}

func (r *run) start() error {
	p := r.plan
	r.f = frame{
		slots:  make([]value, p.slots),
		params: make([]value, len(p.params)),
		cached: make([]cachedPath, p.caches),
		sets:   make([]map[string]struct{}, p.sets),
		tables: make([]map[string][]int, p.tables),
		now:    r.in.Now,
		cancel: r.in.Cancel,
		doc:    1,
	}
	if err := r.bindParams(); err != nil {
		return err
	}
	w, err := p.sel.window(&r.f)
	if err != nil {
		return err
	}
	if w.rows >= 0 {
		w.rows = max(0, w.rows-r.in.From.Rows)
	}
	w.skip = max(0, w.skip-r.in.From.Skipped)
	r.pager.window, r.pager.out = w, &r.out
	if r.in.MaxRows > 0 {
		r.pager.room = int64(r.in.MaxRows)
	}
	return nil
}

// bindParams gives the parameters of the query their values. The request may hold more, but none twice.
func (r *run) bindParams() error {
	index := make(map[string]int, len(r.plan.params))
	for i, name := range r.plan.params {
		index[name] = i
	}
	seen := make(map[string]bool, len(r.in.Params))
	for _, p := range r.in.Params {
		if seen[p.Name] {
			return errorAt(Parameter, 0, 0, "The parameter '%s' is given more than once.", p.Name)
		}
		seen[p.Name] = true
		v, ok := fromJSON(p.Value)
		if !ok {
			return errorAt(Parameter, 0, 0, "The value of the parameter '%s' is not JSON.", p.Name)
		}
		if i, used := index[p.Name]; used {
			r.f.params[i] = v
		}
	}
	for _, name := range r.plan.params {
		if !seen[name] {
			return errorAt(Parameter, 0, 0, "The parameter '%s' has no value.", name)
		}
	}
	return nil
}

// documents yields the source, counted and bound to slot 0, until fn returns false.
func (r *run) documents(fn func(doc Document) bool) error {
	for doc, err := range r.in.Documents {
		if err != nil {
			return err
		}
		r.out.Stats.DocumentsRead++
		r.out.Stats.BytesRead += int64(len(doc.JSON))
		r.f.doc++
		r.f.slots[0] = root(doc.JSON)
		if !fn(doc) || r.f.err != nil {
			return nil
		}
	}
	return nil
}

// project evaluates SELECT for the current bindings: nil for undefined, which is no row, and on failure.
func (r *run) project() []byte {
	return r.encode(r.plan.sel.project.eval(&r.f))
}

func (r *run) encode(v value) []byte {
	if v.isUndefined() || r.f.err != nil {
		return nil
	}
	if v.stored {
		return v.data
	}
	if !finite(v) {
		r.f.fail(errorAt(Evaluation, 0, 0, "The result holds NaN or an infinite number, which JSON cannot express."))
		return nil
	}
	r.row = appendJSON(r.row[:0], v)
	return r.row
}

// stream runs a query that needs no more than the current document.
func (r *run) stream() error {
	if r.pager.exhausted() {
		return nil
	}
	given, skip := 0, 0
	var at []byte
	err := r.scan(func(doc Document, number int) bool {
		if number == 0 {
			at, given, skip = doc.Key, 0, 0
			if r.in.From.Row > 0 && bytes.Equal(doc.Key, r.in.From.Key) {
				skip = r.in.From.Row
			}
		}
		row := r.project()
		if row == nil {
			return true
		}
		if given >= skip && !r.pager.offer(row) {
			return false
		}
		given++
		return !r.pager.exhausted()
	})
	r.out.State.Key, r.out.State.Row = nil, 0
	if r.pager.full {
		r.out.State.Key, r.out.State.Row = bytes.Clone(at), given
	}
	return err
}

// constant runs a query without FROM: one row.
func (r *run) constant() error {
	return r.replayed(func(offer func(row []byte) bool) error {
		r.plan.sel.unpaged(&r.f, func(v value) bool {
			row := r.encode(v)
			return row != nil && offer(row)
		})
		return nil
	})
}

// grouped runs a query with aggregates or GROUP BY.
func (r *run) grouped() error {
	return r.replayed(func(offer func(row []byte) bool) error {
		g := newGroups(r.plan.sel)
		err := r.scan(func(Document, int) bool {
			g.add(&r.f)
			return true
		})
		if err != nil || r.f.err != nil {
			return err
		}
		g.each(&r.f, func(v value) bool {
			row := r.encode(v)
			return row != nil && offer(row)
		})
		return nil
	})
}

// streamDistinct offers the rows of a query with DISTINCT; replayed drops the repeated ones.
func (r *run) streamDistinct(offer func(row []byte) bool) error {
	return r.scan(func(Document, int) bool {
		row := r.project()
		return row == nil || offer(row)
	})
}

// scan calls fn for each match of each document, with its number within the document, until fn returns false.
func (r *run) scan(fn func(doc Document, number int) bool) error {
	var doc Document
	number := 0
	each := func() bool {
		number++
		return fn(doc, number-1)
	}
	return r.documents(func(d Document) bool {
		doc, number = d, 0
		more := r.plan.sel.matches(&r.f, each)
		if number > 0 {
			r.out.Stats.DocumentsMatched++
		}
		return more
	})
}

// replayed runs a query whose pages begin again from the start: it drops the rows of the pages before.
func (r *run) replayed(rows func(offer func(row []byte) bool) error) error {
	if r.pager.exhausted() {
		return nil
	}
	before := r.in.From.Rows + r.in.From.Skipped
	seen := map[string]bool{}
	return rows(func(row []byte) bool {
		if r.plan.sel.distinct && !firstSight(seen, row) {
			return true
		}
		if before > 0 {
			before--
			return true
		}
		return r.pager.offer(row) && !r.pager.exhausted()
	})
}

// firstSight reports whether no equal row has been seen, and remembers it.
func firstSight(seen map[string]bool, row []byte) bool {
	v, _ := valueAt(row, 0)
	key := string(appendIdentity(nil, v))
	if seen[key] {
		return false
	}
	seen[key] = true
	return true
}
