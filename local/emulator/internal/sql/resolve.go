package sql

import (
	"math"
	"strings"
	"unicode/utf8"
)

// resolver turns a syntax tree into a plan: names become slots, functions become code, constants are folded.
type resolver struct {
	src      string
	features Features
	slots    int
	sets     int
	tables   int
	params   []string
	index    map[string]int       // parameter name -> index
	paths    map[string]*pathExpr // document paths by their text
}

// scope holds the aliases of a query and of those around it.
type scope struct {
	outer *scope
	names map[string]int
	// grouped is not nil while the SELECT of a query with aggregates or GROUP BY is resolved.
	grouped *grouping
}

// grouping is what a grouped SELECT may use.
type grouping struct {
	keys map[string]int // printed GROUP BY expression -> index
	aggs []aggregate
}

func (s *scope) find(name string) (int, bool) {
	for ; s != nil; s = s.outer {
		if slot, ok := s.names[name]; ok {
			return slot, true
		}
	}
	return 0, false
}

func (r *resolver) exprs(s *scope, list []node) ([]expr, *Error) {
	out := make([]expr, len(list))
	for i, n := range list {
		x, err := r.expr(s, n)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

// expr resolves a scalar expression.
func (r *resolver) expr(s *scope, n node) (expr, *Error) {
	if s.grouped != nil && len(s.grouped.keys) > 0 {
		if i, ok := s.grouped.keys[printNode(unparen(n))]; ok {
			return &groupExpr{i}, nil
		}
	}
	switch n := n.(type) {
	case *literalNode:
		return &constExpr{n.val}, nil
	case *parenNode:
		return r.expr(s, n.inner)
	case *paramNode:
		return r.param(n.name), nil
	case *identNode, *memberNode, *indexNode:
		return r.path(s, n)
	case *unaryNode:
		return r.unary(s, n)
	case *binaryNode:
		return r.binary(s, n)
	case *logicNode:
		terms, err := r.exprs(s, n.terms)
		return r.logic(n.op == "OR", terms), err
	case *callNode:
		return r.call(s, n)
	case *subqueryNode:
		return r.subquery(s, n)
	case *arrayNode:
		items, err := r.exprs(s, n.items)
		return foldArray(items), err
	case *objectNode:
		vals, err := r.exprs(s, n.vals)
		return foldObject(n.keys, vals), err
	default:
		return r.condition(s, n)
	}
}

// condition resolves the operators of three operands and more.
func (r *resolver) condition(s *scope, n node) (expr, *Error) {
	var operands []node
	switch n := n.(type) {
	case *ternaryNode:
		operands = []node{n.cond, n.yes, n.no}
	case *betweenNode:
		operands = []node{n.subject, n.low, n.high}
	case *inNode:
		operands = append([]node{n.needle}, n.list...)
	case *likeNode:
		operands = []node{n.subject, n.pattern}
	}
	x, err := r.exprs(s, operands)
	if err != nil {
		return nil, err
	}
	switch n := n.(type) {
	case *ternaryNode:
		return &ternaryExpr{x[0], x[1], x[2]}, nil
	case *betweenNode:
		return &betweenExpr{n.not, x[0], x[1], x[2]}, nil
	case *inNode:
		return r.in(n, x), nil
	case *likeNode:
		return r.like(n, x)
	}
	start, end := n.span()
	return nil, nearError(r.src, start, end)
}

func unparen(n node) node {
	for {
		p, ok := n.(*parenNode)
		if !ok {
			return n
		}
		n = p.inner
	}
}

func (r *resolver) param(name string) *paramExpr {
	i, ok := r.index[name]
	if !ok {
		i = len(r.params)
		r.params = append(r.params, name)
		r.index[name] = i
	}
	return &paramExpr{name, i}
}

// path resolves an alias with what follows it. Constant steps become one walk; paths of the document are shared.
func (r *resolver) path(s *scope, n node) (expr, *Error) {
	if s.grouped != nil && rootOf(n) != "" {
		start, end := n.span()
		return nil, errorAt(Semantic, start, end, "Property reference %s is invalid in the select list because it is not "+
			"contained in either an aggregate function or the GROUP BY clause.", near(r.src, start, end))
	}
	switch n := n.(type) {
	case *identNode:
		slot, ok := s.find(n.name)
		if !ok && n.name == "NaN" {
			return &constExpr{number(math.NaN())}, nil
		}
		if !ok && n.name == "Infinity" {
			return &constExpr{number(math.Inf(1))}, nil
		}
		if !ok {
			return nil, errorAt(Semantic, n.start, n.stop, "Identifier '%s' could not be resolved.", n.name)
		}
		return &slotExpr{slot}, nil
	case *memberNode:
		of, err := r.expr(s, n.of)
		if err != nil {
			return nil, err
		}
		if p := r.extend(of, step{name: n.name}); p != nil {
			return p, nil
		}
		return &memberExpr{of, n.name}, nil
	case *indexNode:
		return r.indexed(s, n)
	}
	return nil, nil
}

func (r *resolver) indexed(s *scope, n *indexNode) (expr, *Error) {
	of, err := r.expr(s, n.of)
	if err != nil {
		return nil, err
	}
	index, err := r.expr(s, n.index)
	if err != nil {
		return nil, err
	}
	if c, ok := index.(*constExpr); ok {
		if i, ok := c.val.integer(); ok {
			if p := r.extend(of, step{index: i, isIndex: true}); p != nil {
				return p, nil
			}
		}
	}
	return &indexExpr{of, index}, nil
}

// extend adds a constant step to a plain path; nil if of is not one.
func (r *resolver) extend(of expr, st step) expr {
	p := &pathExpr{cache: -1}
	switch of := of.(type) {
	case *slotExpr:
		p.slot = of.slot
	case *pathExpr:
		of.uses--
		p.slot = of.slot
		p.steps = append(p.steps, of.steps...)
	default:
		return nil
	}
	p.steps = append(p.steps, st)
	if p.slot == 0 {
		key := pathKey(p.steps)
		if shared, ok := r.paths[key]; ok {
			p = shared
		}
		r.paths[key] = p
	}
	p.uses++
	return p
}

func pathKey(steps []step) string {
	var b strings.Builder
	for _, s := range steps {
		if s.isIndex {
			b.WriteByte('[')
			b.Write(appendNumber(nil, float64(s.index)))
		} else {
			b.WriteByte('.')
			b.WriteString(quoteText(s.name))
		}
	}
	return b.String()
}

func (r *resolver) unary(s *scope, n *unaryNode) (expr, *Error) {
	inner, err := r.expr(s, n.inner)
	if err != nil {
		return nil, err
	}
	if c, ok := inner.(*constExpr); ok {
		return &constExpr{unary(n.op[0], c.val)}, nil
	}
	return &unaryExpr{n.op[0], inner}, nil
}

func (r *resolver) binary(s *scope, n *binaryNode) (expr, *Error) {
	left, err := r.expr(s, n.left)
	if err != nil {
		return nil, err
	}
	right, err := r.expr(s, n.right)
	if err != nil {
		return nil, err
	}
	switch n.op {
	case "=", "!=":
		return &equalExpr{n.op == "!=", left, right}, nil
	case "<", "<=", ">", ">=":
		return &orderExpr{n.op, left, right}, nil
	case "||":
		return &concatExpr{left, right}, nil
	case "??":
		return &coalesceExpr{left, right}, nil
	default:
		return &arithmeticExpr{n.op, left, right}, nil
	}
}

func (r *resolver) in(n *inNode, x []expr) expr {
	e := &inExpr{not: n.not, needle: x[0], list: x[1:], set: -1}
	if len(e.list) < longList {
		return e
	}
	for _, item := range e.list {
		if !isFixed(item) {
			return e
		}
	}
	e.set = r.sets
	r.sets++
	return e
}

// isFixed reports whether an expression has one value for a whole run.
func isFixed(x expr) bool {
	switch x.(type) {
	case *constExpr, *paramExpr:
		return true
	}
	return false
}

func (r *resolver) like(n *likeNode, x []expr) (expr, *Error) {
	e := &likeExpr{not: n.not, subject: x[0], pattern: x[1], at: n.place}
	if n.escape != nil {
		l, ok := n.escape.(*literalNode)
		if !ok || l.val.kind != kindString || utf8.RuneCount(l.val.bytes()) != 1 {
			start, end := n.escape.span()
			return nil, errorAt(Syntax, start, end, "ESCAPE takes a string literal of one character.")
		}
		e.escape, _ = utf8.DecodeRune(l.val.bytes())
	}
	if c, ok := x[1].(*constExpr); ok && c.val.kind == kindString {
		pattern, ok := compileLike(string(c.val.bytes()), e.escape)
		if !ok {
			return nil, badPattern(n.place)
		}
		e.compiled = pattern
	}
	return e, nil
}

func foldArray(items []expr) expr {
	e := &arrayExpr{items}
	for _, x := range items {
		if _, ok := x.(*constExpr); !ok {
			return e
		}
	}
	return &constExpr{e.eval(nil)}
}

func foldObject(keys []string, vals []expr) expr {
	e := &objectExpr{keys, vals}
	for _, x := range vals {
		if _, ok := x.(*constExpr); !ok {
			return e
		}
	}
	return &constExpr{e.eval(nil)}
}
