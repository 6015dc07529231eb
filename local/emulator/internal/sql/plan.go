package sql

import "strings"

// plan is a resolved query with what is known about it before it runs.
type plan struct {
	sel      *selection
	order    []sortItem
	constant bool // no FROM: one row, whatever the documents
	star     bool
	features Features
	params   []string
	sortKeys []SortKey
	filters  func() []Filter // derived when first asked for
	// slots, caches, sets and tables size the frame of a run.
	slots, caches, sets, tables int
}

// sortItem is an item of ORDER BY.
type sortItem struct {
	expr expr
	desc bool
}

func (p *plan) buffered() bool { return len(p.order) > 0 || p.sel.grouped }

// documentPath lists the property names of a path from the document's root, if x is one.
func documentPath(x expr) ([]string, bool) {
	p, ok := x.(*pathExpr)
	if !ok || p.slot != 0 {
		return nil, false
	}
	segments := make([]string, len(p.steps))
	for i, s := range p.steps {
		if s.isIndex {
			return nil, false
		}
		segments[i] = s.name
	}
	return segments, true
}

// indexPath writes a path as indexing policies do; names that are no identifiers are quoted.
func indexPath(segments []string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte('/')
		l := lexer{src: s}
		if t, err := l.next(); err == nil && (t.kind == tokenWord || t.kind == tokenKeyword) && t.end == len(s) {
			b.WriteString(s)
		} else {
			b.WriteString(quoteText(s))
		}
	}
	return b.String()
}
