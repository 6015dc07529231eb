package sql

// parse reads a whole query.
func parse(src string) (*queryNode, *Error) {
	if len(src) > maxText {
		return nil, errorAt(Syntax, 0, 0, "The query text is %d bytes long; at most %d are allowed.", len(src), maxText)
	}
	p := parser{lex: lexer{src: src}}
	p.advance()
	q := p.query()
	p.take(";")
	if p.err == nil && p.tok.kind != tokenEnd {
		p.unexpected()
	}
	if p.err != nil {
		return nil, p.err
	}
	return q, nil
}

// subquery parses a query inside parentheses.
func (p *parser) subquery() *queryNode {
	if !p.enter() {
		return &queryNode{}
	}
	defer p.leave()
	return p.query()
}

func (p *parser) query() *queryNode {
	start := p.tok.start
	q := &queryNode{}
	p.expectKeyword("SELECT")
	p.selection(q)
	if p.takeKeyword("FROM") {
		q.from = append(q.from, p.source(true))
		for p.err == nil && p.takeKeyword("JOIN") {
			q.from = append(q.from, p.source(false))
		}
	}
	if p.takeKeyword("WHERE") {
		q.where = p.expression()
	}
	if p.takeKeyword("GROUP") {
		p.expectKeyword("BY")
		q.groupBy = p.list()
	}
	if p.takeKeyword("ORDER") {
		p.expectKeyword("BY")
		q.orderBy = p.order()
	}
	if p.takeKeyword("OFFSET") {
		q.offset = p.count()
		p.expectKeyword("LIMIT")
		q.limit = p.count()
	}
	q.place = p.spanFrom(start)
	return q
}

func (p *parser) selection(q *queryNode) {
	q.distinct = p.takeKeyword("DISTINCT")
	if p.takeKeyword("TOP") {
		q.top = p.count()
	}
	if p.take("*") {
		q.star = true
		return
	}
	if p.takeKeyword("VALUE") {
		q.value = p.expression()
		p.alias() // allowed and without meaning
		return
	}
	for p.err == nil {
		item := selectItem{expr: p.expression()}
		item.alias, _ = p.alias()
		q.list = append(q.list, item)
		if !p.take(",") {
			return
		}
	}
}

// alias takes [AS] name if it is there.
func (p *parser) alias() (string, bool) {
	if p.takeKeyword("AS") {
		return p.name(), true
	}
	if p.tok.kind == tokenWord {
		return p.name(), true
	}
	return "", false
}

// count takes the operand of TOP, OFFSET or LIMIT.
func (p *parser) count() node {
	t := p.tok
	switch t.kind {
	case tokenParam:
		p.advance()
		return &paramNode{place{t.start, t.end}, t.text}
	case tokenNumber:
		if n, ok := number(t.num).integer(); !ok || n > 1<<31-1 {
			p.fail(errorAt(Syntax, t.start, t.end, "Syntax error, %s is not a count.", near(p.lex.src, t.start, t.end)))
		}
		p.advance()
		return &literalNode{place{t.start, t.end}, number(t.num)}
	}
	p.unexpected()
	return nil
}

func (p *parser) list() []node {
	items := []node{p.expression()}
	for p.err == nil && p.take(",") {
		items = append(items, p.expression())
	}
	return items
}

func (p *parser) order() []orderItem {
	var items []orderItem
	for p.err == nil {
		item := orderItem{expr: p.expression()}
		if p.takeKeyword("DESC") {
			item.desc = true
		} else {
			p.takeKeyword("ASC")
		}
		items = append(items, item)
		if !p.take(",") {
			break
		}
	}
	return items
}

// source parses an item of FROM or JOIN: collection [[AS] alias], or alias IN collection.
func (p *parser) source(first bool) sourceNode {
	start := p.tok.start
	var s sourceNode
	if p.at("(") {
		s.subquery = p.collectionQuery()
		s.alias, s.named = p.alias()
		s.place = p.spanFrom(start)
		return s
	}
	t := p.tok
	name := p.name()
	if p.takeKeyword("IN") {
		s.alias, s.named, s.iterate = name, true, true
		if p.at("(") {
			s.subquery = p.collectionQuery()
		} else {
			inner := p.tok
			s.path = p.sourcePath(inner, p.name())
		}
		s.place = p.spanFrom(start)
		return s
	}
	s.path = p.sourcePath(t, name)
	if s.alias, s.named = p.alias(); !s.named {
		s.alias = inferredName(s.path)
	}
	s.place = p.spanFrom(start)
	if !first && !s.named && s.path != nil {
		if _, bare := s.path.(*identNode); bare {
			p.fail(errorAt(Semantic, s.start, s.stop, "JOIN needs IN, a path or a subquery."))
		}
	}
	return s
}

func (p *parser) collectionQuery() *queryNode {
	p.expect("(")
	q := p.subquery()
	p.expect(")")
	return q
}

// sourcePath takes the .name, ["name"] and [n] behind a source's name.
func (p *parser) sourcePath(t token, name string) node {
	var x node = &identNode{place{t.start, t.end}, name}
	for length := 0; p.err == nil; length++ {
		if length > maxDepth {
			p.fail(errorAt(Syntax, t.start, p.tok.end, "Syntax error, the path is longer than %d steps.", maxDepth))
		}
		switch {
		case p.take("."):
			x = &memberNode{p.spanFrom(t.start), x, p.name()}
		case p.take("["):
			step := p.tok
			if step.kind != tokenString && step.kind != tokenNumber {
				p.unexpected()
				return x
			}
			index := p.primary()
			p.expect("]")
			x = indexed(p.spanFrom(t.start), x, index)
		default:
			return x
		}
	}
	return x
}

// inferredName is the name that a path gives to what it selects: its last property, or its alias.
func inferredName(x node) string {
	switch x := x.(type) {
	case *identNode:
		return x.name
	case *memberNode:
		return x.name
	case *parenNode:
		return inferredName(x.inner)
	}
	return ""
}
