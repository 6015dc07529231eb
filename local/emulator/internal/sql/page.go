package sql

// pager gives rows out, and knows OFFSET, LIMIT and the size of the page.
type pager struct {
	window
	emit func(row []byte) bool
	out  *Outcome
	room int64 // rows the page still takes, -1 without a bound
	full bool  // a row was refused
}

// exhausted reports that TOP or LIMIT lets no further row through.
func (p *pager) exhausted() bool { return p.rows == 0 }

// offer gives a row out or skips it for OFFSET; false when the page is full and the row is kept back. The caller
// asks exhausted first.
func (p *pager) offer(row []byte) bool {
	if p.skip > 0 {
		p.skip--
		p.out.State.Skipped++
		return true
	}
	if p.room == 0 || !p.emit(row) {
		p.full = true
		return false
	}
	if p.room > 0 {
		p.room--
	}
	if p.rows > 0 {
		p.rows--
	}
	p.out.State.Rows++
	p.out.Stats.RowsOut++
	p.out.Stats.BytesOut += int64(len(row))
	return true
}
