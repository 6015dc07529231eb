package sql

import (
	"math"
	"strconv"
	"strings"
)

// printer writes a syntax tree as a query that parses to the same tree. GROUP BY compares expressions by it.
type printer struct{ strings.Builder }

func printNode(n node) string {
	var p printer
	p.node(n)
	return p.String()
}

func printQuery(q *queryNode) string {
	var p printer
	p.query(q)
	return p.String()
}

func (p *printer) put(parts ...string) {
	for _, s := range parts {
		p.WriteString(s)
	}
}

func (p *printer) nodes(list []node) {
	for i, n := range list {
		if i > 0 {
			p.put(", ")
		}
		p.node(n)
	}
}

func (p *printer) node(n node) {
	switch n := n.(type) {
	case *literalNode:
		p.literal(n.val)
	case *paramNode:
		p.put(n.name)
	case *identNode:
		p.put(n.name)
	case *memberNode:
		p.node(n.of)
		p.put("[", quoteText(n.name), "]")
	case *indexNode:
		p.node(n.of)
		p.put("[")
		p.node(n.index)
		p.put("]")
	case *parenNode:
		p.put("(")
		p.node(n.inner)
		p.put(")")
	case *unaryNode:
		p.put(n.op, " ")
		p.node(n.inner)
	case *binaryNode:
		p.node(n.left)
		p.put(" ", n.op, " ")
		p.node(n.right)
	case *logicNode:
		for i, t := range n.terms {
			if i > 0 {
				p.put(" ", n.op, " ")
			}
			p.node(t)
		}
	case *ternaryNode:
		p.node(n.cond)
		p.put(" ? ")
		p.node(n.yes)
		p.put(" : ")
		p.node(n.no)
	default:
		p.compoundNode(n)
	}
}

func (p *printer) compoundNode(n node) {
	switch n := n.(type) {
	case *inNode:
		p.node(n.needle)
		p.put(negated(n.not), " IN (")
		p.nodes(n.list)
		p.put(")")
	case *betweenNode:
		p.node(n.subject)
		p.put(negated(n.not), " BETWEEN ")
		p.node(n.low)
		p.put(" AND ")
		p.node(n.high)
	case *likeNode:
		p.node(n.subject)
		p.put(negated(n.not), " LIKE ")
		p.node(n.pattern)
		if n.escape != nil {
			p.put(" ESCAPE ")
			p.node(n.escape)
		}
	case *callNode:
		p.put(n.name, "(")
		p.nodes(n.args)
		p.put(")")
	case *arrayNode:
		p.put("[")
		p.nodes(n.items)
		p.put("]")
	case *objectNode:
		p.put("{")
		for i, v := range n.vals {
			if i > 0 {
				p.put(", ")
			}
			p.put(quoteText(n.keys[i]), ": ")
			p.node(v)
		}
		p.put("}")
	case *subqueryNode:
		p.put(n.form, "(")
		p.query(n.query)
		p.put(")")
	}
}

func negated(not bool) string {
	if not {
		return " NOT"
	}
	return ""
}

func (p *printer) literal(v value) {
	switch {
	case v.isUndefined():
		p.put("undefined")
	case v.stored:
		p.Write(v.data)
	case v.kind == kindNumber && v.num == math.Trunc(v.num):
		p.put(strconv.FormatFloat(v.num, 'f', -1, 64))
	default:
		p.Write(appendJSON(nil, v))
	}
}

func quoteText(s string) string { return string(appendQuoted(nil, []byte(s))) }

func (p *printer) query(q *queryNode) {
	p.put("SELECT ")
	if q.distinct {
		p.put("DISTINCT ")
	}
	if q.top != nil {
		p.put("TOP ")
		p.node(q.top)
		p.put(" ")
	}
	p.selection(q)
	for i, s := range q.from {
		if i == 0 {
			p.put(" FROM ")
		} else {
			p.put(" JOIN ")
		}
		p.source(s)
	}
	if q.where != nil {
		p.put(" WHERE ")
		p.node(q.where)
	}
	if len(q.groupBy) > 0 {
		p.put(" GROUP BY ")
		p.nodes(q.groupBy)
	}
	p.orderAndLimit(q)
}

func (p *printer) selection(q *queryNode) {
	switch {
	case q.star:
		p.put("*")
	case q.value != nil:
		p.put("VALUE ")
		p.node(q.value)
	}
	for i, item := range q.list {
		if i > 0 {
			p.put(", ")
		}
		p.node(item.expr)
		if item.alias != "" {
			p.put(" AS ", item.alias)
		}
	}
}

func (p *printer) source(s sourceNode) {
	if s.iterate {
		p.put(s.alias, " IN ")
	}
	if s.subquery != nil {
		p.put("(")
		p.query(s.subquery)
		p.put(")")
	} else {
		p.node(s.path)
	}
	if s.named && !s.iterate {
		p.put(" AS ", s.alias)
	}
}

func (p *printer) orderAndLimit(q *queryNode) {
	for i, item := range q.orderBy {
		if i == 0 {
			p.put(" ORDER BY ")
		} else {
			p.put(", ")
		}
		p.node(item.expr)
		if item.desc {
			p.put(" DESC")
		} else {
			p.put(" ASC")
		}
	}
	if q.limit != nil {
		p.put(" OFFSET ")
		p.node(q.offset)
		p.put(" LIMIT ")
		p.node(q.limit)
	}
}
