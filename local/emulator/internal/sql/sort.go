package sql

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
)

// sortedRow is a row with what it is sorted by: the values of ORDER BY, then the place of its document in the scan,
// then its number among the rows of the document.
type sortedRow struct {
	vals []value
	key  []byte
	row  int
	seq  int64 // arrival, for sources without keys
	json []byte
}

func (r *run) compareRows(a, b *sortedRow) int {
	for i, item := range r.plan.order {
		c := rank(a.vals[i], b.vals[i])
		if c != 0 {
			if item.desc {
				return -c
			}
			return c
		}
	}
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c
	}
	if c := cmp.Compare(a.row, b.row); c != 0 {
		return c
	}
	return cmp.Compare(a.seq, b.seq)
}

// sorted runs a query with ORDER BY. When the number of rows wanted is known it keeps only so many, in a heap with
// the last of them on top.
func (r *run) sorted() error {
	if r.pager.exhausted() {
		return nil
	}
	after, err := r.resumePoint()
	if err != nil {
		return err
	}
	s := &sorter{run: r, after: after, most: r.wanted()}
	if err := s.collect(); err != nil || r.f.err != nil {
		return err
	}
	slices.SortFunc(s.rows, r.compareRows)
	return s.giveOut()
}

// wanted is how many rows the page can use, one more than it takes so as to know whether there is another; or -1.
func (r *run) wanted() int64 {
	if r.plan.sel.distinct {
		return -1 // equal rows drop out only later
	}
	most := r.pager.rows
	if r.pager.room >= 0 && (most < 0 || r.pager.room+1 < most) {
		most = r.pager.room + 1
	}
	if most >= 0 {
		most += r.pager.skip
	}
	return most
}

// resumePoint is the last row of the page before, nil on the first page. With DISTINCT pages begin again instead.
func (r *run) resumePoint() (*sortedRow, error) {
	from := r.in.From
	if from.Sort == nil || r.plan.sel.distinct {
		return nil, nil
	}
	if len(from.Sort) != len(r.plan.order) {
		return nil, errorAt(Parameter, 0, 0, "The continuation belongs to another query.")
	}
	at := &sortedRow{key: from.Key, row: from.Row}
	for _, raw := range from.Sort {
		wrapped, ok := fromJSON(raw)
		if !ok || wrapped.kind != kindArray {
			return nil, errorAt(Parameter, 0, 0, "The continuation is damaged.")
		}
		at.vals = append(at.vals, wrapped.at(0))
	}
	return at, nil
}

type sorter struct {
	run   *run
	after *sortedRow
	most  int64
	rows  []*sortedRow // a heap, the last row on top, once most is reached
	seq   int64
	spare *sortedRow
}

func (s *sorter) collect() error {
	return s.run.scan(func(doc Document, number int) bool {
		s.consider(doc, number)
		return true
	})
}

// consider keeps the current row if it may belong to the page.
func (s *sorter) consider(doc Document, number int) {
	r := s.run
	c := s.spare
	if c == nil {
		c = &sortedRow{vals: make([]value, len(r.plan.order))}
	}
	s.spare = c
	for i, item := range r.plan.order {
		c.vals[i] = item.expr.eval(&r.f)
	}
	if len(c.vals) == 1 && c.vals[0].isUndefined() && !r.in.KeepUndefined {
		return
	}
	c.key, c.row, c.seq = doc.Key, number, s.seq
	s.seq++
	if s.after != nil && s.compareAfter(c) <= 0 {
		return
	}
	full := s.most >= 0 && int64(len(s.rows)) >= s.most
	if full && (s.most == 0 || r.compareRows(c, s.rows[0]) >= 0) {
		return
	}
	json := r.project()
	if json == nil {
		return
	}
	c.json = append(c.json[:0], json...)
	c.key = bytes.Clone(doc.Key)
	for i, v := range c.vals {
		c.vals[i] = v.detached()
	}
	s.spare = nil
	if full {
		s.spare, s.rows[0] = s.rows[0], c
		s.down(0)
		return
	}
	s.rows = append(s.rows, c)
	if s.most >= 0 {
		s.up(len(s.rows) - 1)
	}
}

// compareAfter compares with the resume point, for which arrival does not count.
func (s *sorter) compareAfter(c *sortedRow) int {
	s.after.seq = c.seq
	return s.run.compareRows(c, s.after)
}

func (s *sorter) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if s.run.compareRows(s.rows[i], s.rows[parent]) <= 0 {
			return
		}
		s.rows[i], s.rows[parent] = s.rows[parent], s.rows[i]
		i = parent
	}
}

func (s *sorter) down(i int) {
	for {
		last := i
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < len(s.rows) && s.run.compareRows(s.rows[child], s.rows[last]) > 0 {
				last = child
			}
		}
		if last == i {
			return
		}
		s.rows[i], s.rows[last] = s.rows[last], s.rows[i]
		i = last
	}
}

func (s *sorter) giveOut() error {
	r := s.run
	if r.plan.sel.distinct {
		return r.replayed(func(offer func(row []byte) bool) error {
			for _, row := range s.rows {
				if !offer(row.json) {
					break
				}
			}
			return nil
		})
	}
	var last *sortedRow
	for _, row := range s.rows {
		if r.pager.exhausted() || !r.pager.offer(row.json) {
			break
		}
		last = row
	}
	if last != nil {
		r.remember(last)
	}
	return nil
}

// remember makes row the one that the next page goes on behind.
func (r *run) remember(row *sortedRow) {
	st := &r.out.State
	st.Key, st.Row = row.key, row.row
	st.Sort = make([]json.RawMessage, len(row.vals))
	for i, v := range row.vals {
		wrapped := []byte{'['}
		if !v.isUndefined() {
			wrapped = appendJSON(wrapped, v)
		}
		st.Sort[i] = append(wrapped, ']')
	}
}

// detached copies a value out of its document, numbers and strings decoded for quick comparison.
func (v value) detached() value {
	switch v.kind {
	case kindNumber:
		return number(v.float())
	case kindString:
		return text(bytes.Clone(v.bytes()))
	default:
		return v.clone()
	}
}
